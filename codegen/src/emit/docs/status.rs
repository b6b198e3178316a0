//! A page of the status machines of a source: diagram, changes and conditions.

use canon_core::status::{Machine, Transition, mermaid};

use crate::status::Machines;
use crate::write::MARKER;

/// Name of the page in the folder of the source.
pub(super) const PAGE: &str = "status.md";

pub(super) fn page(machines: &Machines<'_>, title: &str, command: &str) -> String {
    let mut text =
        format!("<!-- {MARKER}; change status.toml and run `{command}`. -->\n\n# {title}: status machines\n");
    for machine in &machines.document.machines {
        text.push_str(&section(machines, machine));
    }
    text
}

fn section(machines: &Machines<'_>, machine: &Machine) -> String {
    let columns: Vec<String> =
        machines.columns_of(machine).map(|(_, column)| code(&format!("{}.{}", column.table, column.column))).collect();
    let mut text = format!("\n## {}\n\n{}\n\n", escape(&machine.name), escape(&machine.description));
    text.push_str(&format!("Governs {}. Begins with {}.", columns.join(" and "), states(&machine.initial)));
    if !machine.terminal.is_empty() {
        text.push_str(&format!(" Ends with {}.", states(&machine.terminal)));
    }
    if !machine.values.is_empty() {
        let values: Vec<String> =
            machine.states.iter().map(|s| format!("{} for {}", code(machine.value(s)), code(s))).collect();
        text.push_str(&format!(" The column holds {}.", values.join(", ")));
    }
    text.push_str(&format!("\n\n```mermaid\n{}```\n\n", mermaid(machine)));
    text.push_str("| from | event | to | conditions | sets |\n|---|---|---|---|---|\n");
    for (from, to, transition) in machine.changes() {
        let row = [code(from), code(&transition.event), code(to), conditions(transition), sets(transition)];
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

fn states(names: &[String]) -> String {
    names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
}

fn conditions(transition: &Transition) -> String {
    let list = |names: &[String], word: &str| names.iter().map(|n| code(n)).collect::<Vec<_>>().join(word);
    let mut all = Vec::new();
    if !transition.roles.is_empty() {
        all.push(format!("members of {}", list(&transition.roles, " or ")));
    }
    if !transition.requires.is_empty() {
        all.push(format!("a value in {}", list(&transition.requires, " and ")));
    }
    if transition.requires_reason {
        all.push("a reason".to_owned());
    }
    if !transition.guards.is_empty() {
        all.push(format!("{} agrees", list(&transition.guards, " and ")));
    }
    all.join("; ")
}

fn sets(transition: &Transition) -> String {
    let one = |(column, stamp): (&String, &canon_core::status::Stamp)| format!("{} {}", code(column), stamp.as_str());
    transition.set.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn escape(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
