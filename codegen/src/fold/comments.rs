//! `COMMENT ON`.

use canon_core::schema::QName;

use super::{BASE_TYPE, Catalog, Refused, Relation};
use crate::parse::change::{CommentTarget, DropTarget, ObjectClass};

impl Catalog {
    pub(super) fn comment(&mut self, target: CommentTarget, text: Option<String>) -> Result<(), Refused> {
        let (class, target) = match target {
            CommentTarget::Object(class, target) => (class, target),
            CommentTarget::Opaque { kind, name } => {
                // Roles, databases and the like are no part of a schema.
                if let Some(slot) = self.opaque_comment(&kind, &name) {
                    *slot = text;
                }
                return Ok(());
            }
        };
        if self.is_temporary(target.table.as_ref().unwrap_or(&target.name)) {
            return Ok(());
        }
        if let Some(slot) = self.comment_slot(class, &target) {
            *slot = text;
            self.mark_stored(class, &target);
            return Ok(());
        }
        if class == ObjectClass::Extension && target.name.name == "plpgsql" {
            return Ok(());
        }
        // An index behind a key constraint has no entry of its own.
        if class == ObjectClass::Index && self.find_relation(&target.name).is_some() {
            return Ok(());
        }
        Err(format!("{} does not exist, so it cannot have a comment", target.name))
    }

    /// What COMMENT says is in the catalogue, whatever the source text says next to it.
    fn mark_stored(&mut self, class: ObjectClass, target: &DropTarget) {
        let name = target.table.as_ref().unwrap_or(&target.name);
        let Some(table) = self.find_table(name).and_then(|n| self.tables.get_mut(&n)) else { return };
        if class == ObjectClass::Table {
            table.comment_inline = false;
        } else if class == ObjectClass::Column {
            let columns = table.columns.iter_mut().filter(|c| c.name == target.name.name);
            columns.for_each(|c| c.comment_inline = false);
        }
    }

    fn comment_slot(&mut self, class: ObjectClass, target: &DropTarget) -> Option<&mut Option<String>> {
        let name = &target.name.name;
        match class {
            ObjectClass::Schema => self.schemas.get_mut(name).map(|s| &mut s.comment),
            ObjectClass::Extension => self.extensions.get_mut(name).map(|e| &mut e.comment),
            ObjectClass::Table | ObjectClass::View | ObjectClass::MaterializedView | ObjectClass::Sequence => {
                let (found, _) = self.find_relation(&target.name)?;
                self.relation_comment(&found)
            }
            ObjectClass::Index => {
                let (found, relation) = self.find_relation(&target.name)?;
                let Relation::Index(table) = relation.clone() else { return None };
                let indexes = match (self.tables.get_mut(&table), self.views.get_mut(&table)) {
                    (Some(t), _) => &mut t.indexes,
                    (_, Some(v)) => &mut v.indexes,
                    _ => return None,
                };
                indexes.iter_mut().find(|i| i.name == found.name).map(|i| &mut i.comment)
            }
            ObjectClass::Column => {
                let (table, _) = self.find_relation(target.table.as_ref()?)?;
                let columns = match (self.tables.get_mut(&table), self.views.get_mut(&table)) {
                    (Some(t), _) => &mut t.columns,
                    (_, Some(v)) => &mut v.columns,
                    _ => &mut self.composites.get_mut(&table)?.columns,
                };
                columns.iter_mut().find(|c| c.name == *name).map(|c| &mut c.comment)
            }
            ObjectClass::Constraint => {
                let table = self.table_mut(target.table.as_ref()?).ok()?;
                table.constraints.iter_mut().find(|c| c.name == *name).map(|c| &mut c.comment)
            }
            ObjectClass::DomainConstraint => {
                let domain = self.find_type(target.table.as_ref()?)?;
                let checks = &mut self.domains.get_mut(&domain)?.checks;
                checks.iter_mut().find(|c| c.name == *name).map(|c| &mut c.comment)
            }
            ObjectClass::Trigger => {
                let (table, _) = self.find_relation(target.table.as_ref()?)?;
                let triggers = match (self.tables.get_mut(&table), self.views.get_mut(&table)) {
                    (Some(t), _) => &mut t.triggers,
                    (_, Some(v)) => &mut v.triggers,
                    _ => return None,
                };
                triggers.iter_mut().find(|t| t.name == *name).map(|t| &mut t.comment)
            }
            ObjectClass::Policy => {
                let table = self.table_mut(target.table.as_ref()?).ok()?;
                table.policies.iter_mut().find(|p| p.name == *name).map(|p| &mut p.comment)
            }
            ObjectClass::Type | ObjectClass::Domain => {
                let found = self.find_type(&target.name)?;
                self.type_comment(&found)
            }
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate => {
                let key = self.match_function(target)?;
                self.functions.get_mut(&key).map(|f| &mut f.comment)
            }
        }
    }

    fn opaque_comment(&mut self, kind: &str, name: &str) -> Option<&mut Option<String>> {
        let found = self.opaque.iter_mut().rev().find(|o| o.kind == kind && o.name == name);
        found.map(|o| &mut o.comment)
    }

    fn relation_comment(&mut self, name: &QName) -> Option<&mut Option<String>> {
        if let Some(table) = self.tables.get_mut(name) {
            return Some(&mut table.comment);
        }
        if let Some(view) = self.views.get_mut(name) {
            return Some(&mut view.comment);
        }
        self.sequences.get_mut(name).map(|s| &mut s.comment)
    }

    fn type_comment(&mut self, name: &QName) -> Option<&mut Option<String>> {
        if let Some(written) = self.base_types.get(name).cloned() {
            return self.opaque_comment(BASE_TYPE, &written);
        }
        if let Some(ty) = self.enums.get_mut(name) {
            return Some(&mut ty.comment);
        }
        if let Some(ty) = self.domains.get_mut(name) {
            return Some(&mut ty.comment);
        }
        if let Some(ty) = self.composites.get_mut(name) {
            return Some(&mut ty.comment);
        }
        self.ranges.get_mut(name).map(|t| &mut t.comment)
    }
}
