//! Statements read a second time, where the model does not tell what a rule wants to know.

use std::collections::HashSet;
use std::ops::Range;

use super::context::Context;
use super::words;
use crate::error::{Diagnostic, Topic};
use crate::parse::change::{AlterTable, Change, ConstraintBody, ConstraintDef, Element};
use crate::parse::{Name, Outcome, read};
use crate::split::{Piece, PieceKind};

/// A foreign key as it is written.
#[derive(Clone, Debug)]
pub(super) struct WrittenKey {
    pub(super) table: Name,
    pub(super) columns: Vec<String>,
    pub(super) target: Name,
    pub(super) referenced: Vec<String>,
    /// Bytes of its declaration, up to the end of the line.
    pub(super) range: Range<usize>,
}

/// The statement that a diagnostic is about.
pub(super) fn piece_of<'c>(cx: &'c Context<'_>, diagnostic: &Diagnostic) -> Option<&'c Piece> {
    let pieces = &cx.scripts.get(diagnostic.file)?.pieces;
    let next = pieces.partition_point(|p| p.range.start <= diagnostic.range.start);
    pieces.get(next.checked_sub(1)?).filter(|p| p.range.end >= diagnostic.range.start)
}

/// The foreign keys that a statement declares.
pub(super) fn foreign_keys(cx: &Context<'_>, diagnostic: &Diagnostic) -> Vec<WrittenKey> {
    let Some(piece) = piece_of(cx, diagnostic).filter(|p| p.kind == PieceKind::Statement) else { return Vec::new() };
    let text = &cx.sources[diagnostic.file].text;
    if !words::contains_ignoring_case(&text[piece.range.clone()], "references") {
        return Vec::new();
    }
    let Outcome::Changes(changes, _) = read(text, piece.range.clone()) else { return Vec::new() };
    let mut keys = Vec::new();
    for change in &changes {
        match change {
            Change::CreateTable(table) => {
                for element in &table.elements {
                    let constraints = match element {
                        Element::Column(column) => column.constraints.as_slice(),
                        Element::Constraint(constraint) => std::slice::from_ref(constraint),
                        Element::Like { .. } => &[],
                    };
                    keys.extend(constraints.iter().filter_map(|c| written_key(text, &table.name, c)));
                }
            }
            Change::AlterTable { name, actions, .. } => {
                for action in actions {
                    let constraints = match action {
                        AlterTable::AddConstraint(constraint) => std::slice::from_ref(constraint.as_ref()),
                        AlterTable::AddColumn { column, .. } => column.constraints.as_slice(),
                        _ => &[],
                    };
                    keys.extend(constraints.iter().filter_map(|c| written_key(text, name, c)));
                }
            }
            _ => {}
        }
    }
    keys
}

fn written_key(text: &str, table: &Name, constraint: &ConstraintDef) -> Option<WrittenKey> {
    let ConstraintBody::Foreign(foreign) = &constraint.body else { return None };
    let line = text[constraint.at..].lines().next().unwrap_or_default();
    let end = constraint.at + line.trim_end().trim_end_matches([',', ';']).len();
    Some(WrittenKey {
        table: table.clone(),
        columns: foreign.columns.clone(),
        target: foreign.table.clone(),
        referenced: foreign.referenced.clone(),
        range: constraint.at..end,
    })
}

/// Names behind CREATE TABLE of statements that do not read: the tables exist, but are not in the
/// model.
pub(super) fn names_of_unread_tables(cx: &Context<'_>) -> HashSet<String> {
    let unparsed = cx.diagnostics.iter().filter(|d| d.topic == Topic::Unparsed);
    let head = |diagnostic: &Diagnostic| {
        let piece = piece_of(cx, diagnostic)?;
        let text = &cx.sources[diagnostic.file].text[piece.range.clone()];
        let head = &text[..text.find('(')?];
        let last = head.split_whitespace().last()?.rsplit('.').next()?;
        words::contains_ignoring_case(head, "table").then(|| last.trim_matches('"').to_lowercase())
    };
    unparsed.filter_map(head).collect()
}
