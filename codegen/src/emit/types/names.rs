//! The Rust name of every object, all different where they meet.
//!
//! Names that fold together (`a_b` and `"a b"`, `Mood` the table and `mood` the enum) are told
//! apart by numbers. Who keeps the plain name does not depend on the order of the files: rows
//! before types before what is derived from them, and a name that is spelled as Rust spells it
//! before one that is not.

use std::collections::{BTreeMap, HashMap, HashSet};

use canon_core::schema::{Model, QName, Table};

use super::ident;

/// Modules that the root has of its own.
const ROOT_MODULES: &[&str] = &["runtime"];

/// Names in one schema's module.
#[derive(Default)]
pub(super) struct SchemaNames {
    pub(super) module: String,
    modules: HashSet<String>,
    types: HashSet<String>,
}

/// The module and the types of a table, view or type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectNames {
    /// Module of the schema.
    pub(super) schema: String,
    /// Its own module, and file.
    pub(super) module: String,
    /// The type itself: of a row, of a value.
    pub(super) ty: String,
    /// Struct of a new row, and of what can be left out there.
    pub(super) new: String,
    pub(super) optional: String,
    /// Newtype of the key.
    pub(super) id: String,
}

#[derive(Default)]
pub(super) struct Names {
    pub(super) schemas: BTreeMap<String, SchemaNames>,
    objects: HashMap<QName, ObjectNames>,
    /// Enums of columns whose check lists their values.
    values: HashMap<(QName, String), String>,
}

/// What is named, in the order in which names are given.
struct Candidate<'m> {
    rank: u8,
    name: &'m QName,
    table: Option<&'m Table>,
}

impl Names {
    /// Names everything in `models`; `wanted` says which tables get types.
    pub(super) fn new<'m>(models: impl Iterator<Item = &'m Model>, wanted: impl Fn(&Table) -> bool) -> Self {
        let mut candidates = Vec::new();
        for model in models {
            let tables = model.tables.iter().filter(|t| wanted(t));
            candidates.extend(tables.map(|t| Candidate { rank: 0, name: &t.name, table: Some(t) }));
            candidates.extend(model.views.iter().map(|v| Candidate { rank: 0, name: &v.name, table: None }));
            let types = model.enums.iter().map(|e| &e.name).chain(model.domains.iter().map(|d| &d.name));
            let types = types.chain(model.composites.iter().map(|c| &c.name));
            let types = types.chain(model.ranges.iter().map(|r| &r.name));
            candidates.extend(types.map(|name| Candidate { rank: 1, name, table: None }));
        }
        candidates.sort_by_key(|c| (c.rank, ident::module(&c.name.name) != c.name.name, c.name));
        let mut names = Self::default();
        names.name_schemas(candidates.iter().map(|c| c.name.schema.as_str()));
        for candidate in &candidates {
            names.name_object(candidate);
        }
        // Derived names come last, so that no table loses its own to one of them.
        for candidate in &candidates {
            names.name_derived(candidate);
        }
        names
    }

    /// The names of a table, view or type.
    pub(super) fn object(&self, name: &QName) -> Option<&ObjectNames> {
        self.objects.get(name)
    }

    /// The enum of a column's value list.
    pub(super) fn values(&self, table: &QName, column: &str) -> Option<&str> {
        self.values.get(&(table.clone(), column.to_owned())).map(String::as_str)
    }

    fn name_schemas<'m>(&mut self, schemas: impl Iterator<Item = &'m str>) {
        let mut schemas: Vec<&str> = schemas.collect();
        schemas.sort_by_key(|name| (ident::module(name) != *name, *name));
        schemas.dedup();
        let mut used: HashSet<String> = ROOT_MODULES.iter().map(|m| (*m).to_owned()).collect();
        for schema in schemas {
            let module = claim(&mut used, &[ident::module(schema)], "_");
            self.schemas.insert(schema.to_owned(), SchemaNames { module, ..SchemaNames::default() });
        }
    }

    fn name_object(&mut self, candidate: &Candidate<'_>) {
        let QName { schema, name } = candidate.name;
        let Some(scope) = self.schemas.get_mut(schema) else { return };
        if self.objects.contains_key(candidate.name) {
            return;
        }
        let mut module = ident::module(name);
        // A file `mod.rs` is the schema's own.
        if module == "mod" {
            module.push('_');
        }
        let module = claim(&mut scope.modules, &[module], "_");
        let plain = ident::type_name(name);
        let second = format!("{plain}Type");
        let wishes = if candidate.rank == 0 { vec![plain] } else { vec![plain, second] };
        let ty = claim(&mut scope.types, &wishes, "");
        let (new, optional, id) = (String::new(), String::new(), String::new());
        let names = ObjectNames { schema: scope.module.clone(), module, ty, new, optional, id };
        self.objects.insert(candidate.name.clone(), names);
    }

    fn name_derived(&mut self, candidate: &Candidate<'_>) {
        let Some(table) = candidate.table else { return };
        let (Some(scope), Some(names)) = (self.schemas.get_mut(&table.name.schema), self.objects.get_mut(&table.name))
        else {
            return;
        };
        if !names.new.is_empty() {
            return;
        }
        let row = names.ty.trim_end_matches('_').to_owned();
        names.new = claim(&mut scope.types, &[format!("New{row}"), format!("Insert{row}")], "");
        names.optional = claim(&mut scope.types, &[format!("{}Optional", names.new)], "");
        let key = match table.primary_key() {
            [key] if key != "id" && !key.ends_with("_id") => ident::type_name(key).trim_end_matches('_').to_owned(),
            _ => "Id".to_owned(),
        };
        names.id = claim(&mut scope.types, &[format!("{row}{key}"), format!("{row}{key}Key")], "");
        for column in crate::sample::value_lists(table).into_keys() {
            let plain = format!("{row}{}", ident::type_name(&column).trim_end_matches('_'));
            let name = claim(&mut scope.types, &[plain.clone(), format!("{plain}Value")], "");
            self.values.insert((table.name.clone(), column), name);
        }
    }
}

/// The first of `wishes` that is free, or the last one with a number.
fn claim(used: &mut HashSet<String>, wishes: &[String], separator: &str) -> String {
    let free = wishes.iter().find(|name| !used.contains(*name)).cloned();
    let chosen = free.unwrap_or_else(|| {
        let base = wishes[0].trim_end_matches('_');
        (2..).map(|n| format!("{base}{separator}{n}")).find(|name| !used.contains(name)).unwrap_or_default()
    });
    used.insert(chosen.clone());
    chosen
}
