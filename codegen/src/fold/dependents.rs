//! What depends on what: DROP without CASCADE is refused where something would be left hanging.

use std::collections::HashSet;

use canon_core::schema::{Constraint, ConstraintKind, QName};

use super::{Catalog, Refused, Relation};
use crate::parse::change::ObjectClass;

/// An object of a DROP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Object {
    Schema(String),
    Extension(String),
    Temporary(QName),
    Table(QName),
    View(QName),
    Index(QName),
    Sequence(QName),
    Type(QName),
    /// Key of the catalogue: its signature.
    Function(String),
    Trigger(QName, String),
    Policy(QName, String),
}

/// The word people use.
pub(super) fn class_label(kind: ObjectClass) -> &'static str {
    match kind {
        ObjectClass::Schema => "schema",
        ObjectClass::Extension => "extension",
        ObjectClass::Table => "table",
        ObjectClass::Column => "column",
        ObjectClass::Constraint | ObjectClass::DomainConstraint => "constraint",
        ObjectClass::Index => "index",
        ObjectClass::Sequence => "sequence",
        ObjectClass::View => "view",
        ObjectClass::MaterializedView => "materialized view",
        ObjectClass::Type => "type",
        ObjectClass::Domain => "domain",
        ObjectClass::Function | ObjectClass::Routine => "function",
        ObjectClass::Procedure => "procedure",
        ObjectClass::Aggregate => "aggregate",
        ObjectClass::Trigger => "trigger",
        ObjectClass::Policy => "policy",
    }
}

/// Whether a type as it is displayed is `name`, or an array of it.
pub(super) fn is_of(ty: &str, name: &str) -> bool {
    ty.strip_prefix("SETOF ").unwrap_or(ty).trim_end_matches("[]") == name
}

impl Catalog {
    /// Refuses a DROP without CASCADE if something outside of `objects` needs one of them.
    pub(super) fn refuse_if_needed(&self, objects: &[Object]) -> Result<(), Refused> {
        let mut gone: HashSet<QName> = HashSet::new();
        for object in objects {
            match object {
                Object::Table(name) => self.with_partitions(name, &mut gone),
                Object::View(name) => {
                    gone.insert(name.clone());
                }
                _ => {}
            }
        }
        for object in objects {
            let needed = match object {
                Object::Schema(name) => self.first_in_schema(name).map(|by| (format!("schema {name}"), by)),
                Object::Table(name) | Object::View(name) => self.relation_user(&gone).map(|by| (format!("{name}"), by)),
                Object::Index(name) => self.constraint_of_index(name).map(|by| (format!("index {name}"), by)),
                Object::Sequence(name) => self.sequence_user(name).map(|by| (format!("sequence {name}"), by)),
                Object::Type(name) => self.type_user(name).map(|by| (format!("type {name}"), by)),
                Object::Function(key) => self.function_user(key).map(|by| (format!("function {key}"), by)),
                _ => None,
            };
            if let Some((object, by)) = needed {
                return Err(format!("{object} cannot be dropped: {by} depends on it; add CASCADE"));
            }
        }
        Ok(())
    }

    fn with_partitions(&self, table: &QName, gone: &mut HashSet<QName>) {
        if gone.insert(table.clone()) {
            for child in self.children(table) {
                if self.tables[&child].partition_of.is_some() {
                    self.with_partitions(&child, gone);
                }
            }
        }
    }

    /// Views that read a relation.
    pub(super) fn readers(&self, name: &QName) -> Vec<QName> {
        let mut readers: Vec<QName> =
            self.reads.iter().filter(|(_, reads)| reads.contains(name)).map(|(view, _)| view.clone()).collect();
        readers.sort();
        readers
    }

    /// What outside of `gone` needs a relation in it.
    fn relation_user(&self, gone: &HashSet<QName>) -> Option<String> {
        for table in self.tables.values().filter(|t| !gone.contains(&t.name)) {
            if let Some((key, _)) = table.foreign_keys().find(|(_, references)| gone.contains(&references.table)) {
                return Some(format!("foreign key {} of {}", key.name, table.name));
            }
            if table.inherits.iter().any(|parent| gone.contains(parent)) {
                return Some(format!("table {}", table.name));
            }
        }
        let view =
            self.reads.iter().find(|(view, reads)| !gone.contains(view) && reads.iter().any(|r| gone.contains(r)));
        view.map(|(view, _)| format!("view {view}"))
    }

    fn constraint_of_index(&self, index: &QName) -> Option<String> {
        let Some(Relation::Index(table)) = self.relations.get(index) else { return None };
        let constraint = self.tables.get(table)?.constraints.iter().find(|c| c.name == index.name)?;
        super::constraints::has_index(constraint.kind).then(|| format!("constraint {} of {table}", constraint.name))
    }

    fn sequence_user(&self, sequence: &QName) -> Option<String> {
        let call = format!("nextval('{sequence}'");
        self.tables.values().find_map(|table| {
            let column = table.columns.iter().find(|c| c.default.as_deref().is_some_and(|d| d.contains(&call)))?;
            Some(format!("the default of {}.{}", table.name, column.name))
        })
    }

    fn type_user(&self, ty: &QName) -> Option<String> {
        let display = ty.to_string();
        let uses = |ty: &str| is_of(ty, &display);
        for table in self.tables.values() {
            if let Some(column) = table.columns.iter().find(|c| uses(&c.ty)) {
                return Some(format!("column {}.{}", table.name, column.name));
            }
        }
        let composite = self.composites.values().find(|c| c.columns.iter().any(|c| uses(&c.ty)));
        let domain = self.domains.values().find(|d| uses(&d.ty));
        let function = self
            .functions
            .values()
            .find(|f| f.arguments.iter().any(|a| uses(&a.ty)) || f.returns.as_deref().is_some_and(uses));
        composite
            .map(|c| format!("type {}", c.name))
            .or_else(|| domain.map(|d| format!("domain {}", d.name)))
            .or_else(|| function.map(|f| format!("function {}", f.signature())))
    }

    fn function_user(&self, key: &str) -> Option<String> {
        let name = &self.functions.get(key)?.name;
        if !self.functions[key].arguments.is_empty() {
            return None;
        }
        let of_tables = self.tables.values().map(|t| (&t.name, &t.triggers));
        let of_views = self.views.values().map(|v| (&v.name, &v.triggers));
        of_tables.chain(of_views).find_map(|(table, triggers)| {
            let trigger = triggers.iter().find(|t| t.function == *name)?;
            Some(format!("trigger {} of {table}", trigger.name))
        })
    }

    fn first_in_schema(&self, schema: &str) -> Option<String> {
        let inside = |name: &&QName| name.schema == schema;
        let relation = self.relations.iter().find(|(n, r)| inside(n) && **r != Relation::Temporary).map(|(n, _)| n);
        let types = self.enums.keys().chain(self.domains.keys()).chain(self.ranges.keys());
        let function = self.functions.values().map(|f| &f.name);
        relation.into_iter().chain(types).chain(function).find(inside).map(|name| format!("{name}"))
    }

    /// The foreign key that a primary key or unique constraint holds up.
    pub(super) fn constraint_user(&self, table: &QName, constraint: &Constraint) -> Option<String> {
        if !matches!(constraint.kind, ConstraintKind::Primary | ConstraintKind::Unique) {
            return None;
        }
        let same = |columns: &[String]| {
            columns.len() == constraint.columns.len() && columns.iter().all(|c| constraint.columns.contains(c))
        };
        // Another key over the same columns holds it up as well, as far as can be told from here.
        let keys = self.tables.get(table)?.constraints.iter().filter(|c| same(&c.columns) && c.references.is_none());
        if keys.count() > 1 {
            return None;
        }
        self.tables.values().find_map(|other| {
            let (key, _) = other.foreign_keys().find(|(_, r)| r.table == *table && same(&r.columns))?;
            Some(format!("foreign key {} of {}", key.name, other.name))
        })
    }

    /// The foreign key of another table that points at a key with this column.
    pub(super) fn key_user(&self, table: &QName, column: &str) -> Option<String> {
        let target = self.tables.get(table)?;
        let is_key = target.constraints.iter().any(|c| {
            matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique) && c.columns.iter().any(|k| k == column)
        });
        if !is_key {
            return None;
        }
        self.tables.values().filter(|t| t.name != *table).find_map(|other| {
            let (key, _) = other
                .foreign_keys()
                .find(|(_, r)| r.table == *table && r.columns.iter().any(|referenced| referenced == column))?;
            Some(format!("foreign key {} of {}", key.name, other.name))
        })
    }
}
