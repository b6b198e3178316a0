//! Refunds of prepared transactions, until COMMIT PREPARED or ROLLBACK PREPARED decides on them.
//!
//! Neither statement tells an extension, so they wait here and are looked at whenever a request is
//! denied, and by the worker: a transaction that has aborted gives its units back. They survive a
//! clean restart. A crash forgets them, and the units stay spent.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pgrx::pg_sys;

use super::Hash;
use super::layout::table;
use super::lock::Held;
use super::operate::refund;
use crate::limit::clock::Times;

/// Most refunds that can wait.
const CAPACITY: usize = 1_024;

/// One request of a prepared transaction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Waiting {
    pub(super) xid: u32,
    pub(super) key: Hash,
    pub(super) cost: u64,
    pub(super) spent_at: Times,
}

/// All of them, in shared memory behind a lock of their own.
#[repr(C)]
pub(super) struct Parked {
    /// Changed under the lock, read without it.
    count: AtomicU32,
    items: [Waiting; CAPACITY],
}

/// Parks refunds under the transaction that is about to be prepared; all or none.
pub(crate) fn park(xid: pg_sys::TransactionId, refunds: impl ExactSizeIterator<Item = (Hash, u64, Times)>) -> bool {
    resolve();
    let Some(table) = table() else { return false };
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::exclusive(table.parked_lock());
        let parked = &mut (*table.header()).parked;
        let count = parked.count.load(Relaxed) as usize;
        if count + refunds.len() > CAPACITY {
            return false;
        }
        for (place, (key, cost, spent_at)) in parked.items[count..].iter_mut().zip(refunds) {
            *place = Waiting { xid: xid.into_inner(), key, cost, spent_at };
            parked.count.fetch_add(1, Relaxed);
        }
    }
    true
}

/// Gives back what transactions spent that were rolled back since they were prepared. Reads the
/// commit log, so it must not be called at the end of a transaction. Returns whether anything was.
pub(crate) fn resolve() -> bool {
    let waiting = all();
    // SAFETY: flags and functions of the server, inside a transaction.
    if waiting.is_empty() || unsafe { pg_sys::RecoveryInProgress() } {
        return false;
    }
    let mut refunded = false;
    for waiting in waiting {
        let xid = pg_sys::TransactionId::from(waiting.xid);
        // SAFETY: an xid that was assigned; the log is kept back to what is in progress, and
        // whatever is older has ended.
        let (over, committed) = unsafe {
            let over = !pg_sys::TransactionIdIsInProgress(xid);
            (over, over && (is_ancient(xid) || pg_sys::TransactionIdDidCommit(xid)))
        };
        if over && take(&waiting) && !committed {
            refund(waiting.key, waiting.cost, waiting.spent_at, Times::now());
            refunded = true;
        }
    }
    refunded
}

/// Whether the commit log may have been cut off before this transaction.
fn is_ancient(xid: pg_sys::TransactionId) -> bool {
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    use pg_sys::ShmemVariableCache as variables;
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    use pg_sys::TransamVariables as variables;
    // SAFETY: reads one number of shared memory, which only grows.
    unsafe { pg_sys::TransactionIdPrecedes(xid, (*variables).oldestClogXid) }
}

/// A copy of them.
pub(super) fn all() -> Vec<Waiting> {
    let Some(table) = table() else { return Vec::new() };
    // SAFETY: an atomic in the header.
    if unsafe { (*table.header()).parked.count.load(Relaxed) } == 0 {
        return Vec::new();
    }
    let mut copy = Vec::with_capacity(CAPACITY);
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::shared(table.parked_lock());
        let parked = &(*table.header()).parked;
        copy.extend_from_slice(&parked.items[..parked.count.load(Relaxed) as usize]);
    }
    copy
}

/// Puts back what a restart has kept.
pub(super) fn restore(items: &[Waiting]) {
    let Some(table) = table() else { return };
    // SAFETY: in the postmaster, before any other process.
    unsafe {
        let parked = &mut (*table.header()).parked;
        let items = &items[..items.len().min(CAPACITY)];
        parked.items[..items.len()].copy_from_slice(items);
        parked.count.store(items.len() as u32, Relaxed);
    }
}

/// Removes one; whether it was still there, so that two sessions do not both refund it.
fn take(wanted: &Waiting) -> bool {
    let Some(table) = table() else { return false };
    // SAFETY: a lock of the table that this process does not hold; then it is held.
    unsafe {
        let _held = Held::exclusive(table.parked_lock());
        let parked = &mut (*table.header()).parked;
        let count = parked.count.load(Relaxed) as usize;
        let same = |item: &Waiting| {
            (item.xid, item.key, item.cost, item.spent_at.rate)
                == (wanted.xid, wanted.key, wanted.cost, wanted.spent_at.rate)
        };
        let Some(at) = parked.items[..count].iter().position(same) else { return false };
        parked.items[at] = parked.items[count - 1];
        parked.count.store(count as u32 - 1, Relaxed);
    }
    true
}
