//! Reading sealed entries in the order of their positions.
//!
//! Positions are read chunk by chunk. Within a batch they follow the key of the entries, so that the
//! entries of a stretch of them are one range of an index, read once and merged with the positions.

use std::ops::{ControlFlow, Range as Span};

use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::Hash;
use canon_core::ledger::verify::{Link, Stored};
use pgrx::prelude::*;
use pgrx::spi::SpiClient;

use super::columns::micros;
use super::scan::{Query, Row};
use crate::error::Result;
use crate::guc::Pinned;

/// Positions that are read at a time.
const CHUNK: i64 = 16_384;

/// Which entries to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Range {
    /// The sealed entry of this number.
    One(i64),
    /// Those at these positions; the end is not among them.
    Positions(i64, i64),
}

const LINKS: &str = "SELECT position, entry_id, xid, recorded_at, chain, previous_hash, audit_chain_hash
    FROM canon.audit_position";

const ENTRIES: &str =
    "SELECT e.id, e.recorded_at, e.xid, e.operation, e.table_id, e.relation, e.row_key, e.old_row, e.new_row,
        e.actor, e.context, e.salt, e.commitment, e.leaf
    FROM canon.audit_entry AS e";

const BETWEEN: &str = "WHERE ROW (e.xid, e.id) OPERATOR(pg_catalog.>=) ROW ($1, $2)
    AND ROW (e.xid, e.id) OPERATOR(pg_catalog.<=) ROW ($3, $4) ORDER BY e.xid, e.id";

const KEYS: &[pg_sys::Oid] = &[pg_sys::XID8OID, pg_sys::INT8OID, pg_sys::XID8OID, pg_sys::INT8OID];

/// What is done with an entry; [`ControlFlow::Break`] ends reading.
type Visitor<'v> = dyn FnMut(&Link<'_>, Option<&Stored<'_>>) -> Result<ControlFlow<()>> + 'v;

/// Calls `visit` for each sealed entry of the range, in the order of positions; without an entry where
/// it is missing. Must run as the owner of the ledger.
pub(super) fn each_entry(range: Range, visit: &mut Visitor<'_>) -> Result<()> {
    let _pinned = Pinned::by_index();
    Spi::connect(|client| {
        let entries = Query::plan(client, &format!("{ENTRIES} {BETWEEN}"), KEYS)?;
        let mut places = Places::default();
        match range {
            Range::One(entry) => {
                let sql = format!("{LINKS} WHERE entry_id OPERATOR(pg_catalog.=) $1");
                places.read(&Query::plan(client, &sql, &[pg_sys::INT8OID])?, &[entry])?;
                places.visit(&entries, visit).map(drop)
            }
            Range::Positions(from, end) => places.visit_all(client, &entries, from..end, visit),
        }
    })
}

fn next_position(client: &SpiClient<'_>, from: i64) -> Result<Option<i64>> {
    let sql = "SELECT pg_catalog.min(position) FROM canon.audit_position WHERE position OPERATOR(pg_catalog.>=) $1";
    Ok(client.select(sql, Some(1), &[from.into()])?.first().get_one::<i64>()?)
}

/// Calls `visit` for each entry of these operations that has no position.
pub(super) fn each_unsealed(operations: &[Operation], visit: &mut dyn FnMut(&Stored<'_>)) -> Result<()> {
    let sql = format!(
        "{ENTRIES} WHERE NOT EXISTS (
             SELECT FROM canon.audit_position AS p WHERE p.entry_id OPERATOR(pg_catalog.=) e.id)"
    );
    Spi::connect(|client| {
        Query::plan(client, &sql, &[])?.each(&[], &mut |row| {
            if let Some(found) = stored(row)
                && operations.contains(&found.header.operation)
            {
                visit(&found);
            }
            Ok(ControlFlow::Continue(()))
        })
    })
}

/// The positions of a chunk.
#[derive(Default)]
struct Places {
    links: Vec<Place>,
    /// Names of their chains, one after the other.
    names: String,
}

/// A position, and where its entry is stored.
struct Place {
    position: u64,
    entry: i64,
    xid: u64,
    recorded_at: i64,
    /// Place in the names.
    chain: Option<Span<usize>>,
    previous: Hash,
    hash: Hash,
}

impl Place {
    fn key(&self) -> (u64, i64) {
        (self.xid, self.entry)
    }
}

impl Places {
    /// Visits positions chunk by chunk.
    fn visit_all(
        &mut self,
        client: &SpiClient<'_>,
        entries: &Query<'_>,
        Span { start: mut from, end }: Span<i64>,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        let sql = format!(
            "{LINKS} WHERE position OPERATOR(pg_catalog.>=) $1 AND position OPERATOR(pg_catalog.<) $2 ORDER BY position"
        );
        let links = Query::plan(client, &sql, &[pg_sys::INT8OID, pg_sys::INT8OID])?;
        loop {
            let to = from.saturating_add(CHUNK).min(end);
            self.read(&links, &[from, to])?;
            let flow = self.visit(entries, visit)?;
            pgrx::check_for_interrupts!();
            if flow.is_break() || to >= end {
                return Ok(());
            }
            from = to;
            if self.links.is_empty() {
                match next_position(client, from)? {
                    Some(next) if next < end => from = next,
                    _ => return Ok(()),
                }
            }
        }
    }

    /// Reads what a query of the form of [`LINKS`] finds.
    fn read(&mut self, query: &Query<'_>, arguments: &[i64]) -> Result<()> {
        self.links.clear();
        self.names.clear();
        query.each(arguments, &mut |row| {
            let chain = row.text(4).map(|name| {
                let start = self.names.len();
                self.names.push_str(name);
                start..self.names.len()
            });
            // A hash of another length is a wrong hash.
            let hash = |at| row.bytes(at).and_then(Hash::from_slice).unwrap_or_default();
            self.links.push(Place {
                position: u64::try_from(row.int8(0)).unwrap_or(u64::MAX),
                entry: row.int8(1),
                xid: row.int8(2).cast_unsigned(),
                recorded_at: row.int8(3),
                chain,
                previous: hash(5),
                hash: hash(6),
            });
            Ok(ControlFlow::Continue(()))
        })
    }

    fn visit(&self, entries: &Query<'_>, visit: &mut Visitor<'_>) -> Result<ControlFlow<()>> {
        let mut from = 0;
        while from < self.links.len() {
            let rising = self.links[from..].windows(2).take_while(|pair| pair[0].key() < pair[1].key()).count();
            let to = from + rising + 1;
            if self.stretch(entries, from..to, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            from = to;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Positions whose entries follow one another in the order of the index.
    fn stretch(&self, entries: &Query<'_>, span: Span<usize>, visit: &mut Visitor<'_>) -> Result<ControlFlow<()>> {
        // Entries of other batches may lie between them, but not many: a wrong xid must not read the whole ledger.
        let mut most = 4 * span.len() + 64;
        let (first, last) = (&self.links[span.start], &self.links[span.end - 1]);
        let mut places = self.links[span].iter().peekable();
        let arguments = [first.xid.cast_signed(), first.entry, last.xid.cast_signed(), last.entry];
        let mut flow = ControlFlow::Continue(());
        entries.each(&arguments, &mut |row| {
            let key = (row.int8(2).cast_unsigned(), row.int8(0));
            while let Some(place) = places.next_if(|place| place.key() < key) {
                flow = visit(&self.link(place), None)?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
            if let Some(place) = places.next_if(|place| place.key() == key && place.recorded_at == row.int8(1)) {
                flow = visit(&self.link(place), stored(row).as_ref())?;
            }
            most -= 1;
            Ok(if most == 0 || places.peek().is_none() { ControlFlow::Break(()) } else { flow })
        })?;
        for place in places {
            if flow.is_break() {
                return Ok(flow);
            }
            flow = if most == 0 { self.alone(entries, place, visit)? } else { visit(&self.link(place), None)? };
        }
        Ok(flow)
    }

    /// An entry that lies behind too many others.
    fn alone(&self, entries: &Query<'_>, place: &Place, visit: &mut Visitor<'_>) -> Result<ControlFlow<()>> {
        let xid = place.xid.cast_signed();
        let mut flow = None;
        entries.each(&[xid, place.entry, xid, place.entry], &mut |row| {
            if row.int8(1) == place.recorded_at {
                flow = Some(visit(&self.link(place), stored(row).as_ref())?);
            }
            Ok(if flow.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        flow.map_or_else(|| visit(&self.link(place), None), Ok)
    }

    fn link(&self, place: &Place) -> Link<'_> {
        Link {
            position: place.position,
            entry: place.entry,
            chain: place.chain.clone().map(|name| &self.names[name]),
            previous: place.previous,
            hash: place.hash,
        }
    }
}

/// A row of the form of [`ENTRIES`]; `None` where the operation is none.
fn stored<'r>(row: &'r Row<'_>) -> Option<Stored<'r>> {
    Some(Stored {
        header: Header {
            id: row.int8(0),
            recorded_at: micros(row.int8(1)),
            xid: row.int8(2).cast_unsigned(),
            operation: Operation::from_bytes(row.bytes(3)?)?,
            table: row.uuid(4),
        },
        body: Body {
            relation: row.bytes(5),
            key: row.bytes(6),
            old: row.bytes(7),
            new: row.bytes(8),
            actor: row.bytes(9),
            context: row.bytes(10),
        },
        salt: row.bytes(11),
        commitment: row.bytes(12).map(|bytes| Hash::from_slice(bytes).unwrap_or_default()),
        leaf: row.bytes(13).and_then(Hash::from_slice).unwrap_or_default(),
    })
}
