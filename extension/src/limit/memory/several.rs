//! Operations on several keys at once, all or none.

use std::sync::atomic::Ordering::Relaxed;

use super::layout::{Entry, PARTITIONS, Table, partition_of, table};
use super::lock::Held;
use super::operate::{Found, Level, Verdict};
use crate::limit::clock::Times;
use crate::limit::error::MAX_LEVELS;

/// The verdict on several levels, with the state of each. Where all were admitted the units of all
/// are spent, otherwise those of none.
pub(crate) struct Together {
    /// Whether all were admitted.
    pub(crate) admitted: bool,
    /// Each level's own verdict.
    pub(crate) levels: [Found; MAX_LEVELS],
}

/// Decides up to [`MAX_LEVELS`] levels with different keys in one step: the partitions are locked
/// in order, so that two such steps cannot wait for each other.
pub(crate) fn decide_all(levels: &[Level<'_>], now: Times, may_be_new: bool) -> Together {
    let unknown = Found { verdict: Verdict::Full, state: 0, time: 0 };
    let mut result = Together { admitted: false, levels: [unknown; MAX_LEVELS] };
    let Some(table) = table() else { return result };
    let mut entries: [Option<*mut Entry>; MAX_LEVELS] = [None; MAX_LEVELS];
    let held = lock_all(&table, levels);
    // SAFETY: the locks of all partitions concerned are held exclusively.
    unsafe {
        let mut before = [0_u128; MAX_LEVELS];
        let mut admitted = true;
        for (k, level) in levels.iter().enumerate() {
            entries[k] = table.find(level.key);
            before[k] = entries[k].map_or(0, |entry| level.state_of(entry, now));
            let time = now.of(level.rule.algorithm());
            result.levels[k] = match level.attempt(time, before[k]) {
                Ok(_) if entries[k].is_none() && !may_be_new => {
                    Found { verdict: Verdict::MaybeSpilled, state: 0, time }
                }
                Ok(next) => Found { verdict: Verdict::Admitted, state: next, time },
                Err(verdict) => Found { verdict, state: before[k], time },
            };
            admitted &= result.levels[k].verdict == Verdict::Admitted;
        }
        if admitted {
            // First the keys that are here: a state that has expired and is spent from now must not
            // be taken for an expired one by the search for room.
            for (k, level) in levels.iter().enumerate() {
                store(entries[k], level, result.levels[k].state);
            }
            admitted = add_missing(&table, levels, now, &entries, &mut result);
        }
        if !admitted {
            // As they were, in the shape of the rule.
            for (k, level) in levels.iter().enumerate() {
                store(entries[k], level, before[k]);
            }
        }
        result.admitted = admitted;
        count(&table, levels, &result);
    }
    drop(held);
    result
}

/// # Safety
///
/// The lock of the entry's partition must be held exclusively.
unsafe fn store(entry: Option<*mut Entry>, level: &Level<'_>, state: u128) {
    if let Some(entry) = entry {
        // SAFETY: by contract.
        unsafe {
            (*entry).shape = level.rule.shape().to_words();
            (*entry).state.store(state, Relaxed);
        }
    }
}

/// Adds the keys that are new with their states; where one finds no room, none of them.
///
/// # Safety
///
/// The locks of all partitions concerned must be held exclusively.
unsafe fn add_missing(
    table: &Table,
    levels: &[Level<'_>],
    now: Times,
    entries: &[Option<*mut Entry>; MAX_LEVELS],
    result: &mut Together,
) -> bool {
    for (k, level) in levels.iter().enumerate().filter(|(k, _)| entries[*k].is_none()) {
        // SAFETY: by contract.
        let added = unsafe { table.add(level.key, level.rule.shape(), now) };
        if added.is_none() {
            result.levels[k] = Found { verdict: Verdict::Full, state: 0, ..result.levels[k] };
            for earlier in levels.iter().take(k).zip(entries).filter(|(_, entry)| entry.is_none()) {
                // SAFETY: by contract.
                unsafe { table.remove(earlier.0.key) };
            }
            return false;
        }
        // SAFETY: by contract.
        unsafe { store(added, level, result.levels[k].state) };
    }
    true
}

/// # Safety
///
/// The locks of all partitions concerned must be held.
unsafe fn count(table: &Table, levels: &[Level<'_>], result: &Together) {
    for (level, found) in levels.iter().zip(&result.levels) {
        // SAFETY: by contract.
        let partition = unsafe { &*table.partition(partition_of(level.key)) };
        partition.checks.fetch_add(1, Relaxed);
        if found.verdict == Verdict::Denied {
            partition.denied.fetch_add(1, Relaxed);
        }
    }
}

fn lock_all(table: &Table, levels: &[Level<'_>]) -> [Option<Held>; MAX_LEVELS] {
    const { assert!(PARTITIONS <= u128::BITS as usize) };
    let mut wanted = levels.iter().fold(0_u128, |set, level| set | 1 << partition_of(level.key));
    std::array::from_fn(|_| {
        if wanted == 0 {
            return None;
        }
        let number = wanted.trailing_zeros() as usize;
        wanted &= wanted - 1;
        // SAFETY: a lock of the table that this process does not hold: each is taken once.
        Some(unsafe { Held::exclusive(table.lock(number)) })
    })
}
