//! Types for `sqlx`.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::postgres::{PgArguments, PgDatabaseError, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::runtime::{Builder, Runtime};

use crate::protocol::{Connection, Name, Refusal, serve};

/// A generated row type, without its type.
pub struct Subject {
    pub name: Name,
    pub select: String,
    pub read: fn(&PgRow) -> Result<Value, Refusal>,
    /// The statement and its arguments; None for a view.
    pub insert: Option<fn(Value) -> Result<(String, PgArguments), Refusal>>,
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
            insert: Some(|value| {
                let new: <$table as Table>::New = serde_json::from_value(value)?;
                let statement = new.statement()?;
                Ok((statement.sql, statement.arguments))
            }),
        }),*]
    };
}
pub(crate) use tables;

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        let mut refusal = Self::new(&error);
        if let Some(db) = error.as_database_error().and_then(|db| db.try_downcast_ref::<PgDatabaseError>()) {
            refusal.0.insert("message".to_owned(), db.message().into());
            for (key, value) in [
                ("code", Some(db.code())),
                ("constraint", db.constraint()),
                ("schema", db.schema()),
                ("table", db.table()),
                ("datatype", db.data_type()),
            ] {
                refusal.0.insert(key.to_owned(), value.into());
            }
        }
        refusal
    }
}

struct Session {
    runtime: Runtime,
    connection: PgConnection,
    subjects: HashMap<Name, Subject>,
}

impl Connection for Session {
    fn run(&mut self, sql: &str) -> Result<(), Refusal> {
        self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection))?;
        Ok(())
    }

    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal> {
        let query = sqlx::query(AssertSqlSafe(sql));
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection))?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
    }

    fn read(&mut self, relation: &Name, most: u64) -> Result<Vec<Value>, Refusal> {
        let subject = &self.subjects[relation];
        let sql = format!("{} LIMIT {most}", subject.select);
        let query = sqlx::query(AssertSqlSafe(sql));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection))?;
        rows.iter().map(subject.read).collect()
    }

    fn insert(&mut self, table: &Name, row: Value) -> Result<Value, Refusal> {
        let subject = &self.subjects[table];
        let (sql, arguments) = subject.insert.expect("a table")(row)?;
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection))?;
        (subject.read)(&row)
    }
}

/// Connects, and does what it is told.
pub fn run(subjects: Vec<Subject>) {
    let url = std::env::args().nth(1).expect("the address of a database");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connection = runtime.block_on(PgConnection::connect(&url)).expect("a database");
    let subjects = subjects.into_iter().map(|subject| (subject.name.clone(), subject)).collect();
    serve(&mut Session { runtime, connection, subjects });
}
