//! The manifest of a pack: what the extension knows about it without parsing SQL.

use canon_core::pack::Manifest;
use canon_core::schema::Model;
use serde_json::Value;

use crate::project::PackSource;
use crate::write::MARKER;

/// The text of `manifest.json`: one object a line, so that a change of a table is a change of one
/// line.
pub fn emit(pack: &PackSource<'_>) -> String {
    let manifest = Manifest {
        name: pack.meta.name.clone(),
        version: pack.meta.version.clone(),
        schema: pack.meta.schema.clone(),
        title: pack.meta.title.clone(),
        description: pack.meta.description.clone(),
        files: pack.file_names.iter().map(|name| pack.meta.file(name)).collect(),
        model: bare(pack.model),
    };
    let value = serde_json::to_value(&manifest).unwrap_or_default();
    let mut out = format!("{{\n\"generated_by\": \"{MARKER}: cargo xtask gen\"");
    let mut model = Value::Null;
    for (key, value) in value.as_object().into_iter().flatten() {
        if key == "model" { model = value.clone() } else { field(key, value, &mut out) }
    }
    out.push_str(",\n\"model\": {");
    let mut body = String::new();
    for (key, value) in model.as_object().into_iter().flatten() {
        field(key, value, &mut body);
    }
    out.push_str(body.trim_start_matches(','));
    out.push_str("\n}\n}\n");
    out
}

fn field(key: &str, value: &Value, out: &mut String) {
    match value.as_array() {
        Some(items) => {
            let lines: Vec<String> = items.iter().map(Value::to_string).collect();
            out.push_str(&format!(",\n\"{key}\": [\n{}\n]", lines.join(",\n")));
        }
        None => out.push_str(&format!(",\n\"{key}\": {value}")),
    }
}

/// The model without what is not compared: comments and places of declaration.
fn bare(model: &Model) -> Model {
    let mut model = model.clone();
    model.files.clear();
    model.opaque.clear();
    // Who may use a pack is for its owner to say.
    model.grants.clear();
    for schema in &mut model.schemas {
        (schema.comment, schema.origin) = (None, None);
    }
    for table in &mut model.tables {
        (table.comment, table.comment_inline, table.origin) = (None, false, None);
        table.columns.iter_mut().for_each(|c| (c.comment, c.comment_inline, c.origin) = (None, false, None));
        table.constraints.iter_mut().for_each(|c| (c.comment, c.origin) = (None, None));
        table.indexes.iter_mut().for_each(|i| (i.comment, i.origin) = (None, None));
        table.triggers.iter_mut().for_each(|t| (t.comment, t.origin) = (None, None));
        table.policies.iter_mut().for_each(|p| (p.comment, p.origin) = (None, None));
    }
    model.views.iter_mut().for_each(|v| (v.comment, v.origin) = (None, None));
    model.enums.iter_mut().for_each(|t| (t.comment, t.origin) = (None, None));
    model.domains.iter_mut().for_each(|t| (t.comment, t.origin) = (None, None));
    model.composites.iter_mut().for_each(|t| (t.comment, t.origin) = (None, None));
    model.ranges.iter_mut().for_each(|t| (t.comment, t.origin) = (None, None));
    model.sequences.iter_mut().for_each(|s| (s.comment, s.origin) = (None, None));
    model.functions.iter_mut().for_each(|f| (f.comment, f.origin) = (None, None));
    model
}
