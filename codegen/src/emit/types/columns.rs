//! A column as a field.

use canon_core::schema::{Column, Identity, QName, Table};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::ident;
use super::registry::Registry;
use super::scalar::Scalar;
use super::text::{code, prose};
use super::traits::Traits;
use crate::config::Serde;

pub(super) struct FieldDef<'m> {
    pub(super) column: &'m Column,
    pub(super) name: Ident,
    /// The type without `Option`.
    pub(super) ty: Scalar,
    pub(super) nullable: bool,
    pub(super) has_default: bool,
    /// The type in SQL, for casts.
    sql_type: String,
    doc: Vec<String>,
}

impl<'m> FieldDef<'m> {
    /// The type of the field in a row.
    pub(super) fn row_type(&self) -> TokenStream {
        let ty = &self.ty.rust;
        if self.nullable { quote!(Option<#ty>) } else { quote!(#ty) }
    }

    /// What the type of the field can derive.
    pub(super) fn traits(&self) -> Traits {
        if self.nullable { self.ty.traits.optional() } else { self.ty.traits }
    }

    /// Whether a client may write it.
    pub(super) fn is_writable(&self) -> bool {
        self.column.generated.is_none() && self.column.identity != Some(Identity::Always)
    }

    pub(super) fn is_required(&self) -> bool {
        !self.nullable && !self.has_default
    }

    /// Doc comment and name for serde: what stands above every field.
    pub(super) fn attributes(&self, derived: Traits, serde: Serde) -> TokenStream {
        let docs = &self.doc;
        let rename = self.rename(derived, serde);
        quote!(#(#[doc = #docs])* #rename)
    }

    /// What serde has to be told where the Rust name is not the column's name.
    fn rename(&self, derived: Traits, serde: Serde) -> TokenStream {
        let rust = self.name.to_string();
        let column = &self.column.name;
        if rust.trim_start_matches("r#") == column {
            return TokenStream::new();
        }
        derived.serde_attribute(serde, quote!(rename = #column))
    }

    /// Writes the column of a new row from `value`.
    pub(super) fn set(&self, value: &TokenStream) -> TokenStream {
        let column = &self.column.name;
        let left_out = self.has_default;
        match (&self.ty.cast, left_out) {
            (None, false) => quote!(columns.set(#column, &#value);),
            (None, true) => quote!(columns.defaulted(#column, &#value);),
            (Some(cast), _) => {
                let cast = format!("::{}::{}", cast.wire, self.sql_type);
                if left_out {
                    quote!(columns.defaulted_as(#column, #cast, &#value);)
                } else {
                    quote!(columns.set_as(#column, #cast, &#value);)
                }
            }
        }
    }
}

/// The fields of a table's row.
pub(super) fn of_table<'m>(registry: &Registry<'m>, table: &'m Table) -> Result<Vec<FieldDef<'m>>, String> {
    fields(registry, &table.name, &table.columns, |column| registry.column_type(table, column))
}

/// The fields of a row of a view.
pub(super) fn of_view<'m>(
    registry: &Registry<'m>,
    name: &'m QName,
    columns: &'m [Column],
) -> Result<Vec<FieldDef<'m>>, String> {
    fields(registry, name, columns, |column| registry.plain_type(name, column))
}

fn fields<'m>(
    registry: &Registry<'m>,
    owner: &QName,
    columns: &'m [Column],
    ty: impl Fn(&'m Column) -> Result<Scalar, String>,
) -> Result<Vec<FieldDef<'m>>, String> {
    let names = ident::fields(columns.iter().map(|c| c.name.as_str()));
    let field = |(column, name): (&'m Column, Ident)| {
        let ty = ty(column)?;
        let mut doc = vec![match column.comment.as_deref().map(prose).filter(|c| !c.is_empty()) {
            Some(comment) => format!(" {comment}"),
            None => format!(" Column {}.", code(&column.name)),
        }];
        if let Some(cast) = ty.cast.as_ref().filter(|_| !column.ty.is_empty()) {
            doc.push(String::new());
            doc.push(format!(" Of type {}, read and written as {}.", code(&column.ty), code(cast.wire)));
        }
        Ok(FieldDef {
            column,
            name,
            ty,
            nullable: registry.is_nullable(owner, column)?,
            has_default: registry.has_default(column),
            sql_type: registry.sql_type(column),
            doc,
        })
    };
    columns.iter().zip(names).map(field).collect()
}
