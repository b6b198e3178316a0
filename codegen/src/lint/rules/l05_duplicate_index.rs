use canon_core::schema::{Constraint, ConstraintKind, Index, IndexKey, Origin, Table};

use super::super::context::{Context, constraint_name, index_name, unique_keys};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L5",
    name: "duplicate-index",
    summary: "An index has the same keys as another index or key of the table, or only their beginning.",
    severity: Severity::Warning,
    page: page!("L5"),
    check: Check::Unit(check),
};

/// An index, or what a key constraint makes.
struct Access<'a> {
    name: &'a str,
    method: &'a str,
    keys: Vec<IndexKey>,
    include: &'a [String],
    predicate: Option<&'a str>,
    unique: bool,
    /// Two unique indexes that treat NULL differently do different work.
    nulls_not_distinct: bool,
    constraint: Option<&'a Constraint>,
    index: Option<&'a Index>,
    origin: Option<Origin>,
}

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        let all: Vec<Access<'_>> =
            unique_keys(table).map(of_constraint).chain(table.indexes.iter().map(of_index)).collect();
        for (n, access) in all.iter().enumerate() {
            let better = all.iter().enumerate().find(|(m, other)| *m != n && replaces(other, access, *m < n));
            if let Some((_, better)) = better {
                report(cx, table, access, better, out);
            }
        }
    }
}

fn of_constraint(constraint: &Constraint) -> Access<'_> {
    let key = |column: &String| IndexKey { column: Some(column.clone()), ..IndexKey::default() };
    Access {
        name: &constraint.name,
        method: if constraint.without_overlaps { "gist" } else { "btree" },
        keys: constraint.columns.iter().map(key).collect(),
        include: &constraint.include,
        predicate: None,
        unique: true,
        nulls_not_distinct: constraint.nulls_not_distinct || constraint.kind == ConstraintKind::Primary,
        constraint: Some(constraint),
        index: None,
        origin: constraint.origin,
    }
}

fn of_index(index: &Index) -> Access<'_> {
    Access {
        name: &index.name,
        method: &index.method,
        keys: index.keys.clone(),
        include: &index.include,
        predicate: index.predicate.as_deref(),
        unique: index.unique,
        nulls_not_distinct: index.nulls_not_distinct,
        constraint: None,
        index: Some(index),
        origin: index.origin,
    }
}

/// Whether `other` does all the work of `access`. Of two equals, one of the two is kept: the
/// constraint, or else the first.
fn replaces(other: &Access<'_>, access: &Access<'_>, earlier: bool) -> bool {
    let same_kind = other.method == access.method && same_predicate(other.predicate, access.predicate);
    if !same_kind || !covers(other, access) {
        return false;
    }
    let equal = other.keys.len() == access.keys.len() && same_keys(&other.keys, &access.keys);
    if !equal {
        // Only a B-tree can be used by the beginning of its keys; a unique one guards its own.
        return access.method == "btree"
            && !access.unique
            && access.keys.len() < other.keys.len()
            && same_keys(&other.keys[..access.keys.len()], &access.keys);
    }
    let guards = |a: &Access<'_>| (a.unique, a.unique && a.nulls_not_distinct);
    let (of_other, of_access) = (guards(other), guards(access));
    let is_primary = |a: &Access<'_>| a.constraint.is_some_and(|c| c.kind == ConstraintKind::Primary);
    if of_other == of_access || (is_primary(other) && access.unique) {
        let rank = |a: &Access<'_>| (is_primary(a), a.constraint.is_some(), a.include.len());
        return rank(other) > rank(access) || (rank(other) == rank(access) && earlier);
    }
    !access.unique && other.unique
}

fn same_predicate(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => crate::expr::same(a, b),
        _ => false,
    }
}

/// Every column that an index-only scan of `access` can give.
fn covers(other: &Access<'_>, access: &Access<'_>) -> bool {
    access
        .include
        .iter()
        .all(|column| other.include.contains(column) || other.keys.iter().any(|k| k.column.as_ref() == Some(column)))
}

fn same_keys(a: &[IndexKey], b: &[IndexKey]) -> bool {
    a.iter().zip(b).all(|(a, b)| {
        let expressions = match (&a.expression, &b.expression) {
            (None, None) => true,
            (Some(a), Some(b)) => crate::expr::same(a, b),
            _ => false,
        };
        expressions
            && a.column == b.column
            && a.collation == b.collation
            && a.opclass == b.opclass
            && (a.descending, a.nulls_first) == (b.descending, b.nulls_first)
    })
}

fn report(cx: &Context<'_>, table: &Table, access: &Access<'_>, better: &Access<'_>, out: &mut Findings<'_>) {
    let what = match better.constraint.map(|c| c.kind) {
        Some(ConstraintKind::Primary) => "primary key",
        Some(_) => "unique constraint",
        None => "index",
    };
    let equal = access.keys.len() == better.keys.len();
    let how = if equal { "has the same keys as" } else { "is the beginning of" };
    let message = format!("{} {how} the {what} {}", access.name, better.name);
    let (object, help) = match (access.index, access.constraint) {
        (Some(index), _) => {
            let name = index_name(table, index);
            let help = format!("DROP {name};");
            (name, help.replacen("index", "INDEX", 1))
        }
        (None, Some(constraint)) => (
            constraint_name(table, constraint),
            format!(
                "ALTER TABLE {} DROP CONSTRAINT {};",
                table.name,
                canon_core::schema::quote_ident(&constraint.name)
            ),
        ),
        (None, None) => return,
    };
    let draft = Draft::new(cx, object, access.origin.or(table.origin), message).help(help);
    // A short index beside a long one may be meant: it is smaller. A key has to be there anyway.
    out.push(if equal || better.unique { draft } else { draft.hint() });
}
