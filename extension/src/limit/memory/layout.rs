//! What lies where in the shared memory.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pgrx::pg_sys;
use portable_atomic::AtomicU128;

use super::prepared::Parked;
use super::{Hash, save};
use crate::limit::clock;
use crate::limit::settings::MAX_KEYS;
use crate::shmem::Area;

/// Partitions, each with a lock.
pub(super) const PARTITIONS: usize = 128;
/// The lock of [`Parked`], after those of the partitions.
const PARKED_LOCK: usize = PARTITIONS;
/// No entry.
pub(super) const NONE: u32 = u32::MAX;

pub(super) static AREA: Area =
    Area { name: c"pg_canon limits", size: || Sizes::from_settings().bytes(), locks: PARTITIONS as i32 + 1, start };

/// One key.
#[repr(C, align(16))]
pub(super) struct Entry {
    pub(super) state: AtomicU128,
    /// All zeros: free.
    pub(super) key: Hash,
    /// `canon_core::limit::Shape` of the state.
    pub(super) shape: [u64; 2],
}

/// The head of a partition. Counters are changed under its shared lock, the rest under the exclusive.
#[repr(C, align(128))]
pub(super) struct Partition {
    /// First of the entries never used.
    pub(super) fresh: u32,
    /// First of the entries given back.
    pub(super) free: u32,
    /// Where the search for expired entries goes on.
    pub(super) hand: u32,
    /// Entries in use.
    pub(super) used: u32,
    /// No entry expires before this time of the rate clock.
    pub(super) barren_until: u64,
    pub(super) checks: AtomicU64,
    pub(super) denied: AtomicU64,
    pub(super) reclaimed: AtomicU64,
    pub(super) full: AtomicU64,
}

/// What is there once.
#[repr(C, align(128))]
pub(super) struct Header {
    /// Key of the hash function.
    pub(super) secret: [u64; 2],
    /// Rate clock minus monotonic clock.
    pub(super) rate_offset: u64,
    /// Unix time at which the last state in the table expires that had no room here.
    spilled_until: AtomicU64,
    pub(super) spilled: AtomicU64,
    /// Monotonic time of the last snapshot, and the number of checks it saw.
    pub(super) snapshot_at: AtomicU64,
    pub(super) snapshot_checks: AtomicU64,
    /// Unix time of the last snapshot, for people.
    pub(super) snapshot_wall: AtomicU64,
    pub(super) parked: Parked,
}

/// Numbers of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Entries of a partition, and heads of its chains.
    pub(super) entries: u32,
}

impl Sizes {
    fn from_settings() -> Self {
        Self::for_keys(MAX_KEYS.get().unsigned_abs())
    }

    /// Keys spread over the partitions by chance. Five standard deviations of room make it unlikely
    /// (1 in 27,000 for all partitions) that one is full before all keys are there.
    fn for_keys(keys: u32) -> Self {
        let mean = f64::from(keys) / PARTITIONS as f64;
        Self { entries: (mean + 5.0 * mean.sqrt()).ceil() as u32 + 1 }
    }

    fn of_all(self) -> usize {
        self.entries as usize * PARTITIONS
    }

    fn heads_at() -> usize {
        size_of::<Header>() + PARTITIONS * size_of::<Partition>()
    }

    fn nexts_at(self) -> usize {
        Self::heads_at() + self.of_all() * size_of::<u32>()
    }

    fn entries_at(self) -> usize {
        (self.nexts_at() + self.of_all() * size_of::<u32>()).next_multiple_of(128)
    }

    pub(super) fn bytes(self) -> usize {
        self.entries_at() + self.of_all() * size_of::<Entry>()
    }
}

/// Where everything is, for this process.
#[derive(Clone, Copy)]
pub(super) struct Table {
    memory: NonNull<u8>,
    locks: *mut pg_sys::LWLockPadded,
    pub(super) sizes: Sizes,
}

/// Set in the postmaster and inherited by every process.
static mut TABLE: Option<Table> = None;

/// The table, where the library was preloaded.
#[inline]
pub(super) fn table() -> Option<Table> {
    // SAFETY: written in the postmaster only.
    unsafe { TABLE }
}

impl Table {
    #[inline]
    pub(super) fn header(&self) -> *mut Header {
        self.memory.as_ptr().cast()
    }

    #[inline]
    pub(super) fn secret(&self) -> [u64; 2] {
        // SAFETY: written once, at the start.
        unsafe { (*self.header()).secret }
    }

    #[inline]
    pub(super) fn partition(&self, number: usize) -> *mut Partition {
        debug_assert!(number < PARTITIONS);
        // SAFETY: within the area.
        unsafe { self.memory.as_ptr().add(size_of::<Header>()).cast::<Partition>().add(number) }
    }

    #[inline]
    pub(super) fn lock(&self, partition: usize) -> *mut pg_sys::LWLock {
        // SAFETY: as many locks were requested.
        unsafe { &raw mut (*self.locks.add(partition)).lock }
    }

    pub(super) fn parked_lock(&self) -> *mut pg_sys::LWLock {
        self.lock(PARKED_LOCK)
    }

    /// First entry of the chain that `key` belongs to.
    #[inline]
    pub(super) fn head(&self, key: Hash) -> *mut u32 {
        let chain = (u128::from(key[1]) * u128::from(self.sizes.entries)) >> 64;
        let at = partition_of(key) * self.sizes.entries as usize + chain as usize;
        // SAFETY: within the area.
        unsafe { self.memory.as_ptr().add(Sizes::heads_at()).cast::<u32>().add(at) }
    }

    /// The entry after `index` in its chain.
    #[inline]
    pub(super) fn next(&self, partition: usize, index: u32) -> *mut u32 {
        let at = partition * self.sizes.entries as usize + index as usize;
        // SAFETY: within the area.
        unsafe { self.memory.as_ptr().add(self.sizes.nexts_at()).cast::<u32>().add(at) }
    }

    #[inline]
    pub(super) fn entry(&self, partition: usize, index: u32) -> *mut Entry {
        let at = partition * self.sizes.entries as usize + index as usize;
        // SAFETY: within the area.
        unsafe { self.memory.as_ptr().add(self.sizes.entries_at()).cast::<Entry>().add(at) }
    }
}

/// The partition that `key` belongs to.
#[inline]
pub(super) fn partition_of(key: Hash) -> usize {
    key[0] as usize % PARTITIONS
}

/// # Safety
///
/// As for [`Area::start`].
unsafe fn start(memory: NonNull<u8>, locks: *mut pg_sys::LWLockPadded) {
    let sizes = Sizes::from_settings();
    let table = Table { memory, locks, sizes };
    // SAFETY: the area is as large as was asked for, and nobody else uses it yet. All zeros are
    // valid values of everything in it.
    unsafe {
        std::ptr::write_bytes(memory.as_ptr(), 0, sizes.entries_at());
        let heads = memory.as_ptr().add(Sizes::heads_at()).cast::<u32>();
        for at in 0..sizes.of_all() {
            heads.add(at).write(NONE);
        }
        for number in 0..PARTITIONS {
            (*table.partition(number)).free = NONE;
        }
        let header = table.header();
        (*header).rate_offset = clock::wall().wrapping_sub(clock::monotonic());
        if !pg_sys::pg_strong_random((&raw mut (*header).secret).cast(), size_of::<Hash>()) {
            // Keys could then be made to collide; the server cannot do TLS either.
            (*header).secret = [clock::wall(), clock::monotonic()];
        }
        TABLE = Some(table);
    }
    save::restore(&table);
    save::save_at_shutdown();
}

/// Rate clock minus monotonic clock.
#[inline]
pub(crate) fn rate_offset() -> Option<u64> {
    // SAFETY: written once, at the start.
    table().map(|table| unsafe { (*table.header()).rate_offset })
}

/// Unix time until which keys may have a state in the table instead of here.
#[inline]
pub(crate) fn spilled_until() -> u64 {
    // SAFETY: an atomic in the header.
    table().map_or(0, |table| unsafe { (*table.header()).spilled_until.load(Relaxed) })
}

/// Notes that a key without room here has a state in the table until then.
pub(crate) fn note_spilled(until: u64) {
    if let Some(table) = table() {
        // SAFETY: atomics in the header.
        unsafe {
            (*table.header()).spilled_until.fetch_max(until, Relaxed);
            (*table.header()).spilled.fetch_add(1, Relaxed);
        }
    }
}

/// What operators want to know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) keys: u64,
    pub(crate) capacity: u64,
    pub(crate) fullest_partition: u64,
    pub(crate) checks: u64,
    pub(crate) denied: u64,
    pub(crate) reclaimed: u64,
    pub(crate) full: u64,
    pub(crate) spilled: u64,
    pub(crate) partitions: u64,
    pub(crate) bytes: u64,
    /// Microseconds since the Unix epoch; 0 for never.
    pub(crate) snapshot_at: u64,
}

pub(crate) fn statistics() -> Option<Statistics> {
    let table = table()?;
    let mut all = Statistics {
        capacity: table.sizes.of_all() as u64,
        partitions: PARTITIONS as u64,
        bytes: table.sizes.bytes() as u64,
        ..Statistics::default()
    };
    for number in 0..PARTITIONS {
        let partition = table.partition(number);
        // SAFETY: `used` is read without the lock, so it may be a moment old; the rest is atomic.
        unsafe {
            let used = u64::from((&raw const (*partition).used).read_volatile());
            all.keys += used;
            all.fullest_partition = all.fullest_partition.max(used);
            all.checks += (*partition).checks.load(Relaxed);
            all.denied += (*partition).denied.load(Relaxed);
            all.reclaimed += (*partition).reclaimed.load(Relaxed);
            all.full += (*partition).full.load(Relaxed);
        }
    }
    // SAFETY: atomics in the header.
    unsafe {
        all.spilled = (*table.header()).spilled.load(Relaxed);
        all.snapshot_at = (*table.header()).snapshot_wall.load(Relaxed);
    }
    Some(all)
}

#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use super::*;

    #[pg_test]
    fn a_million_keys_fit_into_64_megabytes() {
        let sizes = Sizes::for_keys(1_000_000);
        assert!(sizes.of_all() >= 1_000_000);
        assert!(sizes.bytes() <= 64 << 20, "{}", sizes.bytes());
        assert_eq!(size_of::<Entry>(), 48);
    }
}
