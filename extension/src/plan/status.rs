//! Statuses by what they mean.

use std::collections::BTreeMap;

use pgrx::spi::quote_literal;

use super::error::PlanError;
use super::mapping::{Level, Lookup, Mapping, Status};
use super::sql::{Db, ident};
use crate::error::Result;

/// A query for the key of the status whose name this expression gives, as text.
fn key_of(lookup: &Lookup, name: &str) -> String {
    let class = lookup.class.as_ref().map_or_else(String::new, |(column, value)| {
        format!(" AND s.{}::text OPERATOR(pg_catalog.=) {}", ident(column), quote_literal(value))
    });
    format!(
        "SELECT s.{}::text FROM {} s WHERE s.{}::text OPERATOR(pg_catalog.=) {name}{class} LIMIT 1",
        ident(&lookup.key),
        lookup.table,
        ident(&lookup.name)
    )
}

fn missing(level: &Level, status: &Status, name: &str) -> PlanError {
    let table = status.lookup.as_ref().map_or_else(String::new, |lookup| lookup.table.clone());
    PlanError::NoStatus { level: level.level.clone(), status: name.to_owned(), table }
}

/// What the status column of each level starts with, as text.
pub(super) fn initial(db: &Db, mapping: &Mapping) -> Result<BTreeMap<String, String>> {
    let statuses = mapping.levels.iter().filter_map(|level| Some((level, level.status.as_ref()?)));
    let keys: Vec<String> = statuses
        .clone()
        .map(|(_, status)| match &status.lookup {
            None => "NULL".to_owned(),
            Some(lookup) => format!("({})", key_of(lookup, &quote_literal(&status.initial))),
        })
        .collect();
    let keys: Vec<Option<String>> =
        db.json(&format!("SELECT pg_catalog.json_build_array({})", keys.join(", ")), &[])?;
    let value = |((level, status), key): ((&Level, &Status), Option<String>)| {
        let value = if status.lookup.is_none() { Some(status.initial.clone()) } else { key };
        Ok((level.level.clone(), value.ok_or_else(|| missing(level, status, &status.initial))?))
    };
    statuses.zip(keys).map(value).collect()
}

/// What the status column of a level holds for the status of that name, as text.
pub(super) fn value_of(db: &Db, level: &Level, status: &Status, name: &str) -> Result<String> {
    let Some(lookup) = &status.lookup else { return Ok(name.to_owned()) };
    let key = db.text(&key_of(lookup, "$1"), &[name.into()])?;
    Ok(key.ok_or_else(|| missing(level, status, name))?)
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
