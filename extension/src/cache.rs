//! Per-backend caches of what configuration tables say.
//!
//! A trigger or a check that runs for every row must not query its configuration for every row. A
//! [`Cache`] keeps what was made of it until one of the relations it was read from changes, in
//! this session or any other: PostgreSQL's relcache invalidation brings the news, in order with
//! the transaction that changed them, and takes it back where that transaction is rolled back.
//!
//! A table sends the news for its rows when it has the statement trigger
//! `canon.configuration_changed()`:
//!
//! ```sql
//! CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON the_table
//!     FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
//! ```
//!
//! A change of a definition (a renamed column, a new owner) sends it by itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CString;
use std::hash::Hash;
use std::rc::Rc;

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError};

use crate::error::Error;

/// More entries than this are forgotten together; an entry costs one query to read again.
const CAPACITY: usize = 4096;

thread_local! {
    /// For every relation that some entry was read from, the number of its latest change.
    static CHANGED: RefCell<HashMap<pg_sys::Oid, u64>> = RefCell::new(HashMap::new());
    /// Number of the latest change of any of them.
    static LATEST: Cell<u64> = const { Cell::new(0) };
    /// Number of the latest change of everything at once.
    static ALL: Cell<u64> = const { Cell::new(0) };
}

/// Asks the server for news of relations. Runs once, when the library is loaded.
pub(crate) fn init() {
    // SAFETY: called from _PG_init; the callback neither raises errors nor reads the catalogue.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null()) };
}

/// A relation, or with an invalid OID everything, may be other than it was.
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    if relation == pg_sys::InvalidOid {
        let number = LATEST.get() + 1;
        LATEST.set(number);
        ALL.set(number);
        return;
    }
    CHANGED.with_borrow_mut(|changed| {
        if let Some(change) = changed.get_mut(&relation) {
            *change = LATEST.get() + 1;
            LATEST.set(*change);
        }
    });
}

/// Takes in what other sessions have committed. The server does so when it locks a table it has
/// no lock on yet; within a transaction that repeats a statement it need not.
pub(crate) fn catch_up() {
    // SAFETY: any place that may open a relation may call this.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

/// The relations that an entry is read from.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<pg_sys::Oid>);

impl Sources {
    /// Names a relation. To be called before reading from it: a change that comes in between then
    /// makes the entry stale instead of passing unseen.
    pub(crate) fn add(&mut self, relation: pg_sys::Oid) {
        CHANGED.with_borrow_mut(|changed| {
            changed.entry(relation).or_insert(0);
        });
        self.0.push(relation);
    }

    fn changed_since(&self, number: u64) -> bool {
        let one = || CHANGED.with_borrow(|changed| self.0.iter().any(|r| changed.get(r).is_some_and(|n| *n > number)));
        ALL.get() > number || one()
    }
}

struct Entry<V> {
    value: Rc<V>,
    sources: Sources,
    /// [`LATEST`] when the entry was last known to be true.
    seen: u64,
}

/// Values by key, each as long as the relations it was read from stay as they are.
pub(crate) struct Cache<K, V>(RefCell<HashMap<K, Entry<V>>>);

impl<K: Eq + Hash, V> Cache<K, V> {
    /// An empty cache, for a `thread_local!`.
    pub(crate) fn new() -> Self {
        Self(RefCell::new(HashMap::new()))
    }

    /// The value of `key`; where there is none, or it is stale, what `load` reads.
    ///
    /// `load` may query and may call this cache again. Its errors are not kept.
    pub(crate) fn get<E>(&self, key: K, load: impl FnOnce(&mut Sources) -> Result<V, E>) -> Result<Rc<V>, E> {
        if let Some(value) = self.fresh(&key) {
            return Ok(value);
        }
        let seen = LATEST.get();
        let mut sources = Sources::default();
        let value = Rc::new(load(&mut sources)?);
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        // What changed while it was being read makes the entry stale at its next use.
        entries.insert(key, Entry { value: Rc::clone(&value), sources, seen });
        Ok(value)
    }

    fn fresh(&self, key: &K) -> Option<Rc<V>> {
        let mut entries = self.0.borrow_mut();
        let entry = entries.get_mut(key)?;
        let latest = LATEST.get();
        if entry.seen != latest {
            if entry.sources.changed_since(entry.seen) {
                entries.remove(key);
                return None;
            }
            entry.seen = latest;
        }
        Some(Rc::clone(&entry.value))
    }
}

/// A row of [`read`]: every column as text.
pub(crate) type TextRow = Vec<Option<String>>;

/// Runs a query on what is committed now, together with the changes of this transaction, whatever
/// snapshot the transaction works with: what is cached outlives it, so a REPEATABLE READ
/// transaction must not fill the cache with the configuration of the time it began.
///
/// Reads only, assigns no transaction ID, and works on a standby. Parameters are text.
pub(crate) fn read(sql: &str, parameters: &[&str]) -> Result<Vec<TextRow>, Error> {
    let text = |s: &str| CString::new(s).map_err(|_| Error::Internal("a zero byte in a parameter".to_owned()));
    let sql_text = text(sql)?;
    let parameters: Vec<CString> = parameters.iter().map(|p| text(p)).collect::<Result<_, _>>()?;
    // SAFETY: the calls follow SPI's protocol; strings outlive the call that reads them; results
    // are copied before SPI_finish frees them. After an error the abort of the transaction closes
    // both the snapshot and the connection.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        pg_sys::SPI_connect();
        let mut types = vec![pg_sys::TEXTOID; parameters.len()];
        let mut values: Vec<pg_sys::Datum> =
            parameters.iter().map(|p| pg_sys::Datum::from(pg_sys::cstring_to_text(p.as_ptr()))).collect();
        let count = i32::try_from(values.len()).unwrap_or(i32::MAX);
        let status = pg_sys::SPI_execute_with_args(
            sql_text.as_ptr(),
            count,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            std::ptr::null(),
            true,
            0,
        );
        let rows = if status == pg_sys::SPI_OK_SELECT as i32 { Some(copy_rows()) } else { None };
        pg_sys::SPI_finish();
        pg_sys::PopActiveSnapshot();
        rows.ok_or_else(|| Error::Internal(format!("SPI status {status}: {sql}")))
    }
}

/// The rows of the SPI result.
///
/// # Safety
/// SPI must be connected and have run a SELECT.
unsafe fn copy_rows() -> Vec<TextRow> {
    // SAFETY: SPI_tuptable holds SPI_processed tuples of its descriptor.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        let (columns, rows) = ((*(*table).tupdesc).natts, pg_sys::SPI_processed);
        let row = |row| {
            let tuple = *(*table).vals.add(row);
            let column = |number| {
                let value = pg_sys::SPI_getvalue(tuple, (*table).tupdesc, number);
                (!value.is_null()).then(|| std::ffi::CStr::from_ptr(value).to_string_lossy().into_owned())
            };
            (1..=columns).map(column).collect()
        };
        (0..usize::try_from(rows).unwrap_or(0)).map(row).collect()
    }
}

/// Statement trigger of a configuration table: every session reads it anew.
/// `bootstrap.sql` declares it, so that the tables of the engines can use it.
#[pg_trigger(sql = false)]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn configuration_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    match trigger.relation() {
        // SAFETY: the relation is open as long as its trigger runs.
        Ok(relation) => unsafe { pg_sys::CacheInvalidateRelcache(relation.as_ptr()) },
        Err(error) => ErrorReport::from(Error::Internal(error.to_string())).report(PgLogLevel::ERROR),
    }
    Ok(None)
}
