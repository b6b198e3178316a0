//! Background work: one process for each database that has the extension.
//!
//! A launcher starts with the server where the library is preloaded, and needs no configuration. It
//! finds the databases, starts a worker in each that has the extension, and starts it again when it
//! dies. A worker calls the entries of [`tasks::TASKS`] whenever they are due.
//!
//! Whatever a worker does is also a function, for servers that do not preload the library: a task
//! only decides when.

mod database;
mod databases;
mod launcher;
mod shared;
mod tasks;
mod utility;

use std::time::Duration;

use crate::error::Result;

/// Work that a worker does again and again in its database.
pub(crate) struct Task {
    /// Appears in the server's log when the task fails.
    pub(crate) name: &'static str,
    /// Time between two runs that found nothing more to do; read before each wait.
    pub(crate) period: fn() -> Duration,
    /// Whether there is work before its time. Read when the worker has been woken; see [`wake`].
    pub(crate) is_urgent: fn() -> bool,
    /// One short run, inside a transaction of its own with an active snapshot, as the bootstrap
    /// superuser. A worker answers requests to leave only between two runs, so a run that would be
    /// long does a part and returns [`Progress::More`].
    ///
    /// An error is logged, its transaction is rolled back, and the task pauses: one period, then
    /// twice as long after each further error, up to a minute.
    pub(crate) run: fn() -> Result<Progress>,
}

/// What a run of a task has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing: the task is due again after its period.
    Idle,
    /// More of the same: the task is due at once.
    More,
}

/// Wakes the worker of this database; whether there is one.
pub(crate) fn wake() -> bool {
    // SAFETY: a constant of the session.
    shared::wake_worker(unsafe { pgrx::pg_sys::MyDatabaseId })
}

/// Called from `_PG_init`. Without preloading there are no workers, and nothing to register.
pub(crate) fn init() {
    // SAFETY: two flags of this process that the server sets before it loads libraries.
    let (preloading, upgrading) =
        unsafe { (pgrx::pg_sys::process_shared_preload_libraries_in_progress, pgrx::pg_sys::IsBinaryUpgrade) };
    if preloading && !upgrading {
        shared::init();
        utility::init();
        launcher::register();
    }
}
