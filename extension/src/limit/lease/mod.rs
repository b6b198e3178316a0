//! The leased tier: a durable row says how many units of a window were granted, memory how many of
//! them were spent.
//!
//! Requests spend from memory, as in the memory tier. The worker of the database grants: it adds a
//! lease to the row in a transaction of its own, and to memory when that has committed. So the row is
//! always ahead of what was spent, and a crash loses at most the lease that memory held. Where the
//! worker does not grant in time, or there is none, a request takes its units from the row itself, as
//! part of its own transaction.
//!
//! Whoever changes a row holds a lock on its key until the end of the transaction; see [`row`]. The
//! server releases locks after it has told us of the commit, so that nobody finds the row changed and
//! memory not.

mod grant;
mod queue;
mod row;

use std::time::{Duration, Instant};

use canon_core::limit::lease;
use pgrx::pg_sys;

pub(super) use grant::TASK;
pub(super) use row::{Row, clean_up, give_back, lock, look, reset, take};

use super::clock;
use super::error::LimitError;
use super::memory::{self, Level};
use super::settings::{LEASE_PERCENT, LEASE_TIMEOUT};
use crate::error::Result;

/// Called from `_PG_init`.
pub(super) fn init() {
    queue::init();
    grant::init();
}

/// Units of a lease of this limit.
pub(super) fn size(limit: u64) -> u64 {
    lease::size(limit, LEASE_PERCENT.get().unsigned_abs())
}

/// Asks for a lease, and does not wait for it.
#[cold]
pub(super) fn fetch(key: &str, level: &Level<'_>, end: u64) {
    // SAFETY: a flag of the server.
    if !unsafe { pg_sys::RecoveryInProgress() } {
        queue::ask(&[want(key, level, end)], crate::worker::wake);
    }
}

fn want<'a>(key: &'a str, level: &Level<'_>, end: u64) -> queue::Want<'a> {
    queue::Want { space: level.space, key, hash: level.key, end, limit: level.rule.limit(), cost: level.cost }
}

/// How long a request waits for leases.
pub(super) struct Patience(Option<Instant>);

impl Patience {
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Waits for units of these keys, each in the window that ends at its time. Whether it is worth
    /// looking again: otherwise they must come from the rows.
    ///
    /// # Errors
    ///
    /// On a standby, where nobody can be granted any.
    #[cold]
    pub(super) fn wait(&mut self, short: &[(&str, &Level<'_>, u64)]) -> Result<bool> {
        /// A worker that found a key locked does not come back to it unasked.
        const STEP: Duration = Duration::from_millis(100);
        // SAFETY: a flag of the server.
        if unsafe { pg_sys::RecoveryInProgress() } {
            return Err(LimitError::LeaseOnStandby.into());
        }
        let timeout = Duration::from_millis(LEASE_TIMEOUT.get().unsigned_abs().into());
        let deadline = *self.0.get_or_insert_with(|| Instant::now() + timeout);
        let left = deadline.saturating_duration_since(Instant::now());
        // The worker would wait for this transaction.
        if left.is_zero() || short.iter().any(|(key, level, _)| row::is_locked_by_me(level.space, key)) {
            return Ok(false);
        }
        let now = clock::Times::now();
        if !short.iter().all(|(_, level, end)| memory::open(level, now, *end)) {
            return Ok(false);
        }
        let wants: Vec<_> = short.iter().map(|(key, level, end)| want(key, level, *end)).collect();
        Ok(queue::wait_for(&wants, left.min(STEP), crate::worker::wake))
    }
}

/// What is counted for a key: in memory, where it knows the window, otherwise in its row.
pub(super) fn state_of(row: &Row<'_>, level: Option<&Level<'_>>) -> Result<u128> {
    let now = clock::Times::now();
    if let Some(state) = level.and_then(|level| memory::look(level, now))
        && lease::knows(state, now.wall)
    {
        return Ok(state);
    }
    let (end, granted) = look(row.space, row.key)?.unwrap_or_default();
    Ok(lease::of_row(row.rule, row.zone, now.wall, end, granted))
}
