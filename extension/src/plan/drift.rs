//! How an instance differs from its template, three ways: against the template as it was when the
//! instance was made, and as it is now.

use std::collections::{HashMap, HashSet};

use canon_core::plan::{Merge, merge};
use pgrx::Uuid;
use serde::Deserialize;

use super::expected::Expected;
use super::ids;
use super::instance::{Instance, Phase, to_pg};
use super::instantiate::run_row;
use super::mapping::{Kind, Level, Mapping};
use super::options::Options;
use super::sql::{Db, ident};
use super::store::{self, Kept, Request};
use super::tree::Tree;
use crate::error::{Error, Result};

/// A difference.
pub(super) struct Drift {
    /// Position in [`Mapping::levels`].
    pub(super) level: usize,
    pub(super) template: String,
    /// None where the instance has no such row.
    pub(super) node: Option<Uuid>,
    pub(super) kind: DriftKind,
    pub(super) field: Option<String>,
    pub(super) template_value: Option<String>,
    pub(super) instance_value: Option<String>,
    pub(super) base_value: Option<String>,
    pub(super) overridden: bool,
    pub(super) started: bool,
    /// What a resync makes of it, were the row not started.
    pub(super) merge: Merge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DriftKind {
    /// The template has a row that the instance lacks.
    Added,
    /// The instance has a row that the template has no more, or not for this run.
    Removed,
    Changed,
    /// The column that orders rows differs.
    Reordered,
    /// A predecessor or a reference differs.
    Relinked,
}

impl DriftKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Reordered => "reordered",
            Self::Relinked => "relinked",
        }
    }
}

/// An instance beside its template.
pub(super) struct Comparison {
    pub(super) instance: Instance,
    pub(super) request: Request,
    pub(super) tree: Tree,
    pub(super) expected: Expected,
    pub(super) rows: Vec<Drift>,
}

/// A row of an instance: id, template key, parent, predecessor, copied values, references.
#[derive(Deserialize)]
struct Row(
    uuid::Uuid,
    String,
    Option<uuid::Uuid>,
    Option<uuid::Uuid>,
    Vec<Option<String>>,
    Vec<Option<uuid::Uuid>>,
    Option<String>,
    Option<bool>,
);

/// Compares an instance with its template.
pub(super) fn compare(db: &Db, id: Uuid) -> Result<Comparison> {
    let instance = Instance::read(db, id, false)?;
    let mapping = &instance.mapping;
    let request = store::lineage(db, mapping, id)?;
    let options: Options =
        serde_json::from_value(request.options.clone()).map_err(|error| Error::Internal(error.to_string()))?;
    let kind = run_row(db, mapping, &request.run)?.kind;
    let tree = Tree::read(db, mapping, &request.template, kind.as_deref(), options.unscoped)?;
    let expected = Expected::of(db, mapping, &tree, &options, id, &request.run)?;
    let base: Vec<Vec<Kept>> = mapping
        .levels
        .iter()
        .map(|l| store::kept(db, mapping, &request.template, request.version, &l.level))
        .collect::<Result<_>>()?;
    let now: Vec<Vec<Kept>> =
        (0..mapping.levels.len()).map(|l| store::present(db, mapping, &tree, l)).collect::<Result<_>>()?;
    let base_tree = Tree::from_kept(mapping, &base, &tree);
    let base_expected = Expected::of(db, mapping, &base_tree, &options, id, &request.run)?;
    let overridden = overridden(db, mapping, id)?;
    let mut comparer = Comparer {
        db,
        instance: &instance,
        id,
        now: Side::new(&now, &tree, &expected),
        base: Side::new(&base, &base_tree, &base_expected),
        overridden,
        rows: Vec::new(),
    };
    for level in 0..mapping.levels.len() {
        comparer.level(level)?;
    }
    let rows = comparer.rows;
    Ok(Comparison { instance, request, tree, expected, rows })
}

/// Columns that were meant to differ, by row.
fn overridden(db: &Db, mapping: &Mapping, id: Uuid) -> Result<HashSet<(uuid::Uuid, String)>> {
    let sql = format!(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(node, field)) FROM {} \
         WHERE instance OPERATOR(pg_catalog.=) $1",
        mapping.store("plan_override")
    );
    Ok(db.list::<(uuid::Uuid, String)>(&sql, &[id.into()])?.into_iter().collect())
}

/// A state of the template.
struct Side<'a> {
    rows: &'a [Vec<Kept>],
    by_key: Vec<HashMap<&'a str, &'a Kept>>,
    tree: &'a Tree,
    expected: &'a Expected,
}

impl<'a> Side<'a> {
    fn new(rows: &'a [Vec<Kept>], tree: &'a Tree, expected: &'a Expected) -> Self {
        let by_key = rows.iter().map(|level| level.iter().map(|r| (r.0.as_str(), r)).collect()).collect();
        Self { rows, by_key, tree, expected }
    }

    /// Whether an instance made of this state has the row.
    fn has(&self, mapping: &Mapping, level: usize, row: &Kept) -> bool {
        let node = match mapping.levels[level].in_graph() {
            true => self.tree.find(level, &row.0),
            false => mapping.parent_position(level).and_then(|l| self.tree.find(l, row.1.as_deref()?)),
        };
        node.is_some_and(|n| self.expected.stays[n as usize])
    }

    fn predecessor(&self, level: usize, key: &str) -> Option<Uuid> {
        self.expected.predecessors[self.tree.find(level, key)? as usize]
    }

    /// Where a reference of a row leads in an instance of this state.
    fn reference(&self, mapping: &Mapping, level: usize, row: &Kept, which: usize, id: Uuid) -> Option<Uuid> {
        let own = &mapping.levels[level];
        let reference = &own.refs[which];
        let target = mapping.levels.iter().position(|l| l.level == reference.level)?;
        let key = row.3.get(own.copies.len() + which)?.as_deref()?;
        let found = self.by_key[target].get(key)?;
        let group = mapping.parent_position(target)?;
        let mut around = self.tree.find(mapping.parent_position(level)?, row.1.as_deref()?);
        while let Some(node) = around.map(|n| &self.tree.nodes[n as usize]) {
            if node.level == group {
                let same = Some(node.key.as_str()) == found.1.as_deref();
                return same.then(|| ids::node(id, &reference.level, key));
            }
            around = node.parent;
        }
        None
    }
}

struct Comparer<'a> {
    db: &'a Db,
    instance: &'a Instance,
    id: Uuid,
    now: Side<'a>,
    base: Side<'a>,
    overridden: HashSet<(uuid::Uuid, String)>,
    rows: Vec<Drift>,
}

impl Comparer<'_> {
    fn level(&mut self, level: usize) -> Result<()> {
        let mapping = &self.instance.mapping;
        let own = &mapping.levels[level];
        let places: Vec<Uuid> = match mapping.parent_position(level) {
            None => vec![self.id],
            Some(above) => self.instance.nodes.iter().filter(|n| n.level == above).map(|n| n.id).collect(),
        };
        let copies: Vec<Row> = self.db.list(&select(own), &[places.into()])?;
        let by_template: HashMap<&str, &Row> = copies.iter().map(|r| (r.1.as_str(), r)).collect();
        let phases: HashMap<[u8; 16], Phase> =
            self.instance.nodes.iter().map(|n| (*n.id.as_bytes(), n.phase)).collect();
        for row in &self.now.rows[level] {
            if !self.now.has(mapping, level, row) {
                continue;
            }
            match by_template.get(row.0.as_str()) {
                None => self.rows.push(Drift {
                    level,
                    template: row.0.clone(),
                    node: None,
                    kind: DriftKind::Added,
                    field: None,
                    template_value: own.label_of(row),
                    instance_value: None,
                    base_value: None,
                    overridden: false,
                    started: false,
                    merge: Merge::Follow,
                }),
                Some(copy) => {
                    let started = is_started(own, copy, &phases);
                    self.fields(level, row, copy, started);
                }
            }
        }
        for copy in &copies {
            let template = self.now.by_key[level].get(copy.1.as_str());
            let around = copy.2.and_then(|p| phases.get(p.as_bytes()).copied());
            let cancelled = [Some(own.phase(copy.6.as_deref())), around].contains(&Some(Phase::Cancelled));
            if cancelled || template.is_some_and(|row| self.now.has(mapping, level, row)) {
                continue;
            }
            self.rows.push(Drift {
                level,
                template: copy.1.clone(),
                node: Some(to_pg(copy.0)),
                kind: DriftKind::Removed,
                field: None,
                template_value: None,
                instance_value: own
                    .label
                    .as_ref()
                    .and_then(|l| copy.4.get(own.copies.keys().position(|c| c == l)?)?.clone()),
                base_value: None,
                overridden: false,
                started: is_started(own, copy, &phases),
                merge: if own.status.is_some() { Merge::Follow } else { Merge::Keep },
            });
        }
        Ok(())
    }

    fn fields(&mut self, level: usize, row: &Kept, copy: &Row, started: bool) {
        let mapping = &self.instance.mapping;
        let own = &mapping.levels[level];
        let base_row = self.base.by_key[level].get(row.0.as_str()).copied();
        let mut compare =
            |field: &str, kind, base: Option<Option<String>>, now: Option<String>, here: Option<String>| {
                let overridden = self.overridden.contains(&(copy.0, field.to_owned()));
                let base = base.unwrap_or_else(|| now.clone());
                let merge = merge(&base, &now, &here, overridden);
                if merge == Merge::Same || (overridden && base == now) {
                    return;
                }
                self.rows.push(Drift {
                    level,
                    template: row.0.clone(),
                    node: Some(to_pg(copy.0)),
                    kind,
                    field: Some(field.to_owned()),
                    template_value: now,
                    instance_value: here,
                    base_value: base,
                    overridden,
                    started,
                    merge,
                });
            };
        for (at, (column, from)) in own.copies.iter().enumerate() {
            let kind =
                if own.template_order.as_ref() == Some(from) { DriftKind::Reordered } else { DriftKind::Changed };
            let base = base_row.map(|b| b.3.get(at).cloned().flatten());
            compare(column, kind, base, row.3[at].clone(), copy.4[at].clone());
        }
        if let Some(column) = &own.instance_predecessor {
            let base = base_row.map(|_| self.base.predecessor(level, &row.0).map(|p| p.to_string()));
            let now = self.now.predecessor(level, &row.0).map(|p| p.to_string());
            compare(column, DriftKind::Relinked, base, now, copy.3.map(|p| p.to_string()));
        }
        for (which, reference) in own.refs.iter().enumerate() {
            let text = |id: Option<Uuid>| id.map(|id| id.to_string());
            let base = base_row.map(|b| text(self.base.reference(mapping, level, b, which, self.id)));
            let now = text(self.now.reference(mapping, level, row, which, self.id));
            compare(&reference.column, DriftKind::Relinked, base, now, copy.5[which].map(|id| id.to_string()));
        }
    }
}

/// Whether work on a row has begun: by its own status, or for an item by its own mark or its
/// task's status.
fn is_started(level: &Level, copy: &Row, phases: &HashMap<[u8; 16], Phase>) -> bool {
    let begun = |phase: Phase| matches!(phase, Phase::Running | Phase::Done | Phase::Held);
    match level.kind {
        Kind::Item => {
            let task = copy.2.and_then(|p| phases.get(p.as_bytes()));
            copy.7 == Some(true) || task.is_some_and(|p| *p == Phase::Done || *p == Phase::Cancelled)
        }
        _ => begun(level.phase(copy.6.as_deref())),
    }
}

impl Level {
    /// What people know a template row by.
    fn label_of(&self, row: &Kept) -> Option<String> {
        let at = self.copies.keys().position(|c| Some(c) == self.label.as_ref())?;
        row.3.get(at)?.clone()
    }
}

fn select(level: &Level) -> String {
    let column = |name: &Option<String>| match name {
        Some(name) => format!("i.{}", ident(name)),
        None => "NULL".to_owned(),
    };
    let copied: Vec<String> = level.copies.keys().map(|c| format!("i.{}::text", ident(c))).collect();
    let refs: Vec<String> = level.refs.iter().map(|r| format!("i.{}", ident(&r.column))).collect();
    let (status, join) = match &level.status {
        Some(status) => status.name_of_row(),
        None => ("NULL".to_owned(), String::new()),
    };
    let key = ident(&level.instance_key);
    let place = level.instance_parent.as_ref().map_or_else(|| key.clone(), |p| ident(p));
    format!(
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.{key}, i.{template}::text, {parent}, {predecessor}, \
         pg_catalog.json_build_array({copied}), pg_catalog.json_build_array({refs}), {status}, {completed}) \
         ORDER BY i.{key}) FROM {table} i{join} WHERE i.{place} OPERATOR(pg_catalog.=) ANY ($1)",
        template = ident(&level.instance_template),
        parent = column(&level.instance_parent),
        predecessor = column(&level.instance_predecessor),
        copied = copied.join(", "),
        refs = refs.join(", "),
        completed = column(&level.completed),
        table = level.instance,
    )
}
