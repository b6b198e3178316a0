//! The comparison of two models, object by object, down to the attribute.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Column, Composite, Constraint, ConstraintKind, Domain, EnumType, Function, Index, Model, Policy, QName, RangeType,
    Schema, Sequence, Table, Trigger, View, quote_ident,
};

/// What a [`Difference`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ObjectKind {
    Schema,
    Extension,
    Table,
    Column,
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    Exclusion,
    Index,
    Trigger,
    Policy,
    View,
    Enum,
    Domain,
    Composite,
    Range,
    Sequence,
    Function,
    Grant,
}

impl ObjectKind {
    /// The word people use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Table => "table",
            Self::Column => "column",
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::Check => "check",
            Self::Exclusion => "exclusion",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::View => "view",
            Self::Enum => "enum",
            Self::Domain => "domain",
            Self::Composite => "composite type",
            Self::Range => "range type",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::Grant => "grant",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl From<ConstraintKind> for ObjectKind {
    fn from(kind: ConstraintKind) -> Self {
        match kind {
            ConstraintKind::Primary => Self::PrimaryKey,
            ConstraintKind::Unique => Self::Unique,
            ConstraintKind::Foreign => Self::ForeignKey,
            ConstraintKind::Check => Self::Check,
            ConstraintKind::Exclusion => Self::Exclusion,
        }
    }
}

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Expected, not found.
    Missing,
    /// Found, not expected.
    Extra,
    /// Found with another value.
    Altered {
        /// Which property.
        attribute: String,
        /// Its expected value.
        expected: String,
        /// Its value as found.
        found: String,
    },
}

/// One difference between two models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What kind of object.
    pub kind: ObjectKind,
    /// Its name as people write it: `schema.table.column`, `schema.table: constraint`.
    pub object: String,
    /// What is different about it.
    #[serde(flatten)]
    pub change: Change,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Missing => write!(f, "{} {} is missing", self.kind, self.object),
            Change::Extra => write!(f, "{} {} is not expected", self.kind, self.object),
            Change::Altered { attribute, expected, found } => {
                write!(f, "{} {}: {attribute} is {found}, expected {expected}", self.kind, self.object)
            }
        }
    }
}

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

/// Everything in which `found` differs from `expected`.
///
/// Comments and places of declaration are not compared. Objects are matched by name, so a renamed
/// object is one missing and one extra. `same` is asked only where two expressions differ in
/// spelling.
pub fn diff(expected: &Model, found: &Model, same: &mut SameExpr<'_>) -> Vec<Difference> {
    let mut out = Collector { same, differences: Vec::new() };
    schemas(&mut out, expected, found);
    out.pairs(&expected.extensions, &found.extensions, ObjectKind::Extension, |e| e.name.clone(), |_, _, _, _| {});
    out.pairs(&expected.enums, &found.enums, ObjectKind::Enum, |e| e.name.to_string(), enum_type);
    out.pairs(&expected.domains, &found.domains, ObjectKind::Domain, |d| d.name.to_string(), domain);
    out.pairs(&expected.composites, &found.composites, ObjectKind::Composite, |c| c.name.to_string(), composite);
    out.pairs(&expected.ranges, &found.ranges, ObjectKind::Range, |r| r.name.to_string(), range);
    out.pairs(&expected.sequences, &found.sequences, ObjectKind::Sequence, |s| s.name.to_string(), sequence);
    out.pairs(&expected.tables, &found.tables, ObjectKind::Table, |t| t.name.to_string(), table);
    out.pairs(&expected.views, &found.views, ObjectKind::View, |v| v.name.to_string(), view);
    out.pairs(&expected.functions, &found.functions, ObjectKind::Function, Function::signature, function);
    out.differences
}

/// Schema `public` is in every new database, so it is no difference that nobody declared it.
fn schemas(out: &mut Collector<'_, '_>, expected: &Model, found: &Model) {
    let declared = |name: &str| expected.schemas.iter().any(|s| s.name == name);
    let found: Vec<&Schema> = found.schemas.iter().filter(|s| s.name != "public" || declared("public")).collect();
    let expected: Vec<&Schema> = expected.schemas.iter().collect();
    out.pairs(&expected, &found, ObjectKind::Schema, |s| s.name.clone(), |_, _, _, _| {});
}

struct Collector<'a, 'b> {
    same: &'a mut SameExpr<'b>,
    differences: Vec<Difference>,
}

impl Collector<'_, '_> {
    fn push(&mut self, kind: ObjectKind, object: impl Into<String>, change: Change) {
        self.differences.push(Difference { kind, object: object.into(), change });
    }

    /// Matches two lists by `name` and calls `compare` for every pair.
    fn pairs<T>(
        &mut self,
        expected: &[T],
        found: &[T],
        kind: ObjectKind,
        name: impl Fn(&T) -> String,
        compare: impl Fn(&mut Self, &str, &T, &T),
    ) {
        self.pairs_by(expected, found, |_| kind, name, compare);
    }

    fn pairs_by<T>(
        &mut self,
        expected: &[T],
        found: &[T],
        kind: impl Fn(&T) -> ObjectKind,
        name: impl Fn(&T) -> String,
        compare: impl Fn(&mut Self, &str, &T, &T),
    ) {
        let mut index: HashMap<String, &T> = found.iter().map(|item| (name(item), item)).collect();
        for item in expected {
            let object = name(item);
            match index.remove(&object) {
                Some(other) => compare(self, &object, item, other),
                None => self.push(kind(item), object, Change::Missing),
            }
        }
        for item in found {
            let object = name(item);
            if index.contains_key(&object) {
                self.push(kind(item), object, Change::Extra);
            }
        }
    }

    fn attribute<T: PartialEq + fmt::Debug>(
        &mut self,
        kind: ObjectKind,
        object: &str,
        name: &str,
        expected: &T,
        found: &T,
        show: impl Fn(&T) -> String,
    ) {
        if expected != found {
            let change = Change::Altered { attribute: name.to_owned(), expected: show(expected), found: show(found) };
            self.push(kind, object, change);
        }
    }

    fn text(&mut self, kind: ObjectKind, object: &str, name: &str, expected: &str, found: &str) {
        if expected != found {
            let change =
                Change::Altered { attribute: name.to_owned(), expected: expected.to_owned(), found: found.to_owned() };
            self.push(kind, object, change);
        }
    }

    fn flag(&mut self, kind: ObjectKind, object: &str, name: &str, expected: bool, found: bool) {
        self.attribute(kind, object, name, &expected, &found, |v| if *v { "yes" } else { "no" }.to_owned());
    }

    fn names(&mut self, kind: ObjectKind, object: &str, name: &str, expected: &[String], found: &[String]) {
        if expected != found {
            self.text(kind, object, name, &column_list(expected), &column_list(found));
        }
    }

    fn expression(
        &mut self,
        kind: ObjectKind,
        object: &str,
        name: &str,
        context: ExprContext<'_>,
        expected: Option<&str>,
        found: Option<&str>,
    ) {
        let equal = match (expected, found) {
            (Some(a), Some(b)) => a == b || (self.same)(context, a, b),
            (None, None) => true,
            _ => false,
        };
        if !equal {
            self.text(kind, object, name, expected.unwrap_or("none"), found.unwrap_or("none"));
        }
    }
}

fn column_list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|c| quote_ident(c)).collect();
    format!("({})", quoted.join(", "))
}

fn or_none<T: fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
}

fn table(out: &mut Collector<'_, '_>, object: &str, a: &Table, b: &Table) {
    use ObjectKind as K;
    out.attribute(K::Table, object, "kind", &a.kind, &b.kind, |k| format!("{k:?}").to_lowercase());
    out.flag(K::Table, object, "unlogged", a.unlogged, b.unlogged);
    out.flag(K::Table, object, "row security", a.row_security, b.row_security);
    out.flag(K::Table, object, "forced row security", a.force_row_security, b.force_row_security);
    out.expression(
        K::Table,
        object,
        "partition key",
        ExprContext::Value(&a.name),
        a.partition_key.as_deref(),
        b.partition_key.as_deref(),
    );
    out.attribute(
        K::Table,
        object,
        "partition parent",
        &a.partition_of.as_ref().map(|p| &p.parent),
        &b.partition_of.as_ref().map(|p| &p.parent),
        or_none,
    );
    out.expression(
        K::Table,
        object,
        "partition bound",
        ExprContext::Query,
        a.partition_of.as_ref().map(|p| p.bound.as_str()),
        b.partition_of.as_ref().map(|p| p.bound.as_str()),
    );
    out.attribute(K::Table, object, "parents", &a.inherits, &b.inherits, |parents| {
        parents.iter().map(QName::to_string).collect::<Vec<_>>().join(", ")
    });
    let column_name = |c: &Column| format!("{object}.{}", quote_ident(&c.name));
    out.pairs(&a.columns, &b.columns, K::Column, column_name, |out, name, x, y| column(out, name, &a.name, x, y));
    let of_table = |name: &str| format!("{object}: {}", quote_ident(name));
    out.pairs_by(
        &a.constraints,
        &b.constraints,
        |c| c.kind.into(),
        |c| of_table(&c.name),
        |out, name, x, y| {
            constraint(out, name, ExprContext::Condition(&a.name), x, y);
        },
    );
    indexes(out, &a.name, &a.indexes, &b.indexes);
    triggers(out, &a.name, &a.triggers, &b.triggers);
    out.pairs(
        &a.policies,
        &b.policies,
        K::Policy,
        |p| of_table(&p.name),
        |out, name, x, y| {
            policy(out, name, &a.name, x, y);
        },
    );
}

fn column(out: &mut Collector<'_, '_>, object: &str, table: &QName, a: &Column, b: &Column) {
    let kind = ObjectKind::Column;
    out.text(kind, object, "type", &a.ty, &b.ty);
    out.flag(kind, object, "not null", a.not_null, b.not_null);
    out.attribute(kind, object, "identity", &a.identity, &b.identity, or_none);
    out.attribute(kind, object, "collation", &a.collation, &b.collation, or_none);
    out.expression(kind, object, "default", ExprContext::Default(&b.ty), a.default.as_deref(), b.default.as_deref());
    let (x, y) = (a.generated.as_ref(), b.generated.as_ref());
    out.attribute(kind, object, "generated", &x.map(|g| g.kind), &y.map(|g| g.kind), or_none);
    if let (Some(x), Some(y)) = (x, y) {
        let context = ExprContext::Generated(table, &b.ty);
        out.expression(kind, object, "generation expression", context, Some(&x.expression), Some(&y.expression));
    }
}

fn constraint(out: &mut Collector<'_, '_>, object: &str, context: ExprContext<'_>, a: &Constraint, b: &Constraint) {
    let kind = ObjectKind::from(a.kind);
    out.attribute(kind, object, "kind", &a.kind, &b.kind, |k| k.label().to_owned());
    if a.kind != b.kind {
        return;
    }
    out.names(kind, object, "columns", &a.columns, &b.columns);
    out.names(kind, object, "included columns", &a.include, &b.include);
    out.flag(kind, object, "nulls not distinct", a.nulls_not_distinct, b.nulls_not_distinct);
    out.flag(kind, object, "without overlaps", a.without_overlaps, b.without_overlaps);
    out.flag(kind, object, "no inherit", a.no_inherit, b.no_inherit);
    out.flag(kind, object, "not valid", a.not_valid, b.not_valid);
    out.flag(kind, object, "deferrable", a.deferrable, b.deferrable);
    out.flag(kind, object, "initially deferred", a.initially_deferred, b.initially_deferred);
    let context = if a.kind == ConstraintKind::Exclusion { ExprContext::Query } else { context };
    out.expression(kind, object, "expression", context, a.expression.as_deref(), b.expression.as_deref());
    if let (Some(x), Some(y)) = (&a.references, &b.references) {
        out.attribute(kind, object, "referenced table", &x.table, &y.table, QName::to_string);
        out.names(kind, object, "referenced columns", &x.columns, &y.columns);
        out.attribute(kind, object, "on delete", &x.on_delete, &y.on_delete, |v| v.sql().to_owned());
        out.attribute(kind, object, "on update", &x.on_update, &y.on_update, |v| v.sql().to_owned());
        out.names(kind, object, "on delete columns", &x.on_delete_columns, &y.on_delete_columns);
        out.attribute(kind, object, "match", &x.matching, &y.matching, |v| format!("{v:?}").to_uppercase());
        out.flag(kind, object, "period", x.period, y.period);
    }
}

fn indexes(out: &mut Collector<'_, '_>, table: &QName, a: &[Index], b: &[Index]) {
    let name = |i: &Index| format!("{table}: {}", quote_ident(&i.name));
    out.pairs(a, b, ObjectKind::Index, name, |out, object, x, y| index(out, object, table, x, y));
}

fn index(out: &mut Collector<'_, '_>, object: &str, table: &QName, a: &Index, b: &Index) {
    let kind = ObjectKind::Index;
    out.flag(kind, object, "unique", a.unique, b.unique);
    out.flag(kind, object, "nulls not distinct", a.nulls_not_distinct, b.nulls_not_distinct);
    out.text(kind, object, "method", &a.method, &b.method);
    out.names(kind, object, "included columns", &a.include, &b.include);
    out.attribute(kind, object, "parent index", &a.partition_of, &b.partition_of, or_none);
    let context = ExprContext::Condition(table);
    out.expression(kind, object, "predicate", context, a.predicate.as_deref(), b.predicate.as_deref());
    out.attribute(kind, object, "number of keys", &a.keys.len(), &b.keys.len(), usize::to_string);
    for (position, (x, y)) in a.keys.iter().zip(&b.keys).enumerate() {
        let label = format!("key {}", position + 1);
        out.attribute(kind, object, &label, &x.column, &y.column, or_none);
        let context = ExprContext::Value(table);
        out.expression(kind, object, &label, context, x.expression.as_deref(), y.expression.as_deref());
        out.attribute(kind, object, &format!("{label} operator class"), &x.opclass, &y.opclass, or_none);
        out.attribute(kind, object, &format!("{label} collation"), &x.collation, &y.collation, or_none);
        out.flag(kind, object, &format!("{label} descending"), x.descending, y.descending);
        out.flag(kind, object, &format!("{label} nulls first"), x.nulls_first, y.nulls_first);
    }
}

fn triggers(out: &mut Collector<'_, '_>, table: &QName, a: &[Trigger], b: &[Trigger]) {
    let name = |t: &Trigger| format!("{table}: {}", quote_ident(&t.name));
    out.pairs(a, b, ObjectKind::Trigger, name, |out, object, x, y| trigger(out, object, table, x, y));
}

fn trigger(out: &mut Collector<'_, '_>, object: &str, table: &QName, a: &Trigger, b: &Trigger) {
    let kind = ObjectKind::Trigger;
    out.text(kind, object, "timing", &a.timing, &b.timing);
    out.names(kind, object, "events", &a.events, &b.events);
    out.names(kind, object, "update columns", &a.update_of, &b.update_of);
    out.flag(kind, object, "for each row", a.for_each_row, b.for_each_row);
    out.attribute(kind, object, "function", &a.function, &b.function, QName::to_string);
    out.names(kind, object, "arguments", &a.arguments, &b.arguments);
    let context = ExprContext::Trigger(table);
    out.expression(kind, object, "condition", context, a.when.as_deref(), b.when.as_deref());
    out.attribute(kind, object, "old table", &a.old_table, &b.old_table, or_none);
    out.attribute(kind, object, "new table", &a.new_table, &b.new_table, or_none);
    out.flag(kind, object, "constraint trigger", a.constraint, b.constraint);
    out.flag(kind, object, "deferrable", a.deferrable, b.deferrable);
    out.flag(kind, object, "initially deferred", a.initially_deferred, b.initially_deferred);
    out.attribute(kind, object, "enabled", &a.enabled, &b.enabled, |v| format!("{v:?}").to_lowercase());
}

fn policy(out: &mut Collector<'_, '_>, object: &str, table: &QName, a: &Policy, b: &Policy) {
    let kind = ObjectKind::Policy;
    out.flag(kind, object, "restrictive", a.restrictive, b.restrictive);
    out.text(kind, object, "command", &a.command, &b.command);
    out.names(kind, object, "roles", &a.roles, &b.roles);
    let context = ExprContext::Condition(table);
    out.expression(kind, object, "using", context, a.using.as_deref(), b.using.as_deref());
    out.expression(kind, object, "with check", context, a.check.as_deref(), b.check.as_deref());
}

fn view(out: &mut Collector<'_, '_>, object: &str, a: &View, b: &View) {
    let kind = ObjectKind::View;
    out.flag(kind, object, "materialized", a.materialized, b.materialized);
    out.names(kind, object, "options", &a.options, &b.options);
    indexes(out, &a.name, &a.indexes, &b.indexes);
    triggers(out, &a.name, &a.triggers, &b.triggers);
}

fn enum_type(out: &mut Collector<'_, '_>, object: &str, a: &EnumType, b: &EnumType) {
    out.names(ObjectKind::Enum, object, "labels", &a.labels, &b.labels);
}

fn domain(out: &mut Collector<'_, '_>, object: &str, a: &Domain, b: &Domain) {
    let kind = ObjectKind::Domain;
    out.text(kind, object, "type", &a.ty, &b.ty);
    out.flag(kind, object, "not null", a.not_null, b.not_null);
    out.attribute(kind, object, "collation", &a.collation, &b.collation, or_none);
    out.expression(kind, object, "default", ExprContext::Default(&b.ty), a.default.as_deref(), b.default.as_deref());
    let name = |c: &Constraint| format!("{object}: {}", quote_ident(&c.name));
    out.pairs(&a.checks, &b.checks, ObjectKind::Check, name, |out, object, x, y| {
        constraint(out, object, ExprContext::Domain(&b.ty), x, y);
    });
}

fn composite(out: &mut Collector<'_, '_>, object: &str, a: &Composite, b: &Composite) {
    let name = |c: &Column| format!("{object}.{}", quote_ident(&c.name));
    out.pairs(&a.columns, &b.columns, ObjectKind::Column, name, |out, object, x, y| column(out, object, &a.name, x, y));
}

fn range(out: &mut Collector<'_, '_>, object: &str, a: &RangeType, b: &RangeType) {
    out.text(ObjectKind::Range, object, "subtype", &a.subtype, &b.subtype);
}

fn sequence(out: &mut Collector<'_, '_>, object: &str, a: &Sequence, b: &Sequence) {
    let kind = ObjectKind::Sequence;
    out.text(kind, object, "type", &a.ty, &b.ty);
    for (name, x, y) in [
        ("start", a.start, b.start),
        ("increment", a.increment, b.increment),
        ("minimum", a.min, b.min),
        ("maximum", a.max, b.max),
        ("cache", a.cache, b.cache),
    ] {
        out.attribute(kind, object, name, &x, &y, i64::to_string);
    }
    out.flag(kind, object, "cycle", a.cycle, b.cycle);
    out.attribute(kind, object, "owner column", &a.owned_by, &b.owned_by, |owner| {
        owner.as_ref().map_or_else(|| "none".to_owned(), |o| format!("{}.{}", o.table, quote_ident(&o.column)))
    });
}

fn function(out: &mut Collector<'_, '_>, object: &str, a: &Function, b: &Function) {
    let kind = ObjectKind::Function;
    out.attribute(kind, object, "kind", &a.kind, &b.kind, |k| format!("{k:?}").to_lowercase());
    out.attribute(kind, object, "returns", &a.returns, &b.returns, or_none);
    out.text(kind, object, "language", &a.language, &b.language);
    out.text(kind, object, "volatility", &a.volatility, &b.volatility);
    out.text(kind, object, "parallel", &a.parallel, &b.parallel);
    out.flag(kind, object, "strict", a.strict, b.strict);
    out.flag(kind, object, "security definer", a.security_definer, b.security_definer);
    out.flag(kind, object, "leakproof", a.leakproof, b.leakproof);
    out.names(kind, object, "settings", &a.settings, &b.settings);
    out.text(kind, object, "body", a.body.trim(), b.body.trim());
    out.attribute(kind, object, "number of arguments", &a.arguments.len(), &b.arguments.len(), usize::to_string);
    for (position, (x, y)) in a.arguments.iter().zip(&b.arguments).enumerate() {
        let label = format!("argument {}", position + 1);
        out.text(kind, object, &format!("{label} mode"), &x.mode, &y.mode);
        out.attribute(kind, object, &format!("{label} name"), &x.name, &y.name, or_none);
        out.text(kind, object, &format!("{label} type"), &x.ty, &y.ty);
        let context = ExprContext::Default(&y.ty);
        let label = format!("{label} default");
        out.expression(kind, object, &label, context, x.default.as_deref(), y.default.as_deref());
    }
}
