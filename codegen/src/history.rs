//! What the statements of a chain did to each table and view, in their order.

use std::collections::HashMap;

use canon_core::schema::{Origin, QName};
use serde::Serialize;

use crate::fold::Catalog;
use crate::parse::Name;
use crate::parse::change::{AlterTable, Change, ConstraintBody, ConstraintDef, DropTarget, ObjectClass};

/// The past of every table and view, as far as the files tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Tables and views that exist, by their present name.
    present: HashMap<QName, Past>,
    /// Those that were dropped, by their last name.
    dropped: HashMap<QName, Past>,
}

/// The past of one table or view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What happened to it.
    pub events: Vec<Event>,
    /// Names it had before, oldest first.
    pub earlier_names: Vec<QName>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub origin: Origin,
    /// `Added column`.
    pub what: &'static str,
    /// Of what; empty for the table itself.
    pub object: String,
    /// What it means for programs that use the table.
    pub breaking: Breaking,
}

/// Whether a program written for the state before still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Breaking {
    /// There was no state before.
    #[serde(rename = "-")]
    Start,
    /// It does.
    No,
    /// Where it does not do what is now refused.
    Possibly,
    /// It does not.
    Yes,
}

/// What a change is going to do, found out before it is applied.
pub(crate) enum Step {
    Created(Name, &'static str, Breaking),
    Happened(QName, &'static str, String, Breaking),
    Renamed(QName, QName),
    SchemaRenamed(String, String),
    Dropped(QName),
    /// Anything may have gone along.
    Swept,
}

impl History {
    /// The past of a table or view that exists.
    pub fn of(&self, name: &QName) -> Option<&Past> {
        self.present.get(name)
    }

    /// The past of one that was dropped.
    pub fn of_dropped(&self, name: &QName) -> Option<&Past> {
        self.dropped.get(name)
    }

    /// The past of one that was dropped, by its name as SQL writes it.
    pub fn of_dropped_named(&self, name: &str) -> Option<&Past> {
        self.dropped.iter().find(|(dropped, _)| dropped.to_string() == name).map(|(_, past)| past)
    }

    /// Takes down steps whose change has been applied.
    pub(crate) fn record(&mut self, steps: Vec<Step>, origin: Origin, catalog: &Catalog) {
        for step in steps {
            let event = |what, object: String, breaking| Event { origin, what, object, breaking };
            match step {
                Step::Created(name, what, breaking) => {
                    let Some(name) = catalog.table_or_view(&name) else { continue };
                    // What is made again goes on where it ended.
                    let past = self.dropped.remove(&name).unwrap_or_default();
                    let past = self.present.entry(name).or_insert(past);
                    past.events.push(event(what, String::new(), breaking));
                }
                Step::Happened(name, what, object, breaking) => {
                    self.present.entry(name).or_default().events.push(event(what, object, breaking));
                }
                Step::Renamed(from, to) => {
                    self.rename(&from, &to);
                    let what = if from.schema == to.schema { "Renamed from" } else { "Moved from" };
                    let past = self.present.entry(to).or_default();
                    past.events.push(event(what, from.to_string(), Breaking::Yes));
                }
                Step::SchemaRenamed(from, to) => {
                    let inside: Vec<QName> = self.present.keys().filter(|n| n.schema == from).cloned().collect();
                    for name in inside {
                        let new = QName::new(&to, &name.name);
                        self.rename(&name, &new);
                        let past = self.present.entry(new).or_default();
                        past.events.push(event("Moved from", name.to_string(), Breaking::Yes));
                    }
                }
                Step::Dropped(name) => self.drop(name, origin),
                Step::Swept => {
                    let gone = self.present.keys().filter(|n| !catalog.is_table_or_view(n));
                    for name in gone.cloned().collect::<Vec<_>>() {
                        self.drop(name, origin);
                    }
                }
            }
        }
    }

    fn rename(&mut self, from: &QName, to: &QName) {
        let mut past = self.present.remove(from).unwrap_or_default();
        past.earlier_names.push(from.clone());
        self.present.insert(to.clone(), past);
    }

    fn drop(&mut self, name: QName, origin: Origin) {
        let mut past = self.present.remove(&name).unwrap_or_default();
        past.events.push(Event { origin, what: "Dropped", object: String::new(), breaking: Breaking::Yes });
        self.dropped.insert(name, past);
    }
}

/// What `change` is going to do to tables and views.
pub(crate) fn steps(change: &Change, catalog: &Catalog) -> Vec<Step> {
    let on = |table: &Name, what, object: &str, breaking| {
        let table = catalog.table_or_view(table);
        table.map(|table| Step::Happened(table, what, object.to_owned(), breaking)).into_iter().collect()
    };
    match change {
        // IF NOT EXISTS leaves what is there.
        Change::CreateTable(table) if catalog.table_or_view(&table.name).is_some() => Vec::new(),
        Change::CreateTable(table) => vec![Step::Created(table.name.clone(), "Created", Breaking::Start)],
        Change::CreateView(view) => match catalog.table_or_view(&view.name) {
            Some(_) if view.or_replace => vec![Step::Created(view.name.clone(), "Replaced", Breaking::Possibly)],
            Some(_) => Vec::new(),
            None => vec![Step::Created(view.name.clone(), "Created", Breaking::Start)],
        },
        Change::AlterTable { name, actions, .. } => {
            let Some(table) = catalog.table_or_view(name) else { return Vec::new() };
            actions.iter().filter_map(|action| altered(&table, action, catalog)).collect()
        }
        Change::CreateIndex(index) => {
            let breaking = if index.unique { Breaking::Possibly } else { Breaking::No };
            let what = if index.unique { "Added unique index" } else { "Added index" };
            on(&index.table, what, index.name.as_deref().unwrap_or_default(), breaking)
        }
        Change::CreateTrigger(trigger) => on(&trigger.table, "Added trigger", &trigger.name, Breaking::Possibly),
        Change::CreatePolicy(policy) => on(&policy.table, "Added policy", &policy.name, Breaking::Possibly),
        Change::AlterPolicy { name, table, .. } => on(table, "Changed policy", name, Breaking::Possibly),
        Change::Drop { kind, targets, cascade, .. } => {
            let mut steps: Vec<Step> = targets.iter().filter_map(|target| dropped(*kind, target, catalog)).collect();
            if *cascade || *kind == ObjectClass::Schema {
                steps.push(Step::Swept);
            }
            steps
        }
        Change::Rename { kind, target, to } => renamed(*kind, target, to, catalog),
        Change::SetSchema {
            kind: ObjectClass::Table | ObjectClass::View | ObjectClass::MaterializedView,
            target,
            to,
        } => {
            let from = catalog.table_or_view(&target.name);
            from.map(|from| Step::Renamed(from.clone(), QName::new(to, from.name))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn renamed(kind: ObjectClass, target: &DropTarget, to: &str, catalog: &Catalog) -> Vec<Step> {
    match kind {
        ObjectClass::Schema => vec![Step::SchemaRenamed(target.name.name.clone(), to.to_owned())],
        ObjectClass::Table | ObjectClass::View | ObjectClass::MaterializedView => {
            let from = catalog.table_or_view(&target.name);
            from.map(|from| Step::Renamed(from.clone(), QName::new(from.schema, to))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn dropped(kind: ObjectClass, target: &DropTarget, catalog: &Catalog) -> Option<Step> {
    let on_table = |what, breaking| {
        let table = catalog.table_or_view(target.table.as_ref()?)?;
        Some(Step::Happened(table, what, target.name.name.clone(), breaking))
    };
    match kind {
        ObjectClass::Table | ObjectClass::View | ObjectClass::MaterializedView => {
            catalog.table_or_view(&target.name).map(Step::Dropped)
        }
        ObjectClass::Index => {
            let table = catalog.table_of_index(&target.name)?;
            Some(Step::Happened(table, "Dropped index", target.name.name.clone(), Breaking::No))
        }
        ObjectClass::Trigger => on_table("Dropped trigger", Breaking::Possibly),
        ObjectClass::Policy => on_table("Dropped policy", Breaking::Possibly),
        _ => None,
    }
}

fn altered(table: &QName, action: &AlterTable, catalog: &Catalog) -> Option<Step> {
    use Breaking as B;
    let step = |what, object: &str, breaking| Some(Step::Happened(table.clone(), what, object.to_owned(), breaking));
    match action {
        AlterTable::AddColumn { column, .. } => {
            let needed = column.not_null && column.default.is_none() && column.identity.is_none();
            step("Added column", &column.name, if needed { B::Possibly } else { B::No })
        }
        AlterTable::DropColumn { name, .. } => step("Dropped column", name, B::Yes),
        AlterTable::AddConstraint(constraint) => {
            let (what, object) = constraint_words(constraint);
            step(what, &object, B::Possibly)
        }
        AlterTable::DropConstraint { name, .. } => step("Dropped constraint", name, B::No),
        AlterTable::AlterConstraint { name, .. } => step("Changed constraint", name, B::No),
        AlterTable::ValidateConstraint(name) => step("Validated constraint", name, B::No),
        AlterTable::SetDefault { column, expression: Some(_) } => step("Set default of", column, B::No),
        AlterTable::SetDefault { column, expression: None } => step("Dropped default of", column, B::Possibly),
        AlterTable::SetNotNull { column, not_null: true } => step("Set NOT NULL on", column, B::Possibly),
        AlterTable::SetNotNull { column, not_null: false } => step("Dropped NOT NULL of", column, B::Possibly),
        AlterTable::SetType { column, .. } => step("Changed type of", column, B::Yes),
        AlterTable::AddIdentity { column, .. } | AlterTable::SetIdentity { column, .. } => {
            step("Set identity of", column, B::No)
        }
        AlterTable::DropIdentity { column } => step("Dropped identity of", column, B::Possibly),
        AlterTable::DropExpression { column } => step("Dropped expression of", column, B::Possibly),
        AlterTable::SetExpression { column, .. } => step("Changed expression of", column, B::Possibly),
        AlterTable::AttachPartition { partition, .. } => step("Attached partition", &partition.to_string(), B::No),
        AlterTable::DetachPartition(partition) => step("Detached partition", &partition.to_string(), B::Possibly),
        AlterTable::Inherit(parent) => step("Made to inherit", &parent.to_string(), B::No),
        AlterTable::NoInherit(parent) => step("Made not to inherit", &parent.to_string(), B::Possibly),
        AlterTable::SetLogged(true) => step("Set LOGGED", "", B::No),
        AlterTable::SetLogged(false) => step("Set UNLOGGED", "", B::No),
        AlterTable::RowSecurity(true) => step("Enabled row-level security", "", B::Possibly),
        AlterTable::RowSecurity(false) => step("Disabled row-level security", "", B::No),
        AlterTable::ForceRowSecurity(true) => step("Forced row-level security", "", B::Possibly),
        AlterTable::ForceRowSecurity(false) => step("Unforced row-level security", "", B::No),
        AlterTable::TriggerEnabled { name, .. } => {
            step("Changed firing of", name.as_deref().unwrap_or("all triggers"), B::Possibly)
        }
        AlterTable::RenameColumn { from, to } => step("Renamed column", &format!("{from} to {to}"), B::Yes),
        AlterTable::RenameConstraint { from, to } => step("Renamed constraint", &format!("{from} to {to}"), B::No),
        AlterTable::RenameTo(to) => {
            let is_relation = catalog.is_table_or_view(table);
            is_relation.then(|| Step::Renamed(table.clone(), QName::new(&table.schema, to)))
        }
        AlterTable::SetSchema(to) => Some(Step::Renamed(table.clone(), QName::new(to, &table.name))),
        AlterTable::SetOptions(_) => step("Changed options", "", B::No),
        _ => None,
    }
}

fn constraint_words(constraint: &ConstraintDef) -> (&'static str, String) {
    let (what, columns) = match &constraint.body {
        ConstraintBody::Primary(key) => ("Added primary key", key.columns.join(", ")),
        ConstraintBody::Unique(key) => ("Added unique constraint", key.columns.join(", ")),
        ConstraintBody::Foreign(key) => ("Added foreign key", key.columns.join(", ")),
        ConstraintBody::Check(expression) => ("Added check", expression.clone()),
        ConstraintBody::Exclude(_) => ("Added exclusion constraint", String::new()),
        ConstraintBody::NotNull(column) => ("Set NOT NULL on", column.clone()),
    };
    (what, constraint.name.clone().unwrap_or(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load;
    use crate::source::Source;

    fn history(ddl: &str) -> History {
        let loaded = load(vec![Source::new("m.sql", ddl)]);
        assert_eq!(loaded.errors(), 0);
        loaded.history
    }

    fn lines(past: &Past) -> Vec<String> {
        past.events.iter().map(|e| format!("{} {} {} {:?}", e.origin.line, e.what, e.object, e.breaking)).collect()
    }

    #[test]
    fn a_table_keeps_its_past_under_a_new_name() {
        let history = history(
            "CREATE TABLE a (id int);\nALTER TABLE a ADD b text, DROP COLUMN id;\nCREATE INDEX i ON a (b);\n\
             ALTER TABLE a RENAME TO c;\nDROP INDEX i;\nCREATE TABLE IF NOT EXISTS c (x int);\n\
             ALTER TABLE c ADD CONSTRAINT k CHECK (b <> '');\nALTER TABLE c RENAME COLUMN b TO d;\n",
        );
        let past = history.of(&QName::new("public", "c")).unwrap();
        assert_eq!(
            lines(past),
            [
                "1 Created  Start",
                "2 Added column b No",
                "2 Dropped column id Yes",
                "3 Added index i No",
                "4 Renamed from public.a Yes",
                "5 Dropped index i No",
                "7 Added check k Possibly",
                "8 Renamed column b to d Yes",
            ]
        );
        assert_eq!(past.earlier_names, [QName::new("public", "a")]);
        assert_eq!(history.of(&QName::new("public", "a")), None);
    }

    #[test]
    fn what_goes_with_its_schema_is_dropped_too() {
        let history =
            history("CREATE SCHEMA s;\nCREATE TABLE s.a (id int);\nCREATE TABLE b (id int);\nDROP SCHEMA s CASCADE;\n");
        let past = history.of_dropped(&QName::new("s", "a")).unwrap();
        assert_eq!(lines(past), ["2 Created  Start", "4 Dropped  Yes"]);
        assert!(history.of(&QName::new("public", "b")).is_some());
    }

    #[test]
    fn a_schema_takes_its_tables_along() {
        let history = history(
            "CREATE SCHEMA s;\nCREATE TABLE s.a (id int);\nALTER SCHEMA s RENAME TO t;\nALTER TABLE t.a SET SCHEMA public;",
        );
        let past = history.of(&QName::new("public", "a")).unwrap();
        assert_eq!(past.earlier_names, [QName::new("s", "a"), QName::new("t", "a")]);
    }

    #[test]
    fn what_is_refused_did_not_happen() {
        let loaded = load(vec![Source::new("m.sql", "CREATE TABLE a (id int);\nALTER TABLE a DROP COLUMN nope;")]);
        assert_eq!(lines(loaded.history.of(&QName::new("public", "a")).unwrap()), ["1 Created  Start"]);
    }
}
