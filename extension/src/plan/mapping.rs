//! `canon.plan` and `canon.plan_mapping`: which tables a hierarchy is made of.

use std::collections::BTreeMap;

use pgrx::datum::DatumWithOid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Whether statuses of groups follow those of their tasks by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RollUp {
    /// They begin, are completed, and are cancelled.
    #[default]
    Complete,
    /// They begin and are cancelled; people complete them.
    Begin,
    /// When somebody calls `canon.plan_roll_up`.
    Manual,
}

/// A hierarchy.
#[derive(Debug, Deserialize)]
pub(super) struct Mapping {
    pub(super) plan: String,
    pub(super) store: String,
    pub(super) roll_up: RollUp,
    pub(super) run: Run,
    /// Parents before children; the first is the root.
    pub(super) levels: Vec<Level>,
    /// Schemas of its tables: OID, name.
    pub(super) schemas: Vec<(u32, String)>,
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

impl Mapping {
    /// Compared as text: what a user passes need not be of the key's type.
    pub(super) fn has_row(&self, db: &Db, table: &str, key: &str, value: &str) -> Result<bool> {
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

    /// From a row of a level's instance table up to the root, which is `i`: the name of the row, and
    /// the joins.
    pub(super) fn joins_up(&self, level: &Level) -> (String, String) {
        let name = |at: usize, level: &Level| if level.parent.is_none() { "i".to_owned() } else { format!("i{at}") };
        let (mut joins, mut below, mut at) = (String::new(), level, 0);
        while let (Some(above), Some(parent)) = (self.parent_of(below), &below.instance_parent) {
            joins.push_str(&format!(
                " JOIN {} {next} ON {next}.{} OPERATOR(pg_catalog.=) {}.{}",
                above.instance,
                ident(&above.instance_key),
                name(at, below),
                ident(parent),
                next = name(at + 1, above),
            ));
            (below, at) = (above, at + 1);
        }
        (name(0, level), joins)
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
