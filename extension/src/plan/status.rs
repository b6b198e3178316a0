//! Statuses by what they mean.

use std::collections::BTreeMap;

use super::error::PlanError;
use super::mapping::{Level, Lookup, Mapping, Status};
use super::sql::{Db, ident};
use crate::error::Result;

/// Key of the status of that name, as text.
fn key_of(db: &Db, lookup: &Lookup, name: &str) -> Result<Option<String>> {
    let mut arguments = vec![name.into()];
    let class = match &lookup.class {
        None => String::new(),
        Some((column, value)) => {
            arguments.push(value.as_str().into());
            format!(" AND s.{}::text OPERATOR(pg_catalog.=) $2", ident(column))
        }
    };
    let sql = format!(
        "SELECT pg_catalog.to_json(s.{}::text) FROM {} s WHERE s.{}::text OPERATOR(pg_catalog.=) $1{class}",
        ident(&lookup.key),
        lookup.table,
        ident(&lookup.name)
    );
    db.json(&sql, &arguments)
}

/// What the status column of each level starts with, as text.
pub(super) fn initial(db: &Db, mapping: &Mapping) -> Result<BTreeMap<String, String>> {
    let mut initial = BTreeMap::new();
    for level in &mapping.levels {
        let Some(status) = &level.status else { continue };
        initial.insert(level.level.clone(), value_of(db, level, status, &status.initial)?);
    }
    Ok(initial)
}

/// What the status column of a level holds for the status of that name, as text.
pub(super) fn value_of(db: &Db, level: &Level, status: &Status, name: &str) -> Result<String> {
    let Some(lookup) = &status.lookup else { return Ok(name.to_owned()) };
    let missing =
        || PlanError::NoStatus { level: level.level.clone(), status: name.to_owned(), table: lookup.table.clone() };
    Ok(key_of(db, lookup, name)?.ok_or_else(missing)?)
}

impl Status {
    /// The name of the status of an instance row `i`, with the join it needs.
    pub(super) fn name_of_row(&self) -> (String, String) {
        let column = ident(&self.column);
        match &self.lookup {
            None => (format!("i.{column}::text"), String::new()),
            Some(lookup) => (
                format!("st.{}::text", ident(&lookup.name)),
                format!(
                    " LEFT JOIN {} st ON st.{} OPERATOR(pg_catalog.=) i.{column}",
                    lookup.table,
                    ident(&lookup.key)
                ),
            ),
        }
    }
}

impl Mapping {
    /// Columns of the instance that callers may set: everything but the row's place and its state.
    pub(super) fn free_columns<'a>(&self, level: &'a Level) -> Vec<&'a str> {
        let place = [
            Some(&level.instance_key),
            level.instance_parent.as_ref(),
            Some(&level.instance_template),
            level.instance_predecessor.as_ref(),
            level.status.as_ref().map(|s| &s.column),
            level.parent.is_none().then_some(&self.run.instance),
        ];
        let is_place =
            |column: &String| place.contains(&Some(column)) || level.refs.iter().any(|r| r.column == *column);
        level.types.keys().filter(|c| !is_place(c)).map(String::as_str).collect()
    }
}
