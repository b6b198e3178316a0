//! Objects going away.

use canon_core::schema::{ConstraintKind, QName};

use super::dependents::{Object, class_label, is_of};
use super::{Catalog, Refused, Relation, expressions};
use crate::parse::change::{DropTarget, ObjectClass};

impl Catalog {
    /// All of the targets, or none where PostgreSQL would refuse one of them.
    pub(super) fn drop_objects(
        &mut self,
        kind: ObjectClass,
        targets: &[DropTarget],
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), Refused> {
        let mut objects = Vec::with_capacity(targets.len());
        for target in targets {
            match self.object(kind, target) {
                Ok(object) => objects.push(object),
                Err(_) if if_exists => {}
                Err(refused) => return Err(refused),
            }
        }
        if !cascade {
            self.refuse_if_needed(&objects)?;
        }
        objects.into_iter().for_each(|object| self.drop_object(object));
        Ok(())
    }

    /// The object that a target names.
    fn object(&self, kind: ObjectClass, target: &DropTarget) -> Result<Object, Refused> {
        let name = &target.name;
        let missing = |what: &str| Err(format!("{what} {name} does not exist"));
        match kind {
            ObjectClass::Schema if self.schemas.contains_key(&name.name) => Ok(Object::Schema(name.name.clone())),
            ObjectClass::Schema => missing("schema"),
            ObjectClass::Extension if self.extensions.contains_key(&name.name) => {
                Ok(Object::Extension(name.name.clone()))
            }
            ObjectClass::Extension => missing("extension"),
            ObjectClass::Table
            | ObjectClass::View
            | ObjectClass::MaterializedView
            | ObjectClass::Index
            | ObjectClass::Sequence => match (self.find_relation(name), kind) {
                (Some((found, Relation::Temporary)), _) => Ok(Object::Temporary(found)),
                (Some((found, Relation::Table)), ObjectClass::Table) => Ok(Object::Table(found)),
                (Some((found, Relation::View)), ObjectClass::View | ObjectClass::MaterializedView)
                    if self.views.get(&found).is_none_or(|v| v.materialized == (kind != ObjectClass::View)) =>
                {
                    Ok(Object::View(found))
                }
                (Some((found, Relation::Index(_))), ObjectClass::Index) => Ok(Object::Index(found)),
                (Some((found, Relation::Sequence)), ObjectClass::Sequence) => Ok(Object::Sequence(found)),
                (Some((found, _)), _) => Err(format!("{found} is not a {}", class_label(kind))),
                (None, _) => missing(class_label(kind)),
            },
            ObjectClass::Type | ObjectClass::Domain => match self.find_type(name) {
                Some(found) if kind == ObjectClass::Type || self.domains.contains_key(&found) => {
                    Ok(Object::Type(found))
                }
                _ => missing(class_label(kind)),
            },
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate => self
                .match_function(target)
                .map(Object::Function)
                .ok_or_else(|| format!("function {name} does not exist")),
            ObjectClass::Trigger | ObjectClass::Policy => {
                let table = target.table.as_ref().and_then(|t| self.find_relation(t)).map(|(table, _)| table);
                let Some(table) = table else { return missing(class_label(kind)) };
                let on_table = self.tables.get(&table);
                let triggers = on_table
                    .map(|t| &t.triggers)
                    .or_else(|| self.views.get(&table).map(|v| &v.triggers))
                    .into_iter()
                    .flatten();
                let is_policy = kind == ObjectClass::Policy;
                let known = if is_policy {
                    on_table.is_some_and(|t| t.policies.iter().any(|p| p.name == name.name))
                } else {
                    triggers.into_iter().any(|t| t.name == name.name)
                };
                match (known, is_policy) {
                    (false, _) => missing(class_label(kind)),
                    (true, true) => Ok(Object::Policy(table, name.name.clone())),
                    (true, false) => Ok(Object::Trigger(table, name.name.clone())),
                }
            }
            ObjectClass::Column | ObjectClass::Constraint | ObjectClass::DomainConstraint => missing("object"),
        }
    }

    fn drop_object(&mut self, object: Object) {
        match object {
            Object::Schema(name) => {
                self.schemas.shift_remove(&name);
                self.privileges.forget("schema", &QName::new("", &name));
                self.drop_schema_contents(&name);
            }
            Object::Extension(name) => {
                self.extensions.shift_remove(&name);
            }
            Object::Temporary(name) => {
                self.relations.remove(&name);
            }
            Object::Table(name) => self.drop_table(&name),
            Object::View(name) => self.drop_view(&name),
            Object::Index(name) => self.drop_index(&name),
            Object::Sequence(name) => self.drop_sequence(&name, true),
            Object::Type(name) => self.drop_type(&name),
            Object::Function(key) => {
                let Some(function) = self.functions.shift_remove(&key) else { return };
                self.privileges.forget_function(&function);
                let name = function.name;
                // Another function of the name may be the one that the triggers call.
                if self.functions.values().all(|f| f.name != name || !f.arguments.is_empty()) {
                    let tables = self.tables.values_mut().map(|t| &mut t.triggers);
                    let views = self.views.values_mut().map(|v| &mut v.triggers);
                    tables.chain(views).for_each(|triggers| triggers.retain(|t| t.function != name));
                }
            }
            Object::Trigger(table, name) => {
                if let Some(table) = self.tables.get_mut(&table) {
                    table.triggers.retain(|t| t.name != name);
                } else if let Some(view) = self.views.get_mut(&table) {
                    view.triggers.retain(|t| t.name != name);
                }
            }
            Object::Policy(table, name) => {
                if let Some(table) = self.tables.get_mut(&table) {
                    table.policies.retain(|p| p.name != name);
                }
            }
        }
    }

    fn drop_schema_contents(&mut self, schema: &str) {
        let inside = |name: &QName| name.schema == schema;
        let tables: Vec<QName> = self.tables.keys().filter(|n| inside(n)).cloned().collect();
        tables.iter().for_each(|table| self.drop_table(table));
        let views: Vec<QName> = self.views.keys().filter(|n| inside(n)).cloned().collect();
        views.iter().for_each(|view| self.drop_view(view));
        self.enums.retain(|n, _| !inside(n));
        self.domains.retain(|n, _| !inside(n));
        self.composites.retain(|n, _| !inside(n));
        self.ranges.retain(|n, _| !inside(n));
        self.sequences.retain(|n, _| !inside(n));
        self.functions.retain(|_, f| !inside(&f.name));
        self.relations.retain(|n, _| !inside(n));
        self.constraint_names.retain(|n, _| !inside(n));
    }

    pub(super) fn drop_table(&mut self, name: &QName) {
        self.drop_references(name, |_| true);
        let Some(table) = self.tables.shift_remove(name) else { return };
        self.privileges.forget("table", name);
        self.relations.remove(name);
        for constraint in &table.constraints {
            self.unregister_constraint(name, &constraint.name, constraint.kind);
        }
        for index in &table.indexes {
            self.relations.remove(&QName::new(&name.schema, &index.name));
        }
        let owned = |s: &canon_core::schema::Sequence| s.owned_by.as_ref().is_some_and(|o| o.table == *name);
        let sequences: Vec<QName> = self.sequences.values().filter(|s| owned(s)).map(|s| s.name.clone()).collect();
        for sequence in sequences {
            self.drop_sequence(&sequence, false);
        }
        let partitions: Vec<QName> = self
            .tables
            .values()
            .filter(|t| t.partition_of.as_ref().is_some_and(|p| p.parent == *name) || t.inherits.contains(name))
            .map(|t| t.name.clone())
            .collect();
        partitions.iter().for_each(|partition| self.drop_table(partition));
        self.drop_readers(name);
    }

    /// Views over what is gone.
    fn drop_readers(&mut self, name: &QName) {
        let mut gone = vec![name.clone()];
        while let Some(name) = gone.pop() {
            for view in self.readers(&name) {
                self.take_view(&view);
                gone.push(view);
            }
        }
    }

    fn drop_view(&mut self, name: &QName) {
        self.take_view(name);
        self.drop_readers(name);
    }

    fn take_view(&mut self, name: &QName) {
        if let Some(view) = self.views.shift_remove(name) {
            self.privileges.forget("table", name);
            for index in &view.indexes {
                self.relations.remove(&QName::new(&name.schema, &index.name));
            }
        }
        self.relations.remove(name);
        self.reads.remove(name);
    }

    fn drop_index(&mut self, name: &QName) {
        if let Some(Relation::Index(table)) = self.relations.remove(name) {
            if let Some(table) = self.tables.get_mut(&table) {
                table.indexes.retain(|i| i.name != name.name);
            } else if let Some(view) = self.views.get_mut(&table) {
                view.indexes.retain(|i| i.name != name.name);
            }
        }
    }

    fn drop_sequence(&mut self, name: &QName, cascade: bool) {
        self.sequences.shift_remove(name);
        self.privileges.forget("sequence", name);
        self.relations.remove(name);
        self.identity_sequences.remove(name);
        if cascade {
            let mentions = |default: &str| default.contains("nextval") && default.contains(&name.name);
            for column in self.tables.values_mut().flat_map(|t| &mut t.columns) {
                if column.default.as_deref().is_some_and(mentions) {
                    column.default = None;
                }
            }
        }
    }

    /// The type, and what is made of it.
    fn drop_type(&mut self, name: &QName) {
        let mut gone = vec![name.clone()];
        while let Some(name) = gone.pop() {
            gone.extend(self.take_type(&name));
        }
    }

    /// Drops one type and gives back the domains over it.
    fn take_type(&mut self, name: &QName) -> Vec<QName> {
        self.privileges.forget("type", name);
        self.enums.shift_remove(name);
        self.domains.shift_remove(name);
        self.ranges.shift_remove(name);
        if self.composites.shift_remove(name).is_some() {
            self.relations.remove(name);
        }
        let display = name.to_string();
        let uses = |ty: &str| is_of(ty, &display);
        let hit: Vec<(QName, String)> = self
            .tables
            .values()
            .flat_map(|t| t.columns.iter().filter(|c| uses(&c.ty)).map(|c| (t.name.clone(), c.name.clone())))
            .collect();
        for (table, column) in hit {
            let _ = self.drop_column(&table, &column, true, true);
        }
        for composite in self.composites.values_mut() {
            composite.columns.retain(|c| !uses(&c.ty));
        }
        let domains: Vec<QName> = self.domains.values().filter(|d| uses(&d.ty)).map(|d| d.name.clone()).collect();
        self.functions
            .retain(|_, f| !f.arguments.iter().any(|a| uses(&a.ty)) && !f.returns.as_deref().is_some_and(uses));
        domains
    }

    pub(super) fn drop_column(
        &mut self,
        table: &QName,
        column: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), Refused> {
        let target = self.own(table)?;
        let Some(position) = target.columns.iter().position(|c| c.name == column) else {
            return if if_exists { Ok(()) } else { Err(format!("column {column} of table {table} does not exist")) };
        };
        let names: Vec<String> = target.columns.iter().map(|c| c.name.clone()).collect();
        if !cascade && let Some(by) = self.key_user(table, column) {
            return Err(format!("column {column} of table {table} cannot be dropped: {by} depends on it"));
        }
        let Some(target) = self.tables.get_mut(table) else { return Ok(()) };
        target.columns.remove(position);
        let uses = |text: &str| expressions::columns_in(text, names.iter().map(String::as_str)).contains(&column);
        // Multi-column checks and keys go with the column, as do indexes over it.
        let mut gone = Vec::new();
        target.constraints.retain(|c| {
            let hit = c.columns.iter().any(|k| k == column)
                || c.include.iter().any(|k| k == column)
                || c.expression.as_deref().is_some_and(uses);
            if hit {
                gone.push(c.clone());
            }
            !hit
        });
        let mut indexes = Vec::new();
        target.indexes.retain(|i| {
            let hit =
                i.keys.iter().any(|k| k.column.as_deref() == Some(column) || k.expression.as_deref().is_some_and(uses))
                    || i.include.iter().any(|k| k == column)
                    || i.predicate.as_deref().is_some_and(uses);
            if hit {
                indexes.push(i.name.clone());
            }
            !hit
        });
        for constraint in gone {
            self.unregister_constraint(table, &constraint.name, constraint.kind);
            if cascade && matches!(constraint.kind, ConstraintKind::Primary | ConstraintKind::Unique) {
                self.drop_references(table, |columns| columns == constraint.columns.as_slice());
            }
        }
        for index in indexes {
            self.relations.remove(&QName::new(&table.schema, &index));
        }
        let owned: Vec<QName> = self
            .sequences
            .values()
            .filter(|s| s.owned_by.as_ref().is_some_and(|o| o.table == *table && o.column == column))
            .map(|s| s.name.clone())
            .collect();
        owned.iter().for_each(|sequence| self.drop_sequence(sequence, false));
        Ok(())
    }
}
