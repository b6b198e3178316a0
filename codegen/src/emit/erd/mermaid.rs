//! Mermaid `erDiagram`.

use std::collections::BTreeSet;

use super::{Attribute, Diagram, Relation};

/// Words that Mermaid's lexer takes for its own, in any case.
const RESERVED: &[&str] = &[
    "acctitle",
    "accdescr",
    "class",
    "classdef",
    "direction",
    "end",
    "erdiagram",
    "many",
    "one",
    "only",
    "optionally",
    "style",
    "subgraph",
    "title",
    "to",
    "u",
    "zero",
];

pub(super) fn render(diagram: &Diagram) -> String {
    let mut lines = vec!["erDiagram".to_owned()];
    let relations: BTreeSet<String> = diagram.relations.iter().map(|r| relation(diagram, r)).collect();
    lines.extend(relations.into_iter().map(|r| format!("    {r}")));
    for (n, entity) in diagram.entities.iter().enumerate() {
        let related = diagram.relations.iter().any(|r| r.parent == n || r.child == n);
        if !entity.attributes.is_empty() || entity.focus {
            lines.push(format!("    {} {{", name(&entity.label)));
            lines.extend(entity.attributes.iter().map(|a| format!("        {}", attribute(a))));
            lines.push("    }".to_owned());
        } else if !related {
            lines.push(format!("    {}", name(&entity.label)));
        }
    }
    lines.join("\n")
}

/// `parent ||--o{ child : "columns"`.
fn relation(diagram: &Diagram, relation: &Relation) -> String {
    let parent_end = if relation.optional { "|o" } else { "||" };
    let child_end = if relation.one_to_one { "o|" } else { "o{" };
    let (parent, child) = (&diagram.entities[relation.parent], &diagram.entities[relation.child]);
    format!("{} {parent_end}--{child_end} {} : {}", name(&parent.label), name(&child.label), quoted(&relation.label))
}

/// A plain word stands as it is, anything else in quotes.
fn name(label: &str) -> String {
    let mut chars = label.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&label.to_ascii_lowercase().as_str());
    if plain { label.to_owned() } else { quoted(label) }
}

/// Quoted text has no escapes; what the lexer or a browser would take for its own is written as
/// an entity code, which Mermaid decodes when it draws.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '%' | '\\' | '#' | ';' | '<' | '>' | '&' | '`' => out.push_str(&format!("#{};", c as u32)),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `type name PK, FK "real name"`; the last where the name is not a word for Mermaid.
fn attribute(attribute: &Attribute) -> String {
    let ty = word(attribute.ty.split('(').next().unwrap_or_default());
    let name = word(&attribute.name);
    let marks: Vec<&str> =
        [(attribute.primary, "PK"), (attribute.foreign, "FK")].iter().filter(|(is, _)| *is).map(|(_, m)| *m).collect();
    let mut out = format!("{ty} {name}");
    if !marks.is_empty() {
        out.push_str(&format!(" {}", marks.join(", ")));
    }
    if name != attribute.name {
        out.push_str(&format!(" {}", quoted(&attribute.name)));
    }
    out
}

/// Letters, digits and underscores; never one of the marks, and never starting with a digit.
fn word(text: &str) -> String {
    let mut out: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let is_mark = ["pk", "fk", "uk"].contains(&out.to_ascii_lowercase().as_str());
    if is_mark || !out.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}
