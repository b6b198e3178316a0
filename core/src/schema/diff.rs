//! The comparison of two models, object by object, down to the attribute.

mod collector;
mod difference;
mod objects;
mod tables;

use std::collections::HashMap;

pub use difference::{Change, Difference, ObjectKind, Place};

use self::collector::{Collector, Matching};
use super::{
    Domain, EnumType, Extension, Function, Grant, Model, Opaque, QName, RangeType, Schema, Sequence, Table, View,
};

/// Where an expression stands: what a comparison needs to know to give it meaning.
#[derive(Clone, Copy, Debug)]
pub enum ExprContext<'a> {
    /// A condition over the columns of a table: check, predicate, policy.
    Condition(&'a QName),
    /// A condition over the OLD and NEW row of a table.
    Trigger(&'a QName),
    /// An index or partition key over the columns of a table.
    Value(&'a QName),
    /// A generation expression over the columns of a table, which is cast to this type.
    Generated(&'a QName, &'a str),
    /// A default, which sees no column but is cast to this type.
    Default(&'a str),
    /// A condition over `VALUE` of this type.
    Domain(&'a str),
    /// A whole query.
    Query,
}

/// Says whether two expressions that are spelled differently mean the same.
pub type SameExpr<'a> = dyn FnMut(ExprContext<'_>, &str, &str) -> bool + 'a;

/// A part of two queries that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// What part.
    pub name: &'static str,
    /// As expected.
    pub expected: String,
    /// As found.
    pub found: String,
}

/// Says in what two queries of views differ for certain.
pub type DifferingQuery<'a> = dyn FnMut(&str, &str) -> Vec<Aspect> + 'a;

/// What a comparison leaves to others to decide, and what it looks at.
pub struct Judge<'j, 'b> {
    /// Asked where two expressions differ in spelling.
    pub same: &'j mut SameExpr<'b>,
    /// Asked about the queries of views; None: they are not compared.
    pub query: Option<&'j mut DifferingQuery<'b>>,
    /// Compare who may do what. What ownership gives is left out.
    pub grants: bool,
    /// Compare objects that are kept as text. A database gives none.
    pub opaque: bool,
}

/// [`diff_by`] without queries of views, privileges and objects that are kept as text.
pub fn diff(expected: &Model, found: &Model, same: &mut SameExpr<'_>) -> Vec<Difference> {
    diff_by(expected, found, &mut Judge { same, query: None, grants: false, opaque: false })
}

/// Everything in which `found` differs from `expected`.
///
/// Comments and places of declaration are not compared. Objects are matched by name, so a renamed
/// object is one missing and one extra; where they are alike each names the other.
pub fn diff_by(expected: &Model, found: &Model, judge: &mut Judge<'_, '_>) -> Vec<Difference> {
    use ObjectKind as K;
    let (a, b) = (expected, found);
    let mut out = Collector::new(a, b, judge);
    let out = &mut out;
    schemas(out, a, b);
    out.pairs(&a.extensions, &b.extensions, K::Extension, |e: &Extension| e.name.clone(), never, |_, _, _, _| {});
    let alike = |x: (usize, &EnumType), y: (usize, &EnumType)| usize::from(x.1.labels == y.1.labels);
    out.pairs(&a.enums, &b.enums, K::Enum, |e| e.name.to_string(), alike, objects::enum_type);
    let alike = |x: (usize, &Domain), y: (usize, &Domain)| {
        let bare = |d: &Domain| Domain {
            name: QName::default(),
            checks: Vec::new(),
            comment: None,
            origin: None,
            ..d.clone()
        };
        let checks = |d: &Domain| d.checks.iter().map(|c| c.expression.clone()).collect::<Vec<_>>();
        usize::from(bare(x.1) == bare(y.1) && checks(x.1) == checks(y.1))
    };
    out.pairs(&a.domains, &b.domains, K::Domain, |d| d.name.to_string(), alike, objects::domain);
    out.pairs(&a.composites, &b.composites, K::Composite, |c| c.name.to_string(), never, objects::composite);
    out.pairs(&a.ranges, &b.ranges, K::Range, |r: &RangeType| r.name.to_string(), never, objects::range);
    let alike = |x: (usize, &Sequence), y: (usize, &Sequence)| {
        usize::from(x.1.owned_by.is_some() && x.1.owned_by == y.1.owned_by)
    };
    out.pairs(&a.sequences, &b.sequences, K::Sequence, |s| s.name.to_string(), alike, objects::sequence);
    let by = Matching {
        kind: &|_: &Table| K::Table,
        name: &|t: &Table| t.name.to_string(),
        likeness: &|x, y| tables::same_table(x.1, y.1),
    };
    out.matched(&a.tables, &b.tables, &by, tables::table, |out, object, x, y| {
        tables::columns(out, object, &y.name, &x.columns, &y.columns);
    });
    let alike = |x: (usize, &View), y: (usize, &View)| usize::from(x.1.query == y.1.query);
    out.pairs(&a.views, &b.views, K::View, |v| v.name.to_string(), alike, objects::view);
    let alike = |x: (usize, &Function), y: (usize, &Function)| {
        let same_body = !x.1.body.trim().is_empty() && x.1.body.trim() == y.1.body.trim();
        usize::from(x.1.name == y.1.name) + usize::from(same_body)
    };
    out.pairs(&a.functions, &b.functions, K::Function, Function::signature, alike, objects::function);
    if out.judge.grants {
        let (a, b) = (grants(a), grants(b));
        out.pairs(&a, &b, K::Grant, |g| g.label(), never, |out, object, x, y| objects::grant(out, object, x, y));
    }
    if out.judge.opaque {
        let name = |o: &Opaque| format!("{} {}", o.kind, o.name);
        out.pairs(&numbered(&a.opaque), &numbered(&b.opaque), K::Opaque, name, never, objects::opaque);
    }
    std::mem::take(&mut out.differences)
}

fn never<T>(_: (usize, &T), _: (usize, &T)) -> usize {
    0
}

/// Schema `public` is in every new database, so it is no difference that nobody declared it.
fn schemas(out: &mut Collector<'_, '_, '_>, expected: &Model, found: &Model) {
    let declared = |name: &str| expected.schemas.iter().any(|s| s.name == name);
    let found: Vec<&Schema> = found.schemas.iter().filter(|s| s.name != "public" || declared("public")).collect();
    let expected: Vec<&Schema> = expected.schemas.iter().collect();
    out.pairs(&expected, &found, ObjectKind::Schema, |s| s.name.clone(), never, |_, _, _, _| {});
}

/// Privileges that ownership does not give, on objects that a database is asked about.
fn grants(model: &Model) -> Vec<&Grant> {
    const KINDS: [&str; 5] = ["table", "sequence", "function", "schema", "type"];
    model.grants.iter().filter(|g| !g.owner && KINDS.contains(&g.on.as_str())).collect()
}

/// Objects that are kept as text may share a name, as casts and rules do: the second is numbered.
fn numbered(objects: &[Opaque]) -> Vec<Opaque> {
    let mut seen: HashMap<(String, String), usize> = HashMap::new();
    let mut number = |o: &Opaque| {
        let count = seen.entry((o.kind.clone(), o.name.clone())).or_default();
        *count += 1;
        let name = if *count == 1 { o.name.clone() } else { format!("{} ({count})", o.name) };
        Opaque { name, ..o.clone() }
    };
    objects.iter().map(&mut number).collect()
}
