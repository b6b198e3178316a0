//! Which Rust type stands for a column.

use std::collections::HashMap;

use canon_core::schema::{Column, Model, QName, Table};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::ident;
use crate::lock::{DocId, SourceLock};
use crate::sample;

/// Longest chain of foreign keys that is followed; beyond it is a ring of keys to keys.
const MAX_HOPS: usize = 16;

pub(super) struct Registry<'m> {
    pub(super) model: &'m Model,
    tables: HashMap<&'m QName, &'m Table>,
    lock: Option<&'m SourceLock>,
}

/// An ID type: the key of a table as a type of its own.
pub(super) struct IdType {
    pub(super) name: proc_macro2::Ident,
    pub(super) inner: TokenStream,
    /// Whether it is as cheap to copy as the number in it.
    pub(super) copy: bool,
}

impl<'m> Registry<'m> {
    pub(super) fn new(model: &'m Model, lock: Option<&'m SourceLock>) -> Self {
        Self { model, tables: model.tables.iter().map(|t| (&t.name, t)).collect(), lock }
    }

    pub(super) fn doc_id(&self, table: &Table) -> Option<DocId> {
        self.lock.and_then(|lock| lock.active.get(&table.name.to_string())).copied()
    }

    /// The ID type that `table` defines: for a key of one column that is not itself a reference.
    pub(super) fn id_type(&self, table: &Table) -> Option<IdType> {
        let [key] = table.primary_key() else { return None };
        let column = table.column(key)?;
        let is_reference = table.foreign_keys().any(|(fk, r)| fk.columns.contains(key) && r.table != table.name);
        if is_reference || sample::value_list(table, key).is_some() {
            return None;
        }
        let (inner, copy) = match base(&column.ty) {
            "smallint" => (quote!(i16), true),
            "integer" => (quote!(i32), true),
            "bigint" => (quote!(i64), true),
            "uuid" => (quote!(uuid::Uuid), true),
            "text" | "character varying" | "character" => (quote!(String), false),
            _ => return None,
        };
        let suffix = if key == "id" || key.ends_with("_id") { "id" } else { key.as_str() };
        Some(IdType { name: ident::type_name(&format!("{}_{suffix}", table.name.name)), inner, copy })
    }

    /// The Rust type of a column, without `Option`.
    pub(super) fn column_type(&self, table: &Table, column: &Column) -> TokenStream {
        let ty = match self.named_type(table, column, 0) {
            Some((owner, name)) => self.path(table, owner, &name),
            None if sample::is_json_text(table, &column.name) => quote!(super::super::runtime::JsonText),
            None => scalar(column.ty.strip_suffix("[]").unwrap_or(&column.ty)),
        };
        if column.ty.ends_with("[]") { quote!(Vec<#ty>) } else { ty }
    }

    /// An enum or ID type that the column has by itself or through a foreign key.
    fn named_type(&self, table: &'m Table, column: &Column, hops: usize) -> Option<(&'m Table, proc_macro2::Ident)> {
        if hops > MAX_HOPS {
            return None;
        }
        let is_key = matches!(table.primary_key(), [key] if *key == column.name);
        if let (true, Some(id)) = (is_key, self.id_type(table)) {
            return Some((table, id.name));
        }
        let mut keys: Vec<_> = table.foreign_keys().filter(|(key, _)| key.columns.contains(&column.name)).collect();
        // A key of one column says more about the column than a wider one does.
        keys.sort_by_key(|(key, _)| key.columns.len());
        for (key, references) in keys {
            let position = key.columns.iter().position(|c| *c == column.name)?;
            let Some(target) = self.tables.get(&references.table) else { continue };
            let Some(referenced) = references.columns.get(position).and_then(|c| target.column(c)) else { continue };
            let itself = target.name == table.name && referenced.name == column.name;
            if let (false, Some(found)) = (itself, self.named_type(target, referenced, hops + 1)) {
                return Some(found);
            }
        }
        let has_values = !column.ty.ends_with("[]") && sample::value_list(table, &column.name).is_some();
        has_values.then(|| (table, enum_name(table, column)))
    }

    /// From the module of `from` to a type in the module of `to`.
    fn path(&self, from: &Table, to: &Table, name: &proc_macro2::Ident) -> TokenStream {
        if from.name == to.name {
            quote!(#name)
        } else if from.name.schema == to.name.schema {
            quote!(super::#name)
        } else {
            let schema = format_ident!("{}", ident::module(&to.name.schema));
            quote!(super::super::#schema::#name)
        }
    }
}

/// The enum of a column's value list.
pub(super) fn enum_name(table: &Table, column: &Column) -> proc_macro2::Ident {
    ident::type_name(&format!("{}_{}", table.name.name, column.name))
}

/// A type without its modifiers.
fn base(ty: &str) -> &str {
    ty.split('(').next().unwrap_or_default().trim_end()
}

fn scalar(ty: &str) -> TokenStream {
    match base(ty) {
        "smallint" => quote!(i16),
        "integer" => quote!(i32),
        "bigint" => quote!(i64),
        "real" => quote!(f32),
        "double precision" => quote!(f64),
        "numeric" => quote!(rust_decimal::Decimal),
        "boolean" => quote!(bool),
        "uuid" => quote!(uuid::Uuid),
        "json" | "jsonb" => quote!(serde_json::Value),
        "bytea" => quote!(Vec<u8>),
        "date" => quote!(chrono::NaiveDate),
        "inet" => quote!(cidr::IpInet),
        "cidr" => quote!(cidr::IpCidr),
        "timestamp" | "timestamp with time zone" if ty.ends_with("with time zone") => {
            quote!(chrono::DateTime<chrono::Utc>)
        }
        "timestamp" | "timestamp without time zone" => quote!(chrono::NaiveDateTime),
        "time" | "time without time zone" => quote!(chrono::NaiveTime),
        "oid" => quote!(u32),
        _ => quote!(String),
    }
}
