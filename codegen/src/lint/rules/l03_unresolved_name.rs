//! Types, functions and relations that a file uses and does not declare, or declares too late.
//!
//! Where the files install extensions, an unknown type or function may come from one of them, and
//! nothing is said about it.

use std::collections::{HashMap, HashSet};

use canon_core::schema::{Column, Origin, QName};

use super::super::context::{Context, column_name, column_origin};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::{self, Written};
use super::l02_foreign_key_target::{Problem, problems};
use super::page;
use crate::error::Topic;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L3",
    name: "unresolved-name",
    summary: "A type, function or relation is used that is not declared, or is declared only later.",
    severity: Severity::Error,
    page: page!("L3"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    forward_keys(cx, out);
    // The catalogue of a live database resolves every name.
    if !cx.sources.is_empty() {
        types(cx, out);
        trigger_functions(cx, out);
        views(cx, out);
    }
}

fn forward_keys(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut seen = HashSet::new();
    for diagnostic in cx.diagnostics.iter().filter(|d| d.topic == Topic::Refused) {
        for (key, problem) in problems(cx, diagnostic) {
            let Problem::Later(target) = problem else { continue };
            if seen.insert((diagnostic.file, key.range.start)) {
                let object = format!("foreign key {} ({})", key.table, key.columns.join(", "));
                let message = format!("table {} is declared only later", target.name);
                let help = "declare it first, or add the foreign key at the end with ALTER TABLE ... ADD CONSTRAINT";
                out.push(Draft::in_file(cx, object, diagnostic.file, key.range.clone(), message).help(help));
            }
        }
    }
}

/// Whether an extension may declare more than the files show. `plpgsql` declares no types.
fn has_extensions(cx: &Context<'_>) -> bool {
    cx.model.extensions.iter().any(|e| e.name != "plpgsql")
}

/// Types of the standard extensions, as people use them without saying `CREATE EXTENSION`.
const EXTENSION_TYPES: &[(&str, &str)] = &[
    ("box2d", "postgis"),
    ("box3d", "postgis"),
    ("citext", "citext"),
    ("cube", "cube"),
    ("geography", "postgis"),
    ("geometry", "postgis"),
    ("halfvec", "vector"),
    ("hstore", "hstore"),
    ("lquery", "ltree"),
    ("ltree", "ltree"),
    ("sparsevec", "vector"),
    ("vector", "vector"),
];

/// Types that `format_type` prints with their own name and that no schema qualifies.
fn types(cx: &Context<'_>, out: &mut Findings<'_>) {
    let opaque: HashSet<&str> =
        cx.model.opaque.iter().filter(|o| o.kind.contains("type")).map(|o| o.name.as_str()).collect();
    let mut declared: HashMap<&str, Option<Origin>> = HashMap::new();
    let model = cx.model;
    let named = model.enums.iter().map(|t| (&t.name, t.origin));
    let named = named.chain(model.domains.iter().map(|t| (&t.name, t.origin)));
    let named = named.chain(model.composites.iter().map(|t| (&t.name, t.origin)));
    let named = named.chain(model.ranges.iter().map(|t| (&t.name, t.origin)));
    let named = named.chain(model.tables.iter().map(|t| (&t.name, t.origin)));
    declared.extend(named.map(|(name, origin)| (name.name.as_str(), origin)));
    for table in &model.tables {
        for column in table.columns.iter().filter(|c| !c.inherited) {
            let Some(name) = unknown_type(column) else { continue };
            if opaque.iter().any(|o| o.rsplit('.').next() == Some(name)) || cx.options.external.contains(name) {
                continue;
            }
            let extension = EXTENSION_TYPES.iter().find(|(ty, _)| *ty == name).map(|(_, extension)| *extension);
            let (message, help) = match (declared.get(name), extension) {
                (Some(_), _) => (
                    format!("type {name} is declared only later, or in a schema that the search path does not name"),
                    "declare the type first, or write its schema".to_owned(),
                ),
                (None, Some(extension)) if !has_extensions(cx) => (
                    format!("type {name} belongs to an extension that is not installed here"),
                    format!("CREATE EXTENSION IF NOT EXISTS {extension};"),
                ),
                (None, None) if !has_extensions(cx) => (
                    format!("type {name} does not exist"),
                    "declare the type, or list it under [lint.options] external".to_owned(),
                ),
                _ => continue,
            };
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(help));
        }
    }
}

/// Words that unqualified types of `pg_catalog` begin with. Everything else without a schema is a
/// type that the files do not declare.
const BUILTIN: &[&str] = &[
    "abstime",
    "aclitem",
    "any",
    "anyarray",
    "anyelement",
    "bigint",
    "bigserial",
    "bit",
    "boolean",
    "box",
    "bpchar",
    "bytea",
    "char",
    "character",
    "cid",
    "cidr",
    "circle",
    "cstring",
    "date",
    "datemultirange",
    "daterange",
    "double",
    "float",
    "inet",
    "int2vector",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "integer",
    "internal",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "point",
    "polygon",
    "real",
    "record",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "reltime",
    "serial",
    "smallint",
    "smallserial",
    "text",
    "tid",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tinterval",
    "trigger",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "unknown",
    "uuid",
    "varbit",
    "varchar",
    "void",
    "xid",
    "xid8",
    "xml",
    "pg_lsn",
    "pg_snapshot",
    "pg_node_tree",
];

fn unknown_type(column: &Column) -> Option<&str> {
    let ty = column.ty.as_str();
    let name = &ty[..ty.find(['(', '[', ' ']).unwrap_or(ty.len())];
    // Inline enums are L4's; quoted and qualified names were resolved or belong elsewhere.
    let plain = !name.is_empty() && !name.contains(['.', '"']) && !name.starts_with('_');
    (plain && name != "enum" && !BUILTIN.contains(&name) && !name.starts_with("pg_")).then_some(name)
}

/// Functions of `pg_catalog` that triggers call.
const BUILTIN_TRIGGERS: &[&str] =
    &["suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column"];

fn trigger_functions(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        for trigger in &table.triggers {
            let name = &trigger.function;
            let known = cx.functions(name);
            let elsewhere = BUILTIN_TRIGGERS.contains(&name.name.as_str())
                || cx.options.external.contains(&name.to_string())
                || name.schema == "pg_catalog";
            let message = match known.first() {
                Some(function) => {
                    if !(function.origin.is_some() && function.origin > trigger.origin) || trigger.origin.is_none() {
                        continue;
                    }
                    format!("function {name}() is declared only later")
                }
                None if elsewhere || has_extensions(cx) || !declares(cx, &name.schema) => continue,
                None => format!("function {name}() does not exist"),
            };
            let object = format!("trigger {}.{}", table.name, canon_core::schema::quote_ident(&trigger.name));
            let draft = Draft::new(cx, object, trigger.origin.or(table.origin), message);
            out.push(draft.help("declare the function before the trigger"));
        }
    }
}

/// Whether the files own the schema, so that what they do not declare in it does not exist.
fn declares(cx: &Context<'_>, schema: &str) -> bool {
    cx.model.schemas.iter().any(|s| s.name == schema && (s.origin.is_some() || schema == "public"))
}

/// Relations of a view whose schema the files own. Unqualified names may be those of a CTE, an
/// alias or the catalogue, so only qualified ones are certain.
fn views(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut relations: HashMap<&QName, Option<Origin>> = HashMap::new();
    relations.extend(cx.model.tables.iter().map(|t| (&t.name, t.origin)));
    relations.extend(cx.model.views.iter().map(|v| (&v.name, v.origin)));
    relations.extend(cx.model.sequences.iter().map(|s| (&s.name, s.origin)));
    let tables: HashSet<&str> = cx.model.tables.iter().map(|t| t.name.name.as_str()).collect();
    for view in &cx.model.views {
        let mut seen = HashSet::new();
        for Written { schema, name } in words::relations(&words::tokens(&view.query)) {
            let Some(schema) = schema else { continue };
            let name = QName { schema, name };
            if !declares(cx, &name.schema)
                || cx.options.external.contains(&name.to_string())
                || !seen.insert(name.clone())
            {
                continue;
            }
            // Functions in FROM are not relations; extract(... FROM a.b) speaks of a column.
            let is_column = tables.contains(name.schema.as_str());
            let message = match relations.get(&name) {
                None if has_extensions(cx) || is_column => continue,
                None => format!("relation {name} does not exist"),
                Some(origin) if origin.is_some() && view.origin.is_some() && *origin > view.origin => {
                    format!("relation {name} is declared only later")
                }
                Some(_) => continue,
            };
            let draft = Draft::new(cx, format!("view {}", view.name), view.origin, message);
            out.push(draft.help("declare the relation before the view"));
        }
    }
}
