//! Names that are taken: what PostgreSQL refuses because something has the name already.
//!
//! One rule for all that makes, renames or moves an object: it asks here first, and changes nothing
//! where the answer is no. Relations (tables, views, sequences, indexes, composite types) share one
//! name space in a schema; types share another, which the row types of tables and views are in;
//! constraints have one for each table, and the index of a key is a relation too.

use canon_core::schema::{ConstraintKind, QName};

use super::constraints::has_index;
use super::{BASE_TYPE, Catalog, Refused, Relation};
use crate::parse::Name;

/// Where temporary objects are, and where names are looked for first.
const TEMPORARY: &str = "pg_temp";

/// Whether a name is written as one of a session.
pub(super) fn is_temporary_name(name: &Name) -> bool {
    name.schema.as_deref() == Some(TEMPORARY)
}

/// The first name that is there twice.
pub(super) fn twice<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

impl Catalog {
    /// Takes a name in the `pg_class` name space.
    pub(super) fn claim(&mut self, name: &QName, relation: Relation) -> Result<(), Refused> {
        match relation {
            Relation::Table | Relation::View | Relation::Composite => self.refuse_row_type(name)?,
            _ => self.refuse_relation(name)?,
        }
        self.relations.insert(name.clone(), relation);
        Ok(())
    }

    /// Takes a name for the session, where it hides that of an object that stays.
    pub(super) fn claim_temporary(&mut self, name: &str, if_not_exists: bool) -> Result<(), Refused> {
        let name = QName::new(TEMPORARY, name);
        if if_not_exists && self.relations.contains_key(&name) {
            return Ok(());
        }
        self.refuse_relation(&name)?;
        self.relations.insert(name.clone(), Relation::Temporary);
        self.temporary.push(name);
        Ok(())
    }

    /// What a session leaves behind is gone.
    pub(super) fn drop_temporary(&mut self) {
        for name in std::mem::take(&mut self.temporary) {
            self.relations.remove(&name);
        }
    }

    /// The temporary object that an unqualified name means.
    pub(super) fn temporary_of(&self, name: &Name) -> Option<QName> {
        if self.temporary.is_empty() {
            return None;
        }
        Some(QName::new(TEMPORARY, &name.name))
    }

    pub(super) fn refuse_relation(&self, name: &QName) -> Result<(), Refused> {
        if self.relations.contains_key(name) {
            return Err(format!("relation {name} already exists"));
        }
        Ok(())
    }

    /// A relation with a row type, which must not have the name of another type.
    pub(super) fn refuse_row_type(&self, name: &QName) -> Result<(), Refused> {
        self.refuse_relation(name)?;
        self.refuse_type(name)
    }

    pub(super) fn refuse_type(&self, name: &QName) -> Result<(), Refused> {
        let taken = self.is_type(name) || self.tables.contains_key(name) || self.views.contains_key(name);
        if taken { Err(format!("type {name} already exists")) } else { Ok(()) }
    }

    /// Whether a type of its own has this name; row types of tables and views are not.
    pub(super) fn is_type(&self, name: &QName) -> bool {
        self.enums.contains_key(name)
            || self.domains.contains_key(name)
            || self.composites.contains_key(name)
            || self.base_types.contains_key(name)
            || self.ranges.contains_key(name)
            || self.ranges.values().any(|range| range.multirange == *name)
    }

    /// A shell holds the name for the type that comes: `CREATE TYPE t;`.
    pub(super) fn fill_shell(&mut self, name: &QName) {
        let Some(written) = self.base_types.get(name) else { return };
        let is_shell =
            |o: &canon_core::schema::Opaque| o.kind == BASE_TYPE && o.name == *written && !o.text.contains('(');
        if self.opaque.iter().any(is_shell) {
            self.opaque.retain(|o| !is_shell(o));
            self.base_types.remove(name);
        }
    }

    /// A relation of this sort comes to have the name.
    pub(super) fn refuse_as(&self, name: &QName, relation: &Relation) -> Result<(), Refused> {
        match relation {
            Relation::Table | Relation::View | Relation::Composite => self.refuse_row_type(name),
            _ => self.refuse_relation(name),
        }
    }

    pub(super) fn refuse_constraint(&self, table: &QName, name: &str, kind: ConstraintKind) -> Result<(), Refused> {
        let own = self.tables.get(table).into_iter().flat_map(|t| &t.constraints);
        if own.into_iter().any(|c| c.name == name) {
            return Err(format!("constraint {name} of table {table} already exists"));
        }
        if has_index(kind) { self.refuse_relation(&QName::new(&table.schema, name)) } else { Ok(()) }
    }

    /// A column of a table and of what inherits from it.
    pub(super) fn refuse_column(&self, table: &QName, column: &str) -> Result<(), Refused> {
        let mut below = vec![table.clone()];
        let mut next = 0;
        while let Some(name) = below.get(next).cloned() {
            next += 1;
            if self.tables.get(&name).is_some_and(|t| t.column(column).is_some()) {
                return Err(format!("column {column} of table {name} already exists"));
            }
            below.extend(self.children(&name).into_iter().filter(|child| !below.contains(child)).collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Everything that a table takes along into another schema.
    pub(super) fn refuse_move(&self, table: &QName, schema: &str) -> Result<(), Refused> {
        let Some(moving) = self.tables.get(table) else { return Err(format!("table {table} does not exist")) };
        self.refuse_row_type(&QName::new(schema, &table.name))?;
        let keys = moving.constraints.iter().filter(|c| has_index(c.kind)).map(|c| &c.name);
        let indexes = moving.indexes.iter().map(|i| &i.name);
        let owned = self.sequences.values().filter(|s| s.owned_by.as_ref().is_some_and(|o| o.table == *table));
        let sequences = owned.filter(|s| s.name.schema == table.schema).map(|s| &s.name.name);
        keys.chain(indexes).chain(sequences).try_for_each(|name| self.refuse_relation(&QName::new(schema, name)))
    }
}
