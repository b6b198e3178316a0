use super::collector::{Collector, or_none};
use super::tables::{columns, constraint, indexes, same_constraint, triggers};
use super::{ExprContext, ObjectKind};
use crate::schema::{
    Column, Composite, Constraint, Domain, EnumType, Function, Grant, Opaque, RangeType, Sequence, View, quote_ident,
};

pub(super) fn view(out: &mut Collector<'_, '_, '_>, object: &str, a: &View, b: &View) {
    let kind = ObjectKind::View;
    out.flag(kind, object, "materialized", a.materialized, b.materialized);
    out.names(kind, object, "options", &a.options, &b.options);
    view_columns(out, object, &a.columns, &b.columns);
    if let Some(query) = &mut out.judge.query {
        for aspect in query(&a.query, &b.query) {
            out.text(kind, object, aspect.name, &aspect.expected, &aspect.found);
        }
    }
    indexes(out, &a.name, &a.indexes, &b.indexes);
    triggers(out, &a.name, &a.triggers, &b.triggers);
}

/// Columns of a view count as far as both sides know them: a file may not say what its query gives.
fn view_columns(out: &mut Collector<'_, '_, '_>, object: &str, a: &[Column], b: &[Column]) {
    if a.is_empty() || b.is_empty() {
        return;
    }
    let names = |columns: &[Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    out.names(ObjectKind::View, object, "columns", &names(a), &names(b));
    for (x, y) in a.iter().zip(b).filter(|(x, y)| x.name == y.name && !x.ty.is_empty() && !y.ty.is_empty()) {
        out.text(ObjectKind::Column, &format!("{object}.{}", quote_ident(&x.name)), "type", &x.ty, &y.ty);
    }
}

pub(super) fn enum_type(out: &mut Collector<'_, '_, '_>, object: &str, a: &EnumType, b: &EnumType) {
    out.names(ObjectKind::Enum, object, "labels", &a.labels, &b.labels);
}

pub(super) fn domain(out: &mut Collector<'_, '_, '_>, object: &str, a: &Domain, b: &Domain) {
    let kind = ObjectKind::Domain;
    out.text(kind, object, "type", &a.ty, &b.ty);
    out.flag(kind, object, "not null", a.not_null, b.not_null);
    out.attribute(kind, object, "collation", &a.collation, &b.collation, or_none);
    out.expression(kind, object, "default", ExprContext::Default(&b.ty), a.default.as_deref(), b.default.as_deref());
    let name = |c: &Constraint| format!("{object}: {}", quote_ident(&c.name));
    let alike = |x: (usize, &Constraint), y: (usize, &Constraint)| same_constraint(x.1, y.1);
    out.pairs(&a.checks, &b.checks, ObjectKind::Check, name, alike, |out, object, x, y| {
        constraint(out, object, ExprContext::Domain(&b.ty), x, y);
    });
}

pub(super) fn composite(out: &mut Collector<'_, '_, '_>, object: &str, a: &Composite, b: &Composite) {
    columns(out, object, &a.name, &a.columns, &b.columns);
}

pub(super) fn range(out: &mut Collector<'_, '_, '_>, object: &str, a: &RangeType, b: &RangeType) {
    out.text(ObjectKind::Range, object, "subtype", &a.subtype, &b.subtype);
}

pub(super) fn sequence(out: &mut Collector<'_, '_, '_>, object: &str, a: &Sequence, b: &Sequence) {
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

pub(super) fn function(out: &mut Collector<'_, '_, '_>, object: &str, a: &Function, b: &Function) {
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

pub(super) fn grant(out: &mut Collector<'_, '_, '_>, object: &str, a: &Grant, b: &Grant) {
    let list = |privileges: &Vec<String>| privileges.join(", ");
    out.attribute(ObjectKind::Grant, object, "privileges", &a.privileges, &b.privileges, list);
    out.attribute(ObjectKind::Grant, object, "grantable", &a.grantable, &b.grantable, list);
}

pub(super) fn opaque(out: &mut Collector<'_, '_, '_>, object: &str, a: &Opaque, b: &Opaque) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words(&a.text) != words(&b.text) {
        out.text(ObjectKind::Opaque, object, "text", &a.text, &b.text);
    }
}
