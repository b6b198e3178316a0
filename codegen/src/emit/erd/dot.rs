//! DOT, for Graphviz.

use std::fmt::Write as _;

use super::{Attribute, Diagram, Entity};

pub(super) fn render(diagram: &Diagram) -> String {
    let mut out = "digraph erd {\n    rankdir=LR;\n    node [shape=plain, fontname=\"Helvetica\"];\n    edge [fontname=\"Helvetica\", \
                   fontsize=10, dir=both];\n"
        .to_owned();
    for entity in &diagram.entities {
        let _ = writeln!(out, "    {} [label=<{}>];", id(entity), table(entity));
    }
    for relation in &diagram.relations {
        let (parent, child) = (&diagram.entities[relation.parent], &diagram.entities[relation.child]);
        let tail = if relation.optional { "teeodot" } else { "teetee" };
        let head = if relation.one_to_one { "teeodot" } else { "crowodot" };
        let (from, to, label) = (id(parent), id(child), text(&relation.label));
        let _ = writeln!(out, "    {from} -> {to} [label=<{label}>, arrowtail={tail}, arrowhead={head}];");
    }
    out.push_str("}\n");
    out
}

/// A quoted identifier: only a quote and a backslash end it early.
fn id(entity: &Entity) -> String {
    let name = entity.name.to_string();
    format!("\"{}\"", printable(&name).replace('\\', "\\\\").replace('"', "\\\""))
}

fn table(entity: &Entity) -> String {
    let color = if entity.focus { "#c6d9f1" } else { "#e8e8e8" };
    let mut out = format!(
        "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\"><tr><td bgcolor=\"{color}\"><b>{}</b></td></tr>",
        text(&entity.label)
    );
    for attribute in &entity.attributes {
        let _ = write!(out, "<tr><td align=\"left\">{}</td></tr>", row(attribute));
    }
    out + "</table>"
}

fn row(attribute: &Attribute) -> String {
    let name = text(&attribute.name);
    let name = if attribute.primary { format!("<u>{name}</u>") } else { name };
    let null = if attribute.not_null { "" } else { " NULL" };
    let key = if attribute.foreign { " FK" } else { "" };
    format!("{name} {}{null}{key}", text(&attribute.ty))
}

/// Text of an HTML-like label.
fn text(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
