use serde::{Deserialize, Serialize};

use super::{Origin, QName, is_default};

/// One key of an index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexKey {
    /// A column name...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// ...or an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Collation, where it is not the column's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<QName>,
    /// Operator class, where it is not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// `DESC`.
    #[serde(skip_serializing_if = "is_default")]
    pub descending: bool,
    /// `NULLS FIRST` (the default of `DESC` counts).
    #[serde(skip_serializing_if = "is_default")]
    pub nulls_first: bool,
}

/// An index that is not part of a constraint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    /// Its name; PostgreSQL's own choice where none was written.
    pub name: String,
    /// `UNIQUE`.
    #[serde(skip_serializing_if = "is_default")]
    pub unique: bool,
    /// `NULLS NOT DISTINCT`.
    #[serde(skip_serializing_if = "is_default")]
    pub nulls_not_distinct: bool,
    /// Access method; `btree` unless said otherwise.
    pub method: String,
    /// Keys in order.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE` columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// `WHERE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Made for one partition of a partitioned index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<QName>,
    /// `COMMENT ON INDEX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
