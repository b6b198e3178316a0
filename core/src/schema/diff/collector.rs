use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Change, Difference, ExprContext, Judge, ObjectKind, Place};
use crate::schema::{
    Column, Composite, Constraint, Domain, EnumType, Extension, Function, Grant, Index, Model, Opaque, Origin, Policy,
    RangeType, Schema, Sequence, Table, Trigger, View, quote_ident,
};

/// Pairs of objects that are looked at for renames. Two schemas with nothing in common have more.
const MAX_RENAME_PAIRS: usize = 1_000_000;

/// What knows where it was declared.
pub(super) trait Declared {
    fn origin(&self) -> Option<Origin>;
}

macro_rules! declared {
    ($($object:ty),*) => {$(
        impl Declared for $object {
            fn origin(&self) -> Option<Origin> {
                self.origin
            }
        }
    )*};
}

declared!(
    Column, Composite, Constraint, Domain, EnumType, Extension, Function, Grant, Index, Opaque, Policy, RangeType,
    Schema, Sequence, Table, Trigger, View
);

impl<T: Declared> Declared for &T {
    fn origin(&self) -> Option<Origin> {
        (**self).origin()
    }
}

/// How much two objects of different names are alike; 0: not at all. Positions are within their lists.
type Likeness<'f, T> = dyn Fn((usize, &T), (usize, &T)) -> usize + 'f;

/// How objects of one kind are matched.
pub(super) struct Matching<'f, T> {
    /// What the object is.
    pub(super) kind: &'f dyn Fn(&T) -> ObjectKind,
    /// Its name: what is matched.
    pub(super) name: &'f dyn Fn(&T) -> String,
    /// Which of them may be one, renamed.
    pub(super) likeness: &'f Likeness<'f, T>,
}

pub(super) struct Collector<'a, 'j, 'b> {
    pub(super) judge: &'a mut Judge<'j, 'b>,
    /// Files of the two models.
    files: [&'a [String]; 2],
    /// Where the two objects in hand are declared.
    at: [Option<Origin>; 2],
    pub(super) differences: Vec<Difference>,
}

impl<'a, 'j, 'b> Collector<'a, 'j, 'b> {
    pub(super) fn new(expected: &'a Model, found: &'a Model, judge: &'a mut Judge<'j, 'b>) -> Self {
        Self { judge, files: [&expected.files, &found.files], at: [None, None], differences: Vec::new() }
    }

    pub(super) fn push(&mut self, kind: ObjectKind, object: impl Into<String>, change: Change) {
        let place = |side: usize| {
            let Origin { file, line, column } = self.at[side]?;
            Some(Place { file: self.files[side].get(file as usize)?.clone(), line, column })
        };
        let (expected_at, found_at) = (place(0), place(1));
        self.differences.push(Difference { kind, object: object.into(), change, expected_at, found_at, renamed: None });
    }

    /// Runs `what` for two objects, whose places then count.
    fn within(&mut self, at: [Option<Origin>; 2], what: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.at, at);
        what(self);
        self.at = outer;
    }

    /// Matches two lists and calls `compare` for every pair, and `moved` for what was likely renamed.
    pub(super) fn matched<T: Declared>(
        &mut self,
        expected: &[T],
        found: &[T],
        by: &Matching<'_, T>,
        compare: impl Fn(&mut Self, &str, &T, &T),
        moved: impl Fn(&mut Self, &str, &T, &T),
    ) {
        let mut index: HashMap<String, &T> = found.iter().map(|item| ((by.name)(item), item)).collect();
        let mut missing = Vec::new();
        for (n, item) in expected.iter().enumerate() {
            let object = (by.name)(item);
            match index.remove(&object) {
                Some(other) => {
                    self.within([item.origin(), other.origin()], |out| compare(out, &object, item, other));
                }
                None => missing.push((n, item)),
            }
        }
        let extra: Vec<(usize, &T)> =
            found.iter().enumerate().filter(|(_, item)| index.contains_key(&(by.name)(item))).collect();
        let renames = renames(&missing, &extra, by.likeness);
        for (n, (_, item)) in missing.iter().enumerate() {
            self.within([item.origin(), None], |out| out.push((by.kind)(item), (by.name)(item), Change::Missing));
            self.hint(renames.iter().find(|(old, _)| *old == n).map(|(_, new)| (by.name)(extra[*new].1)));
        }
        for (n, (_, item)) in extra.iter().enumerate() {
            self.within([None, item.origin()], |out| out.push((by.kind)(item), (by.name)(item), Change::Extra));
            let Some((old, _)) = renames.iter().find(|(_, new)| *new == n) else { continue };
            let (_, before) = missing[*old];
            self.hint(Some((by.name)(before)));
            self.within([before.origin(), item.origin()], |out| moved(out, &(by.name)(item), before, item));
        }
    }

    fn hint(&mut self, renamed: Option<String>) {
        if let Some(last) = self.differences.last_mut() {
            last.renamed = renamed;
        }
    }

    /// [`Self::matched`] for one kind, of which renames say nothing more.
    pub(super) fn pairs<T: Declared>(
        &mut self,
        expected: &[T],
        found: &[T],
        kind: ObjectKind,
        name: impl Fn(&T) -> String,
        likeness: impl Fn((usize, &T), (usize, &T)) -> usize,
        compare: impl Fn(&mut Self, &str, &T, &T),
    ) {
        let by = Matching { kind: &|_| kind, name: &name, likeness: &likeness };
        self.matched(expected, found, &by, compare, |_, _, _, _| {});
    }

    pub(super) fn attribute<T: PartialEq + fmt::Debug>(
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

    pub(super) fn text(&mut self, kind: ObjectKind, object: &str, name: &str, expected: &str, found: &str) {
        self.attribute(kind, object, name, &expected, &found, |v| (*v).to_owned());
    }

    pub(super) fn flag(&mut self, kind: ObjectKind, object: &str, name: &str, expected: bool, found: bool) {
        self.attribute(kind, object, name, &expected, &found, |v| if *v { "yes" } else { "no" }.to_owned());
    }

    pub(super) fn names(&mut self, kind: ObjectKind, object: &str, name: &str, expected: &[String], found: &[String]) {
        self.attribute(kind, object, name, &expected, &found, |v| column_list(v));
    }

    pub(super) fn expression(
        &mut self,
        kind: ObjectKind,
        object: &str,
        name: &str,
        context: ExprContext<'_>,
        expected: Option<&str>,
        found: Option<&str>,
    ) {
        let equal = match (expected, found) {
            (Some(a), Some(b)) => a == b || (self.judge.same)(context, a, b),
            (None, None) => true,
            _ => false,
        };
        if !equal {
            self.text(kind, object, name, expected.unwrap_or("none"), found.unwrap_or("none"));
        }
    }
}

/// Pairs that are each other's best and only match, as positions in the two lists.
fn renames<T>(missing: &[(usize, &T)], extra: &[(usize, &T)], likeness: &Likeness<'_, T>) -> Vec<(usize, usize)> {
    if missing.len().saturating_mul(extra.len()) > MAX_RENAME_PAIRS {
        return Vec::new();
    }
    let mut scored: Vec<(usize, usize, usize)> = Vec::new();
    for (old, before) in missing.iter().enumerate() {
        for (new, after) in extra.iter().enumerate() {
            let score = likeness(*before, *after);
            if score > 0 {
                scored.push((score, old, new));
            }
        }
    }
    let best = |of: &dyn Fn(&(usize, usize, usize)) -> bool| {
        let top = scored.iter().filter(|s| of(s)).map(|s| s.0).max()?;
        let mut at_top = scored.iter().filter(|s| of(s) && s.0 == top);
        let first = at_top.next()?;
        at_top.next().is_none().then_some((first.1, first.2))
    };
    let olds: HashSet<usize> = scored.iter().map(|s| s.1).collect();
    let mut pairs: Vec<(usize, usize)> = olds
        .into_iter()
        .filter_map(|old| best(&|s| s.1 == old))
        .filter(|(old, new)| best(&|s| s.2 == *new) == Some((*old, *new)))
        .collect();
    pairs.sort_unstable();
    pairs
}

pub(super) fn column_list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|c| quote_ident(c)).collect();
    format!("({})", quoted.join(", "))
}

pub(super) fn or_none<T: fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
}
