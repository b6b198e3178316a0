//! Requests and answers, a line of JSON each.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use serde_json::{Map, Value, json};

/// Why something was refused, with the fields that the other side knows.
#[derive(Debug, Default)]
pub struct Refusal(pub Map<String, Value>);

impl Refusal {
    /// With its causes.
    pub fn new(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self(Map::from_iter([("message".to_owned(), message.into())]))
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::new(&error)
    }
}

/// A relation, by schema and name.
pub type Name = (String, String);

/// A connection of some library.
pub trait Connection {
    fn run(&mut self, sql: &str) -> Result<(), Refusal>;
    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal>;
    fn read(&mut self, relation: &Name, most: u64) -> Result<Vec<Value>, Refusal>;
    fn insert(&mut self, table: &Name, row: Value) -> Result<Value, Refusal>;
}

/// Answers until nobody asks. Rows that were read stay here, so that no number is written and read
/// on its way from one struct to the other.
pub fn serve(connection: &mut impl Connection) {
    let mut last = HashMap::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match answer(connection, &mut last, &request) {
            Ok(value) => json!({"ok": value}),
            Err(Refusal(why)) => json!({"refused": why}),
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("somebody listens");
    }
}

fn answer(
    connection: &mut impl Connection,
    last: &mut HashMap<Name, Value>,
    request: &Value,
) -> Result<Value, Refusal> {
    if let Some(sql) = request["run"].as_str() {
        return connection.run(sql).map(|()| Value::Null);
    }
    if let Some(sql) = request["one"].as_str() {
        return Ok(connection.one(sql)?.into());
    }
    let name = |key: &str| serde_json::from_value::<Name>(request[key].clone());
    if let Ok(relation) = name("read") {
        let rows = connection.read(&relation, request["most"].as_u64().expect("a number"))?;
        last.extend(rows.last().map(|row| (relation, row.clone())));
        return Ok(rows.into());
    }
    let table = name("insert")?;
    let mut row = last[&table].clone();
    if let (Some(keep), Value::Object(fields)) = (request["keep"].as_array(), &mut row) {
        fields.retain(|column, _| keep.iter().any(|kept| kept == column));
    }
    connection.insert(&table, row)
}
