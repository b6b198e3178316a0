//! `ALTER TABLE`, action by action.

use canon_core::schema::{Constraint, ConstraintKind, Generated, Origin, QName, Table};

use super::{Catalog, Refused, Relation};
use crate::parse::Name;
use crate::parse::change::{AlterTable, DropTarget, ObjectClass, SequenceOptions};

impl Catalog {
    pub(super) fn alter_table(
        &mut self,
        name: &Name,
        if_exists: bool,
        only: bool,
        actions: Vec<AlterTable>,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let Some((found, relation)) = self.find_relation(name) else {
            return if if_exists { Ok(()) } else { Err(format!("relation {name} does not exist")) };
        };
        match relation.clone() {
            Relation::Temporary => Ok(()),
            Relation::Table => {
                let before = if actions.len() > 1 { self.tables.get(&found).cloned() } else { None };
                let sequences = self.sequences.len();
                let done =
                    actions.into_iter().try_for_each(|action| self.alter_with_children(&found, action, only, place));
                if let (Err(_), Some(before)) = (&done, before) {
                    self.restore(before, sequences);
                }
                done
            }
            other => actions.into_iter().try_for_each(|action| self.alter_other(&found, &other, action)),
        }
    }

    fn alter_with_children(
        &mut self,
        table: &QName,
        action: AlterTable,
        only: bool,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        if only || !self.parents.contains(table) {
            return self.alter_one(table, action, place);
        }
        self.alter_one(table, action.clone(), place)?;
        self.pass_on(table, &action, place)
    }

    /// Takes back the actions of a statement whose later action is refused.
    fn restore(&mut self, before: Table, sequences: usize) {
        let name = before.name.clone();
        while self.sequences.len() > sequences
            && let Some((made, _)) = self.sequences.pop()
        {
            self.relations.remove(&made);
            self.identity_sequences.remove(&made);
            self.privileges.forget("sequence", &made);
        }
        let Some(after) = self.tables.get(&name).cloned() else { return };
        for constraint in &after.constraints {
            self.unregister_constraint(&name, &constraint.name, constraint.kind);
        }
        for constraint in &before.constraints {
            self.register_constraint(&name, constraint);
        }
        for index in &after.indexes {
            self.relations.remove(&QName::new(&name.schema, &index.name));
        }
        for index in &before.indexes {
            self.relations.insert(QName::new(&name.schema, &index.name), Relation::Index(name.clone()));
        }
        self.tables.insert(name, before);
    }

    /// Views, sequences and indexes take part in the statement too.
    fn alter_other(&mut self, name: &QName, relation: &Relation, action: AlterTable) -> Result<(), Refused> {
        let kind = match relation {
            Relation::View => ObjectClass::View,
            Relation::Sequence => ObjectClass::Sequence,
            Relation::Index(_) => ObjectClass::Index,
            _ => ObjectClass::Type,
        };
        let full = Name { schema: Some(name.schema.clone()), name: name.name.clone() };
        let target = DropTarget { name: full, ..DropTarget::default() };
        match action {
            AlterTable::RenameTo(to) => self.rename(kind, &target, to),
            AlterTable::SetSchema(to) => self.set_schema(kind, &target, to),
            AlterTable::RenameColumn { from, to } => {
                let Some(view) = self.views.get_mut(name) else { return Ok(()) };
                if view.columns.iter().any(|c| c.name == to) {
                    return Err(format!("column {to} of {name} already exists"));
                }
                view.columns.iter_mut().filter(|c| c.name == from).for_each(|c| c.name.clone_from(&to));
                let indexes = view
                    .indexes
                    .iter_mut()
                    .flat_map(|i| i.keys.iter_mut().filter_map(|k| k.column.as_mut()).chain(&mut i.include));
                indexes.filter(|c| **c == from).for_each(|c| c.clone_from(&to));
                Ok(())
            }
            AlterTable::SetOptions(options) => {
                // Those of a materialised view are about storage.
                if let Some(view) = self.views.get_mut(name).filter(|v| !v.materialized) {
                    view.options.extend(options);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn alter_one(
        &mut self,
        table: &QName,
        action: AlterTable,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        match action {
            AlterTable::AddColumn { column, if_not_exists } => {
                let exists = self.tables.get(table).is_some_and(|t| t.column(&column.name).is_some());
                if exists && if_not_exists {
                    return Ok(());
                }
                let constraints = self.add_column(table, *column, place)?;
                constraints.into_iter().try_for_each(|constraint| self.add_constraint(table, constraint, place))
            }
            AlterTable::DropColumn { name, if_exists, cascade } => self.drop_column(table, &name, if_exists, cascade),
            AlterTable::AddConstraint(constraint) => self.add_constraint(table, *constraint, place),
            AlterTable::DropConstraint { name, if_exists, cascade } => {
                self.drop_constraint(table, &name, if_exists, cascade)
            }
            AlterTable::AlterConstraint { name, deferrable, initially_deferred } => {
                let constraint = self.constraint_mut(table, &name)?;
                constraint.deferrable = deferrable;
                constraint.initially_deferred = initially_deferred;
                Ok(())
            }
            AlterTable::ValidateConstraint(name) => {
                self.constraint_mut(table, &name)?.not_valid = false;
                Ok(())
            }
            AlterTable::AttachPartition { partition, bound } => {
                let Some(child) = self.find_table(&partition) else {
                    return Err(format!("table {partition} does not exist"));
                };
                let parent = Name { schema: Some(table.schema.clone()), name: table.name.clone() };
                self.attach_partition(&parent, &child, bound)
            }
            AlterTable::DetachPartition(partition) => self.detach_partition(table, &partition),
            AlterTable::Inherit(parent) => {
                let Some(parent) = self.find_table(&parent) else {
                    return Err(format!("table {parent} does not exist"));
                };
                self.refuse_descent(table, &parent)?;
                self.parents.insert(parent.clone());
                self.mark_inherited(table, &parent, true);
                self.own(table)?.inherits.push(parent);
                Ok(())
            }
            AlterTable::NoInherit(parent) => {
                let parent = self.find_table(&parent);
                self.own(table)?.inherits.retain(|p| Some(p) != parent.as_ref());
                if let Some(parent) = parent {
                    self.mark_inherited(table, &parent, false);
                }
                Ok(())
            }
            AlterTable::RenameColumn { from, to } => self.rename_column(table, &from, to),
            AlterTable::RenameConstraint { from, to } => self.rename_constraint(table, &from, to),
            AlterTable::RenameTo(to) => self.rename_table(table, to),
            AlterTable::SetSchema(to) => self.move_table(table, to),
            AlterTable::AddIdentity { column, identity, options } => {
                let target = self.column_mut(table, &column)?;
                if !target.not_null || target.identity.is_some() || target.default.is_some() {
                    let why = match () {
                        () if target.identity.is_some() => "is an identity already",
                        () if target.default.is_some() => "has a default",
                        () => "takes NULL",
                    };
                    return Err(format!("column {column} of table {table} {why}, so it cannot become an identity"));
                }
                let ty = target.ty.clone();
                let options = SequenceOptions { ty: options.ty.clone().or(Some(ty)), ..options };
                let sequence = self.column_sequence(table, &column, &options, place(0))?;
                self.identity_sequences.insert(sequence);
                let column = self.column_mut(table, &column)?;
                column.identity = Some(identity);
                Ok(())
            }
            other => self.alter_property(table, other),
        }
    }

    /// Actions that set one property.
    fn alter_property(&mut self, table: &QName, action: AlterTable) -> Result<(), Refused> {
        match action {
            AlterTable::SetDefault { column, expression } => {
                let default = expression.and_then(|text| self.stored_default(text));
                self.column_mut(table, &column)?.default = default;
            }
            AlterTable::SetNotNull { column, not_null } => {
                if !not_null && self.own(table)?.primary_key().contains(&column) {
                    return Err(format!("column {column} of table {table} is in the primary key"));
                }
                self.column_mut(table, &column)?.not_null = not_null;
            }
            AlterTable::SetType { column, ty, collation } => {
                let ty = self.type_display(&ty);
                let collation = collation.as_ref().map(|c| self.collation_name(c));
                let column = self.column_mut(table, &column)?;
                column.ty = ty;
                column.collation = collation;
            }
            AlterTable::SetIdentity { column, identity } => {
                let target = self.column_mut(table, &column)?;
                if target.identity.is_none() {
                    return Err(format!("column {column} of table {table} is no identity"));
                }
                target.identity = identity;
            }
            AlterTable::DropIdentity { column } => self.column_mut(table, &column)?.identity = None,
            AlterTable::DropExpression { column } => self.column_mut(table, &column)?.generated = None,
            AlterTable::SetExpression { column, expression } => {
                let column = self.column_mut(table, &column)?;
                column.generated = column.generated.take().map(|g| Generated { expression, ..g });
            }
            AlterTable::SetLogged(logged) => self.own(table)?.unlogged = !logged,
            AlterTable::RowSecurity(on) => self.own(table)?.row_security = on,
            AlterTable::ForceRowSecurity(on) => self.own(table)?.force_row_security = on,
            AlterTable::TriggerEnabled { name, enabled } => {
                let table = self.own(table)?;
                let matching = |t: &&mut canon_core::schema::Trigger| name.as_ref().is_none_or(|n| t.name == *n);
                table.triggers.iter_mut().filter(matching).for_each(|t| t.enabled = enabled);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn own(&mut self, table: &QName) -> Result<&mut Table, Refused> {
        self.tables.get_mut(table).ok_or_else(|| format!("table {table} does not exist"))
    }

    pub(super) fn column_mut(
        &mut self,
        table: &QName,
        column: &str,
    ) -> Result<&mut canon_core::schema::Column, Refused> {
        let found = self.own(table)?.columns.iter_mut().find(|c| c.name == column);
        found.ok_or_else(|| format!("column {column} of table {table} does not exist"))
    }

    pub(super) fn constraint_mut(&mut self, table: &QName, name: &str) -> Result<&mut Constraint, Refused> {
        let found = self.own(table)?.constraints.iter_mut().find(|c| c.name == name);
        found.ok_or_else(|| format!("constraint {name} of table {table} does not exist"))
    }

    fn drop_constraint(&mut self, table: &QName, name: &str, if_exists: bool, cascade: bool) -> Result<(), Refused> {
        let target = self.own(table)?;
        let Some(position) = target.constraints.iter().position(|c| c.name == name) else {
            return if if_exists { Ok(()) } else { Err(format!("constraint {name} of table {table} does not exist")) };
        };
        let constraint = target.constraints[position].clone();
        if !cascade && let Some(by) = self.constraint_user(table, &constraint) {
            return Err(format!("constraint {name} of {table} cannot be dropped: {by} depends on it; add CASCADE"));
        }
        self.own(table)?.constraints.remove(position);
        self.unregister_constraint(table, name, constraint.kind);
        if cascade && matches!(constraint.kind, ConstraintKind::Primary | ConstraintKind::Unique) {
            self.drop_references(table, |columns| {
                columns.len() == constraint.columns.len() && columns.iter().all(|c| constraint.columns.contains(c))
            });
        }
        Ok(())
    }

    /// Drops foreign keys that point at `table` by columns that `matching` accepts.
    pub(super) fn drop_references(&mut self, table: &QName, matching: impl Fn(&[String]) -> bool) {
        let mut gone = Vec::new();
        for other in self.tables.values_mut() {
            let name = other.name.clone();
            other.constraints.retain(|c| {
                let hit = c.references.as_ref().is_some_and(|r| r.table == *table && matching(&r.columns));
                if hit {
                    gone.push((name.clone(), c.name.clone()));
                }
                !hit
            });
        }
        for (owner, constraint) in gone {
            self.unregister_constraint(&owner, &constraint, ConstraintKind::Foreign);
        }
    }
}
