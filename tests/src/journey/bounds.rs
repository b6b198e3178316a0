//! Values that lie inside a partition.

use std::collections::BTreeMap;

use canon_codegen::model::{Model, Table};

/// Literals for columns of the partition key, of the table and of the tables above it. Keys that are
/// expressions, and bounds of hashes, leave it to chance.
pub(super) fn inside(model: &Model, table: &Table) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut table = Some(first_leaf(model, table));
    while let Some((of, parent)) = table.and_then(|t| Some((t, model.table(&t.partition_of.as_ref()?.parent)?))) {
        let bound = of.partition_of.as_ref().map_or("", |p| p.bound.as_str());
        let key = parent.partition_key.as_deref().and_then(|key| list(key, "("));
        for (column, value) in key.unwrap_or_default().into_iter().zip(first(bound)) {
            let column = column.trim_matches('"').replace("\"\"", "\"");
            values.entry(column).or_insert(value);
        }
        table = Some(parent);
    }
    values
}

/// The table, or of a partitioned one the first of its partitions that has values to offer.
fn first_leaf<'m>(model: &'m Model, table: &'m Table) -> &'m Table {
    let mut leaf = table;
    let is_of = |part: &Table, whole: &Table| {
        part.partition_of.as_ref().is_some_and(|of| of.parent == whole.name && !first(&of.bound).is_empty())
    };
    while let Some(part) = model.tables.iter().find(|part| is_of(part, leaf)) {
        leaf = part;
    }
    leaf
}

/// The first value of a bound, for every column of the key.
fn first(bound: &str) -> Vec<String> {
    let values = match list(bound, "IN (") {
        Some(listed) => listed.into_iter().take(1).collect(),
        // The lower bound belongs to the partition.
        None => list(bound, "FROM (").unwrap_or_default(),
    };
    values.into_iter().take_while(|value| value != "MINVALUE").collect()
}

/// What stands in the parentheses that begin with `open`, apart at commas outside quotes.
fn list(text: &str, open: &str) -> Option<Vec<String>> {
    let inside = &text[text.find(open)? + open.len()..];
    let mut parts = vec![String::new()];
    let (mut quote, mut depth) = (None, 0);
    for c in inside.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(q)) if q == c => quote = None,
            ('(', None) => depth += 1,
            (')', None) if depth == 0 => return Some(parts.iter().map(|p| p.trim().to_owned()).collect()),
            (')', None) => depth -= 1,
            (',', None) if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    None
}
