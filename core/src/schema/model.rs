use serde::{Deserialize, Serialize};

use super::{
    ColumnRef, Composite, Domain, EnumType, Function, Grant, Origin, QName, RangeType, Table, View, is_default,
};

/// A whole schema. Vectors keep the order of declaration; every name is unique in its vector
/// (functions: name and argument types).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    /// Source files, in the order they were read; [`Origin::file`] points here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Namespaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<Schema>,
    /// Installed extensions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// Tables: ordinary, partitioned, partitions and foreign tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Views and materialised views.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<View>,
    /// Enumerated types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enums: Vec<EnumType>,
    /// Domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// Free-standing composite types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub composites: Vec<Composite>,
    /// Range types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeType>,
    /// Sequences, without the internal ones of identity columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<Sequence>,
    /// Functions, procedures and aggregates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// Privileges that were granted, and default ones that were taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Known objects that are kept as text only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<Opaque>,
}

impl Model {
    /// The table of that name.
    pub fn table(&self, name: &QName) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == *name)
    }
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// `COMMENT ON SCHEMA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `CREATE EXTENSION`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Schema it was put into, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `COMMENT ON EXTENSION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A sequence. Bounds are always filled in, as the catalogue does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// `smallint`, `integer` or `bigint`.
    #[serde(rename = "type")]
    pub ty: String,
    /// First value.
    pub start: i64,
    /// Step.
    pub increment: i64,
    /// Lowest value.
    pub min: i64,
    /// Highest value.
    pub max: i64,
    /// Values a session takes at a time.
    pub cache: i64,
    /// Starts over at the end.
    #[serde(skip_serializing_if = "is_default")]
    pub cycle: bool,
    /// `OWNED BY`: table and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<ColumnRef>,
    /// `COMMENT ON SEQUENCE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A known object that is kept as text: operators, casts, aggregates' bodies, rules, ...
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opaque {
    /// `operator`, `cast`, `rule`, ...
    pub kind: String,
    /// Name as written.
    pub name: String,
    /// The statement.
    pub text: String,
    /// `COMMENT ON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
