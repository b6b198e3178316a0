//! Diagrams. States that are not plain words get an identifier and a label.

use super::machine::Machine;

/// A Mermaid state diagram.
#[must_use]
pub fn mermaid(machine: &Machine) -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned()];
    let id = |state: &str| mermaid_id(machine, state);
    for state in machine.states.iter().filter(|s| !is_word(s)) {
        lines.push(format!("    state \"{}\" as {}", mermaid_text(state), id(state)));
    }
    lines.extend(machine.initial.iter().map(|state| format!("    [*] --> {}", id(state))));
    for (from, to, transition) in machine.changes() {
        lines.push(format!("    {} --> {}: {}", id(from), id(to), mermaid_text(&transition.event)));
    }
    lines.extend(machine.terminal.iter().map(|state| format!("    {} --> [*]", id(state))));
    lines.join("\n") + "\n"
}

fn mermaid_id(machine: &Machine, state: &str) -> String {
    if is_word(state) {
        return state.to_owned();
    }
    let number = machine.states.iter().position(|s| s == state).unwrap_or(machine.states.len());
    format!("state_{number}")
}

/// A word that means nothing to Mermaid.
fn is_word(state: &str) -> bool {
    let reserved = ["state", "note", "end", "direction", "class", "classDef", "style", "as", "default"];
    let numbered = state.strip_prefix("state_").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    !numbered
        && !reserved.contains(&state)
        && state.starts_with(|c: char| c.is_ascii_alphabetic())
        && state.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Mermaid has no escapes but character references.
fn mermaid_text(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '_' | '-' | '.' => c.to_string(),
            other => format!("#{};", u32::from(other)),
        })
        .collect()
}

/// A Graphviz graph.
#[must_use]
pub fn dot(machine: &Machine) -> String {
    let mut lines = vec![format!("digraph {} {{", quoted(&machine.name)), "    rankdir = LR;".to_owned()];
    for state in &machine.states {
        let shape = if machine.terminal.contains(state) { "doublecircle" } else { "ellipse" };
        let style = if machine.initial.contains(state) { ", style = bold" } else { "" };
        lines.push(format!("    {} [shape = {shape}{style}];", quoted(state)));
    }
    for (from, to, transition) in machine.changes() {
        lines.push(format!("    {} -> {} [label = {}];", quoted(from), quoted(to), quoted(&transition.event)));
    }
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

/// In a quoted string of DOT a quote is escaped; a backslash begins escapes of labels.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
