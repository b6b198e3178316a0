//! The order in which tables can be filled, and emptied.

use std::collections::{BTreeSet, HashMap, HashSet};

use canon_core::schema::{Model, QName};

/// A table in insert order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: QName,
    /// Foreign keys that point at a table filled later.
    pub postponed: Vec<Postponed>,
}

/// A foreign key of a cycle, and how the cycle is broken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postponed {
    /// Name of the constraint.
    pub constraint: String,
    /// Referenced table.
    pub table: QName,
    /// How.
    pub by: BreakBy,
}

/// What makes a cycle passable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakBy {
    /// The constraint is checked at commit: insert in any order inside one transaction.
    Deferral,
    /// The columns may be NULL: insert without them, then update.
    Null,
    /// Neither: the tables can only be filled with the constraint out of force.
    Nothing,
}

#[derive(Clone, Debug)]
struct Edge {
    to: usize,
    constraint: String,
    by: BreakBy,
}

/// Every table once, referenced tables first. Among equals the order of declaration decides.
/// Keys of a table to itself do not count: one statement can insert both rows.
pub fn insert_order(model: &Model) -> Vec<Step> {
    let index: HashMap<&QName, usize> = model.tables.iter().enumerate().map(|(n, t)| (&t.name, n)).collect();
    let edges: Vec<Vec<Edge>> = model
        .tables
        .iter()
        .enumerate()
        .map(|(n, table)| {
            table
                .foreign_keys()
                .filter_map(|(key, references)| {
                    let to = *index.get(&references.table)?;
                    let nullable = key.columns.iter().any(|c| table.column(c).is_some_and(|c| !c.not_null));
                    let by = match (key.initially_deferred || key.deferrable, nullable) {
                        (true, _) => BreakBy::Deferral,
                        (false, true) => BreakBy::Null,
                        _ => BreakBy::Nothing,
                    };
                    (to != n).then(|| Edge { to, constraint: key.name.clone(), by })
                })
                .collect()
        })
        .collect();
    let mut walk = Walk::new(&edges);
    let mut steps = Vec::with_capacity(edges.len());
    while let Some(next) = walk.next() {
        let postponed = walk
            .open_edges(next)
            .map(|e| Postponed { constraint: e.constraint.clone(), table: model.tables[e.to].name.clone(), by: e.by })
            .collect();
        steps.push(Step { table: model.tables[next].name.clone(), postponed });
        walk.finish(next);
    }
    steps
}

/// Kahn's algorithm, with a choice to make where only cycles are left.
struct Walk<'e> {
    edges: &'e [Vec<Edge>],
    dependents: Vec<Vec<usize>>,
    /// Number of keys that still wait for their table.
    open: Vec<usize>,
    ready: BTreeSet<usize>,
    done: Vec<bool>,
}

impl<'e> Walk<'e> {
    fn new(edges: &'e [Vec<Edge>]) -> Self {
        let mut dependents = vec![Vec::new(); edges.len()];
        for (from, list) in edges.iter().enumerate() {
            list.iter().for_each(|edge| dependents[edge.to].push(from));
        }
        let open: Vec<usize> = edges.iter().map(Vec::len).collect();
        let ready = open.iter().enumerate().filter(|(_, open)| **open == 0).map(|(n, _)| n).collect();
        Self { edges, dependents, open, ready, done: vec![false; edges.len()] }
    }

    fn open_edges(&self, n: usize) -> impl Iterator<Item = &'e Edge> {
        let done = &self.done;
        self.edges[n].iter().filter(|e| !done[e.to])
    }

    /// A table that waits for nothing, or else the table of a cycle whose open keys are the
    /// easiest to postpone, and the fewest.
    fn next(&self) -> Option<usize> {
        self.ready.first().copied().or_else(|| {
            let left = (0..self.edges.len()).filter(|n| !self.done[*n]);
            left.filter(|n| self.is_in_cycle(*n))
                .min_by_key(|n| (self.open_edges(*n).map(|e| e.by).max(), self.open[*n]))
        })
    }

    fn finish(&mut self, n: usize) {
        self.done[n] = true;
        self.ready.remove(&n);
        for &dependent in &self.dependents[n] {
            self.open[dependent] -= 1;
            if self.open[dependent] == 0 && !self.done[dependent] {
                self.ready.insert(dependent);
            }
        }
    }

    /// Whether a walk along open keys leads from `start` back to it.
    fn is_in_cycle(&self, start: usize) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![start];
        while let Some(n) = stack.pop() {
            for edge in self.open_edges(n) {
                if edge.to == start {
                    return true;
                }
                if seen.insert(edge.to) {
                    stack.push(edge.to);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::load, source::Source};

    fn order(sql: &str) -> Vec<Step> {
        let loaded = load(vec![Source::new("t.sql", sql)]);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        insert_order(&loaded.model)
    }

    fn names(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|s| s.table.name.as_str()).collect()
    }

    #[test]
    fn referenced_tables_come_first() {
        let steps = order(
            "CREATE TABLE c (id int PRIMARY KEY, parent int REFERENCES c);
             CREATE TABLE a (id int PRIMARY KEY, c int REFERENCES c);
             CREATE TABLE b (a int REFERENCES a, c int REFERENCES c);",
        );
        assert_eq!(names(&steps), ["c", "a", "b"]);
        assert!(steps.iter().all(|s| s.postponed.is_empty()));
    }

    #[test]
    fn cycles_are_broken_where_it_is_easiest() {
        let tables = "CREATE TABLE org (id int PRIMARY KEY, owner int);
             CREATE TABLE usr (id int PRIMARY KEY, org int NOT NULL REFERENCES org);";
        let deferred =
            order(&format!("{tables} ALTER TABLE org ADD CONSTRAINT k FOREIGN KEY (owner) REFERENCES usr DEFERRABLE;"));
        assert_eq!(names(&deferred), ["org", "usr"]);
        assert_eq!(deferred[0].postponed[0].by, BreakBy::Deferral);
        let nullable = order(&format!("{tables} ALTER TABLE org ADD CONSTRAINT k FOREIGN KEY (owner) REFERENCES usr;"));
        assert_eq!(nullable[0].postponed[0].by, BreakBy::Null);
        let hard = order(&format!(
            "{tables} ALTER TABLE org ALTER owner SET NOT NULL;
             ALTER TABLE org ADD CONSTRAINT k FOREIGN KEY (owner) REFERENCES usr;"
        ));
        assert_eq!(hard[0].postponed[0].by, BreakBy::Nothing);
    }

    #[test]
    fn a_table_that_only_waits_for_a_cycle_is_not_cut_loose() {
        let steps = order(
            "CREATE TABLE z (id int PRIMARY KEY);
             CREATE TABLE x (id int PRIMARY KEY, y int);
             CREATE TABLE y (id int PRIMARY KEY, x int NOT NULL REFERENCES x);
             CREATE TABLE w (y int REFERENCES y);
             ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y;",
        );
        assert_eq!(names(&steps), ["z", "x", "y", "w"]);
        assert!(steps[3].postponed.is_empty());
    }
}
