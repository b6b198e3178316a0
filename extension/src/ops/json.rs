use std::ffi::CString;

use pgrx::prelude::*;
use pgrx::{PgSqlErrorCode as Code, PgTryBuilder, direct_function_call_as_datum};

/// Whether `text` is valid JSON, as `jsonb` judges it: what passes here can be cast.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn is_json(text: &str) -> bool {
    // Text of the server holds no zero byte.
    let Ok(text) = CString::new(text) else { return false };
    // jsonb_in only allocates, so nothing is left behind when it fails; anything that is not
    // about the text itself (cancellation, stack depth) goes on to the caller.
    PgTryBuilder::new(|| {
        // SAFETY: jsonb_in takes one cstring.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(pg_sys::Datum::from(text.as_ptr()))]) };
        true
    })
    .catch_when(Code::ERRCODE_INVALID_TEXT_REPRESENTATION, |_| false)
    .catch_when(Code::ERRCODE_UNTRANSLATABLE_CHARACTER, |_| false)
    .catch_when(Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, |_| false)
    .catch_when(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, |_| false)
    .execute()
}
