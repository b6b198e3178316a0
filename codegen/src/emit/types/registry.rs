//! Which Rust type stands for a column.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use canon_core::schema::{Column, Composite, Domain, EnumType, Model, Origin, QName, RangeType, Table};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::ident;
use super::names::{Names, ObjectNames};
use super::overrides::{Found, Overrides};
use super::scalar::{Cast, Libraries, Scalar, text, text_array};
use super::traits::Traits;
use crate::config::{Client, TypesConfig};
use crate::lock::{DocId, SourceLock};
use crate::typename::{Spelling, qualified};
use crate::{expr, sample};

/// Longest chain of foreign keys, and of types made of types, that is followed; beyond it is a ring.
const MAX_HOPS: usize = 16;

/// Types of extensions that may live in any schema, and the extensions they come from.
const EXTENSIONS: &[(&str, &str)] = &[
    ("vector", "vector"),
    ("halfvec", "vector"),
    ("sparsevec", "vector"),
    ("geometry", "postgis"),
    ("geography", "postgis"),
];

pub(super) struct Registry<'m> {
    pub(super) model: &'m Model,
    pub(super) names: &'m Names,
    pub(super) config: &'m TypesConfig,
    overrides: &'m Overrides<'m>,
    libraries: Libraries,
    tables: HashMap<&'m QName, &'m Table>,
    enums: HashMap<&'m QName, &'m EnumType>,
    domains: HashMap<&'m QName, &'m Domain>,
    composites: HashMap<&'m QName, &'m Composite>,
    ranges: HashMap<&'m QName, &'m RangeType>,
    multiranges: HashMap<&'m QName, &'m RangeType>,
    /// The columns of every table whose values a check lists.
    values: HashMap<&'m QName, BTreeMap<String, Vec<String>>>,
    /// Parts of the runtime that are needed.
    parts: RefCell<BTreeSet<&'static str>>,
    lock: Option<&'m SourceLock>,
}

/// An ID type: the key of a table as a type of its own.
pub(super) struct IdType {
    pub(super) name: proc_macro2::Ident,
    pub(super) inner: Scalar,
}

/// What a column is beyond its SQL type, by itself or through foreign keys.
enum Named<'m> {
    Id(&'m Table),
    Values(&'m Table, &'m str),
    Replaced(Scalar),
}

impl<'m> Registry<'m> {
    pub(super) fn new(
        model: &'m Model,
        names: &'m Names,
        config: &'m TypesConfig,
        overrides: &'m Overrides<'m>,
        lock: Option<&'m SourceLock>,
    ) -> Self {
        Self {
            model,
            names,
            config,
            overrides,
            libraries: Libraries { client: config.client, dates: config.dates },
            tables: model.tables.iter().map(|t| (&t.name, t)).collect(),
            enums: model.enums.iter().map(|t| (&t.name, t)).collect(),
            domains: model.domains.iter().map(|t| (&t.name, t)).collect(),
            composites: model.composites.iter().map(|t| (&t.name, t)).collect(),
            ranges: model.ranges.iter().map(|t| (&t.name, t)).collect(),
            multiranges: model.ranges.iter().map(|t| (&t.multirange, t)).collect(),
            values: model.tables.iter().map(|t| (&t.name, sample::value_lists(t))).collect(),
            parts: RefCell::default(),
            lock,
        }
    }

    pub(super) fn doc_id(&self, name: &QName) -> Option<DocId> {
        self.lock.and_then(|lock| lock.active.get(&name.to_string())).copied()
    }

    /// File and line of a declaration.
    pub(super) fn place(&self, origin: Option<Origin>) -> Option<(&'m str, u32)> {
        let origin = origin?;
        Some((self.model.files.get(origin.file as usize)?, origin.line))
    }

    /// Notes that a part of the runtime is needed.
    pub(super) fn need(&self, part: &'static str) {
        self.parts.borrow_mut().insert(part);
    }

    pub(super) fn parts(&self) -> BTreeSet<&'static str> {
        self.parts.borrow().clone()
    }

    pub(super) fn names_of(&self, name: &QName) -> Option<&'m ObjectNames> {
        self.names.object(name)
    }

    /// Columns of `table` that get an enum of their own, in order of their names.
    pub(super) fn value_enums(&self, table: &'m Table) -> Vec<(&'m Column, &[String])> {
        let lists = self.values.get(&table.name).into_iter().flatten();
        lists
            .filter_map(|(name, values)| Some((table.column(name)?, values.as_slice())))
            .filter(|(column, _)| self.is_text(&column.ty))
            .collect()
    }

    /// The ID type that `table` defines: for a key of one column that is not itself a reference.
    pub(super) fn id_type(&self, table: &'m Table) -> Result<Option<IdType>, String> {
        let [key] = table.primary_key() else { return Ok(None) };
        let (Some(column), Some(names)) = (table.column(key), self.names_of(&table.name)) else { return Ok(None) };
        let is_reference = table.foreign_keys().any(|(fk, r)| fk.columns.contains(key) && r.table != table.name);
        let is_key = matches!(self.base(&column.ty).as_str(), "smallint" | "integer" | "bigint" | "uuid" | "citext")
            || self.is_text(&column.ty);
        let has_values = self.values.get(&table.name).is_some_and(|v| v.contains_key(key));
        if is_reference || has_values || !is_key || self.replaced(&table.name, column)?.is_some() {
            return Ok(None);
        }
        let inner = self.resolve(&table.name, &column.ty, false)?;
        let name = format_ident!("{}", names.id);
        Ok((inner.cast.is_none() && inner.traits.has(Traits::KEY)).then_some(IdType { name, inner }))
    }

    /// The Rust type of a column, without `Option`.
    pub(super) fn column_type(&self, table: &'m Table, column: &'m Column) -> Result<Scalar, String> {
        let ty = match self.named_type(table, column, 0)? {
            Some(Named::Replaced(ty)) => ty,
            Some(Named::Id(owner)) => match (self.id_type(owner)?, self.names_of(&owner.name)) {
                (Some(id), Some(_)) => {
                    let rust = self.path(&table.name, &owner.name, &id.name);
                    Scalar { rust, traits: id.inner.traits.without(Traits::DEFAULT), cast: None, part: None }
                }
                _ => self.plain_type(&table.name, column)?,
            },
            Some(Named::Values(owner, of)) => match self.names.values(&owner.name, of) {
                Some(name) => {
                    let rust = self.path(&table.name, &owner.name, &format_ident!("{name}"));
                    Scalar { rust, traits: VALUES, cast: None, part: None }
                }
                None => self.plain_type(&table.name, column)?,
            },
            None if sample::is_json_text(table, &column.name) && self.is_text(&column.ty) => {
                self.need("json_text");
                Scalar { rust: quote!(rt::JsonText), traits: JSON_TEXT, cast: None, part: None }
            }
            None => self.plain_type(&table.name, column)?,
        };
        Ok(ty)
    }

    /// The type of a column of a view, or of any column by its SQL type alone.
    pub(super) fn plain_type(&self, owner: &QName, column: &Column) -> Result<Scalar, String> {
        if let Some(ty) = self.replaced(owner, column)? {
            return Ok(ty);
        }
        let setting = self.overrides.column(owner, &column.name)?.map(|found| found.setting);
        let nullable = setting.and_then(|s| s.nullable_elements).unwrap_or(self.config.nullable_elements);
        let ty = self.resolve(owner, &column.ty, nullable)?;
        if !setting.is_some_and(|s| s.multidimensional) {
            return Ok(ty);
        }
        if !Spelling::parse(&column.ty).array {
            let path = format!("{}.{}.{}", owner.schema, owner.name, column.name);
            return Err(format!("[types.\"{path}\"]: multidimensional: {} is not an array", column.ty));
        }
        // No cast keeps the shape, and sqlx reads a single dimension.
        if self.config.client == Client::Sqlx || ty.cast.is_some() {
            return Ok(text());
        }
        self.need("array");
        let element = self.resolve(owner, Spelling::parse(&column.ty).element, nullable)?.rust;
        let rust = if nullable { quote!(rt::Array<Option<#element>>) } else { quote!(rt::Array<#element>) };
        Ok(Scalar { rust, ..ty })
    }

    /// Whether a row can lack a value there.
    pub(super) fn is_nullable(&self, owner: &QName, column: &Column) -> Result<bool, String> {
        let setting = self.overrides.column(owner, &column.name)?.and_then(|f| f.setting.nullable);
        Ok(setting.unwrap_or(!column.not_null && !self.domain_chain(&column.ty).iter().any(|d| d.not_null)))
    }

    /// Whether the database has a value where the client gives none.
    pub(super) fn has_default(&self, column: &Column) -> bool {
        let domain = || self.domain_chain(&column.ty).iter().any(|d| d.default.is_some());
        column.default.is_some() || column.identity.is_some() || domain()
    }

    /// How conversions are told which type of the database they are for: schema and name, and for
    /// sqlx, which asks for a type by its name, both as SQL before them.
    pub(super) fn sql_name(&self, name: &QName) -> TokenStream {
        let (schema, sql) = (&name.schema, &name.name);
        if self.config.client == Client::Sqlx {
            let path = name.to_string();
            quote!(#path, #schema, #sql)
        } else {
            quote!(#schema, #sql)
        }
    }

    /// How the type of a column is written in a cast.
    pub(super) fn sql_type(&self, column: &Column) -> String {
        match self.extension_schema(&Spelling::parse(&column.ty).name) {
            Some(schema) => format!("{}.{}", canon_core::schema::quote_ident(schema), column.ty),
            None => column.ty.clone(),
        }
    }

    /// The schema that the extension of a type was put into.
    fn extension_schema(&self, bare: &str) -> Option<&'m str> {
        let (_, from) = EXTENSIONS.iter().find(|(ty, _)| *ty == bare)?;
        self.model.extensions.iter().find(|e| e.name == *from)?.schema.as_deref()
    }

    /// The type that a setting gives a column.
    fn replaced(&self, owner: &QName, column: &Column) -> Result<Option<Scalar>, String> {
        let found = self.overrides.column(owner, &column.name)?;
        Ok(found.and_then(|found| self.replacement(found, &column.ty)))
    }

    fn replacement(&self, found: Found<'_>, ty: &str) -> Option<Scalar> {
        if found.setting.text {
            return Some(if Spelling::parse(ty).array { text_array() } else { text() });
        }
        let replacement = found.rust?;
        let (rust, traits) = (&replacement.rust, replacement.traits);
        let json =
            matches!(Spelling::parse(ty), Spelling { name, array: false, .. } if name == "json" || name == "jsonb");
        if json && self.config.client != Client::None {
            self.need("json");
            return Some(Scalar {
                rust: quote!(rt::Json<#rust>),
                traits: traits.without(Traits::DISPLAY),
                cast: None,
                part: None,
            });
        }
        Some(Scalar { rust: rust.clone(), traits, cast: None, part: None })
    }

    /// An enum or ID type that the column has by itself or through a foreign key.
    fn named_type(&self, table: &'m Table, column: &'m Column, hops: usize) -> Result<Option<Named<'m>>, String> {
        if hops > MAX_HOPS {
            return Ok(None);
        }
        if let Some(ty) = self.replaced(&table.name, column)? {
            return Ok(Some(Named::Replaced(ty)));
        }
        let is_key = matches!(table.primary_key(), [key] if *key == column.name);
        if is_key && self.id_type(table)?.is_some() {
            return Ok(Some(Named::Id(table)));
        }
        let mut keys: Vec<_> = table.foreign_keys().filter(|(key, _)| key.columns.contains(&column.name)).collect();
        // A key of one column says more about the column than a wider one does.
        keys.sort_by_key(|(key, _)| key.columns.len());
        for (key, references) in keys {
            let Some(position) = key.columns.iter().position(|c| *c == column.name) else { continue };
            let Some(target) = self.tables.get(&references.table) else { continue };
            let Some(referenced) = references.columns.get(position).and_then(|c| target.column(c)) else { continue };
            let itself = target.name == table.name && referenced.name == column.name;
            // An integer may point at a bigint; it cannot have the other's type.
            if itself || !self.same_wire(&column.ty, &referenced.ty) {
                continue;
            }
            if let Some(found) = self.named_type(target, referenced, hops + 1)? {
                return Ok(Some(found));
            }
        }
        let has_values = self.is_text(&column.ty)
            && self.values.get(&table.name).is_some_and(|values| values.contains_key(&column.name))
            && self.names.values(&table.name, &column.name).is_some();
        Ok(has_values.then_some(Named::Values(table, &column.name)))
    }

    /// The Rust type of an SQL type, seen from the module of `from`.
    pub(super) fn resolve(&self, from: &QName, ty: &str, nullable_elements: bool) -> Result<Scalar, String> {
        self.resolve_in(from, ty, nullable_elements, 0)
    }

    fn resolve_in(&self, from: &QName, ty: &str, nullable_elements: bool, hops: usize) -> Result<Scalar, String> {
        let spelling = Spelling::parse(ty);
        let element = self.element(from, &spelling, hops)?;
        if let Some(part) = element.part {
            self.need(part);
        }
        if !spelling.array {
            return Ok(element);
        }
        // What is an array on the wire cannot be the element of another.
        let element = if element.cast.as_ref().is_some_and(|c| c.wire.ends_with("[]")) { text() } else { element };
        let rust = &element.rust;
        let rust = if nullable_elements { quote!(Vec<Option<#rust>>) } else { quote!(Vec<#rust>) };
        let traits = element.traits.without(Traits::COPY.with(Traits::DISPLAY)).with(Traits::DEFAULT);
        let cast = element.cast.map(|_| Cast { wire: "text[]" });
        Ok(Scalar { rust, traits, cast, part: None })
    }

    fn element(&self, from: &QName, spelling: &Spelling<'_>, hops: usize) -> Result<Scalar, String> {
        if hops > MAX_HOPS {
            return Ok(text());
        }
        let declared = qualified(&spelling.name);
        let name = declared.clone().unwrap_or_else(|| QName::new("pg_catalog", &spelling.name));
        let mut found = self.overrides.ty(&name)?;
        if found.is_none() && declared.is_none() {
            // A type of an extension goes by its bare name.
            let schema = self.extension_schema(&spelling.name).unwrap_or("public");
            found = self.overrides.ty(&QName::new(schema, &spelling.name))?;
        }
        if let Some(ty) = found.and_then(|found| self.replacement(found, &spelling.name)) {
            return Ok(ty);
        }
        if let (true, Some(names)) = (self.enums.contains_key(&name), self.names_of(&name)) {
            return Ok(self.declared(from, &name, names, ENUM, None));
        }
        if let (Some(domain), Some(names)) = (self.domains.get(&name), self.names_of(&name)) {
            if self.domain_values(domain).is_some() {
                return Ok(self.declared(from, &name, names, VALUES, None));
            }
            let inner = self.resolve_in(from, &domain.ty, self.config.nullable_elements, hops + 1)?;
            return Ok(self.declared(from, &name, names, inner.traits, inner.cast));
        }
        if let (Some(composite), Some(names)) = (self.composites.get(&name), self.names_of(&name)) {
            return Ok(match self.composite_traits(composite, hops)? {
                Some(traits) => self.declared(from, &name, names, traits, None),
                None => text(),
            });
        }
        if let Some(range) = self.ranges.get(&name) {
            return self.range(from, range, false, hops);
        }
        if let Some(range) = self.multiranges.get(&name) {
            return self.range(from, range, true, hops);
        }
        if self.tables.contains_key(&name) {
            return Ok(text());
        }
        // A type of an extension, whichever schema it was put into.
        let bare = Spelling { name: declared.map_or_else(|| spelling.name.clone(), |d| d.name), ..spelling.clone() };
        Ok(self.libraries.scalar(&bare).unwrap_or_else(text))
    }

    fn declared(&self, from: &QName, name: &QName, names: &ObjectNames, traits: Traits, cast: Option<Cast>) -> Scalar {
        Scalar { rust: self.path(from, name, &format_ident!("{}", names.ty)), traits, cast, part: None }
    }

    fn range(&self, from: &QName, range: &RangeType, multi: bool, hops: usize) -> Result<Scalar, String> {
        let element = self.resolve_in(from, &range.subtype, false, hops + 1)?;
        Ok(self.libraries.range_of(&element, multi, false))
    }

    /// What a composite can derive; None where it has to travel as text because a part of it does.
    pub(super) fn composite_traits(&self, composite: &Composite, hops: usize) -> Result<Option<Traits>, String> {
        let mut all = Vec::new();
        for column in &composite.columns {
            let ty = self.resolve_in(&composite.name, &column.ty, self.config.nullable_elements, hops + 1)?;
            if ty.cast.is_some() {
                return Ok(None);
            }
            all.push(ty.traits.optional());
        }
        Ok(Some(Traits::of_all(all)))
    }

    /// The values of a domain over text whose check lists them.
    pub(super) fn domain_values(&self, domain: &Domain) -> Option<Vec<String>> {
        if !self.is_text(&domain.ty) {
            return None;
        }
        let checks = domain.checks.iter().filter(|c| !c.not_valid).filter_map(|c| c.expression.as_deref());
        let (name, values) = checks.filter_map(expr::value_list).next()?;
        name.eq_ignore_ascii_case("value").then(|| sample::distinct(values))
    }

    /// The domains that a type is made of, outermost first.
    fn domain_chain(&self, ty: &str) -> Vec<&'m Domain> {
        let mut chain = Vec::new();
        let mut ty = Spelling::parse(ty);
        while let Some(domain) = qualified(&ty.name).filter(|_| !ty.array).and_then(|name| self.domains.get(&name)) {
            if chain.len() > MAX_HOPS {
                break;
            }
            chain.push(*domain);
            ty = Spelling::parse(&domain.ty);
        }
        chain
    }

    /// The type below all domains, without modifiers; `[]` at the end of an array.
    fn base(&self, ty: &str) -> String {
        let innermost = self.domain_chain(ty).last().map_or(ty, |domain| domain.ty.as_str());
        let spelling = Spelling::parse(innermost);
        if spelling.array { format!("{}[]", spelling.name) } else { spelling.name }
    }

    fn is_text(&self, ty: &str) -> bool {
        matches!(self.base(ty).as_str(), "text" | "character varying" | "character" | "bpchar")
    }

    fn same_wire(&self, a: &str, b: &str) -> bool {
        self.base(a) == self.base(b) || (self.is_text(a) && self.is_text(b))
    }

    /// From the module of `from` to a type in the module of `to`.
    fn path(&self, from: &QName, to: &QName, name: &proc_macro2::Ident) -> TokenStream {
        let module = |name: &QName| self.names_of(name).map(|n| (n.schema.as_str(), n.module.as_str()));
        match (module(from), module(to)) {
            (Some(a), Some(b)) if a == b => quote!(#name),
            (Some((a, _)), Some((b, _))) if a != b => {
                let schema = ident::ident(b);
                quote!(super::super::#schema::#name)
            }
            _ => quote!(super::#name),
        }
    }
}

/// Enums of the database: their order is that of the labels.
pub(super) const ENUM: Traits = Traits::COPY.with(Traits::KEY).with(Traits::SERDE).with(Traits::DISPLAY);

/// Enums of value lists: the database orders them as text, which is another order.
pub(super) const VALUES: Traits = ENUM.without(Traits::ORD);

const JSON_TEXT: Traits = Traits::EQ.with(Traits::SERDE);
