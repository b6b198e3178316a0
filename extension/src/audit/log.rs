//! Log tables with hash columns of their own: the ledger records their rows, fills their columns when
//! it seals, and keeps them from being changed.

use std::collections::{BTreeMap, HashMap};

use canon_core::ledger::entry::Operation;
use canon_core::ledger::value::fields;
use canon_core::ledger::verify::Problem;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgRelation, PgTriggerError, Uuid};

use super::columns::{self, Values, text_in};
use super::config::{Config, LogColumns, Mode};
use super::enable::{self, Relation, closed, run_as_caller};
use super::record::{Event, record};
use super::{checks, ledger, verify};
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

/// Calls `visit` with the image of each row of a recorded table, and its two hashes where it is a log.
/// The table is read as its owner, restricted as in VACUUM: what stands in its definition must not run
/// with the rights of whoever verifies.
fn each_row(table: &Relation, visit: &mut dyn FnMut(&[u8], Hashes) -> error::Result<()>) -> error::Result<()> {
    let Some(config) = &table.recorded else { return Ok(()) };
    let sql = format!("SELECT * FROM {}", table.name);
    let acting = ActingAs::owner_of_expressions(table.owner);
    let done = Spi::connect(|client| {
        let mut cursor = client.open_cursor(sql.as_str(), &[]);
        loop {
            let rows = cursor.fetch(10_000)?.len();
            if rows == 0 {
                return Ok(());
            }
            // SAFETY: SPI_tuptable holds the rows just fetched.
            unsafe {
                let tuptable = pg_sys::SPI_tuptable;
                let descriptor = (*tuptable).tupdesc;
                let recorded = columns::of_table(descriptor, config);
                for k in 0..rows {
                    let tuple = *(*tuptable).vals.add(k);
                    let values = Values::of(tuple, descriptor);
                    let mut image = Vec::new();
                    recorded.iter().for_each(|column| values.push(&mut image, column));
                    let text = |name: &str| text_of(tuple, descriptor, name);
                    let hashes = config.log.as_ref().map(|log| (text(&log.previous_hash), text(&log.chain_hash)));
                    visit(&image, hashes.unwrap_or_default())?;
                }
            }
        }
    });
    drop(acting);
    done
}

/// `previous_hash` and `audit_chain_hash` of a row.
type Hashes = (Option<String>, Option<String>);

/// # Safety
///
/// The tuple must be one of the descriptor.
unsafe fn text_of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc, column: &str) -> Option<String> {
    let name = std::ffi::CString::new(column).ok()?;
    // SAFETY: by contract; an unknown column has number SPI_ERROR_NOATTRIBUTE, which gives null.
    unsafe {
        let number = pg_sys::SPI_fnumber(descriptor, name.as_ptr());
        if number <= 0 {
            return None;
        }
        let text = pg_sys::SPI_getvalue(tuple, descriptor, number);
        (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned())
    }
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

/// The table that is recorded under an identifier.
fn table_of(id: &str) -> error::Result<Option<Relation>> {
    let rows = crate::cache::read(
        "SELECT t.tgrelid::pg_catalog.text FROM pg_catalog.pg_trigger AS t
         WHERE t.tgname OPERATOR(pg_catalog.=) 'canon_audit_row' AND t.tgparentid OPERATOR(pg_catalog.=) 0
           AND pg_catalog.strpos(pg_catalog.encode(t.tgargs, 'escape'), $1) OPERATOR(pg_catalog.>) 0",
        &[id],
    )?;
    let oid = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).and_then(|oid| oid.parse().ok());
    oid.map(|oid: u32| enable::relation(pg_sys::Oid::from(oid))).transpose()
}

/// What the ledger last saw of a row: columns with the entry that set them.
#[derive(Default)]
struct Seen {
    columns: HashMap<String, Vec<u8>>,
    entry: i64,
    hashes: (String, String),
}

/// Compares recorded tables with the ledger: every row must be as its last entry left it. Rows from
/// before recording began are unknown to the ledger, and passed over. Log tables are always compared.
/// Must run as the owner of the ledger.
pub(super) fn compare(logs_only: bool) -> error::Result<Option<Problem>> {
    let ids = Spi::connect(|client| {
        let rows = client.select(
            "SELECT id::pg_catalog.text FROM canon.audit_table
             WHERE enabled AND (NOT $1 OR settings OPERATOR(pg_catalog.?) 'log') ORDER BY relation",
            None,
            &[logs_only.into()],
        )?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, _>>()
    })?;
    for id in ids.into_iter().flatten() {
        if let Some(table) = table_of(&id)?
            && let Some(problem) = compare_table(&table, &id)?
        {
            return Ok(Some(problem));
        }
    }
    Ok(None)
}

fn compare_table(table: &Relation, id: &str) -> error::Result<Option<Problem>> {
    let Some(config) = table.recorded.clone().filter(|config| !config.key.is_empty()) else { return Ok(None) };
    let mut seen = last_seen(id, &config.key)?;
    let mut bad: Option<(i64, String)> = None;
    let mut blame = |entry: i64, text: String| {
        if bad.as_ref().is_none_or(|(known, _)| entry < *known) {
            bad = Some((entry, text));
        }
    };
    each_row(table, &mut |image, hashes| {
        let Some(key) = columns::key_text(image, &config.key) else { return Ok(()) };
        let Some(last) = seen.remove(&key) else { return Ok(()) };
        let Some(known) = last else {
            blame(i64::MAX, format!("row {key} of {} is there although the ledger saw it deleted", table.name));
            return Ok(());
        };
        let mut there = 0;
        for field in fields(image).flatten() {
            there += usize::from(known.columns.contains_key(field.name));
            if known.columns.get(field.name).is_some_and(|bytes| bytes.as_slice() != field.bytes) {
                blame(known.entry, format!("column {} of row {key} of {} is not as recorded", field.name, table.name));
            }
        }
        if there < known.columns.len() {
            blame(known.entry, format!("row {key} of {} has lost a value", table.name));
        }
        let sealed = config.log.is_some() && !known.hashes.1.is_empty();
        if sealed && (hashes.0.as_deref(), hashes.1.as_deref()) != (Some(&known.hashes.0), Some(&known.hashes.1)) {
            blame(known.entry, format!("the hashes of row {key} of {} are not those of the ledger", table.name));
        }
        Ok(())
    })?;
    for (key, last) in seen {
        if let Some(known) = last {
            blame(known.entry, format!("row {key} of {} is missing", table.name));
        }
    }
    bad.map(|(entry, text)| checks::problem((entry != i64::MAX).then_some(entry), text)).transpose()
}

/// Last known state of every row by key; `None` where it was deleted.
fn last_seen(id: &str, key_columns: &[String]) -> error::Result<HashMap<String, Option<Seen>>> {
    let table = enable::uuid(id)?;
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT e.id, e.operation, e.row_key, e.old_row, e.new_row,
                 pg_catalog.encode(p.previous_hash, 'hex'), pg_catalog.encode(p.audit_chain_hash, 'hex')
             FROM canon.audit_entry AS e
             LEFT JOIN canon.audit_position AS p ON p.entry_id OPERATOR(pg_catalog.=) e.id
             WHERE e.table_id OPERATOR(pg_catalog.=) $1 ORDER BY e.id",
            None,
            &[table.into()],
        )?;
        let mut seen: HashMap<String, Option<Seen>> = HashMap::new();
        for row in rows {
            let operation = row.get::<&str>(2)?.unwrap_or_default();
            if operation == "TRUNCATE" {
                seen.values_mut().for_each(|last| *last = None);
                continue;
            }
            let (Some(key), old, new) = (row.get::<String>(3)?, row.get::<&[u8]>(4)?, row.get::<&[u8]>(5)?) else {
                continue;
            };
            if operation == "DELETE" {
                seen.insert(key, None);
                continue;
            }
            let mut state = match operation {
                "INSERT" => Seen::default(),
                _ => seen.remove(&key).flatten().unwrap_or_default(),
            };
            state.entry = row.get(1)?.unwrap_or_default();
            // The columns of a log hold the links of the entry that added the row.
            if operation == "INSERT" {
                state.hashes = (row.get(6)?.unwrap_or_default(), row.get(7)?.unwrap_or_default());
            }
            for field in fields(old.unwrap_or_default()).flatten() {
                state.columns.remove(field.name);
            }
            for field in fields(new.unwrap_or_default()).flatten() {
                state.columns.insert(field.name.to_owned(), field.bytes.to_vec());
            }
            // An update of the key itself moves the row.
            let moved = columns::key_text(new.unwrap_or_default(), key_columns).filter(|new| *new != key);
            if let Some(new) = moved {
                seen.insert(key, None);
                seen.insert(new, Some(state));
            } else {
                seen.insert(key, Some(state));
            }
        }
        Ok(seen)
    })
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
