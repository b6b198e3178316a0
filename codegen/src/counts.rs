//! How much there is of everything in a model: one row of numbers, for comparison with what the
//! catalogue of a database says.
//!
//! Partitions are counted by themselves and left out of everything else but triggers, as their
//! columns, keys and indexes are those of their parent.

use std::collections::{HashMap, HashSet};

use canon_core::schema::{Constraint, ConstraintKind, Index, Model, QName, Table};

use crate::expr;

/// Names of the columns, in order. The first is the file, which [`counts`] does not give.
pub const COLUMNS: &[&str] = &[
    "db",
    "schemas",
    "tables",
    "partitions",
    "columns",
    "views",
    "matv",
    "enums",
    "domains",
    "composite",
    "funcs",
    "trig",
    "policies",
    "identity",
    "gen",
    "pk",
    "fk",
    "uniq",
    "check",
    "excl",
    "partial_ix",
    "expr_ix",
    "indexes",
    "no_pk",
    "comp_pk",
    "fk_no_ix",
    "tbl_cmt",
    "col_cmt",
    "rust_kw",
    "odd_name",
    "chk_in",
    "self_fk",
    "fk_cycles",
    "in_cycle",
];

/// Words that Rust keeps for itself: a field of that name needs `r#` or another name.
const RUST_KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Extensions of PostgreSQL that bring types of their own: name, domains, composite types.
const BRINGERS: &[(&str, usize, usize)] = &[("earthdistance", 1, 0), ("lo", 1, 0), ("tablefunc", 0, 3)];

fn brought(model: &Model, what: impl Fn(&(&str, usize, usize)) -> usize) -> usize {
    let installed = |name: &str| model.extensions.iter().any(|e| e.name == name);
    BRINGERS.iter().filter(|(name, ..)| installed(name)).map(what).sum()
}

/// The numbers of [`COLUMNS`], without the first.
pub fn counts(model: &Model) -> Vec<usize> {
    let tables: Vec<&Table> = model.tables.iter().filter(|t| t.partition_of.is_none()).collect();
    let columns = || tables.iter().flat_map(|t| &t.columns);
    let constraints = || tables.iter().flat_map(|t| t.constraints.iter().map(move |c| (*t, c)));
    let of_kind = |kind: ConstraintKind| constraints().filter(|(_, c)| c.kind == kind).count();
    let matviews = || model.views.iter().filter(|v| v.materialized);
    let plain: Vec<&Index> =
        tables.iter().flat_map(|t| &t.indexes).chain(matviews().flat_map(|v| &v.indexes)).collect();
    let keyed = constraints().filter(|(_, c)| has_index(c)).count();
    let keyless = tables.iter().filter(|t| t.primary_key().is_empty()).count();
    let (cycles, in_cycle) = cycles(&tables);
    let public = usize::from(model.schemas.iter().all(|s| s.name != "public"));
    let described = |comment: &Option<String>, inline: bool| comment.is_some() && !inline;
    let odd = |name: &str| {
        !name.chars().enumerate().all(|(n, c)| c == '_' || c.is_ascii_lowercase() || (n > 0 && c.is_ascii_digit()))
    };
    let on_views = model.views.iter().map(|v| v.triggers.len()).sum::<usize>();
    vec![
        model.schemas.len() + public,
        tables.len(),
        model.tables.len() - tables.len(),
        columns().count(),
        model.views.len() - matviews().count(),
        matviews().count(),
        model.enums.len(),
        model.domains.len() + brought(model, |(_, domains, _)| *domains),
        model.composites.len() + brought(model, |(_, _, composites)| *composites),
        model.functions.len(),
        on_views + model.tables.iter().map(|t| t.triggers.len() + cloned_triggers(model, t)).sum::<usize>(),
        model.tables.iter().map(|t| t.policies.len()).sum(),
        columns().filter(|c| c.identity.is_some()).count(),
        columns().filter(|c| c.generated.is_some()).count(),
        of_kind(ConstraintKind::Primary),
        of_kind(ConstraintKind::Foreign),
        of_kind(ConstraintKind::Unique),
        of_kind(ConstraintKind::Check),
        of_kind(ConstraintKind::Exclusion),
        plain.iter().filter(|i| i.predicate.is_some()).count(),
        plain.iter().filter(|i| i.keys.iter().any(|k| k.expression.is_some())).count(),
        plain.len() + keyed,
        keyless,
        tables.iter().filter(|t| t.primary_key().len() > 1).count(),
        constraints().filter(|(t, c)| c.kind == ConstraintKind::Foreign && !is_indexed(t, &c.columns)).count(),
        tables.iter().filter(|t| described(&t.comment, t.comment_inline)).count()
            + model.views.iter().filter(|v| v.comment.is_some()).count(),
        columns().filter(|c| described(&c.comment, c.comment_inline)).count()
            + model.views.iter().flat_map(|v| &v.columns).filter(|c| c.comment.is_some()).count(),
        columns().filter(|c| RUST_KEYWORDS.contains(&c.name.as_str())).count(),
        columns().filter(|c| odd(&c.name)).count(),
        constraints().filter(|(_, c)| c.expression.as_deref().is_some_and(expr::has_value_list)).count(),
        constraints().filter(|(t, c)| c.references.as_ref().is_some_and(|r| r.table == t.name)).count(),
        cycles,
        in_cycle,
    ]
}

fn has_index(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::Primary | ConstraintKind::Unique | ConstraintKind::Exclusion)
}

/// Row triggers of a partitioned table, which PostgreSQL clones for each partition.
fn cloned_triggers(model: &Model, table: &Table) -> usize {
    let mut count = 0;
    let mut parent = table.partition_of.as_ref().map(|p| &p.parent);
    let mut steps = 0;
    while let Some(above) = parent.and_then(|name| model.table(name)).filter(|_| steps < 32) {
        count += above.triggers.iter().filter(|t| t.for_each_row).count();
        parent = above.partition_of.as_ref().map(|p| &p.parent);
        steps += 1;
    }
    count
}

/// Whether an index over all rows begins with these columns, in any order.
fn is_indexed(table: &Table, columns: &[String]) -> bool {
    let leads =
        |keys: &[&String]| keys.len() >= columns.len() && columns.iter().all(|c| keys[..columns.len()].contains(&c));
    let by_key =
        table.constraints.iter().filter(|c| has_index(c)).any(|c| leads(&c.columns.iter().collect::<Vec<_>>()));
    by_key
        || table
            .indexes
            .iter()
            .filter(|i| i.predicate.is_none())
            .any(|i| leads(&i.keys.iter().map_while(|k| k.column.as_ref()).collect::<Vec<_>>()))
}

/// Cycles of foreign keys among several tables, and the tables in them.
fn cycles(tables: &[&Table]) -> (usize, usize) {
    let index: HashMap<&QName, usize> = tables.iter().enumerate().map(|(n, t)| (&t.name, n)).collect();
    let edges: Vec<Vec<usize>> =
        tables.iter().map(|t| t.foreign_keys().filter_map(|(_, r)| index.get(&r.table).copied()).collect()).collect();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); tables.len()];
    for (from, targets) in edges.iter().enumerate() {
        targets.iter().for_each(|to| back[*to].push(from));
    }
    // Kosaraju: strongly connected components by two walks, without recursion.
    let mut order = Vec::with_capacity(tables.len());
    let mut seen = HashSet::new();
    for root in 0..tables.len() {
        let mut stack = vec![(root, 0)];
        while let Some((node, next)) = stack.pop() {
            if next == 0 && !seen.insert(node) {
                continue;
            }
            match edges[node].get(next) {
                Some(to) => stack.extend([(node, next + 1), (*to, 0)]),
                None => order.push(node),
            }
        }
    }
    let mut taken = HashSet::new();
    let (mut count, mut members) = (0, 0);
    for root in order.into_iter().rev() {
        let (mut stack, mut size) = (vec![root], 0);
        while let Some(node) = stack.pop() {
            if taken.insert(node) {
                size += 1;
                stack.extend(&back[node]);
            }
        }
        if size > 1 {
            count += 1;
            members += size;
        }
    }
    (count, members)
}
