//! The module of a table or view: the row, the new row, the key, the value lists.

use canon_core::schema::{Origin, QName, Table, View};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::columns::{self, FieldDef};
use super::custom;
use super::registry::{IdType, Registry};
use super::text::{code, item};
use super::traits::Traits;
use crate::config::Client;

pub(super) fn emit<'m>(registry: &Registry<'m>, table: &'m Table) -> Result<TokenStream, String> {
    let Some(names) = registry.names_of(&table.name) else { return Ok(TokenStream::new()) };
    let fields = columns::of_table(registry, table)?;
    let title = format!(" Table {}.", code(&table.name.to_string()));
    let id = registry.id_type(table)?.map(|id| id_type(registry, table, &id));
    let enums = registry.value_enums(table).into_iter().filter_map(|(column, values)| {
        let name = registry.names.values(&table.name, &column.name)?;
        let doc = format!(" Values of {}.", code(&format!("{}.{}", table.name, column.name)));
        Some(custom::values(registry, &format_ident!("{name}"), &[doc], values))
    });
    let (row, new) = (format_ident!("{}", names.ty), format_ident!("{}", names.new));
    let optional = format_ident!("{}", names.optional);
    let row_struct = relation(registry, &row, &table.name, table.comment.as_deref(), table.origin, &fields);
    let insert = insert(registry, table, &fields, &Structs { row: &row, new: &new, optional: &optional });
    let table_impl = quote! {
        impl rt::Table for #row {
            type New = #new;
        }
    };
    Ok(quote! {
        #![doc = #title]

        #id
        #row_struct
        #table_impl
        #insert
        #(#enums)*
    })
}

/// A view can be read and not written.
pub(super) fn view<'m>(registry: &Registry<'m>, view: &'m View) -> Result<TokenStream, String> {
    let Some(names) = registry.names_of(&view.name) else { return Ok(TokenStream::new()) };
    let fields = columns::of_view(registry, &view.name, &view.columns)?;
    let kind = if view.materialized { "Materialised view" } else { "View" };
    let title = format!(" {kind} {}.", code(&view.name.to_string()));
    let row = format_ident!("{}", names.ty);
    let row = relation(registry, &row, &view.name, view.comment.as_deref(), view.origin, &fields);
    Ok(quote! {
        #![doc = #title]

        #row
    })
}

fn id_type(registry: &Registry<'_>, table: &Table, id: &IdType) -> TokenStream {
    let doc = format!(" Identifies a row of {}.", code(&table.name.to_string()));
    custom::newtype(registry, &id.name, &[doc], &id.inner, id.inner.traits.without(Traits::DEFAULT), None)
}

/// The struct of a row and how it is read.
fn relation(
    registry: &Registry<'_>,
    name: &Ident,
    relation: &QName,
    comment: Option<&str>,
    origin: Option<Origin>,
    fields: &[FieldDef<'_>],
) -> TokenStream {
    let docs = item(registry, relation, comment, origin);
    let serde = registry.config.serde;
    let traits = Traits::of_all(fields.iter().map(FieldDef::traits));
    let derives = traits.derives(serde);
    let declarations = fields.iter().map(|field| {
        let (attributes, name, ty) = (field.attributes(traits, serde), &field.name, field.row_type());
        quote!(#attributes pub #name: #ty)
    });
    let (schema, relation_name) = (&relation.schema, &relation.name);
    let columns: Vec<&String> = fields.iter().map(|f| &f.column.name).collect();
    let casts: Vec<TokenStream> = fields
        .iter()
        .filter_map(|field| {
            let (column, wire) = (&field.column.name, field.ty.cast.as_ref()?.wire);
            Some(quote!((#column, #wire)))
        })
        .collect();
    let casts =
        (!casts.is_empty()).then(|| quote!(const CASTS: &'static [(&'static str, &'static str)] = &[#(#casts),*];));
    let reading = reading(registry, name, fields);
    quote! {
        #(#[doc = #docs])*
        #derives
        pub struct #name {
            #(#declarations,)*
        }

        impl rt::Relation for #name {
            const SCHEMA: &'static str = #schema;
            const NAME: &'static str = #relation_name;
            const COLUMNS: &'static [&'static str] = &[#(#columns),*];
            #casts
        }

        #reading
    }
}

fn reading(registry: &Registry<'_>, name: &Ident, fields: &[FieldDef<'_>]) -> TokenStream {
    if registry.config.client == Client::None {
        return TokenStream::new();
    }
    let names = fields.iter().map(|f| &f.name);
    let columns = fields.iter().map(|f| &f.column.name);
    let places = (0..fields.len()).map(Literal::usize_unsuffixed);
    let row = if fields.is_empty() { quote!(_row) } else { quote!(row) };
    let sqlx = (registry.config.client == Client::Sqlx).then(|| quote!(rt::sqlx_row!(#name);));
    quote! {
        impl rt::FromRow for #name {
            fn from_row(#row: &rt::Row) -> Result<Self, rt::Error> {
                Ok(Self { #(#names: rt::get(row, #places, #columns)?,)* })
            }
        }
        #sqlx
    }
}

struct Structs<'a> {
    row: &'a Ident,
    new: &'a Ident,
    optional: &'a Ident,
}

/// The struct of a new row: what is required, and apart from it what can be left out.
fn insert(registry: &Registry<'_>, table: &Table, fields: &[FieldDef<'_>], names: &Structs<'_>) -> TokenStream {
    let Structs { row, new, optional } = names;
    let serde = registry.config.serde;
    let writable = || fields.iter().filter(|f| f.is_writable());
    let required: Vec<&FieldDef<'_>> = writable().filter(|f| f.is_required()).collect();
    let rest: Vec<&FieldDef<'_>> = writable().filter(|f| !f.is_required()).collect();
    let mut group = format_ident!("optional");
    while required.iter().any(|f| f.name == group) {
        group = format_ident!("{group}_");
    }
    let table_name = code(&table.name.to_string());
    let doc = format!(" A new row of {table_name}.");
    let optional_doc = format!(" Columns of a new row of {table_name} that can be left out.");

    // What can be left out always has a default, and a struct of it too.
    let rest_traits = Traits::of_all(rest.iter().map(|f| f.traits().optional().without(Traits::ORD)));
    let new_traits = Traits::of_all(required.iter().map(|f| f.traits())) & rest_traits;
    let new_traits = if required.is_empty() { new_traits } else { new_traits.without(Traits::DEFAULT) };
    let (derives, rest_derives) = (new_traits.derives(serde), rest_traits.derives(serde));

    let required_fields = required.iter().map(|field| {
        let (attributes, name, ty) = (field.attributes(new_traits, serde), &field.name, &field.ty.rust);
        quote!(#attributes pub #name: #ty)
    });
    let optional_fields = rest.iter().map(|field| {
        let (attributes, name, ty) = (field.attributes(rest_traits, serde), &field.name, field.row_type());
        if field.has_default {
            let skip = quote!(default, skip_serializing_if = "rt::Defaulted::is_default");
            let skip = rest_traits.serde_attribute(serde, skip);
            quote!(#attributes #skip pub #name: rt::Defaulted<#ty>)
        } else {
            let skip = quote!(default, skip_serializing_if = "Option::is_none");
            let skip = rest_traits.serde_attribute(serde, skip);
            quote!(#attributes #skip pub #name: #ty)
        }
    });
    let (group_field, group_struct) = if rest.is_empty() {
        (quote!(), quote!())
    } else {
        let flatten = new_traits.serde_attribute(serde, quote!(flatten));
        (
            quote! {
                /// What can be left out.
                #flatten
                pub #group: #optional,
            },
            quote! {
                #[doc = #optional_doc]
                #rest_derives
                pub struct #optional {
                    #(#optional_fields,)*
                }
            },
        )
    };
    let writing = (registry.config.client != Client::None).then(|| {
        let set_required = required.iter().map(|field| {
            let name = &field.name;
            field.set(&quote!(self.#name))
        });
        let set_optional = rest.iter().map(|field| {
            let name = &field.name;
            field.set(&quote!(self.#group.#name))
        });
        let columns = if required.is_empty() && rest.is_empty() { quote!(_columns) } else { quote!(columns) };
        quote! {
            impl rt::Insert for #new {
                type Row = #row;

                fn columns<'a>(&'a self, #columns: &mut rt::Columns<'a>) {
                    #(#set_required)*
                    #(#set_optional)*
                }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #derives
        pub struct #new {
            #(#required_fields,)*
            #group_field
        }

        #group_struct

        #writing
    }
}
