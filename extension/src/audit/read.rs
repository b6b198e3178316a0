//! Reading sealed entries in the order of their positions.
//!
//! Positions are read chunk by chunk. Within a batch they follow the key of the entries, so that the
//! entries of a stretch of them are one range of an index, read once and merged with the positions.

use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::Hash;
use canon_core::ledger::verify::{Link, Stored};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;

use super::columns::micros;
use super::ledger;
use crate::error::Result;
use crate::guc::Pinned;

/// Positions that are read at a time.
const CHUNK: i64 = 8_192;

/// Which entries to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Range {
    /// The sealed entry of this number.
    One(i64),
    /// Those at these positions; the end is not among them.
    Positions(i64, i64),
}

const LINKS: &str = "SELECT position, entry_id, chain, previous_hash, audit_chain_hash, xid, recorded_at
    FROM canon.audit_position";

const ENTRIES: &str =
    "SELECT e.id, e.recorded_at, e.xid, e.operation, e.table_id, e.relation, e.row_key, e.old_row, e.new_row,
        e.actor, e.context, e.salt, e.commitment, e.leaf
    FROM canon.audit_entry AS e";

type Visitor<'v> = dyn FnMut(&Link<'_>, Option<&Stored<'_>>) -> Result<()> + 'v;

/// Calls `visit` for each sealed entry of the range, in the order of positions; without an entry where
/// it is missing. Must run as the owner of the ledger.
pub(super) fn each_entry(range: Range, visit: &mut Visitor<'_>) -> Result<()> {
    let _pinned = Pinned::by_index();
    let (mut from, end) = match range {
        Range::One(entry) => {
            let sql = format!("{LINKS} WHERE entry_id OPERATOR(pg_catalog.=) $1");
            return chunk(&sql, &[entry.into()], visit).map(|_| ());
        }
        Range::Positions(from, end) => (from, end),
    };
    let sql = format!(
        "{LINKS} WHERE position OPERATOR(pg_catalog.>=) $1 AND position OPERATOR(pg_catalog.<) $2 ORDER BY position"
    );
    loop {
        let to = from.saturating_add(CHUNK).min(end);
        let seen = chunk(&sql, &[from.into(), to.into()], visit)?;
        pgrx::check_for_interrupts!();
        if to >= end {
            return Ok(());
        }
        from = to;
        if seen == 0 {
            match next_position(from)? {
                Some(next) if next < end => from = next,
                _ => return Ok(()),
            }
        }
    }
}

/// Calls `visit` for each entry of these operations that has no position.
pub(super) fn each_unsealed(operations: &[&str], visit: &mut dyn FnMut(&Stored<'_>)) -> Result<()> {
    let operations: Vec<String> = operations.iter().map(|name| (*name).to_owned()).collect();
    let sql = format!(
        "{ENTRIES} WHERE e.operation OPERATOR(pg_catalog.=) ANY ($1) AND NOT EXISTS (
             SELECT FROM canon.audit_position AS p WHERE p.entry_id OPERATOR(pg_catalog.=) e.id)"
    );
    Spi::connect(|client| {
        let rows = Rows::<14>::select(client, &sql, &[operations.into()])?;
        (0..rows.count).filter_map(|k| stored(&rows.row(k)).map(|found| visit(&found))).for_each(drop);
        Ok(())
    })
}

fn next_position(from: i64) -> Result<Option<i64>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT pg_catalog.min(position) FROM canon.audit_position WHERE position OPERATOR(pg_catalog.>=) $1",
            Some(1),
            &[from.into()],
        )?;
        Ok(rows.first().get_one::<i64>()?)
    })
}

/// Visits what a query of the form of [`LINKS`] finds; returns the number of positions.
fn chunk(sql: &str, arguments: &[DatumWithOid<'_>], visit: &mut Visitor<'_>) -> Result<usize> {
    Spi::connect(|client| {
        let links = Rows::<7>::select(client, sql, arguments)?;
        let places: Vec<Place> = (0..links.count).map(|k| Place::of(&links.row(k))).collect();
        let mut from = 0;
        while from < places.len() {
            let rising = places[from..].windows(2).take_while(|pair| pair[0].key() < pair[1].key()).count();
            let to = from + rising + 1;
            stretch(client, &links, &places, from..to, visit)?;
            from = to;
        }
        Ok(links.count)
    })
}

/// Where an entry is stored.
#[derive(Clone, Copy)]
struct Place {
    entry: i64,
    xid: u64,
    recorded_at: i64,
}

impl Place {
    fn of(row: &Row<7>) -> Self {
        Self { entry: row.int8(1), xid: row.int8(5).cast_unsigned(), recorded_at: row.int8(6) }
    }

    fn key(&self) -> (u64, i64) {
        (self.xid, self.entry)
    }
}

fn stretch(
    client: &SpiClient<'_>,
    links: &Rows<7>,
    places: &[Place],
    range: std::ops::Range<usize>,
    visit: &mut Visitor<'_>,
) -> Result<()> {
    let (first, last) = (places[range.start], places[range.end - 1]);
    // Entries of other batches may lie between them, but not many: a wrong xid must not read the whole ledger.
    let most = 4 * range.len() + 64;
    let entries = between(client, first, last, most)?;
    let cut = entries.count == most;
    let mut at = 0;
    for k in range {
        let place = places[k];
        while at < entries.count && key(&entries.row(at)) < place.key() {
            at += 1;
        }
        let mut found = None;
        let mut same = at;
        while found.is_none() && same < entries.count && key(&entries.row(same)) == place.key() {
            found = Some(entries.row(same)).filter(|row| row.int8(1) == place.recorded_at);
            same += 1;
        }
        if found.is_none() && cut && at == entries.count {
            let alone = between(client, place, place, most)?;
            found = (0..alone.count).map(|k| alone.row(k)).find(|row| row.int8(1) == place.recorded_at);
        }
        visit(&link(&links.row(k)), found.as_ref().and_then(stored).as_ref())?;
    }
    Ok(())
}

fn key(row: &Row<14>) -> (u64, i64) {
    (row.int8(2).cast_unsigned(), row.int8(0))
}

/// Entries from one key to another, in this order.
fn between(client: &SpiClient<'_>, first: Place, last: Place, most: usize) -> Result<Rows<14>> {
    let sql = format!(
        "{ENTRIES} WHERE ROW (e.xid, e.id) OPERATOR(pg_catalog.>=) ROW ($1, $2)
             AND ROW (e.xid, e.id) OPERATOR(pg_catalog.<=) ROW ($3, $4) ORDER BY e.xid, e.id LIMIT $5"
    );
    let xid = |place: Place| ledger::xid(place.xid.cast_signed());
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Rows::select(client, &sql, &[xid(first), first.entry.into(), xid(last), last.entry.into(), most.into()])
}

/// What a query has found; it lives as long as the connection to SPI.
struct Rows<const N: usize> {
    table: *mut pg_sys::SPITupleTable,
    count: usize,
}

impl<const N: usize> Rows<N> {
    /// Runs a query with `N` columns.
    fn select(client: &SpiClient<'_>, sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Self> {
        let count = client.select(sql, None, arguments)?.len();
        // SAFETY: set by the query that has just run.
        Ok(Self { table: unsafe { pg_sys::SPI_tuptable }, count })
    }

    fn row(&self, k: usize) -> Row<N> {
        let mut row = Row { values: [pg_sys::Datum::null(); N], nulls: [true; N] };
        debug_assert!(k < self.count);
        // SAFETY: there are that many rows, of as many columns as there is room for.
        unsafe {
            let tuple = *(*self.table).vals.add(k);
            pg_sys::heap_deform_tuple(tuple, (*self.table).tupdesc, row.values.as_mut_ptr(), row.nulls.as_mut_ptr());
        }
        row
    }
}

/// The values of a row.
struct Row<const N: usize> {
    values: [pg_sys::Datum; N],
    nulls: [bool; N],
}

impl<const N: usize> Row<N> {
    fn int8(&self, at: usize) -> i64 {
        self.values[at].value() as i64
    }

    /// A text, json or bytea.
    fn bytes(&self, at: usize) -> Option<&[u8]> {
        // SAFETY: columns of these types only; a toasted value is copied to the current memory context.
        (!self.nulls[at]).then(|| unsafe {
            let value = pg_sys::pg_detoast_datum_packed(self.values[at].cast_mut_ptr());
            std::slice::from_raw_parts(
                pgrx::varlena::vardata_any(value).cast::<u8>(),
                pgrx::varlena::varsize_any_exhdr(value),
            )
        })
    }

    fn text(&self, at: usize) -> Option<&str> {
        self.bytes(at).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

fn link(row: &Row<7>) -> Link<'_> {
    Link {
        position: u64::try_from(row.int8(0)).unwrap_or(u64::MAX),
        entry: row.int8(1),
        chain: row.text(2),
        // A hash of another length is a wrong hash.
        previous: row.bytes(3).and_then(Hash::from_slice).unwrap_or_default(),
        hash: row.bytes(4).and_then(Hash::from_slice).unwrap_or_default(),
    }
}

/// `None` where the operation is none.
fn stored(row: &Row<14>) -> Option<Stored<'_>> {
    // SAFETY: a uuid is a pointer to 16 bytes.
    let table = if row.nulls[4] { [0; 16] } else { unsafe { *row.values[4].cast_mut_ptr::<[u8; 16]>() } };
    Some(Stored {
        header: Header {
            id: row.int8(0),
            recorded_at: micros(row.int8(1)),
            xid: row.int8(2).cast_unsigned(),
            operation: Operation::from_name(row.text(3)?)?,
            table,
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
