//! A connection that reads and writes rows through generated types.

use std::collections::HashMap;
use std::fmt;

use anyhow::{Context, Result};
use canon_codegen::model::QName;
use postgres::error::SqlState;
use postgres::{Client, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A connection, and the generated types of a schema.
pub trait Session {
    /// Runs statements.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn run(&mut self, sql: &str) -> Result<(), Refusal>;

    /// The first column of the first row, which is text; None where it is NULL or there is no row.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal>;

    /// Reads at most so many rows of a relation into structs, and gives them as JSON.
    ///
    /// # Errors
    ///
    /// What the database says, and what cannot be read.
    fn read(&mut self, relation: &QName, most: usize) -> Result<Vec<Value>, Refusal>;

    /// Inserts the row of the table that was read last, with all columns or with those of `keep`, and
    /// gives back what the database returns.
    ///
    /// # Errors
    ///
    /// What the database says, and what cannot be written or read.
    fn insert(&mut self, table: &QName, keep: Option<&[String]>) -> Result<Value, Refusal>;
}

/// Why something was refused: by the database, or by the types.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// The message with all its causes.
    pub message: Box<str>,
    /// SQLSTATE, where the database refused.
    pub code: Option<Box<str>>,
    /// The constraint that was violated.
    pub constraint: Option<Box<str>>,
    /// The schema of that.
    pub schema: Option<Box<str>>,
    /// The table of that.
    pub table: Option<Box<str>>,
    /// The domain of that.
    pub datatype: Option<Box<str>>,
}

impl Refusal {
    /// Whether a check refused, of a column, a domain or a partition.
    pub fn is_check_violation(&self) -> bool {
        self.code.as_deref() == Some(SqlState::CHECK_VIOLATION.code())
    }

    /// Whether a column refused a NULL.
    pub fn is_null_violation(&self) -> bool {
        self.code.as_deref() == Some(SqlState::NOT_NULL_VIOLATION.code())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<postgres::Error> for Refusal {
    fn from(error: postgres::Error) -> Self {
        let own = |text: Option<&str>| text.map(Box::from);
        match error.as_db_error() {
            Some(db) => Self {
                message: db.message().into(),
                code: own(Some(db.code().code())),
                constraint: own(db.constraint()),
                schema: own(db.schema()),
                table: own(db.table()),
                datatype: own(db.datatype()),
            },
            None => Self::from(anyhow::Error::from(error)),
        }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<postgres::Error>() {
            Ok(error) if error.as_db_error().is_some() => Self::from(error),
            Ok(error) => Self { message: format!("{:#}", anyhow::Error::from(error)).into(), ..Self::default() },
            Err(error) => Self { message: format!("{error:#}").into(), ..Self::default() },
        }
    }
}

/// A generated row type, without its type. [`subjects!`] makes one.
///
/// [`subjects!`]: crate::subjects
#[derive(Clone, Debug)]
pub struct Subject {
    /// The table.
    pub table: QName,
    /// `SELECT` of all columns.
    pub select: String,
    /// Reads a row into its struct, and gives that as JSON.
    pub read: fn(&Row) -> Result<Value>,
    /// Makes a new row of JSON, inserts it, and gives back the row that the database returns.
    pub insert: fn(&mut Client, Value) -> Result<Value>,
}

/// Row types as [`Subject`]s. The traits of their runtime have to be in scope.
///
/// [`Subject`]: crate::journey::Subject
#[macro_export]
macro_rules! subjects {
    ($($table:ty),*) => {
        vec![$($crate::journey::Subject {
            table: $crate::journey::name(<$table as Relation>::SCHEMA, <$table as Relation>::NAME),
            select: <$table as Relation>::select(),
            read: |row| Ok(serde_json::to_value(<$table as FromRow>::from_row(row)?)?),
            insert: |client, value| {
                let new: <$table as Table>::New = serde_json::from_value(value)?;
                let statement = new.statement();
                let row = client.query_one(&statement.sql, &statement.parameters)?;
                Ok(serde_json::to_value(<$table as FromRow>::from_row(&row)?)?)
            },
        }),*]
    };
}

/// Types that are compiled into this test.
#[expect(missing_debug_implementations, reason = "a connection has none")]
pub struct Local<'c> {
    client: &'c mut Client,
    subjects: HashMap<QName, Subject>,
    last: HashMap<QName, Value>,
}

impl<'c> Local<'c> {
    /// A session of a connection.
    pub fn new(client: &'c mut Client, subjects: Vec<Subject>) -> Self {
        let subjects = subjects.into_iter().map(|subject| (subject.table.clone(), subject)).collect();
        Self { client, subjects, last: HashMap::new() }
    }

    fn subject(&self, name: &QName) -> Result<Subject> {
        self.subjects.get(name).cloned().with_context(|| format!("{name} has no type"))
    }
}

impl Session for Local<'_> {
    fn run(&mut self, sql: &str) -> Result<(), Refusal> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal> {
        Ok(self.client.query_opt(sql, &[])?.and_then(|row| row.get(0)))
    }

    fn read(&mut self, relation: &QName, most: usize) -> Result<Vec<Value>, Refusal> {
        let subject = self.subject(relation)?;
        let rows = self.client.query(&format!("{} LIMIT {most}", subject.select), &[])?;
        let rows = rows.iter().map(subject.read).collect::<Result<Vec<Value>>>()?;
        self.last.extend(rows.last().map(|row| (relation.clone(), row.clone())));
        Ok(rows)
    }

    fn insert(&mut self, table: &QName, keep: Option<&[String]>) -> Result<Value, Refusal> {
        let mut row = self.last.get(table).with_context(|| format!("no row of {table} was read"))?.clone();
        if let (Some(keep), Value::Object(fields)) = (keep, &mut row) {
            fields.retain(|column, _| keep.contains(column));
        }
        Ok((self.subject(table)?.insert)(self.client, row)?)
    }
}
