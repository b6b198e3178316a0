use serde::{Deserialize, Serialize};

use super::{Origin, is_default, quote_ident};

/// What one role may do with one object: the state that GRANT and REVOKE leave behind.
///
/// What PostgreSQL gives by itself is not listed: everything to the owner, EXECUTE on routines and
/// USAGE on types to `public`. Where the latter was revoked, an entry without privileges says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grant {
    /// `table` (views too), `sequence`, `function`, `schema`, `type`, `language`, ...
    pub on: String,
    /// Schema of the object; empty where it is in none (a schema, a language).
    #[serde(skip_serializing_if = "is_default")]
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Input types of a routine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    /// Column, where the privilege is on one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The role, or `public`.
    pub grantee: String,
    /// `SELECT`, `INSERT`, ..., sorted.
    pub privileges: Vec<String>,
    /// Those of them that the role may pass on (`WITH GRANT OPTION`), sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grantable: Vec<String>,
    /// The grantee owns the object, so the entry says nothing that ownership does not (live only).
    #[serde(skip_serializing_if = "is_default")]
    pub owner: bool,
    /// Place of the last statement about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Grant {
    /// The object and the role: `table saas.users (email) to reader`.
    pub fn label(&self) -> String {
        let mut out = format!("{} ", self.on);
        if !self.schema.is_empty() {
            out.push_str(&quote_ident(&self.schema));
            out.push('.');
        }
        out.push_str(&quote_ident(&self.name));
        if let Some(arguments) = &self.arguments {
            out.push_str(&format!("({})", arguments.join(", ")));
        }
        if let Some(column) = &self.column {
            out.push_str(&format!(" ({})", quote_ident(column)));
        }
        format!("{out} to {}", quote_ident(&self.grantee))
    }
}
