//! What launcher, workers and sessions tell each other, in shared memory.

use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::lwlock::PgLwLock;
use pgrx::prelude::*;
use pgrx::shmem::PGRXSharedMemory;
use pgrx::{pg_shmem_init, pg_sys};

/// Databases that something is known about at one time. Where they do not suffice the launcher
/// looks at every database, so a larger number only saves work.
const SLOTS: usize = 256;

/// How long a statement that needs a database to itself keeps its worker away, in microseconds: it
/// has taken its lock by then, and a worker that starts waits for the lock.
const PAUSE: i64 = 10_000_000;

/// How a worker has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ending {
    /// It died, or has not ended.
    #[default]
    Failed,
    /// The database does not have the extension, or no longer.
    NoExtension,
    /// It was asked to make room, for a statement or for the worker of another database.
    Asked,
}

/// One database.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// 0 for a free slot.
    database: u32,
    /// Process of the worker, 0 while there is none.
    pid: i32,
    ending: Ending,
    /// No worker before this time, in microseconds of the server's clock.
    paused_until: i64,
    /// A session has changed something that the launcher should look at.
    poked: bool,
}

impl Slot {
    fn is_needed(&self, now: i64) -> bool {
        self.pid != 0 || self.poked || self.paused_until > now || self.ending != Ending::Failed
    }
}

/// The shared state.
#[derive(Clone, Copy)]
struct State {
    launcher: i32,
    /// Databases wait for a free worker process: workers take turns.
    crowded: bool,
    /// A poke found no free slot.
    poke_all: bool,
    slots: [Slot; SLOTS],
}

// SAFETY: plain data without pointers, behind a lock.
unsafe impl PGRXSharedMemory for State {}

impl Default for State {
    fn default() -> Self {
        Self { launcher: 0, crowded: false, poke_all: false, slots: [Slot::default(); SLOTS] }
    }
}

impl State {
    fn find(&mut self, database: pg_sys::Oid) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.database == database.to_u32())
    }

    /// The slot of a database, made where there is none and room for one.
    fn slot(&mut self, database: pg_sys::Oid) -> Option<&mut Slot> {
        let now = now();
        let wanted = database.to_u32();
        let mut place = self.slots.iter().position(|slot| slot.database == wanted);
        if place.is_none() {
            place = self.slots.iter().position(|slot| slot.database == 0 || !slot.is_needed(now));
            if let Some(free) = place {
                self.slots[free] = Slot { database: wanted, ..Slot::default() };
            }
        }
        place.map(|place| &mut self.slots[place])
    }
}

// SAFETY: the name begins with that of the extension.
static STATE: PgLwLock<State> = unsafe { PgLwLock::new(c"pg_canon worker") };

/// Whether [`STATE`] exists: it does not where the library was loaded by a session.
static EXISTS: AtomicBool = AtomicBool::new(false);

pub(super) fn init() {
    pg_shmem_init!(STATE);
    EXISTS.store(true, Ordering::Relaxed);
}

/// Microseconds since the machine was started. Not the time of day: set back, that would keep workers out
/// of a database until it has caught up.
pub(super) fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure; every system that PostgreSQL runs on has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}

/// Runs when a process ends in any way but a crash, after which shared memory is made anew.
type OnExit = unsafe extern "C-unwind" fn(code: i32, arg: pg_sys::Datum);

fn on_exit(function: OnExit, arg: pg_sys::Datum) {
    // SAFETY: registered by a process that has just started; the function stays where it is.
    unsafe { pg_sys::on_shmem_exit(Some(function), arg) };
}

/// The calling process is the launcher from now on.
pub(super) fn enter_launcher() {
    #[pg_guard]
    unsafe extern "C-unwind" fn leave(_code: i32, _arg: pg_sys::Datum) {
        STATE.exclusive().launcher = 0;
    }
    STATE.exclusive().launcher = my_pid();
    on_exit(leave, pg_sys::Datum::from(0));
}

/// The calling process is the worker of `database` from now on, unless it must not be.
pub(super) fn enter_worker(database: pg_sys::Oid) -> bool {
    #[pg_guard]
    unsafe extern "C-unwind" fn leave(_code: i32, arg: pg_sys::Datum) {
        let database = pg_sys::Oid::from(u32::try_from(arg.value()).unwrap_or(0));
        if let Some(slot) = STATE.exclusive().find(database) {
            slot.pid = 0;
        }
    }
    let mut state = STATE.exclusive();
    let Some(slot) = state.slot(database) else { return false };
    if slot.paused_until > now() || slot.pid != 0 {
        return false;
    }
    slot.pid = my_pid();
    slot.ending = Ending::Failed;
    drop(state);
    // Registered before the process joins those of the database, so it runs after it has left them.
    on_exit(leave, pg_sys::Datum::from(database.to_u32() as usize));
    true
}

/// The calling process.
pub(super) fn my_pid() -> i32 {
    // SAFETY: a constant of the process.
    unsafe { pg_sys::MyProcPid }
}

/// Notes why the worker of `database` is about to end.
pub(super) fn note_ending(database: pg_sys::Oid, ending: Ending) {
    if let Some(slot) = STATE.exclusive().find(database) {
        slot.ending = ending;
    }
}

/// Whether the worker of `database` should make room.
pub(super) fn must_leave(database: pg_sys::Oid) -> bool {
    STATE.exclusive().find(database).is_none_or(|slot| slot.paused_until > now())
}

/// Whether other databases wait for a process.
pub(super) fn is_crowded() -> bool {
    STATE.share().crowded
}

/// Notes whether databases wait for a process.
pub(super) fn set_crowded(crowded: bool) {
    STATE.exclusive().crowded = crowded;
}

/// What the launcher must know about a database.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Report {
    /// Its worker runs.
    pub(super) running: bool,
    /// How the last one ended; told once.
    pub(super) ending: Ending,
    /// No worker before this time.
    pub(super) paused_until: i64,
    /// A session asks to look again; asked once, told once.
    pub(super) poked: bool,
}

/// The reports on these databases, in the same order.
pub(super) fn reports(databases: &[pg_sys::Oid]) -> Vec<Report> {
    let mut state = STATE.exclusive();
    let all = std::mem::take(&mut state.poke_all);
    let report = |database: &pg_sys::Oid| match state.find(*database) {
        Some(slot) => {
            let poked = std::mem::take(&mut slot.poked) || all;
            let running = slot.pid != 0;
            let ending = if running { Ending::Failed } else { std::mem::take(&mut slot.ending) };
            Report { running, ending, paused_until: slot.paused_until, poked }
        }
        None => Report { poked: all, ..Report::default() },
    };
    databases.iter().map(report).collect()
}

/// Asks the launcher to look at `database`, and wakes it.
pub(super) fn poke(database: pg_sys::Oid) {
    if !EXISTS.load(Ordering::Relaxed) {
        return;
    }
    let mut state = STATE.exclusive();
    match state.slot(database) {
        Some(slot) => slot.poked = true,
        None => state.poke_all = true,
    }
    let launcher = state.launcher;
    drop(state);
    wake(launcher);
}

/// Keeps workers out of `database` for a while, and returns once there is none, or after a few
/// seconds: then the statement reports who is in its way.
pub(super) fn clear(database: pg_sys::Oid) {
    const STEP: i64 = 10_000;
    /// A worker that has not left by now is in the middle of something, or waits for a lock.
    const GENTLE: i64 = 1_000_000;
    const PATIENCE: i64 = 5_000_000;
    let mut waited = 0;
    loop {
        let mut state = STATE.exclusive();
        let Some(slot) = state.slot(database) else { return };
        slot.paused_until = now() + PAUSE;
        let pid = slot.pid;
        if pid != 0 && waited == GENTLE {
            // SAFETY: the process is alive: it clears its slot, under the lock held here, before it ends.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        drop(state);
        if pid == 0 || waited >= PATIENCE {
            return;
        }
        wake(pid);
        pgrx::check_for_interrupts!();
        // SAFETY: sleeps.
        unsafe { pg_sys::pg_usleep(STEP) };
        waited += STEP;
    }
}

/// Lets workers into `database` again.
pub(super) fn release(database: pg_sys::Oid) {
    if let Some(slot) = STATE.exclusive().find(database) {
        slot.paused_until = 0;
    }
    poke(database);
}

/// Wakes the worker of `database`; whether there is one.
pub(super) fn wake_worker(database: pg_sys::Oid) -> bool {
    if !EXISTS.load(Ordering::Relaxed) {
        return false;
    }
    let state = STATE.share();
    let pid = state.slots.iter().find(|slot| slot.database == database.to_u32()).map_or(0, |slot| slot.pid);
    drop(state);
    wake(pid);
    pid != 0
}

/// Sets the latch of a process of ours.
fn wake(pid: i32) {
    if pid == 0 {
        return;
    }
    // SAFETY: looks the process up under the server's lock; a PGPROC stays mapped for ever, and a
    // latch that was set for the wrong process only wakes it once for nothing.
    unsafe {
        let proc = pg_sys::BackendPidGetProc(pid);
        if !proc.is_null() {
            pg_sys::SetLatch(&raw mut (*proc).procLatch);
        }
    }
}
