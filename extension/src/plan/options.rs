//! The options of `canon.plan_instantiate`.

use canon_core::plan::Outside;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::PlanError;
use crate::error::Result;

/// What a caller may choose. Unknown keys are refused: a misspelt one must not be passed over.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    /// The hierarchy, where a key could belong to several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<String>,
    /// Tells several instances of one template in one run apart.
    pub(super) idempotency_key: String,
    /// Values that differ from the template's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) overrides: Vec<Override>,
    /// Groups that the filter has emptied.
    pub(super) empty: Empty,
    /// Predecessors that the filter has taken away.
    pub(super) outside: OutsideOption,
    /// Rows that name no kind of run.
    pub(super) unscoped: Unscoped,
    /// Even where the run is meant for another template.
    pub(super) force: bool,
    /// Who is recorded as the creator; the session's user otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_by: Option<String>,
}

/// Values of one row that differ from the template's.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Override {
    pub(super) level: String,
    /// Key of the template row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    /// Its code, instead of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    /// Columns of the instance with their values; null clears, what is absent stays.
    pub(super) set: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Empty {
    #[default]
    Keep,
    Prune,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutsideOption {
    #[default]
    Bridge,
    Drop,
    Error,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unscoped {
    /// They belong to every run.
    #[default]
    Keep,
    /// They belong to none.
    Skip,
}

impl From<OutsideOption> for Outside {
    fn from(option: OutsideOption) -> Self {
        match option {
            OutsideOption::Bridge => Self::Bridge,
            OutsideOption::Drop => Self::Drop,
            OutsideOption::Error => Self::Refuse,
        }
    }
}

/// Bytes of an idempotency key: it is part of an index.
const KEY_LIMIT: usize = 500;

impl Options {
    /// Reads what a caller passed.
    pub(super) fn read(options: Value) -> Result<Self> {
        if !options.is_object() {
            let message = "they are no JSON object".to_owned();
            return Err(PlanError::Options { message }.into());
        }
        let parsed: Self =
            serde_json::from_value(options).map_err(|error| PlanError::Options { message: error.to_string() })?;
        if parsed.idempotency_key.len() > KEY_LIMIT {
            let message = format!("the idempotency_key is longer than {KEY_LIMIT} bytes");
            return Err(PlanError::Options { message }.into());
        }
        for (at, one) in parsed.overrides.iter().enumerate() {
            if one.template.is_some() == one.code.is_some() {
                let message = format!("overrides[{at}] must name its row by \"template\" or by \"code\"");
                return Err(PlanError::Options { message }.into());
            }
        }
        Ok(parsed)
    }
}
