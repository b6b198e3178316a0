//! Objects going away.

use canon_core::schema::{ConstraintKind, QName};

use super::{Catalog, Refused, Relation, expressions};
use crate::parse::change::{DropTarget, ObjectClass};

impl Catalog {
    pub(super) fn drop_objects(
        &mut self,
        kind: ObjectClass,
        targets: &[DropTarget],
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), Refused> {
        let mut refused = Ok(());
        for target in targets {
            let dropped = self.drop_object(kind, target, cascade);
            if let Err(reason) = dropped.or_else(|reason| if if_exists { Ok(()) } else { Err(reason) }) {
                refused = refused.and(Err(reason));
            }
        }
        refused
    }

    fn drop_object(&mut self, kind: ObjectClass, target: &DropTarget, cascade: bool) -> Result<(), Refused> {
        let missing = |what: &str| Err(format!("{what} {} does not exist", target.name));
        match kind {
            ObjectClass::Schema => {
                let name = &target.name.name;
                if self.schemas.shift_remove(name).is_none() {
                    return missing("schema");
                }
                self.drop_schema_contents(name);
            }
            ObjectClass::Extension if self.extensions.shift_remove(&target.name.name).is_none() => {
                return missing("extension");
            }
            ObjectClass::Table => match self.find_relation(&target.name) {
                Some((name, Relation::Table)) => self.drop_table(&name),
                Some((name, Relation::Temporary)) => {
                    self.relations.remove(&name);
                }
                _ => return missing("table"),
            },
            ObjectClass::View | ObjectClass::MaterializedView => match self.find_relation(&target.name) {
                Some((name, Relation::View)) => self.drop_view(&name),
                _ => return missing("view"),
            },
            ObjectClass::Index => match self.find_relation(&target.name) {
                Some((name, Relation::Index(_))) => self.drop_index(&name),
                _ => return missing("index"),
            },
            ObjectClass::Sequence => match self.find_relation(&target.name) {
                Some((name, Relation::Sequence)) => self.drop_sequence(&name, cascade),
                _ => return missing("sequence"),
            },
            ObjectClass::Type | ObjectClass::Domain => {
                let Some(name) = self.find_type(&target.name) else { return missing("type") };
                self.drop_type(&name, cascade);
            }
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate => {
                let Some(key) = self.match_function(target) else { return missing("function") };
                if let (Some(function), true) = (self.functions.shift_remove(&key), cascade) {
                    let name = function.name;
                    for table in self.tables.values_mut() {
                        table.triggers.retain(|t| t.function != name);
                    }
                }
            }
            ObjectClass::Trigger => {
                let Some((table, _)) = target.table.as_ref().and_then(|t| self.find_relation(t)) else {
                    return missing("trigger");
                };
                let name = &target.name.name;
                let triggers = match (self.tables.get_mut(&table), self.views.get_mut(&table)) {
                    (Some(t), _) => &mut t.triggers,
                    (_, Some(v)) => &mut v.triggers,
                    _ => return Ok(()),
                };
                let before = triggers.len();
                triggers.retain(|t| t.name != *name);
                if triggers.len() == before {
                    return missing("trigger");
                }
            }
            ObjectClass::Policy => {
                let Some(table) = target.table.as_ref() else { return missing("policy") };
                let table = self.table_mut(table)?;
                let before = table.policies.len();
                table.policies.retain(|p| p.name != target.name.name);
                if table.policies.len() == before {
                    return missing("policy");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn drop_schema_contents(&mut self, schema: &str) {
        let inside = |name: &QName| name.schema == schema;
        let tables: Vec<QName> = self.tables.keys().filter(|n| inside(n)).cloned().collect();
        tables.iter().for_each(|table| self.drop_table(table));
        self.views.retain(|n, _| !inside(n));
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
    }

    fn drop_view(&mut self, name: &QName) {
        if let Some(view) = self.views.shift_remove(name) {
            for index in &view.indexes {
                self.relations.remove(&QName::new(&name.schema, &index.name));
            }
        }
        self.relations.remove(name);
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

    fn drop_type(&mut self, name: &QName, cascade: bool) {
        self.enums.shift_remove(name);
        self.domains.shift_remove(name);
        self.ranges.shift_remove(name);
        if self.composites.shift_remove(name).is_some() {
            self.relations.remove(name);
        }
        if cascade {
            let display = name.to_string();
            let uses = |ty: &str| ty.trim_end_matches("[]") == display;
            let hit: Vec<(QName, String)> = self
                .tables
                .values()
                .flat_map(|t| t.columns.iter().filter(|c| uses(&c.ty)).map(|c| (t.name.clone(), c.name.clone())))
                .collect();
            for (table, column) in hit {
                let _ = self.drop_column(&table, &column, true, true);
            }
        }
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
