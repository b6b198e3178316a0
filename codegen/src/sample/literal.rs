//! A value of any type, as PostgreSQL reads and writes it.

use canon_core::schema::{Column, Model, QName, Table};

use crate::expr;
use crate::typename::{Spelling, qualified};

/// Deepest nesting of types in types; beyond it is a ring, which PostgreSQL refuses.
const MAX_DEPTH: usize = 16;

/// A value for `column` as text that PostgreSQL takes as an input of its type; `n` tells rows apart.
pub fn literal(model: &Model, table: &Table, column: &Column, n: u32) -> String {
    if let Some(values) = super::value_list(table, &column.name) {
        return values[n as usize % values.len()].clone();
    }
    let at = Place { model, table, column };
    if let (true, Some(element)) = (column.ty.ends_with("[]"), super::allowed_element(table, column)) {
        return array(&[element.as_str().unwrap_or_default().to_owned()]);
    }
    at.of_type(&column.ty, n, 0)
}

struct Place<'a> {
    model: &'a Model,
    table: &'a Table,
    column: &'a Column,
}

impl Place<'_> {
    fn of_type(&self, ty: &str, n: u32, depth: usize) -> String {
        let spelling = Spelling::parse(ty);
        if depth > MAX_DEPTH {
            return String::new();
        }
        if spelling.array {
            return array(&[n, n + 1].map(|n| self.of_type(spelling.element, n, depth + 1)));
        }
        match qualified(&spelling.name) {
            Some(name) => self.declared(&name, n, depth).unwrap_or_else(|| self.builtin(&name.name, &spelling, n)),
            None => self.builtin(&spelling.name, &spelling, n),
        }
    }

    /// A value of a type that the schema declares.
    fn declared(&self, name: &QName, n: u32, depth: usize) -> Option<String> {
        let model = self.model;
        if let Some(ty) = model.enums.iter().find(|t| t.name == *name) {
            return ty.labels.get(n as usize % ty.labels.len().max(1)).cloned();
        }
        if let Some(domain) = model.domains.iter().find(|t| t.name == *name) {
            let checks = domain.checks.iter().filter_map(|c| c.expression.as_deref());
            let listed = checks.filter_map(expr::value_list).map(|(_, values)| values).find(|v| !v.is_empty());
            return Some(match listed {
                Some(values) => values[n as usize % values.len()].clone(),
                None => self.of_type(&domain.ty, n, depth + 1),
            });
        }
        if let Some(ty) = model.composites.iter().find(|t| t.name == *name) {
            let fields: Vec<String> = ty.columns.iter().map(|c| self.of_type(&c.ty, n, depth + 1)).collect();
            return Some(record(&fields));
        }
        if let Some(table) = model.table(name) {
            let fields: Vec<String> = table.columns.iter().map(|c| self.of_type(&c.ty, n, depth + 1)).collect();
            return Some(record(&fields));
        }
        let bounds = |subtype: &str| self.range(subtype, n, depth);
        if let Some(range) = model.ranges.iter().find(|t| t.name == *name) {
            return Some(bounds(&range.subtype));
        }
        let range = model.ranges.iter().find(|t| t.multirange == *name)?;
        Some(format!("{{{}}}", bounds(&range.subtype)))
    }

    fn range(&self, subtype: &str, n: u32, depth: usize) -> String {
        let mut bounds = [n, n + 3].map(|n| self.of_type(subtype, n, depth + 1));
        // Text has an order of its own.
        if !subtype.starts_with(|c: char| c.is_ascii_alphabetic()) || qualified(subtype).is_some() {
            bounds.sort();
        }
        format!("[{},{})", quoted(&bounds[0]), quoted(&bounds[1]))
    }

    fn builtin(&self, name: &str, spelling: &Spelling<'_>, n: u32) -> String {
        builtin(name, spelling.modifiers, n).unwrap_or_else(|| {
            match super::scalar(self.table, self.column, spelling.element, n) {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            }
        })
    }
}

/// A value of a built-in type, or of one of a well-known extension, that is not plain text.
pub(super) fn builtin(name: &str, modifiers: &str, n: u32) -> Option<String> {
    let day = n % 20 + 1;
    let length = modifiers.split(',').next().and_then(|l| l.trim().parse::<usize>().ok());
    Some(match name {
        "interval" => format!("1 year 2 mons {day} days 04:05:06.789"),
        _ if name.starts_with("interval") => format!("{day} days 04:05:06"),
        "time with time zone" => format!("09:30:{day:02}+02"),
        "money" => format!("{}.34", n % 1000),
        "bit" => {
            (0..length.unwrap_or(1)).map(|at| if (at + n as usize).is_multiple_of(3) { '1' } else { '0' }).collect()
        }
        "bit varying" => "10110".chars().take(length.unwrap_or(5)).collect(),
        "macaddr" => format!("08:00:2b:01:02:{:02x}", n % 256),
        "macaddr8" => format!("08:00:2b:01:02:03:04:{:02x}", n % 256),
        "point" => format!("({day},2.5)"),
        "line" => format!("{{{day},-1,0.5}}"),
        "lseg" => format!("[(0,0),({day},1.5)]"),
        "box" => format!("({day},2.5),(0,0)"),
        "path" => format!("[(0,0),({day},1),(2,0.5)]"),
        "polygon" => format!("((0,0),({day},1),(2,0.5))"),
        "circle" => format!("<(1,1),{day}.5>"),
        "int4range" | "int8range" => format!("[{n},{})", n + 10),
        "numrange" => format!("[{n}.5,{}.5]", n + 1),
        "daterange" => format!("[2025-03-{day:02},2025-03-{:02})", day + 2),
        "tsrange" => format!("[\"2025-03-{day:02} 09:30:00\",\"2025-03-{:02} 09:30:00\")", day + 2),
        "tstzrange" => format!("[\"2025-03-{day:02} 09:30:00+00\",)"),
        "int4multirange" | "int8multirange" => format!("{{[{n},{}),[{},{})}}", n + 2, n + 5, n + 9),
        "nummultirange" => format!("{{[{n}.5,{}.5]}}", n + 1),
        "datemultirange" => format!("{{[2025-03-{day:02},2025-03-{:02})}}", day + 2),
        "tsmultirange" => format!("{{[\"2025-03-{day:02} 09:30:00\",\"2025-03-{:02} 09:30:00\")}}", day + 2),
        "tstzmultirange" => format!("{{[\"2025-03-{day:02} 09:30:00+00\",)}}"),
        "tsvector" => format!("'fat':1 'rat':{day}"),
        "tsquery" => "'fat' & 'rat'".to_owned(),
        "xml" => format!("<a>{n}</a>"),
        "jsonpath" => "$.\"key\"".to_owned(),
        "pg_lsn" => format!("16/{n:X}"),
        "regclass" => "pg_class".to_owned(),
        "regtype" => "integer".to_owned(),
        "regproc" => "current_database".to_owned(),
        "regprocedure" => "current_database()".to_owned(),
        "regrole" => "pg_monitor".to_owned(),
        "regnamespace" => "pg_catalog".to_owned(),
        "regconfig" => "english".to_owned(),
        "oid" | "xid" | "xid8" | "cid" => n.to_string(),
        "tid" => format!("(0,{n})"),
        "int2vector" | "oidvector" => format!("{n} 2"),
        "pg_snapshot" | "txid_snapshot" => "10:20:10,14,15".to_owned(),
        "\"char\"" => "c".to_owned(),
        "hstore" => format!("\"a\"=>\"{n}\", \"b\"=>NULL"),
        "ltree" => format!("top.a.b{n}"),
        "lquery" => "top.*".to_owned(),
        "ltxtquery" => "top & a".to_owned(),
        "cube" => format!("(1, 2, {n})"),
        "vector" | "halfvec" => {
            let numbers: Vec<String> = (0..length.unwrap_or(3)).map(|at| format!("{}.5", at % 10)).collect();
            format!("[{}]", numbers.join(","))
        }
        "bytea" => format!("\\x0102{:02x}", n % 256),
        "numeric" if !modifiers.is_empty() => numeric(modifiers, n),
        _ => return None,
    })
}

/// A number of as many digits as the type has.
fn numeric(modifiers: &str, n: u32) -> String {
    let mut numbers = modifiers.split(',').map(|m| m.trim().parse::<i32>().unwrap_or(0));
    let (precision, scale) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let whole = if precision > scale { (n % 9 + 1).to_string() } else { "0".to_owned() };
    let fraction = "5".repeat(usize::try_from(scale).unwrap_or(0));
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// `{"a","b"}`.
fn array(elements: &[String]) -> String {
    let quoted: Vec<String> = elements.iter().map(|e| quoted(e)).collect();
    format!("{{{}}}", quoted.join(","))
}

/// `("a","b")`.
fn record(fields: &[String]) -> String {
    let quoted: Vec<String> = fields.iter().map(|f| quoted(f)).collect();
    format!("({})", quoted.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
