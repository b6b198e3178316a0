//! Writing an entry.

use std::cell::RefCell;

use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::{Hash, chain_hash};
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};

use super::columns::micros;
use super::config::Mode;
use super::ledger::Working;
use super::{context, ledger, store};
use crate::error::{Error, Result};
use crate::user::ActingAs;

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) operation: Operation,
    /// `canon.audit_table.id`; all zero for the ledger itself.
    pub(super) table: [u8; 16],
    pub(super) relation: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) old: Option<&'a [u8]>,
    pub(super) new: Option<&'a [u8]>,
    pub(super) mode: Mode,
}

thread_local! {
    /// Random bytes that have not been used yet.
    static RANDOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C-unwind" {
    fn nextval_internal(relation: pg_sys::Oid, check_permissions: bool) -> i64;
}

/// 16 bytes that nobody can guess; never used twice.
pub(super) fn salt() -> Result<[u8; 16]> {
    RANDOM.with_borrow_mut(|random| {
        if random.len() < 16 {
            random.resize(1024, 0);
            // SAFETY: fills the buffer.
            if !unsafe { pg_sys::pg_strong_random(random.as_mut_ptr().cast(), random.len()) } {
                random.clear();
                return Err(Error::Internal("the system has no random bytes".to_owned()));
            }
        }
        let salt = random.split_off(random.len() - 16);
        salt.try_into().map_err(|_| Error::Internal("a salt has 16 bytes".to_owned()))
    })
}

/// Writes an entry, in the transaction of the caller and as the owner of the ledger. Returns its number.
pub(super) fn record(event: &Event<'_>) -> Result<i64> {
    let actor = context::actor();
    let context = context::context();
    let (ledger, target) = store::target()?;
    let acting = ActingAs::owner_of_our_table(target.owner);
    let working = Working::begin();
    // SAFETY: functions of the server without arguments, inside a transaction.
    let (now, xid) = unsafe { (pg_sys::GetCurrentTimestamp(), pg_sys::GetTopFullTransactionId().value) };
    // SAFETY: the sequence was looked up together with the ledger.
    let id = unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| nextval_internal(target.sequence, false)) };
    let salt = salt()?;
    let body = Body {
        relation: event.relation.map(str::as_bytes),
        key: event.key.map(str::as_bytes),
        old: event.old,
        new: event.new,
        actor: Some(actor.as_bytes()),
        context: context.as_deref().map(str::as_bytes),
    };
    let header = Header { id, recorded_at: micros(now), xid, operation: event.operation, table: event.table };
    let leaf = header.leaf(body.commitment(&salt));
    let values = [
        id.into_datum(),
        now.into_datum(),
        i64::from_ne_bytes(xid.to_ne_bytes()).into_datum(),
        event.operation.name().into_datum(),
        pgrx::Uuid::from_bytes(event.table).into_datum(),
        event.relation.into_datum(),
        event.key.into_datum(),
        event.old.into_datum(),
        event.new.into_datum(),
        actor.as_str().into_datum(),
        // The binary form of a json is its text.
        context.as_deref().into_datum(),
        salt.as_slice().into_datum(),
        None,
        leaf.0.as_slice().into_datum(),
    ];
    store::store(ledger, &target, now, &values)?;
    if let Some(lanes) = event.mode.lanes() {
        link(lanes, id, leaf)?;
    }
    drop((working, acting));
    Ok(id)
}

/// Appends the entry to a chain inside the transaction: the head is locked until the transaction ends,
/// and was there before the first link.
fn link(lanes: std::ops::Range<i32>, id: i64, leaf: Hash) -> Result<()> {
    // SAFETY: a constant of the session.
    let pid = unsafe { pg_sys::MyProcPid };
    let lane = lanes.start + pid % (lanes.end - lanes.start);
    Spi::connect_mut(|client| {
        let head = client.update(
            "SELECT seq, head FROM canon.audit_lane WHERE lane OPERATOR(pg_catalog.=) $1 FOR UPDATE",
            None,
            &[lane.into()],
        )?;
        let head = head.first();
        let seq = head.get::<i64>(1)?.ok_or_else(|| Error::Internal(format!("lane {lane} has no head")))? + 1;
        let previous = ledger::hash(head.get::<&[u8]>(2)?)?;
        let hash = chain_hash(previous, leaf);
        client.update(
            "INSERT INTO canon.audit_lane_link (lane, seq, entry_id, previous_hash, hash) VALUES ($1, $2, $3, $4, $5)",
            None,
            &[lane.into(), seq.into(), id.into(), previous.0.as_slice().into(), hash.0.as_slice().into()],
        )?;
        client.update(
            "UPDATE canon.audit_lane SET seq = $2, head = $3 WHERE lane OPERATOR(pg_catalog.=) $1",
            None,
            &[lane.into(), seq.into(), hash.0.as_slice().into()],
        )?;
        Ok(())
    })
}

/// Makes the heads of the lanes where they are missing. Must run as the owner of the ledger.
pub(super) fn ensure_lanes() -> Result<()> {
    ledger::run(
        "INSERT INTO canon.audit_lane (lane, seq, head, base_hash)
         SELECT lane, 0, start, start
         FROM pg_catalog.generate_series(0, 16) AS lane
         CROSS JOIN LATERAL pg_catalog.sha256(
             pg_catalog.convert_to('lane ' OPERATOR(pg_catalog.||) lane::pg_catalog.text, 'UTF8')) AS start
         ON CONFLICT DO NOTHING",
        &[],
    )
}
