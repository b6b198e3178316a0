//! Requests for leases, on their way from sessions to the workers of their databases.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use pgrx::pg_sys;
use pgrx::pg_sys::LWLockMode::{LW_EXCLUSIVE, LW_SHARED};

use crate::limit::error::MAX_KEY;
use crate::limit::memory::{Hash, Space};
use crate::shmem::{self, Area};

/// Keys that can wait for a lease at one time.
const CAPACITY: usize = 512;

static AREA: Area = Area { name: c"pg_canon leases", size: || size_of::<Queue>(), locks: 1, start };

/// What is wanted for one key.
#[derive(Clone, Copy)]
pub(super) struct Want<'a> {
    pub(super) space: Space,
    pub(super) key: &'a str,
    pub(super) hash: Hash,
    /// End of the window.
    pub(super) end: u64,
    pub(super) limit: u64,
    /// Units of the dearest request.
    pub(super) cost: u64,
}

/// A [`Want`] at rest.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Asked {
    /// 0: a free slot.
    database: u32,
    pub(super) space: Space,
    length: u16,
    key: [u8; MAX_KEY],
    pub(super) hash: Hash,
    pub(super) end: u64,
    pub(super) limit: u64,
    pub(super) cost: u64,
}

impl Asked {
    pub(super) fn key(&self) -> &str {
        // SAFETY: copied from a text; keys are never looked into.
        unsafe { std::str::from_utf8_unchecked(&self.key[..usize::from(self.length).min(MAX_KEY)]) }
    }
}

#[repr(C)]
struct Queue {
    granted: pg_sys::ConditionVariable,
    /// Slots in use, changed under the lock and read without it.
    count: AtomicU32,
    slots: [Asked; CAPACITY],
}

#[derive(Clone, Copy)]
struct Place {
    queue: *mut Queue,
    lock: *mut pg_sys::LWLock,
}

/// Set in the postmaster and inherited by every process.
static mut PLACE: Option<Place> = None;

pub(super) fn init() {
    if shmem::is_preloading() {
        shmem::reserve(&AREA);
    }
}

/// # Safety
///
/// As for [`Area::start`].
unsafe fn start(memory: NonNull<u8>, locks: *mut pg_sys::LWLockPadded) {
    // SAFETY: the area is as large as a queue, and zeros are one that is empty: 0 is no space, but
    // free slots are not read.
    unsafe {
        std::ptr::write_bytes(memory.as_ptr(), 0, size_of::<Queue>());
        let queue = memory.as_ptr().cast::<Queue>();
        pg_sys::ConditionVariableInit(&raw mut (*queue).granted);
        PLACE = Some(Place { queue, lock: &raw mut (*locks).lock });
    }
}

fn place() -> Option<Place> {
    // SAFETY: written in the postmaster only.
    unsafe { PLACE }
}

fn my_database() -> u32 {
    // SAFETY: a constant of the session.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Asks for leases; whether there was somebody to wake, and room for all that are wanted.
pub(super) fn ask(wants: &[Want<'_>], wake: impl Fn() -> bool) -> bool {
    let Some(place) = place() else { return false };
    let database = my_database();
    if !wake() {
        return false;
    }
    // SAFETY: a lock that this process does not hold; nothing in between can fail.
    unsafe {
        pg_sys::LWLockAcquire(place.lock, LW_EXCLUSIVE);
        let all = wants.iter().all(|want| put(place.queue, database, want));
        pg_sys::LWLockRelease(place.lock);
        wake() && all
    }
}

/// # Safety
///
/// The lock must be held.
unsafe fn put(queue: *mut Queue, database: u32, want: &Want<'_>) -> bool {
    // SAFETY: by contract. Only the head of a slot that is free is looked at.
    unsafe {
        let slots = (&raw mut (*queue).slots).cast::<Asked>();
        let used = (*queue).count.load(Relaxed);
        let (mut free, mut seen) = (None, 0);
        for at in 0..CAPACITY {
            let slot = slots.add(at);
            if (*slot).database == 0 {
                free = free.or(Some(slot));
                if seen == used {
                    break;
                }
                continue;
            }
            seen += 1;
            if (*slot).database == database && (*slot).hash == want.hash && (*slot).end == want.end {
                (*slot).limit = (*slot).limit.max(want.limit);
                (*slot).cost = (*slot).cost.max(want.cost);
                return true;
            }
        }
        let Some(slot) = free else { return false };
        let bytes = want.key.as_bytes();
        let length = bytes.len().min(MAX_KEY);
        (&raw mut (*slot).key).cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), length);
        (*slot).length = length as u16;
        (*slot).space = want.space;
        ((*slot).hash, (*slot).end, (*slot).limit, (*slot).cost) = (want.hash, want.end, want.limit, want.cost);
        (*slot).database = database;
        (*queue).count.store(used + 1, Relaxed);
        true
    }
}

/// Asks for leases and sleeps until some have been granted, to anybody, or the time is over. Whether
/// there was room for all that are wanted, and somebody to wake.
pub(super) fn wait_for(wants: &[Want<'_>], time: Duration, wake: impl Fn() -> bool) -> bool {
    let Some(place) = place() else { return false };
    // SAFETY: a condition variable in shared memory; the abort of a transaction cancels the sleep.
    unsafe {
        let granted = &raw mut (*place.queue).granted;
        // Before asking, so that an answer is not missed.
        pg_sys::ConditionVariablePrepareToSleep(granted);
        let asked = ask(wants, &wake);
        if asked {
            let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1);
            pg_sys::ConditionVariableTimedSleep(granted, time, pg_sys::PG_WAIT_EXTENSION);
        }
        pg_sys::ConditionVariableCancelSleep();
        asked
    }
}

/// Wakes those who wait. Called at the end of a transaction, so it cannot fail.
pub(super) fn announce() {
    if let Some(place) = place() {
        // SAFETY: a condition variable in shared memory.
        unsafe { pg_sys::ConditionVariableBroadcast(&raw mut (*place.queue).granted) };
    }
}

/// Whether anything is wanted in this database.
pub(super) fn is_wanted() -> bool {
    let Some(place) = place() else { return false };
    let database = my_database();
    // SAFETY: an atomic; a lock that this process does not hold; nothing in between can fail.
    unsafe {
        if (*place.queue).count.load(Relaxed) == 0 {
            return false;
        }
        pg_sys::LWLockAcquire(place.lock, LW_SHARED);
        let slots = (&raw const (*place.queue).slots).cast::<Asked>();
        let wanted = (0..CAPACITY).any(|at| (*slots.add(at)).database == database);
        pg_sys::LWLockRelease(place.lock);
        wanted
    }
}

/// Takes what is wanted in this database out of the queue, and throws away what nobody can grant any
/// more, in a database that has gone for example.
pub(super) fn take(now: u64) -> Vec<Asked> {
    let Some(place) = place() else { return Vec::new() };
    let database = my_database();
    let mut mine = Vec::with_capacity(CAPACITY);
    // SAFETY: a lock that this process does not hold; nothing in between can fail.
    unsafe {
        pg_sys::LWLockAcquire(place.lock, LW_EXCLUSIVE);
        for at in 0..CAPACITY {
            let slot = (&raw mut (*place.queue).slots).cast::<Asked>().add(at);
            if (*slot).database == database {
                mine.push(*slot);
            }
            if (*slot).database == database || ((*slot).database != 0 && (*slot).end <= now) {
                (*slot).database = 0;
                (*place.queue).count.fetch_sub(1, Relaxed);
            }
        }
        pg_sys::LWLockRelease(place.lock);
    }
    mine
}
