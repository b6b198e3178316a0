//! Work that may fail without failing the transaction.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};

use crate::error::{Error, Result};

/// Runs `body` in a subtransaction: what fails leaves nothing behind, and the transaction goes on.
///
/// # Errors
///
/// What failed, also where the server raised it.
pub(crate) fn attempt<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: called inside a transaction; the subtransaction is ended on both ways out.
    let (context, owner) = unsafe {
        let outside = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(outside.0);
        outside
    };
    let caught = |error: CaughtError| {
        let report = match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
            CaughtError::RustPanic { ereport, .. } => ereport,
        };
        Err(Error::Internal(report.message().to_owned()))
    };
    let done = PgTryBuilder::new(AssertUnwindSafe(body)).catch_others(caught).execute();
    // SAFETY: as above.
    unsafe {
        match &done {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    done
}
