//! Granting, in the worker.

use std::cell::RefCell;
use std::ffi::c_void;
use std::time::Duration;

use canon_core::limit::lease;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::queue::{self, Asked};
use super::{row, size};
use crate::error::Result;
use crate::limit::clock;
use crate::limit::memory::{self, Hash, Space};
use crate::worker::{Progress, Task};

/// Grants what sessions have asked for.
pub(in crate::limit) const TASK: Task =
    Task { name: "leases", period: || Duration::from_secs(5), is_urgent: queue::is_wanted, run };

/// A grant that becomes spendable when the transaction commits.
struct Grant {
    hash: Hash,
    end: u64,
    before: u64,
    units: u64,
}

thread_local! {
    static GRANTS: RefCell<Vec<Grant>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn init() {
    // SAFETY: the function stays where it is.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) };
}

fn run() -> Result<Progress> {
    let asked = queue::take(clock::wall());
    if asked.is_empty() {
        return Ok(Progress::Idle);
    }
    settle_transaction();
    for space in [Space::Leased, Space::LeasedPolicy] {
        grant(space, asked.iter().filter(|asked| asked.space == space))?;
    }
    Ok(Progress::Idle)
}

/// Grants to the keys of a space that nobody else changes now: whoever does is not waited for.
fn grant<'a>(space: Space, asked: impl Iterator<Item = &'a Asked>) -> Result<()> {
    let now = clock::wall();
    let asked: Vec<&Asked> = asked.filter(|asked| asked.end > now && row::try_lock(space, asked.key())).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = asked.iter().map(|asked| asked.key()).collect();
    let mut rows: Vec<(&str, row::Granted)> = Vec::with_capacity(asked.len());
    for (asked, known) in asked.iter().zip(row::read(space, &keys)?) {
        // One key twice: for two windows, while a clock is put back. The next request asks again.
        if rows.iter().any(|(key, _)| *key == asked.key()) {
            continue;
        }
        let before = known.filter(|(end, _)| *end > now).map_or(0, |(_, granted)| granted);
        let state = memory::raw(asked.hash).map_or(0, |(_, state)| state);
        let units = lease::units(asked.limit, before, state, asked.end, size(asked.limit), asked.cost);
        rows.push((asked.key(), (asked.end, before + units)));
        let grant = Grant { hash: asked.hash, end: asked.end, before, units };
        GRANTS.with_borrow_mut(|grants| grants.push(grant));
    }
    row::write(space, &rows)
}

/// What is spent must have been on disk before, whatever the database is set to; and somebody who
/// changes the table by hand must not hold up the worker for long.
fn settle_transaction() {
    let set = |name: &std::ffi::CStr, value: &std::ffi::CStr| {
        // SAFETY: strings that outlive the call; the setting ends with the transaction.
        unsafe {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_LOCAL,
                true,
                0,
                false,
            );
        }
    };
    set(c"lock_timeout", c"1s");
    // SAFETY: a setting of this process.
    if unsafe { pg_sys::synchronous_commit } == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as i32 {
        set(c"synchronous_commit", c"local");
    }
}

/// Called at the end of every transaction, before the server releases its locks.
#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        return;
    }
    let grants = GRANTS.take();
    if grants.is_empty() {
        return;
    }
    if event == XACT_EVENT_COMMIT {
        for Grant { hash, end, before, units } in grants {
            // The window may be over, or the rule may have changed, in between.
            let same = |state| lease::window_end(state) == end;
            memory::change(hash, |state| if same(state) { lease::grant(state, end, before, units) } else { state });
        }
    }
    queue::announce();
}
