//! A template as one graph: its groups and tasks, fetched level by level.

use std::collections::HashMap;

use canon_core::plan::{Dependency, Graph, GraphError};
use pgrx::Uuid;
use serde::Deserialize;

use super::ids;
use super::mapping::{Filter, Level, Mapping};
use super::options::Unscoped;
use super::order::in_order;
use super::sql::{Db, ident};
use super::store::{self, Kept};
use crate::error::Result;

/// A row of a template that is a node of the graph.
#[derive(Debug)]
pub(super) struct Node {
    /// Position in [`Mapping::levels`].
    pub(super) level: usize,
    pub(super) key: String,
    /// Position in [`Tree::nodes`].
    pub(super) parent: Option<u32>,
    pub(super) predecessor: Option<String>,
    /// Value of the column that orders rows, where they run in that order.
    pub(super) place: Option<String>,
    pub(super) label: Option<String>,
    pub(super) code: Option<String>,
    pub(super) team: Option<String>,
    /// Whether the kind of run asked for includes it.
    pub(super) in_scope: bool,
    /// Values of the columns that are copied, as text, in the order of [`Level::copies`].
    pub(super) copied: Vec<Option<String>>,
}

/// A template.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    by_key: HashMap<(usize, String), u32>,
}

/// Key, parent, predecessor, place, label, code, team, in scope, copied values.
#[derive(Deserialize)]
struct Row(
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
    Vec<Option<String>>,
);

impl Tree {
    /// Reads a template. `run_kind` narrows [`Node::in_scope`]; without it everything is in scope.
    pub(super) fn read(
        db: &Db,
        mapping: &Mapping,
        template: &str,
        run_kind: Option<&str>,
        unscoped: Unscoped,
    ) -> Result<Self> {
        let mut tree = Self::default();
        for (position, level) in mapping.graph_levels() {
            let parents: Vec<String> = match mapping.parent_of(level) {
                None => vec![template.to_owned()],
                Some(parent) => tree.of_level(mapping, &parent.level).map(|n| n.key.clone()).collect(),
            };
            let rows: Vec<Row> = db.list(&select(mapping, level, unscoped), &[parents.into(), run_kind.into()])?;
            let parent_level = mapping.parent_position(position);
            for Row(key, parent, predecessor, place, label, code, team, in_scope, copied) in rows {
                let parent = parent_level.and_then(|l| tree.find(l, &parent?));
                tree.push(Node {
                    level: position,
                    key,
                    parent,
                    predecessor,
                    place,
                    label,
                    code,
                    team,
                    in_scope,
                    copied,
                });
            }
        }
        Ok(tree)
    }

    /// A template as it was. Rows are in scope where the present template has them so.
    pub(super) fn from_kept(mapping: &Mapping, rows: &[Vec<Kept>], present: &Self) -> Self {
        let mut tree = Self::default();
        for (level, _) in mapping.graph_levels() {
            let parent_level = mapping.parent_position(level);
            for Kept(key, parent, predecessor, copied) in &rows[level] {
                let parent = parent_level.and_then(|l| tree.find(l, parent.as_deref()?));
                let in_scope = present.find(level, key).is_none_or(|n| present.nodes[n as usize].in_scope);
                tree.push(Node {
                    level,
                    key: key.clone(),
                    parent,
                    predecessor: predecessor.clone(),
                    place: None,
                    label: None,
                    code: None,
                    team: None,
                    in_scope,
                    copied: copied.clone(),
                });
            }
        }
        tree
    }

    fn push(&mut self, node: Node) {
        self.by_key.insert((node.level, node.key.clone()), self.nodes.len() as u32);
        self.nodes.push(node);
    }

    /// Nodes of one level.
    pub(super) fn of_level<'a>(&'a self, mapping: &'a Mapping, level: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |n| mapping.levels[n.level].level == level)
    }

    /// The node of a level with that key.
    pub(super) fn find(&self, level: usize, key: &str) -> Option<u32> {
        self.by_key.get(&(level, key.to_owned())).copied()
    }

    /// The predecessor of a node, where it is part of this template.
    pub(super) fn predecessor(&self, node: &Node) -> Option<u32> {
        self.find(node.level, node.predecessor.as_deref()?)
    }

    /// Dependencies of the template beside predecessor columns.
    pub(super) fn declared(&self, db: &Db, mapping: &Mapping, template: &str) -> Result<Vec<Dependency>> {
        store::dependencies(db, mapping, template, |level, key| {
            self.find(mapping.levels.iter().position(|l| l.level == level)?, key)
        })
    }

    /// Ends of such dependencies that are no groups or tasks of the template: level and key.
    pub(super) fn loose_ends(&self, db: &Db, mapping: &Mapping, template: &str) -> Result<Vec<(String, String)>> {
        store::loose_ends(db, mapping, template, |level, key| {
            self.find(mapping.levels.iter().position(|l| l.level == level)?, key)
        })
    }

    /// The graph of everything, with further dependencies.
    pub(super) fn try_graph(&self, more: &[Dependency]) -> std::result::Result<Graph, GraphError> {
        let parents: Vec<Option<u32>> = self.nodes.iter().map(|n| n.parent).collect();
        let own = (0u32..).zip(&self.nodes).filter_map(|(n, node)| Some((self.predecessor(node)?, n)));
        let mut dependencies: Vec<Dependency> = own.map(|(from, to)| Dependency::finish_to_start(from, to)).collect();
        dependencies
            .extend(in_order((0u32..).zip(&self.nodes).map(|(n, node)| (n, node.parent, node.place.as_deref()))));
        dependencies.extend_from_slice(more);
        Graph::new(&parents, &dependencies)
    }

    /// Key of a node's row in an instance.
    pub(super) fn id(&self, mapping: &Mapping, instance: Uuid, node: u32) -> Uuid {
        let node = &self.nodes[node as usize];
        match node.parent {
            None => instance,
            Some(_) => ids::node(instance, &mapping.levels[node.level].level, &node.key),
        }
    }

    /// A node as people know it.
    pub(super) fn describe(&self, mapping: &Mapping, node: u32) -> String {
        let node = &self.nodes[node as usize];
        let level = &mapping.levels[node.level].level;
        match node.label.as_deref().or(node.code.as_deref()) {
            Some(label) => format!("{level} \"{label}\""),
            None => format!("{level} {}", node.key),
        }
    }
}

/// Rows of a level below given parents ($1), with whether the kind of run ($2) includes them.
fn select(mapping: &Mapping, level: &Level, unscoped: Unscoped) -> String {
    let column = |name: &Option<String>| match name {
        Some(name) => format!("t.{}::text", ident(name)),
        None => "NULL::text".to_owned(),
    };
    let key = ident(&level.template_key);
    let label = level.label.as_ref().and_then(|l| level.copies.get(l));
    let copied: Vec<String> = level.copies.values().map(|c| format!("t.{}::text", ident(c))).collect();
    let (parent, type_name, join) = match (mapping.parent_of(level), &level.template_parent) {
        (Some(above), Some(parent)) => (format!("t.{}::text", ident(parent)), &above.key_type, ident(parent)),
        _ => ("NULL::text".to_owned(), &level.key_type, key.clone()),
    };
    let order = level.template_order.as_ref().map_or_else(String::new, |o| format!("t.{} NULLS LAST, ", ident(o)));
    format!(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.{key}::text, {parent}, {predecessor}, {place}, {label}, \
         {code}, {team}, {scope}, pg_catalog.json_build_array({copied})) ORDER BY {order}t.{key}::text COLLATE pg_catalog.\"C\") \
         FROM pg_catalog.unnest($1::{type_name}[]) AS p (key) \
         JOIN {template} t ON t.{join} OPERATOR(pg_catalog.=) p.key",
        predecessor = column(&level.template_predecessor),
        place = column(&level.template_order.clone().filter(|_| level.ordered)),
        label = column(&label.cloned()),
        code = column(&level.code),
        team = column(&level.team),
        scope = level.filter.as_ref().map_or_else(|| "true".to_owned(), |f| scope(f, &key, unscoped)),
        copied = copied.join(", "),
        template = level.template,
    )
}

fn scope(filter: &Filter, key: &str, unscoped: Unscoped) -> String {
    let Filter { table, key: link, kind } = filter;
    let (link, kind) = (ident(link), ident(kind));
    let entries = format!("SELECT FROM {table} f WHERE f.{link} OPERATOR(pg_catalog.=) t.{key}");
    let listed = format!("EXISTS ({entries} AND f.{kind}::text OPERATOR(pg_catalog.=) $2)");
    match unscoped {
        Unscoped::Keep => format!("($2::text IS NULL OR {listed} OR NOT EXISTS ({entries}))"),
        Unscoped::Skip => format!("($2::text IS NULL OR {listed})"),
    }
}
