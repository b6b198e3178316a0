//! Guard functions: SQL functions of the row that return NULL or the reason for refusal.

use std::ffi::{CStr, CString};
use std::mem::{MaybeUninit, size_of};

use pgrx::{PgSqlErrorCode as Code, PgTryBuilder, pg_sys};

use super::error::{Error, Result};

/// Functions that a statement has called already.
pub(super) struct Functions {
    row_type: pg_sys::Oid,
    table: String,
    /// Lives as long as what the functions keep between calls.
    context: pg_sys::MemoryContext,
    known: Vec<(String, Box<pg_sys::FmgrInfo>)>,
}

impl Functions {
    /// `context` must outlive the value.
    pub(super) fn new(row_type: pg_sys::Oid, table: String, context: pg_sys::MemoryContext) -> Self {
        Self { row_type, table, context, known: Vec::new() }
    }

    /// What a guard says about a row.
    pub(super) fn ask(&mut self, name: &str, row: pg_sys::Datum) -> Result<Option<String>> {
        let place = match self.known.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None => {
                let oid = find(name, self.row_type, &self.table)?;
                let mut info = Box::new(pg_sys::FmgrInfo::default());
                // SAFETY: the function exists; the context outlives the information.
                unsafe { pg_sys::fmgr_info_cxt(oid, &mut *info, self.context) };
                self.known.push((name.to_owned(), info));
                self.known.len() - 1
            }
        };
        let info: *mut pg_sys::FmgrInfo = &mut *self.known[place].1;
        // SAFETY: the function takes one value of the row type and returns text.
        let answer = unsafe { call(info, row, name) };
        Ok(answer.filter(|text| !text.trim().is_empty()))
    }
}

/// Room for a call with one argument.
#[repr(C)]
struct CallWithOne {
    base: MaybeUninit<[u8; size_of::<pg_sys::FunctionCallInfoBaseData>()]>,
    argument: pg_sys::NullableDatum,
    _align: [u64; 0],
}

/// Calls a function of one argument that may return NULL. Its errors keep their SQLSTATE and name
/// the guard.
///
/// # Safety
/// `info` must be a function of one argument of the type of `row`, returning text.
unsafe fn call(info: *mut pg_sys::FmgrInfo, row: pg_sys::Datum, name: &str) -> Option<String> {
    // SAFETY: strict functions are not called with NULL, and the row is not; the structure is as
    // InitFunctionCallInfoData leaves it. Nothing here lives on after an error.
    let run = || unsafe {
        let mut call: CallWithOne = std::mem::zeroed();
        let base: *mut pg_sys::FunctionCallInfoBaseData = (&raw mut call).cast();
        (*base).flinfo = info;
        (*base).nargs = 1;
        let arguments = (*base).args.as_mut_ptr();
        (*arguments).value = row;
        (*arguments).isnull = false;
        let function = (*info).fn_addr?;
        let answer = pg_sys::ffi::pg_guard_ffi_boundary(|| function(base));
        if (*base).isnull {
            return None;
        }
        let text = pg_sys::text_to_cstring(answer.cast_mut_ptr());
        Some(CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    PgTryBuilder::new(std::panic::AssertUnwindSafe(run))
        .catch_others(|caught| {
            let pg_sys::panic::CaughtError::PostgresError(error) = &caught else { caught.rethrow() };
            let code = error.sql_error_code();
            if is_not_about_the_guard(code) {
                caught.rethrow();
            }
            let mut report = pg_sys::panic::ErrorReport::new(
                code,
                format!("guard {name} raised an error: {}", error.message()),
                "pg_canon",
            );
            if let Some(detail) = error.detail() {
                report = report.set_detail(detail);
            }
            if let Some(hint) = error.hint() {
                report = report.set_hint(hint);
            }
            report.report(pgrx::PgLogLevel::ERROR);
            None
        })
        .execute()
}

/// Cancellation, lost serialisation, lack of resources: clients match these as they are.
fn is_not_about_the_guard(code: Code) -> bool {
    matches!(
        code,
        Code::ERRCODE_QUERY_CANCELED
            | Code::ERRCODE_ADMIN_SHUTDOWN
            | Code::ERRCODE_CRASH_SHUTDOWN
            | Code::ERRCODE_T_R_SERIALIZATION_FAILURE
            | Code::ERRCODE_T_R_DEADLOCK_DETECTED
            | Code::ERRCODE_LOCK_NOT_AVAILABLE
            | Code::ERRCODE_OUT_OF_MEMORY
    )
}

/// The guard function of a name for a row type.
pub(super) fn find(name: &str, row_type: pg_sys::Oid, table: &str) -> Result<pg_sys::Oid> {
    let c = |text: &str| CString::new(text).map_err(|_| Error::internal("a zero byte in a name"));
    let (schema, function) = name.split_once('.').unwrap_or(("", name));
    let (schema, function) = (c(schema)?, c(function)?);
    // SAFETY: the list and its strings live until the look-up returns; missing ones give no error.
    let oid = unsafe {
        let names = pg_sys::lappend(std::ptr::null_mut(), pg_sys::makeString(schema.as_ptr().cast_mut()).cast());
        let names = pg_sys::lappend(names, pg_sys::makeString(function.as_ptr().cast_mut()).cast());
        pg_sys::LookupFuncName(names, 1, &row_type, true)
    };
    let signature = format!("{name}({table})");
    // SAFETY: a look-up of an existing function.
    if oid == pg_sys::InvalidOid || unsafe { pg_sys::get_func_rettype(oid) } != pg_sys::TEXTOID {
        return Err(Error::new(Code::ERRCODE_UNDEFINED_FUNCTION, format!("guard function {signature} does not exist, or does not return text"))
            .hint(format!(
                "CREATE FUNCTION {name}(new {table}) RETURNS text LANGUAGE sql STABLE RETURN NULL; -- NULL agrees, a text refuses"
            )));
    }
    Ok(oid)
}
