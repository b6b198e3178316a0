//! What the template of the index is given: everything about a source as a whole.

use canon_core::schema::{Function, Model};
use serde::Serialize;

use super::Category;
use super::cross::{Group, OfTable};
use super::entry::{Entry, Maker, Step};
use super::graph;
use super::layout::{INDEX, Layout, anchor, explicit_anchor};
use crate::emit::order::{self, BreakBy, insert_order};
use crate::history::History;
use crate::lock::DocId;
use crate::markdown::code;
use crate::project::ProjectSource;

/// A source in a few words and numbers.
#[derive(Debug, Serialize)]
pub(super) struct SourceLine {
    name: String,
    pub(super) title: String,
    description: String,
    version: Option<String>,
    tables: usize,
    views: usize,
    columns: usize,
    foreign_keys: usize,
}

pub(super) fn source_line(source: &ProjectSource) -> SourceLine {
    let model = &source.loaded.model;
    let meta = source.pack.as_ref().map(|(_, meta)| meta);
    SourceLine {
        name: source.name.clone(),
        title: meta.map_or_else(|| source.name.clone(), |m| m.title.clone()),
        description: meta.map(|m| m.description.clone()).unwrap_or_default(),
        version: meta.map(|m| m.version.clone()),
        tables: model.tables.len(),
        views: model.views.len(),
        columns: model.tables.iter().map(|t| t.columns.len()).sum(),
        foreign_keys: model.tables.iter().map(|t| t.foreign_keys().count()).sum(),
    }
}

/// The index.
#[derive(Debug, Serialize)]
pub(super) struct Index {
    navigation: Vec<NavigationGroup>,
    pages: Vec<PageLine>,
    insert_order: Vec<OrderLine>,
    graph: String,
    cross_references: Vec<Group>,
    cross_references_by_table: Vec<OfTable>,
    functions: Vec<FunctionLine>,
    sequences: Vec<String>,
    deprecated: Vec<Deprecated>,
}

#[derive(Debug, Serialize)]
struct NavigationGroup {
    title: &'static str,
    first: DocId,
    last: DocId,
    links: Vec<NavigationLink>,
}

#[derive(Debug, Serialize)]
struct NavigationLink {
    id: DocId,
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct PageLine {
    file: String,
    title: String,
    tables: usize,
}

#[derive(Debug, Serialize)]
struct OrderLine {
    table_md: String,
    notes_md: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FunctionLine {
    signature: String,
    returns: String,
    properties: String,
    comment: String,
}

fn functions(model: &Model) -> Vec<FunctionLine> {
    let line = |f: &Function| FunctionLine {
        signature: f.signature(),
        returns: f.returns.clone().unwrap_or_else(|| "nothing".to_owned()),
        properties: [Some(f.language.as_str()), Some(&f.volatility), f.security_definer.then_some("security definer")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
        comment: f.comment.clone().unwrap_or_default(),
    };
    model.functions.iter().map(line).collect()
}

/// A table that is gone.
#[derive(Debug, Serialize)]
pub(super) struct Deprecated {
    id: DocId,
    name: String,
    anchor: String,
    stable_anchor: String,
    dropped: Option<Step>,
    /// Names of the regions in which people wrote about it.
    regions: Vec<String>,
}

impl Index {
    pub(super) fn new(
        source: &ProjectSource,
        layout: &Layout,
        entries: &[Entry],
        cross_references: Vec<Group>,
        cross_references_by_table: Vec<OfTable>,
        deprecated: Vec<Deprecated>,
    ) -> Self {
        let model = &source.loaded.model;
        let page =
            |p: &super::layout::PageOf| PageLine { file: p.file.clone(), title: p.title.clone(), tables: p.ids.len() };
        Self {
            navigation: navigation(layout, entries),
            pages: layout.pages.iter().map(page).collect(),
            insert_order: insert_order(model).iter().map(|step| order_line(step, layout)).collect(),
            graph: graph::tree(model, layout),
            cross_references,
            cross_references_by_table,
            functions: functions(model),
            sequences: model.sequences.iter().map(|s| s.name.to_string()).collect(),
            deprecated,
        }
    }
}

fn navigation(layout: &Layout, entries: &[Entry]) -> Vec<NavigationGroup> {
    let group = |category: Category| {
        let [first, ..] = category.ranges();
        let of_category = entries.iter().filter(|e| e.of == category);
        let link =
            |e: &Entry| NavigationLink { id: e.doc_id, name: e.name().to_owned(), url: layout.url(INDEX, e.doc_id) };
        NavigationGroup {
            title: category.title(),
            first: DocId(*first.start()),
            last: DocId(*first.end()),
            links: of_category.map(link).collect(),
        }
    };
    Category::ALL.into_iter().map(group).filter(|g| !g.links.is_empty()).collect()
}

fn order_line(step: &order::Step, layout: &Layout) -> OrderLine {
    let note = |p: &order::Postponed| {
        let (constraint, table) = (code(&p.constraint), code(&p.table.to_string()));
        match p.by {
            BreakBy::Deferral => format!("{constraint} to {table} is checked at commit"),
            BreakBy::Null => format!("insert with NULL, then update: {constraint} to {table}"),
            BreakBy::Nothing => format!("{constraint} to {table} cannot be satisfied in any order"),
        }
    };
    OrderLine { table_md: layout.link(INDEX, &step.table), notes_md: step.postponed.iter().map(note).collect() }
}

pub(super) fn deprecated(
    maker: &Maker<'_>,
    history: &History,
    id: DocId,
    name: &str,
    regions: Vec<String>,
) -> Deprecated {
    let past = history.of_dropped_named(name);
    Deprecated {
        id,
        name: name.to_owned(),
        anchor: anchor(id, &format!("{name} [DEPRECATED]")),
        stable_anchor: explicit_anchor(id),
        dropped: past.and_then(|past| maker.steps(past).pop()),
        regions,
    }
}
