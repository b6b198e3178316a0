use serde::{Deserialize, Serialize};

use super::{Origin, QName, is_default};

/// Function, procedure, aggregate or window function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionKind {
    /// `CREATE FUNCTION`.
    #[default]
    Function,
    /// `CREATE PROCEDURE`.
    Procedure,
    /// `CREATE AGGREGATE`.
    Aggregate,
    /// `CREATE FUNCTION ... WINDOW`.
    Window,
}

/// One argument of a function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Argument {
    /// `in`, `out`, `inout`, `variadic` or `table`.
    pub mode: String,
    /// Name, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Type as `format_type` prints it.
    #[serde(rename = "type")]
    pub ty: String,
    /// Default expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A function, procedure or aggregate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Function {
    /// Qualified name.
    #[serde(flatten)]
    pub name: QName,
    /// What it is.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: FunctionKind,
    /// Arguments in order, `TABLE` columns included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Return type; `SETOF` in front where it is a set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// `sql`, `plpgsql`, `c`, ...
    pub language: String,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: String,
    /// `STRICT`.
    #[serde(skip_serializing_if = "is_default")]
    pub strict: bool,
    /// `SECURITY DEFINER`.
    #[serde(skip_serializing_if = "is_default")]
    pub security_definer: bool,
    /// `LEAKPROOF`.
    #[serde(skip_serializing_if = "is_default")]
    pub leakproof: bool,
    /// `safe`, `restricted` or `unsafe`.
    pub parallel: String,
    /// `SET name = value` clauses, as `name=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Source text; empty for `BEGIN ATOMIC` bodies and C functions.
    #[serde(skip_serializing_if = "is_default")]
    pub body: String,
    /// `COMMENT ON FUNCTION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Place of declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Function {
    /// Types of the input arguments: what tells overloads apart.
    pub fn input_types(&self) -> Vec<&str> {
        self.arguments.iter().filter(|a| !matches!(a.mode.as_str(), "out" | "table")).map(|a| a.ty.as_str()).collect()
    }

    /// `schema.name(type, type)`.
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.input_types().join(", "))
    }
}
