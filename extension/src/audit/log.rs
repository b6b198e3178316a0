//! Log tables with hash columns of their own: the ledger records their rows, fills their columns when
//! it seals, and keeps them from being changed.

use std::collections::BTreeMap;

use canon_core::ledger::entry::Operation;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgRelation, PgTriggerError, Uuid};

use super::columns::text_in;
use super::config::{Config, LogColumns, Mode};
use super::enable::{self, Relation, closed, run_as_caller};
use super::identity::table_of;
use super::record::{Event, record};
use super::rows::each_row;
use super::{ledger, verify};
use crate::error::{self, Error};
use crate::user::ActingAs;

/// Makes an append-only table with hash columns tamper-evident.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "named arguments of an SQL function")]
pub(super) fn audit_seal_table(
    relation: PgRelation,
    previous_hash: default!(&str, "'previous_hash'"),
    chain_hash: default!(&str, "'audit_chain_hash'"),
    verified: default!(Option<&str>, "'verified'"),
    chain_by: default!(Option<&str>, "NULL"),
    key_columns: default!(Option<Vec<String>>, "NULL"),
) -> std::result::Result<Uuid, ErrorReport> {
    let table = enable::relation(closed(relation))?;
    let key = key_columns.unwrap_or_else(|| table.key.clone());
    if key.len() != 1 {
        return Err(Error::BadAuditOption {
            option: "key_columns",
            value: key.join(", "),
            allowed: "one column that identifies a row of the log",
        }
        .into());
    }
    let log = LogColumns {
        previous_hash: previous_hash.to_owned(),
        chain_hash: chain_hash.to_owned(),
        verified: verified.map(str::to_owned),
    };
    let config = Config { key, chain_by: chain_by.map(str::to_owned), log: Some(log), ..Config::default() };
    let known = table.recorded.is_some();
    let id = enable::enable(&table, config)?;
    let name = &table.name;
    run_as_caller(&format!(
        "DROP TRIGGER IF EXISTS canon_audit_log_guard ON {name};
         DROP TRIGGER IF EXISTS canon_audit_log_truncate ON {name};
         CREATE TRIGGER canon_audit_log_guard BEFORE UPDATE OR DELETE ON {name}
             FOR EACH ROW EXECUTE FUNCTION canon.audit_log_guard();
         CREATE TRIGGER canon_audit_log_truncate BEFORE TRUNCATE ON {name}
             FOR EACH STATEMENT EXECUTE FUNCTION canon.audit_log_guard();"
    ))?;
    if !known {
        backfill(&enable::relation(table.oid)?)?;
    }
    Ok(id)
}

/// `BEFORE` trigger of log tables: rows are added and never changed, but for the columns that the ledger fills.
#[pg_trigger(sql = "
CREATE FUNCTION canon.audit_log_guard() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
pub(super) fn audit_log_guard<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    if !ledger::Working::is_ours() && !is_action_of_a_key(trigger) {
        let part = |name: Result<String, PgTriggerError>| name.unwrap_or_else(|_| "?".to_owned());
        let relation = pgrx::spi::quote_qualified_identifier(part(trigger.table_schema()), part(trigger.table_name()));
        ErrorReport::from(Error::LogIsAppendOnly { relation }).report(PgLogLevel::ERROR);
    }
    Ok(trigger.new().map(PgHeapTuple::into_owned))
}

/// Whether a foreign key is setting a column to what has become of the row that it points to. The server
/// marks such work, and no statement can: rows must not keep a login from being deleted. The change
/// is recorded as any other.
fn is_action_of_a_key(trigger: &PgTrigger<'_>) -> bool {
    // SAFETY: reads a flag of the session.
    trigger.event().fired_by_update() && unsafe { pg_sys::InNoForceRLSOperation() }
}

/// Records the rows that were there before.
fn backfill(table: &Relation) -> error::Result<()> {
    let Some(config) = &table.recorded else { return Ok(()) };
    let id = *enable::uuid(&config.id)?.as_bytes();
    let mut images = Vec::new();
    each_row(table, &mut |image, _| {
        images.push(image.to_vec());
        Ok(())
    })?;
    for image in images {
        let key = config.key.first().and_then(|column| text_in(&image, column));
        record(&Event {
            operation: Operation::Insert,
            table: id,
            relation: Some(&table.name),
            key: key.as_deref(),
            old: None,
            new: Some(&image),
            mode: Mode::Sealed,
        })?;
    }
    Ok(())
}

/// What sealing writes into a log table.
#[derive(Default)]
pub(super) struct Filling(BTreeMap<String, Columns>);

/// Keys, and the two hashes of each.
type Columns = (Vec<String>, Vec<String>, Vec<String>);

impl Filling {
    /// Takes note of a sealed row: table, key, and the two hashes in hexadecimal digits.
    pub(super) fn add(&mut self, table: &str, key: String, previous: String, hash: String) {
        let (keys, before, hashes) = self.0.entry(table.to_owned()).or_default();
        keys.push(key);
        before.push(previous);
        hashes.push(hash);
    }

    /// Writes the columns, as the owner of each table.
    pub(super) fn write(self) -> error::Result<()> {
        for (id, (keys, before, hashes)) in self.0 {
            let Some(table) = table_of(&id)? else { continue };
            let Some((Some(log), Some(key))) = table.recorded.as_ref().map(|c| (c.log.clone(), c.key.first())) else {
                continue;
            };
            let ident = |name: &str| pgrx::spi::quote_identifier(name);
            let sql = format!(
                "UPDATE {} AS t SET {} = u.previous, {} = u.hash
                 FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
                     pg_catalog.unnest($3::pg_catalog.text[])) AS u (key, previous, hash)
                 WHERE t.{} = u.key::{}",
                table.name,
                ident(&log.previous_hash),
                ident(&log.chain_hash),
                ident(key),
                table.key_type(key)?
            );
            as_table_owner(&table, &sql, &[keys.into(), before.into(), hashes.into()])?;
        }
        Ok(())
    }
}

fn as_table_owner(table: &Relation, sql: &str, arguments: &[pgrx::datum::DatumWithOid<'_>]) -> error::Result<()> {
    let acting = ActingAs::owner_of_expressions(table.owner);
    let _pinned = crate::guc::Pinned::plain_utc();
    let done = Spi::connect_mut(|client| client.update(sql, None, arguments).map(|_| ()));
    drop(acting);
    Ok(done?)
}

/// Writes the verdict into the `verified` columns: true up to the first bad position, false from there on.
pub(super) fn mark_verified(first_bad: Option<u64>) -> error::Result<()> {
    let removed = verify::beginning()?.anchor.size > 0;
    let rows = Spi::connect(|client| {
        let rows = client.select(
            "SELECT id::pg_catalog.text FROM canon.audit_table
             WHERE enabled AND settings OPERATOR(pg_catalog.#>>) '{log,verified}' IS NOT NULL",
            None,
            &[],
        )?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, _>>()
    })?;
    for id in rows.into_iter().flatten() {
        let Some(table) = table_of(&id)? else { continue };
        let Some(log) = table.recorded.as_ref().and_then(|config| config.log.clone()) else { continue };
        let Some(verified) = log.verified else { continue };
        let Some(key) = table.recorded.as_ref().and_then(|config| config.key.first()) else { continue };
        let Known { keys, hashes, good } = known_rows(&id, first_bad)?;
        let ident = |name: &str| pgrx::spi::quote_identifier(name);
        // What the ledger does not know any more keeps its last verdict.
        let sql = format!(
            "UPDATE {name} AS t SET {verified} = v.good
             FROM (SELECT s.ctid AS at, COALESCE(g.good AND g.hash = s.{hash}, false) AS good, g.key IS NOT NULL AS known
                 FROM {name} AS s
                 LEFT JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
                     pg_catalog.unnest($3::pg_catalog.bool[])) AS g (key, hash, good)
                     ON g.key::{ty} = s.{key}) AS v
             WHERE t.ctid = v.at AND t.{verified} IS DISTINCT FROM v.good AND (v.known OR NOT $4)",
            name = table.name,
            verified = ident(&verified),
            hash = ident(&log.chain_hash),
            key = ident(key),
            ty = table.key_type(key)?,
        );
        as_table_owner(&table, &sql, &[keys.into(), hashes.into(), good.into(), removed.into()])?;
    }
    Ok(())
}

/// Rows of a log table as the ledger knows them, by column.
#[derive(Default)]
struct Known {
    keys: Vec<String>,
    hashes: Vec<String>,
    good: Vec<bool>,
}

fn known_rows(id: &str, first_bad: Option<u64>) -> error::Result<Known> {
    let table = enable::uuid(id)?;
    let end = first_bad.map_or(i64::MAX, |position| i64::try_from(position).unwrap_or(i64::MAX));
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT DISTINCT ON (e.row_key) e.row_key, pg_catalog.encode(p.audit_chain_hash, 'hex'),
                 p.position OPERATOR(pg_catalog.<) $2
             FROM canon.audit_position AS p
             JOIN canon.audit_entry AS e ON e.id OPERATOR(pg_catalog.=) p.entry_id
             WHERE e.table_id OPERATOR(pg_catalog.=) $1 AND e.operation OPERATOR(pg_catalog.=) 'INSERT'
               AND e.row_key IS NOT NULL
             ORDER BY e.row_key, p.position DESC",
            None,
            &[table.into(), end.into()],
        )?;
        let mut known = Known::default();
        for row in rows {
            if let (Some(key), Some(hash), Some(good)) =
                (row.get::<String>(1)?, row.get::<String>(2)?, row.get::<bool>(3)?)
            {
                known.keys.push(key);
                known.hashes.push(hash);
                known.good.push(good);
            }
        }
        Ok(known)
    })
}
