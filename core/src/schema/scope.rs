//! A part of a model.

use super::{Extension, Grant, Model};

impl Model {
    /// Drops everything outside the schemas that `keep` names. Objects that are kept as text stay:
    /// their schema is not known.
    pub fn retain_schemas(&mut self, keep: &dyn Fn(&str) -> bool) {
        self.schemas.retain(|s| keep(&s.name));
        self.extensions.retain(|e: &Extension| e.schema.as_deref().is_none_or(keep));
        self.tables.retain(|t| keep(&t.name.schema));
        self.views.retain(|v| keep(&v.name.schema));
        self.enums.retain(|e| keep(&e.name.schema));
        self.domains.retain(|d| keep(&d.name.schema));
        self.composites.retain(|c| keep(&c.name.schema));
        self.ranges.retain(|r| keep(&r.name.schema));
        self.sequences.retain(|s| keep(&s.name.schema));
        self.functions.retain(|f| keep(&f.name.schema));
        self.grants.retain(|g: &Grant| if g.on == "schema" { keep(&g.name) } else { keep(&g.schema) });
    }
}
