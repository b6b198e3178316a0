//! `canon.plan_check`: what is wrong with a template, before somebody instantiates it.

use canon_core::plan::GraphError;
use serde::Deserialize;

use super::error::PlanError;
use super::known;
use super::mapping::{Kind, Level, Mapping};
use super::options::Unscoped;
use super::sql::{Db, ident};
use super::tree::Tree;
use crate::error::{Error, Result};

/// Something wrong with a row of a template.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) severity: &'static str,
    pub(super) problem: &'static str,
    pub(super) level: String,
    pub(super) key: String,
    pub(super) label: Option<String>,
    pub(super) detail: String,
}

/// Checks a template as a whole: one query a level.
pub(super) fn check(db: &Db, template: &str) -> Result<Vec<Problem>> {
    let mapping = known::of_template(db, template)?;
    let tree = Tree::read(db, &mapping, template, None, Unscoped::Keep)?;
    let mut checker = Checker { db, mapping: &mapping, tree: &tree, problems: Vec::new() };
    checker.waiting(template)?;
    checker.outside();
    checker.loose_ends(template)?;
    checker.tasks()?;
    checker.empty_groups();
    checker.references()?;
    Ok(checker.problems)
}

struct Checker<'a> {
    db: &'a Db,
    mapping: &'a Mapping,
    tree: &'a Tree,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, severity: &'static str, problem: &'static str, node: u32, detail: String) {
        let node = &self.tree.nodes[node as usize];
        let level = self.mapping.levels[node.level].level.clone();
        self.problems.push(Problem {
            severity,
            problem,
            level,
            key: node.key.clone(),
            label: node.label.clone(),
            detail,
        });
    }

    /// Circles, and what is never reached because of them.
    fn waiting(&mut self, template: &str) -> Result<()> {
        let declared = self.tree.declared(self.db, self.mapping, template)?;
        match self.tree.try_graph(&declared) {
            Ok(_) => Ok(()),
            Err(GraphError::Cycle { path, unreachable }) => {
                let whole = self.tree.path(self.mapping, &path);
                for node in path {
                    self.report("error", "cycle", node, whole.clone());
                }
                for node in unreachable {
                    self.report("error", "unreachable", node, format!("waits for the circle {whole}"));
                }
                Ok(())
            }
            Err(error) => Err(Error::Internal(error.to_string())),
        }
    }

    /// Predecessors that are rows of another template.
    fn outside(&mut self) {
        let tree = self.tree;
        for (number, node) in (0u32..).zip(&tree.nodes) {
            if let (Some(key), None) = (&node.predecessor, tree.predecessor(node)) {
                let detail = format!("waits for {key}, which is no row of this template");
                self.report("warning", "outside predecessor", number, detail);
            }
        }
    }

    /// Rows of `plan_dependency` that bind nothing.
    fn loose_ends(&mut self, template: &str) -> Result<()> {
        for (level, key) in self.tree.loose_ends(self.db, self.mapping, template)? {
            self.problems.push(Problem {
                severity: "warning",
                problem: "dependency",
                level,
                key,
                label: None,
                detail: "plan_dependency names it, and it is no group or task of this template".to_owned(),
            });
        }
        Ok(())
    }

    /// Tasks without a duration or a team.
    fn tasks(&mut self) -> Result<()> {
        let (mapping, tree) = (self.mapping, self.tree);
        for (position, level) in mapping.graph_levels().filter(|(_, l)| l.kind == Kind::Task) {
            let own = level.duration_minutes.as_ref().and_then(|d| level.copies.keys().position(|c| c == d));
            let timed = self.with_timed_items(level)?;
            for (number, node) in (0u32..).zip(&tree.nodes).filter(|(_, n)| n.level == position) {
                if own.is_some_and(|at| node.copied[at].is_none()) && !timed.contains(&node.key) {
                    self.report(
                        "warning",
                        "no duration",
                        number,
                        "neither the row nor its items say how long".to_owned(),
                    );
                }
                if level.team.is_some() && node.team.is_none() {
                    self.report("warning", "no team", number, "nobody is told to do it".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Keys of tasks that have items with a duration.
    fn with_timed_items(&self, task: &Level) -> Result<std::collections::HashSet<String>> {
        let mut found = std::collections::HashSet::new();
        for level in self.mapping.levels.iter().filter(|l| l.parent.as_deref() == Some(&task.level)) {
            let minutes = level.duration_minutes.as_ref().and_then(|d| level.copies.get(d));
            let (Some(minutes), Some(parent)) = (minutes, &level.template_parent) else { continue };
            let keys: Vec<String> = self.tree.of_level(self.mapping, &task.level).map(|n| n.key.clone()).collect();
            let parent = ident(parent);
            let sql = format!(
                "SELECT pg_catalog.json_agg(DISTINCT t.{parent}::text) FROM {} t \
                 WHERE t.{parent} OPERATOR(pg_catalog.=) ANY ($1::{}[]) AND t.{} IS NOT NULL",
                level.template,
                task.key_type,
                ident(minutes)
            );
            found.extend(self.db.list::<String>(&sql, &[keys.into()])?);
        }
        Ok(found)
    }

    fn empty_groups(&mut self) {
        let tree = self.tree;
        let mut has_child = vec![false; tree.nodes.len()];
        tree.nodes.iter().filter_map(|n| n.parent).for_each(|p| has_child[p as usize] = true);
        for (number, node) in (0u32..).zip(&tree.nodes) {
            if self.mapping.levels[node.level].kind != Kind::Task && !has_child[number as usize] {
                self.report("warning", "empty", number, "nothing is below it".to_owned());
            }
        }
    }

    /// Items that point at a row below another group.
    fn references(&mut self) -> Result<()> {
        #[derive(Deserialize)]
        struct Reference(String, String, String, Option<String>);

        let (mapping, tree) = (self.mapping, self.tree);
        for level in &mapping.levels {
            let (Some(above), Some(parent)) = (mapping.parent_of(level), &level.template_parent) else { continue };
            let Some(above_position) = mapping.levels.iter().position(|l| l.level == above.level) else { continue };
            for reference in &level.refs {
                let Some(target) = mapping.level(&reference.level) else { continue };
                let Some(target_parent) = &target.template_parent else { continue };
                let group = mapping.levels.iter().position(|l| Some(&l.level) == target.parent.as_ref());
                let keys: Vec<String> = tree.of_level(mapping, &above.level).map(|n| n.key.clone()).collect();
                let sql = format!(
                    "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.{key}::text, t.{parent}::text, \
                     t.{column}::text, r.{target_parent}::text) ORDER BY t.{key}) FROM {} t \
                     LEFT JOIN {} r ON r.{} OPERATOR(pg_catalog.=) t.{column} \
                     WHERE t.{parent} OPERATOR(pg_catalog.=) ANY ($1::{}[]) AND t.{column} IS NOT NULL",
                    level.template,
                    target.template,
                    ident(&target.template_key),
                    above.key_type,
                    key = ident(&level.template_key),
                    parent = ident(parent),
                    column = ident(&reference.template),
                    target_parent = ident(target_parent),
                );
                for Reference(key, parent, to, around) in self.db.list::<Reference>(&sql, &[keys.into()])? {
                    let mut up = tree.find(above_position, &parent);
                    while let Some(node) = up.map(|n| &tree.nodes[n as usize]).filter(|n| Some(n.level) != group) {
                        up = node.parent;
                    }
                    if up.map(|n| &tree.nodes[n as usize].key) != around.as_ref() {
                        self.problems.push(Problem {
                            severity: "warning",
                            problem: "reference",
                            level: level.level.clone(),
                            key,
                            label: None,
                            detail: format!("points at {} {to} of another group: the copy will be empty", target.level),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Refuses a template that waits for itself.
pub(super) fn refuse_cycle(db: &Db, mapping: &Mapping, template: &str) -> Result<()> {
    let tree = Tree::read(db, mapping, template, None, Unscoped::Keep)?;
    let declared = tree.declared(db, mapping, template)?;
    tree.graph(mapping, &declared).map(|_| ())
}

/// The template that a row of a level belongs to.
pub(super) fn template_of(db: &Db, mapping: &Mapping, level: &Level, key: &str) -> Result<Option<String>> {
    let (mut joins, mut below, mut at) = (String::new(), level, 0);
    while let (Some(above), Some(parent)) = (mapping.parent_of(below), &below.template_parent) {
        joins.push_str(&format!(
            " JOIN {} t{next} ON t{next}.{} OPERATOR(pg_catalog.=) t{at}.{}",
            above.template,
            ident(&above.template_key),
            ident(parent),
            next = at + 1,
        ));
        (below, at) = (above, at + 1);
    }
    let sql = format!(
        "SELECT pg_catalog.to_json(t{at}.{}::text) FROM {} t0{joins} WHERE t0.{} OPERATOR(pg_catalog.=) $1::{}",
        ident(&below.template_key),
        level.template,
        ident(&level.template_key),
        level.key_type,
    );
    db.json(&sql, &[key.into()])
}

impl Tree {
    /// A circle in words.
    pub(super) fn path(&self, mapping: &Mapping, nodes: &[u32]) -> String {
        let closed = nodes.iter().chain(nodes.first());
        closed.map(|n| self.describe(mapping, *n)).collect::<Vec<_>>().join(" -> ")
    }

    fn explain(&self, mapping: &Mapping, error: GraphError) -> Error {
        match error {
            GraphError::Cycle { path, .. } => PlanError::Cycle { path: self.path(mapping, &path) }.into(),
            GraphError::UnknownNode(_) => Error::Internal(error.to_string()),
        }
    }

    /// The graph, or who waits for whom in a circle.
    pub(super) fn graph(
        &self,
        mapping: &Mapping,
        more: &[canon_core::plan::Dependency],
    ) -> Result<canon_core::plan::Graph> {
        self.try_graph(more).map_err(|error| self.explain(mapping, error))
    }
}
