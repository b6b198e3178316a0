//! Types for `tokio-postgres`, driven through `postgres`.

use std::collections::HashMap;

use postgres::{Client, NoTls, Row};
use serde_json::Value;

use crate::protocol::{Connection, Name, Refusal, serve};

/// A generated row type, without its type.
pub struct Subject {
    pub name: Name,
    pub select: String,
    pub read: fn(&Row) -> Result<Value, Refusal>,
    /// None for a view.
    pub insert: Option<fn(&mut Client, Value) -> Result<Value, Refusal>>,
}

macro_rules! views {
    ($($view:ty),*) => {
        vec![$($crate::driver::Subject {
            name: (<$view as Relation>::SCHEMA.to_owned(), <$view as Relation>::NAME.to_owned()),
            select: <$view as Relation>::select(),
            read: |row| Ok(serde_json::to_value(<$view as FromRow>::from_row(row)?)?),
            insert: None,
        }),*]
    };
}
pub(crate) use views;

macro_rules! tables {
    ($($table:ty),*) => {
        vec![$($crate::driver::Subject {
            name: (<$table as Relation>::SCHEMA.to_owned(), <$table as Relation>::NAME.to_owned()),
            select: <$table as Relation>::select(),
            read: |row| Ok(serde_json::to_value(<$table as FromRow>::from_row(row)?)?),
            insert: Some(|client, value| {
                let new: <$table as Table>::New = serde_json::from_value(value)?;
                let statement = new.statement();
                let row = client.query_one(&statement.sql, &statement.parameters)?;
                Ok(serde_json::to_value(<$table as FromRow>::from_row(&row)?)?)
            }),
        }),*]
    };
}
pub(crate) use tables;

impl From<postgres::Error> for Refusal {
    fn from(error: postgres::Error) -> Self {
        let mut refusal = Self::new(&error);
        if let Some(db) = error.as_db_error() {
            refusal.0.insert("message".to_owned(), db.message().into());
            for (key, value) in [
                ("code", Some(db.code().code())),
                ("constraint", db.constraint()),
                ("schema", db.schema()),
                ("table", db.table()),
                ("datatype", db.datatype()),
            ] {
                refusal.0.insert(key.to_owned(), value.into());
            }
        }
        refusal
    }
}

struct Session {
    client: Client,
    subjects: HashMap<Name, Subject>,
}

impl Connection for Session {
    fn run(&mut self, sql: &str) -> Result<(), Refusal> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal> {
        Ok(self.client.query_opt(sql, &[])?.and_then(|row| row.get(0)))
    }

    fn read(&mut self, relation: &Name, most: u64) -> Result<Vec<Value>, Refusal> {
        let subject = &self.subjects[relation];
        let rows = self.client.query(&format!("{} LIMIT {most}", subject.select), &[])?;
        rows.iter().map(subject.read).collect()
    }

    fn insert(&mut self, table: &Name, row: Value) -> Result<Value, Refusal> {
        let insert = self.subjects[table].insert.expect("a table");
        insert(&mut self.client, row)
    }
}

/// Connects, and does what it is told.
pub fn run(subjects: Vec<Subject>) {
    let url = std::env::args().nth(1).expect("the address of a database");
    let client = Client::connect(&url, NoTls).expect("a database");
    let subjects = subjects.into_iter().map(|subject| (subject.name.clone(), subject)).collect();
    serve(&mut Session { client, subjects });
}
