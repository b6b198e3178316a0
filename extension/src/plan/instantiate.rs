//! `canon.plan_instantiate`: a whole template becomes an instance, in one transaction.

use std::collections::BTreeMap;
use std::time::Instant;

use pgrx::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::PlanError;
use super::expected::Expected;
use super::frozen::unfrozen;
use super::insert::{Copy, insert_leaves, insert_nodes};
use super::mapping::{Kind, Mapping};
use super::options::Options;
use super::sql::{Db, ident};
use super::store::{self, Content};
use super::tree::Tree;
use super::{ids, known, status};
use crate::error::{Error, Result};

/// What was made, and what a person should know about it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    plan: String,
    instance: String,
    template: String,
    run: String,
    version: i32,
    /// Rows by level that this call created.
    created: BTreeMap<String, u64>,
    /// Template rows by level that the filter left out.
    left_out: BTreeMap<String, u64>,
    /// Predecessors replaced by one further back.
    bridged: u64,
    /// Predecessors that came to nothing.
    dropped: u64,
    warnings: Vec<String>,
    milliseconds: u64,
}

/// Makes the instance, or reports on the one that the same request has made before.
pub(super) fn instantiate(template: &str, run: &str, options: Value) -> Result<Value> {
    let clock = Instant::now();
    let options = Options::read(options)?;
    let latest = Db::latest();
    let mapping = match &options.plan {
        Some(name) => known::named(&latest, name)?,
        None => known::of_template(&latest, template)?,
    };
    // Two requests for the same template and run come one after the other. What the first has
    // committed is visible to the second from here on.
    let lock = ids::lock(&mapping.plan, template, run);
    latest.run("SELECT pg_catalog.pg_advisory_xact_lock($1)", &[lock.into()])?;
    let db = Db::fixed();
    let instance = ids::root(&mapping.plan, template, run, &options.idempotency_key);
    if let Some(report) = repeated(&db, &mapping, instance, &options, run)? {
        return Ok(report);
    }
    let maker = Maker { db: &db, mapping: &mapping, template, run, options: &options, instance };
    let mut report = unfrozen(|| maker.make())?;
    report.milliseconds = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = serde_json::to_value(report).map_err(|error| Error::Internal(error.to_string()))?;
    let sql = format!("UPDATE {} SET report = $2 WHERE instance OPERATOR(pg_catalog.=) $1", mapping.store("plan_run"));
    db.run(&sql, &[instance.into(), pgrx::JsonB(report.clone()).into()])?;
    Ok(report)
}

/// The report of an earlier request, with nothing created. A record whose instance somebody has
/// deleted since is forgotten.
fn repeated(db: &Db, mapping: &Mapping, instance: Uuid, options: &Options, run: &str) -> Result<Option<Value>> {
    let Some(request) = store::request(db, mapping, instance)? else { return Ok(None) };
    let root = mapping.root();
    let sql = format!(
        "SELECT pg_catalog.to_json(EXISTS (SELECT FROM {} WHERE {} OPERATOR(pg_catalog.=) $1))",
        root.instance,
        ident(&root.instance_key)
    );
    if !db.json::<bool>(&sql, &[instance.into()])? {
        let sql = format!("DELETE FROM {} WHERE instance OPERATOR(pg_catalog.=) $1", mapping.store("plan_run"));
        db.run(&sql, &[instance.into()])?;
        return Ok(None);
    }
    let now = serde_json::to_value(options).map_err(|error| Error::Internal(error.to_string()))?;
    if request.options != now {
        return Err(PlanError::OtherOptions {
            template: request.template,
            run: run.to_owned(),
            first: request.options.to_string(),
            now: now.to_string(),
        }
        .into());
    }
    let mut report = request.report;
    if let Some(created) = report.get_mut("created").and_then(Value::as_object_mut) {
        created.values_mut().for_each(|count| *count = json!(0));
    }
    report["milliseconds"] = json!(0);
    Ok(Some(report))
}

pub(super) struct Maker<'a> {
    pub(super) db: &'a Db,
    pub(super) mapping: &'a Mapping,
    template: &'a str,
    run: &'a str,
    pub(super) options: &'a Options,
    pub(super) instance: Uuid,
}

/// What a run says about its plan.
#[derive(Deserialize)]
pub(super) struct RunRow {
    pub(super) kind: Option<String>,
    template: Option<String>,
}

pub(super) fn run_row(db: &Db, mapping: &Mapping, key: &str) -> Result<RunRow> {
    let run = &mapping.run;
    let text = |column: &Option<String>| match column {
        Some(column) => format!("r.{}::text", ident(column)),
        None => "NULL".to_owned(),
    };
    let sql = format!(
        "SELECT pg_catalog.json_build_object('kind', {}, 'template', {}) FROM {} r \
         WHERE r.{}::text OPERATOR(pg_catalog.=) $1",
        text(&run.kind),
        text(&run.template),
        run.table,
        ident(&run.key),
    );
    let found: Option<RunRow> = db.json(&sql, &[key.into()])?;
    Ok(found.ok_or_else(|| PlanError::UnknownRun { table: run.table.clone(), run: key.to_owned() })?)
}

impl Maker<'_> {
    fn make(&self) -> Result<Report> {
        let mapping = self.mapping;
        let kind = self.check_run()?;
        self.check_template()?;
        let tree = Tree::read(self.db, mapping, self.template, kind.as_deref(), self.options.unscoped)?;
        if tree.nodes.is_empty() {
            return Err(PlanError::UnknownTemplate { template: self.template.to_owned() }.into());
        }
        tree.graph(mapping, &tree.declared(self.db, mapping, self.template)?)?;
        let statuses = status::initial(self.db, mapping)?;
        let content = Content::of(self.db, mapping, &tree)?;
        let version = store::version(self.db, mapping, self.template, &content)?;
        self.record(version)?;
        let mut report = Report {
            plan: mapping.plan.clone(),
            instance: self.instance.to_string(),
            template: self.template.to_owned(),
            run: self.run.to_owned(),
            version,
            ..Report::default()
        };
        let expected = Expected::of(self.db, mapping, &tree, self.options, self.instance, self.run)?;
        for (node, stays) in tree.nodes.iter().zip(&expected.stays) {
            *report.left_out.entry(mapping.levels[node.level].level.clone()).or_default() += u64::from(!stays);
        }
        (report.bridged, report.dropped) = (expected.bridged, expected.dropped);
        report.warnings.extend(expected.warnings);
        let stays = expected.stays;
        let copy = Copy {
            db: self.db,
            mapping,
            tree: &tree,
            chosen: &stays,
            predecessors: &expected.predecessors,
            instance: self.instance,
            run: self.run,
            statuses: &statuses,
            created_by: self.options.created_by.as_deref(),
            leaves: None,
        };
        for (position, level) in mapping.levels.iter().enumerate() {
            let created = match level.kind {
                Kind::Plan | Kind::Group | Kind::Task => insert_nodes(&copy, position, level)?,
                Kind::Item | Kind::Gate => {
                    let (created, unresolved) = insert_leaves(&copy, level)?;
                    report.warnings.extend(unresolved);
                    created
                }
            };
            report.created.insert(level.level.clone(), created);
        }
        self.override_values(&tree, &stays)?;
        self.empty_groups(&tree, &stays, &mut report);
        self.missing_durations(&tree, &stays, &mut report);
        Ok(report)
    }

    /// The kind of the run, where it exists and is meant for this template.
    fn check_run(&self) -> Result<Option<String>> {
        let row = run_row(self.db, self.mapping, self.run)?;
        match row.template {
            Some(meant) if meant != self.template && !self.options.force => {
                Err(PlanError::OtherTemplate { run: self.run.to_owned(), meant, template: self.template.to_owned() }
                    .into())
            }
            _ => Ok(row.kind),
        }
    }

    /// A template that nobody should use any more is refused.
    fn check_template(&self) -> Result<()> {
        let root = self.mapping.root();
        let Some((status, retired)) = root.status.as_ref().and_then(|s| Some((s, s.retired.as_ref()?))) else {
            return Ok(());
        };
        let column = ident(&retired.column);
        let (value, join) = match &status.lookup {
            None => (format!("t.{column}::text"), String::new()),
            Some(lookup) => (
                format!("s.{}::text", ident(&lookup.name)),
                format!(" JOIN {} s ON s.{} OPERATOR(pg_catalog.=) t.{column}", lookup.table, ident(&lookup.key)),
            ),
        };
        let sql = format!(
            "SELECT pg_catalog.to_json({value}) FROM {} t{join} WHERE t.{}::text OPERATOR(pg_catalog.=) $1",
            root.template,
            ident(&root.template_key)
        );
        match self.db.json::<Option<String>>(&sql, &[self.template.into()])? {
            Some(status) if retired.values.contains(&status) => {
                Err(PlanError::Retired { template: self.template.to_owned(), status }.into())
            }
            _ => Ok(()),
        }
    }

    /// The first write: whoever comes second under SERIALIZABLE fails here and can try again.
    fn record(&self, version: i32) -> Result<()> {
        let options = serde_json::to_value(self.options).map_err(|error| Error::Internal(error.to_string()))?;
        let sql = format!(
            "INSERT INTO {} (instance, plan, template, run, idempotency_key, version, options) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.mapping.store("plan_run")
        );
        self.db.run(
            &sql,
            &[
                self.instance.into(),
                self.mapping.plan.as_str().into(),
                self.template.into(),
                self.run.into(),
                self.options.idempotency_key.as_str().into(),
                version.into(),
                pgrx::JsonB(options).into(),
            ],
        )?;
        Ok(())
    }

    fn empty_groups(&self, tree: &Tree, stays: &[bool], report: &mut Report) {
        let kind = |at: usize| self.mapping.levels[tree.nodes[at].level].kind;
        let mut holds_task: Vec<bool> = (0..stays.len()).map(|at| stays[at] && kind(at) == Kind::Task).collect();
        let mut empty: BTreeMap<&str, u64> = BTreeMap::new();
        // Parents stand before their children.
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            if let (true, Some(parent)) = (holds_task[at], node.parent) {
                holds_task[parent as usize] = true;
            }
            if stays[at] && !holds_task[at] {
                *empty.entry(&self.mapping.levels[node.level].level).or_default() += 1;
            }
        }
        let warnings = empty.iter().map(|(level, count)| format!("{count} rows of level \"{level}\" have no task"));
        report.warnings.extend(warnings);
    }

    fn missing_durations(&self, tree: &Tree, stays: &[bool], report: &mut Report) {
        for (position, level) in self.mapping.graph_levels().filter(|(_, l)| l.kind == Kind::Task) {
            let Some(at) = level.duration_minutes.as_ref().and_then(|d| level.copies.keys().position(|c| c == d))
            else {
                continue;
            };
            let nodes = tree.nodes.iter().zip(stays).filter(|(n, stays)| **stays && n.level == position);
            let missing = nodes.filter(|(n, _)| n.copied[at].is_none()).count();
            if missing > 0 {
                report.warnings.push(format!(
                    "{missing} rows of level \"{}\" have no duration: the sum of their items counts",
                    level.level
                ));
            }
        }
    }
}
