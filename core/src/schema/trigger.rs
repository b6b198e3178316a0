use serde::{Deserialize, Serialize};

use super::{Origin, QName, is_default};

/// A trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// `BEFORE`, `AFTER` or `INSTEAD OF`.
    pub timing: String,
    /// `INSERT`, `UPDATE`, `DELETE`, `TRUNCATE`, in this order.
    pub events: Vec<String>,
    /// Columns of `UPDATE OF`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_of: Vec<String>,
    /// `FOR EACH ROW`; otherwise once a statement.
    #[serde(skip_serializing_if = "is_default")]
    pub for_each_row: bool,
    /// Function called.
    pub function: QName,
    /// Its literal arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// `WHEN` condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Transition table of old rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_table: Option<String>,
    /// Transition table of new rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_table: Option<String>,
    /// `CREATE CONSTRAINT TRIGGER`.
    #[serde(skip_serializing_if = "is_default")]
    pub constraint: bool,
    /// `DEFERRABLE`.
    #[serde(skip_serializing_if = "is_default")]
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    #[serde(skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// When it fires.
    #[serde(skip_serializing_if = "is_default")]
    pub enabled: TriggerEnabled,
    /// `COMMENT ON TRIGGER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `ALTER TABLE ... ENABLE | DISABLE TRIGGER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerEnabled {
    /// Fires unless `session_replication_role` is `replica`.
    #[default]
    Origin,
    /// Never fires.
    Disabled,
    /// Fires only for replicated changes.
    Replica,
    /// Fires for both.
    Always,
}

/// A row-level security policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// `AS RESTRICTIVE`.
    #[serde(skip_serializing_if = "is_default")]
    pub restrictive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// Roles; `public` alone where none was written.
    pub roles: Vec<String>,
    /// `USING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    /// `WITH CHECK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// `COMMENT ON POLICY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
