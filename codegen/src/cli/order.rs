//! `canon order`.

use std::fmt::Write as _;

use canon_codegen::emit::order::{BreakBy, insert_order};

use super::Outcome;
use super::input::{InputArgs, Read};

pub(super) fn order(args: &InputArgs) -> Outcome {
    let Read { loaded, verdict } = args.load()?;
    let mut text = String::new();
    for step in insert_order(&loaded.model) {
        let notes: Vec<String> = step
            .postponed
            .iter()
            .map(|p| {
                let how = match p.by {
                    BreakBy::Deferral => "checked at commit",
                    BreakBy::Null => "insert NULL, then update",
                    BreakBy::Nothing => "no order satisfies it",
                };
                format!("{} to {}: {how}", p.constraint, p.table)
            })
            .collect();
        let _ = match notes.as_slice() {
            [] => writeln!(text, "{}", step.table),
            notes => writeln!(text, "{}  ({})", step.table, notes.join("; ")),
        };
    }
    Ok((text, verdict))
}
