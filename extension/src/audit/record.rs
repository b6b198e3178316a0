//! Writing an entry.

use std::cell::RefCell;

use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::{Hash, chain_hash};
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};

use super::columns::micros;
use super::config::Mode;
use super::ledger::Working;
use super::{context, ledger};
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

const INSERT: &std::ffi::CStr = c"INSERT INTO canon.audit_entry
    (id, recorded_at, xid, operation, table_id, relation, row_key, old_row, new_row, actor, context, salt, leaf)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::pg_catalog.json, $12, $13)";

/// What a session keeps between entries.
struct Prepared {
    plan: pg_sys::SPIPlanPtr,
    sequence: pg_sys::Oid,
    ledger: pg_sys::Oid,
    owner: pg_sys::Oid,
}

thread_local! {
    static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
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

/// The prepared statement and what goes with it; prepared anew where the ledger is another one.
fn prepared() -> Result<(pg_sys::SPIPlanPtr, pg_sys::Oid, pg_sys::Oid)> {
    let known = PREPARED.with_borrow(|p| p.as_ref().map(|p| (p.plan, p.sequence, p.ledger, p.owner)));
    // SAFETY: looks into the catalogue caches.
    let ledger = unsafe {
        let schema = pg_sys::get_namespace_oid(c"canon".as_ptr(), true);
        pg_sys::get_relname_relid(c"audit_entry".as_ptr(), schema)
    };
    if ledger == pg_sys::InvalidOid {
        return Err(Error::NoLedger);
    }
    if let Some((plan, sequence, same, owner)) = known
        && same == ledger
    {
        return Ok((plan, sequence, owner));
    }
    let owner = ledger::require()?;
    let types = [
        pg_sys::INT8OID,
        pg_sys::TIMESTAMPTZOID,
        pg_sys::XID8OID,
        pg_sys::TEXTOID,
        pg_sys::UUIDOID,
        pg_sys::TEXTOID,
        pg_sys::TEXTOID,
        pg_sys::BYTEAOID,
        pg_sys::BYTEAOID,
        pg_sys::TEXTOID,
        pg_sys::TEXTOID,
        pg_sys::BYTEAOID,
        pg_sys::BYTEAOID,
    ];
    // SAFETY: inside SPI; the plan is kept for the life of the session.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"canon".as_ptr(), true);
        let sequence = pg_sys::get_relname_relid(c"audit_entry_id".as_ptr(), schema);
        pg_sys::SPI_connect();
        let plan = pg_sys::SPI_prepare(INSERT.as_ptr(), 13, types.as_ptr().cast_mut());
        if plan.is_null() {
            pg_sys::SPI_finish();
            return Err(Error::Internal("cannot prepare the insertion of an entry".to_owned()));
        }
        pg_sys::SPI_keepplan(plan);
        pg_sys::SPI_finish();
        PREPARED.set(Some(Prepared { plan, sequence, ledger, owner }));
        Ok((plan, sequence, owner))
    }
}

/// Writes an entry, in the transaction of the caller and as the owner of the ledger. Returns its number.
pub(super) fn record(event: &Event<'_>) -> Result<i64> {
    let actor = context::actor();
    let context = context::context();
    // Kept plans belong to a session; preparing needs the rights of the owner, as inserting does.
    let owner = PREPARED.with_borrow(|p| p.as_ref().map(|p| p.owner)).map_or_else(ledger::require, Ok)?;
    let acting = ActingAs::owner_of_our_table(owner);
    let working = Working::begin();
    let (plan, sequence, _) = prepared()?;
    // SAFETY: functions of the server without arguments, inside a transaction.
    let (now, xid) = unsafe { (pg_sys::GetCurrentTimestamp(), pg_sys::GetTopFullTransactionId().value) };
    // SAFETY: the sequence was looked up together with the plan.
    let id = unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| nextval_internal(sequence, false)) };
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
        context.as_deref().into_datum(),
        salt.as_slice().into_datum(),
        leaf.0.as_slice().into_datum(),
    ];
    execute(plan, &values)?;
    if let Some(lanes) = event.mode.lanes() {
        link(lanes, id, leaf)?;
    }
    drop((working, acting));
    Ok(id)
}

fn execute(plan: pg_sys::SPIPlanPtr, values: &[Option<pg_sys::Datum>]) -> Result<()> {
    let mut datums: Vec<pg_sys::Datum> = values.iter().map(|v| v.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<std::ffi::c_char> = values.iter().map(|v| if v.is_some() { b' ' } else { b'n' } as _).collect();
    // SAFETY: the plan is kept and takes these arguments; SPI is left again.
    let code = unsafe {
        pg_sys::SPI_connect();
        let code = pg_sys::SPI_execute_plan(plan, datums.as_mut_ptr(), nulls.as_ptr(), false, 0);
        pg_sys::SPI_finish();
        code
    };
    if code == pg_sys::SPI_OK_INSERT as i32 {
        Ok(())
    } else {
        Err(Error::Internal(format!("inserting an entry ended with code {code}")))
    }
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
        "INSERT INTO canon.audit_lane (lane, seq, head)
         SELECT lane, 0, pg_catalog.sha256(pg_catalog.convert_to('lane ' OPERATOR(pg_catalog.||) lane::pg_catalog.text, 'UTF8'))
         FROM pg_catalog.generate_series(0, 16) AS lane ON CONFLICT DO NOTHING",
        &[],
    )
}
