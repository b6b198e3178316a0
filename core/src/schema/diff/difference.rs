use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema::ConstraintKind;

/// What a [`Difference`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ObjectKind {
    Schema,
    Extension,
    Table,
    Column,
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    Exclusion,
    Index,
    Trigger,
    Policy,
    View,
    Enum,
    Domain,
    Composite,
    Range,
    Sequence,
    Function,
    Grant,
    Opaque,
}

impl ObjectKind {
    /// The word people use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Table => "table",
            Self::Column => "column",
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::Check => "check",
            Self::Exclusion => "exclusion",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::View => "view",
            Self::Enum => "enum",
            Self::Domain => "domain",
            Self::Composite => "composite type",
            Self::Range => "range type",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::Grant => "grant",
            Self::Opaque => "object",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl From<ConstraintKind> for ObjectKind {
    fn from(kind: ConstraintKind) -> Self {
        match kind {
            ConstraintKind::Primary => Self::PrimaryKey,
            ConstraintKind::Unique => Self::Unique,
            ConstraintKind::Foreign => Self::ForeignKey,
            ConstraintKind::Check => Self::Check,
            ConstraintKind::Exclusion => Self::Exclusion,
        }
    }
}

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Expected, not found.
    Missing,
    /// Found, not expected.
    Extra,
    /// Found with another value.
    Altered {
        /// Which property.
        attribute: String,
        /// Its expected value.
        expected: String,
        /// Its value as found.
        found: String,
    },
}

/// Where an object is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One difference between two models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What kind of object.
    pub kind: ObjectKind,
    /// Its name as people write it: `schema.table.column`, `schema.table: constraint`.
    pub object: String,
    /// What is different about it.
    #[serde(flatten)]
    pub change: Change,
    /// Where the expected object is declared; None where it came from a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Place>,
    /// Where the found object is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Place>,
    /// Of a missing object: the extra one that is likely the same, renamed. Of an extra one: the
    /// missing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Missing => write!(f, "{} {} is missing", self.kind, self.object),
            Change::Extra => write!(f, "{} {} is not expected", self.kind, self.object),
            Change::Altered { attribute, expected, found } => {
                write!(f, "{} {}: {attribute} is {found}, expected {expected}", self.kind, self.object)
            }
        }
    }
}
