//! Statements that concern workers: those that need a database to themselves, and CREATE EXTENSION.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::shared;

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

thread_local! {
    /// The running transaction has created the extension.
    static CREATED: Cell<bool> = const { Cell::new(false) };
}

/// Installs the hook; for the preloaded library only, so that every session has it.
pub(super) fn init() {
    // SAFETY: at server start, in a process with one thread; both functions stay where they are.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process_utility);
        pg_sys::RegisterXactCallback(Some(at_end_of_transaction), std::ptr::null_mut());
    }
}

#[pg_guard]
#[allow(clippy::too_many_arguments, reason = "the server's signature")]
unsafe extern "C-unwind" fn process_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the server passes a utility statement and calls hooks inside a transaction.
    let cleared = unsafe {
        let node = (*statement).utilityStmt;
        notice_extension(node);
        database_to_clear(node).filter(|database| is_owner(*database))
    };
    if let Some(database) = cleared {
        shared::clear(database);
    }
    // SAFETY: passes on what was passed in.
    unsafe {
        match PREVIOUS {
            Some(next) => pg_sys::ffi::pg_guard_ffi_boundary(|| {
                next(statement, text, read_only_tree, context, params, environment, receiver, completion);
            }),
            None => pg_sys::standard_ProcessUtility(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                receiver,
                completion,
            ),
        }
    }
    // After an error the pause ends by itself.
    if let Some(database) = cleared {
        shared::release(database);
    }
}

/// The database that the statement needs without any other session in it.
///
/// # Safety
///
/// `node` must be a utility statement, inside a transaction.
unsafe fn database_to_clear(node: *mut pg_sys::Node) -> Option<pg_sys::Oid> {
    use pg_sys::NodeTag::{T_AlterDatabaseStmt, T_CreatedbStmt, T_DropdbStmt, T_RenameStmt};
    // SAFETY: each node is of the type that its tag says.
    unsafe {
        let name = match (*node).type_ {
            T_DropdbStmt => (*node.cast::<pg_sys::DropdbStmt>()).dbname,
            T_CreatedbStmt => string_option((*node.cast::<pg_sys::CreatedbStmt>()).options, c"template")?,
            T_AlterDatabaseStmt => {
                let statement = node.cast::<pg_sys::AlterDatabaseStmt>();
                string_option((*statement).options, c"tablespace")?;
                (*statement).dbname
            }
            T_RenameStmt => {
                let statement = node.cast::<pg_sys::RenameStmt>();
                if (*statement).renameType != pg_sys::ObjectType::OBJECT_DATABASE {
                    return None;
                }
                (*statement).subname
            }
            _ => return None,
        };
        let database = if name.is_null() { pg_sys::InvalidOid } else { pg_sys::get_database_oid(name, true) };
        (database != pg_sys::InvalidOid).then_some(database)
    }
}

/// The text of an option in a list of `DefElem`.
///
/// # Safety
///
/// `options` must be such a list.
unsafe fn string_option(options: *mut pg_sys::List, name: &CStr) -> Option<*mut c_char> {
    // SAFETY: by contract; defGetString accepts every kind of value.
    unsafe {
        pgrx::PgList::<pg_sys::DefElem>::from_pg(options)
            .iter_ptr()
            .find(|option| CStr::from_ptr((**option).defname) == name)
            .filter(|option| !(**option).arg.is_null())
            .map(|option| pg_sys::defGetString(option))
    }
}

/// Nobody else may make a worker stop: the statement will be refused.
fn is_owner(database: pg_sys::Oid) -> bool {
    // SAFETY: a look into the catalogue, inside a transaction.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::pg_database_ownercheck(database, pg_sys::GetUserId());
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, pg_sys::GetUserId());
    }
}

/// # Safety
///
/// `node` must be a utility statement.
unsafe fn notice_extension(node: *mut pg_sys::Node) {
    // SAFETY: the node is of the type that its tag says.
    unsafe {
        if (*node).type_ == pg_sys::NodeTag::T_CreateExtensionStmt
            && CStr::from_ptr((*node.cast::<pg_sys::CreateExtensionStmt>()).extname) == c"pg_canon"
        {
            CREATED.set(true);
        }
    }
}

/// Called at the end of every transaction of the session, so it must be cheap and must not fail.
#[pg_guard]
unsafe extern "C-unwind" fn at_end_of_transaction(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE)
        && CREATED.replace(false)
        && event == XACT_EVENT_COMMIT
    {
        // SAFETY: a constant of the session.
        shared::poke(unsafe { pg_sys::MyDatabaseId });
    }
}
