use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError};

use crate::error::{self, Error};

/// `BEFORE UPDATE` row trigger: stamps `updated_at`, or the columns given as arguments, with the
/// time of the transaction.
#[pg_trigger(sql = "
CREATE FUNCTION canon.touch_updated_at() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn touch_updated_at<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    match stamp(trigger) {
        Ok(row) => Ok(Some(row)),
        // An Err would reach the client as XX000 with Debug text.
        Err(error) => {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
            Ok(None)
        }
    }
}

fn stamp<'a>(trigger: &'a PgTrigger<'a>) -> error::Result<PgHeapTuple<'a, AllocatedByRust>> {
    let table = || table_name(trigger);
    let event = trigger.event();
    let is_row_update = event.fired_for_row() && event.fired_before() && event.fired_by_update();
    let row = trigger.new().filter(|_| is_row_update).ok_or_else(|| Error::NotARowUpdate { table: table() })?;
    let mut row = row.into_owned();
    let arguments = trigger.extra_args().map_err(|error| Error::Internal(error.to_string()))?;
    let columns = if arguments.is_empty() { vec!["updated_at".to_owned()] } else { arguments };
    for column in columns {
        set_now(&mut row, &column, &table)?;
    }
    Ok(row)
}

/// Stamps one column, in its own type.
fn set_now(row: &mut PgHeapTuple<'_, AllocatedByRust>, column: &str, table: &dyn Fn() -> String) -> error::Result<()> {
    let unknown = || Error::UnknownColumn { table: table(), column: column.to_owned() };
    let (_, ty) = row.get_attribute_by_name(column).map(|(n, a)| (n, a.type_oid().value())).ok_or_else(unknown)?;
    let done = match ty {
        pg_sys::TIMESTAMPTZOID => row.set_by_name(column, pgrx::datum::now()),
        pg_sys::TIMESTAMPOID => row.set_by_name(column, pgrx::datum::Timestamp::from(pgrx::datum::now())),
        pg_sys::DATEOID => row.set_by_name(column, pgrx::datum::Date::from(pgrx::datum::now())),
        _ => return Err(Error::NotATime { table: table(), column: column.to_owned() }),
    };
    done.map_err(|error| Error::Internal(error.to_string()))
}

fn table_name(trigger: &PgTrigger<'_>) -> String {
    let (schema, table) = (trigger.table_schema(), trigger.table_name());
    let part = |name: Result<String, PgTriggerError>| name.unwrap_or_else(|_| "?".to_owned());
    pgrx::spi::quote_qualified_identifier(part(schema), part(table))
}
