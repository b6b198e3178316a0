//! The worker of one database.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::prelude::*;
use pgrx::{PgTryBuilder, pg_sys};

use super::shared::{self, Ending};
use super::tasks::TASKS;
use super::{Progress, Task};
use crate::error::{Error, Result};

/// Name of the entry point.
pub(super) const WORKER: &str = "canon_worker_main";

/// The longest sleep: how soon a worker notices that the extension has gone.
const NAP: Duration = Duration::from_secs(5);
/// The longest pause of a task that fails.
const LAST_BACKOFF: Duration = Duration::from_secs(60);
/// How long a worker keeps its process while other databases wait for one.
const TURN: Duration = Duration::from_secs(2);

/// Entry point of a worker; the argument is the database.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn canon_worker_main(arg: pg_sys::Datum) {
    start_process();
    let database = pg_sys::Oid::from(u32::try_from(arg.value()).unwrap_or(0));
    if !shared::enter_worker(database) {
        shared::note_ending(database, Ending::Asked);
        return;
    }
    // SAFETY: this process has connected to nothing yet; no role means the bootstrap superuser.
    unsafe { pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0) };
    plain_transactions();
    let ending = work(database);
    shared::note_ending(database, ending);
}

/// Transactions of this process are plain ones, whatever the database has as a default.
fn plain_transactions() {
    for (name, value) in
        [(c"default_transaction_isolation", c"read committed"), (c"default_transaction_read_only", c"off")]
    {
        // SAFETY: strings that outlive the call; both values are valid.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
}

/// Signals of a process of ours: SIGTERM ends it, in the middle of a statement too.
pub(super) fn start_process() {
    // SAFETY: called first thing in a background worker; handlers and signals are the server's own.
    unsafe {
        set_handler(libc::SIGTERM, die);
        set_handler(libc::SIGHUP, SignalHandlerForConfigReload);
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

// The server's handlers as they are: pgrx would wrap them, and a signal must not run the wrapping.
unsafe extern "C-unwind" {
    fn die(signal: i32);
    fn SignalHandlerForConfigReload(signal: i32);
}

/// # Safety
///
/// The handler must be safe to run in a signal.
unsafe fn set_handler(signal: i32, handler: unsafe extern "C-unwind" fn(i32)) {
    // SAFETY: by contract.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, Some(handler));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, Some(handler));
    }
}

/// Whether nobody has asked this process to end. Reads the configuration again where it has changed.
pub(super) fn may_go_on() -> bool {
    // SAFETY: flags that signal handlers of this process set.
    unsafe {
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
        (&raw const pg_sys::ProcDiePending).read_volatile() == 0
    }
}

/// Sleeps until the time is over, the latch is set, or the server has died: then the process ends.
pub(super) fn sleep(time: Duration) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1);
    // SAFETY: waits on the latch of this process.
    unsafe {
        pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, time, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
        // A request to end is answered by the caller, quietly; everything else here.
        if (&raw const pg_sys::ProcDiePending).read_volatile() == 0 {
            pgrx::check_for_interrupts!();
        }
    }
}

/// A task and when it is due.
struct Scheduled {
    task: &'static Task,
    due: Instant,
    backoff: Option<Duration>,
}

fn work(database: pg_sys::Oid) -> Ending {
    let begun = Instant::now();
    let mut schedule: Vec<Scheduled> = TASKS.iter().map(|task| Scheduled { task, due: begun, backoff: None }).collect();
    let mut looked: Option<Instant> = None;
    let mut usable = false;
    loop {
        if !may_go_on() {
            return Ending::Failed;
        }
        if shared::must_leave(database) {
            return Ending::Asked;
        }
        if looked.is_none_or(|at| at.elapsed() >= NAP) {
            match look() {
                Ok(Installed::No) => return Ending::NoExtension,
                Ok(found) => usable = found == Installed::Ours,
                Err(error) => {
                    log(format!("background worker cannot read the catalogue: {error}"));
                    return Ending::Failed;
                }
            }
            looked = Some(Instant::now());
        }
        if usable {
            for entry in &mut schedule {
                entry.run_if_due();
            }
        }
        if shared::is_crowded() && begun.elapsed() >= TURN {
            return Ending::Asked;
        }
        let now = Instant::now();
        let next = schedule.iter().filter(|_| usable).map(|entry| entry.due.saturating_duration_since(now)).min();
        let next = next.unwrap_or(NAP).min(NAP);
        // What woke this process while it was in a task may have been taken for something else.
        let urgent = usable && schedule.iter().any(Scheduled::is_urgent);
        if !next.is_zero() && !urgent {
            sleep(next);
        }
    }
}

impl Scheduled {
    /// A task that fails keeps its pause, however urgent.
    fn is_urgent(&self) -> bool {
        self.backoff.is_none() && (self.task.is_urgent)()
    }

    fn run_if_due(&mut self) {
        if self.due > Instant::now() && !self.is_urgent() {
            return;
        }
        let period = (self.task.period)();
        let wait = match in_transaction(self.task.run) {
            Ok(progress) => {
                self.backoff = None;
                if progress == Progress::More { Duration::ZERO } else { period }
            }
            Err(error) => {
                let pause = self.backoff.map_or(period, |last| last * 2).min(LAST_BACKOFF);
                let next = pause.as_millis();
                log(format!("background task \"{}\" failed: {error}; next try in {next} ms", self.task.name));
                self.backoff = Some(pause);
                pause
            }
        };
        self.due = Instant::now() + wait;
    }
}

fn log(message: String) {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message, "pg_canon").report(PgLogLevel::LOG);
}

/// What the database has of the extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installed {
    No,
    /// Of another version than this library: its tables may not be what tasks expect.
    Other,
    Ours,
}

fn look() -> Result<Installed> {
    in_transaction(|| {
        // SAFETY: a look into the catalogue, inside a transaction.
        if unsafe { pg_sys::get_extension_oid(c"pg_canon".as_ptr(), true) } == pg_sys::InvalidOid {
            return Ok(Installed::No);
        }
        let version = Spi::connect(|client| {
            client
                .select(
                    "SELECT extversion FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'pg_canon'",
                    Some(1),
                    &[],
                )?
                .first()
                .get_one::<String>()
        })?;
        Ok(if version.as_deref() == Some(env!("CARGO_PKG_VERSION")) { Installed::Ours } else { Installed::Other })
    })
}

/// Runs `body` in a transaction with a snapshot. After an error it is rolled back.
fn in_transaction<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: the process is inside no transaction.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, c"pg_canon".as_ptr());
    }
    let caught = |error: CaughtError| -> Result<T> {
        let report = match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
            CaughtError::RustPanic { ereport, .. } => ereport,
        };
        Err(Error::Internal(report.message().to_owned()))
    };
    let result = PgTryBuilder::new(AssertUnwindSafe(|| {
        let result = body();
        if result.is_ok() {
            // SAFETY: ends what was begun above; deferred work of the commit may raise errors.
            unsafe {
                pg_sys::PopActiveSnapshot();
                pg_sys::CommitTransactionCommand();
            }
        }
        result
    }))
    .catch_others(caught)
    .execute();
    // SAFETY: after an error the transaction is still open, and nothing of it is on the stack.
    unsafe {
        if pg_sys::IsTransactionState() || pg_sys::IsAbortedTransactionBlockState() {
            pg_sys::AbortCurrentTransaction();
        }
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
        pg_sys::pgstat_report_stat(false);
    }
    result
}
