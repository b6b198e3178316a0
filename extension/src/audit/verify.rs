//! Verification of the ledger from the stored data up.

use std::ops::ControlFlow;

use canon_core::ledger::block::Block;
use canon_core::ledger::dump::Anchor;
use canon_core::ledger::entry::Operation;
use canon_core::ledger::hash::Hash;
use canon_core::ledger::verify::{Audit, Problem, Start, Witnessed};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::columns::micros;
use super::ledger::Raw;
use super::read::{self, Range};
use super::tree::{Leaves, Tiles};
use super::{checks, compare, ledger, sign};
use crate::error::{Error, Result};

/// What verification has found.
type Row = (bool, i64, Option<i64>, Option<String>, Option<i64>, i64, i64, i64, i64);

/// Verifies the ledger.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
pub(super) fn audit_verify(
    incremental: default!(bool, "false"),
    live: default!(bool, "false"),
    from_block: default!(Option<i64>, "NULL"),
    to_block: default!(Option<i64>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(ok, bool),
            name!(entries, i64),
            name!(first_bad, Option<i64>),
            name!(problem, Option<String>),
            name!(position, Option<i64>),
            name!(redacted, i64),
            name!(signed_checkpoints, i64),
            name!(size, i64),
            name!(removed, i64),
        ),
    >,
    ErrorReport,
> {
    let row = match ledger::owner()? {
        None => (true, 0, None, None, None, 0, 0, 0, 0),
        Some(owner) => ledger::as_role(owner, || verify(incremental, live, from_block, to_block))?,
    };
    Ok(TableIterator::once(row))
}

fn verify(incremental: bool, live: bool, from_block: Option<i64>, to_block: Option<i64>) -> Result<Row> {
    let beginning = beginning()?;
    let removed = beginning.anchor.size;
    let start = match from_block {
        Some(block) if block > block_number(&beginning.anchor) + 1 => start_at(block, &beginning.anchor)?,
        Some(_) => started(&beginning.anchor)?,
        None if incremental => started(&beginning.verified)?,
        None => started(&beginning.anchor)?,
    };
    let whole = to_block.is_none();
    let witnessed = if whole { sign::exported()? } else { Vec::new() };
    let begin = start.edge.size();
    let Passed { mut audit, mut problem, definitions } = run(start, beginning, witnessed, to_block)?;
    if problem.is_none() && whole {
        if audit.is_waiting() {
            heed_unsealed(&mut audit)?;
        }
        problem = audit.finish().err();
    }
    if problem.is_none() && whole {
        let scope = checks::Scope { incremental, all: (begin == removed).then(|| audit.entries()), definitions };
        problem = checks::completeness(&scope)?;
    }
    if problem.is_none() && whole {
        problem = compare::compare(!live)?;
    }
    if whole && from_block.is_none() {
        checks::settle(&audit, problem.as_ref())?;
    }
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (entries, redacted, signed, size) = (audit.entries(), audit.redacted(), audit.signed(), audit.size());
    let position = problem.as_ref().map(|p| p.position).filter(|position| *position != u64::MAX).map(number);
    Ok((
        problem.is_none(),
        number(entries),
        problem.as_ref().and_then(|p| p.entry),
        problem.map(|p| p.text),
        position,
        number(redacted),
        number(signed),
        number(size),
        number(removed),
    ))
}

/// Verifies what there is up to a block.
pub(super) fn up_to(block: i64) -> Result<(Audit, Option<Problem>)> {
    let beginning = beginning()?;
    let passed = run(started(&beginning.anchor)?, beginning, Vec::new(), Some(block))?;
    Ok((passed.audit, passed.problem))
}

/// What a pass over sealed entries has found.
struct Passed {
    audit: Audit,
    problem: Option<Problem>,
    /// Whether the definition of a table was changed.
    definitions: bool,
}

fn run(start: Start, beginning: Beginning, witnessed: Vec<Witnessed>, to_block: Option<i64>) -> Result<Passed> {
    let at_anchor = start.edge.size() == beginning.anchor.size;
    let mut audit = Audit::new(start, sign::public_key()?, Some(beginning.origin), witnessed);
    if at_anchor && beginning.anchor.size > 0 {
        audit = audit.after_removal();
        let last = block_number(&beginning.anchor);
        for (block, hash, note) in blocks(last, Some(last))? {
            if let Err(problem) = audit.anchor(&block, hash, note.as_deref()) {
                return Ok(Passed { audit, problem: Some(problem), definitions: false });
            }
        }
    }
    let mut definitions = false;
    let problem = feed(&mut audit, to_block, &mut definitions)?.err();
    Ok(Passed { audit, problem, definitions })
}

fn started(anchor: &Anchor) -> Result<Start> {
    anchor.start().ok_or_else(|| Error::Internal("the anchor of the ledger is malformed".to_owned()))
}

fn block_number(anchor: &Anchor) -> i64 {
    i64::try_from(anchor.block).unwrap_or(i64::MAX)
}

/// Entries that announce an erasure or a removal and are not sealed yet. That they will be is for the
/// check of completeness.
fn heed_unsealed(audit: &mut Audit) -> Result<()> {
    read::each_unsealed(&[Operation::Redact, Operation::Retain], &mut |stored| {
        if stored.compute_leaf() == Ok(stored.leaf) {
            audit.heed(stored);
        }
    })
}

/// Where verification can begin.
pub(super) struct Beginning {
    pub(super) origin: String,
    /// Before the first entry that is left.
    pub(super) anchor: Anchor,
    /// After the last one that was verified.
    verified: Anchor,
}

/// Reads it from the state of the ledger.
pub(super) fn beginning() -> Result<Beginning> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT origin, anchor::pg_catalog.text, verified::pg_catalog.text FROM canon.audit_ledger",
            Some(1),
            &[],
        )?;
        let row = rows.first();
        let missing = || Error::Internal("canon.audit_ledger has lost its row".to_owned());
        let origin: String = row.get(1)?.ok_or_else(missing)?;
        let anchor: String = row.get(2)?.ok_or_else(missing)?;
        let verified = row.get::<String>(3)?.unwrap_or_else(|| anchor.clone());
        let read = |text: &str| serde_json::from_str(text).map_err(|error| Error::Internal(error.to_string()));
        Ok(Beginning { origin, anchor: read(&anchor)?, verified: read(&verified)? })
    })
}

/// Where a block begins, taken from what is stored: whoever verifies the blocks before it vouches for that.
fn start_at(block: i64, anchor: &Anchor) -> Result<Start> {
    let before = blocks(block - 1, Some(block - 1))?.into_iter().next();
    let (before, hash, _) = before.ok_or_else(|| Error::BadAuditOption {
        option: "from_block",
        value: block.to_string(),
        allowed: "a block of canon.audit_block, or the one after the last",
    })?;
    let size = i64::try_from(before.size).unwrap_or(i64::MAX);
    let mut start = Start {
        edge: Tiles::default().edge(before.size)?,
        chains: started(anchor)?.chains,
        block: (before.number, hash),
    };
    // The chain of the whole ledger has a link nearly everywhere; the others are looked for if there are any.
    let whole = "SELECT chain, audit_chain_hash FROM canon.audit_position
        WHERE position OPERATOR(pg_catalog.<) $1 AND chain IS NULL ORDER BY position DESC LIMIT 1";
    let named = "SELECT DISTINCT ON (chain) chain, audit_chain_hash FROM canon.audit_position
        WHERE position OPERATOR(pg_catalog.<) $1 AND chain IS NOT NULL AND EXISTS (SELECT FROM canon.audit_chain)
        ORDER BY chain, position DESC";
    Spi::connect(|client| {
        for sql in [whole, named] {
            for row in client.select(sql, None, &[size.into()])? {
                start.chains.set(row.get::<&str>(1)?, ledger::hash(row.get::<&[u8]>(2)?)?);
            }
        }
        Ok(start)
    })
}

/// Blocks from a number on, with stored hash and checkpoint.
pub(super) fn blocks(from: i64, to: Option<i64>) -> Result<Vec<(Block, Hash, Option<String>)>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT block, incarnation, size, root, previous_hash, block_hash, snapshot_from, snapshot_to, sealed_at, lsn,
                 checkpoint
             FROM canon.audit_block
             WHERE block OPERATOR(pg_catalog.>=) $1 AND ($2 IS NULL OR block OPERATOR(pg_catalog.<=) $2) ORDER BY block",
            None,
            &[from.into(), to.into()],
        )?;
        let mut found = Vec::new();
        for row in rows {
            let missing = || Error::Internal("canon.audit_block holds a NULL".to_owned());
            let block = Block {
                number: u64::try_from(row.get::<i64>(1)?.ok_or_else(missing)?).unwrap_or(0),
                incarnation: u32::try_from(row.get::<i32>(2)?.ok_or_else(missing)?).unwrap_or(0),
                size: u64::try_from(row.get::<i64>(3)?.ok_or_else(missing)?).unwrap_or(0),
                root: ledger::hash(row.get::<&[u8]>(4)?)?,
                previous: ledger::hash(row.get::<&[u8]>(5)?)?,
                snapshot_from: row.get(7)?.ok_or_else(missing)?,
                snapshot_to: row.get(8)?.ok_or_else(missing)?,
                sealed_at: micros(row.get::<Raw>(9)?.ok_or_else(missing)?.int8()),
                lsn: row.get(10)?.ok_or_else(missing)?,
            };
            found.push((block, ledger::hash(row.get::<&[u8]>(6)?)?, row.get(11)?));
        }
        Ok(found)
    })
}

/// Feeds entries and blocks; the inner result is the verdict.
fn feed(audit: &mut Audit, to_block: Option<i64>, definitions: &mut bool) -> Result<std::result::Result<(), Problem>> {
    let from = i64::try_from(audit.state().block.0).unwrap_or(i64::MAX) + 1;
    let blocks = blocks(from, to_block)?;
    let end = match (to_block, blocks.last()) {
        (None, _) => i64::MAX,
        (Some(_), last) => last.map_or(0, |(block, _, _)| i64::try_from(block.size).unwrap_or(i64::MAX)),
    };
    let begin = i64::try_from(audit.size()).unwrap_or(i64::MAX);
    let mut blocks = blocks.iter().peekable();
    let mut problem = None;
    // Blocks without entries before the first one are wrong, and found below.
    let mut leaves = Leaves::default();
    read::each_entry(Range::Positions(begin, end), &mut |link, stored| {
        let tile = leaves.at(link.position)?;
        *definitions |= stored.is_some_and(|stored| stored.header.operation == Operation::Ddl);
        let mut step = || {
            audit.entry(link, stored, Some(tile))?;
            while let Some((block, hash, note)) = blocks.next_if(|(block, _, _)| block.size <= audit.size()) {
                audit.block(block, *hash, note.as_deref())?;
            }
            Ok(())
        };
        problem = step().err();
        Ok(if problem.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if let Some(problem) = problem {
        return Ok(Err(problem));
    }
    for (block, hash, note) in blocks {
        if let Err(problem) = audit.block(block, *hash, note.as_deref()) {
            return Ok(Err(problem));
        }
    }
    Ok(Ok(()))
}
