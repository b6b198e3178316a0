//! `canon.plan_resync`: an instance follows its template where nobody has decided otherwise.

use std::collections::BTreeMap;
use std::ffi::CString;

use canon_core::plan::Merge;
use pgrx::{JsonB, Uuid};
use serde_json::json;

use super::drift::{Comparison, Drift, DriftKind, compare};
use super::error::PlanError;
use super::follow::{self, quietly};
use super::frozen::unfrozen;
use super::insert::{Copy, insert_leaves, insert_nodes};
use super::instance::Phase;
use super::mapping::{Kind, Level};
use super::sql::{Db, ident, unnest};
use super::status;
use super::store::{self, Content};
use super::{ids, known, options};
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// What becomes of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The instance follows.
    Follow,
    /// The instance keeps what it has.
    Keep,
    /// Both have changed: the instance keeps what it has until a person decides.
    Conflict,
    /// Work on the row has begun.
    Started,
}

impl Outcome {
    pub(super) fn of(drift: &Drift) -> Self {
        match drift.merge {
            Merge::Same | Merge::Keep => Self::Keep,
            Merge::Conflict => Self::Conflict,
            Merge::Follow if drift.started => Self::Started,
            Merge::Follow => Self::Follow,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Keep => "keep",
            Self::Conflict => "conflict",
            Self::Started => "started",
        }
    }
}

/// Compares, and with `apply` changes the rows that follow.
pub(super) fn resync(id: Uuid, apply: bool, force: bool) -> Result<Comparison> {
    if !apply {
        return compare(&Db::reading(), id);
    }
    let latest = Db::latest();
    let mapping = known::of_instance(&latest, id)?;
    let request = store::lineage(&latest, &mapping, id)?;
    let lock = ids::lock(&mapping.plan, &request.template, &request.run);
    latest.run("SELECT pg_catalog.pg_advisory_xact_lock($1)", &[lock.into()])?;
    let db = Db::fixed();
    let comparison = compare(&db, id)?;
    let begun = |phase: Phase| matches!(phase, Phase::Running | Phase::Done | Phase::Held);
    let frozen = comparison.instance.nodes.iter().any(|n| begun(n.phase));
    let follows = |d: &Drift| Outcome::of(d) == Outcome::Follow;
    if frozen && !force && comparison.rows.iter().any(follows) {
        return Err(PlanError::Frozen { instance: id.to_string() }.into());
    }
    quietly(|| unfrozen(|| Resync { db: &db, id, comparison: &comparison }.apply()))?;
    follow::groups(&mapping, id)?;
    Ok(comparison)
}

/// Values of one column, by row.
type Values = Vec<(Uuid, Option<String>)>;

struct Resync<'a> {
    db: &'a Db,
    id: Uuid,
    comparison: &'a Comparison,
}

impl Resync<'_> {
    fn following(&self) -> impl Iterator<Item = &Drift> {
        self.comparison.rows.iter().filter(|d| Outcome::of(d) == Outcome::Follow)
    }

    fn apply(&self) -> Result<()> {
        let mapping = &self.comparison.instance.mapping;
        self.add()?;
        let mut columns: BTreeMap<(usize, &str), Values> = BTreeMap::new();
        let mut removed: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
        for drift in self.following() {
            match (drift.node, drift.field.as_deref()) {
                (Some(node), Some(field)) => {
                    columns.entry((drift.level, field)).or_default().push((node, drift.template_value.clone()));
                }
                (Some(node), None) => removed.entry(drift.level).or_default().push(node),
                (None, _) => {}
            }
        }
        for ((level, column), values) in columns {
            self.set(&mapping.levels[level], column, values)?;
        }
        for (level, nodes) in removed {
            cancel(self.db, &mapping.levels[level], nodes, "the template has it no more")?;
        }
        let content = Content::of(self.db, mapping, &self.comparison.tree)?;
        let version = store::version(self.db, mapping, &self.comparison.request.template, &content)?;
        let sql =
            format!("UPDATE {} SET version = $2 WHERE instance OPERATOR(pg_catalog.=) $1", mapping.store("plan_run"));
        self.db.run(&sql, &[self.id.into(), version.into()])?;
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for drift in &self.comparison.rows {
            *counts.entry(Outcome::of(drift).name()).or_default() += 1;
        }
        let detail = json!({"version": version, "outcomes": counts});
        record(self.db, mapping, self.id, &mapping.root().level, self.id, "resync", None, detail)
    }

    /// Rows that the template has and the instance lacks, with their places in the graph.
    fn add(&self) -> Result<()> {
        let Comparison { instance, request, tree, expected, .. } = self.comparison;
        let mapping = &instance.mapping;
        let statuses = status::initial(self.db, mapping)?;
        let wanted: options::Options =
            serde_json::from_value(request.options.clone()).map_err(|error| Error::Internal(error.to_string()))?;
        for (position, level) in mapping.levels.iter().enumerate() {
            let added = self.following().filter(|d| d.kind == DriftKind::Added && d.level == position);
            let keys: Vec<String> = added.map(|d| d.template.clone()).collect();
            if keys.is_empty() {
                continue;
            }
            let mut chosen = vec![false; tree.nodes.len()];
            if level.in_graph() {
                keys.iter().filter_map(|k| tree.find(position, k)).for_each(|n| chosen[n as usize] = true);
            } else {
                chosen.clone_from(&expected.stays);
            }
            let copy = Copy {
                db: self.db,
                mapping,
                tree,
                chosen: &chosen,
                predecessors: &expected.predecessors,
                instance: self.id,
                run: &request.run,
                statuses: &statuses,
                created_by: wanted.created_by.as_deref(),
                leaves: Some(&keys),
            };
            match level.kind {
                Kind::Plan | Kind::Group | Kind::Task => insert_nodes(&copy, position, level).map(|_| ())?,
                Kind::Item | Kind::Gate => insert_leaves(&copy, level).map(|_| ())?,
            }
        }
        Ok(())
    }

    fn set(&self, level: &Level, column: &str, values: Values) -> Result<()> {
        let (nodes, texts): (Vec<Uuid>, Vec<Option<String>>) = values.into_iter().unzip();
        let sql = format!(
            "UPDATE {} i SET {} = v.value::{} FROM {} AS v (id, value) WHERE i.{} OPERATOR(pg_catalog.=) v.id",
            level.instance,
            ident(column),
            level.type_of(column),
            unnest(["$1".to_owned(), "$2".to_owned()]),
            ident(&level.instance_key),
        );
        self.db.run(&sql, &[nodes.into(), texts.into()])?;
        Ok(())
    }
}

/// Gives rows the first status that means "will not be done". Rows of levels without one stay.
pub(super) fn cancel(db: &Db, level: &Level, nodes: Vec<Uuid>, why: &str) -> Result<u64> {
    let Some((meaning, name)) = level.status.as_ref().and_then(|s| Some((s, s.cancelled.first()?))) else {
        return Ok(0);
    };
    set_status(db, level, meaning, name, nodes, Some(why))
}

/// Gives rows a status. A status machine on the column finds the reason where it looks for one.
pub(super) fn set_status(
    db: &Db,
    level: &Level,
    meaning: &super::mapping::Status,
    name: &str,
    nodes: Vec<Uuid>,
    why: Option<&str>,
) -> Result<u64> {
    let why = why.and_then(|why| CString::new(why).ok());
    let _reason = why.map(|why| Pinned::one(c"canon.status_reason", &why));
    let value = status::value_of(db, level, meaning, name)?;
    let sql = format!(
        "UPDATE {} SET {} = $2::{} WHERE {} OPERATOR(pg_catalog.=) ANY ($1)",
        level.instance,
        ident(&meaning.column),
        level.type_of(&meaning.column),
        ident(&level.instance_key),
    );
    db.run(&sql, &[nodes.into(), value.into()])
}

/// Writes a decision down.
#[allow(clippy::too_many_arguments, reason = "the columns of the table")]
pub(super) fn record(
    db: &Db,
    mapping: &super::mapping::Mapping,
    instance: Uuid,
    level: &str,
    node: Uuid,
    action: &str,
    reason: Option<&str>,
    detail: serde_json::Value,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO {} (instance, level, node, action, reason, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        mapping.store("plan_action")
    );
    db.run(&sql, &[instance.into(), level.into(), node.into(), action.into(), reason.into(), JsonB(detail).into()])?;
    Ok(())
}
