//! `canon.plan` and `canon.plan_mapping`: which tables a hierarchy is made of.

use std::collections::BTreeMap;

use pgrx::datum::DatumWithOid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::PlanError;
use super::sql::{Db, ident};
use crate::error::Result;

/// What a level is in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Plan,
    Group,
    Task,
    Item,
    Gate,
}

/// A hierarchy.
#[derive(Debug, Deserialize)]
pub(super) struct Mapping {
    pub(super) plan: String,
    pub(super) store: String,
    pub(super) run: Run,
    /// Parents before children; the first is the root.
    pub(super) levels: Vec<Level>,
}

/// The table that says what a template is instantiated for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Its name, quoted and qualified where needed.
    pub(super) table: String,
    pub(super) key: String,
    /// Column of the root's instance table that points here.
    pub(super) instance: String,
    /// Column that restricts a run to one template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    /// Column with the kind of run, for filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Column with the time or day at which it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    /// Functions that take rows from staging tables into a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) import: Option<Import>,
}

/// Functions of an import, in one schema.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    pub(super) schema: String,
    /// `(batch uuid)`: a row a problem, with severity, source, row_key, column_name, value, problem.
    pub(super) problems: String,
    /// `(batch uuid, partial boolean)`: imports, and reports as jsonb.
    pub(super) apply: String,
}

/// A level: a row of `canon.plan_mapping`, and what the catalogue says about its columns.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Level {
    pub(super) level: String,
    pub(super) kind: Kind,
    pub(super) parent: Option<String>,
    /// Quoted and qualified.
    pub(super) template: String,
    pub(super) template_key: String,
    pub(super) template_parent: Option<String>,
    pub(super) template_order: Option<String>,
    /// Whether rows below one parent wait for those with a lower order.
    pub(super) ordered: bool,
    pub(super) template_predecessor: Option<String>,
    /// Quoted and qualified.
    pub(super) instance: String,
    pub(super) instance_key: String,
    pub(super) instance_parent: Option<String>,
    pub(super) instance_template: String,
    pub(super) instance_predecessor: Option<String>,
    pub(super) label: Option<String>,
    pub(super) code: Option<String>,
    pub(super) duration_minutes: Option<String>,
    pub(super) started_at: Option<String>,
    pub(super) finished_at: Option<String>,
    pub(super) completed: Option<String>,
    pub(super) critical: Option<String>,
    pub(super) team: Option<String>,
    pub(super) copies: BTreeMap<String, String>,
    pub(super) defaults: BTreeMap<String, Value>,
    pub(super) status: Option<Status>,
    pub(super) filter: Option<Filter>,
    pub(super) refs: Vec<Ref>,
    /// Type of the template's key, as `format_type` prints it.
    pub(super) key_type: String,
    /// Types of the instance's columns.
    pub(super) types: BTreeMap<String, String>,
}

/// What the values of a status column mean.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) column: String,
    /// Where the column holds keys of a status table: that table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lookup: Option<Lookup>,
    /// What a new row starts with.
    pub(super) initial: String,
    /// Not begun.
    #[serde(default)]
    pub(super) open: Vec<String>,
    /// At work.
    #[serde(default)]
    pub(super) running: Vec<String>,
    /// Over.
    #[serde(default)]
    pub(super) done: Vec<String>,
    /// Will not be done.
    #[serde(default)]
    pub(super) cancelled: Vec<String>,
    /// Went wrong, or cannot go on.
    #[serde(default)]
    pub(super) held: Vec<String>,
    /// Status column of the template that says it must not be used, with the values that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retired: Option<Retired>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retired {
    pub(super) column: String,
    pub(super) values: Vec<String>,
}

/// A status table.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lookup {
    /// Quoted and qualified.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) name: String,
    /// Column and value that select the statuses of this level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<(String, String)>,
}

/// A link table: a template row that has entries is copied for those kinds of runs only.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Quoted and qualified.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) kind: String,
}

/// A column that points at another level of the same instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ref {
    pub(super) column: String,
    pub(super) template: String,
    pub(super) level: String,
}

/// Reads a mapping with the names and types as the catalogue has them now, so that renamed tables
/// are followed.
const READ: &str = include_str!("mapping.sql");

impl Mapping {
    /// All mappings, in the order of their names.
    pub(super) fn all(db: &Db) -> Result<Vec<Self>> {
        db.list(READ, &[])
    }

    /// The mapping of that name.
    pub(super) fn named(db: &Db, name: &str) -> Result<Self> {
        let mut all = Self::all(db)?;
        match all.iter().position(|m| m.plan == name) {
            Some(at) => Ok(all.swap_remove(at)),
            None => {
                let known = all.into_iter().map(|m| m.plan).collect();
                Err(PlanError::UnknownPlan { name: name.to_owned(), known }.into())
            }
        }
    }

    /// The mapping whose root template holds that key.
    pub(super) fn of_template(db: &Db, template: &str) -> Result<Self> {
        for mapping in Self::all(db)? {
            let root = mapping.root();
            if mapping.has_row(db, &root.template, &root.template_key, template)? {
                return Ok(mapping);
            }
        }
        Err(PlanError::UnknownTemplate { template: template.to_owned() }.into())
    }

    /// The mapping whose root instance holds that key.
    pub(super) fn of_instance(db: &Db, instance: pgrx::Uuid) -> Result<Self> {
        for mapping in Self::all(db)? {
            let root = mapping.root();
            let sql = format!(
                "SELECT pg_catalog.to_json(EXISTS (SELECT FROM ONLY {} i WHERE i.{} OPERATOR(pg_catalog.=) $1))",
                root.instance,
                ident(&root.instance_key)
            );
            if db.json(&sql, &[instance.into()])? {
                return Ok(mapping);
            }
        }
        Err(PlanError::UnknownInstance { instance: instance.to_string() }.into())
    }

    /// Compared as text: what a user passes need not be of the key's type.
    fn has_row(&self, db: &Db, table: &str, key: &str, value: &str) -> Result<bool> {
        let sql = format!(
            "SELECT pg_catalog.to_json(EXISTS (SELECT FROM {table} t WHERE t.{}::text OPERATOR(pg_catalog.=) $1))",
            ident(key)
        );
        db.json(&sql, &[DatumWithOid::from(value)])
    }

    /// The level of the whole plan.
    pub(super) fn root(&self) -> &Level {
        &self.levels[0]
    }

    /// The level of that name; registration has checked the names that mappings use.
    pub(super) fn level(&self, name: &str) -> Option<&Level> {
        self.levels.iter().find(|l| l.level == name)
    }

    /// The level around another.
    pub(super) fn parent_of(&self, level: &Level) -> Option<&Level> {
        self.level(level.parent.as_deref()?)
    }

    /// Position of the level around another.
    pub(super) fn parent_position(&self, level: usize) -> Option<usize> {
        let parent = self.levels[level].parent.as_deref()?;
        self.levels.iter().position(|l| l.level == parent)
    }

    /// A table of the store.
    pub(super) fn store(&self, table: &str) -> String {
        format!("{}.{}", ident(&self.store), ident(table))
    }

    /// Levels whose rows are nodes of the graph.
    pub(super) fn graph_levels(&self) -> impl Iterator<Item = (usize, &Level)> {
        self.levels.iter().enumerate().filter(|(_, l)| l.in_graph())
    }
}

impl Level {
    /// Whether its rows are scheduled: items and gates are not.
    pub(super) fn in_graph(&self) -> bool {
        matches!(self.kind, Kind::Plan | Kind::Group | Kind::Task)
    }

    /// Type of a column of the instance.
    pub(super) fn type_of(&self, column: &str) -> &str {
        self.types.get(column).map_or("text", String::as_str)
    }
}
