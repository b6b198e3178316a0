//! The databases of the server, read by a process that is connected to none of them.

use std::ffi::CStr;

use pgrx::pg_sys;

/// A database in which a worker may run.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pub(super) oid: pg_sys::Oid,
    pub(super) name: String,
}

/// `datconnlimit` of a database whose removal was interrupted.
const INVALID: i32 = -2;

/// Databases that accept connections and are no templates: a worker in a template would stand in the
/// way of CREATE DATABASE.
///
/// Must run inside a transaction.
pub(super) fn list() -> Vec<Database> {
    let mut found = Vec::new();
    // SAFETY: the scan that the server's own launchers make: the relation is locked while it is read,
    // each tuple is used before the next one is fetched, and its fixed part is a FormData_pg_database.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let header = (*tuple).t_data;
            let row = &*header.byte_add(usize::from((*header).t_hoff)).cast::<pg_sys::FormData_pg_database>();
            if row.datallowconn && !row.datistemplate && row.datconnlimit != INVALID {
                let name = CStr::from_ptr(row.datname.data.as_ptr()).to_string_lossy().into_owned();
                found.push(Database { oid: row.oid, name });
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    found
}
