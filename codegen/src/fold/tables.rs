//! Tables, triggers, policies and indexes coming into being.

use canon_core::schema::{
    Column, Generated, Index, IndexKey, Origin, Policy, QName, Sequence, Table, TableKind, Trigger,
};

use super::taken::is_temporary_name;
use super::{Catalog, Refused, Relation, opclass};
use crate::parse::Name;
use crate::parse::change::{
    ColumnDef, ConstraintBody, ConstraintDef, CreateIndex, CreatePolicy, CreateTable, CreateTrigger, Element,
    IndexKeyDef, SequenceOptions,
};

/// PostgreSQL's own limit.
const MAX_COLUMNS: usize = 1600;

/// PostgreSQL's own limit for an index or a key.
pub(super) const MAX_KEYS: usize = 32;

impl Catalog {
    pub(super) fn create_table(
        &mut self,
        def: CreateTable,
        origin: Origin,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        if def.temporary || is_temporary_name(&def.name) {
            return self.claim_temporary(&def.name.name, def.if_not_exists);
        }
        let name = self.new_name(&def.name);
        if self.relations.contains_key(&name) {
            return if def.if_not_exists { Ok(()) } else { Err(format!("relation {name} already exists")) };
        }
        if def.as_query.is_some() && def.elements.is_empty() {
            return self.create_table_as(name, def, origin);
        }
        let parents = self.parents(&def)?;
        parents.iter().try_for_each(|parent| self.refuse_descent(&name, parent))?;
        self.claim(&name, Relation::Table)?;
        let made = self.fill_table(&name, def, &parents, origin, place);
        match &made {
            Ok(()) => self.endow("table", &name, None),
            Err(_) => self.drop_table(&name),
        }
        made
    }

    fn fill_table(
        &mut self,
        name: &QName,
        def: CreateTable,
        parents: &[QName],
        origin: Origin,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<(), Refused> {
        let kind = match (def.foreign, &def.partition_by) {
            (true, _) => TableKind::Foreign,
            (_, Some(_)) => TableKind::Partitioned,
            _ => TableKind::Ordinary,
        };
        let table = Table {
            name: name.clone(),
            kind,
            unlogged: def.unlogged,
            partition_key: def.partition_by,
            server: def.server,
            comment_inline: def.comment.is_some(),
            comment: def.comment,
            origin: Some(origin),
            ..Table::default()
        };
        self.tables.insert(name.clone(), table);
        for parent in parents {
            self.inherit_columns(name, parent);
        }
        if let Some(of_type) = &def.of_type {
            self.columns_of_type(name, of_type)?;
        }
        let mut constraints = Vec::new();
        for element in def.elements {
            match element {
                Element::Column(column) => constraints.extend(self.add_column(name, *column, place)?),
                Element::Constraint(constraint) => constraints.push(constraint),
                Element::Like { table, including, .. } => self.like(name, &table, &including)?,
            }
        }
        for constraint in without_duplicates(constraints) {
            self.add_constraint(name, constraint, place)?;
        }
        if let Some((parent, bound)) = def.partition_of {
            return self.attach_partition(&parent, name, bound);
        }
        self.parents.extend(parents.iter().cloned());
        self.own(name)?.inherits = parents.to_vec();
        Ok(())
    }

    fn parents(&self, def: &CreateTable) -> Result<Vec<QName>, Refused> {
        let partitioned = def.partition_of.iter().map(|(parent, _)| parent);
        def.inherits
            .iter()
            .chain(partitioned)
            .map(|parent| self.find_table(parent).ok_or_else(|| format!("table {parent} does not exist")))
            .collect()
    }

    fn inherit_columns(&mut self, child: &QName, parent: &QName) {
        let Some(parent) = self.tables.get(parent).cloned() else { return };
        let Some(table) = self.tables.get_mut(child) else { return };
        for column in parent.columns {
            if let Some(own) = table.columns.iter_mut().find(|c| c.name == column.name) {
                own.not_null |= column.not_null;
                continue;
            }
            table.columns.push(Column { identity: None, inherited: true, comment: None, ..column });
        }
        for constraint in parent.constraints {
            let is_check = constraint.kind == canon_core::schema::ConstraintKind::Check;
            if is_check && !constraint.no_inherit && table.constraints.iter().all(|c| c.name != constraint.name) {
                table.constraints.push(canon_core::schema::Constraint {
                    inherited: true,
                    comment: None,
                    ..constraint.clone()
                });
            }
        }
    }

    fn columns_of_type(&mut self, table: &QName, of_type: &Name) -> Result<(), Refused> {
        let Some(found) = self.lookup(of_type, |n| self.composites.contains_key(n)) else {
            return Err(format!("type {of_type} does not exist"));
        };
        let columns = self.composites[&found].columns.clone();
        if let Some(table) = self.tables.get_mut(table) {
            table.columns.extend(columns.into_iter().map(|c| Column { comment: None, ..c }));
            table.of_type = Some(found);
        }
        Ok(())
    }

    /// Adds the column and gives back the constraints that were written at it.
    pub(super) fn add_column(
        &mut self,
        table: &QName,
        def: ColumnDef,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<Vec<ConstraintDef>, Refused> {
        self.refuse_new_column(table, &def)?;
        let mut column = Column {
            name: def.name.clone(),
            not_null: def.not_null,
            default: def.default.and_then(|text| self.stored_default(text)),
            generated: def.generated.map(|(kind, expression)| Generated { kind, expression }),
            identity: def.identity.as_ref().map(|(identity, _)| *identity),
            collation: def.collation.as_ref().map(|c| self.collation_name(c)),
            comment_inline: def.comment.is_some(),
            comment: def.comment,
            origin: Some(place(def.at)),
            ..Column::default()
        };
        if let Some(ty) = &def.ty {
            column.ty = self.type_display(ty);
            if ty.serial {
                column.not_null = true;
                let options = SequenceOptions { ty: Some(column.ty.clone()), ..SequenceOptions::default() };
                let sequence = self.column_sequence(table, &def.name, &options, place(def.at))?;
                column.default = Some(format!("nextval('{sequence}'::regclass)"));
            }
        }
        if let Some((_, options)) = &def.identity {
            let mut options = options.clone();
            options.ty.get_or_insert_with(|| column.ty.clone());
            let sequence = self.column_sequence(table, &def.name, &options, place(def.at))?;
            self.identity_sequences.insert(sequence);
        }
        let Some(target) = self.tables.get_mut(table) else { return Ok(def.constraints) };
        match target.columns.iter_mut().find(|c| c.name == column.name) {
            // Merged with an inherited column, or completed in CREATE TABLE ... OF.
            Some(existing) => {
                existing.not_null |= column.not_null;
                existing.default = column.default.or(existing.default.take());
                existing.generated = column.generated.or(existing.generated.take());
                existing.inherited &= def.ty.is_none();
                existing.origin = column.origin;
            }
            None => target.columns.push(column),
        }
        Ok(def.constraints)
    }

    fn refuse_new_column(&self, table: &QName, def: &ColumnDef) -> Result<(), Refused> {
        let Some(target) = self.tables.get(table) else { return Err(format!("table {table} does not exist")) };
        match target.column(&def.name) {
            Some(existing) if existing.inherited || def.ty.is_none() => Ok(()),
            Some(_) => Err(format!("column {} of table {table} already exists", def.name)),
            None if is_system_column(&def.name) => {
                Err(format!("column {} of table {table} has the name of a system column", def.name))
            }
            None if target.columns.len() >= MAX_COLUMNS => Err(too_many_columns(table)),
            None if def.ty.is_none() => Err(format!("column {} of table {table} does not exist", def.name)),
            None => Ok(()),
        }
    }

    pub(super) fn collation_name(&self, name: &Name) -> QName {
        // Those of the script; all others are initdb's.
        if let Some(found) = self.lookup(name, |n| self.collations.contains(n)) {
            return found;
        }
        QName::new(name.schema.as_deref().unwrap_or("pg_catalog"), &name.name)
    }

    fn like(&mut self, table: &QName, source: &Name, including: &[String]) -> Result<(), Refused> {
        let Some(source) = self.like_source(source)? else {
            self.note(format!("the columns of {source} are not known, so {table} lacks those it takes from there"));
            return Ok(());
        };
        let on = |option: &str| including.iter().any(|o| o == option);
        for column in &source.columns {
            let mut copy = Column { inherited: false, comment_inline: false, ..column.clone() };
            if !on("DEFAULTS") {
                copy.default = None;
            }
            if !on("GENERATED") {
                copy.generated = None;
            }
            if !on("IDENTITY") {
                copy.identity = None;
            }
            if !on("COMMENTS") {
                copy.comment = None;
            }
            if copy.identity.is_some() {
                self.like_identity(table, &source.name, &copy)?;
            }
            let target = self.own(table)?;
            if let Some(existing) = target.columns.iter_mut().find(|c| c.name == copy.name) {
                if !existing.inherited {
                    return Err(format!("column {} of table {table} already exists", copy.name));
                }
                // Merged with the one that is inherited.
                existing.not_null |= copy.not_null;
                existing.default = copy.default.or(existing.default.take());
                existing.inherited = false;
                continue;
            }
            if target.columns.len() >= MAX_COLUMNS {
                return Err(too_many_columns(table));
            }
            target.columns.push(copy);
        }
        self.like_constraints(table, &source, on("CONSTRAINTS"), on("INDEXES"))
    }

    /// What LIKE copies: a table, or the columns of a view or composite type; None for one of
    /// PostgreSQL's own.
    fn like_source(&self, name: &Name) -> Result<Option<Table>, Refused> {
        if let Some(table) = self.find_table(name).and_then(|n| self.tables.get(&n)) {
            return Ok(Some(table.clone()));
        }
        let of = |name: &QName, columns: &[Column]| {
            let known = !columns.is_empty() && columns.iter().all(|c| !c.ty.is_empty());
            known.then(|| Table { name: name.clone(), columns: columns.to_vec(), ..Table::default() })
        };
        match self.find_relation(name) {
            Some((found, Relation::View)) => Ok(self.views.get(&found).and_then(|v| of(&found, &v.columns))),
            Some((found, Relation::Composite)) => Ok(self.composites.get(&found).and_then(|c| of(&found, &c.columns))),
            _ if matches!(name.schema.as_deref(), Some("pg_catalog" | "information_schema")) => Ok(None),
            _ => Err(format!("table {name} does not exist")),
        }
    }

    /// An identity that is copied has a sequence of its own, with the options of the other.
    fn like_identity(&mut self, table: &QName, source: &QName, column: &Column) -> Result<(), Refused> {
        let of_source = |s: &&Sequence| {
            s.owned_by.as_ref().is_some_and(|o| o.table == *source && o.column == column.name)
                && self.identity_sequences.contains(&s.name)
        };
        let original = self.sequences.values().find(of_source);
        let options = original.map_or_else(SequenceOptions::default, |s| SequenceOptions {
            ty: Some(s.ty.clone()),
            increment: Some(s.increment),
            min: Some(Some(s.min)),
            max: Some(Some(s.max)),
            start: Some(s.start),
            cache: Some(s.cache),
            cycle: Some(s.cycle),
            ..SequenceOptions::default()
        });
        let place = column.origin.unwrap_or_default();
        let sequence = self.column_sequence(table, &column.name, &options, place)?;
        self.identity_sequences.insert(sequence);
        Ok(())
    }

    fn like_constraints(&mut self, table: &QName, source: &Table, checks: bool, indexes: bool) -> Result<(), Refused> {
        use canon_core::schema::ConstraintKind as K;
        for constraint in &source.constraints {
            let mut copy = canon_core::schema::Constraint { inherited: false, comment: None, ..constraint.clone() };
            match constraint.kind {
                K::Check if checks => {}
                K::Primary if indexes => copy.name = self.unnamed_primary(table),
                K::Unique if indexes => copy.name = self.unnamed_unique(table, &copy.columns, &copy.include),
                K::Exclusion if indexes => {
                    copy.name = self.unnamed_exclusion(table, copy.expression.as_deref().unwrap_or_default());
                }
                _ => continue,
            }
            self.store_constraint(table, copy)?;
        }
        for index in source.indexes.iter().filter(|_| indexes) {
            let name = self.unnamed_index(table, &index.keys, &index.include);
            let _ = self.claim(&QName::new(&table.schema, &name), Relation::Index(table.clone()));
            if let Some(target) = self.tables.get_mut(table) {
                target.indexes.push(Index { name, comment: None, ..index.clone() });
            }
        }
        Ok(())
    }

    pub(super) fn create_index(&mut self, def: CreateIndex, origin: Origin) -> Result<(), Refused> {
        if self.is_temporary(&def.table) {
            return Ok(());
        }
        let materialized = |n: &QName| self.views.get(n).is_some_and(|v| v.materialized);
        let Some(table) = self.lookup(&def.table, |n| self.tables.contains_key(n) || materialized(n)) else {
            return Err(format!("table {} does not exist", def.table));
        };
        if def.keys.len() + def.include.len() > MAX_KEYS {
            return Err(format!("an index of {table} has more than {MAX_KEYS} columns"));
        }
        let method = def.method.as_deref().unwrap_or("btree");
        let keys = def.keys.iter().map(|key| self.index_key(key.clone(), method)).collect::<Vec<_>>();
        if let Some(target) = self.tables.get(&table).filter(|t| !t.columns.is_empty()) {
            for column in keys.iter().filter_map(|k| k.column.as_ref()).chain(&def.include) {
                if target.column(column).is_none() && !is_system_column(column) {
                    return Err(format!("column {column} of table {table} does not exist"));
                }
            }
        }
        let name = match &def.name {
            Some(name) => name.clone(),
            None => self.unnamed_index(&table, &keys, &def.include),
        };
        let qualified = QName::new(&table.schema, &name);
        if self.relations.contains_key(&qualified) {
            return if def.if_not_exists { Ok(()) } else { Err(format!("relation {qualified} already exists")) };
        }
        self.claim(&qualified, Relation::Index(table.clone()))?;
        let index = Index {
            name,
            unique: def.unique,
            nulls_not_distinct: def.nulls_not_distinct,
            method: method.to_owned(),
            keys,
            include: def.include.clone(),
            predicate: def.predicate.clone(),
            origin: Some(origin),
            ..Index::default()
        };
        if let Some(target) = self.tables.get_mut(&table) {
            target.indexes.push(index.clone());
            self.index_partitions(&table, &def, &index);
        } else if let Some(view) = self.views.get_mut(&table) {
            view.indexes.push(index);
        }
        Ok(())
    }

    fn index_key(&self, def: IndexKeyDef, method: &str) -> IndexKey {
        IndexKey {
            column: def.column,
            expression: def.expression,
            collation: def.collation.as_ref().map(|c| self.collation_name(c)),
            opclass: def.opclass.and_then(|written| opclass::kept(method, &written)),
            descending: def.descending,
            nulls_first: def.nulls_first.unwrap_or(def.descending),
        }
    }

    pub(super) fn create_trigger(&mut self, def: CreateTrigger, origin: Origin) -> Result<(), Refused> {
        if self.is_temporary(&def.table) {
            return Ok(());
        }
        let function = self.function_name(&def.function);
        let trigger = Trigger {
            name: def.name,
            timing: def.timing.to_owned(),
            events: def.events,
            update_of: def.update_of,
            for_each_row: def.for_each_row,
            function,
            arguments: def.arguments,
            when: def.when,
            old_table: def.old_table,
            new_table: def.new_table,
            constraint: def.constraint,
            deferrable: def.deferrable,
            initially_deferred: def.initially_deferred,
            origin: Some(origin),
            ..Trigger::default()
        };
        let table = match self.find_relation(&def.table) {
            Some((name, _)) => name,
            None => return Err(format!("table {} does not exist", def.table)),
        };
        let triggers = match (self.tables.get_mut(&table), self.views.get_mut(&table)) {
            (Some(table), _) => &mut table.triggers,
            (None, Some(view)) => &mut view.triggers,
            _ => return Err(format!("{table} cannot have triggers")),
        };
        match triggers.iter_mut().find(|t| t.name == trigger.name) {
            Some(existing) if def.or_replace => *existing = trigger,
            Some(_) => return Err(format!("trigger {} of {table} already exists", trigger.name)),
            None => triggers.push(trigger),
        }
        Ok(())
    }

    pub(super) fn create_policy(&mut self, def: CreatePolicy, origin: Origin) -> Result<(), Refused> {
        let table = self.table_mut(&def.table)?;
        if table.policies.iter().any(|p| p.name == def.name) {
            return Err(format!("policy {} of {} already exists", def.name, table.name));
        }
        table.policies.push(Policy {
            name: def.name,
            restrictive: def.restrictive,
            command: def.command.to_owned(),
            roles: sorted(def.roles),
            using: def.using,
            check: def.check,
            comment: None,
            origin: Some(origin),
        });
        Ok(())
    }

    pub(super) fn alter_policy(
        &mut self,
        name: &str,
        table: &Name,
        roles: Option<Vec<String>>,
        using: Option<String>,
        check: Option<String>,
    ) -> Result<(), Refused> {
        let table = self.table_mut(table)?;
        let Some(policy) = table.policies.iter_mut().find(|p| p.name == name) else {
            return Err(format!("policy {name} does not exist"));
        };
        policy.roles = roles.map_or_else(|| std::mem::take(&mut policy.roles), sorted);
        policy.using = using.or_else(|| policy.using.take());
        policy.check = check.or_else(|| policy.check.take());
        Ok(())
    }
}

/// Roles are a set.
fn sorted(mut roles: Vec<String>) -> Vec<String> {
    roles.sort();
    roles.dedup();
    roles
}

fn too_many_columns(table: &QName) -> Refused {
    format!("table {table} has more than {MAX_COLUMNS} columns")
}

pub(super) fn is_system_column(name: &str) -> bool {
    matches!(name, "tableoid" | "ctid" | "xmin" | "xmax" | "cmin" | "cmax")
}

/// `id int UNIQUE PRIMARY KEY` makes one index: a key that repeats another key of the same
/// statement is dropped, and the primary key is the one that stays.
fn without_duplicates(constraints: Vec<ConstraintDef>) -> Vec<ConstraintDef> {
    let mut kept: Vec<ConstraintDef> = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        let twin = kept.iter_mut().find(|other| {
            let (a, b) = (key_of(&other.body), key_of(&constraint.body));
            a.is_some()
                && a == b
                && other.deferrable == constraint.deferrable
                && other.initially_deferred == constraint.initially_deferred
        });
        match twin {
            Some(twin) => {
                twin.name = twin.name.take().or(constraint.name);
                if let ConstraintBody::Primary(_) = constraint.body {
                    twin.body = constraint.body;
                }
            }
            None => kept.push(constraint),
        }
    }
    kept
}

fn key_of(body: &ConstraintBody) -> Option<&crate::parse::change::KeyDef> {
    match body {
        ConstraintBody::Primary(key) | ConstraintBody::Unique(key) => Some(key),
        _ => None,
    }
}
