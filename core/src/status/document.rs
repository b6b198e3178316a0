use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::lint::{Finding, lint};
use super::machine::Machine;

/// A file of machines, and the columns that they govern.
///
/// ```toml
/// [[machine]]
/// name = "shop.order"
/// states = ["new", "paid", "shipped"]
/// initial = ["new"]
/// terminal = ["shipped"]
/// transitions = [
///     { event = "pay", from = "new", to = "paid" },
///     { event = "ship", from = "paid", to = "shipped", set = { shipped_at = "now" } },
/// ]
///
/// [[column]]
/// table = "shop.orders"
/// column = "status"
/// machine = "shop.order"
/// ```
///
/// A single machine may also stand alone, without the heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The machines.
    #[serde(default, rename = "machine")]
    pub machines: Vec<Machine>,
    /// The columns that they govern.
    #[serde(default, rename = "column")]
    pub columns: Vec<GuardedColumn>,
}

/// A column whose changes a machine governs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardedColumn {
    /// Table with its schema, as an SQL identifier.
    pub table: String,
    /// Column of the table, as it is: not quoted.
    pub column: String,
    /// Name of the machine.
    pub machine: String,
    /// Whether changes are recorded.
    #[serde(default = "yes")]
    pub history: bool,
    /// Whether guards run at the end of the transaction.
    #[serde(default)]
    pub deferred: bool,
    /// Column with the names of the states, in the table that the column refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// Column that pins each row to a version of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_column: Option<String>,
}

fn yes() -> bool {
    true
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It cannot be read; the message shows the place.
    #[error("{0}")]
    Syntax(String),
    /// It can be read, but makes no sense.
    #[error("machine \"{machine}\" has {} {}", findings.len(), if findings.len() == 1 { "fault" } else { "faults" })]
    Lint {
        /// Its name.
        machine: String,
        /// The faults.
        findings: Vec<Finding>,
    },
    /// Two machines of one name, or a column of an unknown machine.
    #[error("{0}")]
    Reference(String),
}

impl Document {
    /// Reads TOML, or JSON where the text begins with a brace, and examines every machine.
    pub fn read(text: &str) -> Result<Self, Invalid> {
        let document = Self::parse(text)?;
        for machine in &document.machines {
            let findings = lint(machine);
            if !findings.is_empty() {
                return Err(Invalid::Lint { machine: machine.name.clone(), findings });
            }
        }
        Ok(document)
    }

    /// Reads without examining the machines.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let document = if text.trim_start().starts_with('{') { json(text)? } else { toml(text)? };
        for (place, machine) in document.machines.iter().enumerate() {
            if document.machines[..place].iter().any(|other| other.name == machine.name) {
                return Err(Invalid::Reference(format!("machine \"{}\" is defined twice", machine.name)));
            }
        }
        Ok(document)
    }

    /// The machine of a name.
    #[must_use]
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }
}

/// Whether a text is a document or one machine.
#[derive(Deserialize)]
struct Probe {
    machine: Option<IgnoredAny>,
    column: Option<IgnoredAny>,
}

impl Probe {
    fn is_document(&self) -> bool {
        self.machine.is_some() || self.column.is_some()
    }
}

fn single(machine: Machine) -> Document {
    Document { machines: vec![machine], columns: Vec::new() }
}

fn json(text: &str) -> Result<Document, Invalid> {
    let read = |error: serde_json::Error| Invalid::Syntax(error.to_string());
    if serde_json::from_str::<Probe>(text).map_err(read)?.is_document() {
        serde_json::from_str(text).map_err(read)
    } else {
        serde_json::from_str(text).map(single).map_err(read)
    }
}

fn toml(text: &str) -> Result<Document, Invalid> {
    let read = |error: ::toml::de::Error| Invalid::Syntax(error.to_string().trim_end().to_owned());
    if ::toml::from_str::<Probe>(text).map_err(read)?.is_document() {
        ::toml::from_str(text).map_err(read)
    } else {
        ::toml::from_str(text).map(single).map_err(read)
    }
}
