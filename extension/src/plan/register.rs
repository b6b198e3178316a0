//! `canon.plan_register`: a hierarchy becomes known, or nothing does.

use std::collections::BTreeMap;

use pgrx::JsonB;
use pgrx::pg_sys;
use pgrx::spi::quote_literal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::PlanError;
use super::mapping::{Filter, Kind, Level, Mapping, Ref, Run, Status};
use super::sql::{Db, ident};
use crate::error::Result;
use crate::user::ActingAs;

/// What a caller passes. Table names are as in SQL, with their schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    store: String,
    run: Run,
    levels: Vec<LevelDefinition>,
}

/// A row of `canon.plan_mapping`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LevelDefinition {
    #[serde(skip_deserializing)]
    plan: String,
    #[serde(skip_deserializing)]
    position: usize,
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

/// Registers a hierarchy, or replaces the one of that name.
pub(super) fn register(plan: &str, definition: Value) -> Result<i32> {
    let wrong = |message: String| PlanError::Mapping { plan: plan.to_owned(), message };
    let mut definition: Definition = serde_json::from_value(definition).map_err(|error| wrong(error.to_string()))?;
    for (position, level) in definition.levels.iter_mut().enumerate() {
        plan.clone_into(&mut level.plan);
        level.position = position;
    }
    check_shape(&definition).map_err(wrong)?;
    let db = Db::latest();
    check_catalog(&db, plan, &definition)?;
    check_owner(&db, plan)?;
    let rows = serde_json::to_value(&definition.levels).map_err(|error| wrong(error.to_string()))?;
    let run = serde_json::to_value(&definition.run).map_err(|error| wrong(error.to_string()))?;
    let role: String = db.json("SELECT pg_catalog.to_json(CURRENT_USER)", &[])?;
    as_owner(&db, || {
        db.run("DELETE FROM canon.plan WHERE plan OPERATOR(pg_catalog.=) $1", &[plan.into()])?;
        db.run(
            "INSERT INTO canon.plan (plan, store, run, registered_by) VALUES ($1, $2::name, $3, $4::name)",
            &[plan.into(), definition.store.as_str().into(), JsonB(run).into(), role.as_str().into()],
        )?;
        db.run(
            "INSERT INTO canon.plan_mapping \
             SELECT * FROM pg_catalog.jsonb_populate_recordset(NULL::canon.plan_mapping, $1)",
            &[JsonB(rows).into()],
        )?;
        Ok(())
    })?;
    Ok(i32::try_from(definition.levels.len()).unwrap_or(i32::MAX))
}

/// The tables of a store, as the pack `cutover` has them.
const STORE: &str = include_str!("../../../schema/cutover/28_plan_store.sql");
const STORE_NAME: &str = "cutover_plan";

/// Creates a schema with the tables that keep lineage, as the caller.
pub(super) fn create_store(schema: &str) -> Result<()> {
    if schema.is_empty() {
        let (what, hint) = ("the store needs a name".to_owned(), "SELECT canon.plan_store('my_plans');".to_owned());
        return Err(PlanError::Argument { what, hint }.into());
    }
    pgrx::Spi::run(&STORE.replace(STORE_NAME, &ident(schema)))?;
    Ok(())
}

/// Creates the triggers that keep templates free of circles and running instances as they are, as
/// the caller; the number of triggers.
pub(super) fn protect(plan: &str) -> Result<i32> {
    let db = Db::latest();
    let mapping = Mapping::named(&db, plan)?;
    let mut created = 0;
    let levels = mapping.levels.iter().flat_map(|level| triggers(plan, level));
    for statement in levels.chain(store_trigger(&db, &mapping)?) {
        db.run(&statement, &[])?;
        created += 1;
    }
    Ok(created)
}

/// The trigger on further dependencies; one serves all plans of a store.
fn store_trigger(db: &Db, mapping: &Mapping) -> Result<Option<String>> {
    let table = mapping.store("plan_dependency");
    let sql = "SELECT pg_catalog.to_json(EXISTS (SELECT FROM pg_catalog.pg_trigger \
               WHERE tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass \
               AND tgname OPERATOR(pg_catalog.=) 'plan_no_cycle'))";
    let exists: bool = db.json(sql, &[table.as_str().into()])?;
    let create = format!(
        "CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE ON {table} \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION canon.plan_no_cycle()"
    );
    Ok((!exists).then_some(create))
}

fn triggers(plan: &str, level: &Level) -> Vec<String> {
    let arguments = format!("{}, {}", quote_literal(plan), quote_literal(&level.level));
    let mut statements = Vec::new();
    let order = level.template_order.as_ref().filter(|_| level.ordered);
    let waits: Vec<String> = level.template_predecessor.iter().chain(order).map(|c| ident(c)).collect();
    if let (Some(parent), false) = (&level.template_parent, waits.is_empty()) {
        let set: Vec<String> = waits.iter().map(|column| format!("NEW.{column} IS NOT NULL")).collect();
        statements.push(format!(
            "CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE OF {}, {} ON {} \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({}) \
             EXECUTE FUNCTION canon.plan_no_cycle({arguments})",
            ident(parent),
            waits.join(", "),
            level.template,
            set.join(" OR "),
        ));
    }
    if let Some(parent) = &level.instance_parent {
        let mut columns: Vec<String> = level.copies.keys().map(|c| ident(c)).collect();
        columns.push(ident(parent));
        columns.extend(level.instance_predecessor.as_ref().map(|c| ident(c)));
        statements.push(format!(
            "CREATE TRIGGER plan_frozen BEFORE INSERT OR DELETE OR UPDATE OF {} ON {} \
             FOR EACH ROW EXECUTE FUNCTION canon.plan_frozen({arguments})",
            columns.join(", "),
            level.instance
        ));
    }
    statements
}

/// Forgets a hierarchy; its tables stay.
pub(super) fn unregister(plan: &str) -> Result<bool> {
    let db = Db::latest();
    check_owner(&db, plan)?;
    let mut removed = 0;
    as_owner(&db, || {
        removed = db.run("DELETE FROM canon.plan WHERE plan OPERATOR(pg_catalog.=) $1", &[plan.into()])?;
        Ok(())
    })?;
    Ok(removed > 0)
}

/// Callers may only read our tables; they are written here, by these fixed statements.
fn as_owner(db: &Db, body: impl FnOnce() -> Result<()>) -> Result<()> {
    let owner: u32 = db.json(
        "SELECT pg_catalog.to_json(relowner::pg_catalog.int8) FROM pg_catalog.pg_class \
         WHERE oid OPERATOR(pg_catalog.=) 'canon.plan'::pg_catalog.regclass",
        &[],
    )?;
    let acting = ActingAs::owner_of_our_table(pg_sys::Oid::from(owner));
    let done = body();
    drop(acting);
    done
}

fn check_owner(db: &Db, plan: &str) -> Result<()> {
    let owner: Option<String> = db.json(
        "SELECT pg_catalog.to_json(registered_by) FROM canon.plan WHERE plan OPERATOR(pg_catalog.=) $1 \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) registered_by \
             AND pg_catalog.pg_has_role(r.oid, 'USAGE')) \
         AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER)",
        &[plan.into()],
    )?;
    match owner {
        Some(owner) => Err(PlanError::NotYours { plan: plan.to_owned(), owner }.into()),
        None => Ok(()),
    }
}

/// What can be said without looking at the database.
fn check_shape(definition: &Definition) -> std::result::Result<(), String> {
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
fn check_catalog(db: &Db, plan: &str, definition: &Definition) -> Result<()> {
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
