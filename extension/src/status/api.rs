//! The SQL functions.

use std::collections::BTreeMap;

use canon_core::status::{Machine, dot, mermaid};
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, PgRelation, PgSqlErrorCode as Code};

use super::error::{Error, Result as StatusResult};
use super::setup::Setup;
use super::{check, define, fire, guard, migrate, refusal, report};

#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe, requires = ["status_tables"])]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_define(
    definition: &str,
) -> Result<TableIterator<'static, (name!(machine, String), name!(version, i32), name!(action, String))>, ErrorReport> {
    let rows = define::define(definition)?;
    Ok(TableIterator::new(
        rows.into_iter().map(|(name, version, action)| (name, version, action.to_owned())).collect::<Vec<_>>(),
    ))
}

#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_apply(
    definition: &str,
) -> Result<TableIterator<'static, (name!(kind, String), name!(object, String), name!(action, String))>, ErrorReport> {
    let rows = define::apply(definition)?;
    Ok(TableIterator::new(
        rows.into_iter().map(|(kind, object, action)| (kind, object, action.to_owned())).collect::<Vec<_>>(),
    ))
}

#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn status_drop(machine: &str) -> Result<(), ErrorReport> {
    Ok(define::drop(machine)?)
}

#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "named arguments of SQL")]
fn status_guard(
    relation: PgRelation,
    column_name: &str,
    machine: &str,
    version: default!(Option<i32>, "NULL"),
    history: default!(bool, "true"),
    history_table: default!(Option<&str>, "NULL"),
    deferred: default!(bool, "false"),
    label_column: default!(Option<String>, "NULL"),
    version_column: default!(Option<String>, "NULL"),
) -> Result<&'static str, ErrorReport> {
    let history_table = history_table.map(qualified).transpose()?;
    let setup = Setup {
        column: column_name.to_owned(),
        machine: machine.to_owned(),
        version,
        history: history_table.filter(|_| history),
        deferred,
        label_column,
        version_column,
    };
    if setup.version.is_some() && setup.version_column.is_some() {
        return Err(Error::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "version pins all rows, version_column pins each: give one of them",
        )
        .into());
    }
    let relation = relation_of(relation);
    Ok(guard::guard(relation, setup, history)?)
}

#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn status_unguard(
    relation: PgRelation,
    column_name: default!(Option<&str>, "NULL"),
) -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let relation = relation_of(relation);
    Ok(SetOfIterator::new(guard::unguard(relation, column_name)?))
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_check(
    relation: PgRelation,
    column_name: &str,
    machine: &str,
    mapping: default!(Option<JsonB>, "NULL"),
    label_column: default!(Option<&str>, "NULL"),
) -> Result<TableIterator<'static, (name!(value, Option<String>), name!(rows, i64), name!(problem, String))>, ErrorReport>
{
    let mapping = mapping_of(mapping)?;
    Ok(TableIterator::new(check::check(relation_of(relation), column_name, machine, label_column, &mapping)?))
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_permitted(
    relation: PgRelation,
    key: &str,
    column_name: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(column_name, String),
            name!(from_state, Option<String>),
            name!(to_state, String),
            name!(event, Option<String>),
            name!(allowed, bool),
            name!(why_not, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(fire::permitted(relation_of(relation), key, column_name)?))
}

#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn status_fire(
    relation: PgRelation,
    key: &str,
    event: &str,
    reason: default!(Option<&str>, "NULL"),
    column_name: default!(Option<&str>, "NULL"),
) -> Result<String, ErrorReport> {
    Ok(fire::fire(relation_of(relation), key, event, reason, column_name)?)
}

#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn status_migrate(
    relation: PgRelation,
    column_name: default!(Option<&str>, "NULL"),
    mapping: default!(Option<JsonB>, "NULL"),
    reason: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let mapping = mapping_of(mapping)?;
    Ok(migrate::migrate(relation_of(relation), column_name, &mapping, reason)?)
}

#[pg_extern(schema = "canon", volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn status_refusals_flush() -> Result<i64, ErrorReport> {
    Ok(refusal::flush()?)
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_history(
    relation: PgRelation,
    key: default!(Option<&str>, "NULL"),
    column_name: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(id, i64),
            name!(column_name, String),
            name!(key, String),
            name!(version, i32),
            name!(from_state, Option<String>),
            name!(to_state, String),
            name!(event, Option<String>),
            name!(reason, Option<String>),
            name!(bypassed, bool),
            name!(changed_by, String),
            name!(session_by, String),
            name!(actor, Option<String>),
            name!(changed_at, TimestampWithTimeZone),
            name!(time_in_state, Option<Interval>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(report::history(relation_of(relation), key, column_name)?))
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_durations(
    relation: PgRelation,
    column_name: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(state, String),
            name!(visits, i64),
            name!(still_there, i64),
            name!(total, Option<Interval>),
            name!(average, Option<Interval>),
            name!(median, Option<Interval>),
            name!(p95, Option<Interval>),
            name!(longest, Option<Interval>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(report::durations(relation_of(relation), column_name)?))
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
fn status_graph(
    machine: &str,
    format: default!(&str, "'mermaid'"),
    version: default!(Option<i32>, "NULL"),
) -> Result<String, ErrorReport> {
    let (_, machine) = check::stored(machine, version)?;
    match format {
        "mermaid" => Ok(mermaid(&machine)),
        "dot" => Ok(dot(&machine)),
        other => Err(Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, format!("there is no format \"{other}\""))
            .detail("Formats: mermaid, dot.")
            .into()),
    }
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_states(
    machine: &str,
    version: default!(Option<i32>, "NULL"),
) -> Result<
    TableIterator<'static, (name!(state, String), name!(value, String), name!(initial, bool), name!(terminal, bool))>,
    ErrorReport,
> {
    let (_, machine) = check::stored(machine, version)?;
    let row = |state: &String| {
        let value = machine.value(state).to_owned();
        (state.clone(), value, machine.initial.contains(state), machine.terminal.contains(state))
    };
    Ok(TableIterator::new(machine.states.iter().map(row).collect::<Vec<_>>()))
}

#[pg_extern(schema = "canon", stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn status_transitions(
    machine: &str,
    version: default!(Option<i32>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(from_state, String),
            name!(to_state, String),
            name!(event, String),
            name!(roles, Vec<String>),
            name!(requires, Vec<String>),
            name!(requires_reason, bool),
            name!(guards, Vec<String>),
            name!(sets, JsonB),
        ),
    >,
    ErrorReport,
> {
    let (_, machine) = check::stored(machine, version)?;
    Ok(TableIterator::new(transitions(&machine)?))
}

type TransitionRow = (String, String, String, Vec<String>, Vec<String>, bool, Vec<String>, JsonB);

fn transitions(machine: &Machine) -> StatusResult<Vec<TransitionRow>> {
    let row = |(from, to, t): (&str, &str, &canon_core::status::Transition)| {
        let sets = serde_json::to_value(&t.set).map_err(|error| Error::internal(error.to_string()))?;
        Ok((
            from.to_owned(),
            to.to_owned(),
            t.event.clone(),
            t.roles.clone(),
            t.requires.clone(),
            t.requires_reason,
            t.guards.clone(),
            JsonB(sets),
        ))
    };
    machine.changes().map(row).collect()
}

/// The OID of a relation argument, which is let go of: the functions lock it as they need.
fn relation_of(relation: PgRelation) -> pg_sys::Oid {
    relation.oid()
}

/// `{"OLD": "NEW"}`.
fn mapping_of(mapping: Option<JsonB>) -> StatusResult<BTreeMap<String, String>> {
    let Some(mapping) = mapping else { return Ok(BTreeMap::new()) };
    serde_json::from_value(mapping.0).map_err(|error| {
        Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, format!("the mapping is no object of texts: {error}"))
            .hint("SELECT jsonb_build_object('old state', 'new state');")
    })
}

/// The name of a table that may not exist yet, quoted; its schema must be named.
fn qualified(name: &str) -> StatusResult<String> {
    let parts = Spi::connect(|client| {
        client.select("SELECT pg_catalog.parse_ident($1)", Some(1), &[name.into()])?.first().get_one::<Vec<String>>()
    })
    .map_err(Error::from)?;
    match parts.as_deref() {
        Some([schema, table]) => Ok(pgrx::spi::quote_qualified_identifier(schema, table)),
        _ => Err(Error::new(Code::ERRCODE_INVALID_NAME, format!("{name} must be written schema.table"))),
    }
}
