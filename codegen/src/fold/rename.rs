//! Objects changing their name or schema, and everything that speaks of them.

use canon_core::schema::{ConstraintKind, Function, QName};

use super::tables::is_system_column;
use super::{BASE_TYPE, Catalog, Refused, Relation, constraints::has_index, expressions};
use crate::parse::change::{DropTarget, ObjectClass};

/// A new name, which must be another; or a new schema, where the same is no change.
#[derive(Clone, Copy)]
enum Placing {
    Rename,
    Move,
}

impl Catalog {
    pub(super) fn rename(&mut self, kind: ObjectClass, target: &DropTarget, to: String) -> Result<(), Refused> {
        match kind {
            ObjectClass::Schema => return self.rename_schema(&target.name.name, to),
            ObjectClass::Trigger | ObjectClass::Policy => return self.rename_on_table(kind, target, to),
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate => {
                return self.place_function(target, Placing::Rename, |name| QName::new(&name.schema, &to));
            }
            ObjectClass::Type | ObjectClass::Domain => {
                if let Some(found) = self.find_type(&target.name) {
                    let new = QName::new(&found.schema, &to);
                    self.refuse_named_type(&found, &new)?;
                    return self.place_type(&found, &new);
                }
                if self.table_or_view(&target.name).is_some() {
                    return Err(format!("{} is the row type of a table", target.name));
                }
            }
            _ => {}
        }
        let Some((found, relation)) = self.find_relation(&target.name) else {
            return Err(format!("relation {} does not exist", target.name));
        };
        let relation = relation.clone();
        let new = QName::new(&found.schema, &to);
        match relation {
            Relation::Table => self.rename_table(&found, to),
            other => {
                self.refuse_as(&new, &other)?;
                if let Relation::Index(table) = &other {
                    self.refuse_index_name(table, &found.name, &to)?;
                }
                self.place_relation(&found, &new, &other);
                Ok(())
            }
        }
    }

    /// The constraint of a key has the name of its index.
    fn refuse_index_name(&self, table: &QName, from: &str, to: &str) -> Result<(), Refused> {
        let own = self.tables.get(table).into_iter().flat_map(|t| &t.constraints);
        match own.into_iter().any(|c| c.name == from && has_index(c.kind)) {
            true => self.refuse_constraint(table, to, ConstraintKind::Check),
            false => Ok(()),
        }
    }

    pub(super) fn set_schema(&mut self, kind: ObjectClass, target: &DropTarget, to: String) -> Result<(), Refused> {
        self.mention_schema(&to);
        match kind {
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate => {
                return self.place_function(target, Placing::Move, |name| QName::new(&to, &name.name));
            }
            ObjectClass::Type | ObjectClass::Domain => {
                if let Some(found) = self.find_type(&target.name) {
                    if found.schema == to {
                        return Ok(());
                    }
                    let new = QName::new(&to, &found.name);
                    self.refuse_named_type(&found, &new)?;
                    return self.place_type(&found, &new);
                }
            }
            ObjectClass::Extension => {
                if let Some(extension) = self.extensions.get_mut(&target.name.name) {
                    extension.schema = Some(to);
                }
                return Ok(());
            }
            _ => {}
        }
        let Some((found, relation)) = self.find_relation(&target.name) else {
            return Err(format!("relation {} does not exist", target.name));
        };
        match relation.clone() {
            Relation::Table => self.move_table(&found, to),
            other if found.schema != to => {
                let new = QName::new(&to, &found.name);
                self.refuse_as(&new, &other)?;
                self.place_relation(&found, &new, &other);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn rename_table(&mut self, table: &QName, to: String) -> Result<(), Refused> {
        let new = QName::new(&table.schema, to);
        self.refuse_row_type(&new)?;
        self.place_table(table, &new);
        Ok(())
    }

    /// Indexes, constraints and owned sequences move with their table.
    pub(super) fn move_table(&mut self, table: &QName, schema: String) -> Result<(), Refused> {
        if table.schema == schema {
            return Ok(());
        }
        self.refuse_move(table, &schema)?;
        let new = QName::new(&schema, &table.name);
        let Some(moving) = self.tables.get(table).cloned() else { return Err(format!("table {table} does not exist")) };
        for constraint in &moving.constraints {
            self.unregister_constraint(table, &constraint.name, constraint.kind);
        }
        for index in &moving.indexes {
            self.relations.remove(&QName::new(&table.schema, &index.name));
        }
        self.place_table(table, &new);
        for constraint in &moving.constraints {
            self.register_constraint(&new, constraint);
        }
        for index in &moving.indexes {
            self.relations.insert(QName::new(&schema, &index.name), Relation::Index(new.clone()));
        }
        let owned: Vec<QName> = self
            .sequences
            .values()
            .filter(|s| s.owned_by.as_ref().is_some_and(|o| o.table == new))
            .map(|s| s.name.clone())
            .collect();
        for sequence in owned {
            self.place_relation(&sequence, &QName::new(&schema, &sequence.name), &Relation::Sequence);
        }
        Ok(())
    }

    fn place_table(&mut self, from: &QName, to: &QName) {
        rekey(&mut self.tables, from, to);
        self.retype(&from.to_string(), &to.to_string());
        self.privileges.rename("table", from, to);
        if let Some(table) = self.tables.get_mut(to) {
            table.name = to.clone();
        }
        self.relations.remove(from);
        self.relations.insert(to.clone(), Relation::Table);
        if self.parents.remove(from) {
            self.parents.insert(to.clone());
        }
        if let Some(shared) = self.shared.remove(from) {
            self.shared.insert(to.clone(), shared);
        }
        self.reads.values_mut().flatten().filter(|read| *read == from).for_each(|read| read.clone_from(to));
        for relation in self.relations.values_mut() {
            if *relation == Relation::Index(from.clone()) {
                *relation = Relation::Index(to.clone());
            }
        }
        let replace = |name: &mut QName| {
            if name == from {
                name.clone_from(to);
            }
        };
        for table in self.tables.values_mut() {
            table.inherits.iter_mut().for_each(replace);
            if let Some(partition) = &mut table.partition_of {
                replace(&mut partition.parent);
            }
            for constraint in &mut table.constraints {
                if let Some(references) = &mut constraint.references {
                    replace(&mut references.table);
                }
            }
        }
        for owner in self.sequences.values_mut().filter_map(|s| s.owned_by.as_mut()) {
            replace(&mut owner.table);
        }
    }

    fn place_relation(&mut self, from: &QName, to: &QName, relation: &Relation) {
        self.relations.remove(from);
        self.relations.insert(to.clone(), relation.clone());
        match relation {
            Relation::View => {
                rekey(&mut self.views, from, to);
                self.retype(&from.to_string(), &to.to_string());
                self.privileges.rename("table", from, to);
                if let Some(reads) = self.reads.remove(from) {
                    self.reads.insert(to.clone(), reads);
                }
                self.reads.values_mut().flatten().filter(|read| *read == from).for_each(|read| read.clone_from(to));
                if let Some(view) = self.views.get_mut(to) {
                    view.name = to.clone();
                }
            }
            Relation::Sequence => {
                rekey(&mut self.sequences, from, to);
                self.privileges.rename("sequence", from, to);
                if let Some(sequence) = self.sequences.get_mut(to) {
                    sequence.name = to.clone();
                }
                if self.identity_sequences.remove(from) {
                    self.identity_sequences.insert(to.clone());
                }
                // Defaults hold the sequence itself, not its name.
                let (old, new) = (format!("nextval('{from}'"), format!("nextval('{to}'"));
                for column in self.tables.values_mut().flat_map(|t| &mut t.columns) {
                    if let Some(default) = &mut column.default {
                        *default = default.replace(&old, &new);
                    }
                }
            }
            Relation::Index(table) => self.rename_index(table, &from.name, &to.name),
            _ => {}
        }
    }

    fn rename_index(&mut self, table: &QName, from: &str, to: &str) {
        if let Some(table) = self.tables.get_mut(table) {
            for index in table.indexes.iter_mut().filter(|i| i.name == from) {
                to.clone_into(&mut index.name);
            }
            let mut renamed = false;
            for constraint in table.constraints.iter_mut().filter(|c| c.name == from && has_index(c.kind)) {
                to.clone_into(&mut constraint.name);
                renamed = true;
            }
            if renamed {
                let schema = table.name.schema.clone();
                self.rename_in_use(&QName::new(&schema, from), QName::new(&schema, to));
            }
        } else if let Some(view) = self.views.get_mut(table) {
            for index in view.indexes.iter_mut().filter(|i| i.name == from) {
                to.clone_into(&mut index.name);
            }
        }
    }

    pub(super) fn rename_constraint(&mut self, table: &QName, from: &str, to: String) -> Result<(), Refused> {
        let kind = self.constraint_mut(table, from)?.kind;
        self.refuse_constraint(table, &to, kind)?;
        self.constraint_mut(table, from)?.name.clone_from(&to);
        self.unregister_constraint(table, from, kind);
        let renamed = self.constraint_mut(table, &to)?.clone();
        self.register_constraint(table, &renamed);
        Ok(())
    }

    pub(super) fn rename_column(&mut self, table: &QName, from: &str, to: String) -> Result<(), Refused> {
        self.column_mut(table, from)?;
        if is_system_column(&to) {
            return Err(format!("{to} is the name of a system column"));
        }
        self.refuse_column(table, &to)?;
        self.column_mut(table, from)?.name.clone_from(&to);
        let replace = |name: &mut String| {
            if name == from {
                name.clone_from(&to);
            }
        };
        let in_text = |text: &mut String| *text = expressions::rename_column(text, from, &to);
        let target = self.own(table)?;
        for column in &mut target.columns {
            if let Some(generated) = &mut column.generated {
                in_text(&mut generated.expression);
            }
        }
        for constraint in &mut target.constraints {
            constraint.columns.iter_mut().for_each(replace);
            constraint.include.iter_mut().for_each(replace);
            constraint.expression.iter_mut().for_each(in_text);
            if let Some(references) = &mut constraint.references {
                references.on_delete_columns.iter_mut().for_each(replace);
            }
        }
        for index in &mut target.indexes {
            for key in &mut index.keys {
                key.column.iter_mut().for_each(replace);
                key.expression.iter_mut().for_each(in_text);
            }
            index.include.iter_mut().for_each(replace);
            index.predicate.iter_mut().for_each(in_text);
        }
        for trigger in &mut target.triggers {
            trigger.update_of.iter_mut().for_each(replace);
        }
        for policy in &mut target.policies {
            policy.using.iter_mut().chain(&mut policy.check).for_each(in_text);
        }
        for other in self.tables.values_mut() {
            for constraint in &mut other.constraints {
                if let Some(references) = constraint.references.as_mut().filter(|r| r.table == *table) {
                    references.columns.iter_mut().for_each(replace);
                }
            }
        }
        for owner in self.sequences.values_mut().filter_map(|s| s.owned_by.as_mut()) {
            if owner.table == *table {
                replace(&mut owner.column);
            }
        }
        Ok(())
    }

    fn rename_on_table(&mut self, kind: ObjectClass, target: &DropTarget, to: String) -> Result<(), Refused> {
        let Some(table) = target.table.as_ref() else { return Ok(()) };
        let name = &target.name.name;
        let Some((found, relation)) = self.find_relation(table) else {
            return Err(format!("table {table} does not exist"));
        };
        if *relation == Relation::Temporary {
            return Ok(());
        }
        let mut names: Vec<&mut String> = match (kind, self.tables.get_mut(&found), self.views.get_mut(&found)) {
            (ObjectClass::Trigger, Some(table), _) => table.triggers.iter_mut().map(|t| &mut t.name).collect(),
            (ObjectClass::Trigger, None, Some(view)) => view.triggers.iter_mut().map(|t| &mut t.name).collect(),
            (_, Some(table), _) => table.policies.iter_mut().map(|p| &mut p.name).collect(),
            _ => Vec::new(),
        };
        if names.iter().any(|other| **other == to) {
            return Err(format!("{to} of {found} already exists"));
        }
        match names.iter_mut().find(|other| **other == name) {
            Some(slot) => {
                **slot = to;
                Ok(())
            }
            None => Err(format!("{name} of {found} does not exist")),
        }
    }

    fn place_function(
        &mut self,
        target: &DropTarget,
        change: Placing,
        new: impl Fn(&QName) -> QName,
    ) -> Result<(), Refused> {
        let Some(key) = self.match_function(target) else {
            return Err(format!("function {} does not exist", target.name));
        };
        let Some((index, _, old)) = self.functions.get_full(&key) else { return Ok(()) };
        let moved = Function { name: new(&old.name), ..old.clone() };
        if moved.name == old.name && matches!(change, Placing::Move) {
            return Ok(());
        }
        if self.functions.contains_key(&moved.signature()) {
            return Err(format!("function {} already exists", moved.signature()));
        }
        let Some(mut function) = self.functions.shift_remove(&key) else { return Ok(()) };
        let from = function.name.clone();
        self.privileges.rename_function(&function, &new(&from));
        function.name = new(&from);
        let to = function.name.clone();
        self.functions.shift_insert(index, function.signature(), function);
        for trigger in self.tables.values_mut().flat_map(|t| &mut t.triggers) {
            if trigger.function == from {
                trigger.function = to.clone();
            }
        }
        Ok(())
    }

    fn refuse_named_type(&self, from: &QName, to: &QName) -> Result<(), Refused> {
        if self.composites.contains_key(from) { self.refuse_row_type(to) } else { self.refuse_type(to) }
    }

    /// Types are named in columns, so those change with them.
    fn place_type(&mut self, from: &QName, to: &QName) -> Result<(), Refused> {
        self.privileges.rename("type", from, to);
        rekey(&mut self.enums, from, to);
        rekey(&mut self.domains, from, to);
        rekey(&mut self.composites, from, to);
        rekey(&mut self.ranges, from, to);
        if let Some(written) = self.base_types.remove(from) {
            let kept = self.opaque.iter_mut().filter(|o| o.kind == BASE_TYPE && o.name == written);
            kept.for_each(|o| o.name = to.to_string());
            self.base_types.insert(to.clone(), to.to_string());
        }
        self.enums.get_mut(to).into_iter().for_each(|t| t.name = to.clone());
        self.domains.get_mut(to).into_iter().for_each(|t| t.name = to.clone());
        self.ranges.get_mut(to).into_iter().for_each(|t| t.name = to.clone());
        if let Some(composite) = self.composites.get_mut(to) {
            composite.name = to.clone();
            self.relations.remove(from);
            self.relations.insert(to.clone(), Relation::Composite);
        }
        self.retype(&from.to_string(), &to.to_string());
        Ok(())
    }

    fn rename_schema(&mut self, from: &str, to: String) -> Result<(), Refused> {
        if from == "public" {
            self.mention_schema(from);
        }
        if self.schemas.contains_key(&to) {
            return Err(format!("schema {to} already exists"));
        }
        let Some(index) = self.schemas.get_index_of(from) else { return Err(format!("schema {from} does not exist")) };
        let Some(mut schema) = self.schemas.shift_remove(from) else { return Ok(()) };
        schema.name.clone_from(&to);
        self.privileges.rename("schema", &QName::new("", from), &QName::new("", &to));
        self.schemas.shift_insert(index, to.clone(), schema);
        let tables: Vec<QName> = self.tables.keys().filter(|n| n.schema == from).cloned().collect();
        for table in tables {
            self.move_table(&table, to.clone())?;
        }
        let others: Vec<(QName, Relation)> =
            self.relations.iter().filter(|(n, _)| n.schema == from).map(|(n, r)| (n.clone(), r.clone())).collect();
        for (name, relation) in others {
            self.place_relation(&name, &QName::new(&to, &name.name), &relation);
        }
        let types: Vec<QName> = self
            .enums
            .keys()
            .chain(self.domains.keys())
            .chain(self.composites.keys())
            .chain(self.ranges.keys())
            .chain(self.base_types.keys())
            .filter(|n| n.schema == from)
            .cloned()
            .collect();
        for name in types {
            self.place_type(&name, &QName::new(&to, &name.name))?;
        }
        let functions: Vec<String> =
            self.functions.iter().filter(|(_, f)| f.name.schema == from).map(|(key, _)| key.clone()).collect();
        for key in functions {
            if let Some(mut function) = self.functions.shift_remove(&key) {
                self.privileges.rename_function(&function, &QName::new(&to, &function.name.name));
                function.name.schema.clone_from(&to);
                self.functions.insert(function.signature(), function);
            }
        }
        Ok(())
    }
}

/// Changes a key and keeps the place in the order.
fn rekey<V>(map: &mut indexmap::IndexMap<QName, V>, from: &QName, to: &QName) {
    if let Some(index) = map.get_index_of(from)
        && let Some(value) = map.shift_remove(from)
    {
        map.shift_insert(index, to.clone(), value);
    }
}
