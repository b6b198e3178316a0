//! Back to the template: promoting what an instance has learnt, cloning a template.

use canon_core::plan::Codes;
use pgrx::Uuid;
use serde_json::json;

use super::drift::{self, DriftKind};
use super::error::PlanError;
use super::mapping::{Kind, Level, Mapping};
use super::options::Unscoped;
use super::resync::record;
use super::sql::{Db, ident, unnest};
use super::store::{self, Content};
use super::tree::Tree;
use super::{ids, known};
use crate::error::Result;

/// A column of the template that takes, or took, the value of an instance.
pub(super) struct Promoted {
    pub(super) field: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Writes the values of an instance row into its template row.
pub(super) fn promote(instance: Uuid, node: Uuid, apply: bool, why: Option<&str>) -> Result<Vec<Promoted>> {
    let db = if apply { Db::latest() } else { Db::reading() };
    let comparison = drift::compare(&db, instance)?;
    let mapping = &comparison.instance.mapping;
    let own = |d: &&drift::Drift| d.node == Some(node) && matches!(d.kind, DriftKind::Changed | DriftKind::Reordered);
    if !comparison.instance.has_row(&db, node)? {
        return Err(PlanError::Argument {
            what: format!("{node} is no row of instance {instance}"),
            hint: format!("SELECT level, node, label FROM canon.plan_schedule('{instance}');"),
        }
        .into());
    }
    let mut promoted = Vec::new();
    for drift in comparison.rows.iter().filter(own) {
        let level = &mapping.levels[drift.level];
        let Some(column) = drift.field.as_ref().and_then(|f| level.copies.get(f)) else { continue };
        if apply {
            let sql = format!(
                "UPDATE {} SET {column} = $1::{} WHERE {} OPERATOR(pg_catalog.=) $2::{}",
                level.template,
                level.type_of(drift.field.as_deref().unwrap_or_default()),
                ident(&level.template_key),
                level.key_type,
                column = ident(column),
            );
            db.run(&sql, &[drift.instance_value.clone().into(), drift.template.as_str().into()])?;
        }
        promoted.push(Promoted {
            field: column.clone(),
            before: drift.template_value.clone(),
            after: drift.instance_value.clone(),
        });
    }
    if let (true, Some(first)) = (apply && !promoted.is_empty(), comparison.rows.iter().find(own)) {
        let fields: Vec<&String> = promoted.iter().map(|p| &p.field).collect();
        let level = &mapping.levels[first.level].level;
        let template = &comparison.request.template;
        let tree = Tree::read(&db, mapping, template, None, Unscoped::Keep)?;
        let version = store::version(&db, mapping, template, &Content::of(&db, mapping, &tree)?)?;
        let detail = json!({"fields": fields, "version": version});
        record(&db, mapping, instance, level, node, "promote", why, detail)?;
    }
    Ok(promoted)
}

/// Copies a template with everything that belongs to it; the key of the copy.
pub(super) fn clone(template: &str, name: &str) -> Result<String> {
    if name.trim().is_empty() {
        let (what, hint) = ("the copy needs a name".to_owned(), "Pass a name that people know it by.".to_owned());
        return Err(PlanError::Argument { what, hint }.into());
    }
    let db = Db::fixed();
    let mapping = known::of_template(&db, template)?;
    if let Some(level) = mapping.levels.iter().find(|l| l.key_type != "uuid") {
        return Err(PlanError::Argument {
            what: format!("level \"{}\" has keys of type {}: they cannot be computed", level.level, level.key_type),
            hint: "Only templates whose keys are of type uuid can be cloned.".to_owned(),
        }
        .into());
    }
    let tree = Tree::read(&db, &mapping, template, None, Unscoped::Keep)?;
    let root: uuid::Uuid = db.json("SELECT pg_catalog.to_json(pg_catalog.gen_random_uuid())", &[])?;
    let root = super::instance::to_pg(root);
    for (position, level) in mapping.levels.iter().enumerate() {
        clone_level(&db, &mapping, &tree, position, level, root, name)?;
    }
    Ok(root.to_string())
}

fn clone_level(
    db: &Db,
    mapping: &Mapping,
    tree: &Tree,
    position: usize,
    level: &Level,
    root: Uuid,
    name: &str,
) -> Result<()> {
    // A row's new key follows from its old one, so references inside the template follow too.
    let new = |level: &Level, value: &str| match level.parent {
        None => "$2".to_owned(),
        Some(_) => {
            let prefix = pgrx::spi::quote_literal(format!("{}:", level.level));
            format!("canon.plan_id($2, {prefix} OPERATOR(pg_catalog.||) {value}::text)")
        }
    };
    let key = ident(&level.template_key);
    let mut special: Vec<(String, String)> = vec![(level.template_key.clone(), new(level, &format!("t.{key}")))];
    if let (Some(above), Some(parent)) = (mapping.parent_of(level), &level.template_parent) {
        special.push((parent.clone(), new(above, &format!("t.{}", ident(parent)))));
    }
    if let Some(predecessor) = &level.template_predecessor {
        let column = ident(predecessor);
        let inside = format!("t.{column}::text OPERATOR(pg_catalog.=) ANY ($1)");
        let id = new(level, &format!("t.{column}"));
        special.push((predecessor.clone(), format!("CASE WHEN {inside} THEN {id} ELSE t.{column} END")));
    }
    for reference in &level.refs {
        if let Some(target) = mapping.level(&reference.level) {
            let column = format!("t.{}", ident(&reference.template));
            let id = new(target, &column);
            special.push((reference.template.clone(), format!("CASE WHEN {column} IS NOT NULL THEN {id} END")));
        }
    }
    let label = level.label.as_ref().and_then(|l| level.copies.get(l));
    if let (None, Some(label)) = (&level.parent, label) {
        special.push((label.clone(), "$3".to_owned()));
    }
    let codes = new_codes(db, mapping, tree, position, level)?;
    let code_join = format!(
        " LEFT JOIN {} AS c (key, code) ON c.key OPERATOR(pg_catalog.=) t.{key}::text",
        unnest(["$4".to_owned(), "$5".to_owned()])
    );
    if let (Some(code), Some(_)) = (&level.code, &codes) {
        special.push((code.clone(), "c.code".to_owned()));
    }
    // What the server fills in by itself, and what says when the row was made, is not copied.
    let plain: Vec<String> = db.list(
        "SELECT pg_catalog.json_agg(attname ORDER BY attnum) FROM pg_catalog.pg_attribute \
         WHERE attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass AND attnum OPERATOR(pg_catalog.>) 0 \
         AND NOT attisdropped AND attgenerated OPERATOR(pg_catalog.=) '' AND attidentity OPERATOR(pg_catalog.=) '' \
         AND attname OPERATOR(pg_catalog.<>) ALL (ARRAY['created_at', 'updated_at']::name[])",
        &[level.template.as_str().into()],
    )?;
    let plain: Vec<&String> = plain.iter().filter(|c| !special.iter().any(|(s, _)| s == *c)).collect();
    let columns: Vec<String> = special.iter().map(|(c, _)| ident(c)).chain(plain.iter().map(|c| ident(c))).collect();
    let values: Vec<String> =
        special.iter().map(|(_, v)| v.clone()).chain(plain.iter().map(|c| format!("t.{}", ident(c)))).collect();
    let (place, keys) = place_of(mapping, tree, position, level);
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} t{join} WHERE t.{place}::text OPERATOR(pg_catalog.=) ANY ($1)",
        columns.join(", "),
        values.join(", "),
        table = level.template,
        join = if codes.is_some() { code_join } else { String::new() },
    );
    let mut arguments = vec![keys.clone().into(), root.into(), name.into()];
    if let Some((of, code)) = codes {
        arguments.extend([of.into(), code.into()]);
    }
    db.run(&sql, &arguments)?;
    if let Some(filter) = &level.filter {
        let copies: Vec<Uuid> = keys.iter().map(|k| ids::node(root, &level.level, k)).collect();
        let sql = format!(
            "INSERT INTO {table} ({link}, {kind}) SELECT n.id, f.{kind} FROM {rows} AS n (key, id) \
             JOIN {table} f ON f.{link} OPERATOR(pg_catalog.=) n.key",
            table = filter.table,
            link = ident(&filter.key),
            kind = ident(&filter.kind),
            rows = unnest(["$1::uuid[]".to_owned(), "$2".to_owned()]),
        );
        db.run(&sql, &[keys.into(), copies.into()])?;
    }
    Ok(())
}

/// The column that selects the rows of a level in a template, and what it holds for them.
fn place_of(mapping: &Mapping, tree: &Tree, position: usize, level: &Level) -> (String, Vec<String>) {
    let (column, at) = match (level.in_graph(), mapping.parent_position(position), &level.template_parent) {
        (false, Some(above), Some(parent)) => (parent, above),
        _ => (&level.template_key, position),
    };
    (ident(column), tree.nodes.iter().filter(|n| n.level == at).map(|n| n.key.clone()).collect())
}

/// Codes for the copies of gates, by the keys of the originals: people pass and override a gate by
/// its code, so no two have the same, in whatever template. `None` where a level keeps its codes.
#[allow(clippy::type_complexity, reason = "two columns")]
fn new_codes(
    db: &Db,
    mapping: &Mapping,
    tree: &Tree,
    position: usize,
    level: &Level,
) -> Result<Option<(Vec<String>, Vec<Option<String>>)>> {
    let (Kind::Gate, Some(code)) = (level.kind, &level.code) else { return Ok(None) };
    let limit: Option<i64> = db.json(
        "SELECT pg_catalog.to_json(CASE WHEN a.atttypmod OPERATOR(pg_catalog.>) 4 \
             THEN a.atttypmod OPERATOR(pg_catalog.-) 4 ELSE 1000 END) \
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid \
         WHERE a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass \
         AND a.attname::text OPERATOR(pg_catalog.=) $2 AND t.typcategory OPERATOR(pg_catalog.=) 'S'",
        &[level.template.as_str().into(), code.as_str().into()],
    )?;
    let Some(limit) = limit.and_then(|l| usize::try_from(l).ok()) else { return Ok(None) };
    let (column, key) = (ident(code), ident(&level.template_key));
    let (place, keys) = place_of(mapping, tree, position, level);
    let originals: Vec<(String, Option<String>)> = db.list(
        &format!(
            "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.{key}::text, t.{column}::text) \
             ORDER BY t.{key}::text COLLATE pg_catalog.\"C\") FROM {} t \
             WHERE t.{place}::text OPERATOR(pg_catalog.=) ANY ($1)",
            level.template
        ),
        &[keys.into()],
    )?;
    let taken: Vec<String> = db.list(
        &format!(
            "SELECT pg_catalog.json_agg(DISTINCT t.{column}::text) FROM {} t WHERE t.{column} IS NOT NULL",
            level.template
        ),
        &[],
    )?;
    let mut codes = Codes::new(taken, limit);
    Ok(Some(originals.into_iter().map(|(key, code)| (key, code.map(|code| codes.next(&code)))).unzip()))
}
