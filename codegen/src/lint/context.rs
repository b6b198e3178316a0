//! A model with what rules ask it again and again.

use std::collections::HashMap;
use std::ops::Range;

use canon_core::schema::{
    Column, Constraint, ConstraintKind, Domain, Function, Model, Origin, QName, References, Table,
};

use super::config::{Options, Settings};
use super::set::Unit;
use crate::error::Diagnostic;
use crate::source::Source;
use crate::split::{Piece, split_with_comments};

/// One unit, indexed.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// Index of the unit.
    pub(super) unit: usize,
    pub(super) model: &'a Model,
    pub(super) sources: &'a [Source],
    pub(super) diagnostics: &'a [Diagnostic],
    /// One a source.
    pub(super) scripts: Vec<Script>,
    pub(super) options: &'a Options,
    tables: HashMap<&'a QName, &'a Table>,
    domains: HashMap<String, &'a Domain>,
    functions: HashMap<&'a QName, Vec<&'a Function>>,
}

/// Statements and comments of a source.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) pieces: Vec<Piece>,
    pub(super) comments: Vec<Range<usize>>,
}

/// A foreign key with its two tables; the target is None where it is not in the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForeignKey<'a> {
    pub(super) table: &'a Table,
    pub(super) key: &'a Constraint,
    pub(super) references: &'a References,
    pub(super) target: Option<&'a Table>,
}

impl<'a> Context<'a> {
    pub(super) fn new(unit: usize, Unit { model, sources, diagnostics }: Unit<'a>, settings: &'a Settings) -> Self {
        let script = |source: &Source| {
            let (pieces, comments) = split_with_comments(&source.text);
            Script { pieces, comments }
        };
        let mut functions: HashMap<&QName, Vec<&Function>> = HashMap::new();
        for function in &model.functions {
            functions.entry(&function.name).or_default().push(function);
        }
        Self {
            unit,
            model,
            sources,
            diagnostics,
            scripts: sources.iter().map(script).collect(),
            options: &settings.options,
            tables: model.tables.iter().map(|t| (&t.name, t)).collect(),
            domains: model.domains.iter().map(|d| (d.name.to_string(), d)).collect(),
            functions,
        }
    }

    pub(super) fn table(&self, name: &QName) -> Option<&'a Table> {
        self.tables.get(name).copied()
    }

    /// The domain that a column's type is.
    pub(super) fn domain(&self, ty: &str) -> Option<&'a Domain> {
        self.domains.get(ty).copied()
    }

    /// All functions of that name.
    pub(super) fn functions(&self, name: &QName) -> &[&'a Function] {
        self.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// All foreign keys that tables declare themselves.
    pub(super) fn foreign_keys(&self) -> impl Iterator<Item = ForeignKey<'a>> {
        let tables: &'a [Table] = &self.model.tables;
        tables.iter().flat_map(move |table| {
            table.foreign_keys().filter(|(key, _)| !key.inherited).map(move |(key, references)| ForeignKey {
                table,
                key,
                references,
                target: self.table(&references.table),
            })
        })
    }

    /// The type below all domains.
    pub(super) fn base_type<'c>(&self, column: &'c Column) -> &'c str
    where
        'a: 'c,
    {
        let mut ty: &'c str = &column.ty;
        // A domain over itself cannot be; the bound is for models made by hand.
        for _ in 0..16 {
            match self.domain(ty) {
                Some(domain) => ty = &domain.ty,
                None => break,
            }
        }
        ty
    }

    /// Whether the column can hold NULL, its domain included.
    pub(super) fn is_nullable(&self, column: &Column) -> bool {
        !column.not_null && !self.domain(&column.ty).is_some_and(|d| d.not_null)
    }
}

/// A table that takes its shape from a partitioned one.
pub(super) fn is_partition(table: &Table) -> bool {
    table.partition_of.is_some()
}

/// Names of objects, as findings show them.
pub(super) fn table_name(table: &Table) -> String {
    format!("table {}", table.name)
}

pub(super) fn column_name(table: &Table, column: &Column) -> String {
    format!("column {}.{}", table.name, canon_core::schema::quote_ident(&column.name))
}

pub(super) fn constraint_name(table: &Table, constraint: &Constraint) -> String {
    format!("constraint {}.{}", table.name, canon_core::schema::quote_ident(&constraint.name))
}

pub(super) fn index_name(table: &Table, index: &canon_core::schema::Index) -> String {
    format!("index {}", QName::new(&table.name.schema, &index.name))
}

/// Place of a column; its table's where it has none.
pub(super) fn column_origin(table: &Table, column: &Column) -> Option<Origin> {
    column.origin.or(table.origin)
}

/// Whether `columns` are a key: what a primary key or unique constraint covers.
pub(super) fn unique_keys(table: &Table) -> impl Iterator<Item = &Constraint> {
    table.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique))
}

/// `character varying`, `text` and their kin.
pub(super) fn is_text(ty: &str) -> bool {
    let text = ty == "text" || ty.starts_with("character") || matches!(ty, "citext" | "bpchar" | "name");
    text && !ty.ends_with(']')
}

pub(super) fn is_timestamp(ty: &str) -> bool {
    ty.starts_with("timestamp") || ty == "date"
}
