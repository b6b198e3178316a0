//! What `canon.plan_register` takes, and whether it makes sense.

use std::collections::BTreeMap;

use pgrx::spi::quote_literal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::PlanError;
use super::mapping::{Filter, Kind, Ref, RollUp, Run, Status};
use super::sql::{Db, ident};
use crate::error::Result;

/// What a caller passes. Table names are as in SQL, with their schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    pub(super) store: String,
    #[serde(default)]
    pub(super) roll_up: RollUp,
    pub(super) run: Run,
    pub(super) levels: Vec<LevelDefinition>,
}

/// A row of `canon.plan_mapping`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelDefinition {
    #[serde(skip_deserializing)]
    pub(super) plan: String,
    #[serde(skip_deserializing)]
    pub(super) position: usize,
    level: String,
    kind: Kind,
    #[serde(default)]
    parent: Option<String>,
    template: String,
    template_key: String,
    #[serde(default)]
    template_parent: Option<String>,
    #[serde(default)]
    template_order: Option<String>,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    template_predecessor: Option<String>,
    instance: String,
    instance_key: String,
    #[serde(default)]
    instance_parent: Option<String>,
    instance_template: String,
    #[serde(default)]
    instance_predecessor: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    duration_minutes: Option<String>,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    finished_at: Option<String>,
    #[serde(default)]
    completed: Option<String>,
    #[serde(default)]
    critical: Option<String>,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    copies: BTreeMap<String, String>,
    #[serde(default)]
    defaults: BTreeMap<String, Value>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    filter: Option<Filter>,
    #[serde(default)]
    refs: Vec<Ref>,
}

/// What can be said without looking at the database.
pub(super) fn check_shape(definition: &Definition) -> std::result::Result<(), String> {
    let levels = &definition.levels;
    let Some(root) = levels.first() else { return Err("there are no levels".to_owned()) };
    if root.kind != Kind::Plan {
        return Err(format!("the first level, \"{}\", must be of kind plan", root.level));
    }
    for (at, level) in levels.iter().enumerate() {
        let name = &level.level;
        let before = |wanted: &str| levels[..at].iter().find(|l| l.level == wanted);
        if before(name).is_some() {
            return Err(format!("there are two levels \"{name}\""));
        }
        let known = definition.run.kind.is_some();
        if level.filter.is_some() && !(known && matches!(level.kind, Kind::Group | Kind::Task)) {
            return Err(format!(
                "level \"{name}\" has a filter: only groups and tasks can, where \"run\" has a \"kind\""
            ));
        }
        if level.template_predecessor.is_some() != level.instance_predecessor.is_some() {
            return Err(format!(
                "level \"{name}\" needs both template_predecessor and instance_predecessor, or neither"
            ));
        }
        if level.ordered && !(level.template_order.is_some() && matches!(level.kind, Kind::Group | Kind::Task)) {
            return Err(format!("level \"{name}\" is ordered: only groups and tasks with a template_order can be"));
        }
        for reference in &level.refs {
            if before(&reference.level).is_none_or(|l| l.parent.is_none()) {
                return Err(format!("level \"{name}\" refers to \"{}\", which is no level before it", reference.level));
            }
        }
        match (level.kind, &level.parent) {
            (Kind::Plan, None) if at == 0 => {}
            (Kind::Plan, _) => return Err(format!("level \"{name}\" cannot be of kind plan")),
            (_, None) => return Err(format!("level \"{name}\" needs a parent")),
            (kind, Some(parent)) => {
                let Some(above) = before(parent) else {
                    return Err(format!("level \"{name}\" hangs below \"{parent}\", which is no level before it"));
                };
                let fits = match kind {
                    Kind::Item => above.kind == Kind::Task,
                    _ => matches!(above.kind, Kind::Plan | Kind::Group),
                };
                if !fits {
                    return Err(format!("level \"{name}\" cannot hang below \"{parent}\""));
                }
                if level.template_parent.is_none() || level.instance_parent.is_none() {
                    return Err(format!("level \"{name}\" needs template_parent and instance_parent"));
                }
            }
        }
    }
    Ok(())
}

/// Every table and column has to exist, and instance keys have to be uuids.
pub(super) fn check_catalog(db: &Db, plan: &str, definition: &Definition) -> Result<()> {
    let wrong = |message: String| PlanError::Mapping { plan: plan.to_owned(), message };
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for level in &definition.levels {
        level.columns(&mut wanted);
    }
    let run = &definition.run;
    wanted.push((&run.table, &run.key));
    wanted
        .extend([&run.template, &run.kind, &run.start].into_iter().flatten().map(|c| (run.table.as_str(), c.as_str())));
    wanted.push((&definition.levels[0].instance, &run.instance));
    let (tables, columns): (Vec<String>, Vec<String>) =
        wanted.iter().map(|(t, c)| ((*t).to_owned(), (*c).to_owned())).unzip();
    let missing: Vec<(String, Option<String>)> = db.list(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(w.t, CASE WHEN c.oid IS NOT NULL THEN w.c END)) \
         FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS w (t, c) \
         LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(w.t) \
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname::text OPERATOR(pg_catalog.=) w.c \
             AND NOT a.attisdropped)",
        &[tables.into(), columns.into()],
    )?;
    match missing.into_iter().next() {
        Some((table, None)) => {
            return Err(wrong(format!("table {table} does not exist; name it with its schema")).into());
        }
        Some((table, Some(column))) => return Err(wrong(format!("table {table} has no column \"{column}\"")).into()),
        None => {}
    }
    for level in &definition.levels {
        let is_uuid: bool = db.json(
            "SELECT pg_catalog.to_json(atttypid OPERATOR(pg_catalog.=) 'pg_catalog.uuid'::pg_catalog.regtype) \
             FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1) \
             AND attname::text OPERATOR(pg_catalog.=) $2",
            &[level.instance.as_str().into(), level.instance_key.as_str().into()],
        )?;
        if !is_uuid {
            let (table, key) = (&level.instance, &level.instance_key);
            return Err(wrong(format!("column \"{key}\" of {table} must be of type uuid: keys are computed")).into());
        }
    }
    let store: bool = db.json(
        "SELECT pg_catalog.to_json(pg_catalog.to_regclass($1) IS NOT NULL)",
        &[format!("{}.plan_run", ident(&definition.store)).into()],
    )?;
    if !store {
        return Err(PlanError::Argument {
            what: format!("mapping of plan \"{plan}\": schema \"{}\" holds no plan store", definition.store),
            hint: format!("SELECT canon.plan_store({});", quote_literal(&definition.store)),
        }
        .into());
    }
    Ok(())
}

impl LevelDefinition {
    /// Every column named, with its table.
    fn columns<'a>(&'a self, out: &mut Vec<(&'a str, &'a str)>) {
        let (template, instance) = (self.template.as_str(), self.instance.as_str());
        let of_template = [
            Some(&self.template_key),
            self.template_parent.as_ref(),
            self.template_order.as_ref(),
            self.template_predecessor.as_ref(),
            self.code.as_ref(),
            self.team.as_ref(),
        ];
        let of_instance = [
            Some(&self.instance_key),
            Some(&self.instance_template),
            self.instance_parent.as_ref(),
            self.instance_predecessor.as_ref(),
            self.label.as_ref(),
            self.duration_minutes.as_ref(),
            self.started_at.as_ref(),
            self.finished_at.as_ref(),
            self.completed.as_ref(),
            self.critical.as_ref(),
            self.status.as_ref().map(|s| &s.column),
        ];
        out.extend(of_template.into_iter().flatten().map(|c| (template, c.as_str())));
        out.extend(of_instance.into_iter().flatten().map(|c| (instance, c.as_str())));
        for (to, from) in &self.copies {
            out.extend([(instance, to.as_str()), (template, from.as_str())]);
        }
        out.extend(self.defaults.keys().map(|c| (instance, c.as_str())));
        for reference in &self.refs {
            out.extend([(instance, reference.column.as_str()), (template, reference.template.as_str())]);
        }
        if let Some(filter) = &self.filter {
            out.extend([(filter.table.as_str(), filter.key.as_str()), (filter.table.as_str(), filter.kind.as_str())]);
        }
        if let Some(status) = &self.status {
            if let Some(lookup) = &status.lookup {
                let table = lookup.table.as_str();
                out.extend([(table, lookup.key.as_str()), (table, lookup.name.as_str())]);
                out.extend(lookup.class.iter().map(|(column, _)| (table, column.as_str())));
            }
            out.extend(status.retired.iter().map(|r| (template, r.column.as_str())));
        }
    }
}
