//! Values that a request sets on rows of its instance.

use std::collections::BTreeMap;

use pgrx::Uuid;
use pgrx::datum::DatumWithOid;
use serde_json::Value;

use super::error::PlanError;
use super::ids;
use super::instantiate::Maker;
use super::mapping::Level;
use super::options::Override;
use super::sql::{ident, unnest};
use super::tree::Tree;
use crate::error::Result;

/// Values of one column, by row.
type Values = Vec<(Uuid, Option<String>)>;

impl Maker<'_> {
    fn id(&self, tree: &Tree, node: u32) -> Uuid {
        tree.id(self.mapping, self.instance, node)
    }

    pub(super) fn override_values(&self, tree: &Tree, stays: &[bool]) -> Result<()> {
        // One statement a column, whatever the number of rows.
        let mut columns: BTreeMap<(String, String), Values> = BTreeMap::new();
        for (at, one) in self.options.overrides.iter().enumerate() {
            let wrong = |message: String, known: Vec<String>| PlanError::Override { at, message, known };
            let level = self.mapping.level(&one.level).ok_or_else(|| {
                let known = self.mapping.levels.iter().map(|l| l.level.clone()).collect();
                wrong(format!("there is no level \"{}\"", one.level), known)
            })?;
            let id = self.overridden_row(tree, stays, level, one).map_err(|message| wrong(message, Vec::new()))?;
            for (column, value) in &one.set {
                let free = self.mapping.free_columns(level);
                if !free.contains(&column.as_str()) {
                    let known = free.into_iter().map(str::to_owned).collect();
                    return Err(wrong(format!("\"{column}\" cannot be set on level \"{}\"", one.level), known).into());
                }
                let value = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                let place = columns.entry((one.level.clone(), column.clone())).or_default();
                if place.iter().any(|(known, _)| *known == id) {
                    return Err(wrong(format!("\"{column}\" of this row is set twice"), Vec::new()).into());
                }
                place.push((id, value));
            }
        }
        for ((level, column), values) in columns {
            let Some(level) = self.mapping.level(&level) else { continue };
            self.override_column(level, &column, values)?;
        }
        Ok(())
    }

    /// The row of the instance that an override is for.
    fn overridden_row(
        &self,
        tree: &Tree,
        stays: &[bool],
        level: &Level,
        one: &Override,
    ) -> std::result::Result<Uuid, String> {
        let position = self.mapping.levels.iter().position(|l| l.level == level.level).unwrap_or_default();
        let key = match (&one.template, &one.code) {
            (Some(key), _) => key.clone(),
            (None, code) => {
                let mut found = tree.nodes.iter().filter(|n| n.level == position && n.code == *code);
                let key = found.next().map(|n| n.key.clone());
                let code = code.as_deref().unwrap_or_default();
                if found.next().is_some() {
                    return Err(format!("several rows of level \"{}\" have the code \"{code}\"", level.level));
                }
                key.ok_or_else(|| format!("no row of level \"{}\" has the code \"{code}\"", level.level))?
            }
        };
        if level.in_graph() {
            match tree.find(position, &key) {
                None => return Err(format!("level \"{}\" of this template has no row {key}", level.level)),
                Some(node) if !stays[node as usize] => {
                    return Err(format!("row {key} of level \"{}\" is left out of this run", level.level));
                }
                Some(node) => return Ok(self.id(tree, node)),
            }
        }
        Ok(ids::node(self.instance, &level.level, &key))
    }

    fn override_column(&self, level: &Level, column: &str, values: Values) -> Result<()> {
        let expected = values.len() as u64;
        let (nodes, texts): (Vec<Uuid>, Vec<Option<String>>) = values.into_iter().unzip();
        let arguments: [DatumWithOid<'_>; 2] = [nodes.clone().into(), texts.clone().into()];
        let sql = format!(
            "UPDATE {table} i SET {column} = v.value::{ty} FROM {rows} AS v (id, value) \
             WHERE i.{key} OPERATOR(pg_catalog.=) v.id",
            table = level.instance,
            rows = unnest(["$1".to_owned(), "$2".to_owned()]),
            column = ident(column),
            ty = level.type_of(column),
            key = ident(&level.instance_key),
        );
        let updated = self.db.run(&sql, &arguments)?;
        if updated != expected {
            let message = format!("level \"{}\" of this template lacks a row that \"{column}\" is set on", level.level);
            return Err(PlanError::Options { message }.into());
        }
        let sql = format!(
            "INSERT INTO {} (instance, level, node, field, value) \
             SELECT $1, $2, v.id, $3, v.value FROM {} AS v (id, value)",
            self.mapping.store("plan_override"),
            unnest(["$4".to_owned(), "$5".to_owned()])
        );
        let (level, instance) = (level.level.as_str(), self.instance);
        self.db.run(&sql, &[instance.into(), level.into(), column.into(), nodes.into(), texts.into()])?;
        Ok(())
    }
}
