//! An instance from its tables: one query a level.

use std::collections::HashMap;

use canon_core::plan::{Dependency, Graph, GraphError};
use pgrx::Uuid;
use serde::Deserialize;

use super::error::PlanError;
use super::instance::{Instance, Node, to_pg};
use super::mapping::{Kind, Level};
use super::order::in_order;
use super::sql::{Db, ident};
use super::{ids, known, store};
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct Row {
    id: uuid::Uuid,
    parent: Option<uuid::Uuid>,
    predecessor: Option<uuid::Uuid>,
    template: String,
    place: Option<String>,
    label: Option<String>,
    code: Option<String>,
    status: Option<String>,
    start_us: Option<i64>,
    finish_us: Option<i64>,
    minutes: Option<i64>,
    team: Option<String>,
}

/// Sums over the items of a task: id, number, done, minutes.
#[derive(Deserialize)]
struct Items(uuid::Uuid, i64, i64, Option<i64>);

/// Gates of a group: id, whether a critical one failed, whether one is open.
#[derive(Deserialize)]
struct Gates(uuid::Uuid, bool, bool);

impl Instance {
    /// Reads an instance. `ordered`: groups below one parent run in their order even where the
    /// mapping does not say so.
    pub(super) fn read(db: &Db, id: Uuid, ordered: bool) -> Result<Self> {
        let mapping = known::of_instance(db, id)?;
        let mut nodes: Vec<Node> = Vec::new();
        let mut by_id: HashMap<uuid::Uuid, u32> = HashMap::new();
        let mut waits: Vec<(u32, uuid::Uuid)> = Vec::new();
        let mut places: Vec<Option<String>> = Vec::new();
        for (position, level) in mapping.graph_levels() {
            let above: Vec<Uuid> = match level.parent.as_deref() {
                None => vec![id],
                Some(parent) => {
                    nodes.iter().filter(|n| mapping.levels[n.level].level == parent).map(|n| n.id).collect()
                }
            };
            let rows: Vec<Row> = db.list(&select(level), &[above.into()])?;
            for row in rows {
                let number = nodes.len() as u32;
                by_id.insert(row.id, number);
                waits.extend(row.predecessor.map(|p| (number, p)));
                let phase = level.phase(row.status.as_deref());
                let runs_in_order = level.ordered || (ordered && level.kind == Kind::Group);
                places.push(row.place.filter(|_| runs_in_order));
                nodes.push(Node {
                    level: position,
                    id: to_pg(row.id),
                    parent: row.parent.and_then(|p| by_id.get(&p).copied()),
                    predecessor: None,
                    template: row.template,
                    label: row.label,
                    code: row.code,
                    status: row.status,
                    phase,
                    start_us: row.start_us,
                    finish_us: row.finish_us,
                    minutes: row.minutes,
                    team: row.team,
                    items: 0,
                    items_done: 0,
                    gate_failed: false,
                    gate_open: false,
                });
            }
        }
        for (node, predecessor) in waits {
            nodes[node as usize].predecessor = by_id.get(&predecessor).copied();
        }
        let siblings = (0u32..).zip(nodes.iter().zip(&places));
        let orders = in_order(siblings.map(|(n, (node, place))| (n, node.parent, place.as_deref())));
        let mut instance = Self { mapping, nodes, graph: Graph::new(&[], &[]).map_err(internal)? };
        instance.add_items(db, &by_id)?;
        instance.add_gates(db, &by_id)?;
        instance.connect(db, id, &orders)?;
        Ok(instance)
    }

    fn connect(&mut self, db: &Db, id: Uuid, orders: &[Dependency]) -> Result<()> {
        let own =
            (0u32..).zip(&self.nodes).filter_map(|(n, node)| Some(Dependency::finish_to_start(node.predecessor?, n)));
        let mut dependencies: Vec<Dependency> = own.collect();
        dependencies.extend_from_slice(orders);
        dependencies.extend(self.declared(db, id)?);
        let parents: Vec<Option<u32>> = self.nodes.iter().map(|n| n.parent).collect();
        self.graph = Graph::new(&parents, &dependencies).map_err(|error| match error {
            GraphError::Cycle { path: mut nodes, .. } => {
                nodes.extend(nodes.first().copied());
                let path: Vec<String> = nodes.into_iter().map(|n| self.describe(n)).collect();
                PlanError::Cycle { path: path.join(" -> ") }.into()
            }
            error => internal(error),
        })?;
        Ok(())
    }

    /// Dependencies that the template declares beside predecessor columns.
    fn declared(&self, db: &Db, id: Uuid) -> Result<Vec<Dependency>> {
        let Some(request) = store::request(db, &self.mapping, id)? else { return Ok(Vec::new()) };
        let numbers: HashMap<[u8; 16], u32> =
            (0u32..).zip(&self.nodes).map(|(n, node)| (*node.id.as_bytes(), n)).collect();
        let find = |level: &str, key: &str| numbers.get(ids::node(id, level, key).as_bytes()).copied();
        store::dependencies(db, &self.mapping, &request.template, find)
    }

    fn add_items(&mut self, db: &Db, by_id: &HashMap<uuid::Uuid, u32>) -> Result<()> {
        for level in self.mapping.levels.iter().filter(|l| l.kind == Kind::Item) {
            let Some(parent) = &level.instance_parent else { continue };
            let parent = ident(parent);
            let done = level.completed.as_ref().map_or_else(|| "false".to_owned(), |c| format!("i.{}", ident(c)));
            let minutes =
                level.duration_minutes.as_ref().map_or_else(|| "NULL::int8".to_owned(), |c| format!("i.{}", ident(c)));
            let sql = format!(
                "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.parent, s.total, s.done, s.minutes)) FROM ( \
                 SELECT i.{parent} AS parent, pg_catalog.count(*) AS total, \
                 pg_catalog.count(*) FILTER (WHERE {done}) AS done, pg_catalog.sum({minutes})::int8 AS minutes \
                 FROM {} i WHERE i.{parent} OPERATOR(pg_catalog.=) ANY ($1) GROUP BY i.{parent}) s",
                level.instance
            );
            let tasks: Vec<Uuid> = self.nodes.iter().filter(|n| self.kind(n) == Kind::Task).map(|n| n.id).collect();
            for Items(task, total, done, minutes) in db.list(&sql, &[tasks.into()])? {
                let Some(node) = by_id.get(&task).and_then(|n| self.nodes.get_mut(*n as usize)) else { continue };
                node.items += total;
                node.items_done += done;
                node.minutes = node.minutes.or(minutes);
            }
        }
        Ok(())
    }

    fn add_gates(&mut self, db: &Db, by_id: &HashMap<uuid::Uuid, u32>) -> Result<()> {
        for level in self.mapping.levels.iter().filter(|l| l.kind == Kind::Gate) {
            let (Some(parent), Some(status)) = (&level.instance_parent, &level.status) else { continue };
            let (parent, (name, join)) = (ident(parent), status.name_of_row());
            let critical = level.critical.as_ref().map_or_else(|| "true".to_owned(), |c| format!("i.{}", ident(c)));
            let sql = format!(
                "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(g.parent, g.failed, g.open)) FROM ( \
                 SELECT i.{parent} AS parent, \
                 pg_catalog.bool_or(COALESCE({critical} AND {name} OPERATOR(pg_catalog.=) ANY ($2), false)) AS failed, \
                 pg_catalog.bool_or(COALESCE({critical} AND {name} OPERATOR(pg_catalog.=) ANY ($3), false)) AS open \
                 FROM {} i{join} WHERE i.{parent} OPERATOR(pg_catalog.=) ANY ($1) GROUP BY i.{parent}) g",
                level.instance
            );
            let groups: Vec<Uuid> = self.nodes.iter().filter(|n| self.kind(n) != Kind::Task).map(|n| n.id).collect();
            for Gates(group, failed, open) in
                db.list(&sql, &[groups.into(), status.held.clone().into(), status.open.clone().into()])?
            {
                let Some(node) = by_id.get(&group).and_then(|n| self.nodes.get_mut(*n as usize)) else { continue };
                node.gate_failed |= failed;
                node.gate_open |= open;
            }
        }
        Ok(())
    }
}

fn select(level: &Level) -> String {
    let text = |column: &Option<String>| match column {
        Some(column) => format!("i.{}", ident(column)),
        None => "NULL".to_owned(),
    };
    let time = |column: &Option<String>| match column {
        Some(column) => {
            format!("(EXTRACT(epoch FROM i.{}::timestamptz) OPERATOR(pg_catalog.*) 1000000)::int8", ident(column))
        }
        None => "NULL".to_owned(),
    };
    let (status, join) = match &level.status {
        Some(status) => status.name_of_row(),
        None => ("NULL".to_owned(), String::new()),
    };
    let team = level.team.as_ref().map_or_else(|| "NULL".to_owned(), |t| format!("t.{}::text", ident(t)));
    let code = level.code.as_ref().map_or_else(|| "NULL".to_owned(), |c| format!("t.{}::text", ident(c)));
    let key = ident(&level.instance_key);
    let above = level.instance_parent.as_ref().map_or_else(|| key.clone(), |p| ident(p));
    let (template, template_key) = (ident(&level.instance_template), ident(&level.template_key));
    // The order that was copied, where it was.
    let place = level.template_order.as_ref().map(|order| {
        let copy = level.copies.iter().find(|(_, from)| *from == order);
        copy.map_or_else(|| format!("t.{}", ident(order)), |(to, _)| format!("i.{}", ident(to)))
    });
    let order = place.as_ref().map_or_else(String::new, |o| format!("{o} NULLS LAST, "));
    let place = place.map_or_else(|| "NULL".to_owned(), |p| format!("{p}::text"));
    format!(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_object('id', i.{key}, 'parent', {parent}, \
         'predecessor', {predecessor}, 'template', i.{template}::text, 'place', {place}, 'label', {label}, 'code', {code}, 'status', {status}, \
         'start_us', {start}, 'finish_us', {finish}, 'minutes', {minutes}, 'team', {team}) \
         ORDER BY {order}i.{key}) FROM {table} i \
         LEFT JOIN {master} t ON t.{template_key} OPERATOR(pg_catalog.=) i.{template}{join} \
         WHERE i.{above} OPERATOR(pg_catalog.=) ANY ($1)",
        parent = text(&level.instance_parent),
        predecessor = text(&level.instance_predecessor),
        label = text(&level.label),
        start = time(&level.started_at),
        finish = time(&level.finished_at),
        minutes = text(&level.duration_minutes),
        table = level.instance,
        master = level.template,
    )
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}
