//! Operations on one key.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use canon_core::limit::lease::{self, Lease};
use canon_core::limit::{self, Rule, Shape, Zone};

use super::layout::{Entry, Table, partition_of, table};
use super::lock::Held;
use super::{Hash, Space};
use crate::limit::clock::{self, Times};

/// One key with its rule and a request.
#[derive(Clone, Copy)]
pub(crate) struct Level<'a> {
    pub(crate) space: Space,
    pub(crate) key: Hash,
    pub(crate) rule: &'a Rule,
    pub(crate) zone: &'a dyn Zone,
    pub(crate) cost: u64,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    Denied,
    /// There is no room for the key.
    Full,
    /// The key is new here, and may have a state in the table.
    MaybeSpilled,
    /// The units leased so far do not suffice; more may be had for the window that ends then.
    Short(u64),
}

/// A verdict with the state it left, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) verdict: Verdict,
    pub(crate) state: u128,
    /// On the clock of the rule's algorithm.
    pub(crate) time: u64,
}

impl Level<'_> {
    /// What becomes of `state`: the next one, or a verdict other than [`Verdict::Admitted`].
    #[inline]
    pub(super) fn attempt(&self, now: u64, state: u128) -> Result<u128, Verdict> {
        if !self.space.is_leased() {
            return limit::admit(self.rule, self.zone, now, state, self.cost).ok_or(Verdict::Denied);
        }
        match lease::spend(self.rule, self.zone, now, state, self.cost) {
            Lease::Spent(state) => Ok(state),
            Lease::Short(end) => Err(Verdict::Short(end)),
            Lease::Denied => Err(Verdict::Denied),
        }
    }

    /// Whether `state` would admit the request.
    pub(crate) fn would_admit(&self, now: u64, state: u128) -> bool {
        self.attempt(now, state).is_ok()
    }

    /// The state of an entry in the shape of the rule.
    ///
    /// # Safety
    ///
    /// The lock of the partition must be held, shared at least.
    pub(super) unsafe fn state_of(&self, entry: *const Entry, now: Times) -> u128 {
        // SAFETY: by contract.
        let (words, state) = unsafe { ((*entry).shape, (*entry).state.load(Acquire)) };
        match Shape::from_words(words) {
            Some(old) if self.space.is_leased() => lease::carried(&old, self.rule, state),
            Some(old) => {
                let (then, now) = (now.of(old.algorithm), now.of(self.rule.algorithm()));
                limit::convert(&old, then, self.rule, self.zone, now, state)
            }
            None => 0,
        }
    }
}

/// Decides a request and spends its units, if there is a memory tier. Unless `may_be_new`, a key
/// that is not here is left to the caller.
#[inline]
pub(crate) fn decide(level: &Level<'_>, may_be_new: bool) -> Found {
    let time = clock::of(level.rule.algorithm());
    let Some(table) = table() else { return Found { verdict: Verdict::Full, state: 0, time } };
    let number = partition_of(level.key);
    let partition = table.partition(number);
    {
        // SAFETY: a lock of the table that this process does not hold.
        let _held = unsafe { Held::shared(table.lock(number)) };
        // SAFETY: counters are atomic; the lock is held.
        unsafe {
            (*partition).checks.fetch_add(1, Relaxed);
            if let Some(entry) = table.find(level.key)
                && (*entry).shape == level.rule.shape().to_words()
            {
                let found = compare_and_swap(&*entry, level, time);
                if found.verdict == Verdict::Denied {
                    (*partition).denied.fetch_add(1, Relaxed);
                }
                return found;
            }
        }
    }
    decide_alone(&table, level, may_be_new)
}

#[inline]
fn compare_and_swap(entry: &Entry, level: &Level<'_>, time: u64) -> Found {
    let mut state = entry.state.load(Acquire);
    loop {
        match level.attempt(time, state) {
            Err(verdict) => return Found { verdict, state, time },
            Ok(next) => match entry.state.compare_exchange_weak(state, next, AcqRel, Acquire) {
                Ok(_) => return Found { verdict: Verdict::Admitted, state: next, time },
                Err(other) => state = other,
            },
        }
    }
}

/// A new key, or one whose rule has changed.
#[cold]
fn decide_alone(table: &Table, level: &Level<'_>, may_be_new: bool) -> Found {
    let number = partition_of(level.key);
    let now = Times::now();
    let time = now.of(level.rule.algorithm());
    // SAFETY: a lock of the table that this process does not hold.
    let _held = unsafe { Held::exclusive(table.lock(number)) };
    // SAFETY: the lock is held exclusively.
    unsafe {
        let known = table.find(level.key);
        if known.is_none() && !may_be_new {
            return Found { verdict: Verdict::MaybeSpilled, state: 0, time };
        }
        let state = known.map_or(0, |entry| level.state_of(entry, now));
        let attempt = level.attempt(time, state);
        let Some(entry) = known.or_else(|| match attempt {
            Ok(_) => table.add(level.key, level.rule.shape(), now),
            Err(_) => None,
        }) else {
            let verdict = attempt.err().unwrap_or(Verdict::Full);
            return Found { verdict, state: 0, time };
        };
        (*entry).shape = level.rule.shape().to_words();
        (*entry).state.store(attempt.unwrap_or(state), Relaxed);
        match attempt {
            Ok(state) => Found { verdict: Verdict::Admitted, state, time },
            Err(verdict) => {
                if verdict == Verdict::Denied {
                    (*table.partition(number)).denied.fetch_add(1, Relaxed);
                }
                Found { verdict, state, time }
            }
        }
    }
}

/// Makes a leased key ready for a grant of the window that ends at `end`; whether there is room for it.
pub(crate) fn open(level: &Level<'_>, now: Times, end: u64) -> bool {
    let Some(table) = table() else { return false };
    // SAFETY: a lock of the table that this process does not hold; then it is held exclusively.
    unsafe {
        let _held = Held::exclusive(table.lock(partition_of(level.key)));
        let known = table.find(level.key);
        let state = known.map_or(0, |entry| level.state_of(entry, now));
        let Some(entry) = known.or_else(|| table.add(level.key, level.rule.shape(), now)) else { return false };
        (*entry).shape = level.rule.shape().to_words();
        (*entry).state.store(lease::opened(state, end), Relaxed);
        true
    }
}

/// Changes the state of a key, if it is there. Called at the end of transactions too, so it cannot fail.
pub(crate) fn change(key: Hash, change: impl Fn(u128) -> u128) {
    let Some(table) = table() else { return };
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::shared(table.lock(partition_of(key)));
        if let Some(entry) = table.find(key) {
            let _ = (*entry).state.fetch_update(AcqRel, Acquire, |state| Some(change(state)));
        }
    }
}

/// The state of a key in the shape of the rule, without changing it; `None` where it has none.
pub(crate) fn look(level: &Level<'_>, now: Times) -> Option<u128> {
    let table = table()?;
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::shared(table.lock(partition_of(level.key)));
        table.find(level.key).map(|entry| level.state_of(entry, now))
    }
}

/// The state of a key as it is.
pub(crate) fn raw(key: Hash) -> Option<(Shape, u128)> {
    let table = table()?;
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::shared(table.lock(partition_of(key)));
        let entry = table.find(key)?;
        Some((Shape::from_words((*entry).shape)?, (*entry).state.load(Acquire)))
    }
}

/// Gives back units that were spent then; whether the key has a state. Called at the end of
/// transactions too, so it cannot fail.
pub(crate) fn refund(key: Hash, cost: u64, spent_at: Times, now: Times) -> bool {
    let Some(table) = table() else { return false };
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::shared(table.lock(partition_of(key)));
        let Some(entry) = table.find(key) else { return false };
        let Some(shape) = Shape::from_words((*entry).shape) else { return false };
        let clock = |times: Times| times.of(shape.algorithm);
        let back = |state| Some(limit::refund(&shape, clock(now), clock(spent_at), state, cost));
        (*entry).state.fetch_update(AcqRel, Acquire, back).is_ok()
    }
}

/// Forgets a key; whether there was one.
pub(crate) fn reset(key: Hash) -> bool {
    let Some(table) = table() else { return false };
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::exclusive(table.lock(partition_of(key)));
        table.remove(key)
    }
}
