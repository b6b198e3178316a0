//! What the template is given: everything is text by now.

use canon_core::schema::{Column, Constraint, ConstraintKind, Identity, Model, Origin, Table};
use serde::Serialize;

use super::{Category, Ids, cell, code};
use crate::emit::ddl;
use crate::emit::erd::{Columns, Graph};
use crate::emit::order::{BreakBy, Step, insert_order};
use crate::project::ProjectSource;
use crate::sample;

#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    description: String,
    version: Option<String>,
    tables: usize,
    columns: usize,
    foreign_keys: usize,
    navigation: Vec<NavigationGroup>,
    entries: Vec<Entry>,
    insert_order: Vec<OrderLine>,
    functions: Vec<FunctionLine>,
    sequences: Vec<String>,
}

#[derive(Serialize)]
struct NavigationGroup {
    title: &'static str,
    first: String,
    last: String,
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    id: String,
    name: String,
    anchor: String,
}

#[derive(Serialize)]
struct Entry {
    id: String,
    name: String,
    anchor: String,
    category: &'static str,
    schema: String,
    declared: Option<String>,
    purpose: Option<String>,
    ddl: String,
    fields: Vec<Field>,
    indexes: Vec<IndexLine>,
    row_security: bool,
    policies: Vec<String>,
    references: Vec<Relation>,
    referenced_by: Vec<Relation>,
    diagram: Option<String>,
    triggers: Vec<TriggerLine>,
    rules: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    ty: String,
    nullable: &'static str,
    default: String,
    description: String,
    example: String,
}

#[derive(Serialize)]
struct IndexLine {
    name: String,
    columns: String,
    kind: String,
    purpose: String,
}

#[derive(Serialize)]
struct Relation {
    link: String,
    columns: String,
    action: String,
}

#[derive(Serialize)]
struct TriggerLine {
    name: String,
    when: String,
    function: String,
}

#[derive(Serialize)]
struct OrderLine {
    table: String,
    note: String,
}

#[derive(Serialize)]
struct FunctionLine {
    signature: String,
    returns: String,
    comment: String,
}

pub(super) fn build(source: &ProjectSource, ids: &Ids<'_>, categories: &[(String, Category)]) -> Page {
    let model = &source.loaded.model;
    let graph = Graph::new(model);
    let mut entries: Vec<(crate::lock::DocId, Entry)> = Vec::new();
    for table in &model.tables {
        let name = table.name.to_string();
        let Some(id) = ids.get(&name) else { continue };
        let category = categories.iter().find(|(n, _)| *n == name).map_or(Category::Feature, |(_, c)| *c);
        entries.push((id, entry(&graph, table, id, category, ids)));
    }
    entries.sort_by_key(|(id, _)| *id);
    let navigation = navigation(&entries);
    let meta = source.pack.as_ref().map(|(_, meta)| meta);
    Page {
        title: meta.map_or_else(|| source.name.clone(), |m| m.title.clone()),
        description: meta.map(|m| m.description.clone()).unwrap_or_default(),
        version: meta.map(|m| m.version.clone()),
        tables: model.tables.len(),
        columns: model.tables.iter().map(|t| t.columns.len()).sum(),
        foreign_keys: model.tables.iter().map(|t| t.foreign_keys().count()).sum(),
        navigation,
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        insert_order: insert_order(model).iter().map(|step| order_line(step, ids)).collect(),
        functions: model
            .functions
            .iter()
            .map(|f| FunctionLine {
                signature: code(&f.signature()),
                returns: code(f.returns.as_deref().unwrap_or("nothing")),
                comment: cell(f.comment.as_deref().unwrap_or_default()),
            })
            .collect(),
        sequences: model.sequences.iter().map(|s| s.name.to_string()).collect(),
    }
}

fn navigation(entries: &[(crate::lock::DocId, Entry)]) -> Vec<NavigationGroup> {
    Category::ALL
        .into_iter()
        .map(|category| {
            let [first, _] = category.ranges();
            let of_category = entries.iter().filter(|(_, e)| e.category == category.label());
            NavigationGroup {
                title: category.title(),
                first: crate::lock::DocId(*first.start()).to_string(),
                last: crate::lock::DocId(*first.end()).to_string(),
                links: of_category
                    .map(|(_, e)| Link { id: e.id.clone(), name: e.name.clone(), anchor: e.anchor.clone() })
                    .collect(),
            }
        })
        .filter(|group| !group.links.is_empty())
        .collect()
}

fn entry(graph: &Graph<'_>, table: &Table, id: crate::lock::DocId, category: Category, ids: &Ids<'_>) -> Entry {
    let model = graph.model();
    let statements = std::iter::once(ddl::table(table)).chain(table.indexes.iter().map(|i| ddl::index(&table.name, i)));
    let related = table.foreign_keys().next().is_some()
        || model.tables.iter().any(|t| t.foreign_keys().any(|(_, r)| r.table == table.name));
    Entry {
        id: id.to_string(),
        name: table.name.name.clone(),
        anchor: anchor(id, &table.name.name),
        category: category.label(),
        schema: table.name.schema.clone(),
        declared: table.origin.and_then(|o| place(model, o)),
        purpose: table.comment.clone(),
        ddl: statements.collect::<Vec<_>>().join("\n"),
        fields: table.columns.iter().map(|c| field(table, c)).collect(),
        indexes: indexes(table),
        row_security: table.row_security,
        policies: table.policies.iter().map(|p| ddl::policy(&table.name, p)).collect(),
        references: table
            .foreign_keys()
            .map(|(key, r)| Relation {
                link: link(&r.table.to_string(), ids),
                columns: pairs(&key.columns, &r.columns),
                action: r.on_delete.sql().to_lowercase(),
            })
            .collect(),
        referenced_by: model
            .tables
            .iter()
            .flat_map(|other| other.foreign_keys().map(move |(key, r)| (other, key, r)))
            .filter(|(_, _, r)| r.table == table.name)
            .map(|(other, key, r)| Relation {
                link: link(&other.name.to_string(), ids),
                columns: pairs(&key.columns, &r.columns),
                action: r.on_delete.sql().to_lowercase(),
            })
            .collect(),
        diagram: related.then(|| graph.around(&[&table.name], 1, Columns::FocusKeys).mermaid()),
        triggers: table
            .triggers
            .iter()
            .map(|t| TriggerLine {
                name: code(&t.name),
                when: format!("{} {}", t.timing, t.events.join(" or ")).to_lowercase(),
                function: code(&format!("{}({})", t.function, t.arguments.join(", "))),
            })
            .collect(),
        rules: table
            .constraints
            .iter()
            .filter(|c| matches!(c.kind, ConstraintKind::Check | ConstraintKind::Exclusion))
            .map(|c| rule(table, c))
            .collect(),
    }
}

/// As GitHub makes it of the heading `DBT-001: name`.
fn anchor(id: crate::lock::DocId, name: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    format!("{id}-{name}").to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn link(table: &str, ids: &Ids<'_>) -> String {
    let bare = table.rsplit('.').next().unwrap_or(table);
    match ids.get(table) {
        Some(id) => format!("[{id}](#{}) {bare}", anchor(id, bare)),
        None => code(table),
    }
}

fn place(model: &Model, origin: Origin) -> Option<String> {
    model.files.get(origin.file as usize).map(|file| format!("{file}:{}", origin.line))
}

fn pairs(from: &[String], to: &[String]) -> String {
    from.iter().zip(to).map(|(a, b)| format!("`{a}` -> `{b}`")).collect::<Vec<_>>().join(", ")
}

fn field(table: &Table, column: &Column) -> Field {
    let default = match (&column.default, &column.generated, column.identity) {
        (Some(default), ..) => code(default),
        (None, Some(generated), _) => format!("generated: {}", code(&generated.expression)),
        (None, None, Some(Identity::Always)) => "identity".to_owned(),
        (None, None, Some(Identity::ByDefault)) => "identity, by default".to_owned(),
        (None, None, None) => "-".to_owned(),
    };
    let example = match (&column.generated, sample::value(table, column, 0)) {
        (Some(_), _) => String::new(),
        (None, serde_json::Value::String(text)) => code(&text),
        (None, other) => code(&other.to_string()),
    };
    Field {
        name: code(&column.name),
        ty: cell(&column.ty),
        nullable: if column.not_null { "No" } else { "Yes" },
        default,
        description: cell(column.comment.as_deref().unwrap_or_default()),
        example,
    }
}

fn indexes(table: &Table) -> Vec<IndexLine> {
    let of_constraints = table.constraints.iter().filter_map(|c| {
        let purpose = match c.kind {
            ConstraintKind::Primary => "Primary key",
            ConstraintKind::Unique => "Uniqueness",
            ConstraintKind::Exclusion => "Exclusion",
            _ => return None,
        };
        let kind = if c.kind == ConstraintKind::Exclusion { "Exclusion" } else { "B-tree, unique" };
        Some(IndexLine {
            name: code(&c.name),
            columns: code(&c.columns.join(", ")),
            kind: kind.to_owned(),
            purpose: purpose.to_owned(),
        })
    });
    let others = table.indexes.iter().map(|index| {
        let columns: Vec<&str> = index.keys.iter().filter_map(|k| k.column.as_deref()).collect();
        let serves = table
            .foreign_keys()
            .find(|(key, _)| columns.starts_with(&key.columns.iter().map(String::as_str).collect::<Vec<_>>()));
        let text_search = index.keys.iter().any(|k| k.expression.as_deref().is_some_and(|e| e.contains("to_tsvector")));
        let purpose = match (&index.comment, serves, text_search) {
            (Some(comment), ..) => cell(comment),
            (None, _, true) => "Full-text search".to_owned(),
            (None, Some((key, _)), _) => format!("Foreign key {}", code(&key.name)),
            (None, None, _) if index.unique => "Uniqueness".to_owned(),
            _ => "Lookups and sorting".to_owned(),
        };
        let mut columns = code(&ddl::keys(index));
        if let Some(predicate) = &index.predicate {
            columns.push_str(&format!(" where {}", code(predicate)));
        }
        if !index.include.is_empty() {
            columns.push_str(&format!(" including {}", code(&index.include.join(", "))));
        }
        IndexLine { name: code(&index.name), columns, kind: index_kind(index), purpose }
    });
    of_constraints.chain(others).collect()
}

fn index_kind(index: &canon_core::schema::Index) -> String {
    let method = match index.method.as_str() {
        "btree" => "B-tree".to_owned(),
        "gin" => "GIN".to_owned(),
        "gist" => "GiST".to_owned(),
        "brin" => "BRIN".to_owned(),
        other => other.to_owned(),
    };
    let mut kind = if index.predicate.is_some() { format!("Partial {method}") } else { method };
    if index.unique {
        kind.push_str(", unique");
    }
    kind
}

fn rule(table: &Table, constraint: &Constraint) -> String {
    let expression = constraint.expression.as_deref().unwrap_or_default();
    match crate::expr::value_list(expression) {
        Some((column, values)) if table.column(&column).is_some() => {
            let values: Vec<String> = values.iter().map(|v| code(v)).collect();
            format!("{} is one of {} ({})", code(&column), values.join(", "), code(&constraint.name))
        }
        _ => format!("{} ({})", code(expression), code(&constraint.name)),
    }
}

fn order_line(step: &Step, ids: &Ids<'_>) -> OrderLine {
    let notes: Vec<String> = step
        .postponed
        .iter()
        .map(|p| match p.by {
            BreakBy::Deferral => format!("{} to {} is checked at commit", code(&p.constraint), p.table),
            BreakBy::Null => format!("insert with NULL, then update: {} to {}", code(&p.constraint), p.table),
            BreakBy::Nothing => format!("{} to {} cannot be satisfied in any order", code(&p.constraint), p.table),
        })
        .collect();
    let table = link(&step.table.to_string(), ids);
    OrderLine { table, note: if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) } }
}
