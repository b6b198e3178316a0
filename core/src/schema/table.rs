use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintKind, Index, Origin, Policy, QName, References, Trigger, is_default};

/// What kind of relation a [`Table`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// `relkind` r.
    #[default]
    Ordinary,
    /// `relkind` p: has a partition key.
    Partitioned,
    /// `relkind` f.
    Foreign,
}

/// A table with everything that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// Ordinary, partitioned or foreign.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: TableKind,
    /// `UNLOGGED`.
    #[serde(skip_serializing_if = "is_default")]
    pub unlogged: bool,
    /// Columns in attribute order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// Constraints in the order of declaration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Indexes that no constraint made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// Triggers people made (no internal ones).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// `ENABLE ROW LEVEL SECURITY`.
    #[serde(skip_serializing_if = "is_default")]
    pub row_security: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    #[serde(skip_serializing_if = "is_default")]
    pub force_row_security: bool,
    /// Row-level security policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Partition key as text, for example `RANGE (created_at)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Parent and bound, where this is a partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<PartitionOf>,
    /// Parents of plain inheritance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<QName>,
    /// Composite type of a typed table (`CREATE TABLE ... OF`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_type: Option<QName>,
    /// Server of a foreign table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `COMMENT ON TABLE`, or the comment written above the declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The comment is one of the source text, which the catalogue of a database does not hold.
    #[serde(skip_serializing_if = "is_default")]
    pub comment_inline: bool,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Columns of the primary key, empty where there is none.
    pub fn primary_key(&self) -> &[String] {
        self.constraints.iter().find(|c| c.kind == ConstraintKind::Primary).map_or(&[], |c| c.columns.as_slice())
    }

    /// All foreign keys.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&Constraint, &References)> {
        self.constraints.iter().filter_map(|c| Some((c, c.references.as_ref()?)))
    }
}

/// Parent and bound of a partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionOf {
    /// The partitioned table.
    pub parent: QName,
    /// `FOR VALUES ...` or `DEFAULT`.
    pub bound: String,
}

/// When a generated column is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneratedKind {
    /// On write.
    Stored,
    /// On read (PostgreSQL 18).
    Virtual,
}

impl fmt::Display for GeneratedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "STORED",
            Self::Virtual => "VIRTUAL",
        })
    }
}

/// `GENERATED ALWAYS AS (expression)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// Stored or virtual.
    pub kind: GeneratedKind,
    /// The expression.
    pub expression: String,
}

/// `GENERATED ... AS IDENTITY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Values of the client are refused.
    Always,
    /// Values of the client win.
    ByDefault,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "ALWAYS",
            Self::ByDefault => "BY DEFAULT",
        })
    }
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Type as `format_type` prints it, for example `character varying(50)` or `saas.mood[]`.
    #[serde(rename = "type")]
    pub ty: String,
    /// `NOT NULL`, by itself or through a primary key or identity.
    #[serde(skip_serializing_if = "is_default")]
    pub not_null: bool,
    /// Default expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Generation expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// Identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Collation, where it is not the type's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<QName>,
    /// Taken over from a parent, not declared here.
    #[serde(skip_serializing_if = "is_default")]
    pub inherited: bool,
    /// `COMMENT ON COLUMN`, or the comment written next to the declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The comment is one of the source text, which the catalogue of a database does not hold.
    #[serde(skip_serializing_if = "is_default")]
    pub comment_inline: bool,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
