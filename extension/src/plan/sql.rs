//! Statements that this room builds: text from catalogue names, values as parameters, answers as
//! JSON.

use std::ffi::{CStr, CString};
use std::ptr;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::guc::Pinned;

/// What statements see.
pub(super) struct Db {
    /// Pushed and registered by [`Db::fixed`]; null where each statement takes its own.
    snapshot: pg_sys::Snapshot,
    read_only: bool,
}

impl Db {
    /// What the caller's statement sees; nothing can be written.
    pub(super) fn reading() -> Self {
        Self { snapshot: ptr::null_mut(), read_only: true }
    }

    /// Each statement sees what is committed when it starts.
    pub(super) fn latest() -> Self {
        Self { snapshot: ptr::null_mut(), read_only: false }
    }

    /// Every statement sees what is committed now, and what this transaction does; what others
    /// commit in between stays out of sight.
    pub(super) fn fixed() -> Self {
        // SAFETY: a registered snapshot lives until `drop`, or until the transaction aborts.
        let snapshot = unsafe { pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot()) };
        Self { snapshot, read_only: false }
    }

    /// Runs a statement; the number of rows it touched.
    pub(super) fn run(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<u64> {
        self.execute(sql, arguments)?;
        // SAFETY: reads what the last SPI call has set.
        Ok(unsafe {
            pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
            pg_sys::SPI_processed
        })
    }

    /// The only value of a query that yields one row of one `json` or `text` column. No row, and
    /// NULL, read as JSON's null.
    pub(super) fn json<T: DeserializeOwned>(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<T> {
        let parsed = self.value(sql, arguments, |bytes| serde_json::from_slice(bytes.unwrap_or(b"null")))?;
        parsed.map_err(|error| Error::Internal(format!("unexpected answer of a query: {error}")))
    }

    /// The only value of a query that yields one row of one column, as it is printed.
    pub(super) fn text(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Option<String>> {
        self.value(sql, arguments, |bytes| bytes.map(|b| String::from_utf8_lossy(b).into_owned()))
    }

    /// Reads the first value of the first row; None where there is no row, and for NULL.
    fn value<T>(&self, sql: &str, arguments: &[DatumWithOid<'_>], read: impl FnOnce(Option<&[u8]>) -> T) -> Result<T> {
        self.execute(sql, arguments)?;
        // SAFETY: SPI_tuptable is the result of the call above; the text is copied before it is freed.
        Ok(unsafe {
            let table = pg_sys::SPI_tuptable;
            let text = match pg_sys::SPI_processed {
                0 => ptr::null_mut(),
                _ => pg_sys::SPI_getvalue(*(*table).vals, (*table).tupdesc, 1),
            };
            let value = read((!text.is_null()).then(|| CStr::from_ptr(text).to_bytes()));
            if !text.is_null() {
                pg_sys::pfree(text.cast());
            }
            pg_sys::SPI_freetuptable(table);
            value
        })
    }

    /// A list: as [`Self::json`], with no rows and NULL as the empty one.
    pub(super) fn list<T: DeserializeOwned>(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Vec<T>> {
        Ok(self.json::<Option<Vec<T>>>(sql, arguments)?.unwrap_or_default())
    }

    fn execute(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<()> {
        let text = CString::new(sql).map_err(|_| Error::Internal("a statement holds a NUL".to_owned()))?;
        let mut types: Vec<pg_sys::Oid> = arguments.iter().map(DatumWithOid::oid).collect();
        let datum = |a: &DatumWithOid<'_>| a.datum().map_or(pg_sys::Datum::from(0usize), |d| d.sans_lifetime());
        let mut values: Vec<pg_sys::Datum> = arguments.iter().map(datum).collect();
        let nulls: Vec<std::ffi::c_char> =
            arguments.iter().map(|a| if a.datum().is_some() { b' ' } else { b'n' } as std::ffi::c_char).collect();
        let count = i32::try_from(arguments.len()).unwrap_or(i32::MAX);
        // SAFETY: callers are inside `connected`; the arrays outlive the calls, which copy them.
        let status = unsafe {
            let plan = pg_sys::SPI_prepare(text.as_ptr(), count, types.as_mut_ptr());
            if plan.is_null() {
                return Err(Error::Internal(format!("cannot prepare: {sql}")));
            }
            let status = pg_sys::SPI_execute_snapshot(
                plan,
                values.as_mut_ptr(),
                nulls.as_ptr(),
                self.snapshot,
                ptr::null_mut(),
                self.read_only,
                true,
                0,
            );
            pg_sys::SPI_freeplan(plan);
            status
        };
        if status < 0 { Err(Error::Internal(format!("a statement failed with SPI status {status}"))) } else { Ok(()) }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if !self.snapshot.is_null() && !std::thread::panicking() {
            // SAFETY: registered by `fixed`; after an error the abort of the transaction releases it.
            unsafe { pg_sys::UnregisterSnapshot(self.snapshot) };
        }
    }
}

/// Runs `body` with an SPI connection, under settings that let our texts mean what they say. Days
/// begin in the session's time zone.
pub(super) fn connected<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _pinned = Pinned::plain();
    Spi::connect(|_| body())
}

/// As [`connected`], where values are kept or compared as text.
pub(super) fn comparing<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _pinned = Pinned::for_output();
    Spi::connect(|_| body())
}

/// An SQL name, quoted.
pub(super) fn ident(name: &str) -> String {
    pgrx::spi::quote_identifier(name)
}

/// Arrays side by side as a row source. `unnest` with several arrays is syntax, and only for its
/// unqualified name.
pub(super) fn unnest(arrays: impl IntoIterator<Item = String>) -> String {
    let calls: Vec<String> = arrays.into_iter().map(|a| format!("pg_catalog.unnest({a})")).collect();
    format!("ROWS FROM ({})", calls.join(", "))
}
