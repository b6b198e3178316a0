//! Trigger functions: templates stay free of circles, instances stay as they were when execution
//! began.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, AllocatedByRust, PgTriggerError};

use super::check::{refuse_cycle, template_of};
use super::error::PlanError;
use super::instance::Phase;
use super::mapping::{Level, Mapping};
use super::sql::{Db, connected, ident};
use crate::cache::{Cache, Sources};
use crate::error::{self, Error};

thread_local! {
    static MAPPINGS: Cache<String, Mapping> = Cache::new();
    static UNFROZEN: Cell<bool> = const { Cell::new(false) };
    static CHECKED: RefCell<Checked> = RefCell::new(Checked::default());
}

/// What has been checked since the last change that this transaction made. Deferred triggers of a
/// thousand rows then cost one check.
#[derive(Default)]
struct Checked {
    transaction: u64,
    command: u32,
    seen: HashSet<(String, String)>,
}

impl Checked {
    /// Whether this is new; forgets all where something has changed since.
    fn first(&mut self, kind: &str, key: &str) -> bool {
        // SAFETY: two values of the running transaction.
        let (transaction, command) =
            unsafe { (u64::from(pg_sys::GetTopTransactionIdIfAny().into_inner()), pg_sys::GetCurrentCommandId(false)) };
        if (self.transaction, self.command) != (transaction, command) {
            *self = Self { transaction, command, seen: HashSet::new() };
        }
        self.seen.insert((kind.to_owned(), key.to_owned()))
    }

    fn forget(&mut self) {
        self.seen.clear();
    }
}

/// The mapping, kept until a registration changes it.
fn mapping(plan: &str) -> error::Result<Rc<Mapping>> {
    MAPPINGS.with(|cache| {
        cache.get(plan.to_owned(), |sources: &mut Sources| {
            for table in ["canon.plan", "canon.plan_mapping"] {
                sources.add(relation(table)?);
            }
            Mapping::named(&Db::reading(), plan)
        })
    })
}

fn relation(name: &str) -> error::Result<pg_sys::Oid> {
    let sql = "SELECT pg_catalog.to_json(pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8)";
    Ok(pg_sys::Oid::from(Db::reading().json::<u32>(sql, &[name.into()])?))
}

/// Constraint trigger of a template's table.
#[pg_trigger(sql = "
CREATE FUNCTION canon.plan_no_cycle() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn plan_no_cycle<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    if let Err(error) = connected(|| no_cycle(trigger)) {
        CHECKED.with_borrow_mut(Checked::forget);
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(None)
}

fn no_cycle(trigger: &PgTrigger<'_>) -> error::Result<()> {
    if trigger.extra_args().map_err(internal)?.is_empty() {
        return declared_no_cycle(trigger);
    }
    let (mapping, level) = arguments(trigger, "canon.plan_no_cycle")?;
    let found = &mapping.levels[level];
    let parent = found.template_parent.as_deref().and_then(|column| new_value(trigger, column));
    // Rows of one parent belong to one template.
    if !CHECKED.with_borrow_mut(|c| c.first(&found.level, parent.as_deref().unwrap_or_default())) {
        return Ok(());
    }
    let Some(key) = new_value(trigger, &found.template_key) else { return Ok(()) };
    let db = Db::latest();
    // A row that has been deleted since belongs to nothing.
    let Some(template) = template_of(&db, &mapping, found, &key)? else { return Ok(()) };
    if CHECKED.with_borrow_mut(|c| c.first("", &template)) {
        refuse_cycle(&db, &mapping, &template)?;
    }
    Ok(())
}

/// Rows of `plan_dependency` name the plan and the template themselves.
fn declared_no_cycle(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let (Some(plan), Some(template)) = (new_value(trigger, "plan"), new_value(trigger, "template")) else {
        return Ok(());
    };
    let mapping = mapping(&plan)?;
    if CHECKED.with_borrow_mut(|c| c.first("", &template)) {
        refuse_cycle(&Db::latest(), &mapping, &template)?;
    }
    Ok(())
}

/// Row trigger of an instance's table: refuses what changes the plan once its execution has begun.
#[pg_trigger(sql = "
CREATE FUNCTION canon.plan_frozen() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn plan_frozen<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, PgTriggerError> {
    if !UNFROZEN.get()
        && let Err(error) = connected(|| frozen(trigger))
    {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(if trigger.event().fired_by_delete() { trigger.old() } else { trigger.new() })
}

fn frozen(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let (mapping, level) = arguments(trigger, "canon.plan_frozen")?;
    let found = &mapping.levels[level];
    // A row that moves is a change of the plan it comes from and of the one it goes to; the one it
    // comes from is asked, and its foreign key has checked the other.
    let Some(parent) = found.instance_parent.as_deref().and_then(|column| new_value(trigger, column)) else {
        return Ok(());
    };
    let Some(above) = mapping.parent_of(found) else { return Ok(()) };
    let db = Db::latest();
    let Some((root, status)) = root_of(&db, &mapping, above, &parent)? else { return Ok(()) };
    let begun = matches!(mapping.root().phase(status.as_deref()), Phase::Running | Phase::Done);
    if begun { Err(PlanError::Frozen { instance: root }.into()) } else { Ok(()) }
}

/// The instance around a row, with the name of its status.
pub(super) fn root_of(
    db: &Db,
    mapping: &Mapping,
    level: &Level,
    id: &str,
) -> error::Result<Option<(String, Option<String>)>> {
    let (mut joins, mut below, mut alias) = (String::new(), level, 0);
    let name = |at: usize, is_root: bool| if is_root { "i".to_owned() } else { format!("i{at}") };
    let first = name(0, level.parent.is_none());
    while let (Some(above), Some(parent)) = (mapping.parent_of(below), &below.instance_parent) {
        let next = name(alias + 1, above.parent.is_none());
        joins.push_str(&format!(
            " JOIN {} {next} ON {next}.{} OPERATOR(pg_catalog.=) {}.{}",
            above.instance,
            ident(&above.instance_key),
            name(alias, below.parent.is_none()),
            ident(parent)
        ));
        (below, alias) = (above, alias + 1);
    }
    let (status, status_join) = match &below.status {
        Some(status) => status.name_of_row(),
        None => ("NULL".to_owned(), String::new()),
    };
    let sql = format!(
        "SELECT pg_catalog.json_build_array(i.{}, {status}) FROM {} {first}{joins}{status_join} \
         WHERE {first}.{} OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
        ident(&below.instance_key),
        level.instance,
        ident(&level.instance_key),
    );
    db.json(&sql, &[id.into()])
}

/// Runs `body` while frozen plans can be changed.
pub(super) fn unfrozen<T>(body: impl FnOnce() -> T) -> T {
    struct Freeze;
    impl Drop for Freeze {
        // An error unwinds through here, so that no later statement finds the door open.
        fn drop(&mut self) {
            UNFROZEN.set(false);
        }
    }
    UNFROZEN.set(true);
    let _freeze = Freeze;
    body()
}

/// The plan and the level that a trigger was created for.
fn arguments(trigger: &PgTrigger<'_>, function: &str) -> error::Result<(Rc<Mapping>, usize)> {
    let arguments = trigger.extra_args().map_err(internal)?;
    let [plan, level] = arguments.as_slice() else {
        return Err(PlanError::Argument {
            what: format!("{function}() needs the plan and the level as arguments"),
            hint: "SELECT canon.plan_protect('my_plan'); -- creates the triggers of a registered plan".to_owned(),
        }
        .into());
    };
    let mapping = mapping(plan)?;
    let Some(found) = mapping.levels.iter().position(|l| l.level == *level) else {
        let message = format!("there is no level \"{level}\"");
        return Err(PlanError::Mapping { plan: plan.clone(), message }.into());
    };
    Ok((mapping, found))
}

/// A column of the row that a trigger was fired for, as text: of the new one, or of the deleted one.
fn new_value(trigger: &PgTrigger<'_>, column: &str) -> Option<String> {
    let data = trigger.trigger_data();
    let column = std::ffi::CString::new(column).ok()?;
    // SAFETY: the relation and its row are there as long as the trigger's call.
    unsafe {
        let tuple = if data.tg_newtuple.is_null() { data.tg_trigtuple } else { data.tg_newtuple };
        let descriptor = (*data.tg_relation).rd_att;
        let number = pg_sys::SPI_fnumber(descriptor, column.as_ptr());
        if tuple.is_null() || number <= 0 {
            return None;
        }
        let value = pg_sys::SPI_getvalue(tuple, descriptor, number);
        (!value.is_null()).then(|| std::ffi::CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}
