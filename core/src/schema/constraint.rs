use serde::{Deserialize, Serialize};

use super::{Origin, QName, is_default};

/// What a constraint is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintKind {
    /// `PRIMARY KEY`.
    Primary,
    /// `UNIQUE`.
    Unique,
    /// `FOREIGN KEY`.
    Foreign,
    /// `CHECK`.
    #[default]
    Check,
    /// `EXCLUDE`.
    Exclusion,
}

impl ConstraintKind {
    /// The word people use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Primary => "primary key",
            Self::Unique => "unique",
            Self::Foreign => "foreign key",
            Self::Check => "check",
            Self::Exclusion => "exclusion",
        }
    }
}

/// What happens to the referencing row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `NO ACTION`: refused at the end of the statement.
    #[default]
    NoAction,
    /// `RESTRICT`: refused at once.
    Restrict,
    /// `CASCADE`.
    Cascade,
    /// `SET NULL`.
    SetNull,
    /// `SET DEFAULT`.
    SetDefault,
}

impl Action {
    /// As SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

/// `MATCH` of a foreign key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// A NULL in any column lifts the check.
    #[default]
    Simple,
    /// All columns NULL, or none.
    Full,
}

/// The far side of a foreign key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct References {
    /// Referenced table.
    pub table: QName,
    /// Referenced columns, in key order.
    pub columns: Vec<String>,
    /// `ON DELETE`.
    #[serde(skip_serializing_if = "is_default")]
    pub on_delete: Action,
    /// `ON UPDATE`.
    #[serde(skip_serializing_if = "is_default")]
    pub on_update: Action,
    /// Column list of `ON DELETE SET NULL (...)` or `SET DEFAULT (...)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_delete_columns: Vec<String>,
    /// `MATCH`.
    #[serde(rename = "match", skip_serializing_if = "is_default")]
    pub matching: Match,
    /// The last column is a `PERIOD` (PostgreSQL 18).
    #[serde(skip_serializing_if = "is_default")]
    pub period: bool,
}

/// A constraint of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraint {
    /// Its name; PostgreSQL's own choice where none was written.
    pub name: String,
    /// What it is.
    pub kind: ConstraintKind,
    /// Key columns (not for checks).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// `INCLUDE` columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// `NULLS NOT DISTINCT`.
    #[serde(skip_serializing_if = "is_default")]
    pub nulls_not_distinct: bool,
    /// `WITHOUT OVERLAPS` on the last column (PostgreSQL 18).
    #[serde(skip_serializing_if = "is_default")]
    pub without_overlaps: bool,
    /// Far side of a foreign key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<References>,
    /// Expression of a check; text of an exclusion from `USING` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// `NO INHERIT` (checks).
    #[serde(skip_serializing_if = "is_default")]
    pub no_inherit: bool,
    /// Taken over from a parent, not declared here.
    #[serde(skip_serializing_if = "is_default")]
    pub inherited: bool,
    /// `NOT VALID` and never validated.
    #[serde(skip_serializing_if = "is_default")]
    pub not_valid: bool,
    /// `NOT ENFORCED` (checks and foreign keys, PostgreSQL 18).
    #[serde(skip_serializing_if = "is_default")]
    pub not_enforced: bool,
    /// `DEFERRABLE`.
    #[serde(skip_serializing_if = "is_default")]
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    #[serde(skip_serializing_if = "is_default")]
    pub initially_deferred: bool,
    /// `COMMENT ON CONSTRAINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
