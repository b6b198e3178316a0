//! Mermaid entity-relationship diagrams.

use std::collections::BTreeSet;

use canon_core::schema::{Column, Constraint, ConstraintKind, Model, QName, References, Table};

/// A table, the tables it points at and the tables that point at it.
pub(super) fn neighbourhood(model: &Model, table: &Table) -> String {
    let mut lines = vec!["erDiagram".to_owned()];
    let mut relations = BTreeSet::new();
    for (key, references) in table.foreign_keys() {
        relations.insert(relation(table, key, references));
    }
    for other in model.tables.iter().filter(|t| t.name != table.name) {
        for (key, references) in other.foreign_keys().filter(|(_, r)| r.table == table.name) {
            relations.insert(relation(other, key, references));
        }
    }
    lines.extend(relations.into_iter().map(|r| format!("    {r}")));
    lines.push(format!("    {} {{", entity(&table.name)));
    lines.extend(table.columns.iter().filter_map(|c| attribute(table, c)).map(|a| format!("        {a}")));
    lines.push("    }".to_owned());
    lines.join("\n")
}

/// `parent ||--o{ child : "columns"`.
fn relation(child: &Table, key: &Constraint, references: &References) -> String {
    let optional = key.columns.iter().any(|c| child.column(c).is_some_and(|c| !c.not_null));
    let unique = child
        .constraints
        .iter()
        .any(|c| matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique) && c.columns == key.columns);
    let parent_end = if optional { "|o" } else { "||" };
    let child_end = if unique { "o|" } else { "o{" };
    let label = key.columns.join(", ");
    format!("{} {parent_end}--{child_end} {} : \"{label}\"", entity(&references.table), entity(&child.name))
}

/// Entities are words for Mermaid, so anything else goes into quotes.
fn entity(name: &QName) -> String {
    let word = name.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { name.name.clone() } else { format!("\"{}\"", name.name.replace('"', "'")) }
}

/// Only keys: the other columns stand in the table above the diagram.
fn attribute(table: &Table, column: &Column) -> Option<String> {
    let mut marks = Vec::new();
    if table.primary_key().contains(&column.name) {
        marks.push("PK");
    }
    if table.foreign_keys().any(|(key, _)| key.columns.contains(&column.name)) {
        marks.push("FK");
    }
    if marks.is_empty() {
        return None;
    }
    let ty: String = column
        .ty
        .split('(')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let name: String = column.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Some(format!("{ty} {name} {}", marks.join(", ")))
}
