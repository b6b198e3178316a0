//! Generated types in a program of their own, which is told what to do line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use canon_codegen::model::QName;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use xtask::Database;

use super::session::{Refusal, Session};

/// A running driver: `tests/drivers/` has their source.
#[derive(Debug)]
pub struct Remote {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Remote {
    /// Starts a driver that connects to a database.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(driver: &Path, database: &Database) -> Result<Self> {
        let url = database.server().url(database.name());
        let mut command = Command::new(driver);
        command.arg(url).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| driver.display().to_string())?;
        let requests = child.stdin.take().context("no pipe")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Self { child, requests, answers })
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T, Refusal> {
        let answer = self.answer(request)?;
        match answer.get("refused") {
            Some(refused) => Err(serde_json::from_value(refused.clone()).map_err(anyhow::Error::from)?),
            None => Ok(serde_json::from_value(answer["ok"].clone()).map_err(anyhow::Error::from)?),
        }
    }

    fn answer(&mut self, request: &Value) -> Result<Value> {
        writeln!(self.requests, "{request}").context("the driver is gone")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the driver ended at {request}"))
    }
}

impl Session for Remote {
    fn run(&mut self, sql: &str) -> Result<(), Refusal> {
        self.ask(&json!({"run": sql}))
    }

    fn one(&mut self, sql: &str) -> Result<Option<String>, Refusal> {
        self.ask(&json!({"one": sql}))
    }

    fn read(&mut self, relation: &QName, most: usize) -> Result<Vec<Value>, Refusal> {
        self.ask(&json!({"read": [relation.schema, relation.name], "most": most}))
    }

    fn insert(&mut self, table: &QName, keep: Option<&[String]>) -> Result<Value, Refusal> {
        self.ask(&json!({"insert": [table.schema, table.name], "keep": keep}))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
