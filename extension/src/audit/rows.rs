//! The rows of a recorded table as they are now.

use pgrx::prelude::*;

use super::columns::{self, Values};
use super::enable::Relation;
use crate::error;
use crate::user::ActingAs;

/// Calls `visit` with the image of each row of a recorded table, and its two hashes where it is a log.
/// The table is read as its owner, restricted as in VACUUM: what stands in its definition must not run
/// with the rights of whoever verifies.
pub(super) fn each_row(
    table: &Relation,
    visit: &mut dyn FnMut(&[u8], Hashes) -> error::Result<()>,
) -> error::Result<()> {
    let Some(config) = &table.recorded else { return Ok(()) };
    let sql = format!("SELECT * FROM {}", table.name);
    let acting = ActingAs::owner_of_expressions(table.owner);
    let done = Spi::connect(|client| {
        let mut cursor = client.open_cursor(sql.as_str(), &[]);
        loop {
            let rows = cursor.fetch(10_000)?.len();
            if rows == 0 {
                return Ok(());
            }
            // SAFETY: SPI_tuptable holds the rows just fetched.
            unsafe {
                let tuptable = pg_sys::SPI_tuptable;
                let descriptor = (*tuptable).tupdesc;
                let recorded = columns::of_table(descriptor, config);
                for k in 0..rows {
                    let tuple = *(*tuptable).vals.add(k);
                    let values = Values::of(tuple, descriptor);
                    let mut image = Vec::new();
                    recorded.iter().for_each(|column| values.push(&mut image, column));
                    let text = |name: &str| text_of(tuple, descriptor, name);
                    let hashes = config.log.as_ref().map(|log| (text(&log.previous_hash), text(&log.chain_hash)));
                    visit(&image, hashes.unwrap_or_default())?;
                }
                // Otherwise all of the table would be in memory in the end.
                pg_sys::SPI_freetuptable(tuptable);
            }
        }
    });
    drop(acting);
    done
}

/// `previous_hash` and `audit_chain_hash` of a row.
pub(super) type Hashes = (Option<String>, Option<String>);

/// # Safety
///
/// The tuple must be one of the descriptor.
unsafe fn text_of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc, column: &str) -> Option<String> {
    let name = std::ffi::CString::new(column).ok()?;
    // SAFETY: by contract; an unknown column has number SPI_ERROR_NOATTRIBUTE, which gives null.
    unsafe {
        let number = pg_sys::SPI_fnumber(descriptor, name.as_ptr());
        if number <= 0 {
            return None;
        }
        let text = pg_sys::SPI_getvalue(tuple, descriptor, number);
        (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}
