//! The stored tree: tiles, and proofs from them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use canon_core::ledger::hash::Hash;
use canon_core::ledger::receipt::{EntryJson, Receipt};
use canon_core::ledger::tile::{self, Growth, TileId};
use canon_core::ledger::tree::{Edge, prove_consistency, prove_inclusion};
use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::ledger;
use super::read::{self, Range};
use crate::error::{Error, Result};

/// Tiles that have been read, as long as one call needs them.
#[derive(Default)]
pub(super) struct Tiles(RefCell<HashMap<TileId, Vec<Hash>>>);

impl Tiles {
    /// A complete subtree.
    pub(super) fn node(&self, level: u32, index: u64) -> Result<Hash> {
        let id = tile::tile_of(level, index);
        if !self.0.borrow().contains_key(&id) {
            let tile = read(id)?;
            self.0.borrow_mut().insert(id, tile);
        }
        let damaged = || Error::Internal(format!("the tree has lost node {index} of level {level}"));
        tile::node(level, index, &self.0.borrow()[&id]).ok_or_else(damaged)
    }

    /// The right edge of the tree of this size.
    pub(super) fn edge(&self, size: u64) -> Result<Edge> {
        let mut roots = Vec::new();
        let mut at = 0;
        for level in (0..64).rev() {
            if size >> level & 1 == 1 {
                roots.push(self.node(level, at >> level)?);
                at += 1 << level;
            }
        }
        Edge::new(size, roots).ok_or_else(|| Error::Internal("an edge with too few roots".to_owned()))
    }
}

/// Leaves as the stored tree holds them, for whoever asks for them in order.
#[derive(Default)]
pub(super) struct Leaves {
    /// Position of the first.
    from: u64,
    hashes: Vec<Hash>,
}

/// Tiles that are read at a time.
const TILES: u64 = 64;

impl Leaves {
    /// The leaf at a position; zero where the tree has lost it.
    pub(super) fn at(&mut self, position: u64) -> Result<Hash> {
        let within = |this: &Self| usize::try_from(position.wrapping_sub(this.from)).unwrap_or(usize::MAX);
        if within(self) >= self.hashes.len() {
            self.read(position / tile::WIDTH)?;
        }
        Ok(self.hashes.get(within(self)).copied().unwrap_or_default())
    }

    fn read(&mut self, first: u64) -> Result<()> {
        self.from = first * tile::WIDTH;
        self.hashes.clear();
        self.hashes.resize(usize::try_from(TILES * tile::WIDTH).unwrap_or(0), Hash::ZERO);
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT number, hashes FROM canon.audit_tile
                 WHERE level OPERATOR(pg_catalog.=) 0 AND number OPERATOR(pg_catalog.>=) $1
                   AND number OPERATOR(pg_catalog.<) $2",
                None,
                &[number(first).into(), number(first.saturating_add(TILES)).into()],
            )?;
            for row in rows {
                let at = row.get::<i64>(1)?.and_then(|number| u64::try_from(number).ok()).unwrap_or(first) - first;
                let places = self.hashes.iter_mut().skip(usize::try_from(at * tile::WIDTH).unwrap_or(usize::MAX));
                let stored = row.get::<&[u8]>(2)?.unwrap_or_default();
                let width = usize::try_from(tile::WIDTH).unwrap_or(0);
                for (place, bytes) in places.zip(stored.chunks_exact(32)).take(width) {
                    *place = Hash::from_slice(bytes).unwrap_or_default();
                }
            }
            Ok(())
        })
    }
}

fn read((level, number): TileId) -> Result<Vec<Hash>> {
    let (level, number) = (i32::try_from(level).unwrap_or(i32::MAX), i64::try_from(number).unwrap_or(i64::MAX));
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT hashes FROM canon.audit_tile
             WHERE level OPERATOR(pg_catalog.=) $1 AND number OPERATOR(pg_catalog.=) $2",
            Some(1),
            &[level.into(), number.into()],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(Vec::new()) };
        let bytes = row.get::<&[u8]>(1)?.unwrap_or_default();
        Ok(bytes.chunks_exact(32).filter_map(Hash::from_slice).collect())
    })
}

/// Writes what the tree has gained. Must run as the owner of the ledger.
pub(super) fn write(growth: &Growth) -> Result<()> {
    let (mut levels, mut numbers, mut hashes): (Vec<i32>, Vec<i64>, Vec<Vec<u8>>) = Default::default();
    for ((level, number), gained) in growth.iter() {
        levels.push(i32::try_from(level).unwrap_or(i32::MAX));
        numbers.push(i64::try_from(number).unwrap_or(i64::MAX));
        hashes.push(gained.iter().flat_map(|hash| hash.0).collect());
    }
    ledger::run(
        "INSERT INTO canon.audit_tile AS t (level, number, hashes)
         SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.int8[]),
             pg_catalog.unnest($3::pg_catalog.bytea[])) AS u
         ON CONFLICT (level, number) DO UPDATE SET hashes = t.hashes OPERATOR(pg_catalog.||) excluded.hashes",
        &[levels.into(), numbers.into(), hashes.into()],
    )
}

/// Receipt of an entry.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_prove(entry: i64) -> std::result::Result<JsonB, ErrorReport> {
    Ok(JsonB(ledger::as_owner(|| receipt(entry))?))
}

/// The receipt of an entry as JSON. Must run as the owner of the ledger.
pub(super) fn receipt(entry: i64) -> Result<serde_json::Value> {
    serde_json::to_value(prove(entry)?).map_err(|error| Error::Internal(error.to_string()))
}

fn prove(entry: i64) -> Result<Receipt> {
    let (size, root, note) = last_block()?;
    let mut found: Option<(u64, EntryJson)> = None;
    read::each_entry(Range::One(entry), &mut |link, stored| {
        if let Some(stored) = stored {
            found = Some((link.position, EntryJson::of(stored)));
        }
        Ok(ControlFlow::Break(()))
    })?;
    let Some((index, json)) = found else {
        let known = Spi::connect(|client| {
            let sql = "SELECT pg_catalog.count(*) FROM canon.audit_entry WHERE id OPERATOR(pg_catalog.=) $1";
            client.select(sql, Some(1), &[entry.into()])?.first().get_one::<i64>()
        })?;
        return Err(if known == Some(0) { Error::NoEntry { entry } } else { Error::NotSealed { entry } });
    };
    let tiles = Tiles::default();
    let path = prove_inclusion(index, size, |level, index| tiles.node(level, index))?;
    let path = path.ok_or(Error::NotSealed { entry })?;
    Ok(Receipt::new(json, index, size, &path, root, note))
}

/// Size, root and checkpoint of the newest block.
fn last_block() -> Result<(u64, Hash, Option<String>)> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT size, root, checkpoint FROM canon.audit_block ORDER BY block DESC LIMIT 1",
            Some(1),
            &[],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok((0, Hash::ZERO, None)) };
        let size = u64::try_from(row.get::<i64>(1)?.unwrap_or(0)).unwrap_or(0);
        Ok((size, ledger::hash(row.get::<&[u8]>(2)?)?, row.get::<String>(3)?))
    })
}

/// Proof that a tree begins with an earlier one: hashes of 32 bytes, in the order of RFC 6962.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_prove_consistency(old_size: i64, new_size: i64) -> std::result::Result<Vec<Vec<u8>>, ErrorReport> {
    let path = ledger::as_owner(|| {
        let (size, _, _) = last_block()?;
        let sizes = (u64::try_from(old_size), u64::try_from(new_size));
        let (Ok(old), Ok(new)) = sizes else { return Ok(None) };
        if new > size {
            return Ok(None);
        }
        let tiles = Tiles::default();
        prove_consistency(old, new, |level, index| tiles.node(level, index))
    })?;
    let path = path.ok_or_else(|| Error::BadAuditOption {
        option: "old_size, new_size",
        value: format!("{old_size}, {new_size}"),
        allowed: "0 < old_size <= new_size <= the number of sealed entries",
    })?;
    Ok(path.into_iter().map(|hash| hash.0.to_vec()).collect())
}
