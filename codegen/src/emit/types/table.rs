//! The module of a table.

use canon_core::schema::Table;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::columns::{FieldDef, fields, markdown_safe};
use super::registry::{IdType, Registry};
use super::{enums, ident};
use crate::sample;

pub(super) fn emit(registry: &Registry<'_>, table: &Table) -> TokenStream {
    let fields = fields(registry, table);
    let title = format!(" Table `{}`.", table.name);
    let id = registry.id_type(table).map(|id| id_type(table, &id));
    let enums = table.columns.iter().filter(|c| !c.ty.ends_with("[]")).filter_map(|column| {
        let values = sample::value_list(table, &column.name)?;
        Some(enums::emit(table, column, &values))
    });
    let row = row(registry, table, &fields);
    let new = insert(table, &fields);
    let uses_macros = id.is_some() || table.columns.iter().any(|c| sample::value_list(table, &c.name).is_some());
    let macros = match (id.is_some(), uses_macros) {
        (_, false) => quote!(),
        _ => {
            let id_macro = id.is_some().then(|| quote!(newtype,));
            let has_enums =
                table.columns.iter().any(|c| !c.ty.ends_with("[]") && sample::value_list(table, &c.name).is_some());
            let enum_macro = has_enums.then(|| quote!(text_enum,));
            quote!(use super::super::runtime::{#id_macro #enum_macro};)
        }
    };
    let body = quote! {
        #![doc = #title]

        #macros
        use super::super::runtime::{Columns, Error, FromRow, Insert, Row, Table};

        #id
        #row
        #new
        #(#enums)*
    };
    body
}

fn id_type(table: &Table, id: &IdType) -> TokenStream {
    let IdType { name, inner, copy } = id;
    let doc = format!(" Identifies a row of `{}`.", table.name);
    let copy = copy.then(|| quote!(Copy,));
    quote! {
        #[doc = #doc]
        #[derive(Clone, #copy Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct #name(pub #inner);

        newtype!(#name, #inner);
    }
}

/// Description, then identity: the ID of the document and the place of the declaration.
fn table_docs(registry: &Registry<'_>, table: &Table) -> Vec<String> {
    let mut docs = Vec::new();
    if let Some(comment) = &table.comment {
        docs.push(format!(" {}", markdown_safe(comment)));
        docs.push(String::new());
    }
    let mut facts = format!(" `{}`", table.name);
    if let Some(id) = registry.doc_id(table) {
        facts.push_str(&format!(", {id}"));
    }
    let file = table.origin.and_then(|o| Some((registry.model.files.get(o.file as usize)?, o.line)));
    if let Some((file, line)) = file {
        facts.push_str(&format!(", declared in `{file}` line {line}"));
    }
    docs.push(format!("{facts}."));
    docs
}

fn row(registry: &Registry<'_>, table: &Table, fields: &[FieldDef<'_>]) -> TokenStream {
    let name = ident::type_name(&table.name.name);
    let new = new_name(&name);
    let docs = table_docs(registry, table);
    let (schema, table_name) = (&table.name.schema, &table.name.name);
    let columns: Vec<&String> = table.columns.iter().map(|c| &c.name).collect();
    let names: Vec<&Ident> = fields.iter().map(|f| &f.name).collect();
    let declarations = fields.iter().map(|field| {
        let (doc, name, ty, rename) = (format!(" {}", field.doc), &field.name, field.row_type(), field.rename());
        quote!(#[doc = #doc] #rename pub #name: #ty)
    });
    let row = if fields.is_empty() { quote!(_row) } else { quote!(row) };
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct #name {
            #(#declarations,)*
        }

        impl Table for #name {
            type New = #new;
            const SCHEMA: &'static str = #schema;
            const NAME: &'static str = #table_name;
            const COLUMNS: &'static [&'static str] = &[#(#columns),*];
        }

        impl FromRow for #name {
            fn from_row(#row: &Row) -> Result<Self, Error> {
                Ok(Self { #(#names: row.try_get(#columns)?,)* })
            }
        }
    }
}

fn new_name(row: &Ident) -> Ident {
    format_ident!("New{row}")
}

fn insert(table: &Table, fields: &[FieldDef<'_>]) -> TokenStream {
    let row = ident::type_name(&table.name.name);
    let new = new_name(&row);
    let optional = format_ident!("{new}Optional");
    let writable = || fields.iter().filter(|f| f.is_writable());
    let required: Vec<&FieldDef<'_>> = writable().filter(|f| f.is_required()).collect();
    let rest: Vec<&FieldDef<'_>> = writable().filter(|f| !f.is_required()).collect();
    let group = if required.iter().any(|f| f.name == "optional") {
        format_ident!("optional_")
    } else {
        format_ident!("optional")
    };
    let doc = format!(" A new row of `{}`.", table.name);
    let optional_doc = format!(" Columns of a new row of `{}` that can be left out.", table.name);

    let required_fields = required.iter().map(|field| {
        let (doc, name, ty, rename) = (format!(" {}", field.doc), &field.name, &field.ty, field.rename());
        quote!(#[doc = #doc] #rename pub #name: #ty)
    });
    let optional_fields = rest.iter().map(|field| {
        let (doc, name, ty, rename) = (format!(" {}", field.doc), &field.name, field.row_type(), field.rename());
        if field.has_default() {
            quote! {
                #[doc = #doc] #rename
                #[serde(default, skip_serializing_if = "super::super::runtime::Defaulted::is_default")]
                pub #name: super::super::runtime::Defaulted<#ty>
            }
        } else {
            quote!(#[doc = #doc] #rename #[serde(default, skip_serializing_if = "Option::is_none")] pub #name: #ty)
        }
    });
    let set_required = required.iter().map(|field| {
        let (column, name) = (&field.column.name, &field.name);
        quote!(columns.set(#column, &self.#name);)
    });
    let set_optional = rest.iter().map(|field| {
        let (column, name) = (&field.column.name, &field.name);
        if field.has_default() {
            quote!(columns.defaulted(#column, &self.#group.#name);)
        } else {
            quote!(columns.set(#column, &self.#group.#name);)
        }
    });
    let default = required.is_empty().then(|| quote!(Default,));
    let (group_field, group_struct) = if rest.is_empty() {
        (quote!(), quote!())
    } else {
        (
            quote! {
                /// What can be left out.
                #[serde(flatten)]
                pub #group: #optional,
            },
            quote! {
                #[doc = #optional_doc]
                #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
                pub struct #optional {
                    #(#optional_fields,)*
                }
            },
        )
    };
    let columns = if required.is_empty() && rest.is_empty() { quote!(_columns) } else { quote!(columns) };
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, #default PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct #new {
            #(#required_fields,)*
            #group_field
        }

        #group_struct

        impl Insert for #new {
            type Row = #row;

            fn columns<'a>(&'a self, #columns: &mut Columns<'a>) {
                #(#set_required)*
                #(#set_optional)*
            }
        }
    }
}
