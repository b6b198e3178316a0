//! What the template of a table or view is given.

use std::collections::{BTreeMap, HashMap};

use canon_core::schema::{Column, Function, Model, Origin, QName, Table, TableKind, Trigger, TriggerEnabled, View};
use serde::Serialize;

use super::Category;
use super::indexes::{self, IndexLine};
use super::integrity;
use super::layout::{Layout, anchor, explicit_anchor};
use super::queries::{self, Query};
use crate::emit::ddl;
use crate::emit::erd::{Columns, Graph};
use crate::history::{Breaking, Event, Past};
use crate::lock::DocId;
use crate::markdown::code_cell;
use crate::project::ProjectSource;
use crate::sample;

/// A table or view. Names and types are as they are: the template escapes them. What ends in `_md`
/// is Markdown already.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    id: DocId,
    name: String,
    full_name: String,
    schema: String,
    anchor: String,
    stable_anchor: String,
    kind: &'static str,
    category: &'static str,
    comment: String,
    created: Option<Step>,
    updated: Option<Step>,
    definition: String,
    columns: Vec<Field>,
    indexes: Vec<IndexLine>,
    row_security: bool,
    force_row_security: bool,
    policies: Vec<PolicyLine>,
    policies_sql: String,
    references: Vec<Relation>,
    referenced_by: Vec<Relation>,
    diagram: Option<String>,
    triggers: Vec<TriggerLine>,
    triggers_sql: String,
    functions: Vec<FunctionText>,
    foreign_functions: Vec<String>,
    rules_md: Vec<String>,
    queries: Vec<Query>,
    history: Vec<Step>,
    /// For the index, not for the template.
    #[serde(skip)]
    pub(super) of: Category,
    #[serde(skip)]
    pub(super) doc_id: DocId,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    nullable: bool,
    default_md: String,
    constraints_md: String,
    comment: String,
    example: String,
}

#[derive(Debug, Serialize)]
struct PolicyLine {
    name: String,
    command: String,
    roles: String,
    restrictive: bool,
    comment: String,
}

#[derive(Debug, Serialize)]
struct Relation {
    link_md: String,
    columns_md: String,
    constraint: String,
    on_delete: String,
    on_update: String,
}

#[derive(Debug, Serialize)]
struct TriggerLine {
    name: String,
    when: String,
    each: &'static str,
    function: String,
    state: &'static str,
    comment: String,
}

#[derive(Debug, Serialize)]
struct FunctionText {
    signature: String,
    comment: String,
    sql: String,
}

/// A line of the migration history.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Step {
    place: String,
    date: String,
    change_md: String,
    breaking: Breaking,
}

/// What entries are made from, looked up once for all tables.
pub(super) struct Maker<'a> {
    source: &'a ProjectSource,
    layout: &'a Layout,
    graph: Graph<'a>,
    referenced_by: HashMap<&'a QName, Vec<(&'a Table, usize)>>,
    functions: HashMap<&'a QName, &'a Function>,
    tables: HashMap<&'a QName, &'a Table>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(source: &'a ProjectSource, layout: &'a Layout) -> Self {
        let model = &source.loaded.model;
        let mut referenced_by: HashMap<&QName, Vec<(&Table, usize)>> = HashMap::new();
        for table in &model.tables {
            for (n, constraint) in table.constraints.iter().enumerate() {
                if let Some(references) = &constraint.references {
                    referenced_by.entry(&references.table).or_default().push((table, n));
                }
            }
        }
        let functions = model.functions.iter().map(|f| (&f.name, f)).collect();
        let tables = model.tables.iter().map(|t| (&t.name, t)).collect();
        Self { source, layout, tables, graph: Graph::new(model), referenced_by, functions }
    }

    fn model(&self) -> &'a Model {
        &self.source.loaded.model
    }

    pub(super) fn table(&self, table: &Table, id: DocId, category: Category) -> Entry {
        let page = self.layout.page(id);
        let lists = sample::value_lists(table);
        let statements =
            std::iter::once(ddl::table(table)).chain(table.indexes.iter().map(|i| ddl::index(&table.name, i)));
        let references: Vec<Relation> = table
            .foreign_keys()
            .map(|(key, r)| Relation {
                link_md: self.layout.link(page, &r.table),
                columns_md: pairs(&key.columns, &r.columns),
                constraint: key.name.clone(),
                on_delete: r.on_delete.sql().to_lowercase(),
                on_update: r.on_update.sql().to_lowercase(),
            })
            .collect();
        let referenced_by = self.referenced_by(page, &table.name);
        let related = !(references.is_empty() && referenced_by.is_empty());
        Entry {
            kind: match (table.kind, &table.partition_of) {
                (TableKind::Foreign, _) => "Foreign table",
                (_, Some(_)) => "Partition",
                (TableKind::Partitioned, None) => "Partitioned table",
                (TableKind::Ordinary, None) => "Table",
            },
            comment: table.comment.clone().unwrap_or_default(),
            definition: lines(statements),
            columns: table.columns.iter().map(|c| field(table, &lists, c)).collect(),
            indexes: indexes::of(table),
            row_security: table.row_security,
            force_row_security: table.force_row_security,
            policies: policies(table),
            policies_sql: lines(table.policies.iter().map(|p| ddl::policy(&table.name, p))),
            references,
            referenced_by,
            diagram: related.then(|| self.graph.around(&[&table.name], 1, Columns::FocusKeys).mermaid()),
            triggers: table.triggers.iter().map(trigger).collect(),
            rules_md: integrity::rules(table),
            queries: queries::of_table(&|name| self.tables.get(name).copied(), table),
            ..self.entry(&table.name, id, category, table.origin, &table.triggers)
        }
    }

    pub(super) fn view(&self, view: &View, id: DocId, category: Category) -> Entry {
        let statements = std::iter::once(ddl::view(view)).chain(view.indexes.iter().map(|i| ddl::index(&view.name, i)));
        // The columns of a view are described like those of a table without constraints.
        let table = Table { name: view.name.clone(), columns: view.columns.clone(), ..Table::default() };
        let described = Table { indexes: view.indexes.clone(), ..table };
        Entry {
            kind: if view.materialized { "Materialized view" } else { "View" },
            comment: view.comment.clone().unwrap_or_default(),
            definition: lines(statements),
            columns: view.columns.iter().map(|c| field(&described, &BTreeMap::new(), c)).collect(),
            indexes: indexes::of(&described),
            triggers: view.triggers.iter().map(trigger).collect(),
            queries: queries::of_view(view),
            ..self.entry(&view.name, id, category, view.origin, &view.triggers)
        }
    }

    /// What tables and views have in common.
    fn entry(
        &self,
        name: &QName,
        id: DocId,
        category: Category,
        origin: Option<Origin>,
        triggers: &[Trigger],
    ) -> Entry {
        let history = self.source.loaded.history.of(name).map(|past| self.steps(past)).unwrap_or_default();
        let declared = origin.map(|origin| {
            self.step(&Event { origin, what: "Created", object: String::new(), breaking: Breaking::Start })
        });
        let (functions, foreign_functions) = self.functions(triggers);
        Entry {
            id,
            name: name.name.clone(),
            full_name: name.to_string(),
            schema: name.schema.clone(),
            anchor: anchor(id, &name.name),
            stable_anchor: explicit_anchor(id),
            kind: "Table",
            category: category.label(),
            comment: String::new(),
            created: history.first().cloned().or(declared),
            updated: history.last().filter(|_| history.len() > 1).cloned(),
            definition: String::new(),
            columns: Vec::new(),
            indexes: Vec::new(),
            row_security: false,
            force_row_security: false,
            policies: Vec::new(),
            policies_sql: String::new(),
            references: Vec::new(),
            referenced_by: Vec::new(),
            diagram: None,
            triggers: Vec::new(),
            triggers_sql: lines(triggers.iter().map(|t| ddl::trigger(name, t))),
            functions,
            foreign_functions,
            rules_md: Vec::new(),
            queries: Vec::new(),
            history,
            of: category,
            doc_id: id,
        }
    }

    fn referenced_by(&self, page: &str, table: &QName) -> Vec<Relation> {
        let keys = self.referenced_by.get(table).map_or(&[][..], Vec::as_slice);
        let relation = |(other, n): &(&Table, usize)| {
            let key = &other.constraints[*n];
            let references = key.references.as_ref()?;
            Some(Relation {
                link_md: self.layout.link(page, &other.name),
                columns_md: pairs(&key.columns, &references.columns),
                constraint: key.name.clone(),
                on_delete: references.on_delete.sql().to_lowercase(),
                on_update: references.on_update.sql().to_lowercase(),
            })
        };
        keys.iter().filter_map(relation).collect()
    }

    /// Functions that triggers call: those with a known text, and the names of the others.
    fn functions(&self, triggers: &[Trigger]) -> (Vec<FunctionText>, Vec<String>) {
        let (mut known, mut foreign) = (Vec::new(), Vec::new());
        let mut seen: Vec<&QName> = Vec::new();
        for trigger in triggers {
            if seen.contains(&&trigger.function) {
                continue;
            }
            seen.push(&trigger.function);
            let function = self.functions.get(&trigger.function);
            match function.and_then(|f| Some((f, ddl::function(f)?))) {
                Some((f, sql)) => {
                    known.push(FunctionText {
                        signature: f.signature(),
                        comment: f.comment.clone().unwrap_or_default(),
                        sql,
                    });
                }
                None => foreign.push(trigger.function.to_string()),
            }
        }
        (known, foreign)
    }

    /// The past of a table, one line for each statement.
    pub(super) fn steps(&self, past: &Past) -> Vec<Step> {
        let mut steps: Vec<(Origin, Step)> = Vec::new();
        for event in &past.events {
            let step = self.step(event);
            match steps.last_mut() {
                Some((origin, last)) if *origin == event.origin => {
                    last.change_md.push_str(&format!("; {}", step.change_md));
                    last.breaking = last.breaking.max(step.breaking);
                }
                _ => steps.push((event.origin, step)),
            }
        }
        steps.into_iter().map(|(_, step)| step).collect()
    }

    fn step(&self, event: &Event) -> Step {
        let file = self.model().files.get(event.origin.file as usize).map_or("", String::as_str);
        let object = if event.object.is_empty() { String::new() } else { format!(" {}", code_cell(&event.object)) };
        Step {
            place: format!("{file}:{}", event.origin.line),
            date: date_of(file).unwrap_or_default(),
            change_md: format!("{}{object}", event.what),
            breaking: event.breaking,
        }
    }
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The date that migration tools write in front of a file's name: `20251109120000_create.sql`,
/// `2025-11-09_create.sql`, `V20251109__create.sql`.
fn date_of(file: &str) -> Option<String> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let name = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let head = name.split(|c: char| !c.is_ascii_digit() && c != '-').next()?;
    let digits: String = head.chars().filter(char::is_ascii_digit).collect();
    let date = matches!(digits.len(), 8 | 12 | 14).then(|| digits.get(..8)).flatten()?;
    let date = chrono::NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    // Numbers of eight digits that only look like a date.
    let plausible = chrono::Datelike::year(&date) >= 1990 && chrono::Datelike::year(&date) < 2100;
    plausible.then(|| date.to_string())
}

fn pairs(from: &[String], to: &[String]) -> String {
    from.iter().zip(to).map(|(a, b)| format!("{} → {}", code_cell(a), code_cell(b))).collect::<Vec<_>>().join(", ")
}

fn field(table: &Table, lists: &BTreeMap<String, Vec<String>>, column: &Column) -> Field {
    let default_md = match (&column.default, &column.generated, column.identity) {
        (Some(default), ..) => code_cell(default),
        (None, Some(generated), _) => format!("generated: {}", code_cell(&generated.expression)),
        (None, None, Some(identity)) => format!("identity, {}", identity.to_string().to_lowercase()),
        (None, None, None) => "-".to_owned(),
    };
    let example = match (&column.generated, column.ty.is_empty()) {
        (None, false) => match sample::value_in(lists, table, column, 0) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        },
        _ => String::new(),
    };
    Field {
        name: column.name.clone(),
        ty: column.ty.clone(),
        nullable: !column.not_null,
        default_md,
        constraints_md: integrity::of_column(table, &column.name),
        comment: column.comment.clone().unwrap_or_default(),
        example,
    }
}

fn policies(table: &Table) -> Vec<PolicyLine> {
    let line = |p: &canon_core::schema::Policy| PolicyLine {
        name: p.name.clone(),
        command: p.command.clone(),
        roles: p.roles.join(", "),
        restrictive: p.restrictive,
        comment: p.comment.clone().unwrap_or_default(),
    };
    table.policies.iter().map(line).collect()
}

fn trigger(t: &Trigger) -> TriggerLine {
    TriggerLine {
        name: t.name.clone(),
        when: format!("{} {}", t.timing, t.events.join(" or ")).to_lowercase(),
        each: if t.for_each_row { "each row" } else { "each statement" },
        function: format!("{}({})", t.function, t.arguments.join(", ")),
        state: match t.enabled {
            TriggerEnabled::Origin => "enabled",
            TriggerEnabled::Disabled => "disabled",
            TriggerEnabled::Replica => "on replicas only",
            TriggerEnabled::Always => "always",
        },
        comment: t.comment.clone().unwrap_or_default(),
    }
}

fn lines(statements: impl Iterator<Item = String>) -> String {
    statements.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_from_names_of_migrations() {
        for (file, expected) in [
            ("migrations/20251109120000_create.sql", Some("2025-11-09")),
            ("2025-11-09_create.sql", Some("2025-11-09")),
            ("V20251109__create.sql", Some("2025-11-09")),
            ("20251109/10_create.sql", None),
            ("10_create.sql", None),
            ("00000001_create.sql", None),
            ("20251399_create.sql", None),
        ] {
            assert_eq!(date_of(file).as_deref(), expected, "{file}");
        }
    }
}
