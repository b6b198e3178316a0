use serde::Deserialize;

/// What the audit ledger records of a pack from the start: `audit.toml` in its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audited {
    /// Tables whose changes are recorded.
    #[serde(default, rename = "table")]
    pub tables: Vec<AuditedTable>,
    /// Log tables with hash columns of their own, which sealing fills.
    #[serde(default, rename = "log")]
    pub logs: Vec<AuditedLog>,
}

/// A table whose changes are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedTable {
    /// Schema and name.
    pub name: String,
    /// Columns of which is recorded that they were set, and not to what.
    #[serde(default)]
    pub redacted: Vec<String>,
    /// Columns that are not recorded.
    #[serde(default)]
    pub excluded: Vec<String>,
}

/// A log table that is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedLog {
    /// Schema and name.
    pub name: String,
    /// Column whose values have a chain each.
    pub chain_by: Option<String>,
}

impl Audited {
    /// Reads `audit.toml`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}
