//! Two schemas side by side: files or databases, in any pairing.

mod render;

use canon_core::schema::{Difference, DifferingQuery, Judge, Model, diff_by};

pub use render::Format;

use crate::expr::{self, query};

/// One of the two.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is called in the report.
    pub label: String,
    /// What it declares.
    pub model: Model,
    /// Read from a database: expressions and queries are spelled as PostgreSQL prints them.
    pub live: bool,
}

/// The differences between two schemas.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the first side is called.
    pub a: String,
    /// What the second side is called.
    pub b: String,
    /// `Missing` is in the first only, `Extra` in the second only.
    pub differences: Vec<Difference>,
}

/// Compares `b` with `a`.
///
/// Queries of views are compared word by word where both sides were written or both were printed by
/// PostgreSQL. A written and a printed one differ where that is certain: see [`query`]. `grants`:
/// privileges too.
pub fn compare(a: &Side, b: &Side, grants: bool) -> Comparison {
    let mut differing: Box<DifferingQuery<'_>> = match (a.live, b.live) {
        (false, true) => Box::new(query::compare_with_stored),
        (true, false) => Box::new(|stored: &str, written: &str| {
            let mut aspects = query::compare_with_stored(written, stored);
            aspects.iter_mut().for_each(|aspect| std::mem::swap(&mut aspect.expected, &mut aspect.found));
            aspects
        }),
        _ => Box::new(query::compare_texts),
    };
    let mut same = expr::same_in;
    let mut judge = Judge { same: &mut same, query: Some(&mut *differing), grants, opaque: !a.live && !b.live };
    let differences = diff_by(&a.model, &b.model, &mut judge);
    Comparison { a: a.label.clone(), b: b.label.clone(), differences }
}
