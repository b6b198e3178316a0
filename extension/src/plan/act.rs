//! Decisions about rows of an instance: cancel, skip, override a gate.

use std::collections::BTreeMap;
use std::rc::Rc;

use pgrx::Uuid;
use serde_json::json;

use super::error::PlanError;
use super::follow::{self, quietly};
use super::instance::{Instance, Node, Phase, to_pg};
use super::known;
use super::mapping::{Kind, Level, Mapping};
use super::resync::{cancel, record, set_status};
use super::sql::{Db, ident};
use crate::error::Result;

/// Where a row of an instance is.
struct Place {
    mapping: Rc<Mapping>,
    /// Position in [`Mapping::levels`].
    level: usize,
    instance: Uuid,
}

/// A status that was set.
pub(super) struct Set {
    pub(super) level: String,
    pub(super) node: Uuid,
    pub(super) label: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// What skipping a task means for those that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// They go on as if it were done.
    Continue,
    /// They are held until a person decides.
    Stop,
    /// They are skipped too, and those that wait for them.
    SkipCascade,
}

impl Policy {
    pub(super) fn read(text: &str) -> Result<Self> {
        match text {
            "continue" => Ok(Self::Continue),
            "stop" => Ok(Self::Stop),
            "skip-cascade" => Ok(Self::SkipCascade),
            _ => Err(argument(
                format!("\"{text}\" is no policy for a skipped task"),
                "Policies: continue, stop, skip-cascade.",
            )),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Stop => "stop",
            Self::SkipCascade => "skip-cascade",
        }
    }
}

/// The status of a level for what will not be done.
fn cancelled(level: &Level) -> Option<String> {
    level.status.as_ref()?.cancelled.first().cloned()
}

/// The status of a level for what cannot go on.
fn held(level: &Level) -> Option<String> {
    level.status.as_ref()?.held.first().cloned()
}

fn argument(what: String, hint: &str) -> crate::error::Error {
    PlanError::Argument { what, hint: hint.to_owned() }.into()
}

fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(argument("a reason is required".to_owned(), "Say why: it is kept with the decision."));
    }
    Ok(text)
}

fn place(db: &Db, id: Uuid) -> Result<Place> {
    let (readable, hidden) = known::by_readability(db)?;
    for mapping in readable.iter().chain(&hidden) {
        for level in 0..mapping.levels.len() {
            if let Some(root) = root_of(db, mapping, &mapping.levels[level], id)? {
                return Ok(Place { mapping: Rc::clone(mapping), level, instance: to_pg(root) });
            }
        }
    }
    Err(PlanError::UnknownInstance { instance: id.to_string() }.into())
}

/// The instance around a row.
fn root_of(db: &Db, mapping: &Mapping, level: &Level, id: Uuid) -> Result<Option<uuid::Uuid>> {
    let (row, joins) = mapping.joins_up(level);
    let sql = format!(
        "SELECT pg_catalog.to_json(i.{}) FROM {} {row}{joins} WHERE {row}.{} OPERATOR(pg_catalog.=) $1",
        ident(&mapping.root().instance_key),
        level.instance,
        ident(&level.instance_key),
    );
    db.json(&sql, &[id.into()])
}

/// Cancels a row with everything below it that is not over.
pub(super) fn cancel_node(id: Uuid, why: &str) -> Result<Vec<Set>> {
    let why = reason(why)?;
    let db = Db::latest();
    let place = place(&db, id)?;
    let own = &place.mapping.levels[place.level];
    if !own.in_graph() {
        return Err(argument(
            format!("a row of level \"{}\" cannot be cancelled on its own", own.level),
            "Cancel the task or the group that it belongs to; a gate can be overridden: canon.plan_override_gate().",
        ));
    }
    let instance = Instance::read(&db, place.instance, false)?;
    let chosen: Vec<u32> = instance.below(id).into_iter().filter(|n| instance.is_unfinished(*n)).collect();
    let mut sets = quietly(|| {
        let sets = instance.set_to(&db, &chosen, cancelled, Some(why))?;
        close_gates(&db, &instance, &chosen, why).map(|()| sets)
    })?;
    let detail = json!({"rows": sets.len()});
    record(&db, &place.mapping, place.instance, &own.level, id, "cancel", Some(why), detail)?;
    sets.extend(follow::groups(&place.mapping, place.instance)?);
    Ok(sets)
}

/// Open gates of cancelled groups.
fn close_gates(db: &Db, instance: &Instance, groups: &[u32], why: &str) -> Result<()> {
    let ids: Vec<Uuid> = groups.iter().map(|n| instance.nodes[*n as usize].id).collect();
    for level in instance.mapping.levels.iter().filter(|l| l.kind == Kind::Gate) {
        let (Some(status), Some(parent)) = (&level.status, &level.instance_parent) else { continue };
        let (name, join) = status.name_of_row();
        let sql = format!(
            "SELECT pg_catalog.json_agg(i.{}) FROM {} i{join} WHERE i.{} OPERATOR(pg_catalog.=) ANY ($1) \
             AND {name} OPERATOR(pg_catalog.=) ANY ($2)",
            ident(&level.instance_key),
            level.instance,
            ident(parent)
        );
        let open: Vec<uuid::Uuid> = db.list(&sql, &[ids.clone().into(), status.open.clone().into()])?;
        cancel(db, level, open.into_iter().map(to_pg).collect(), why)?;
    }
    Ok(())
}

/// Skips a task that has not begun.
pub(super) fn skip(id: Uuid, why: &str, policy: Policy) -> Result<Vec<Set>> {
    let why = reason(why)?;
    let db = Db::latest();
    let place = place(&db, id)?;
    let instance = Instance::read(&db, place.instance, false)?;
    let Some((number, node)) = instance.tasks().find(|(_, n)| n.id == id) else {
        return Err(argument(
            format!("{id} is no task"),
            "Skip tasks; a group with all its tasks can be cancelled: canon.plan_cancel().",
        ));
    };
    if !matches!(node.phase, Phase::Open | Phase::Held) {
        return Err(argument(
            format!("{} has the status {}", instance.describe(number), node.status.as_deref().unwrap_or("NULL")),
            "Only a task that has not begun, or is held, can be skipped.",
        ));
    }
    let waiting = instance.waiting_for(number, policy == Policy::SkipCascade);
    let waiting: Vec<u32> = waiting.into_iter().filter(|n| instance.nodes[*n as usize].phase == Phase::Open).collect();
    let mut sets = quietly(|| match policy {
        Policy::Continue => instance.set_to(&db, &[number], cancelled, Some(why)),
        Policy::SkipCascade => instance.set_to(&db, &[&[number], waiting.as_slice()].concat(), cancelled, Some(why)),
        Policy::Stop => {
            let mut sets = instance.set_to(&db, &[number], cancelled, Some(why))?;
            sets.extend(instance.set_to(&db, &waiting, held, Some(why))?);
            Ok(sets)
        }
    })?;
    let detail = json!({"policy": policy.name(), "rows": sets.len()});
    let level = place.mapping.levels[place.level].level.clone();
    record(&db, &place.mapping, place.instance, &level, id, "skip", Some(why), detail)?;
    sets.extend(follow::groups(&place.mapping, place.instance)?);
    Ok(sets)
}

/// Takes a gate out of the way, with a reason and a name: one that failed counts as passed, one
/// that nobody has looked at as cancelled.
pub(super) fn override_gate(id: Uuid, why: &str) -> Result<Set> {
    let why = reason(why)?;
    let db = Db::latest();
    let place = place(&db, id)?;
    let level = &place.mapping.levels[place.level];
    let (Kind::Gate, Some(status)) = (level.kind, &level.status) else {
        return Err(argument(format!("{id} is no gate"), "SELECT level FROM canon.plan_mapping WHERE kind = 'gate';"));
    };
    let (name, join) = status.name_of_row();
    let label = level.label.as_ref().map_or_else(|| "NULL".to_owned(), |l| format!("i.{}", ident(l)));
    let sql = format!(
        "SELECT pg_catalog.json_build_array({name}, {label}) FROM {} i{join} WHERE i.{} OPERATOR(pg_catalog.=) $1",
        level.instance,
        ident(&level.instance_key)
    );
    let (before, label): (Option<String>, Option<String>) = db.json(&sql, &[id.into()])?;
    let after = match level.phase(before.as_deref()) {
        Phase::Held => status.done.first().or(status.cancelled.first()),
        Phase::Open => status.cancelled.first().or(status.done.first()),
        Phase::Running | Phase::Done | Phase::Cancelled => None,
    };
    let Some(after) = after.cloned() else {
        let what = format!("the gate holds nothing back: its status is {}", before.as_deref().unwrap_or("NULL"));
        return Err(argument(what, "Only a gate that is open or has failed can be overridden."));
    };
    set_status(&db, level, status, &after, vec![id], Some(why))?;
    let detail = json!({"status": before});
    record(&db, &place.mapping, place.instance, &level.level, id, "override gate", Some(why), detail)?;
    Ok(Set { level: level.level.clone(), node: id, label, before, after })
}

impl Instance {
    /// A row and all rows below it, parents first.
    pub(super) fn below(&self, id: Uuid) -> Vec<u32> {
        let mut inside = vec![false; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            inside[number] = node.id == id || node.parent.is_some_and(|p| inside[p as usize]);
        }
        (0u32..).zip(inside).filter(|(_, is)| *is).map(|(n, _)| n).collect()
    }

    fn is_unfinished(&self, number: u32) -> bool {
        !matches!(self.nodes[number as usize].phase, Phase::Done | Phase::Cancelled)
    }

    /// Rows that name this one as their predecessor; with `all`, also those that wait for them.
    fn waiting_for(&self, number: u32, all: bool) -> Vec<u32> {
        let mut found = vec![number];
        let mut at = 0;
        while let Some(&before) = found.get(at) {
            at += 1;
            let next = (0u32..).zip(&self.nodes).filter(|(_, n)| n.predecessor == Some(before)).map(|(n, _)| n);
            found.extend(next.collect::<Vec<_>>());
            if !all {
                break;
            }
        }
        found.split_off(1)
    }

    /// Gives rows a status: one statement a level. Levels without that status stay as they are.
    pub(super) fn set_to(
        &self,
        db: &Db,
        chosen: &[u32],
        name: impl Fn(&Level) -> Option<String>,
        why: Option<&str>,
    ) -> Result<Vec<Set>> {
        let mut sets = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        let mut by_level: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for number in chosen {
            let level = self.nodes[*number as usize].level;
            if !order.contains(&level) {
                order.push(level);
            }
            by_level.entry(level).or_default().push(*number);
        }
        for position in order {
            let level = &self.mapping.levels[position];
            let (Some(status), Some(after)) = (&level.status, name(level)) else { continue };
            let numbers = by_level.remove(&position).unwrap_or_default();
            let nodes: Vec<&Node> = numbers.iter().map(|n| &self.nodes[*n as usize]).collect();
            set_status(db, level, status, &after, nodes.iter().map(|n| n.id).collect(), why)?;
            sets.extend(nodes.into_iter().map(|n| Set {
                level: level.level.clone(),
                node: n.id,
                label: n.label.clone(),
                before: n.status.clone(),
                after: after.clone(),
            }));
        }
        Ok(sets)
    }
}
