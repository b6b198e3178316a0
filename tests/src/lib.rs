//! What the tests in `tests/tests/` share: the server that `cargo xtask test client` has started.
//!
//! ```no_run
//! let db = canon_tests::database("orders")?; // empty, dropped at the end of the test
//! let mut client = db.connect()?;
//! client.batch_execute("CREATE EXTENSION pg_canon")?;
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! With `PG_CANON_KEEP=1` in the environment, databases, roles and servers stay for a look.

mod canon;
pub mod corpus;
pub mod journey;
pub mod scratch;

use std::path::Path;

use anyhow::{Context, Result};
use postgres::Client;
use postgres::error::{DbError, SqlState};

pub use canon::{Ran, canon};
pub use xtask::{
    Cluster, Database, PrivateCluster, Role, Server, Status, StopMode, capture, quote_ident, repo_root, wait_until,
};

/// The running test server, which has pg_canon preloaded.
///
/// # Panics
///
/// When this process was not started by `cargo xtask test`; the text names the command.
#[must_use]
pub fn server() -> Server {
    Server::from_env().unwrap_or_else(|error| panic!("{error:#}"))
}

/// An empty database of the test server, without the extension.
///
/// # Errors
///
/// When it cannot be created.
pub fn database(name: &str) -> Result<Database> {
    server().database(name)
}

/// A database of the test server with the extension.
///
/// # Errors
///
/// When it cannot be created.
pub fn canon_database(name: &str) -> Result<Database> {
    let database = database(name)?;
    database.connect()?.batch_execute("CREATE EXTENSION pg_canon")?;
    Ok(database)
}

/// Runs a file as psql does, statement by statement, up to the first error. Sent as one text its
/// statements would share a transaction, and a `ROLLBACK` would undo those before its `BEGIN` too.
///
/// # Errors
///
/// When PostgreSQL refuses a statement.
pub fn load_file(database: &Database, file: &Path) -> Result<()> {
    let mut psql = database.program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file"]).arg(file);
    capture(&mut psql).map(|_| ())
}

/// Runs `sql`, which must be refused with `code`, and returns the refusal.
///
/// # Errors
///
/// When it is accepted, or fails otherwise.
pub fn refused(client: &mut Client, sql: &str, code: &SqlState) -> Result<DbError> {
    let error = client.batch_execute(sql).err().with_context(|| format!("accepted: {sql}"))?;
    let refusal = error.as_db_error().with_context(|| format!("{sql}: {error}"))?.clone();
    anyhow::ensure!(refusal.code() == code, "{sql}: expected {code:?}, found {refusal:?}");
    Ok(refusal)
}

/// The Rust of the book compiles.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../docs/canon.md")]
    struct Canon;
    #[doc = include_str!("../../docs/lint.md")]
    struct Lint;
    #[doc = include_str!("../../docs/types.md")]
    struct Types;
}
