//! The guard of the ledger's own tables.

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError};

use super::ledger::Working;
use crate::error::Error;

/// `BEFORE` statement trigger of the tables of the ledger: lets nothing pass but our own work.
///
/// It keeps accidents away, and roles that were granted too much. An owner can drop it; that is what
/// verification is for.
#[pg_trigger(sql = "
CREATE FUNCTION canon.audit_guard() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
pub(super) fn audit_guard<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    if !Working::is_ours() {
        let table = trigger.table_name().unwrap_or_else(|_| "?".to_owned());
        ErrorReport::from(Error::LedgerIsAppendOnly { table }).report(PgLogLevel::ERROR);
    }
    Ok(None)
}
