//! A column as a field.

use canon_core::schema::{Column, Identity, Table};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::ident;
use super::registry::Registry;

pub(super) struct FieldDef<'m> {
    pub(super) column: &'m Column,
    pub(super) name: Ident,
    /// The type without `Option`.
    pub(super) ty: TokenStream,
    pub(super) doc: String,
}

impl FieldDef<'_> {
    /// The type of the field in a row.
    pub(super) fn row_type(&self) -> TokenStream {
        let ty = &self.ty;
        if self.column.not_null { quote!(#ty) } else { quote!(Option<#ty>) }
    }

    /// Whether a client may write it.
    pub(super) fn is_writable(&self) -> bool {
        self.column.generated.is_none() && self.column.identity != Some(Identity::Always)
    }

    /// Whether the database has a value where the client gives none.
    pub(super) fn has_default(&self) -> bool {
        self.column.default.is_some() || self.column.identity.is_some()
    }

    pub(super) fn is_required(&self) -> bool {
        self.column.not_null && !self.has_default()
    }

    /// What serde has to be told where the Rust name is not the column's name.
    pub(super) fn rename(&self) -> Option<TokenStream> {
        let rust = self.name.to_string();
        let column = &self.column.name;
        (rust.trim_start_matches("r#") != column).then(|| quote!(#[serde(rename = #column)]))
    }
}

pub(super) fn fields<'m>(registry: &Registry<'m>, table: &'m Table) -> Vec<FieldDef<'m>> {
    let mut used: Vec<Ident> = Vec::new();
    table
        .columns
        .iter()
        .map(|column| {
            let plain = ident::field(&column.name);
            let mut name = plain.clone();
            let mut number = 2;
            while used.contains(&name) {
                name = ident::field(&format!("{plain}_{number}"));
                number += 1;
            }
            used.push(name.clone());
            let doc = match &column.comment {
                Some(comment) => markdown_safe(comment),
                None => format!("Column `{}`.", column.name),
            };
            FieldDef { column, name, ty: registry.column_type(table, column), doc }
        })
        .collect()
}

/// Comments are prose: nothing in them is meant as a link or a tag.
pub(super) fn markdown_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' | ']' | '<' | '>' | '*' | '`' => {
                safe.push('\\');
                safe.push(c);
            }
            '\n' | '\r' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
