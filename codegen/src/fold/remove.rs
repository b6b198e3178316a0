//! Objects going away.

use canon_core::schema::{ConstraintKind, QName};

use super::dependents::{Object, class_label, is_of};
use super::{BASE_TYPE, Catalog, Refused, Relation, expressions};
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
                self.drop_callers(&name);
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

    /// What calls a function that is gone, where no other function has its name: defaults, checks,
    /// generated columns, indexes, policies.
    fn drop_callers(&mut self, function: &QName) {
        if self.functions.values().any(|f| f.name == *function) {
            return;
        }
        let calls = |text: &str| expressions::calls(text, function);
        let some = |text: &Option<String>| text.as_deref().is_some_and(calls);
        let mut columns = Vec::new();
        let mut indexes = Vec::new();
        let mut constraints = Vec::new();
        for table in self.tables.values_mut() {
            for column in &mut table.columns {
                if some(&column.default) {
                    column.default = None;
                }
                if column.generated.as_ref().is_some_and(|g| calls(&g.expression)) {
                    columns.push((table.name.clone(), column.name.clone()));
                }
            }
            constraints.extend(
                table
                    .constraints
                    .iter()
                    .filter(|c| some(&c.expression))
                    .map(|c| (table.name.clone(), c.name.clone(), c.kind)),
            );
            table.constraints.retain(|c| !some(&c.expression));
            let uses = |i: &canon_core::schema::Index| some(&i.predicate) || i.keys.iter().any(|k| some(&k.expression));
            indexes.extend(table.indexes.iter().filter(|i| uses(i)).map(|i| QName::new(&table.name.schema, &i.name)));
            table.policies.retain(|p| !some(&p.using) && !some(&p.check));
        }
        for domain in self.domains.values_mut() {
            domain.default = domain.default.take().filter(|text| !calls(text));
            domain.checks.retain(|c| !some(&c.expression));
        }
        indexes.iter().for_each(|index| self.drop_index(index));
        constraints.into_iter().for_each(|(table, name, kind)| self.unregister_constraint(&table, &name, kind));
        for (table, column) in columns {
            let _ = self.drop_column(&table, &column, true, true);
        }
        let views: Vec<QName> = self.views.values().filter(|v| calls(&v.query)).map(|v| v.name.clone()).collect();
        views.iter().for_each(|view| self.drop_view(view));
    }

    /// With CASCADE views go whose queries name the column, and columns computed from it.
    fn drop_column_users(&mut self, table: &QName, column: &str) {
        let columns = [column];
        let names = |text: &str| text.contains(column) && !expressions::names_in(text, columns.into_iter()).is_empty();
        let readers: Vec<QName> = self.readers(table);
        for view in readers {
            let of_view = self.views.get(&view);
            if of_view.is_some_and(|v| names(&v.query) || v.columns.iter().any(|c| c.name == column)) {
                self.drop_view(&view);
            }
        }
        let Some(target) = self.tables.get(table) else { return };
        let computed = target.columns.iter().filter(|c| c.generated.as_ref().is_some_and(|g| names(&g.expression)));
        let computed: Vec<String> = computed.map(|c| c.name.clone()).collect();
        for name in computed {
            let _ = self.drop_column(table, &name, true, true);
        }
    }

    fn drop_schema_contents(&mut self, schema: &str) {
        let inside = |name: &QName| name.schema == schema;
        let tables: Vec<QName> = self.tables.keys().filter(|n| inside(n)).cloned().collect();
        tables.iter().for_each(|table| self.drop_table(table));
        let types = self.enums.keys().chain(self.domains.keys()).chain(self.composites.keys());
        let types = types.chain(self.ranges.keys()).chain(self.base_types.keys());
        let types: Vec<QName> = types.filter(|n| inside(n)).cloned().collect();
        types.iter().for_each(|ty| self.drop_type(ty));
        let functions: Vec<String> =
            self.functions.iter().filter(|(_, f)| inside(&f.name)).map(|(key, _)| key.clone()).collect();
        functions.into_iter().for_each(|key| self.drop_object(Object::Function(key)));
        let sequences: Vec<QName> = self.sequences.keys().filter(|n| inside(n)).cloned().collect();
        sequences.iter().for_each(|sequence| self.drop_sequence(sequence, true));
        let views: Vec<QName> = self.views.keys().filter(|n| inside(n)).cloned().collect();
        views.iter().for_each(|view| self.drop_view(view));
        self.relations.retain(|n, _| !inside(n));
        self.constraint_names.retain(|n, _| !inside(n));
    }

    pub(super) fn drop_table(&mut self, name: &QName) {
        self.drop_references(name, |_| true);
        let Some(table) = self.tables.shift_remove(name) else { return };
        // Its row type.
        self.drop_uses(name);
        self.privileges.forget("table", name);
        self.relations.remove(name);
        for constraint in table.constraints.iter().chain(&self.shared.remove(name).unwrap_or_default()) {
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

    /// The index, and those of partitions that belong to it.
    fn drop_index(&mut self, name: &QName) {
        if self.relations.get(name).is_some_and(|r| matches!(r, Relation::Index(table) if self.parents.contains(table)))
        {
            let of_parent = |i: &&canon_core::schema::Index| i.partition_of.as_ref() == Some(name);
            let attached: Vec<QName> = self
                .tables
                .values()
                .flat_map(|t| t.indexes.iter().filter(of_parent).map(|i| QName::new(&t.name.schema, &i.name)))
                .collect();
            attached.iter().for_each(|index| self.drop_index(index));
        }
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
            let calls = |default: &str| default.contains("nextval") || default.contains("currval");
            let mentions = |default: &str| calls(default) && default.contains(&name.name);
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
        if let Some(written) = self.base_types.remove(name) {
            self.opaque.retain(|o| o.kind != BASE_TYPE || o.name != written);
        }
        self.drop_uses(name);
        self.domains.values().filter(|d| is_of(&d.ty, &name.to_string())).map(|d| d.name.clone()).collect()
    }

    /// Columns of a type that is gone, and functions over it.
    fn drop_uses(&mut self, ty: &QName) {
        let display = ty.to_string();
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
        self.functions
            .retain(|_, f| !f.arguments.iter().any(|a| uses(&a.ty)) && !f.returns.as_deref().is_some_and(uses));
    }

    pub(super) fn drop_column(
        &mut self,
        table: &QName,
        column: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), Refused> {
        let target = self.own(table)?;
        if target.column(column).is_none() {
            return if if_exists { Ok(()) } else { Err(format!("column {column} of table {table} does not exist")) };
        }
        let names: Vec<String> = target.columns.iter().map(|c| c.name.clone()).collect();
        if !cascade && let Some(by) = self.key_user(table, column) {
            return Err(format!("column {column} of table {table} cannot be dropped: {by} depends on it"));
        }
        if cascade {
            self.drop_column_users(table, column);
        }
        let Some(target) = self.tables.get_mut(table) else { return Ok(()) };
        target.columns.retain(|c| c.name != column);
        let policies: Vec<String> = target
            .policies
            .iter()
            .filter(|p| p.using.iter().chain(&p.check).any(|text| mentions(text, &names, column)))
            .map(|p| p.name.clone())
            .collect();
        if cascade {
            target.policies.retain(|p| !policies.contains(&p.name));
        }
        let uses = |text: &str| mentions(text, &names, column);
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
        owned.iter().for_each(|sequence| self.drop_sequence(sequence, cascade));
        Ok(())
    }
}

/// Whether an expression over a table's columns names this one.
fn mentions(text: &str, columns: &[String], column: &str) -> bool {
    expressions::columns_in(text, columns.iter().map(String::as_str)).contains(&column)
}
