//! Sealing: giving committed entries their order, their place in the tree, and a signed root.
//!
//! A batch is what became visible between two snapshots, so it is consistent with commits, loses
//! nothing, and waits for nobody: a transaction that is open for an hour holds up its own entries
//! only. A batch may take several runs; each run is one transaction and ends with a block.

use std::collections::HashMap;

use canon_core::ledger::block::Block;
use canon_core::ledger::entry::Operation;
use canon_core::ledger::hash::{Hash, chain_hash, chain_start};
use canon_core::ledger::note::Checkpoint;
use canon_core::ledger::tile::Growth;
use canon_core::ledger::tree::Edge;
use canon_core::ledger::value::Class;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::columns::micros;
use super::ledger::Raw;
use super::log::Filling;
use super::ready::{self, Ready, Span};
use super::redact::announce;
use super::{ledger, settings, sign, tree};
use crate::error::{Error, Result};
use crate::worker::{Progress, Task};

/// Entries that one run seals at most.
const BATCH: i64 = 20_000;

/// The task of the background worker.
pub(crate) const SEAL: Task =
    Task { name: "audit seal", period: settings::seal_interval, is_urgent: || false, run: seal_in_worker };

fn seal_in_worker() -> Result<Progress> {
    let Some(owner) = ledger::owner()? else { return Ok(Progress::Idle) };
    ledger::as_role(owner, || {
        sign::export()?;
        let run = seal(BATCH)?;
        if run.sealed == 0 {
            ledger::partitions()?;
        }
        Ok(if run.more { Progress::More } else { Progress::Idle })
    })
}

/// Seals what was committed.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
pub(super) fn audit_seal(max_entries: default!(i32, "1000000")) -> std::result::Result<i64, ErrorReport> {
    let sealed = ledger::as_owner(|| {
        sign::export()?;
        let mut sealed = 0;
        loop {
            let run = seal(BATCH.min((i64::from(max_entries) - sealed).max(1)))?;
            sealed += run.sealed;
            if !run.more || sealed >= i64::from(max_entries) {
                return Ok(sealed);
            }
            pgrx::check_for_interrupts!();
        }
    })?;
    Ok(sealed)
}

/// What a run has done.
struct Run {
    sealed: i64,
    /// The batch is not done.
    more: bool,
}

/// The state of the ledger, locked.
pub(super) struct State {
    origin: String,
    incarnation: i32,
    identity: String,
    after_id: i64,
    edge: Edge,
    head: Hash,
    block: i64,
    block_hash: Hash,
    snapshot: String,
    target: Option<String>,
    cursor: (i64, i64),
}

/// Locks the state; `None` while another session is sealing.
pub(super) fn lock() -> Result<Option<State>> {
    Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT origin, incarnation, identity, after_id, size, edge, head, block, block_hash,
                 snapshot::pg_catalog.text, target::pg_catalog.text,
                 cursor_xid, cursor_id
             FROM canon.audit_ledger FOR UPDATE SKIP LOCKED",
            None,
            &[],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let missing = || Error::Internal("canon.audit_ledger holds a NULL".to_owned());
        let size = u64::try_from(row.get::<i64>(5)?.ok_or_else(missing)?).unwrap_or(0);
        let roots: Vec<Hash> =
            row.get::<&[u8]>(6)?.ok_or_else(missing)?.chunks_exact(32).filter_map(Hash::from_slice).collect();
        Ok(Some(State {
            origin: row.get(1)?.ok_or_else(missing)?,
            incarnation: row.get(2)?.ok_or_else(missing)?,
            identity: row.get(3)?.ok_or_else(missing)?,
            after_id: row.get(4)?.ok_or_else(missing)?,
            edge: Edge::new(size, roots)
                .ok_or_else(|| Error::Internal("the edge in canon.audit_ledger does not fit the size".to_owned()))?,
            head: ledger::hash(row.get::<&[u8]>(7)?)?,
            block: row.get(8)?.ok_or_else(missing)?,
            block_hash: ledger::hash(row.get::<&[u8]>(9)?)?,
            snapshot: row.get(10)?.ok_or_else(missing)?,
            target: row.get(11)?,
            cursor: (row.get::<Raw>(12)?.ok_or_else(missing)?.int8(), row.get(13)?.ok_or_else(missing)?),
        }))
    })
}

/// One run. Must run as the owner of the ledger.
fn seal(limit: i64) -> Result<Run> {
    let nothing = Run { sealed: 0, more: false };
    let Some(mut state) = lock()? else { return Ok(nothing) };
    if state.identity != ledger::audit_identity() {
        begin_incarnation(&mut state, "restored from a dump")?;
    }
    let target = match &state.target {
        Some(target) => target.clone(),
        None => current_snapshot()?,
    };
    let span = Span { from: &state.snapshot, to: &target, after_id: state.after_id, after: state.cursor };
    let ready = ready::between(&span, limit)?;
    let more = i64::try_from(ready.len()).unwrap_or(i64::MAX) >= limit;
    if ready.is_empty() && state.target.is_none() {
        return Ok(nothing);
    }
    let sealed = append(&mut state, &ready, &target)?;
    if more {
        state.cursor = ready.last().map_or(state.cursor, |last| (last.xid, last.id));
        state.target = Some(target);
    } else {
        (state.snapshot, state.target, state.cursor) = (target, None, (0, 0));
    }
    save(&state)?;
    Ok(Run { sealed, more })
}

/// The current snapshot, with the own transaction among those in progress: the server leaves it out,
/// and what it writes after this would never be sealed.
pub(super) fn current_snapshot() -> Result<String> {
    let row = Spi::connect_mut(|client| {
        let sql = "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text, pg_catalog.pg_current_xact_id()::pg_catalog.text";
        client.update(sql, None, &[])?.first().get_two::<String, String>()
    })?;
    let (Some(text), Some(own)) = row else { return Err(Error::Internal("no snapshot".to_owned())) };
    with_own(&text, &own).ok_or_else(|| Error::Internal(format!("not a snapshot: {text}")))
}

fn with_own(snapshot: &str, own: &str) -> Option<String> {
    let own: u64 = own.parse().ok()?;
    let mut parts = snapshot.split(':');
    let (xmin, xmax): (u64, u64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let open = parts.next()?.split(',').filter(|xid| !xid.is_empty()).map(str::parse);
    let mut open: Vec<u64> = open.collect::<std::result::Result<_, _>>().ok()?;
    if own < xmax {
        open.push(own);
        open.sort_unstable();
        open.dedup();
    }
    let open: Vec<String> = open.iter().map(ToString::to_string).collect();
    Some(format!("{}:{xmax}:{}", xmin.min(own), open.join(",")))
}

/// The database is another one than that of the last block: it was restored from a dump, where
/// transactions have new numbers. Everything there is belongs to the new incarnation, and numbers
/// from before mean nothing any more.
fn begin_incarnation(state: &mut State, reason: &str) -> Result<()> {
    // Waits for writers and keeps new ones away, so that the end is a clean cut.
    ledger::run("LOCK TABLE canon.audit_entry IN SHARE ROW EXCLUSIVE MODE", &[])?;
    let target = current_snapshot()?;
    let left = ready::left()?;
    state.incarnation += 1;
    append(state, &left, &target)?;
    let highest = Spi::connect_mut(|client| {
        let sql = "SELECT COALESCE(pg_catalog.max(id), 0) FROM canon.audit_entry";
        client.update(sql, None, &[])?.first().get_one::<i64>()
    })?;
    state.after_id = highest.unwrap_or(0);
    state.identity = ledger::audit_identity();
    (state.snapshot, state.target, state.cursor) = (target, None, (0, 0));
    save(state)?;
    let block_hash = state.block_hash.to_string();
    announce(
        Operation::Restore,
        &[
            ("reason", Class::Text, reason.as_bytes()),
            ("incarnation", Class::Int, &i64::from(state.incarnation).to_be_bytes()),
            ("after_block", Class::Int, &state.block.to_be_bytes()),
            ("after_block_hash", Class::Text, block_hash.as_bytes()),
        ],
    )
    .map(|_| ())
}

/// Begins a new incarnation: the database is a restored backup, and that is meant so.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_declare_restore(reason: &str) -> std::result::Result<i32, ErrorReport> {
    let incarnation = ledger::as_owner(|| {
        let mut state = lock()?.ok_or(Error::SealTimeout { seconds: 0.0 })?;
        begin_incarnation(&mut state, reason)?;
        Ok(state.incarnation)
    })?;
    Ok(incarnation)
}

/// Heads of the named chains that the entries belong to.
fn heads(ready: &[Ready]) -> Result<HashMap<String, Hash>> {
    let mut names: Vec<String> = ready.iter().filter_map(|entry| entry.chain.clone()).collect();
    names.sort();
    names.dedup();
    let mut heads = HashMap::new();
    if names.is_empty() {
        return Ok(heads);
    }
    Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT chain, head FROM canon.audit_chain WHERE chain OPERATOR(pg_catalog.=) ANY ($1)",
            None,
            &[names.into()],
        )?;
        for row in rows {
            if let Some(chain) = row.get::<String>(1)? {
                heads.insert(chain, ledger::hash(row.get::<&[u8]>(2)?)?);
            }
        }
        Ok(heads)
    })
}

/// Appends entries to the tree and their chains, and closes a block over them.
fn append(state: &mut State, ready: &[Ready], target: &str) -> Result<i64> {
    if ready.is_empty() {
        return Ok(0);
    }
    let first = i64::try_from(state.edge.size()).unwrap_or(i64::MAX);
    let mut heads = heads(ready)?;
    let mut growth = Growth::default();
    let mut links = Links::default();
    let mut filling = Filling::default();
    for (entry, position) in ready.iter().zip(first..) {
        state.edge.append(entry.leaf, |level, index, hash| growth.add(level, index, hash));
        let previous = match &entry.chain {
            None => state.head,
            Some(chain) => heads.get(chain).copied().unwrap_or_else(|| chain_start(Some(chain))),
        };
        let hash = chain_hash(previous, entry.leaf);
        match &entry.chain {
            None => state.head = hash,
            Some(chain) => {
                heads.insert(chain.clone(), hash);
            }
        }
        links.push(position, entry, previous, hash);
        if let Some((table, key)) = &entry.log {
            filling.add(table, key.clone(), previous.to_string(), hash.to_string());
        }
    }
    tree::write(&growth)?;
    links.write()?;
    write_heads(&heads)?;
    filling.write()?;
    close_block(state, ready.len(), target)?;
    Ok(i64::try_from(ready.len()).unwrap_or(i64::MAX))
}

/// Rows of `canon.audit_position`, by column.
#[derive(Default)]
struct Links {
    positions: Vec<i64>,
    entries: Vec<i64>,
    xids: Vec<i64>,
    times: Vec<i64>,
    chains: Vec<Option<String>>,
    previous: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
}

impl Links {
    fn push(&mut self, position: i64, entry: &Ready, previous: Hash, hash: Hash) {
        self.positions.push(position);
        self.entries.push(entry.id);
        self.xids.push(entry.xid);
        self.times.push(entry.recorded_at);
        self.chains.push(entry.chain.clone());
        self.previous.push(previous.0.to_vec());
        self.hashes.push(hash.0.to_vec());
    }

    fn write(self) -> Result<()> {
        ledger::run(
            "INSERT INTO canon.audit_position
                 (position, entry_id, xid, recorded_at, chain, previous_hash, audit_chain_hash)
             SELECT * FROM ROWS FROM (
                 pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.int8[]),
                 pg_catalog.unnest($3::pg_catalog.xid8[]), pg_catalog.unnest($4::pg_catalog.timestamptz[]),
                 pg_catalog.unnest($5::pg_catalog.text[]), pg_catalog.unnest($6::pg_catalog.bytea[]),
                 pg_catalog.unnest($7::pg_catalog.bytea[])) AS u",
            &[
                self.positions.into(),
                self.entries.into(),
                array_of(self.xids, pg_sys::XID8ARRAYOID, pg_sys::XID8OID),
                array_of(self.times, pg_sys::TIMESTAMPTZARRAYOID, pg_sys::TIMESTAMPTZOID),
                self.chains.into(),
                self.previous.into(),
                self.hashes.into(),
            ],
        )
    }
}

/// An array of a type that is passed like an `int8`.
fn array_of(values: Vec<i64>, array: pg_sys::Oid, element: pg_sys::Oid) -> DatumWithOid<'static> {
    let mut datums: Vec<pg_sys::Datum> = values.into_iter().map(pg_sys::Datum::from).collect();
    let count = i32::try_from(datums.len()).unwrap_or(i32::MAX);
    // SAFETY: elements are eight bytes, passed by value, aligned as doubles are; the array lives in the
    // current memory context.
    unsafe {
        let made = pg_sys::construct_array(datums.as_mut_ptr(), count, element, 8, true, b'd' as std::ffi::c_char);
        DatumWithOid::new(Raw(pg_sys::Datum::from(made)), array)
    }
}

fn write_heads(heads: &HashMap<String, Hash>) -> Result<()> {
    if heads.is_empty() {
        return Ok(());
    }
    let (chains, hashes): (Vec<String>, Vec<Vec<u8>>) =
        heads.iter().map(|(chain, hash)| (chain.clone(), hash.0.to_vec())).unzip();
    ledger::run(
        "INSERT INTO canon.audit_chain (chain, head)
         SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.bytea[])) AS u
         ON CONFLICT (chain) DO UPDATE SET head = excluded.head",
        &[chains.into(), hashes.into()],
    )
}

fn close_block(state: &mut State, entries: usize, target: &str) -> Result<()> {
    let lsn = Spi::connect_mut(|client| {
        let sql = "SELECT pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text";
        client.update(sql, None, &[])?.first().get_one::<String>()
    })?;
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    let block = Block {
        number: u64::try_from(state.block + 1).unwrap_or(0),
        incarnation: u32::try_from(state.incarnation).unwrap_or(0),
        size: state.edge.size(),
        root: state.edge.root(),
        previous: state.block_hash,
        snapshot_from: state.snapshot.clone(),
        snapshot_to: target.to_owned(),
        sealed_at: micros(now),
        lsn: lsn.unwrap_or_default(),
    };
    let hash = block.hash();
    let checkpoint = Checkpoint { origin: state.origin.clone(), size: block.size, root: block.root, block: Some(hash) };
    let note = sign::sign(&checkpoint)?;
    // SAFETY: a timestamptz is passed like an int8.
    let sealed_at = unsafe { DatumWithOid::new(Raw(pg_sys::Datum::from(now)), pg_sys::TIMESTAMPTZOID) };
    ledger::run(
        "INSERT INTO canon.audit_block (block, incarnation, entries, size, root, previous_hash, block_hash,
             snapshot_from, snapshot_to, sealed_at, lsn, checkpoint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            (state.block + 1).into(),
            state.incarnation.into(),
            i64::try_from(entries).unwrap_or(i64::MAX).into(),
            i64::try_from(block.size).unwrap_or(i64::MAX).into(),
            block.root.0.as_slice().into(),
            block.previous.0.as_slice().into(),
            hash.0.as_slice().into(),
            block.snapshot_from.as_str().into(),
            block.snapshot_to.as_str().into(),
            sealed_at,
            block.lsn.as_str().into(),
            note.as_deref().into(),
        ],
    )?;
    if let Some(note) = &note {
        sign::notify(note)?;
    }
    (state.block, state.block_hash) = (state.block + 1, hash);
    Ok(())
}

fn save(state: &State) -> Result<()> {
    let edge: Vec<u8> = state.edge.roots().iter().flat_map(|hash| hash.0).collect();
    ledger::run(
        "UPDATE canon.audit_ledger SET incarnation = $1, identity = $2, after_id = $3, size = $4, edge = $5, head = $6,
             block = $7, block_hash = $8, snapshot = $9::pg_catalog.text::pg_catalog.pg_snapshot,
             target = $10::pg_catalog.text::pg_catalog.pg_snapshot, cursor_xid = $11, cursor_id = $12",
        &[
            state.incarnation.into(),
            state.identity.as_str().into(),
            state.after_id.into(),
            i64::try_from(state.edge.size()).unwrap_or(i64::MAX).into(),
            edge.as_slice().into(),
            state.head.0.as_slice().into(),
            state.block.into(),
            state.block_hash.0.as_slice().into(),
            state.snapshot.as_str().into(),
            state.target.as_deref().into(),
            ledger::xid(state.cursor.0),
            state.cursor.1.into(),
        ],
    )
}
