//! Status machines beside the DDL: `status.toml` in a folder of a source.

use std::path::{Path, PathBuf};

use canon_core::schema::{Model, Table};
use canon_core::status::{Document, GuardedColumn, Invalid, Machine};

use crate::config::SourceConfig;
use crate::error::Error;
use crate::sample;

/// Name of the file.
pub const FILE: &str = "status.toml";

/// The machines of a source, with the tables that they govern.
#[derive(Debug)]
pub struct Machines<'m> {
    /// Machines and columns, in the order of the file.
    pub document: Document,
    /// Name of the source.
    pub source: String,
    model: &'m Model,
}

impl<'m> Machines<'m> {
    /// Reads the file of a source and compares it with the model; None where there is none.
    pub fn read(root: &Path, source: &SourceConfig, model: &'m Model) -> Result<Option<Self>, Error> {
        let folders = source.paths.iter().map(|path| root.join(path));
        let Some(path) = folders.map(|folder| folder.join(FILE)).find(|file| file.is_file()) else { return Ok(None) };
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let document = Document::read(&text).map_err(|error| wrong(&path, &explain(&error)))?;
        let machines = Self { document, source: source.name.clone(), model };
        machines.check().map_err(|message| wrong(&path, &message))?;
        Ok(Some(machines))
    }

    /// The columns that a machine governs, with their tables.
    pub fn columns_of<'s>(&'s self, machine: &'s Machine) -> impl Iterator<Item = (&'m Table, &'s GuardedColumn)> {
        let governed = self.document.columns.iter().filter(|column| column.machine == machine.name);
        governed.filter_map(|column| Some((self.table(column)?, column)))
    }

    fn table(&self, column: &GuardedColumn) -> Option<&'m Table> {
        self.model.tables.iter().find(|table| table.name.to_string() == column.table)
    }

    /// Every column exists, with the values and the default that its machine has.
    fn check(&self) -> Result<(), String> {
        for guarded in &self.document.columns {
            let name = format!("{}.{}", guarded.table, guarded.column);
            let machine = self.document.machine(&guarded.machine);
            let machine = machine.ok_or_else(|| format!("{name}: there is no machine \"{}\"", guarded.machine))?;
            let table = self.table(guarded).ok_or_else(|| format!("{name}: there is no such table"))?;
            let column = table.column(&guarded.column).ok_or_else(|| format!("{name}: there is no such column"))?;
            if let Some(values) = sample::value_list(table, &column.name) {
                let states: Vec<&str> = machine.states.iter().map(|state| machine.value(state)).collect();
                if let Some(value) = values.iter().find(|value| !states.contains(&value.as_str())) {
                    return Err(format!(
                        "{name}: the check allows '{value}', which is no state of \"{}\"",
                        machine.name
                    ));
                }
                if let Some(state) = states.iter().find(|state| !values.iter().any(|value| value == *state)) {
                    return Err(format!("{name}: the check does not allow '{state}', a state of \"{}\"", machine.name));
                }
            }
            let default = column
                .default
                .as_deref()
                .map(|default| default.split("::").next().unwrap_or(default).trim_matches('\''));
            if let Some(default) = default
                && !machine.initial.iter().any(|state| machine.value(state) == default)
            {
                return Err(format!("{name}: the default {default} is no initial state of \"{}\"", machine.name));
            }
            for named in machine.transitions.iter().flat_map(|t| t.set.keys().chain(&t.requires)) {
                if table.column(named).is_none() {
                    return Err(format!(
                        "{name}: \"{}\" names column {named}, which {} does not have",
                        machine.name, guarded.table
                    ));
                }
            }
        }
        Ok(())
    }
}

fn wrong(path: &Path, message: &str) -> Error {
    Error::Config { path: PathBuf::from(path), message: message.to_owned() }
}

fn explain(error: &Invalid) -> String {
    match error {
        Invalid::Lint { findings, .. } => {
            let list: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
            format!("{error}:{}", list.concat())
        }
        Invalid::Syntax(_) | Invalid::Reference(_) => error.to_string(),
    }
}
