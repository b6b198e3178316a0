//! Children: partitions and tables that inherit.
//!
//! An index of a partitioned table exists on every partition, and a change of a parent's columns
//! and checks reaches its children, unless ONLY was written.

use canon_core::schema::{Column, Constraint, ConstraintKind, Index, Origin, PartitionOf, QName};

use super::{Catalog, Refused, Relation, constraints::has_index};
use crate::parse::Name;
use crate::parse::change::{AlterTable, ConstraintBody, CreateIndex};

/// Levels of inheritance that are followed.
const MAX_LEVELS: usize = 256;

impl Catalog {
    /// Partitions of a table and tables that inherit from it, in the order of declaration.
    pub(super) fn children(&self, table: &QName) -> Vec<QName> {
        if !self.parents.contains(table) {
            return Vec::new();
        }
        let is_child = |t: &&canon_core::schema::Table| {
            t.partition_of.as_ref().is_some_and(|p| p.parent == *table) || t.inherits.contains(table)
        };
        self.tables.values().filter(is_child).map(|t| t.name.clone()).collect()
    }

    pub(super) fn attach_partition(&mut self, parent: &Name, child: &QName, bound: String) -> Result<(), Refused> {
        let Some(parent) = self.find_table(parent) else { return Err(format!("table {parent} does not exist")) };
        let Some(table) = self.tables.get_mut(child) else { return Err(format!("table {child} does not exist")) };
        if table.partition_of.is_some() {
            return Err(format!("{child} is a partition already"));
        }
        self.refuse_descent(child, &parent)?;
        let Some(table) = self.tables.get_mut(child) else { return Ok(()) };
        table.partition_of = Some(PartitionOf { parent: parent.clone(), bound });
        table.columns.iter_mut().for_each(|c| c.inherited = true);
        self.parents.insert(parent.clone());
        let Some(source) = self.tables.get(&parent).cloned() else { return Ok(()) };
        for constraint in &source.constraints {
            self.share_constraint(child, constraint);
        }
        for index in &source.indexes {
            self.share_index(&parent, child, index);
        }
        Ok(())
    }

    /// What a table shares with its parent from now on, or no longer: columns, and checks by name.
    pub(super) fn mark_inherited(&mut self, child: &QName, parent: &QName, inherited: bool) {
        let Some(parent) = self.tables.get(parent) else { return };
        let columns: Vec<String> = parent.columns.iter().map(|c| c.name.clone()).collect();
        let is_shared = |c: &&Constraint| c.kind == ConstraintKind::Check && !c.no_inherit;
        let checks: Vec<String> = parent.constraints.iter().filter(is_shared).map(|c| c.name.clone()).collect();
        let Some(table) = self.tables.get_mut(child) else { return };
        table.columns.iter_mut().filter(|c| columns.contains(&c.name)).for_each(|c| c.inherited = inherited);
        let own_checks = table.constraints.iter_mut().filter(|c| c.kind == ConstraintKind::Check);
        own_checks.filter(|c| checks.contains(&c.name)).for_each(|c| c.inherited = inherited);
    }

    /// The partition keeps what it shared with its parent as its own: keys and foreign keys under the
    /// names that PostgreSQL gave them, indexes without a parent.
    pub(super) fn detach_partition(&mut self, parent: &QName, partition: &Name) -> Result<(), Refused> {
        let Some(child) = self.find_table(partition) else { return Err(format!("table {partition} does not exist")) };
        if self.tables[&child].partition_of.as_ref().is_none_or(|p| p.parent != *parent) {
            return Err(format!("{child} is no partition of {parent}"));
        }
        let shared: Vec<Constraint> = self.shared.remove(&child).unwrap_or_default();
        let still: Vec<Constraint> = match self.tables.get(parent) {
            Some(parent) => {
                shared.into_iter().filter(|own| parent.constraints.iter().any(|c| is_twin(c, own))).collect()
            }
            None => Vec::new(),
        };
        let table = self.own(&child)?;
        table.partition_of = None;
        table.columns.iter_mut().for_each(|c| c.inherited = false);
        table.indexes.iter_mut().for_each(|i| i.partition_of = None);
        table.constraints.iter_mut().for_each(|c| c.inherited = false);
        for own in still {
            if table.constraints.iter().all(|c| c.name != own.name) {
                table.constraints.push(Constraint { inherited: false, ..own });
            }
        }
        Ok(())
    }

    /// A table cannot be below itself, nor below more than [`MAX_LEVELS`] others.
    pub(super) fn refuse_descent(&self, child: &QName, parent: &QName) -> Result<(), Refused> {
        let mut above = vec![parent];
        for _ in 0..MAX_LEVELS {
            if above.contains(&child) {
                return Err(format!("{child} cannot be below itself"));
            }
            let parents = above.iter().filter_map(|name| self.tables.get(*name));
            above = parents.flat_map(|t| t.inherits.iter().chain(t.partition_of.iter().map(|p| &p.parent))).collect();
            above.sort_unstable();
            above.dedup();
            if above.is_empty() {
                return Ok(());
            }
        }
        Err(format!("{child} has more than {MAX_LEVELS} levels of parents"))
    }

    /// A key of the parent holds for the partition: its own equal one becomes part of it, or it
    /// gets one under a name that PostgreSQL chooses. Either way the model shows the parent's only.
    fn share_constraint(&mut self, child: &QName, constraint: &Constraint) {
        if constraint.kind == ConstraintKind::Check {
            return;
        }
        let Some(table) = self.tables.get_mut(child) else { return };
        if constraint.kind == ConstraintKind::Primary {
            for column in table.columns.iter_mut().filter(|c| constraint.columns.contains(&c.name)) {
                column.not_null = true;
            }
        }
        if let Some(position) = table.constraints.iter().position(|own| is_twin(own, constraint)) {
            let own = table.constraints.remove(position);
            self.shared.entry(child.clone()).or_default().push(own);
        } else {
            let name = match constraint.kind {
                ConstraintKind::Foreign => constraint.name.clone(),
                ConstraintKind::Primary => self.unnamed_primary(child),
                ConstraintKind::Unique => self.unnamed_unique(child, &constraint.columns, &constraint.include),
                _ => self.unnamed_exclusion(child, constraint.expression.as_deref().unwrap_or_default()),
            };
            let claimed = Constraint { name, ..constraint.clone() };
            if has_index(constraint.kind) {
                self.register_constraint(child, &claimed);
            }
            self.shared.entry(child.clone()).or_default().push(claimed);
        }
        for grandchild in self.children(child) {
            self.share_constraint(&grandchild, constraint);
        }
    }

    /// The partition's own equal index becomes part of the parent's, or it gets one.
    fn share_index(&mut self, parent: &QName, child: &QName, index: &Index) {
        let link = Some(QName::new(&parent.schema, &index.name));
        let same = |own: &Index| {
            own.partition_of.is_none()
                && (own.unique, &own.method, &own.keys, &own.include, &own.predicate)
                    == (index.unique, &index.method, &index.keys, &index.include, &index.predicate)
        };
        let Some(table) = self.tables.get_mut(child) else { return };
        if let Some(own) = table.indexes.iter_mut().find(|own| same(own)) {
            own.partition_of = link;
            return;
        }
        let name = self.unnamed_index(child, &index.keys, &index.include);
        let _ = self.claim(&QName::new(&child.schema, &name), Relation::Index(child.clone()));
        let copy = Index { name, partition_of: link, comment: None, ..index.clone() };
        if let Some(table) = self.tables.get_mut(child) {
            table.indexes.push(copy.clone());
        }
        for grandchild in self.children(child) {
            self.share_index(child, &grandchild, &copy);
        }
    }

    /// `CREATE INDEX` on a partitioned table, without ONLY.
    pub(super) fn index_partitions(&mut self, table: &QName, def: &CreateIndex, index: &Index) {
        if def.only {
            return;
        }
        for child in self.children(table) {
            if self.tables[&child].partition_of.is_some() {
                self.share_index(table, &child, index);
            }
        }
    }

    /// `ALTER INDEX ... ATTACH PARTITION`.
    pub(super) fn attach_index(&mut self, parent: &Name, partition: &Name) -> Result<(), Refused> {
        let (Some((parent, _)), Some((child, Relation::Index(table)))) =
            (self.find_relation(parent), self.find_relation(partition))
        else {
            return Err(format!("index {partition} or {parent} does not exist"));
        };
        let table = table.clone();
        let Some(table) = self.tables.get_mut(&table) else { return Ok(()) };
        if let Some(index) = table.indexes.iter_mut().find(|i| i.name == child.name) {
            index.partition_of = Some(parent);
        }
        // A key that is attached is the parent's.
        table.constraints.retain(|c| c.name != child.name || !has_index(c.kind));
        Ok(())
    }

    /// Carries a change of a parent on to its children.
    pub(super) fn pass_on(
        &mut self,
        parent: &QName,
        action: &AlterTable,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        for child in self.children(parent) {
            self.pass_on_to(parent, &child, action, place)?;
        }
        Ok(())
    }

    fn pass_on_to(
        &mut self,
        parent: &QName,
        child: &QName,
        action: &AlterTable,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let own = |catalog: &Self, name: &str| {
            catalog.tables.get(child).and_then(|t| t.column(name)).is_some_and(|c| !c.inherited)
        };
        match action {
            AlterTable::AddColumn { column, .. } => {
                let Some(added) = self.tables.get(parent).and_then(|t| t.column(&column.name)).cloned() else {
                    return Ok(());
                };
                for constraint in &column.constraints {
                    self.pass_on_constraint(parent, child, &constraint.body);
                }
                let Some(table) = self.tables.get_mut(child) else { return Ok(()) };
                match table.columns.iter_mut().find(|c| c.name == added.name) {
                    Some(existing) => existing.not_null |= added.not_null,
                    None => {
                        table.columns.push(Column { identity: None, inherited: true, comment: None, ..added });
                    }
                }
                self.pass_on(child, action, place)
            }
            AlterTable::DropColumn { name, .. } if !own(self, name) => {
                self.drop_column(child, name, true, true)?;
                self.pass_on(child, action, place)
            }
            AlterTable::AddConstraint(def) => {
                self.pass_on_constraint(parent, child, &def.body);
                Ok(())
            }
            AlterTable::DropConstraint { name, .. } => {
                let inherited = |c: &Constraint| c.name == *name && c.inherited;
                if let Some(table) = self.tables.get_mut(child) {
                    table.constraints.retain(|c| !inherited(c));
                }
                self.pass_on(child, action, place)
            }
            AlterTable::SetDefault { .. }
            | AlterTable::SetNotNull { .. }
            | AlterTable::SetType { .. }
            | AlterTable::SetExpression { .. }
            | AlterTable::DropExpression { .. }
            | AlterTable::RenameColumn { .. } => {
                self.alter_one(child, action.clone(), place)?;
                self.pass_on(child, action, place)
            }
            AlterTable::RenameConstraint { from, to } => {
                if self.tables.get(child).is_some_and(|t| t.constraints.iter().any(|c| c.name == *from && c.inherited))
                {
                    self.rename_constraint(child, from, to.clone())?;
                }
                self.pass_on(child, action, place)
            }
            _ => Ok(()),
        }
    }

    /// The constraint that a change has just given to `parent`.
    fn pass_on_constraint(&mut self, parent: &QName, child: &QName, body: &ConstraintBody) {
        let Some(added) = self.tables.get(parent).and_then(|t| t.constraints.last()).cloned() else { return };
        match body {
            ConstraintBody::NotNull(column) => {
                let columns = self.tables.get_mut(child).into_iter().flat_map(|t| &mut t.columns);
                columns.filter(|c| c.name == *column).for_each(|c| c.not_null = true);
            }
            ConstraintBody::Check(_) if !added.no_inherit => {
                let Some(table) = self.tables.get_mut(child) else { return };
                if table.constraints.iter().all(|c| c.name != added.name) {
                    table.constraints.push(Constraint { inherited: true, comment: None, ..added.clone() });
                    self.register_constraint(child, &added);
                }
                for grandchild in self.children(child) {
                    self.pass_on_constraint(child, &grandchild, body);
                }
            }
            ConstraintBody::Check(_) => {}
            _ if self.tables.get(child).is_some_and(|t| t.partition_of.is_some()) => {
                self.share_constraint(child, &added);
            }
            _ => {}
        }
    }
}

/// Whether two constraints say the same of a parent and of its partition.
fn is_twin(a: &Constraint, b: &Constraint) -> bool {
    a.kind == b.kind && a.columns == b.columns && a.references == b.references && a.expression == b.expression
}
