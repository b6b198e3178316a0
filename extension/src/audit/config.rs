//! How a table is recorded. The settings are the argument of its trigger, so they travel with the
//! table through renames, dumps and restores, and a change of them reaches every session with the
//! table's definition.

use serde::{Deserialize, Serialize};

/// Name of the row trigger.
pub(super) const ROW_TRIGGER: &str = "canon_audit_row";
/// Name of the statement trigger.
pub(super) const TRUNCATE_TRIGGER: &str = "canon_audit_truncate";

/// Where the chain of an entry is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// After commit, by sealing.
    #[default]
    Sealed,
    /// Also inside the transaction: one chain, writers wait for each other.
    Strict,
    /// Also inside the transaction: sixteen chains.
    Lanes,
}

impl Mode {
    /// Reads the argument of `canon.audit_enable`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "sealed" => Some(Self::Sealed),
            "strict" => Some(Self::Strict),
            "lanes" => Some(Self::Lanes),
            _ => None,
        }
    }

    /// Number of chains inside transactions; lane 0 is the strict one.
    pub(super) fn lanes(self) -> Option<std::ops::Range<i32>> {
        match self {
            Self::Sealed => None,
            Self::Strict => Some(0..1),
            Self::Lanes => Some(1..17),
        }
    }
}

/// Settings of a recorded table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Config {
    /// `canon.audit_table.id`, 32 hexadecimal digits and hyphens.
    pub(super) id: String,
    #[serde(default)]
    pub(super) mode: Mode,
    /// Only these columns; all where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) include: Option<Vec<String>>,
    /// Not these columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) exclude: Vec<String>,
    /// Of these only that they were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) redacted: Vec<String>,
    /// Columns that identify a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) key: Vec<String>,
    /// Column whose values have a chain each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) chain_by: Option<String>,
    /// Whole rows before and after an update, not only what changed.
    #[serde(default)]
    pub(super) full_images: bool,
    /// Also what logical replication and `session_replication_role = replica` write.
    #[serde(default)]
    pub(super) always: bool,
    /// The table is itself a log: its rows get their links, and are never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<LogColumns>,
}

/// Columns of a log table that the ledger fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogColumns {
    /// Text column for the hash of the entry before.
    pub(super) previous_hash: String,
    /// Text column for the hash of the entry.
    pub(super) chain_hash: String,
    /// Boolean column for the verdict of verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified: Option<String>,
}

impl LogColumns {
    /// Whether the ledger fills this column.
    pub(super) fn holds(&self, column: &str) -> bool {
        [Some(&self.previous_hash), Some(&self.chain_hash), self.verified.as_ref()]
            .into_iter()
            .flatten()
            .any(|c| c == column)
    }
}
