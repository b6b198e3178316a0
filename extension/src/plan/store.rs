//! The tables beside the instances: versions of templates, requests, overrides.

use canon_core::plan::{Dependency, Link};
use pgrx::datum::DatumWithOid;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::PlanError;
use super::mapping::{Level, Mapping};
use super::sql::{Db, ident, unnest};
use super::tree::Tree;
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// A row of a template as it is kept: key, parent, predecessor, copied values.
#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
pub(super) struct Kept(
    pub(super) String,
    pub(super) Option<String>,
    pub(super) Option<String>,
    pub(super) Vec<Option<String>>,
);

/// What a template holds, level by level, as text whose bytes depend on the content alone.
pub(super) struct Content {
    levels: Vec<(String, String)>,
    hash: Vec<u8>,
}

impl Content {
    /// Of a template that has been read; items and gates are read here.
    pub(super) fn of(db: &Db, mapping: &Mapping, tree: &Tree) -> Result<Self> {
        let mut levels = Vec::with_capacity(mapping.levels.len());
        for (position, level) in mapping.levels.iter().enumerate() {
            let text = if level.in_graph() { graph_level(tree, position)? } else { leaves(db, mapping, tree, level)? };
            levels.push((level.level.clone(), text));
        }
        let mut hasher = Sha256::new();
        for (level, text) in &levels {
            // Lengths keep one level's end from being taken for the next one's start.
            hasher.update((level.len() as u64).to_be_bytes());
            hasher.update(level);
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        Ok(Self { levels, hash: hasher.finalize().to_vec() })
    }
}

fn graph_level(tree: &Tree, position: usize) -> Result<String> {
    let mut rows = graph_rows(tree, position);
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    serde_json::to_string(&rows).map_err(|error| Error::Internal(error.to_string()))
}

fn graph_rows(tree: &Tree, position: usize) -> Vec<Kept> {
    let key_of = |n: u32| tree.nodes[n as usize].key.clone();
    let nodes = tree.nodes.iter().filter(|n| n.level == position);
    nodes.map(|n| Kept(n.key.clone(), n.parent.map(key_of), n.predecessor.clone(), n.copied.clone())).collect()
}

/// The rows of a level as the template has them now.
pub(super) fn present(db: &Db, mapping: &Mapping, tree: &Tree, position: usize) -> Result<Vec<Kept>> {
    let level = &mapping.levels[position];
    if level.in_graph() {
        return Ok(graph_rows(tree, position));
    }
    let text = leaves(db, mapping, tree, level)?;
    serde_json::from_str(&text).map_err(|error| Error::Internal(error.to_string()))
}

fn leaves(db: &Db, mapping: &Mapping, tree: &Tree, level: &Level) -> Result<String> {
    let (Some(parent), Some(parent_column)) = (mapping.parent_of(level), &level.template_parent) else {
        return Ok("[]".to_owned());
    };
    let parents: Vec<String> = tree.of_level(mapping, &parent.level).map(|n| n.key.clone()).collect();
    let copied: Vec<String> = level.copies.values().map(|c| format!("t.{}::text", ident(c))).collect();
    let refs: Vec<String> = level.refs.iter().map(|r| format!("t.{}::text", ident(&r.template))).collect();
    let values = [copied, refs].concat().join(", ");
    let (key, parent_column) = (ident(&level.template_key), ident(parent_column));
    let sql = format!(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.{key}::text, \
         t.{parent_column}::text, NULL, pg_catalog.json_build_array({values})) \
         ORDER BY t.{key}::text COLLATE pg_catalog.\"C\") \
         FROM pg_catalog.unnest($1::{}[]) AS p (key) \
         JOIN {} t ON t.{parent_column} OPERATOR(pg_catalog.=) p.key",
        parent.key_type, level.template,
    );
    Ok(db.text(&sql, &[parents.into()])?.unwrap_or_else(|| "[]".to_owned()))
}

/// The number of this state of the template; a state not seen before gets the next one.
pub(super) fn version(db: &Db, mapping: &Mapping, template: &str, content: &Content) -> Result<i32> {
    let versions = mapping.store("template_version");
    let found: Option<i32> = db.json(
        &format!(
            "SELECT pg_catalog.to_json(version) FROM {versions} WHERE plan OPERATOR(pg_catalog.=) $1 \
             AND template OPERATOR(pg_catalog.=) $2 AND hash OPERATOR(pg_catalog.=) $3"
        ),
        &[mapping.plan.as_str().into(), template.into(), content.hash.clone().into()],
    )?;
    if let Some(version) = found {
        return Ok(version);
    }
    let version: i32 = db.json(
        &format!(
            "INSERT INTO {versions} (plan, template, version, hash) \
             SELECT $1, $2, COALESCE(pg_catalog.max(version), 0) OPERATOR(pg_catalog.+) 1, $3 FROM {versions} \
             WHERE plan OPERATOR(pg_catalog.=) $1 AND template OPERATOR(pg_catalog.=) $2 \
             RETURNING pg_catalog.to_json(version)"
        ),
        &[mapping.plan.as_str().into(), template.into(), content.hash.clone().into()],
    )?;
    let (names, texts): (Vec<String>, Vec<String>) = content.levels.iter().cloned().unzip();
    let _fast = Pinned::fast_compression();
    db.run(
        &format!(
            "INSERT INTO {} (plan, template, version, level, content) \
             SELECT $1, $2, $3, l.level, l.content FROM {} AS l (level, content)",
            mapping.store("template_version_level"),
            unnest(["$4".to_owned(), "$5".to_owned()])
        ),
        &[mapping.plan.as_str().into(), template.into(), version.into(), names.into(), texts.into()],
    )?;
    Ok(version)
}

/// What a level of a template held in that version.
pub(super) fn kept(db: &Db, mapping: &Mapping, template: &str, version: i32, level: &str) -> Result<Vec<Kept>> {
    db.list(
        &format!(
            "SELECT content FROM {} WHERE plan OPERATOR(pg_catalog.=) $1 AND template OPERATOR(pg_catalog.=) $2 \
             AND version OPERATOR(pg_catalog.=) $3 AND level OPERATOR(pg_catalog.=) $4",
            mapping.store("template_version_level")
        ),
        &[mapping.plan.as_str().into(), template.into(), version.into(), level.into()],
    )
}

/// A request that an instance was made by.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) template: String,
    pub(super) run: String,
    pub(super) version: i32,
    pub(super) options: Value,
    pub(super) report: Value,
}

/// The request behind an instance.
pub(super) fn request(db: &Db, mapping: &Mapping, instance: pgrx::Uuid) -> Result<Option<Request>> {
    let sql = format!(
        "SELECT pg_catalog.row_to_json(r) FROM {} r WHERE r.instance OPERATOR(pg_catalog.=) $1",
        mapping.store("plan_run")
    );
    db.json(&sql, &[instance.into()])
}

/// As [`request`], where there has to be one.
pub(super) fn lineage(db: &Db, mapping: &Mapping, instance: pgrx::Uuid) -> Result<Request> {
    let missing = || PlanError::NoLineage { instance: instance.to_string() };
    Ok(request(db, mapping, instance)?.ok_or_else(missing)?)
}

#[derive(Deserialize)]
struct Declared(String, String, String, String, String, i64);

/// Ends of declared dependencies that `find` does not know: level and template key.
pub(super) fn loose_ends(
    db: &Db,
    mapping: &Mapping,
    template: &str,
    find: impl Fn(&str, &str) -> Option<u32>,
) -> Result<Vec<(String, String)>> {
    let ends = |Declared(from_level, from, to_level, to, ..): Declared| [(from_level, from), (to_level, to)];
    let all = declared(db, mapping, template)?.into_iter().flat_map(ends);
    Ok(all.filter(|(level, key)| find(level, key).is_none()).collect())
}

fn declared(db: &Db, mapping: &Mapping, template: &str) -> Result<Vec<Declared>> {
    db.list(
        &format!(
            "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(predecessor_level, predecessor, successor_level, \
             successor, link, lag_minutes)) FROM {} WHERE plan OPERATOR(pg_catalog.=) $1 \
             AND template OPERATOR(pg_catalog.=) $2",
            mapping.store("plan_dependency")
        ),
        &[DatumWithOid::from(mapping.plan.as_str()), template.into()],
    )
}

/// Dependencies of a template beyond predecessor columns, between nodes that `find` knows by level
/// and template key.
pub(super) fn dependencies(
    db: &Db,
    mapping: &Mapping,
    template: &str,
    find: impl Fn(&str, &str) -> Option<u32>,
) -> Result<Vec<Dependency>> {
    let dependency = |Declared(from_level, from, to_level, to, link, minutes): Declared| {
        let link = match link.as_str() {
            "SS" => Link::StartToStart,
            "FF" => Link::FinishToFinish,
            "SF" => Link::StartToFinish,
            _ => Link::FinishToStart,
        };
        let (from, to) = (find(&from_level, &from)?, find(&to_level, &to)?);
        Some(Dependency { from, to, link, lag_us: minutes.saturating_mul(60_000_000) })
    };
    Ok(declared(db, mapping, template)?.into_iter().filter_map(dependency).collect())
}
