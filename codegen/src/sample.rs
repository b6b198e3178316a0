//! Plausible values: one for each column, and whole rows that a table accepts.
//!
//! Values are chosen from the type, the checks and the name of a column. They are deterministic,
//! so that documents and tests do not change from run to run.

use std::collections::{BTreeMap, HashSet};

use canon_core::schema::{Column, ConstraintKind, Identity, Table};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::expr;

mod literal;

pub use literal::literal;

/// A value for `column`, as JSON; `n` tells rows apart.
pub fn value(table: &Table, column: &Column, n: u32) -> Value {
    value_among(&|| value_list(table, &column.name), table, column, n)
}

/// [`value`], where the lists of the checks are known already.
pub(crate) fn value_in(lists: &BTreeMap<String, Vec<String>>, table: &Table, column: &Column, n: u32) -> Value {
    value_among(&|| lists.get(&column.name).cloned(), table, column, n)
}

fn value_among(list: &dyn Fn() -> Option<Vec<String>>, table: &Table, column: &Column, n: u32) -> Value {
    let element = column.ty.strip_suffix("[]");
    if let Some(element) = element {
        return Value::Array(vec![allowed_element(table, column).unwrap_or_else(|| scalar(table, column, element, n))]);
    }
    if let Some(values) = list() {
        return Value::from(values[n as usize % values.len()].clone());
    }
    scalar(table, column, &column.ty, n)
}

/// The values that a check allows for a column.
pub fn value_list(table: &Table, column: &str) -> Option<Vec<String>> {
    value_lists(table).remove(column)
}

/// The values that checks allow, by column. A check that was never validated promises nothing.
pub fn value_lists(table: &Table) -> BTreeMap<String, Vec<String>> {
    let mut lists = BTreeMap::new();
    for check in table.constraints.iter().filter(|c| c.kind == ConstraintKind::Check && !c.not_valid) {
        if let Some((column, values)) = check.expression.as_deref().and_then(expr::value_list) {
            lists.entry(column).or_insert_with(|| distinct(values));
        }
    }
    lists.retain(|_, values| !values.is_empty());
    lists
}

/// Without repetitions, in the order of first appearance.
pub(crate) fn distinct(values: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

/// Whether a check says that a text column holds JSON.
pub fn is_json_text(table: &Table, column: &str) -> bool {
    let wanted = [format!("canon.is_json({column})"), format!("{column} IS JSON")];
    table.constraints.iter().any(|c| c.expression.as_deref().is_some_and(|e| wanted.iter().any(|w| e == w)))
}

/// A row of `table` in which every column that can be written has a value. Foreign keys get values
/// too, which point at nothing.
pub fn row(table: &Table, n: u32) -> Map<String, Value> {
    let lists = value_lists(table);
    let writable = table.columns.iter().filter(|c| c.generated.is_none() && c.identity != Some(Identity::Always));
    writable.map(|column| (column.name.clone(), value_in(&lists, table, column, n))).collect()
}

/// An element that `column <@ ARRAY['a', 'b']` allows.
fn allowed_element(table: &Table, column: &Column) -> Option<Value> {
    table.constraints.iter().filter_map(|c| c.expression.as_deref()).find_map(|check| {
        let (name, list) = check.split_once("<@")?;
        let literal = list.split('\'').nth(1)?;
        (name.trim() == column.name).then(|| Value::from(literal))
    })
}

fn scalar(table: &Table, column: &Column, ty: &str, n: u32) -> Value {
    let (base, modifiers) = match ty.split_once('(') {
        Some((base, rest)) => (base.trim_end(), rest.split(')').next().unwrap_or_default()),
        None => (ty, ""),
    };
    match base {
        // Checks on numbers are mostly small ranges; only keys have to tell rows apart.
        "smallint" | "integer" | "bigint" if !is_key(table, column) => json!(n % 10 + 1),
        "smallint" | "integer" | "bigint" => json!(n + 1),
        "real" | "double precision" => json!(f64::from(n) + 0.5),
        "numeric" => json!(decimal(modifiers, n)),
        "boolean" => json!(n.is_multiple_of(2)),
        "uuid" => json!(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}.{}.{n}", table.name, column.name).as_bytes())),
        "date" => json!(format!("2025-03-{:02}", n % 28 + 1)),
        "timestamp with time zone" | "timestamp" if ty.ends_with("with time zone") => {
            json!(format!("2025-03-{:02}T09:30:00Z", n % 28 + 1))
        }
        "timestamp without time zone" | "timestamp" => json!(format!("2025-03-{:02}T09:30:00", n % 28 + 1)),
        "time without time zone" | "time" => json!("09:30:00"),
        "json" | "jsonb" => json!({"key": format!("value {n}")}),
        "inet" => json!(format!("192.0.2.{}", n % 254 + 1)),
        "cidr" => json!("192.0.2.0/24"),
        "bytea" => json!([1, 2, 3]),
        other => {
            let literal = literal::builtin(other, modifiers, n);
            Value::from(literal.unwrap_or_else(|| text(table, column, modifiers, n)))
        }
    }
}

fn is_key(table: &Table, column: &Column) -> bool {
    table.constraints.iter().any(|c| c.columns.contains(&column.name))
}

/// As many digits as the type has, with a fraction where it has one.
fn decimal(modifiers: &str, n: u32) -> String {
    let scale = modifiers.split(',').nth(1).and_then(|s| s.trim().parse::<usize>().ok());
    match scale {
        Some(0) => (n % 10 + 1).to_string(),
        Some(scale) => format!("{}.{}", n % 10 + 1, "5".repeat(scale)),
        None => format!("{}.25", n + 1),
    }
}

/// Text that looks like what the column's name promises.
fn text(table: &Table, column: &Column, modifiers: &str, n: u32) -> String {
    let name = column.name.to_lowercase();
    let has = |part: &str| name.contains(part);
    let text = if is_json_text(table, &column.name) {
        format!("{{\"key\": \"value {n}\"}}")
    } else if has("color") {
        format!("#0066{:02X}", n % 256)
    } else if has("email") && !has("template") {
        format!("user{n}@example.com")
    } else if has("phone") {
        format!("+1555010{:03}", n % 1000)
    } else if has("slug") {
        format!("example-{n}")
    } else if has("ip_address") || has("ip_range") {
        format!("192.0.2.{}", n % 254 + 1)
    } else if name.ends_with("url") {
        format!("https://example.com/{n}")
    } else if name.ends_with("_hash") {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name}{n}").as_bytes()).simple().to_string()
    } else if has("timezone") {
        "UTC".to_owned()
    } else {
        format!("{} {n}", name.replace('_', " "))
    };
    match modifiers.parse::<usize>() {
        // The number at the end tells rows apart, so the beginning gives way.
        Ok(limit) if text.chars().count() > limit => text.chars().skip(text.chars().count() - limit).collect(),
        _ => text,
    }
}
