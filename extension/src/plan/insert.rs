//! The statements that copy: one a level, whatever the number of rows.

use std::collections::BTreeMap;

use pgrx::Uuid;
use pgrx::datum::DatumWithOid;
use serde_json::Value;

use super::mapping::{Level, Mapping};
use super::sql::{Db, ident, unnest};
use super::tree::Tree;
use crate::error::{Error, Result};

/// A template on its way to being an instance.
pub(super) struct Copy<'a> {
    pub(super) db: &'a Db,
    pub(super) mapping: &'a Mapping,
    pub(super) tree: &'a Tree,
    /// Nodes whose rows, or for leaves whose children, are to be made.
    pub(super) chosen: &'a [bool],
    /// The instance row that each node waits for.
    pub(super) predecessors: &'a [Option<Uuid>],
    pub(super) instance: Uuid,
    pub(super) run: &'a str,
    /// What the status column of each level starts with.
    pub(super) statuses: &'a BTreeMap<String, String>,
    pub(super) created_by: Option<&'a str>,
    /// Template keys of the leaves to make; all of the chosen nodes' where absent.
    pub(super) leaves: Option<&'a [String]>,
}

/// Columns and the expressions that fill them.
struct Columns {
    names: Vec<String>,
    values: Vec<String>,
}

impl Columns {
    fn push(&mut self, name: &str, value: String) {
        self.names.push(ident(name));
        self.values.push(value);
    }

    fn insert(&self, table: &str, from: &str) -> String {
        format!("INSERT INTO {table} ({}) SELECT {} {from}", self.names.join(", "), self.values.join(", "))
    }
}

impl Copy<'_> {
    fn id(&self, node: u32) -> Uuid {
        self.tree.id(self.mapping, self.instance, node)
    }

    /// The node of a level around a node, or the node itself.
    fn around(&self, node: u32, level: &str) -> Option<u32> {
        let mut up = std::iter::successors(Some(node), |n| self.tree.nodes[*n as usize].parent);
        up.find(|n| self.mapping.levels[self.tree.nodes[*n as usize].level].level == level)
    }

    /// Copied columns, defaults and the status. Constants are literals: they are few, and short.
    fn common(&self, level: &Level) -> Columns {
        let mut columns = Columns { names: Vec::new(), values: Vec::new() };
        columns.push(&level.instance_template, format!("t.{}", ident(&level.template_key)));
        for (to, from) in &level.copies {
            columns.push(to, format!("t.{}", ident(from)));
        }
        for (column, value) in level.defaults.iter().filter(|(c, _)| !level.copies.contains_key(*c)) {
            let value = match value {
                Value::Null => "NULL".to_owned(),
                Value::String(text) if text == "$user" => match self.created_by {
                    Some(user) => literal(user),
                    None => "SESSION_USER".to_owned(),
                },
                Value::String(text) => literal(text),
                other => literal(&other.to_string()),
            };
            columns.push(column, format!("{value}::{}", level.type_of(column)));
        }
        if let (Some(status), Some(value)) = (&level.status, self.statuses.get(&level.level)) {
            columns.push(&status.column, format!("{}::{}", literal(value), level.type_of(&status.column)));
        }
        columns
    }
}

fn literal(text: &str) -> String {
    pgrx::spi::quote_literal(text)
}

/// Inserts the rows of the root, a group level or a task level.
pub(super) fn insert_nodes(copy: &Copy<'_>, position: usize, level: &Level) -> Result<u64> {
    let chosen: Vec<u32> = (0u32..)
        .zip(&copy.tree.nodes)
        .filter(|(n, node)| node.level == position && copy.chosen[*n as usize])
        .map(|(n, _)| n)
        .collect();
    let keys: Vec<String> = chosen.iter().map(|n| copy.tree.nodes[*n as usize].key.clone()).collect();
    let (mut names, mut values) = (vec![ident(&level.instance_key)], vec!["n.id".to_owned()]);
    let mut columns = copy.common(level);
    let mut arguments: Vec<DatumWithOid<'_>> = vec![keys.into()];
    let ids: Vec<Uuid> = chosen.iter().map(|n| copy.id(*n)).collect();
    arguments.push(ids.into());
    if level.parent.is_none() {
        names.push(ident(&copy.mapping.run.instance));
        values.push(format!("{}::{}", literal(copy.run), level.type_of(&copy.mapping.run.instance)));
    }
    let parent_of = |n: &u32| Some(copy.id(copy.tree.nodes[*n as usize].parent?));
    let parents: Vec<Option<Uuid>> = chosen.iter().map(parent_of).collect();
    let before: Vec<Option<Uuid>> = chosen.iter().map(|n| copy.predecessors[*n as usize]).collect();
    arguments.push(parents.into());
    arguments.push(before.into());
    if let Some(parent) = &level.instance_parent {
        names.push(ident(parent));
        values.push("n.parent".to_owned());
    }
    if let Some(predecessor) = &level.instance_predecessor {
        names.push(ident(predecessor));
        values.push("n.predecessor".to_owned());
    }
    columns.names.splice(0..0, names);
    columns.values.splice(0..0, values);
    let from = format!(
        "FROM {} AS n (key, id, parent, predecessor) \
         JOIN {} t ON t.{} OPERATOR(pg_catalog.=) n.key",
        unnest([format!("$1::{}[]", level.key_type), "$2".to_owned(), "$3".to_owned(), "$4".to_owned()]),
        level.template,
        ident(&level.template_key)
    );
    copy.db.run(&columns.insert(&level.instance, &from), &arguments)
}

/// Inserts the rows of a level whose rows are no nodes: items of tasks, gates of groups. Their
/// number, and what to remark about references that lead out of the instance.
pub(super) fn insert_leaves(copy: &Copy<'_>, level: &Level) -> Result<(u64, Option<String>)> {
    let (Some(above), Some(template_parent), Some(instance_parent)) =
        (copy.mapping.parent_of(level), &level.template_parent, &level.instance_parent)
    else {
        return Err(Error::Internal(format!("level \"{}\" has no parent", level.level)));
    };
    let chosen: Vec<u32> = (0u32..)
        .zip(&copy.tree.nodes)
        .filter(|(n, node)| copy.mapping.levels[node.level].level == above.level && copy.chosen[*n as usize])
        .map(|(n, _)| n)
        .collect();
    let keys: Vec<String> = chosen.iter().map(|n| copy.tree.nodes[*n as usize].key.clone()).collect();
    let parents: Vec<Uuid> = chosen.iter().map(|n| copy.id(*n)).collect();
    let mut arguments: Vec<DatumWithOid<'_>> = vec![keys.into(), parents.into(), copy.instance.into()];
    let mut columns = copy.common(level);
    let node_id = |level: &str, key: &str| {
        format!("canon.plan_id($3, {} OPERATOR(pg_catalog.||) {key}::text)", literal(&format!("{level}:")))
    };
    let key = format!("t.{}", ident(&level.template_key));
    columns.push(&level.instance_key, node_id(&level.level, &key));
    columns.push(instance_parent, "n.id".to_owned());
    let mut arrays = vec![format!("$1::{}[]", above.key_type), "$2".to_owned()];
    let (mut joins, mut lost) = (String::new(), Vec::new());
    for (at, reference) in level.refs.iter().enumerate() {
        let Some((target, target_parent)) =
            copy.mapping.level(&reference.level).and_then(|l| Some((l, l.template_parent.as_ref()?)))
        else {
            continue;
        };
        // The row pointed at has to hang below the same group as the row that points.
        let group = target.parent.as_deref().unwrap_or_default();
        let key_around = |n: &u32| Some(copy.tree.nodes[copy.around(*n, group)? as usize].key.clone());
        arguments.push(chosen.iter().map(key_around).collect::<Vec<Option<String>>>().into());
        arrays.push(format!("${}", arguments.len()));
        joins.push_str(&format!(
            " LEFT JOIN {} r{at} ON r{at}.{} OPERATOR(pg_catalog.=) t.{} \
             AND r{at}.{}::text OPERATOR(pg_catalog.=) n.around{at}",
            target.template,
            ident(&target.template_key),
            ident(&reference.template),
            ident(target_parent),
        ));
        let found = format!("r{at}.{}", ident(&target.template_key));
        let id = node_id(&target.level, &found);
        columns.push(&reference.column, format!("CASE WHEN {found} IS NOT NULL THEN {id} END"));
        lost.push(format!("(t.{} IS NOT NULL AND {found} IS NULL)", ident(&reference.template)));
    }
    let names: String = (0..lost.len()).map(|at| format!(", around{at}")).collect();
    let from = format!(
        "FROM {} AS n (key, id{names}) \
         JOIN {} t ON t.{} OPERATOR(pg_catalog.=) n.key{joins}",
        unnest(arrays),
        level.template,
        ident(template_parent)
    );
    let mut only = String::new();
    if let Some(leaves) = copy.leaves {
        arguments.push(leaves.to_vec().into());
        only = format!(" WHERE {key}::text OPERATOR(pg_catalog.=) ANY (${})", arguments.len());
    }
    let created = copy.db.run(&columns.insert(&level.instance, &format!("{from}{only}")), &arguments)?;
    if lost.is_empty() || copy.leaves.is_some() {
        return Ok((created, None));
    }
    let sql = format!("SELECT pg_catalog.to_json(pg_catalog.count(*)) {from} WHERE {}", lost.join(" OR "));
    let count: u64 = copy.db.json(&sql, &arguments)?;
    let remark = format!(
        "{count} rows of level \"{}\" point at a row of another group: these references are empty",
        level.level
    );
    Ok((created, (count > 0).then_some(remark)))
}
