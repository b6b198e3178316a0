//! A type that is not generated: `canon.toml` names it for columns called `metadata`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a program keeps beside a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metadata {
    /// Where the row came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: BTreeMap<String, String>,
}
