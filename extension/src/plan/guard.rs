//! Trigger functions: what they know about the call. And the one that keeps templates free of
//! circles.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::thread::LocalKey;

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError};

use super::check::{refuse_cycle, template_of};
use super::error::PlanError;
use super::known;
use super::mapping::Mapping;
use super::sql::{Db, connected};
use crate::error::{self, Error};

thread_local! {
    static CHECKED: RefCell<Checked> = RefCell::new(Checked::default());
}

/// What has been checked since the last change that this transaction made. Deferred triggers of a
/// thousand rows then cost one check.
#[derive(Default)]
struct Checked {
    transaction: u64,
    command: u32,
    /// Plan, level or nothing, key.
    seen: HashSet<[String; 3]>,
}

impl Checked {
    /// Whether this is new; forgets all where something has changed since.
    fn first(&mut self, plan: &str, level: &str, key: &str) -> bool {
        // SAFETY: two values of the running transaction.
        let (transaction, command) =
            unsafe { (u64::from(pg_sys::GetTopTransactionIdIfAny().into_inner()), pg_sys::GetCurrentCommandId(false)) };
        if (self.transaction, self.command) != (transaction, command) {
            *self = Self { transaction, command, seen: HashSet::new() };
        }
        self.seen.insert([plan, level, key].map(str::to_owned))
    }

    fn forget(&mut self) {
        self.seen.clear();
    }
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
    if !CHECKED.with_borrow_mut(|c| c.first(&mapping.plan, &found.level, parent.as_deref().unwrap_or_default())) {
        return Ok(());
    }
    let Some(key) = new_value(trigger, &found.template_key) else { return Ok(()) };
    let db = Db::latest();
    // A row that has been deleted since belongs to nothing.
    let Some(template) = template_of(&db, &mapping, found, &key)? else { return Ok(()) };
    if CHECKED.with_borrow_mut(|c| c.first(&mapping.plan, "", &template)) {
        refuse_cycle(&db, &mapping, &template)?;
    }
    Ok(())
}

/// Rows of `plan_dependency` name the plan and the template themselves.
fn declared_no_cycle(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let (Some(plan), Some(template)) = (new_value(trigger, "plan"), new_value(trigger, "template")) else {
        return Ok(());
    };
    let mapping = known::named(&Db::reading(), &plan)?;
    if CHECKED.with_borrow_mut(|c| c.first(&plan, "", &template)) {
        refuse_cycle(&Db::latest(), &mapping, &template)?;
    }
    Ok(())
}

/// The plan and the level that a trigger was created for.
pub(super) fn arguments(trigger: &PgTrigger<'_>, function: &str) -> error::Result<(Rc<Mapping>, usize)> {
    let arguments = trigger.extra_args().map_err(internal)?;
    let [plan, level] = arguments.as_slice() else {
        return Err(PlanError::Argument {
            what: format!("{function}() needs the plan and the level as arguments"),
            hint: "SELECT canon.plan_protect('my_plan'); -- creates the triggers of a registered plan".to_owned(),
        }
        .into());
    };
    let mapping = known::named(&Db::reading(), plan)?;
    let Some(found) = mapping.levels.iter().position(|l| l.level == *level) else {
        let message = format!("there is no level \"{level}\"");
        return Err(PlanError::Mapping { plan: plan.clone(), message }.into());
    };
    Ok((mapping, found))
}

/// The rows that a statement has changed: the names under which statements of this connection find
/// them as they were, and as they are.
pub(super) struct Changed {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Changed {
    /// Of a statement trigger with transition tables.
    pub(super) fn of(trigger: &PgTrigger<'_>, function: &str) -> error::Result<Self> {
        let data = trigger.trigger_data();
        let name = |name: *const std::ffi::c_char| {
            // SAFETY: a name of the trigger, or null.
            (!name.is_null()).then(|| unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned())
        };
        // SAFETY: the trigger's description and its data are there as long as its call, and the SPI
        // connection that is told of the tables ends before.
        let (changed, registered) = unsafe {
            let described = &*data.tg_trigger;
            let changed = Self { before: name(described.tgoldtable), after: name(described.tgnewtable) };
            (changed, pg_sys::SPI_register_trigger_data(std::ptr::from_ref(data).cast_mut()))
        };
        let event = trigger.event();
        let before = event.fired_by_update() || event.fired_by_delete();
        let after = event.fired_by_update() || event.fired_by_insert();
        let complete = changed.before.is_some() >= before && changed.after.is_some() >= after;
        if registered != pg_sys::SPI_OK_TD_REGISTER as i32 || !complete {
            return Err(PlanError::Argument {
                what: format!("{function}() needs a statement trigger with transition tables"),
                hint: "SELECT canon.plan_protect('my_plan'); -- creates the triggers of a registered plan".to_owned(),
            }
            .into());
        }
        Ok(changed)
    }
}

/// Runs `body` while a flag of this backend is set.
pub(super) fn while_set<T>(flag: &'static LocalKey<Cell<bool>>, body: impl FnOnce() -> T) -> T {
    struct Restore(&'static LocalKey<Cell<bool>>, bool);
    impl Drop for Restore {
        // An error unwinds through here, so that no later statement finds the flag set.
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(flag, flag.replace(true));
    body()
}

/// Whether an UPDATE has set one of these columns, as in `UPDATE OF`; other statements concern all.
pub(super) fn sets_one_of<'a>(trigger: &PgTrigger<'_>, mut columns: impl Iterator<Item = &'a str>) -> bool {
    if !trigger.event().fired_by_update() {
        return true;
    }
    let data = trigger.trigger_data();
    columns.any(|column| {
        let Ok(column) = std::ffi::CString::new(column) else { return false };
        // SAFETY: the relation and the set are there as long as the trigger's call.
        unsafe {
            let number = pg_sys::SPI_fnumber((*data.tg_relation).rd_att, column.as_ptr());
            number > 0
                && pg_sys::bms_is_member(number - pg_sys::FirstLowInvalidHeapAttributeNumber, data.tg_updatedcols)
        }
    })
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
