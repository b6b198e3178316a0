//! The model of a live database.

mod url;

use canon_core::schema::Model;
use postgres::{Client, NoTls};

pub use url::DatabaseUrl;

use crate::error::Error;

/// The query that the extension runs too.
const CATALOG: &str = include_str!("../../sql/catalog.sql");

/// Names outside `pg_catalog` are printed with their schema, and constants the same way whatever
/// the role or database is set to. Compiling the query to machine code takes longer than running it.
const SETTINGS: &str = "SET LOCAL search_path = pg_catalog; SET LOCAL jit = off; SET LOCAL timezone = 'UTC';
    SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1; SET LOCAL quote_all_identifiers = off; SET LOCAL lc_monetary = 'C'";

/// What the catalogue query knows, as `server_version_num` counts.
const VERSIONS: std::ops::Range<i32> = 150_000..190_000;

/// Connects and reads `schemas`, or all of them. Needs no right but to connect: PostgreSQL's
/// catalogue is readable by everybody.
pub fn connect(url: &DatabaseUrl, schemas: Option<&[&str]>) -> Result<Model, Error> {
    read(&mut url.client()?, schemas)
}

impl DatabaseUrl {
    /// A connection to a server whose catalogue is known here.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let target = self.label();
        let located = |error: postgres::Error| Error::from_postgres(&target, &error);
        let mut client: Client = self.config().connect(NoTls).map_err(located)?;
        let version: String = client.query_one("SHOW server_version_num", &[]).map_err(located)?.get(0);
        if !version.parse().is_ok_and(|version| VERSIONS.contains(&version)) {
            let major = version.parse::<i32>().unwrap_or_default() / 10_000;
            return Err(Error::Database(format!("{target} runs PostgreSQL {major}; canon reads 15 to 18")));
        }
        Ok(client)
    }
}

/// Reads `schemas`, or all of them, in one read-only transaction.
pub fn read(client: &mut Client, schemas: Option<&[&str]>) -> Result<Model, Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute(SETTINGS)?;
    let document: String = transaction.query_one(CATALOG, &[&schemas])?.get(0);
    serde_json::from_str(&document).map_err(|error| Error::Database(format!("unexpected catalogue document: {error}")))
}
