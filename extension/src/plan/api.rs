//! The SQL functions that make hierarchies known, and that copy, compare and change templates and
//! instances as wholes.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};

use super::check::{Problem, check};
use super::drift::{self, Drift};
use super::error::given;
use super::resync::{Outcome, resync};
use super::sql::{Db, comparing, connected};
use super::{PlanError, ids, import, instantiate, register, revise};
use crate::error;

/// Key of the copy of a template row: version 5 of `name` in the name space of the instance.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn plan_id(instance: Uuid, name: &str) -> Uuid {
    ids::of_name(instance, name)
}

/// Makes a hierarchy known.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_register(plan: Option<&str>, definition: Option<JsonB>) -> Result<i32, ErrorReport> {
    Ok(connected(|| register::register(given(plan, "plan")?, given(definition, "definition")?.0))?)
}

/// Creates the triggers of a registered plan.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_protect(plan: Option<&str>) -> Result<i32, ErrorReport> {
    Ok(connected(|| register::protect(given(plan, "plan")?))?)
}

/// Creates the tables that keep the lineage of instances.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_store(schema: Option<&str>) -> Result<(), ErrorReport> {
    Ok(connected(|| register::create_store(given(schema, "schema")?))?)
}

/// Forgets a hierarchy.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_unregister(plan: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(connected(|| register::unregister(given(plan, "plan")?))?)
}

/// Copies a template for a run.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_instantiate(
    template: Option<&str>,
    run: Option<&str>,
    options: default!(Option<JsonB>, "'{}'"),
) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(comparing(|| {
        instantiate::instantiate(given(template, "template")?, given(run, "run")?, given(options, "options")?.0)
    })?))
}

/// Copies a template for a run, both with keys of type uuid.
#[pg_extern(schema = "canon", name = "plan_instantiate", volatile, parallel_unsafe)]
fn plan_instantiate_uuid(
    template: Option<Uuid>,
    run: Option<Uuid>,
    options: default!(Option<JsonB>, "'{}'"),
) -> Result<JsonB, ErrorReport> {
    let (template, run) = (template.map(|t| t.to_string()), run.map(|r| r.to_string()));
    plan_instantiate(template.as_deref(), run.as_deref(), options)
}

/// Whether a mode says to change something, or only to show it.
fn applies(mode: Option<&str>, of: &str) -> error::Result<bool> {
    match given(mode, "mode")? {
        "preview" => Ok(false),
        "apply" => Ok(true),
        other => Err(PlanError::Argument {
            what: format!("\"{other}\" is no mode of {of}"),
            hint: "Modes: preview, apply.".to_owned(),
        }
        .into()),
    }
}

/// How an instance differs from its template.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_drift(
    instance: Uuid,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(template, String),
            name!(node, Option<Uuid>),
            name!(kind, String),
            name!(field, Option<String>),
            name!(template_value, Option<String>),
            name!(instance_value, Option<String>),
            name!(base_value, Option<String>),
            name!(overridden, bool),
            name!(started, bool),
        ),
    >,
    ErrorReport,
> {
    let found = comparing(|| drift::compare(&Db::reading(), instance))?;
    let row = |d: &Drift| {
        (
            found.instance.mapping.levels[d.level].level.clone(),
            d.template.clone(),
            d.node,
            d.kind.name().to_owned(),
            d.field.clone(),
            d.template_value.clone(),
            d.instance_value.clone(),
            d.base_value.clone(),
            d.overridden,
            d.started,
        )
    };
    Ok(TableIterator::new(found.rows.iter().map(row).collect::<Vec<_>>()))
}

/// Lets an instance follow its template.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_resync(
    instance: Option<Uuid>,
    mode: default!(Option<&str>, "'preview'"),
    force: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(template, String),
            name!(node, Option<Uuid>),
            name!(kind, String),
            name!(field, Option<String>),
            name!(template_value, Option<String>),
            name!(instance_value, Option<String>),
            name!(outcome, String),
        ),
    >,
    ErrorReport,
> {
    let found = comparing(|| resync(given(instance, "instance")?, applies(mode, "a resync")?, given(force, "force")?))?;
    let row = |d: &Drift| {
        (
            found.instance.mapping.levels[d.level].level.clone(),
            d.template.clone(),
            d.node,
            d.kind.name().to_owned(),
            d.field.clone(),
            d.template_value.clone(),
            d.instance_value.clone(),
            Outcome::of(d).name().to_owned(),
        )
    };
    Ok(TableIterator::new(found.rows.iter().map(row).collect::<Vec<_>>()))
}

/// What is wrong with a template.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_check(
    template: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(severity, String),
            name!(problem, String),
            name!(level, String),
            name!(key, String),
            name!(label, Option<String>),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    let problems = connected(|| check(&Db::reading(), template))?;
    let row = |p: Problem| (p.severity.to_owned(), p.problem.to_owned(), p.level, p.key, p.label, p.detail);
    Ok(TableIterator::new(problems.into_iter().map(row).collect::<Vec<_>>()))
}

/// Writes what an instance row has learnt into its template row.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_promote(
    instance: Option<Uuid>,
    node: Option<Uuid>,
    mode: default!(Option<&str>, "'preview'"),
    reason: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(field, String), name!(template_value, Option<String>), name!(instance_value, Option<String>)),
    >,
    ErrorReport,
> {
    let promoted = comparing(|| {
        let (instance, node) = (given(instance, "instance")?, given(node, "node")?);
        revise::promote(instance, node, applies(mode, "a promotion")?, reason)
    })?;
    Ok(TableIterator::new(promoted.into_iter().map(|p| (p.field, p.before, p.after)).collect::<Vec<_>>()))
}

/// Copies a template under another name.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_clone(template: Option<&str>, name: Option<&str>) -> Result<String, ErrorReport> {
    Ok(connected(|| revise::clone(given(template, "template")?, given(name, "name")?))?)
}

/// Imports a batch of staged rows into a template.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_import(
    batch: Option<Uuid>,
    partial: default!(Option<bool>, "false"),
    plan: default!(Option<&str>, "NULL"),
) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(connected(|| import::import(given(batch, "batch")?, given(partial, "partial")?, plan))?))
}

/// What is wrong with a batch of staged rows.
#[pg_extern(schema = "canon", stable, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_import_problems(
    batch: Option<Uuid>,
    plan: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(severity, String),
            name!(source, String),
            name!(row_key, String),
            name!(column_name, Option<String>),
            name!(value, Option<String>),
            name!(problem, String),
        ),
    >,
    ErrorReport,
> {
    let problems = connected(|| import::problems(given(batch, "batch")?, plan))?;
    let row = |p: import::Problem| (p.severity, p.source, p.row_key, p.column_name, p.value, p.problem);
    Ok(TableIterator::new(problems.into_iter().map(row).collect::<Vec<_>>()))
}
