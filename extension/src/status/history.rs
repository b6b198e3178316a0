//! The history: rows are gathered while a statement changes statuses and written in batches.

use std::cell::RefCell;
use std::ffi::c_void;
use std::rc::Rc;

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use super::error::{Error, Result};
use super::load::{Guard, History};
use super::setting;
use crate::user::ActingAs;

/// A batch is written when it has this many rows, and at the end of its statement.
const BATCH: usize = 1000;

/// What most rows of a statement have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) version: i32,
    /// None for a new row.
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) event: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) bypassed: bool,
}

struct Batch {
    guard: Rc<Guard>,
    user: pg_sys::Oid,
    changes: Vec<Change>,
    /// Key of the row, number of its change from one, subtransaction.
    rows: Vec<(String, i32, pg_sys::SubTransactionId)>,
}

thread_local! {
    static PENDING: RefCell<Vec<Batch>> = const { RefCell::new(Vec::new()) };
}

/// Asks to be told of the ends of transactions.
pub(super) fn init() {
    // SAFETY: called once, from _PG_init.
    unsafe {
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ends), std::ptr::null_mut());
        pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut());
    }
}

/// What a rolled-back part of the transaction has changed did not happen. Parts that began later
/// than it are parts of it.
#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_ends(
    event: pg_sys::SubXactEvent::Type,
    id: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        PENDING.with_borrow_mut(|pending| {
            for batch in pending.iter_mut() {
                batch.rows.retain(|(_, _, made_in)| *made_in < id);
            }
        });
    }
}

/// Rows whose statement trigger somebody has disabled are written before the commit.
#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE};
    if PENDING.with_borrow(Vec::is_empty) {
        return;
    }
    if matches!(event, XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE) {
        if let Err(error) = flush(|_| true) {
            pg_sys::panic::ErrorReport::from(error).report(PgLogLevel::ERROR);
        }
    } else {
        PENDING.with_borrow_mut(Vec::clear);
    }
}

/// Adds a change; writes the batch when it is full.
pub(super) fn push(guard: &Rc<Guard>, key: String, change: Change) -> Result<()> {
    // SAFETY: reads values of the transaction.
    let (user, made_in) = unsafe { (pg_sys::GetUserId(), pg_sys::GetCurrentSubTransactionId()) };
    let full = PENDING.with_borrow_mut(|pending| {
        let place = pending.iter().position(|batch| Rc::ptr_eq(&batch.guard, guard) && batch.user == user);
        let place = place.unwrap_or_else(|| {
            pending.push(Batch { guard: Rc::clone(guard), user, changes: Vec::new(), rows: Vec::new() });
            pending.len() - 1
        });
        let batch = &mut pending[place];
        // The latest is the likeliest.
        let number = batch.changes.iter().rposition(|known| *known == change).unwrap_or_else(|| {
            batch.changes.push(change);
            batch.changes.len() - 1
        });
        batch.rows.push((key, i32::try_from(number + 1).unwrap_or(i32::MAX), made_in));
        batch.rows.len() >= BATCH
    });
    if full { flush_table(guard.relation) } else { Ok(()) }
}

/// Writes what is gathered for a table.
pub(super) fn flush_table(relation: pg_sys::Oid) -> Result<()> {
    if PENDING.with_borrow(Vec::is_empty) {
        return Ok(());
    }
    flush(|guard| guard.relation == relation)
}

fn flush(which: impl Fn(&Guard) -> bool) -> Result<()> {
    loop {
        // Taken out before it is written: writing may fire triggers that change statuses.
        let batch = PENDING.with_borrow_mut(|pending| {
            let place = pending.iter().position(|batch| which(&batch.guard))?;
            Some(pending.remove(place))
        });
        match batch {
            Some(batch) if batch.rows.is_empty() => {}
            Some(batch) => write(batch)?,
            None => return Ok(()),
        }
    }
}

/// Writes a batch in the name of the table's owner, to whom the history belongs.
fn write(batch: Batch) -> Result<()> {
    let Batch { guard, user, changes, rows } = batch;
    let Some(history) = &guard.history else { return Ok(()) };
    let (keys, numbers): (Vec<String>, Vec<i32>) = rows.into_iter().map(|(key, number, _)| (key, number)).unzip();
    let alike = changes.len() == 1;
    let column = |of: &dyn Fn(&Change) -> Option<String>| changes.iter().map(of).collect::<Vec<Option<String>>>();
    // SAFETY: the session user exists; the time is read from the clock.
    let (session, now) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetCurrentTimestamp()) };
    let now = TimestampWithTimeZone::try_from(now).map_err(|error| Error::internal(error.to_string()))?;
    let acting = ActingAs::owner_of_our_table(guard.owner);
    let done = Spi::connect_mut(|client| {
        let insert = prepared(history, alike)?;
        client.update(
            insert,
            None,
            &[
                guard.relation.into(),
                guard.setup.column.clone().into(),
                keys.into(),
                numbers.into(),
                changes.iter().map(|change| change.version).collect::<Vec<i32>>().into(),
                column(&|change| change.from.clone()).into(),
                column(&|change| Some(change.to.clone())).into(),
                column(&|change| change.event.clone()).into(),
                column(&|change| change.reason.clone()).into(),
                changes.iter().map(|change| change.bypassed).collect::<Vec<bool>>().into(),
                role_name(user).into(),
                role_name(session).into(),
                setting::actor().into(),
                now.into(),
            ],
        )?;
        Ok::<_, pgrx::spi::Error>(())
    });
    drop(acting);
    Ok(done?)
}

fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: with `true` an unknown role gives NULL instead of an error.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            role.to_u32().to_string()
        } else {
            std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}

/// The prepared INSERT of a history: the change of each key is looked up by its number, unless all
/// are alike, which saves a fifth of the time.
fn prepared(history: &History, alike: bool) -> std::result::Result<&OwnedPreparedStatement, pgrx::spi::Error> {
    let cell = if alike { &history.alike } else { &history.mixed };
    if let Some(insert) = cell.get() {
        return Ok(insert);
    }
    let (number, keys) = if alike {
        ("1", "(SELECT pg_catalog.unnest($3) AS key) AS k")
    } else {
        ("k.change", "ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4)) AS k (key, change)")
    };
    let sql = format!(
        "INSERT INTO {} (relation, column_name, key, version, from_state, to_state, event, reason, bypassed,
                         changed_by, session_by, actor, changed_at)
         SELECT $1::pg_catalog.regclass, $2, k.key, $5[{number}], $6[{number}], $7[{number}], $8[{number}],
                $9[{number}], $10[{number}], $11, $12, $13, $14
         FROM {keys}",
        history.table
    );
    let (text, texts) = (pg_sys::BuiltinOid::TEXTOID, pg_sys::BuiltinOid::TEXTARRAYOID);
    let types = pgrx::pg_sys::PgOid::from;
    let types = [
        types(pg_sys::OIDOID),
        text.into(),
        texts.into(),
        types(pg_sys::INT4ARRAYOID),
        types(pg_sys::INT4ARRAYOID),
        texts.into(),
        texts.into(),
        texts.into(),
        texts.into(),
        types(pg_sys::BOOLARRAYOID),
        text.into(),
        text.into(),
        text.into(),
        types(pg_sys::TIMESTAMPTZOID),
    ];
    let insert =
        Spi::connect_mut(|client| Ok::<_, pgrx::spi::Error>(client.prepare_mut(sql.as_str(), &types)?.keep()))?;
    Ok(cell.get_or_init(|| insert))
}

/// DDL of a history table.
pub(super) fn ddl(table: &str) -> Result<String> {
    let names = crate::cache::read("SELECT part FROM pg_catalog.unnest(pg_catalog.parse_ident($1)) AS part", &[table])?;
    let name = names.into_iter().flatten().flatten().last().unwrap_or_default();
    let key = pgrx::spi::quote_identifier(format!("pk_{name}"));
    Ok(format!(
        "CREATE TABLE {table} (
             id          bigint GENERATED ALWAYS AS IDENTITY,
             relation    pg_catalog.regclass NOT NULL,
             column_name text NOT NULL,
             key         text NOT NULL,
             version     integer NOT NULL,
             from_state  text,
             to_state    text NOT NULL,
             event       text,
             reason      text,
             bypassed    boolean NOT NULL,
             changed_by  text NOT NULL,
             session_by  text NOT NULL,
             actor       text,
             changed_at  timestamptz NOT NULL,
             CONSTRAINT {key} PRIMARY KEY (relation, key, id)
         );
         COMMENT ON TABLE {table} IS 'Changes of status, written by the triggers of canon.status_guard()';
         COMMENT ON COLUMN {table}.id IS 'Order of the changes';
         COMMENT ON COLUMN {table}.relation IS 'Table of the row that changed';
         COMMENT ON COLUMN {table}.column_name IS 'Column that holds the status';
         COMMENT ON COLUMN {table}.key IS 'Primary key of the row as text; a JSON array where it has several columns';
         COMMENT ON COLUMN {table}.version IS 'Version of the machine that governed the change';
         COMMENT ON COLUMN {table}.from_state IS 'State before; NULL where the row is new';
         COMMENT ON COLUMN {table}.to_state IS 'State after';
         COMMENT ON COLUMN {table}.event IS 'Event of the transition; NULL where the row is new or the rules were bypassed';
         COMMENT ON COLUMN {table}.reason IS 'Reason that was given';
         COMMENT ON COLUMN {table}.bypassed IS 'Whether the session had canon.status_bypass on';
         COMMENT ON COLUMN {table}.changed_by IS 'Role that made the change: current_user';
         COMMENT ON COLUMN {table}.session_by IS 'Role that opened the session: session_user';
         COMMENT ON COLUMN {table}.actor IS 'User of the application, from the setting canon.actor';
         COMMENT ON COLUMN {table}.changed_at IS 'Time of the change';"
    ))
}
