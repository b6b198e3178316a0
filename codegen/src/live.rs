//! The model of a live database.

use canon_core::schema::Model;
use postgres::{Client, NoTls};

use crate::error::Error;

/// The query that the extension runs too.
const CATALOG: &str = include_str!("../../sql/catalog.sql");

/// Connects and reads `schemas`, or all of them.
pub fn connect(url: &str, schemas: Option<&[&str]>) -> Result<Model, Error> {
    read(&mut Client::connect(url, NoTls)?, schemas)
}

/// Reads `schemas`, or all of them, in one read-only transaction.
pub fn read(client: &mut Client, schemas: Option<&[&str]>) -> Result<Model, Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    // Names outside pg_catalog are then printed with their schema.
    transaction.batch_execute("SET LOCAL search_path = pg_catalog")?;
    let document: String = transaction.query_one(CATALOG, &[&schemas])?.get(0);
    serde_json::from_str(&document).map_err(|error| Error::Database(format!("unexpected catalogue document: {error}")))
}
