//! The order in which tables can be filled, and emptied.

mod walk;

use std::collections::HashMap;

use canon_core::schema::{Action, Constraint, Match, Model, QName, References, Table};
use serde::Serialize;

use self::walk::{Edge, walk};

/// A table in insert order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The table.
    pub table: QName,
    /// Foreign keys that point at a table filled later.
    pub postponed: Vec<Postponed>,
}

/// A foreign key of a cycle, and how the cycle is broken there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Postponed {
    /// Name of the constraint.
    pub constraint: String,
    /// Referenced table.
    pub table: QName,
    /// How.
    pub by: BreakBy,
}

/// What makes a cycle passable when rows are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakBy {
    /// The constraint is checked at commit: insert in any order inside one transaction.
    Deferral,
    /// The columns may be NULL: insert without them, then update.
    Null,
    /// Neither: the tables can only be filled with the constraint out of force.
    Nothing,
}

/// A table in delete order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteStep {
    /// The table.
    pub table: QName,
    /// Foreign keys of tables emptied later that point here.
    pub left: Vec<Left>,
}

/// A foreign key that still has rows when the rows it points at go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Name of the constraint.
    pub constraint: String,
    /// Referencing table.
    pub table: QName,
    /// What lets the rows go.
    pub by: ReleaseBy,
}

/// What makes a cycle passable when rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseBy {
    /// `ON DELETE CASCADE`: the referencing rows go along.
    Cascade,
    /// `ON DELETE SET NULL` over columns that may be NULL.
    SetNull,
    /// The constraint is checked at commit.
    Deferral,
    /// The columns may be NULL: update them first.
    Null,
    /// None of these: the tables can only be emptied together, by TRUNCATE, or with the constraint
    /// out of force.
    Nothing,
}

/// A foreign key between two different tables, as positions in [`Model::tables`].
struct Key<'m> {
    child: usize,
    parent: usize,
    constraint: &'m Constraint,
    references: &'m References,
    /// NULL can lift the key.
    nullable: bool,
}

/// Keys that are in force. One of a table to itself does not count: one statement can insert, or
/// delete, both rows.
fn keys(model: &Model) -> Vec<Key<'_>> {
    let index: HashMap<&QName, usize> = model.tables.iter().enumerate().map(|(n, t)| (&t.name, n)).collect();
    let mut keys = Vec::new();
    for (child, table) in model.tables.iter().enumerate() {
        for (constraint, references) in table.foreign_keys().filter(|(key, _)| !key.not_enforced) {
            match index.get(&references.table) {
                Some(&parent) if parent != child => {
                    let nullable = nullable(table, constraint, references);
                    keys.push(Key { child, parent, constraint, references, nullable });
                }
                _ => {}
            }
        }
    }
    keys
}

/// One NULL lifts a key, all of them one that is MATCH FULL.
fn nullable(table: &Table, key: &Constraint, references: &References) -> bool {
    let mut columns = key.columns.iter().map(|c| table.column(c).is_some_and(|c| !c.not_null));
    match references.matching {
        Match::Simple => columns.any(|nullable| nullable),
        Match::Full => columns.all(|nullable| nullable),
    }
}

/// Every table once, referenced tables first. Among equals the order of declaration decides.
pub fn insert_order(model: &Model) -> Vec<Step> {
    let keys = keys(model);
    let by = |key: &Key<'_>| match (key.constraint.deferrable || key.constraint.initially_deferred, key.nullable) {
        (true, _) => BreakBy::Deferral,
        (false, true) => BreakBy::Null,
        (false, false) => BreakBy::Nothing,
    };
    let edges = keys.iter().map(|key| Edge { from: key.child, to: key.parent, cost: by(key) as usize });
    let steps = walk(model.tables.len(), &edges.collect::<Vec<_>>());
    let postponed = |n: &usize| Postponed {
        constraint: keys[*n].constraint.name.clone(),
        table: model.tables[keys[*n].parent].name.clone(),
        by: by(&keys[*n]),
    };
    steps
        .into_iter()
        .map(|(table, open)| Step {
            table: model.tables[table].name.clone(),
            postponed: open.iter().map(postponed).collect(),
        })
        .collect()
}

/// Every table once, referencing tables first. Among equals the order of declaration decides.
pub fn delete_order(model: &Model) -> Vec<DeleteStep> {
    let keys = keys(model);
    let by = |key: &Key<'_>| {
        let deferrable = key.constraint.deferrable || key.constraint.initially_deferred;
        match (key.references.on_delete, deferrable, key.nullable) {
            (Action::Cascade, _, _) => ReleaseBy::Cascade,
            (Action::SetNull, _, true) => ReleaseBy::SetNull,
            // RESTRICT refuses at once, deferrable or not.
            (Action::NoAction, true, _) => ReleaseBy::Deferral,
            (_, _, true) => ReleaseBy::Null,
            _ => ReleaseBy::Nothing,
        }
    };
    let edges = keys.iter().map(|key| Edge { from: key.parent, to: key.child, cost: by(key) as usize });
    let steps = walk(model.tables.len(), &edges.collect::<Vec<_>>());
    let left = |n: &usize| Left {
        constraint: keys[*n].constraint.name.clone(),
        table: model.tables[keys[*n].child].name.clone(),
        by: by(&keys[*n]),
    };
    steps
        .into_iter()
        .map(|(table, open)| DeleteStep {
            table: model.tables[table].name.clone(),
            left: open.iter().map(left).collect(),
        })
        .collect()
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

    #[test]
    fn a_key_outside_the_cycle_is_never_postponed() {
        // x waits for the cycle a-b by a key that could be NULL, and is in a cycle with y itself.
        let steps = order(
            "CREATE TABLE x (id int PRIMARY KEY, y int, a int);
             CREATE TABLE y (id int PRIMARY KEY, x int NOT NULL REFERENCES x);
             CREATE TABLE a (id int PRIMARY KEY, b int);
             CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
             ALTER TABLE x ADD CONSTRAINT xy FOREIGN KEY (y) REFERENCES y;
             ALTER TABLE x ADD CONSTRAINT xa FOREIGN KEY (a) REFERENCES a;
             ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b;",
        );
        assert_eq!(names(&steps), ["a", "b", "x", "y"]);
        let postponed: Vec<&str> = steps.iter().flat_map(|s| &s.postponed).map(|p| p.constraint.as_str()).collect();
        assert_eq!(postponed, ["ab", "xy"]);
    }

    #[test]
    fn match_full_is_lifted_by_all_columns_only() {
        for (matching, by) in [("", BreakBy::Null), ("MATCH FULL", BreakBy::Nothing)] {
            let steps = order(&format!(
                "CREATE TABLE a (t int NOT NULL, id int, b int, PRIMARY KEY (t, id));
                 CREATE TABLE b (t int NOT NULL, id int, PRIMARY KEY (t, id), FOREIGN KEY (t, id) REFERENCES a);
                 ALTER TABLE a ADD CONSTRAINT k FOREIGN KEY (t, b) REFERENCES b {matching};"
            ));
            assert_eq!(steps[0].postponed[0].by, by, "{matching}");
        }
    }

    #[test]
    fn rows_are_deleted_from_the_leaves() {
        let loaded = load(vec![Source::new(
            "t.sql",
            "CREATE TABLE org (id int PRIMARY KEY, owner int NOT NULL);
             CREATE TABLE usr (id int PRIMARY KEY, org int NOT NULL REFERENCES org ON DELETE RESTRICT DEFERRABLE);
             CREATE TABLE log (usr int REFERENCES usr);
             ALTER TABLE org ADD CONSTRAINT k FOREIGN KEY (owner) REFERENCES usr ON DELETE CASCADE;",
        )]);
        let steps = delete_order(&loaded.model);
        let names: Vec<&str> = steps.iter().map(|s| s.table.name.as_str()).collect();
        assert_eq!(names, ["log", "usr", "org"]);
        assert_eq!(
            steps[1].left[0],
            Left { constraint: "k".to_owned(), table: QName::new("public", "org"), by: ReleaseBy::Cascade }
        );
        assert!(steps[2].left.is_empty());
    }
}
