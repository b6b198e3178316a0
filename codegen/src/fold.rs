//! Folds statements into the schema they leave behind.
//!
//! The catalogue is a state machine: each change is applied to what the changes before it made,
//! with PostgreSQL's own rules for names that are not written out (schema of an unqualified name,
//! name of an unnamed constraint, sequence of a serial column). A change that PostgreSQL would
//! refuse is reported and has no effect.

mod alter;
mod comments;
mod condition;
mod constraints;
mod defaults;
mod dependents;
mod derive;
mod expressions;
mod grants;
mod objects;
mod opclass;
mod partitions;
mod remove;
mod rename;
mod tables;
mod taken;
mod unnamed;
mod views;

use std::collections::{HashMap, HashSet};

use canon_core::schema::{
    Composite, Constraint, Domain, EnumType, Extension, Function, Model, Opaque, Origin, QName, RangeType, Schema,
    Sequence, Table, View,
};
use indexmap::IndexMap;

use crate::parse::change::Change;
use crate::parse::{Name, TypeName};

/// A change that cannot be applied, in words.
pub(crate) type Refused = String;

/// Trigger functions of PostgreSQL itself.
const TRIGGER_FUNCTIONS: &[&str] =
    &["suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column"];

/// The kind under which base types are kept as text.
const BASE_TYPE: &str = "base type";

/// Schemas of PostgreSQL itself. What a script adds there is kept as text, as the catalogue does not
/// tell it from what was there.
const SYSTEM_SCHEMAS: &[&str] = &["pg_catalog", "information_schema"];

/// What a relation name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Table,
    View,
    Sequence,
    /// Of this table or materialised view.
    Index(QName),
    /// A composite type shares the name space of tables.
    Composite,
    /// Of a session: known, so that statements about it are not mistaken, but not modelled.
    Temporary,
}

/// The schema as far as it has been read.
#[derive(Debug)]
pub(crate) struct Catalog {
    path: Vec<String>,
    /// The path that comes back at the end of the transaction, after `SET LOCAL`.
    session_path: Option<Vec<String>>,
    /// Collations that the script makes.
    collations: HashSet<QName>,
    schemas: IndexMap<String, Schema>,
    extensions: IndexMap<String, Extension>,
    tables: IndexMap<QName, Table>,
    views: IndexMap<QName, View>,
    enums: IndexMap<QName, EnumType>,
    domains: IndexMap<QName, Domain>,
    composites: IndexMap<QName, Composite>,
    /// Types with functions in C, and shells of them, by the name they are kept under as text.
    base_types: HashMap<QName, String>,
    ranges: IndexMap<QName, RangeType>,
    sequences: IndexMap<QName, Sequence>,
    functions: IndexMap<String, Function>,
    opaque: Vec<Opaque>,
    /// Every name of the `pg_class` name space.
    relations: HashMap<QName, Relation>,
    /// The temporary ones among them.
    temporary: Vec<QName>,
    /// Names of constraints in each schema, as often as they are used.
    constraint_names: HashMap<QName, u32>,
    /// Sequences that belong to identity columns; the model does not show them.
    identity_sequences: HashSet<QName>,
    privileges: grants::Privileges,
    /// Tables that have, or had, partitions or tables that inherit.
    parents: HashSet<QName>,
    /// Keys and foreign keys that partitions have from their parents; the model shows the parent's.
    shared: HashMap<QName, Vec<Constraint>>,
    /// What each view reads.
    reads: HashMap<QName, Vec<QName>>,
    /// What the statement at hand leaves open, in words.
    notes: Vec<String>,
}

impl Catalog {
    pub(crate) fn new() -> Self {
        Self {
            path: vec!["public".to_owned()],
            session_path: None,
            collations: HashSet::new(),
            schemas: IndexMap::new(),
            extensions: IndexMap::new(),
            tables: IndexMap::new(),
            views: IndexMap::new(),
            enums: IndexMap::new(),
            domains: IndexMap::new(),
            composites: IndexMap::new(),
            base_types: HashMap::new(),
            ranges: IndexMap::new(),
            sequences: IndexMap::new(),
            functions: IndexMap::new(),
            opaque: Vec::new(),
            relations: HashMap::new(),
            temporary: Vec::new(),
            constraint_names: HashMap::new(),
            identity_sequences: HashSet::new(),
            privileges: grants::Privileges::default(),
            parents: HashSet::new(),
            shared: HashMap::new(),
            reads: HashMap::new(),
            notes: Vec::new(),
        }
    }

    /// Names that were unqualified in one file do not depend on the `SET search_path` of another.
    pub(crate) fn begin_session(&mut self) {
        self.path = vec!["public".to_owned()];
        self.session_path = None;
        self.drop_temporary();
    }

    /// What the last change left open.
    pub(crate) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Applies one change; `place` turns byte offsets of the statement's file into origins.
    pub(crate) fn apply(
        &mut self,
        change: Change,
        origin: Origin,
        place: &dyn Fn(usize) -> Origin,
        text: &str,
    ) -> Result<(), Refused> {
        if let Some((kind, name)) = system_object(&change) {
            self.opaque.push(Opaque { kind, name, text: text.to_owned(), comment: None, origin: Some(origin) });
            return Ok(());
        }
        match change {
            Change::CreateSchema { name, if_not_exists } => self.create_schema(name, if_not_exists, origin),
            // PL/pgSQL is in every database.
            Change::CreateExtension { name, .. } if name == "plpgsql" => Ok(()),
            Change::CreateExtension { name, schema, version } => {
                let schema = Some(self.new_name(&Name { schema, name: name.clone() }).schema);
                let extension = Extension { name: name.clone(), schema, version, origin: Some(origin), comment: None };
                self.extensions.entry(name).or_insert(extension);
                Ok(())
            }
            Change::SearchPath { path, local } => {
                let path = path.into_iter().filter(|s| s != "$user" && s != "pg_catalog").collect();
                let before = std::mem::replace(&mut self.path, path);
                if local {
                    self.session_path.get_or_insert(before);
                } else {
                    self.session_path = None;
                }
                Ok(())
            }
            Change::Commit => {
                self.path = self.session_path.take().unwrap_or_else(|| std::mem::take(&mut self.path));
                Ok(())
            }
            Change::Grant { on, targets, def } => self.grant(on, &targets, &def, origin),
            Change::DefaultPrivileges { on, schemas, def } => self.default_privileges(on, schemas, def, origin),
            Change::CreateTable(table) => self.create_table(*table, origin, place),
            Change::AlterTable { name, if_exists, only, actions } => {
                self.alter_table(&name, if_exists, only, actions, place)
            }
            Change::CreateIndex(index) => self.create_index(*index, origin),
            Change::AttachIndex { parent, partition } => self.attach_index(&parent, &partition),
            Change::CreateSequence { name, if_not_exists, temporary, options } => {
                self.create_sequence(&name, if_not_exists, temporary, &options, origin)
            }
            Change::AlterSequence { name, options } => self.alter_sequence(&name, &options),
            Change::CreateEnum { name, labels } => self.create_enum(&name, labels, origin),
            Change::AddEnumValue { name, label, place, if_not_exists } => {
                self.add_enum_value(&name, label, &place, if_not_exists)
            }
            Change::RenameEnumValue { name, from, to } => self.rename_enum_value(&name, &from, to),
            Change::CreateDomain(domain) => self.create_domain(*domain, origin, place),
            Change::AlterDomain { name, action } => self.alter_domain(&name, action, place),
            Change::CreateComposite { name, attributes } => self.create_composite(&name, attributes, origin, place),
            Change::AlterComposite { name, actions } => self.alter_composite(&name, actions, place),
            Change::CreateRange { name, subtype, multirange } => {
                self.create_range(&name, &subtype, multirange.as_ref(), origin)
            }
            Change::CreateView(view) => self.create_view(*view, origin),
            Change::CreateFunction(function) => self.create_function(*function, origin),
            Change::AlterFunction { name, arguments, options } => {
                self.alter_function(&name, arguments.as_deref(), options)
            }
            Change::CreateTrigger(trigger) => self.create_trigger(*trigger, origin),
            Change::CreatePolicy(policy) => self.create_policy(*policy, origin),
            Change::AlterPolicy { name, table, roles, using, check } => {
                self.alter_policy(&name, &table, roles, using, check)
            }
            Change::Comment { target, text } => self.comment(target, text),
            Change::Drop { kind, targets, if_exists, cascade } => self.drop_objects(kind, &targets, if_exists, cascade),
            Change::Rename { kind, target, to } => self.rename(kind, &target, to),
            Change::SetSchema { kind, target, to } => self.set_schema(kind, &target, to),
            Change::Opaque { kind, name } => {
                if kind == "collation" && text.len() > 6 && text.as_bytes()[..6].eq_ignore_ascii_case(b"create") {
                    self.new_collation(&name);
                }
                if kind == BASE_TYPE
                    && let Some(full) = crate::parse::name_of(&name)
                {
                    let full = self.new_name(&full);
                    if self.base_types.insert(full.clone(), name.clone()).is_none() {
                        self.adopt_type(&full);
                    }
                }
                self.opaque.push(Opaque { kind, name, text: text.to_owned(), comment: None, origin: Some(origin) });
                Ok(())
            }
            Change::DropOpaque { kind, names } => {
                self.opaque.retain(|o| o.kind != kind || !names.contains(&o.name));
                Ok(())
            }
        }
    }

    /// The model of what has been read.
    pub(crate) fn finish(self, files: Vec<String>) -> Model {
        let identity = self.identity_sequences;
        Model {
            files,
            schemas: self.schemas.into_values().collect(),
            extensions: self.extensions.into_values().collect(),
            tables: self.tables.into_values().collect(),
            views: self.views.into_values().collect(),
            enums: self.enums.into_values().collect(),
            domains: self.domains.into_values().collect(),
            composites: self.composites.into_values().collect(),
            ranges: self.ranges.into_values().collect(),
            sequences: self.sequences.into_values().filter(|s| !identity.contains(&s.name)).collect(),
            functions: self.functions.into_values().collect(),
            grants: self.privileges.into_grants(),
            opaque: self.opaque,
        }
    }

    fn create_schema(&mut self, name: String, if_not_exists: bool, origin: Origin) -> Result<(), Refused> {
        match self.schemas.get_mut(&name) {
            // Mentioned before it was declared.
            Some(schema) if schema.origin.is_none() => schema.origin = Some(origin),
            Some(_) if if_not_exists || name == "public" => {}
            Some(_) => return Err(format!("schema {name} already exists")),
            None => {
                self.schemas.insert(name.clone(), Schema { name, comment: None, origin: Some(origin) });
            }
        }
        Ok(())
    }

    fn new_collation(&mut self, name: &str) {
        if let Some(name) = crate::parse::name_of(name) {
            let name = self.new_name(&name);
            self.collations.insert(name);
        }
    }

    /// The full name a new object gets.
    fn new_name(&mut self, name: &Name) -> QName {
        let schema = match &name.schema {
            Some(schema) => schema.clone(),
            None => self.path.first().cloned().unwrap_or_else(|| "public".to_owned()),
        };
        self.mention_schema(&schema);
        QName { schema, name: name.name.clone() }
    }

    /// A schema that is used without being declared.
    fn mention_schema(&mut self, schema: &str) {
        if !self.schemas.contains_key(schema) {
            let implicit = Schema { name: schema.to_owned(), comment: None, origin: None };
            self.schemas.insert(schema.to_owned(), implicit);
        }
    }

    /// Finds an existing object: where it says, or along the search path, or, for scripts that
    /// leave the path to their caller, in the only schema that has it.
    fn lookup(&self, name: &Name, exists: impl Fn(&QName) -> bool) -> Option<QName> {
        if let Some(schema) = &name.schema {
            return Some(QName::new(schema, &name.name)).filter(|n| exists(n));
        }
        if let Some(temporary) = self.temporary_of(name).filter(|n| exists(n)) {
            return Some(temporary);
        }
        let in_schema = |schema: &String| Some(QName::new(schema, &name.name)).filter(|n| exists(n));
        self.path.iter().find_map(in_schema).or_else(|| {
            let mut found = self.schemas.keys().filter_map(in_schema);
            found.next().filter(|_| found.next().is_none())
        })
    }

    fn find_relation(&self, name: &Name) -> Option<(QName, &Relation)> {
        let found = self.lookup(name, |n| self.relations.contains_key(n))?;
        let relation = self.relations.get(&found)?;
        Some((found, relation))
    }

    /// The table or view that a statement means.
    pub(crate) fn table_or_view(&self, name: &Name) -> Option<QName> {
        let (found, relation) = self.find_relation(name)?;
        matches!(relation, Relation::Table | Relation::View).then_some(found)
    }

    pub(crate) fn is_table_or_view(&self, name: &QName) -> bool {
        matches!(self.relations.get(name), Some(Relation::Table | Relation::View))
    }

    /// The table that an index belongs to.
    pub(crate) fn table_of_index(&self, name: &Name) -> Option<QName> {
        match self.find_relation(name)?.1 {
            Relation::Index(table) => Some(table.clone()),
            _ => None,
        }
    }

    fn find_table(&self, name: &Name) -> Option<QName> {
        self.lookup(name, |n| self.tables.contains_key(n))
    }

    fn table_mut(&mut self, name: &Name) -> Result<&mut Table, Refused> {
        match self.find_table(name).and_then(|found| self.tables.get_mut(&found)) {
            Some(table) => Ok(table),
            None => Err(format!("table {name} does not exist")),
        }
    }

    fn is_temporary(&self, name: &Name) -> bool {
        matches!(self.find_relation(name), Some((_, Relation::Temporary)))
    }

    fn find_function(&self, name: &Name) -> Vec<String> {
        let of_name = |schema: &str| {
            let wanted = QName::new(schema, &name.name);
            self.functions.iter().filter(|(_, f)| f.name == wanted).map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        match &name.schema {
            Some(schema) => of_name(schema),
            None => {
                let on_path = self.path.iter().map(|s| of_name(s)).find(|found| !found.is_empty());
                on_path
                    .or_else(|| self.schemas.keys().map(|s| of_name(s)).find(|found| !found.is_empty()))
                    .unwrap_or_default()
            }
        }
    }

    /// The name of a function that a trigger calls. Functions of extensions are not in the file.
    fn function_name(&mut self, name: &Name) -> QName {
        if let Some(key) = self.find_function(name).first() {
            return self.functions[key].name.clone();
        }
        match &name.schema {
            Some(schema) => QName::new(schema, &name.name),
            None if TRIGGER_FUNCTIONS.contains(&name.name.as_str()) => QName::new("pg_catalog", &name.name),
            None => QName::new(self.path.first().map_or("public", String::as_str), &name.name),
        }
    }

    /// A type as `format_type` prints it. Types that the script does not declare belong to an
    /// extension; they go by their bare name, wherever the extension was put.
    fn type_display(&self, ty: &TypeName) -> String {
        if ty.builtin {
            return ty.display();
        }
        let is_type = |n: &QName| self.is_type(n) || self.tables.contains_key(n) || self.views.contains_key(n);
        let mut resolved = ty.clone();
        let element = || {
            // `_t` is the catalogue's own name of `t[]`.
            let element = ty.name.name.strip_prefix('_')?;
            self.lookup(&Name { schema: ty.name.schema.clone(), name: element.to_owned() }, is_type)
        };
        resolved.name = match self.lookup(&ty.name, is_type) {
            Some(found) => Name { schema: Some(found.schema), name: found.name },
            None => match element() {
                Some(found) => {
                    resolved.dimensions = 1;
                    Name { schema: Some(found.schema), name: found.name }
                }
                None => Name { schema: None, name: ty.name.name.clone() },
            },
        };
        resolved.display()
    }
}

/// What a script adds to a schema of PostgreSQL itself.
fn system_object(change: &Change) -> Option<(String, String)> {
    let (kind, name) = match change {
        Change::CreateFunction(function) => ("function", &function.name),
        Change::CreateTable(table) => ("table", &table.name),
        Change::CreateView(view) => ("view", &view.name),
        _ => return None,
    };
    let schema = name.schema.as_deref()?;
    SYSTEM_SCHEMAS.contains(&schema).then(|| (kind.to_owned(), name.to_string()))
}
