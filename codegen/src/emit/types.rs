//! Typed Rust: a row and an insert struct for every table, an enum for every value list, an ID
//! type for every key, carried along foreign keys, and a type for every type of the schema.

mod columns;
mod custom;
mod ident;
mod layout;
mod names;
mod overrides;
mod registry;
mod runtime;
mod scalar;
mod status;
mod table;
mod text;
mod traits;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use canon_core::schema::{Model, QName, Table};
use proc_macro2::{TokenStream, TokenTree};
use quote::{format_ident, quote};

use self::names::Names;
use self::overrides::Overrides;
use self::registry::Registry;
use super::order::insert_order;
use crate::config::{Client, TypesConfig};
use crate::error::Error;
use crate::lock::Lock;
use crate::project::Project;
use crate::write::{Files, MARKER};

/// Emits a folder a schema and a file a table, view or type.
pub fn emit(project: &Project, config: &TypesConfig, lock: &Lock, files: &mut Files) -> Result<(), Error> {
    let wrong = |message| Error::Config { path: project.root.join(crate::config::FILE), message };
    let overrides = Overrides::new(config).map_err(wrong)?;
    let is_wanted = |table: &Table| config.partitions || table.partition_of.is_none();
    declared_once(project).map_err(wrong)?;
    let names = Names::new(project.sources.iter().map(|s| &s.loaded.model), is_wanted);
    let mut output = Output { names: &names, modules: BTreeMap::new(), parts: BTreeSet::new() };
    let (mut tables, mut views) = (Vec::new(), Vec::new());
    for source in &project.sources {
        let model = &source.loaded.model;
        let registry = Registry::new(model, &names, config, &overrides, lock.source(&source.name));
        output.source(&registry, is_wanted).map_err(wrong)?;
        let wanted: HashSet<&QName> = model.tables.iter().filter(|t| is_wanted(t)).map(|t| &t.name).collect();
        let order = insert_order(model).into_iter().map(|step| step.table);
        tables.extend(order.filter(|name| wanted.contains(name)));
        views.extend(model.views.iter().filter(|v| !v.columns.is_empty()).map(|v| v.name.clone()));
        let unknown = model.views.iter().filter(|v| v.columns.is_empty());
        unknown.for_each(|v| files.notes.push(format!("{}: its columns are not known, so it gets no type", v.name)));
    }
    for machines in project.machines()? {
        for (schema, module) in &names.schemas {
            let tokens = status::emit(&machines, &names, schema).map(|tokens| (module.module.clone(), tokens));
            output.modules.extend(tokens.map(|(module, tokens)| ((module, status::MODULE.to_owned()), tokens)));
        }
    }
    for path in overrides.unused() {
        files.notes.push(format!("[types.\"{path}\"]: nothing in the schema matches it"));
    }
    output.write(project, config, &tables, &views, files)
}

/// A file has one table: of two sources that declare the same one, neither is to be dropped silently.
fn declared_once(project: &Project) -> Result<(), String> {
    let mut seen: BTreeMap<&QName, &str> = BTreeMap::new();
    for source in &project.sources {
        let model = &source.loaded.model;
        for name in model.tables.iter().map(|t| &t.name).chain(model.views.iter().map(|v| &v.name)) {
            if let Some(other) = seen.insert(name, &source.name) {
                return Err(format!(
                    "sources `{other}` and `{}` both declare {name}; put files that belong together into one source",
                    source.name
                ));
            }
        }
    }
    Ok(())
}

struct Output<'n> {
    names: &'n Names,
    /// Contents of modules by the names of schema and module.
    modules: BTreeMap<(String, String), TokenStream>,
    parts: BTreeSet<&'static str>,
}

impl Output<'_> {
    fn source<'m>(&mut self, registry: &Registry<'m>, is_wanted: impl Fn(&Table) -> bool) -> Result<(), String> {
        let model: &'m Model = registry.model;
        for table in model.tables.iter().filter(|t| is_wanted(t)) {
            self.add(&table.name, Some(table::emit(registry, table)?));
        }
        for view in model.views.iter().filter(|v| !v.columns.is_empty()) {
            self.add(&view.name, Some(table::view(registry, view)?));
        }
        for ty in &model.enums {
            self.add(&ty.name, Some(titled("Enum", &ty.name, custom::enum_type(registry, ty))));
        }
        for ty in &model.domains {
            self.add(&ty.name, Some(titled("Domain", &ty.name, custom::domain(registry, ty)?)));
        }
        for ty in &model.composites {
            let tokens = custom::composite(registry, ty)?;
            self.add(&ty.name, tokens.map(|tokens| titled("Composite type", &ty.name, tokens)));
        }
        for ty in &model.ranges {
            let tokens = custom::range(registry, ty)?;
            self.add(&ty.name, tokens.map(|tokens| titled("Range type", &ty.name, tokens)));
        }
        self.parts.extend(registry.parts());
        Ok(())
    }

    fn add(&mut self, name: &QName, tokens: Option<TokenStream>) {
        if let (Some(names), Some(tokens)) = (self.names.object(name), tokens) {
            self.modules.insert((names.schema.clone(), names.module.clone()), tokens);
        }
    }

    fn write(
        &self,
        project: &Project,
        config: &TypesConfig,
        tables: &[QName],
        views: &[QName],
        files: &mut Files,
    ) -> Result<(), Error> {
        let mut writer = Writer { command: &project.config.command, files: BTreeMap::new() };
        let mut schemas: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
        for ((schema, module), tokens) in &self.modules {
            // A module of methods alone has nothing to export.
            let exports = module != status::MODULE || tokens.to_string().contains("pub enum");
            schemas.entry(schema).or_default().push((module, exports));
            writer.module(&config.path.join(schema).join(format!("{module}.rs")), with_runtime(tokens.clone()))?;
        }
        for (schema, names) in &self.names.schemas {
            let Some(modules) = schemas.get(names.module.as_str()) else { continue };
            writer.module(&config.path.join(&names.module).join("mod.rs"), schema_module(schema, modules))?;
        }
        for (name, text) in runtime::files(config, &self.parts) {
            writer.text(&config.path.join("runtime").join(name), &text);
        }
        let dependencies = runtime::dependencies(config, writer.files.values().map(String::as_str));
        let root = Root { config, dependencies, schemas: schemas.keys().copied().collect() };
        let tokens = root.tokens(self.paths(tables), self.paths(views), &self.parts);
        writer.module(&config.path.join(&config.root), tokens)?;
        files.own(&config.path, "rs");
        writer.files.into_iter().for_each(|(path, text)| files.insert(path, text));
        Ok(())
    }

    /// Schema and type of every relation.
    fn paths(&self, relations: &[QName]) -> Vec<TokenStream> {
        let names = relations.iter().filter_map(|name| self.names.object(name));
        names
            .map(|names| {
                let (schema, ty) = (format_ident!("{}", names.schema), format_ident!("{}", names.ty));
                quote!(#schema::#ty)
            })
            .collect()
    }
}

fn titled(kind: &str, name: &QName, tokens: TokenStream) -> TokenStream {
    let title = format!(" {kind} {}.", text::code(&name.to_string()));
    quote! {
        #![doc = #title]

        #tokens
    }
}

/// The module with the import of the runtime, where it uses that.
fn with_runtime(tokens: TokenStream) -> TokenStream {
    fn uses(tokens: &TokenStream) -> bool {
        tokens.clone().into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident == "rt",
            TokenTree::Group(group) => uses(&group.stream()),
            // Paths in attributes of serde are text.
            TokenTree::Literal(literal) => literal.to_string().starts_with("\"rt::"),
            TokenTree::Punct(_) => false,
        })
    }
    if !uses(&tokens) {
        return tokens;
    }
    // An inner attribute comes before everything else: `#` `!` `[doc = ..]`.
    let mut trees = tokens.into_iter();
    let attribute: TokenStream = trees.by_ref().take(3).collect();
    let rest: TokenStream = trees.collect();
    quote! {
        #attribute
        use super::super::runtime as rt;
        #rest
    }
}

fn schema_module(schema: &str, modules: &[(&str, bool)]) -> TokenStream {
    let title = format!(" Schema {}.", text::code(schema));
    let names: Vec<_> = modules.iter().map(|(module, _)| format_ident!("{module}")).collect();
    let exported = modules.iter().filter(|(_, exports)| *exports).map(|(module, _)| format_ident!("{module}"));
    quote! {
        #![doc = #title]
        #(mod #names;)*
        #(pub use self::#exported::*;)*
    }
}

struct Root<'a> {
    config: &'a TypesConfig,
    dependencies: Vec<String>,
    schemas: Vec<&'a str>,
}

impl Root<'_> {
    fn tokens(&self, tables: Vec<TokenStream>, views: Vec<TokenStream>, parts: &BTreeSet<&str>) -> TokenStream {
        let mut docs = vec![
            " Rust types of the database schema: rows, inserts, IDs, value lists and types.".to_owned(),
            String::new(),
            " They need, in `Cargo.toml`:".to_owned(),
            String::new(),
            " ```toml".to_owned(),
            " [dependencies]".to_owned(),
        ];
        docs.extend(self.dependencies.iter().map(|line| format!(" {line}")));
        docs.push(" ```".to_owned());
        let schemas = self.schemas.iter().map(|s| format_ident!("{s}"));
        let client =
            (self.config.client != Client::None).then(|| quote!(Columns, Error, FromRow, Insert, Row, Statement,));
        let json = parts.contains("json_text").then(|| quote!(JsonText,));
        let macros = [
            self.callback("for_each_table", "tables", " in insert order", &tables),
            self.callback("for_each_view", "views", "", &views),
        ];
        quote! {
            #(#![doc = #docs])*
            #![allow(
                clippy::enum_variant_names, clippy::module_inception, clippy::upper_case_acronyms,
                reason = "names follow the database"
            )]
            #![allow(dead_code, unused_imports, reason = "a program uses what it needs")]
            #(pub mod #schemas;)*
            pub mod runtime;

            pub use runtime::{Defaulted, Relation, Table, UnknownValue, #client #json};

            #(#macros)*
        }
    }

    /// A macro that calls another with the types of all relations of a kind.
    fn callback(&self, name: &str, kind: &str, order: &str, types: &[TokenStream]) -> TokenStream {
        let name = format_ident!("{name}");
        if self.config.root == "lib.rs" {
            let doc = format!(" Calls a macro with the row types of all {kind}, separated by commas{order}.");
            return quote! {
                #[doc = #doc]
                #[macro_export]
                macro_rules! #name {
                    ($callback:ident) => { $callback! { #($crate::#types),* } };
                }
            };
        }
        // A macro cannot know where its module is.
        let doc = format!(
            " Calls a macro with the row types of all {kind}, separated by commas{order}. It is told where this \
             module is: `{name}!(callback, crate::db)`."
        );
        quote! {
            #[doc = #doc]
            #[allow(unused_macros, reason = "a program uses what it needs")]
            macro_rules! #name {
                ($callback:ident, $($module:tt)+) => { $callback! { #($($module)+::#types),* } };
            }
            pub(crate) use #name;
        }
    }
}

struct Writer<'c> {
    command: &'c str,
    files: BTreeMap<PathBuf, String>,
}

impl Writer<'_> {
    fn module(&mut self, path: &Path, tokens: TokenStream) -> Result<(), Error> {
        let file = syn::parse2(tokens.clone()).map_err(|error| Error::Generated {
            file: path.display().to_string(),
            message: format!("{error} in {tokens}"),
        })?;
        self.text(path, &layout::spaced(&prettyplease::unparse(&file)));
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) {
        let text = format!("// {MARKER}; change the DDL and run `{}`.\n\n{text}", self.command);
        self.files.insert(path.to_owned(), text);
    }
}
