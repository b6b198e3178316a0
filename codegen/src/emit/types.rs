//! Typed Rust: a row and an insert struct for every table, an enum for every value list, an ID
//! type for every key, carried along foreign keys.

mod columns;
mod enums;
mod ident;
mod registry;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use self::registry::Registry;
use super::order::insert_order;
use crate::config::TypesConfig;
use crate::error::Error;
use crate::lock::Lock;
use crate::project::Project;
use crate::write::{Files, MARKER};

/// What the generated code leans on: traits, `Defaulted`, SQL conversions.
const RUNTIME: &str = include_str!("../../templates/runtime.rs");

/// Emits a folder a schema and a file a table.
pub fn emit(project: &Project, config: &TypesConfig, lock: &Lock, files: &mut Files) -> Result<(), Error> {
    files.own(&config.path, "rs");
    let mut schemas: BTreeMap<String, Vec<TableModule>> = BTreeMap::new();
    let mut in_order = Vec::new();
    for source in &project.sources {
        let model = &source.loaded.model;
        let registry = Registry::new(model, lock.source(&source.name));
        for table in &model.tables {
            let module = TableModule { file: ident::module(&table.name.name), tokens: table::emit(&registry, table) };
            schemas.entry(table.name.schema.clone()).or_default().push(module);
        }
        in_order.extend(insert_order(model).into_iter().map(|step| step.table));
    }
    let command = &project.config.command;
    for (schema, modules) in &schemas {
        let folder = config.path.join(ident::module(schema));
        write(files, &folder.join("mod.rs"), command, schema_module(schema, modules))?;
        for module in modules {
            write(files, &folder.join(format!("{}.rs", module.file)), command, module.tokens.clone())?;
        }
    }
    let paths = in_order.iter().map(|table| {
        let (schema, name) = (format_ident!("{}", ident::module(&table.schema)), ident::type_name(&table.name));
        quote!($crate::#schema::#name)
    });
    let root = root_module(schemas.keys(), paths);
    write(files, &config.path.join(&config.root), command, root)?;
    files.insert(config.path.join("runtime.rs"), format!("{}\n{RUNTIME}", header(command)));
    Ok(())
}

struct TableModule {
    file: String,
    tokens: TokenStream,
}

fn schema_module(schema: &str, modules: &[TableModule]) -> TokenStream {
    let title = format!(" Tables of schema `{schema}`.");
    let mut names: Vec<_> = modules.iter().map(|m| format_ident!("{}", m.file)).collect();
    names.sort();
    quote! {
        #![doc = #title]
        #(mod #names;)*
        #(pub use #names::*;)*
    }
}

fn root_module<'a>(
    schemas: impl Iterator<Item = &'a String>,
    tables: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let schemas: Vec<_> = schemas.map(|s| format_ident!("{}", ident::module(s))).collect();
    quote! {
        //! Rust types of the database schema: rows, inserts, IDs and value lists.
        #(pub mod #schemas;)*
        mod runtime;

        pub use runtime::{Columns, Defaulted, Error, FromRow, Insert, JsonText, Row, Statement, Table, UnknownValue};

        /// Calls a macro with the row types of all tables, separated by commas, in insert order.
        #[macro_export]
        macro_rules! for_each_table {
            ($callback:ident) => { $callback! { #(#tables),* } };
        }
    }
}

fn header(command: &str) -> String {
    format!("// {MARKER}; change the DDL and run `{command}`.\n")
}

fn write(files: &mut Files, path: &Path, command: &str, tokens: TokenStream) -> Result<(), Error> {
    let shown = tokens.to_string();
    let file = syn::parse2(tokens).map_err(|error| Error::Generated {
        file: path.display().to_string(),
        message: format!("{error} in {shown}"),
    })?;
    files.insert(path, format!("{}\n{}", header(command), prettyplease::unparse(&file)));
    Ok(())
}
