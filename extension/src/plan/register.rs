//! `canon.plan_register`: a hierarchy becomes known, or nothing does.

use pgrx::JsonB;
use pgrx::pg_sys;
use pgrx::spi::quote_literal;
use serde_json::Value;

use super::definition::{Definition, check_catalog, check_shape};
use super::error::PlanError;
use super::known;
use super::mapping::{Kind, Level, Mapping};
use super::sql::{Db, ident};
use crate::error::Result;
use crate::user::ActingAs;

/// Registers a hierarchy, or replaces the one of that name.
pub(super) fn register(plan: &str, definition: Value) -> Result<i32> {
    let wrong = |message: String| PlanError::Mapping { plan: plan.to_owned(), message };
    if plan.trim().is_empty() {
        return Err(wrong("it needs a name".to_owned()).into());
    }
    if !definition.is_object() {
        return Err(wrong("it is no JSON object".to_owned()).into());
    }
    let mut definition: Definition = serde_json::from_value(definition).map_err(|error| wrong(error.to_string()))?;
    for (position, level) in definition.levels.iter_mut().enumerate() {
        plan.clone_into(&mut level.plan);
        level.position = position;
    }
    check_shape(&definition).map_err(wrong)?;
    let db = Db::latest();
    check_registrar(&db, plan)?;
    check_catalog(&db, plan, &definition)?;
    check_owner(&db, plan)?;
    let rows = serde_json::to_value(&definition.levels).map_err(|error| wrong(error.to_string()))?;
    let run = serde_json::to_value(&definition.run).map_err(|error| wrong(error.to_string()))?;
    let roll_up = serde_json::to_value(definition.roll_up).map_err(|error| wrong(error.to_string()))?;
    let role: String = db.json("SELECT pg_catalog.to_json(CURRENT_USER)", &[])?;
    as_owner(&db, || {
        db.run("DELETE FROM canon.plan WHERE plan OPERATOR(pg_catalog.=) $1", &[plan.into()])?;
        db.run(
            "INSERT INTO canon.plan (plan, store, run, roll_up, registered_by) VALUES ($1, $2::name, $3, $4, $5::name)",
            &[
                plan.into(),
                definition.store.as_str().into(),
                JsonB(run).into(),
                roll_up.as_str().into(),
                role.as_str().into(),
            ],
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
    // The server would cut it, and the mapping would name another schema.
    if schema.len() >= pg_sys::NAMEDATALEN as usize {
        let what = format!("the name of the store is longer than {} bytes", pg_sys::NAMEDATALEN - 1);
        return Err(PlanError::Argument { what, hint: "SELECT canon.plan_store('my_plans');".to_owned() }.into());
    }
    pgrx::Spi::run(&STORE.replace(STORE_NAME, &ident(schema)))?;
    Ok(())
}

/// Creates the triggers that keep templates free of circles and running instances as they are, as
/// the caller; the number of triggers.
pub(super) fn protect(plan: &str) -> Result<i32> {
    let db = Db::latest();
    let mapping = known::named(&db, plan)?;
    let mut created = 0;
    let levels = mapping.levels.iter().flat_map(|level| triggers(plan, level));
    for Trigger { name, table, create } in levels.chain([store_trigger(&mapping)]) {
        let sql = "SELECT pg_catalog.to_json(EXISTS (SELECT FROM pg_catalog.pg_trigger \
                   WHERE tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass \
                   AND tgname OPERATOR(pg_catalog.=) $2::pg_catalog.name))";
        if !db.json::<bool>(sql, &[table.as_str().into(), name.into()])? {
            db.run(&create, &[])?;
            created += 1;
        }
    }
    Ok(created)
}

struct Trigger {
    name: &'static str,
    /// Quoted and qualified.
    table: String,
    create: String,
}

/// The trigger on further dependencies; one serves all plans of a store.
fn store_trigger(mapping: &Mapping) -> Trigger {
    let table = mapping.store("plan_dependency");
    let create = format!(
        "CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE ON {table} \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION canon.plan_no_cycle()"
    );
    Trigger { name: "plan_no_cycle", table, create }
}

fn triggers(plan: &str, level: &Level) -> Vec<Trigger> {
    let arguments = format!("{}, {}", quote_literal(plan), quote_literal(&level.level));
    let mut statements = Vec::new();
    let order = level.template_order.as_ref().filter(|_| level.ordered);
    let waits: Vec<String> = level.template_predecessor.iter().chain(order).map(|c| ident(c)).collect();
    if let (Some(parent), false) = (&level.template_parent, waits.is_empty()) {
        let set: Vec<String> = waits.iter().map(|column| format!("NEW.{column} IS NOT NULL")).collect();
        let create = format!(
            "CREATE CONSTRAINT TRIGGER plan_no_cycle AFTER INSERT OR UPDATE OF {}, {} ON {} \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({}) \
             EXECUTE FUNCTION canon.plan_no_cycle({arguments})",
            ident(parent),
            waits.join(", "),
            level.template,
            set.join(" OR "),
        );
        statements.push(Trigger { name: "plan_no_cycle", table: level.template.clone(), create });
    }
    let (inserted, deleted) = ("NEW TABLE AS plan_after", "OLD TABLE AS plan_before");
    let updated = "OLD TABLE AS plan_before NEW TABLE AS plan_after";
    let mut each = |name: &'static str, event: &str, rows: &str, function: &str| {
        let create = format!(
            "CREATE TRIGGER {name} AFTER {event} ON {} REFERENCING {rows} FOR EACH STATEMENT \
             EXECUTE FUNCTION canon.{function}({arguments})",
            level.instance
        );
        statements.push(Trigger { name, table: level.instance.clone(), create });
    };
    each("plan_frozen_update", "UPDATE", updated, "plan_frozen");
    if level.parent.is_some() {
        each("plan_frozen_insert", "INSERT", inserted, "plan_frozen");
        each("plan_frozen_delete", "DELETE", deleted, "plan_frozen");
    }
    if level.status.is_some() && matches!(level.kind, Kind::Task | Kind::Gate) {
        each("plan_follow", "UPDATE", updated, "plan_follow");
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

/// Whoever asks for a plan by the key of a template reads the tables of all registered ones: to
/// register is for those who may create schemas.
fn check_registrar(db: &Db, plan: &str) -> Result<()> {
    let refused: Option<[String; 2]> = db.json(
        "SELECT CASE WHEN NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
             THEN pg_catalog.json_build_array(CURRENT_USER, pg_catalog.current_database()) END",
        &[],
    )?;
    let Some([role, database]) = refused else { return Ok(()) };
    Err(PlanError::NotRegistrar { plan: plan.to_owned(), role, database }.into())
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
