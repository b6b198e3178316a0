//! What an instance of a template should be made of, in a given run.

use std::collections::BTreeMap;

use canon_core::plan::{Bridged, bridge};
use pgrx::Uuid;

use super::error::PlanError;
use super::instance::to_pg;
use super::mapping::{Kind, Level, Mapping};
use super::options::{Empty, Options};
use super::sql::{Db, ident};
use super::tree::Tree;
use crate::error::Result;

/// One entry a node of the template.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Whether the node becomes a row.
    pub(super) stays: Vec<bool>,
    /// The instance row that it waits for.
    pub(super) predecessors: Vec<Option<Uuid>>,
    /// Predecessors replaced by one further back.
    pub(super) bridged: u64,
    /// Predecessors that came to nothing.
    pub(super) dropped: u64,
    pub(super) warnings: Vec<String>,
}

impl Expected {
    pub(super) fn of(
        db: &Db,
        mapping: &Mapping,
        tree: &Tree,
        options: &Options,
        instance: Uuid,
        run: &str,
    ) -> Result<Self> {
        let stays = stays(mapping, tree, options.empty);
        let mut expected = Self { predecessors: vec![None; tree.nodes.len()], stays, ..Self::default() };
        let inside: Vec<Option<u32>> = tree.nodes.iter().map(|n| tree.predecessor(n)).collect();
        let bridged = bridge(&inside, &expected.stays, options.outside.into());
        let mut elsewhere: BTreeMap<usize, Vec<(usize, &str)>> = BTreeMap::new();
        for (at, node) in tree.nodes.iter().enumerate().filter(|(at, _)| expected.stays[*at]) {
            let found = match (bridged[at], inside[at], node.predecessor.as_deref()) {
                (Bridged::To(other), ..) => {
                    expected.bridged += 1;
                    Some(other)
                }
                (Bridged::Dropped, ..) => {
                    expected.dropped += 1;
                    None
                }
                (Bridged::Refused, _, predecessor) => {
                    return Err(PlanError::LeftOut {
                        level: mapping.levels[node.level].level.clone(),
                        node: node.key.clone(),
                        predecessor: predecessor.unwrap_or_default().to_owned(),
                    }
                    .into());
                }
                (Bridged::Unchanged, Some(own), _) => Some(own),
                (Bridged::Unchanged, None, other) => {
                    elsewhere.entry(node.level).or_default().extend(other.map(|key| (at, key)));
                    None
                }
            };
            expected.predecessors[at] = found.map(|n| tree.id(mapping, instance, n));
        }
        for (level, wanted) in elsewhere.into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
            expected.find_in_run(db, mapping, &mapping.levels[level], &wanted, tree, run)?;
        }
        Ok(expected)
    }

    /// Predecessors that belong to another template: their instances in the same run.
    fn find_in_run(
        &mut self,
        db: &Db,
        mapping: &Mapping,
        level: &Level,
        wanted: &[(usize, &str)],
        tree: &Tree,
        run: &str,
    ) -> Result<()> {
        let keys: Vec<&str> = wanted.iter().map(|(_, key)| *key).collect();
        let known: Option<BTreeMap<String, uuid::Uuid>> =
            db.json(&in_run(mapping, level), &[keys.into(), run.into()])?;
        let known = known.unwrap_or_default();
        for (at, key) in wanted {
            self.predecessors[*at] = known.get(*key).copied().map(to_pg);
            if self.predecessors[*at].is_none() {
                self.dropped += 1;
                self.warnings.push(format!(
                    "{} waits for {} {key} of another template, which has no instance in this run",
                    tree.describe(mapping, *at as u32),
                    level.level,
                ));
            }
        }
        Ok(())
    }
}

/// Nodes in scope whose group stays; when pruning, no group without a task.
fn stays(mapping: &Mapping, tree: &Tree, empty: Empty) -> Vec<bool> {
    let kind = |at: usize| mapping.levels[tree.nodes[at].level].kind;
    let mut stays: Vec<bool> = Vec::with_capacity(tree.nodes.len());
    // Parents stand before their children.
    for node in &tree.nodes {
        let around = node.parent.is_none_or(|p| stays[p as usize]);
        stays.push(node.in_scope && around);
    }
    if empty == Empty::Prune {
        let mut holds_task = vec![false; stays.len()];
        for at in (0..stays.len()).rev() {
            let task = kind(at) == Kind::Task && stays[at];
            if let (true, Some(parent)) = (task || holds_task[at], tree.nodes[at].parent) {
                holds_task[parent as usize] = true;
            }
        }
        (0..stays.len()).for_each(|at| stays[at] &= kind(at) != Kind::Group || holds_task[at]);
    }
    stays
}

/// Instances of given template rows ($1) in a run ($2), as an object from template key to id.
fn in_run(mapping: &Mapping, level: &Level) -> String {
    let (row, joins) = mapping.joins_up(level);
    format!(
        "SELECT pg_catalog.json_object_agg({row}.{tmpl}::text, {row}.{key}) FROM {table} {row}{joins} \
         WHERE {row}.{tmpl}::text OPERATOR(pg_catalog.=) ANY ($1) AND i.{run}::text OPERATOR(pg_catalog.=) $2",
        tmpl = ident(&level.instance_template),
        key = ident(&level.instance_key),
        table = level.instance,
        run = ident(&mapping.run.instance),
    )
}
