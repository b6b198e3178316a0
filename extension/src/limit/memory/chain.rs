//! Finding, adding and removing entries.

use std::sync::atomic::Ordering::Relaxed;

use canon_core::limit::{Shape, expires_at};

use super::Hash;
use super::layout::{Entry, NONE, Table, partition_of};
use crate::limit::clock::Times;

impl Table {
    /// The entry of a key.
    ///
    /// # Safety
    ///
    /// The lock of its partition must be held, shared at least.
    #[inline]
    pub(super) unsafe fn find(&self, key: Hash) -> Option<*mut Entry> {
        let partition = partition_of(key);
        // SAFETY: chains end, and change under the exclusive lock only.
        unsafe {
            let mut index = *self.head(key);
            while index != NONE {
                let entry = self.entry(partition, index);
                if (*entry).key == key {
                    return Some(entry);
                }
                index = *self.next(partition, index);
            }
        }
        None
    }

    /// A new entry for a key that has none, with an empty state. `None` where there is no room.
    ///
    /// # Safety
    ///
    /// The lock of its partition must be held exclusively.
    pub(super) unsafe fn add(&self, key: Hash, shape: Shape, now: Times) -> Option<*mut Entry> {
        let partition = partition_of(key);
        // SAFETY: by contract.
        unsafe {
            let index = self.take_free(partition, now)?;
            let entry = self.entry(partition, index);
            (*entry).state.store(0, Relaxed);
            (*entry).key = key;
            (*entry).shape = shape.to_words();
            let head = self.head(key);
            *self.next(partition, index) = *head;
            *head = index;
            (*self.partition(partition)).used += 1;
            Some(entry)
        }
    }

    /// Removes the entry of a key; whether there was one.
    ///
    /// # Safety
    ///
    /// The lock of its partition must be held exclusively.
    pub(super) unsafe fn remove(&self, key: Hash) -> bool {
        let number = partition_of(key);
        // SAFETY: by contract.
        unsafe {
            let mut link = self.head(key);
            while *link != NONE {
                let index = *link;
                let entry = self.entry(number, index);
                if (*entry).key == key {
                    let partition = self.partition(number);
                    *link = *self.next(number, index);
                    (*entry).key = [0, 0];
                    *self.next(number, index) = (*partition).free;
                    (*partition).free = index;
                    (*partition).used -= 1;
                    (*partition).barren_until = 0;
                    return true;
                }
                link = self.next(number, index);
            }
        }
        false
    }

    /// # Safety
    ///
    /// The lock of the partition must be held exclusively.
    unsafe fn take_free(&self, number: usize, now: Times) -> Option<u32> {
        // SAFETY: by contract.
        unsafe {
            let partition = self.partition(number);
            if (*partition).free == NONE && (*partition).fresh < self.sizes.entries {
                (*partition).fresh += 1;
                return Some((*partition).fresh - 1);
            }
            if (*partition).free == NONE && !self.reclaim_one(number, now) {
                (*partition).full.fetch_add(1, Relaxed);
                return None;
            }
            let index = (*partition).free;
            (*partition).free = *self.next(number, index);
            Some(index)
        }
    }

    /// Gives back one entry whose state says nothing any more. Live ones are never touched. The
    /// search goes on where the last one ended, and where all are live it is not repeated before
    /// the first of them expires.
    ///
    /// # Safety
    ///
    /// The lock of the partition must be held exclusively.
    unsafe fn reclaim_one(&self, number: usize, now: Times) -> bool {
        // SAFETY: by contract; every entry has been used.
        unsafe {
            let partition = self.partition(number);
            if now.rate < (*partition).barren_until {
                return false;
            }
            let mut soonest = u64::MAX;
            for _ in 0..self.sizes.entries {
                let index = (*partition).hand;
                (*partition).hand = (index + 1) % self.sizes.entries;
                let entry = self.entry(number, index);
                let left = time_left(&*entry, now);
                if left == 0 {
                    self.remove((*entry).key);
                    (*partition).reclaimed.fetch_add(1, Relaxed);
                    return true;
                }
                soonest = soonest.min(left);
            }
            (*partition).barren_until = now.rate.saturating_add(soonest);
            false
        }
    }
}

/// Microseconds until the state of an entry says nothing any more.
pub(super) fn time_left(entry: &Entry, now: Times) -> u64 {
    Shape::from_words(entry.shape)
        .map_or(0, |shape| expires_at(&shape, entry.state.load(Relaxed)).saturating_sub(now.of(shape.algorithm)))
}
