//! Requests whose units are given back when the transaction, or the savepoint, that made them is
//! rolled back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::c_void;

use canon_core::limit::Algorithm;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::clock::Times;
use super::error::LimitError;
use super::memory::{self, Hash};
use crate::error::Error;

#[derive(Clone, Copy)]
struct Pending {
    key: Hash,
    cost: u64,
    spent_at: Times,
    algorithm: Algorithm,
    /// The innermost savepoint that has to be kept for the units to stay spent.
    within: pg_sys::SubTransactionId,
}

thread_local! {
    static PENDING: RefCell<Vec<Pending>> = const { RefCell::new(Vec::new()) };
}

/// Called once, from `_PG_init`.
pub(super) fn init() {
    // SAFETY: both functions stay where they are.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(savepoint_ends), std::ptr::null_mut());
    }
}

/// Has the units given back unless what is being done now is committed.
pub(super) fn refund_on_abort(key: Hash, cost: u64, spent_at: Times, algorithm: Algorithm) {
    // SAFETY: inside a transaction.
    let within = unsafe { pg_sys::GetCurrentSubTransactionId() };
    PENDING.with_borrow_mut(|pending| pending.push(Pending { key, cost, spent_at, algorithm, within }));
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_PREPARE, XACT_EVENT_PREPARE};
    match event {
        XACT_EVENT_ABORT => refund_where(|_| true),
        XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => PENDING.with_borrow_mut(Vec::clear),
        XACT_EVENT_PRE_PREPARE => park(),
        _ => {}
    }
}

/// The transaction becomes one that no session owns; whether it commits is seen later. An error
/// here rolls it back.
fn park() {
    let pending = PENDING.with_borrow_mut(std::mem::take);
    if pending.is_empty() {
        return;
    }
    // SAFETY: before the transaction is prepared, which assigns an ID anyway.
    let xid = unsafe { pg_sys::GetTopTransactionId() };
    let together = together(&pending);
    if !memory::park(xid, together.iter().map(|p| (p.key, p.cost, p.spent_at))) {
        PENDING.set(pending);
        ErrorReport::from(Error::from(LimitError::TooManyPrepared)).report(PgLogLevel::ERROR);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn savepoint_ends(
    event: pg_sys::SubXactEvent::Type,
    this: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    match event {
        SUBXACT_EVENT_ABORT_SUB => refund_where(|pending| pending.within == this),
        SUBXACT_EVENT_COMMIT_SUB => PENDING.with_borrow_mut(|pending| {
            pending.iter_mut().filter(|p| p.within == this).for_each(|p| p.within = parent);
        }),
        _ => {}
    }
}

fn refund_where(is_over: impl Fn(&Pending) -> bool) {
    let over: Vec<Pending> = PENDING.with_borrow_mut(|pending| pending.extract_if(.., |p| is_over(p)).collect());
    if over.is_empty() {
        return;
    }
    let now = Times::now();
    for pending in together(&over) {
        memory::refund(pending.key, pending.cost, pending.spent_at, now);
    }
}

/// Units of one key given back one by one would each lose what time has restored since; as one they
/// lose it once. Units of windows lose nothing, and belong to the window in which they were spent.
fn together(pending: &[Pending]) -> Vec<Pending> {
    let mut all: Vec<Pending> = Vec::with_capacity(pending.len());
    let mut places: HashMap<Hash, usize> = HashMap::new();
    for one in pending {
        match places.entry(one.key) {
            Entry::Occupied(place) if one.algorithm == Algorithm::Gcra => {
                let known = &mut all[*place.get()];
                known.cost = known.cost.saturating_add(one.cost);
                known.spent_at.rate = known.spent_at.rate.min(one.spent_at.rate);
            }
            place => {
                place.or_insert(all.len());
                all.push(*one);
            }
        }
    }
    all
}
