//! The launcher: keeps a worker in each database that has the extension.

use std::collections::BTreeMap;
use std::time::Duration;

use pgrx::bgworkers::BackgroundWorkerBuilder;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, pg_sys};

use super::database::WORKER;
use super::databases::{self, Database};
use super::shared::{self, Ending, Report};

/// How often the launcher looks at the list of databases; changes that it is told of are seen at once.
const NAP: Duration = Duration::from_secs(5);
/// When a database that did not have the extension is looked at again, should word of its coming
/// have been lost (a prepared transaction tells nobody), in microseconds.
const LOOK_AGAIN: i64 = 300_000_000;
/// Pause after a worker has died, doubled with each further death, in microseconds.
const FIRST_BACKOFF: i64 = 1_000_000;
const LAST_BACKOFF: i64 = 60_000_000;
/// A worker that has lived this long was healthy, in microseconds.
const HEALTHY: i64 = 60_000_000;
/// How long databases wait for a free process before they ask again, in microseconds.
const CROWD_RETRY: i64 = 1_000_000;
/// How often the log says that processes are short, in microseconds.
const SAY_AGAIN: i64 = 3_600_000_000;

/// Registers the launcher. It starts when the server accepts writes: on a standby, at promotion.
pub(super) fn register() {
    BackgroundWorkerBuilder::new("pg_canon launcher")
        .set_type("pg_canon launcher")
        .set_library("pg_canon")
        .set_function("canon_launcher_main")
        .enable_spi_access()
        .set_restart_time(Some(Duration::from_secs(5)))
        .load();
}

/// What the launcher remembers of a database.
#[derive(Default)]
struct Known {
    handle: Option<Handle>,
    started: i64,
    ending: Ending,
    /// Whether a session has asked to look again since the last start.
    poked: bool,
    /// No start before this time.
    not_before: i64,
    backoff: i64,
}

/// Entry point of the launcher.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn canon_launcher_main(_arg: pg_sys::Datum) {
    super::database::start_process();
    // SAFETY: no database: only the shared catalogues can be read.
    unsafe { pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0) };
    shared::enter_launcher();
    let mut launcher = Launcher::default();
    while super::database::may_go_on() {
        let nap = launcher.round();
        super::database::sleep(nap);
    }
    // A background worker that returns has ended for good; this one is to be started again.
    // SAFETY: ends the process in the server's own way.
    unsafe { pg_sys::proc_exit(1) };
}

#[derive(Default)]
struct Launcher {
    known: BTreeMap<u32, Known>,
    /// The last start failed for lack of processes.
    crowded: bool,
    /// No word about it in the log before this time.
    silent_until: i64,
}

impl Launcher {
    /// Starts what should run and does not; returns how long to sleep.
    fn round(&mut self) -> Duration {
        let databases = list();
        let oids: Vec<pg_sys::Oid> = databases.iter().map(|database| database.oid).collect();
        self.known.retain(|oid, _| oids.iter().any(|known| known.to_u32() == *oid));
        let mut due = Vec::new();
        let now = shared::now();
        let mut wake_at = now + i64::try_from(NAP.as_micros()).unwrap_or(i64::MAX);
        for (database, report) in databases.iter().zip(shared::reports(&oids)) {
            let known = self.known.entry(database.oid.to_u32()).or_default();
            known.take_in(report, now);
            if known.handle.is_none() {
                let at = known.not_before.max(report.paused_until);
                if at <= now { due.push(database) } else { wake_at = wake_at.min(at) }
            }
        }
        // Who has waited longest comes first, so that nobody waits for ever.
        due.sort_by_key(|database| self.known[&database.oid.to_u32()].started);
        let enough = due.iter().all(|database| self.start(database, now));
        self.tell_of_the_crowd(!enough);
        if !enough {
            wake_at = wake_at.min(now + CROWD_RETRY);
        }
        Duration::from_micros(u64::try_from(wake_at - now).unwrap_or(0).max(1_000))
    }

    /// Whether there was a free process for it.
    fn start(&mut self, database: &Database, now: i64) -> bool {
        let worker = BackgroundWorkerBuilder::new(&format!("pg_canon worker: {}", database.name))
            .set_type("pg_canon worker")
            .set_library("pg_canon")
            .set_function(WORKER)
            .set_argument(Some(pg_sys::Datum::from(database.oid.to_u32() as usize)))
            .set_notify_pid(shared::my_pid())
            .enable_spi_access();
        let Some(handle) = Handle::start(&worker) else { return false };
        let known = self.known.entry(database.oid.to_u32()).or_default();
        known.handle = Some(handle);
        known.started = now;
        (known.ending, known.poked) = (Ending::Failed, false);
        true
    }

    fn tell_of_the_crowd(&mut self, crowded: bool) {
        let now = shared::now();
        if crowded && now >= self.silent_until {
            self.silent_until = now + SAY_AGAIN;
            let report = ErrorReport::new(
                PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                "no free background worker for every database that has pg_canon: the databases take turns",
                "pg_canon",
            );
            report.set_hint("ALTER SYSTEM SET max_worker_processes = ...; -- and restart").report(PgLogLevel::LOG);
        }
        if crowded != self.crowded {
            shared::set_crowded(crowded);
        }
        self.crowded = crowded;
    }
}

impl Known {
    /// Takes note of what has become of the worker.
    fn take_in(&mut self, report: Report, now: i64) {
        if report.poked {
            (self.poked, self.not_before, self.backoff) = (true, 0, 0);
        }
        if report.ending != Ending::Failed {
            self.ending = report.ending;
        }
        if report.running || self.handle.as_ref().is_none_or(Handle::is_alive) {
            return;
        }
        self.handle = None;
        self.not_before = match self.ending {
            Ending::Asked => now,
            // The extension may have come after this worker had looked for it.
            Ending::NoExtension if self.poked => now,
            Ending::NoExtension => now + LOOK_AGAIN,
            Ending::Failed => {
                let healthy = now - self.started > HEALTHY;
                self.backoff =
                    if healthy { FIRST_BACKOFF } else { (self.backoff * 2).clamp(FIRST_BACKOFF, LAST_BACKOFF) };
                now + self.backoff
            }
        };
    }
}

/// A started worker, in memory of the server.
struct Handle(*mut pg_sys::BackgroundWorkerHandle);

impl Handle {
    /// `None` where no slot is free.
    fn start(worker: &BackgroundWorkerBuilder) -> Option<Self> {
        let mut worker = pg_sys::BackgroundWorker::from(worker);
        let mut handle = std::ptr::null_mut();
        // SAFETY: both pointers are valid; the handle lives in a context that lasts as long as the process.
        let started = unsafe {
            PgMemoryContexts::TopMemoryContext
                .switch_to(|_| pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle))
        };
        started.then(|| Self(handle))
    }

    fn is_alive(&self) -> bool {
        use pg_sys::BgwHandleStatus::{BGWH_POSTMASTER_DIED, BGWH_STOPPED};
        let mut pid = 0;
        // SAFETY: the handle came from RegisterDynamicBackgroundWorker.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) };
        status != BGWH_STOPPED && status != BGWH_POSTMASTER_DIED
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: allocated by the server, used by nobody else.
        unsafe { pg_sys::pfree(self.0.cast()) };
    }
}

/// The databases, read in a transaction of its own.
fn list() -> Vec<Database> {
    // SAFETY: the launcher is inside no transaction. The list is Rust's memory and survives the end.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::GetTransactionSnapshot();
        let databases = databases::list();
        pg_sys::CommitTransactionCommand();
        databases
    }
}
