//! Indexes with what they are for.

use canon_core::schema::{ConstraintKind, Index, Table};
use serde::Serialize;

use crate::emit::ddl;
use crate::markdown::{code_cell, text};

/// A line of the table of indexes.
#[derive(Debug, Serialize)]
pub(super) struct IndexLine {
    name: String,
    columns_md: String,
    #[serde(rename = "type")]
    kind: String,
    purpose_md: String,
    notes_md: String,
}

/// All indexes of a table, those of constraints first.
pub(super) fn of(table: &Table) -> Vec<IndexLine> {
    let of_constraints = table.constraints.iter().filter_map(|c| {
        let (kind, purpose) = match c.kind {
            ConstraintKind::Primary => ("B-tree, unique", "Primary key"),
            ConstraintKind::Unique if c.without_overlaps => ("GiST", "Uniqueness without overlaps"),
            ConstraintKind::Unique => ("B-tree, unique", "Uniqueness"),
            ConstraintKind::Exclusion => ("Exclusion", "No two rows in conflict"),
            ConstraintKind::Foreign | ConstraintKind::Check => return None,
        };
        let columns =
            if c.columns.is_empty() { c.expression.clone().unwrap_or_default() } else { c.columns.join(", ") };
        let mut notes = vec!["made by the constraint".to_owned()];
        notes.extend(c.nulls_not_distinct.then(|| "NULLs are equal".to_owned()));
        notes.extend((!c.include.is_empty()).then(|| format!("includes {}", code_cell(&c.include.join(", ")))));
        notes.extend(c.comment.as_deref().map(text));
        Some(IndexLine {
            name: c.name.clone(),
            columns_md: code_cell(&columns),
            kind: kind.to_owned(),
            purpose_md: purpose.to_owned(),
            notes_md: notes.join("; "),
        })
    });
    of_constraints.chain(table.indexes.iter().map(|index| index_line(table, index))).collect()
}

fn index_line(table: &Table, index: &Index) -> IndexLine {
    let columns: Vec<&str> = index.keys.iter().filter_map(|k| k.column.as_deref()).collect();
    let leads = |key: &[String]| key.len() <= columns.len() && key.iter().zip(&columns).all(|(a, b)| a == b);
    let serves: Vec<String> =
        table.foreign_keys().filter(|(key, _)| leads(&key.columns)).map(|(key, _)| code_cell(&key.name)).collect();
    let text_search = index.keys.iter().any(|k| k.expression.as_deref().is_some_and(|e| e.contains("to_tsvector")));
    let mut purposes = Vec::new();
    purposes.extend(index.unique.then(|| "Uniqueness".to_owned()));
    purposes.extend(text_search.then(|| "Full-text search".to_owned()));
    purposes.extend((!serves.is_empty()).then(|| format!("Foreign key {}", serves.join(", "))));
    if purposes.is_empty() {
        purposes.push(match index.method.as_str() {
            "gin" => "Search inside values".to_owned(),
            "gist" | "spgist" => "Search by range or distance".to_owned(),
            "brin" => "Scans of rows stored in order".to_owned(),
            "hash" => "Lookups by equality".to_owned(),
            _ => "Lookups and sorting".to_owned(),
        });
    }
    let mut notes = Vec::new();
    notes.extend(index.predicate.as_ref().map(|_| "only the rows of the predicate".to_owned()));
    notes.extend(index.nulls_not_distinct.then(|| "NULLs are equal".to_owned()));
    notes.extend((!index.include.is_empty()).then(|| format!("includes {}", code_cell(&index.include.join(", ")))));
    notes.extend(index.comment.as_deref().map(text));
    let mut columns_md = code_cell(&ddl::keys(index));
    if let Some(predicate) = &index.predicate {
        columns_md.push_str(&format!(" where {}", code_cell(predicate)));
    }
    IndexLine {
        name: index.name.clone(),
        columns_md,
        kind: index_kind(index),
        purpose_md: purposes.join("; "),
        notes_md: notes.join("; "),
    }
}

fn index_kind(index: &Index) -> String {
    let method = match index.method.as_str() {
        "btree" => "B-tree",
        "gin" => "GIN",
        "gist" => "GiST",
        "spgist" => "SP-GiST",
        "brin" => "BRIN",
        "hash" => "Hash",
        other => other,
    };
    let partial = if index.predicate.is_some() { "Partial " } else { "" };
    format!("{partial}{method}{}", if index.unique { ", unique" } else { "" })
}
