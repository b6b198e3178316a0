use serde::{Deserialize, Serialize};

use super::{Column, Constraint, Index, Origin, QName, Trigger, is_default};

/// A view or materialised view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// `MATERIALIZED`.
    #[serde(skip_serializing_if = "is_default")]
    pub materialized: bool,
    /// Columns as far as they are known; the type is empty where it is not derivable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// The query.
    pub query: String,
    /// Indexes of a materialised view.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// Triggers (`INSTEAD OF`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// `security_invoker`, `security_barrier`, `check_option`, as `key=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// `COMMENT ON VIEW`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `CREATE TYPE ... AS ENUM`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnumType {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// Labels in sort order.
    pub labels: Vec<String>,
    /// `COMMENT ON TYPE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `CREATE DOMAIN`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Domain {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// Base type as `format_type` prints it.
    #[serde(rename = "type")]
    pub ty: String,
    /// `NOT NULL`.
    #[serde(skip_serializing_if = "is_default")]
    pub not_null: bool,
    /// `DEFAULT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Collation, where it is not the base type's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<QName>,
    /// Checks; the value is called `VALUE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Constraint>,
    /// `COMMENT ON DOMAIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `CREATE TYPE ... AS (...)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Composite {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// Attributes in order.
    pub columns: Vec<Column>,
    /// `COMMENT ON TYPE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `CREATE TYPE ... AS RANGE`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeType {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// Element type.
    pub subtype: String,
    /// Multirange type that came with it; PostgreSQL's own choice of name where none was written.
    pub multirange: QName,
    /// `COMMENT ON TYPE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
