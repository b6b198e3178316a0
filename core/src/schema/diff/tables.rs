use std::collections::BTreeSet;

use super::collector::{Collector, Matching, or_none};
use super::{ExprContext, ObjectKind};
use crate::schema::{Column, Constraint, ConstraintKind, Index, Policy, QName, Table, Trigger, quote_ident};

pub(super) fn table(out: &mut Collector<'_, '_, '_>, object: &str, a: &Table, b: &Table) {
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
    columns(out, object, &a.name, &a.columns, &b.columns);
    let of_table = |name: &str| format!("{object}: {}", quote_ident(name));
    let name = |c: &Constraint| of_table(&c.name);
    let by =
        Matching { kind: &|c: &Constraint| c.kind.into(), name: &name, likeness: &|x, y| same_constraint(x.1, y.1) };
    out.matched(
        &a.constraints,
        &b.constraints,
        &by,
        |out, name, x, y| constraint(out, name, ExprContext::Condition(&a.name), x, y),
        |_, _, _, _| {},
    );
    indexes(out, &a.name, &a.indexes, &b.indexes);
    triggers(out, &a.name, &a.triggers, &b.triggers);
    let alike = |x: (usize, &Policy), y: (usize, &Policy)| {
        let bare = |p: &Policy| Policy { name: String::new(), comment: None, origin: None, ..p.clone() };
        usize::from(bare(x.1) == bare(y.1))
    };
    out.pairs(
        &a.policies,
        &b.policies,
        K::Policy,
        |p| of_table(&p.name),
        alike,
        |out, name, x, y| {
            policy(out, name, &a.name, x, y);
        },
    );
}

/// Columns of a table or composite type.
pub(super) fn columns(out: &mut Collector<'_, '_, '_>, object: &str, table: &QName, a: &[Column], b: &[Column]) {
    let name = |c: &Column| format!("{object}.{}", quote_ident(&c.name));
    // A renamed column keeps its place.
    let alike = |(n, x): (usize, &Column), (m, y): (usize, &Column)| {
        let bare = |c: &Column| Column { name: String::new(), comment: None, origin: None, ..c.clone() };
        if bare(x) == bare(y) { 1 + usize::from(n == m) } else { 0 }
    };
    out.pairs(a, b, ObjectKind::Column, name, alike, |out, name, x, y| column(out, name, table, x, y));
}

/// A table under another name has most of its columns still, a few perhaps with another type.
pub(super) fn same_table(a: &Table, b: &Table) -> usize {
    let pairs = a.columns.iter().filter_map(|x| Some((x, b.column(&x.name)?)));
    let (named, typed) = pairs.fold((0, 0), |(n, t), (x, y)| (n + 1, t + usize::from(x.ty == y.ty)));
    let all = a.columns.len() + b.columns.len();
    if typed >= 2 && (named + typed) * 4 >= all * 3 { 1 + (named + typed) * 1000 / all } else { 0 }
}

pub(super) fn same_constraint(a: &Constraint, b: &Constraint) -> usize {
    let bare = |c: &Constraint| Constraint { name: String::new(), comment: None, origin: None, ..c.clone() };
    usize::from(bare(a) == bare(b))
}

pub(super) fn column(out: &mut Collector<'_, '_, '_>, object: &str, table: &QName, a: &Column, b: &Column) {
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

pub(super) fn constraint(
    out: &mut Collector<'_, '_, '_>,
    object: &str,
    context: ExprContext<'_>,
    a: &Constraint,
    b: &Constraint,
) {
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

pub(super) fn indexes(out: &mut Collector<'_, '_, '_>, table: &QName, a: &[Index], b: &[Index]) {
    let name = |i: &Index| format!("{table}: {}", quote_ident(&i.name));
    let alike = |x: (usize, &Index), y: (usize, &Index)| {
        let bare = |i: &Index| Index { name: String::new(), comment: None, origin: None, ..i.clone() };
        usize::from(bare(x.1) == bare(y.1))
    };
    out.pairs(a, b, ObjectKind::Index, name, alike, |out, object, x, y| index(out, object, table, x, y));
}

fn index(out: &mut Collector<'_, '_, '_>, object: &str, table: &QName, a: &Index, b: &Index) {
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

pub(super) fn triggers(out: &mut Collector<'_, '_, '_>, table: &QName, a: &[Trigger], b: &[Trigger]) {
    let name = |t: &Trigger| format!("{table}: {}", quote_ident(&t.name));
    let alike = |x: (usize, &Trigger), y: (usize, &Trigger)| {
        let bare = |t: &Trigger| Trigger { name: String::new(), comment: None, origin: None, ..t.clone() };
        usize::from(bare(x.1) == bare(y.1))
    };
    out.pairs(a, b, ObjectKind::Trigger, name, alike, |out, object, x, y| trigger(out, object, table, x, y));
}

fn trigger(out: &mut Collector<'_, '_, '_>, object: &str, table: &QName, a: &Trigger, b: &Trigger) {
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

/// Roles are a set, and `CURRENT_USER` is whoever runs the script.
fn same_roles(a: &[String], b: &[String]) -> bool {
    let is_self = |role: &&String| matches!(role.as_str(), "current_user" | "current_role" | "session_user");
    let known = |roles: &[String]| roles.iter().filter(|r| !is_self(r)).cloned().collect::<BTreeSet<String>>();
    let (x, y) = (known(a), known(b));
    let (open_a, open_b) = (a.iter().filter(is_self).count(), b.iter().filter(is_self).count());
    x.difference(&y).count() <= open_b && y.difference(&x).count() <= open_a
}

fn policy(out: &mut Collector<'_, '_, '_>, object: &str, table: &QName, a: &Policy, b: &Policy) {
    let kind = ObjectKind::Policy;
    out.flag(kind, object, "restrictive", a.restrictive, b.restrictive);
    out.text(kind, object, "command", &a.command, &b.command);
    if !same_roles(&a.roles, &b.roles) {
        out.names(kind, object, "roles", &a.roles, &b.roles);
    }
    let context = ExprContext::Condition(table);
    out.expression(kind, object, "using", context, a.using.as_deref(), b.using.as_deref());
    out.expression(kind, object, "with check", context, a.check.as_deref(), b.check.as_deref());
}
