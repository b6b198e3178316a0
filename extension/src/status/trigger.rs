//! The trigger functions. Written against PostgreSQL's interface rather than with `#[pg_trigger]`:
//! they run for every row, and what a statement needs is kept where PostgreSQL offers it, with the
//! function call of the statement.

use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, PgSqlErrorCode as Code};

use super::attempt::{Attempt, Outcome, reason_of};
use super::error::{Error, Result};
use super::explain;
use super::functions::Functions;
use super::history::{self, Change};
use super::load::{self, Guard};
use super::row::Row;
use super::setting;
use super::values::Value;
use crate::cache::catch_up;

/// What a statement keeps from row to row.
struct Statement {
    guard: Rc<Guard>,
    functions: Functions,
}

/// A call of a trigger.
struct Call {
    fcinfo: pg_sys::FunctionCallInfo,
    data: *mut pg_sys::TriggerData,
}

impl Call {
    /// # Safety
    /// `fcinfo` must come from PostgreSQL.
    unsafe fn new(fcinfo: pg_sys::FunctionCallInfo, function: &str) -> Result<Self> {
        // SAFETY: the context tells whether this is a trigger, and then what it is.
        unsafe {
            if !pgrx::trigger_support::called_as_trigger(fcinfo) {
                return Err(Error::new(
                    Code::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                    format!("canon.{function}() must be called as a trigger"),
                )
                .hint("Create the triggers with canon.status_guard()."));
            }
            Ok(Self { fcinfo, data: (*fcinfo).context.cast() })
        }
    }

    fn event(&self) -> u32 {
        // SAFETY: `new` has checked.
        unsafe { (*self.data).tg_event }
    }

    fn is_row(&self) -> bool {
        self.event() & pg_sys::TRIGGER_EVENT_ROW != 0
    }

    fn is_before(&self) -> bool {
        self.event() & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_BEFORE
    }

    fn is_update(&self) -> bool {
        self.event() & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE
    }

    fn is_insert(&self) -> bool {
        self.event() & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_INSERT
    }

    fn relation(&self) -> pg_sys::Oid {
        // SAFETY: the relation is open while its trigger runs.
        unsafe { (*(*self.data).tg_relation).rd_id }
    }

    /// The row before an update, and the row as it would be.
    #[inline]
    fn rows(&self) -> (Option<Row>, Row) {
        // SAFETY: row triggers for INSERT and UPDATE have these tuples, of the relation's layout.
        unsafe {
            let layout = (*(*self.data).tg_relation).rd_att;
            let first = Row::new((*self.data).tg_trigtuple, layout);
            if self.is_update() { (Some(first), Row::new((*self.data).tg_newtuple, layout)) } else { (None, first) }
        }
    }

    fn wrong_kind(&self, function: &str, kind: &str) -> Error {
        Error::new(
            Code::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            format!("canon.{function}() must be called by {kind}"),
        )
        .hint("Create the triggers with canon.status_guard().")
    }

    /// What the statement has kept; at its first row, the rules as they are now.
    #[inline]
    fn statement(&mut self) -> Result<&mut Statement> {
        // SAFETY: only we write fn_extra of our functions; the statement and the context that
        // drops it end together. No two of these references live at once: each belongs to a call.
        unsafe {
            let info = (*self.fcinfo).flinfo;
            if (*info).fn_extra.is_null() {
                let statement = self.begin()?;
                let mut context = PgMemoryContexts::For((*info).fn_mcxt);
                (*info).fn_extra = context.leak_and_drop_on_delete(statement).cast();
            }
            Ok(&mut *(*info).fn_extra.cast())
        }
    }

    fn begin(&self) -> Result<Statement> {
        catch_up();
        // SAFETY: a trigger has as many arguments as it says; the context is that of the call.
        let (setup, context) = unsafe {
            let trigger = (*self.data).tg_trigger;
            if (*trigger).tgnargs != 1 {
                return Err(self.wrong_kind("status_enforce", "a trigger with one argument"));
            }
            let setup = CStr::from_ptr(*(*trigger).tgargs).to_string_lossy();
            (setup, (*(*self.fcinfo).flinfo).fn_mcxt)
        };
        let guard = load::guard(self.relation(), &setup)?;
        let functions = Functions::new(guard.row_type, guard.table.clone(), context);
        Ok(Statement { guard, functions })
    }
}

/// What is not in this list cannot be found by `CREATE FUNCTION`.
macro_rules! trigger_function {
    ($name:ident, $record:ident, $body:path) => {
        #[doc = "Tells PostgreSQL how the function is called."]
        #[unsafe(no_mangle)]
        pub(crate) extern "C" fn $record() -> &'static pg_sys::Pg_finfo_record {
            const VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION_1
        }

        /// A trigger function.
        ///
        /// # Safety
        /// For PostgreSQL alone to call.
        #[unsafe(no_mangle)]
        #[pg_guard]
        pub(crate) unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: PostgreSQL calls with a valid structure.
            match unsafe { Call::new(fcinfo, stringify!($name)) }.and_then($body) {
                Ok(datum) => datum,
                Err(error) => {
                    ErrorReport::from(error).report(PgLogLevel::ERROR);
                    pg_sys::Datum::null()
                }
            }
        }
    };
}

trigger_function!(status_enforce, pg_finfo_status_enforce, enforce);
trigger_function!(status_settle, pg_finfo_status_settle, settle);
trigger_function!(status_record, pg_finfo_status_record, record);

/// BEFORE INSERT OR UPDATE, for each row: refuses or stamps.
fn enforce(mut call: Call) -> Result<pg_sys::Datum> {
    if !(call.is_row() && call.is_before() && (call.is_insert() || call.is_update())) {
        return Err(call.wrong_kind("status_enforce", "a BEFORE INSERT OR UPDATE trigger FOR EACH ROW"));
    }
    let (old, mut new) = call.rows();
    let statement = call.statement()?;
    let guard = &*statement.guard;
    let written = |row: Row| pg_sys::Datum::from(row.tuple());
    if let Some(old) = old {
        let same_version = unchanged_version(guard, old, new)?;
        let (before, after) = (old.get(guard.column.number), new.get(guard.column.number));
        match (before, after) {
            (None, None) if same_version => return Ok(written(new)),
            (Some(before), Some(after)) if same_version => {
                // SAFETY: both lie in rows that outlive the comparison.
                let (a, b) = unsafe { (Value::of(guard.kind, before), Value::of(guard.kind, after)) };
                if a == b {
                    return Ok(written(new));
                }
                // The common case without conditions ends here.
                let rules = guard.rules(&old)?;
                if let (Some(from), Some(to), false) = (rules.state(&a), rules.state(&b), setting::bypass())
                    && rules.is_plain(from, to)
                {
                    return Ok(written(new));
                }
            }
            _ => {}
        }
        if setting::migrating() == guard.relation {
            return known_state(guard, new).map(|()| written(new));
        }
    } else if let Some(column) = &guard.version_column {
        let version = guard.governing().version.into_datum();
        new = new.with(&[(column.number, version)]);
    }
    let rules = guard.rules(&old.unwrap_or(new))?;
    let mut attempt = Attempt { guard, rules, old, new, functions: &mut statement.functions };
    match attempt.run(!guard.setup.deferred).inspect_err(|error| attempt.note(error))? {
        Outcome::Unchanged => Ok(written(new)),
        Outcome::Changed(row) => Ok(written(row)),
    }
}

/// Whether a row stays pinned to its version; only a migration may change it.
fn unchanged_version(guard: &Guard, old: Row, new: Row) -> Result<bool> {
    let Some(column) = &guard.version_column else { return Ok(true) };
    let version = |row: Row| row.get(column.number).map(|datum| datum.value() as i32);
    if version(old) == version(new) {
        return Ok(true);
    }
    if setting::migrating() == guard.relation {
        return Ok(false);
    }
    let table = load::literal(&guard.table);
    Err(Error::new(
        Code::ERRCODE_CHECK_VIOLATION,
        format!(
            "column \"{}\" of {} pins the row to a version of machine \"{}\"",
            column.name, guard.table, guard.setup.machine
        ),
    )
    .hint(format!("SELECT canon.status_migrate({table}, {});", load::literal(&guard.setup.column))))
}

/// A migrated row must be in a state of the version it comes under.
fn known_state(guard: &Guard, new: Row) -> Result<()> {
    let rules = guard.rules(&new)?;
    let mut functions = Functions::new(guard.row_type, guard.table.clone(), std::ptr::null_mut());
    let attempt = Attempt { guard, rules, old: None, new, functions: &mut functions };
    let Some(datum) = new.get(guard.column.number) else { return Err(explain::null(&attempt)) };
    // SAFETY: the datum lies in the row.
    match rules.state(&unsafe { Value::of(guard.kind, datum) }) {
        Some(_) => Ok(()),
        None => Err(explain::unknown(&attempt, new)),
    }
}

/// Constraint trigger AFTER UPDATE, for each row: asks the guards, at the end of the transaction.
fn settle(mut call: Call) -> Result<pg_sys::Datum> {
    if !(call.is_row() && call.is_update() && !call.is_before()) {
        return Err(call.wrong_kind("status_settle", "a constraint trigger AFTER UPDATE"));
    }
    let (Some(old), new) = call.rows() else { return Ok(pg_sys::Datum::null()) };
    let statement = call.statement()?;
    let guard = &*statement.guard;
    if setting::migrating() == guard.relation {
        return Ok(pg_sys::Datum::null());
    }
    let rules = guard.rules(&old)?;
    if setting::bypass() {
        let attempt = Attempt { guard, rules, old: Some(old), new, functions: &mut statement.functions };
        return attempt.require_bypass().map(|()| pg_sys::Datum::null());
    }
    let state = |row: Row| {
        let datum = row.get(guard.column.number)?;
        // SAFETY: the datum lies in the row.
        rules.state(&unsafe { Value::of(guard.kind, datum) })
    };
    let (Some(from), Some(to)) = (state(old), state(new)) else { return Ok(pg_sys::Datum::null()) };
    let Some((transition, _)) = rules.step(from, to) else { return Ok(pg_sys::Datum::null()) };
    let row = new.as_value();
    for function in &transition.guards {
        if let Some(says) = statement.functions.ask(function, row)? {
            let refusal = canon_core::status::Refusal::Guard { function: function.clone(), says };
            let attempt = Attempt { guard, rules, old: Some(old), new, functions: &mut statement.functions };
            let error = explain::refused(&attempt, Some(from), to, &refusal);
            attempt.note(&error);
            return Err(error);
        }
    }
    Ok(pg_sys::Datum::null())
}

/// AFTER INSERT and AFTER UPDATE, for each row: gathers history; for each statement: writes it.
fn record(mut call: Call) -> Result<pg_sys::Datum> {
    let done = Ok(pg_sys::Datum::null());
    if call.is_before() || !(call.is_insert() || call.is_update()) {
        return Err(call.wrong_kind("status_record", "an AFTER INSERT OR UPDATE trigger"));
    }
    if !call.is_row() {
        history::flush_table(call.relation())?;
        return done;
    }
    let (old, new) = call.rows();
    let guard = &call.statement()?.guard;
    let rules = guard.rules(&old.unwrap_or(new))?;
    let state = |row: Row| {
        let datum = row.get(guard.column.number)?;
        // SAFETY: the datum lies in the row.
        rules.state(&unsafe { Value::of(guard.kind, datum) })
    };
    // A row that a migration leads out of an older version may be in a state unknown to this one.
    let name = |row: Row| match state(row) {
        Some(state) => Some(rules.machine.name(state).to_owned()),
        None => row.text(&guard.column),
    };
    let Some(key) = new.key(&guard.key) else { return done };
    let step = old.and_then(|old| rules.step(state(old)?, state(new)?));
    let migrating = setting::migrating() == guard.relation;
    let event =
        if migrating { Some("migrate".to_owned()) } else { step.map(|(transition, _)| transition.event.clone()) };
    let change = Change {
        version: rules.version,
        from: old.and_then(name),
        to: name(new).unwrap_or_default(),
        event,
        reason: reason_of(step.map(|(_, step)| step), new),
        bypassed: setting::bypass() && !migrating,
    };
    history::push(guard, key, change)?;
    done
}
