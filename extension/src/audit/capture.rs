//! The trigger that records changes.

use std::rc::Rc;

use canon_core::ledger::entry::Operation;
use canon_core::ledger::hash::from_hex;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError, pg_sys};

use super::columns::{self, Column, Values, key_text};
use super::config::Config;
use super::identity;
use super::record::{Event, record};
use super::settings::{ON_FAILURE, OnFailure};
use crate::cache::Cache;
use crate::error::{self, Error};
use crate::subtransaction::attempt;

/// What a session knows about a recorded table.
struct Table {
    id: [u8; 16],
    relation: String,
    config: Config,
    columns: Vec<Column>,
}

thread_local! {
    static TABLES: Cache<(pg_sys::Oid, pg_sys::Oid), Table> = Cache::new();
}

/// `AFTER` trigger of recorded tables; see `canon.audit_enable`.
#[pg_trigger(sql = "
CREATE FUNCTION canon.audit_capture() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
pub(super) fn audit_capture<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    let done = match ON_FAILURE.get() {
        OnFailure::Error => capture(trigger),
        OnFailure::Warning => capture_or_warn(trigger),
    };
    if let Err(error) = done {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(None)
}

/// In a subtransaction, so that what failed leaves nothing behind.
fn capture_or_warn(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let done = attempt(|| capture(trigger));
    if let Err(error) = done {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("a change was not recorded in the audit ledger: {error}"),
            "pg_canon",
        )
        .report(PgLogLevel::WARNING);
    }
    Ok(())
}

fn capture(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let data = trigger.trigger_data();
    // SAFETY: the server passes an open relation and the definition of the trigger.
    let (relation, trigger_oid) = unsafe { ((*data.tg_relation).rd_id, (*data.tg_trigger).tgoid) };
    let table = TABLES.with(|tables| {
        tables.get((relation, trigger_oid), |sources| {
            sources.add(relation);
            let table = read_table(trigger)?;
            if identity::is_of(pgrx::Uuid::from_bytes(table.id), relation)? {
                return Ok(table);
            }
            Err(Error::NotRecordedAs { relation: table.relation, id: table.config.id })
        })
    })?;
    let event = trigger.event();
    let operation = if event.fired_by_insert() {
        Operation::Insert
    } else if event.fired_by_update() {
        Operation::Update
    } else if event.fired_by_delete() {
        Operation::Delete
    } else {
        Operation::Truncate
    };
    if operation == Operation::Truncate {
        return write(&table, operation, None, None, None);
    }
    // SAFETY: a row trigger has a tuple of the relation; an update has a second one.
    let (first, second) = unsafe {
        let descriptor = (*data.tg_relation).rd_att;
        let second = (operation == Operation::Update).then(|| Values::of(data.tg_newtuple, descriptor));
        (Values::of(data.tg_trigtuple, descriptor), second)
    };
    match (operation, second) {
        (Operation::Insert, _) => {
            let new = image(&table, &first, |_| true);
            write(&table, operation, key_text(&new, &table.config.key), None, Some(&new))
        }
        (Operation::Update, Some(second)) => {
            let changed: Vec<bool> = table.columns.iter().map(|column| !first.same(&second, column)).collect();
            if !changed.contains(&true) {
                return Ok(());
            }
            let full = table.config.full_images;
            let wanted = |k: usize| full || changed[k] || table.columns[k].kept;
            let (old, new) = (image(&table, &first, wanted), image(&table, &second, wanted));
            write(&table, operation, key_text(&old, &table.config.key), Some(&old), Some(&new))
        }
        _ => {
            let old = image(&table, &first, |_| true);
            write(&table, operation, key_text(&old, &table.config.key), Some(&old), None)
        }
    }
}

fn write(
    table: &Rc<Table>,
    operation: Operation,
    key: Option<String>,
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> error::Result<()> {
    let event = Event {
        operation,
        table: table.id,
        relation: Some(&table.relation),
        key: key.as_deref(),
        old,
        new,
        mode: table.config.mode,
    };
    record(&event).map(|_| ())
}

fn image(table: &Table, row: &Values, wanted: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut image = Vec::with_capacity(256);
    for (k, column) in table.columns.iter().enumerate() {
        if wanted(k) {
            row.push(&mut image, column);
        }
    }
    image
}

fn read_table(trigger: &PgTrigger<'_>) -> error::Result<Table> {
    let wrong = || Error::NotOurTrigger { trigger: trigger.name().unwrap_or("?").to_owned() };
    let arguments = trigger.extra_args().map_err(|_| wrong())?;
    let config: Config = arguments.first().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(wrong)?;
    let id = from_hex(&config.id.replace('-', "")).and_then(|id| id.try_into().ok()).ok_or_else(wrong)?;
    let schema = trigger.table_schema().map_err(|_| wrong())?;
    let name = trigger.table_name().map_err(|_| wrong())?;
    let relation = pgrx::spi::quote_qualified_identifier(schema, name);
    // SAFETY: the relation is open as long as the trigger runs.
    let columns = columns::of_table(unsafe { (*trigger.trigger_data().tg_relation).rd_att }, &config);
    Ok(Table { id, relation, config, columns })
}
