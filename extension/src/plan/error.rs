//! What a user of plans is told.

use pgrx::PgSqlErrorCode as Code;

/// An error of the plan engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("there is no plan called \"{name}\"")]
    UnknownPlan { name: String, known: Vec<String> },
    #[error("no registered plan has a template with the key {}", shown(template))]
    UnknownTemplate { template: String },
    #[error("no registered plan has an instance with the key {instance}")]
    UnknownInstance { instance: String },
    #[error("{table} has no row with the key {}", shown(run))]
    UnknownRun { table: String, run: String },
    #[error("template {template} is retired")]
    Retired { template: String, status: String },
    #[error("run {run} is meant for template {meant}, not for {template}")]
    OtherTemplate { run: String, meant: String, template: String },
    #[error("the status \"{status}\" of level \"{level}\" does not exist")]
    NoStatus { level: String, status: String, table: String },
    #[error("the plan waits for itself: {path}")]
    Cycle { path: String },
    #[error("wrong options: {message}")]
    Options { message: String },
    #[error("overrides[{at}]: {message}")]
    Override { at: usize, message: String, known: Vec<String> },
    #[error("row {node} of level \"{level}\" waits for {predecessor}, which is left out")]
    LeftOut { level: String, node: String, predecessor: String },
    #[error("template {template} was instantiated for run {run} with other options")]
    OtherOptions { template: String, run: String, first: String, now: String },
    #[error("mapping of plan \"{plan}\": {message}")]
    Mapping { plan: String, message: String },
    #[error("plan \"{plan}\" was registered by {owner}")]
    NotYours { plan: String, owner: String },
    #[error("permission denied to register plan \"{plan}\"")]
    NotRegistrar { plan: String, role: String, database: String },
    #[error("{} is in the plans {}", shown(key), plans.join(" and "))]
    SeveralPlans { key: String, plans: Vec<String> },
    #[error("instance {instance} has no record of its template")]
    NoLineage { instance: String },
    #[error("{argument} must not be null")]
    Null { argument: &'static str },
    #[error("{what}")]
    Argument { what: String, hint: String },
    #[error("execution of instance {instance} has begun")]
    Frozen { instance: String },
    #[error("execution of instance {instance} has begun: its template and its run stay")]
    Moved { instance: String },
}

/// An argument that a caller has to pass.
pub(super) fn given<T>(value: Option<T>, argument: &'static str) -> crate::error::Result<T> {
    Ok(value.ok_or(PlanError::Null { argument })?)
}

/// A key as a message shows it.
fn shown(key: &str) -> String {
    let mut shown: String = key.chars().take(100).collect();
    if shown.len() < key.len() {
        shown.push('…');
    }
    if shown.is_empty() { "\"\"".to_owned() } else { shown }
}

impl PlanError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::UnknownPlan { .. } => Code::ERRCODE_UNDEFINED_OBJECT,
            Self::UnknownTemplate { .. } | Self::UnknownInstance { .. } | Self::UnknownRun { .. } => {
                Code::ERRCODE_NO_DATA_FOUND
            }
            Self::Retired { .. }
            | Self::OtherTemplate { .. }
            | Self::NoStatus { .. }
            | Self::OtherOptions { .. }
            | Self::NoLineage { .. }
            | Self::SeveralPlans { .. }
            | Self::Frozen { .. }
            | Self::Moved { .. } => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::Cycle { .. } | Self::LeftOut { .. } => Code::ERRCODE_CHECK_VIOLATION,
            Self::Options { .. } | Self::Override { .. } | Self::Mapping { .. } | Self::Argument { .. } => {
                Code::ERRCODE_INVALID_PARAMETER_VALUE
            }
            Self::Null { .. } => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Self::NotYours { .. } | Self::NotRegistrar { .. } => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        }
    }

    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::UnknownPlan { known, .. } if known.is_empty() => Some("None is registered.".to_owned()),
            Self::UnknownPlan { known, .. } => Some(format!("Known: {}.", known.join(", "))),
            Self::Retired { status, .. } => Some(format!("Its status is {status}.")),
            Self::Override { known, .. } if !known.is_empty() => Some(format!("Known: {}.", known.join(", "))),
            Self::OtherOptions { first, now, .. } => Some(format!("First: {first}. Now: {now}.")),
            Self::NotRegistrar { role, database, .. } => Some(format!(
                "Plans are looked for in the tables of all that are registered; role {role} lacks CREATE on database {database}."
            )),
            Self::NoStatus { table, .. } => Some(format!("New rows start with it; {table} has no such row.")),
            _ => None,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownPlan { .. } => Some("SELECT plan FROM canon.plan;".to_owned()),
            Self::UnknownTemplate { .. } => {
                Some("SELECT plan, template, template_key FROM canon.plan_mapping WHERE kind = 'plan';".to_owned())
            }
            Self::UnknownInstance { .. } => {
                Some("SELECT plan, instance, instance_key FROM canon.plan_mapping WHERE kind = 'plan';".to_owned())
            }
            Self::UnknownRun { table, .. } => Some(format!("SELECT * FROM {table};")),
            Self::OtherTemplate { .. } => Some("Pass options => '{\"force\": true}' to do it all the same.".to_owned()),
            Self::OtherOptions { .. } => Some(
                "Pass another \"idempotency_key\" for a second instance, or the first options for a report on this one."
                    .to_owned(),
            ),
            Self::LeftOut { .. } => {
                Some("Pass options => '{\"outside\": \"bridge\"}' to wait for what comes before it.".to_owned())
            }
            Self::Options { .. } => Some(
                "Known keys: plan, idempotency_key, overrides, empty, outside, unscoped, force, created_by.".to_owned(),
            ),
            Self::Cycle { .. } => Some("Clear one of these predecessors.".to_owned()),
            Self::NotRegistrar { role, database, .. } => {
                Some(format!("GRANT CREATE ON DATABASE {} TO {};", pgrx::spi::quote_identifier(database), pgrx::spi::quote_identifier(role)))
            }
            Self::SeveralPlans { plans, .. } => {
                Some(format!("SELECT * FROM canon.plan WHERE plan IN ({});", plans.iter().map(pgrx::spi::quote_literal).collect::<Vec<_>>().join(", ")))
            }
            Self::NotYours { owner, .. } => Some(format!("SET ROLE {};", pgrx::spi::quote_identifier(owner))),
            Self::Argument { hint, .. } => Some(hint.clone()),
            Self::Frozen { instance } => Some(format!(
                "SELECT * FROM canon.plan_resync('{instance}', 'apply', force => true); -- follows the template all the same"
            )),
            Self::Moved { .. } => Some("Make another instance: canon.plan_instantiate().".to_owned()),
            _ => None,
        }
    }
}
