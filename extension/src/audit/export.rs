//! The ledger as lines: to verify elsewhere, or to read.

use std::ops::ControlFlow;

use canon_core::ledger::dump::Line;
use canon_core::ledger::receipt::EntryJson;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::ledger;
use super::read::{self, Range};
use super::verify;
use crate::error::{Error, Result};

/// The ledger as text: `jsonl` for `canon verify`, `csv` to read.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_export(
    format: default!(&str, "'jsonl'"),
) -> std::result::Result<SetOfIterator<'static, String>, ErrorReport> {
    let lines = match format {
        "jsonl" => ledger::as_owner(json_lines)?,
        "csv" => ledger::as_owner(csv)?,
        _ => {
            let allowed = "jsonl, csv";
            return Err(Error::BadAuditOption { option: "format", value: format.to_owned(), allowed }.into());
        }
    };
    Ok(SetOfIterator::new(lines))
}

fn json_lines() -> Result<Vec<String>> {
    let verify::Beginning { origin, anchor, .. } = verify::beginning()?;
    let begin = i64::try_from(anchor.size).unwrap_or(i64::MAX);
    let first_block = i64::try_from(anchor.block).unwrap_or(i64::MAX) + 1;
    let write = |line: &Line| serde_json::to_string(line).map_err(|error| Error::Internal(error.to_string()));
    let mut lines = vec![write(&Line::Ledger { origin, anchor })?];
    // The block at which removed entries end, then those with entries.
    for (block, hash, checkpoint) in verify::blocks(first_block - 1, Some(first_block - 1))? {
        lines.push(write(&Line::Block { block, hash, checkpoint })?);
    }
    let blocks = verify::blocks(first_block, None)?;
    let mut blocks = blocks.into_iter().peekable();
    read::each_entry(Range::Positions(begin, i64::MAX), &mut |link, stored| {
        let Some(stored) = stored else { return Ok(ControlFlow::Continue(())) };
        lines.push(write(&Line::Entry {
            position: link.position,
            chain: link.chain.map(str::to_owned),
            previous_hash: link.previous,
            audit_chain_hash: link.hash,
            leaf: stored.leaf,
            entry: EntryJson::of(stored),
        })?);
        while let Some((block, hash, checkpoint)) = blocks.next_if(|(block, _, _)| block.size <= link.position + 1) {
            lines.push(write(&Line::Block { block, hash, checkpoint })?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(lines)
}

const CSV: &str = "SELECT position, id, pg_catalog.to_char(pg_catalog.timezone('UTC', recorded_at), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        operation, relation, row_key, old_row::pg_catalog.text, new_row::pg_catalog.text, actor, context::pg_catalog.text,
        previous_hash, audit_chain_hash
    FROM canon.audit_log ORDER BY position NULLS LAST, id";

/// RFC 4180: every text quoted, NULL empty.
fn csv() -> Result<Vec<String>> {
    let header = "position,id,recorded_at,operation,relation,row_key,old_row,new_row,actor,context,previous_hash,audit_chain_hash";
    let mut lines = vec![header.to_owned()];
    Spi::connect(|client| {
        for row in client.select(CSV, None, &[])? {
            let number = |at| row.get::<i64>(at).map(|n| n.map(|n| n.to_string()).unwrap_or_default());
            let mut cells = vec![number(1)?, number(2)?];
            for at in 3..=12 {
                let text = row.get::<String>(at)?;
                cells.push(text.map(|text| format!("\"{}\"", text.replace('"', "\"\""))).unwrap_or_default());
            }
            lines.push(cells.join(","));
        }
        Ok(lines)
    })
}
