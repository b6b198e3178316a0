//! Constraints coming into being.

use canon_core::schema::{Constraint, ConstraintKind, Origin, QName, References};

use super::tables::MAX_KEYS;
use super::{Catalog, Refused, Relation};
use crate::parse::change::{ConstraintBody, ConstraintDef, ForeignDef, KeyDef};

impl Catalog {
    pub(super) fn add_constraint(
        &mut self,
        table: &QName,
        def: ConstraintDef,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let mut constraint = Constraint {
            deferrable: def.deferrable,
            initially_deferred: def.initially_deferred,
            not_valid: def.not_valid,
            no_inherit: def.no_inherit,
            origin: Some(place(def.at)),
            ..Constraint::default()
        };
        match def.body {
            ConstraintBody::Primary(key) => {
                constraint.kind = ConstraintKind::Primary;
                self.key_constraint(table, &mut constraint, def.name, key)?;
                self.require_not_null(table, &constraint.columns);
            }
            ConstraintBody::Unique(key) => {
                constraint.kind = ConstraintKind::Unique;
                self.key_constraint(table, &mut constraint, def.name, key)?;
            }
            ConstraintBody::Foreign(foreign) => {
                constraint.kind = ConstraintKind::Foreign;
                self.check_columns(table, &foreign.columns)?;
                constraint.name = def.name.unwrap_or_else(|| self.unnamed_foreign(table, &foreign.columns));
                constraint.columns.clone_from(&foreign.columns);
                constraint.references = Some(self.references(table, foreign)?);
            }
            ConstraintBody::Check(expression) => {
                constraint.kind = ConstraintKind::Check;
                constraint.name = match (def.name, self.tables.get(table)) {
                    (Some(name), _) => name,
                    (None, Some(table)) => self.unnamed_check(table, &expression),
                    (None, None) => return Err(format!("table {table} does not exist")),
                };
                constraint.expression = Some(expression);
            }
            ConstraintBody::Exclude(text) => {
                constraint.kind = ConstraintKind::Exclusion;
                constraint.name = def.name.unwrap_or_else(|| self.unnamed_exclusion(table, &text));
                self.refuse_constraint(table, &constraint.name, constraint.kind)?;
                constraint.expression = Some(text);
            }
            ConstraintBody::NotNull(column) => {
                self.check_columns(table, std::slice::from_ref(&column))?;
                self.require_not_null(table, &[column]);
                return Ok(());
            }
        }
        self.store_constraint(table, constraint)
    }

    pub(super) fn store_constraint(&mut self, table: &QName, constraint: Constraint) -> Result<(), Refused> {
        let Some(target) = self.tables.get_mut(table) else { return Err(format!("table {table} does not exist")) };
        if let Some(existing) = target.constraints.iter_mut().find(|c| c.name == constraint.name) {
            // A check that is also inherited merges with the inherited one.
            if existing.inherited && existing.kind == ConstraintKind::Check && existing.kind == constraint.kind {
                existing.inherited = false;
                return Ok(());
            }
            return Err(format!("constraint {} of table {table} already exists", constraint.name));
        }
        if constraint.kind == ConstraintKind::Primary && !target.primary_key().is_empty() {
            return Err(format!("table {table} has a primary key already"));
        }
        target.constraints.push(constraint.clone());
        self.register_constraint(table, &constraint);
        Ok(())
    }

    /// Takes the names a constraint uses: its own, and that of its index.
    pub(super) fn register_constraint(&mut self, table: &QName, constraint: &Constraint) {
        let name = QName::new(&table.schema, &constraint.name);
        if has_index(constraint.kind) {
            self.relations.entry(name.clone()).or_insert_with(|| Relation::Index(table.clone()));
        }
        *self.constraint_names.entry(name).or_insert(0) += 1;
    }

    /// A constraint is renamed with its index.
    pub(super) fn rename_in_use(&mut self, from: &QName, to: QName) {
        if let Some(count) = self.constraint_names.get_mut(from) {
            *count -= 1;
            if *count == 0 {
                self.constraint_names.remove(from);
            }
        }
        *self.constraint_names.entry(to).or_insert(0) += 1;
    }

    pub(super) fn unregister_constraint(&mut self, table: &QName, name: &str, kind: ConstraintKind) {
        let name = QName::new(&table.schema, name);
        if has_index(kind) {
            self.relations.remove(&name);
        }
        if let Some(count) = self.constraint_names.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                self.constraint_names.remove(&name);
            }
        }
    }

    fn key_constraint(
        &mut self,
        table: &QName,
        constraint: &mut Constraint,
        name: Option<String>,
        key: KeyDef,
    ) -> Result<(), Refused> {
        constraint.nulls_not_distinct = key.nulls_not_distinct;
        constraint.without_overlaps = key.without_overlaps;
        constraint.include = key.include;
        if let Some(index) = key.using_index {
            return self.key_from_index(table, constraint, name, &index);
        }
        self.check_columns(table, &key.columns)?;
        constraint.name = match (name, constraint.kind) {
            (Some(name), _) => name,
            (None, ConstraintKind::Primary) => self.unnamed_primary(table),
            (None, _) => self.unnamed_unique(table, &key.columns, &constraint.include),
        };
        constraint.columns = key.columns;
        self.refuse_constraint(table, &constraint.name, constraint.kind)
    }

    /// `USING INDEX`: the index becomes the constraint's and takes its name.
    fn key_from_index(
        &mut self,
        table: &QName,
        constraint: &mut Constraint,
        name: Option<String>,
        index: &str,
    ) -> Result<(), Refused> {
        let target = self.tables.get(table).ok_or_else(|| format!("table {table} does not exist"))?;
        let Some(position) = target.indexes.iter().position(|i| i.name == index) else {
            return Err(format!("index {index} of table {table} does not exist"));
        };
        let new = name.as_deref().unwrap_or(index);
        let own = if new == index { ConstraintKind::Check } else { constraint.kind };
        self.refuse_constraint(table, new, own)?;
        if constraint.kind == ConstraintKind::Primary && !target.primary_key().is_empty() {
            return Err(format!("table {table} has a primary key already"));
        }
        let index = self.own(table)?.indexes.remove(position);
        constraint.columns = index.keys.into_iter().filter_map(|k| k.column).collect();
        constraint.include = index.include;
        constraint.nulls_not_distinct = index.nulls_not_distinct;
        self.relations.remove(&QName::new(&table.schema, &index.name));
        constraint.name = name.unwrap_or(index.name);
        Ok(())
    }

    fn check_columns(&self, table: &QName, columns: &[String]) -> Result<(), Refused> {
        if columns.len() > MAX_KEYS {
            return Err(format!("a key of {table} has more than {MAX_KEYS} columns"));
        }
        let Some(table) = self.tables.get(table) else { return Err(format!("table {table} does not exist")) };
        // A table made by a query has columns nobody knows.
        let known = !table.columns.is_empty();
        match columns.iter().find(|c| known && table.column(c).is_none()) {
            Some(missing) => Err(format!("column {missing} of table {} does not exist", table.name)),
            None => Ok(()),
        }
    }

    fn require_not_null(&mut self, table: &QName, columns: &[String]) {
        if let Some(table) = self.tables.get_mut(table) {
            for column in table.columns.iter_mut().filter(|c| columns.contains(&c.name)) {
                column.not_null = true;
            }
        }
    }

    /// Without a column list the key points at the primary key.
    fn references(&mut self, table: &QName, foreign: ForeignDef) -> Result<References, Refused> {
        let found = self.find_table(&foreign.table);
        let target = match found {
            Some(found) => found,
            None if self.is_temporary(&foreign.table) => return Err(format!("{} is temporary", foreign.table)),
            None => {
                return Err(format!(
                    "table {} does not exist, so {table} ({}) cannot reference it",
                    foreign.table,
                    foreign.columns.join(", ")
                ));
            }
        };
        let referenced = &self.tables[&target];
        let columns = if foreign.referenced.is_empty() {
            referenced.primary_key().to_vec()
        } else {
            self.check_columns(&target, &foreign.referenced)?;
            foreign.referenced
        };
        if columns.is_empty() {
            return Err(format!("table {target} has no primary key for {table} to reference"));
        }
        if columns.len() != foreign.columns.len() {
            return Err(format!(
                "foreign key of {table} has {} columns, {target} has {}",
                foreign.columns.len(),
                columns.len()
            ));
        }
        if !self.is_unique(&target, &columns) {
            return Err(format!("no unique constraint matches the columns ({}) of {target}", columns.join(", ")));
        }
        Ok(References {
            table: target,
            columns,
            on_delete: foreign.on_delete,
            on_update: foreign.on_update,
            on_delete_columns: foreign.on_delete_columns,
            matching: foreign.matching,
            period: foreign.period,
        })
    }

    /// Whether a foreign key may point at these columns, in any order.
    fn is_unique(&self, table: &QName, columns: &[String]) -> bool {
        let Some(table) = self.tables.get(table) else { return false };
        let same = |key: &[String]| key.len() == columns.len() && columns.iter().all(|c| key.contains(c));
        let by_constraint = table
            .constraints
            .iter()
            .any(|c| matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique) && same(&c.columns));
        by_constraint
            || table.indexes.iter().any(|i| {
                let keys: Vec<String> = i.keys.iter().filter_map(|k| k.column.clone()).collect();
                i.unique && i.predicate.is_none() && keys.len() == i.keys.len() && same(&keys)
            })
    }
}

/// Whether PostgreSQL keeps an index for the constraint.
pub(super) fn has_index(kind: ConstraintKind) -> bool {
    matches!(kind, ConstraintKind::Primary | ConstraintKind::Unique | ConstraintKind::Exclusion)
}
