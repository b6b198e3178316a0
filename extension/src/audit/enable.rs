//! Which tables are recorded, and how.

use canon_core::ledger::entry::Operation;
use canon_core::ledger::hash::from_hex;
use canon_core::ledger::value::{Class, push_field};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use pgrx::{JsonB, PgRelation, Uuid};

use super::config::{Config, LogColumns, Mode, ROW_TRIGGER, TRUNCATE_TRIGGER};
use super::record::{Event, ensure_lanes, record};
use super::{context, identity, ledger};
use crate::cache;
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// A table as the catalogue has it.
pub(super) struct Relation {
    pub(super) oid: pg_sys::Oid,
    /// Quoted and qualified.
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) key: Vec<String>,
    /// Identifier and settings, where it is recorded.
    pub(super) recorded: Option<Config>,
    kind: String,
    persistence: String,
    schema: String,
    owned: bool,
    pub(super) owner: pg_sys::Oid,
    types: Vec<String>,
}

/// Reads what `relation` is.
pub(super) fn relation(oid: pg_sys::Oid) -> Result<Relation> {
    let _pinned = Pinned::plain();
    let rows = cache::read(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind::pg_catalog.text,
             c.relpersistence::pg_catalog.text, n.nspname,
             pg_catalog.pg_has_role(c.relowner, 'USAGE')::pg_catalog.text,
             (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)::pg_catalog.text
              FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped),
             (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)::pg_catalog.text
              FROM pg_catalog.pg_index AS i
              CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (number, place)
              JOIN pg_catalog.pg_attribute AS a
                  ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.=) k.number
              WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisprimary),
             (SELECT pg_catalog.convert_from(
                  pg_catalog.substring(t.tgargs, 1, pg_catalog.length(t.tgargs) OPERATOR(pg_catalog.-) 1),
                  pg_catalog.getdatabaseencoding())
              FROM pg_catalog.pg_trigger AS t
              WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND t.tgname OPERATOR(pg_catalog.=) 'canon_audit_row'),
             c.relowner::pg_catalog.text,
             (SELECT pg_catalog.json_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)::pg_catalog.text
              FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)
         FROM pg_catalog.pg_class AS c
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        &[&oid.to_u32().to_string()],
    )?;
    let missing = || Error::NotAuditable { relation: oid.to_u32().to_string(), kind: "gone".to_owned() };
    let row = rows.into_iter().next().ok_or_else(missing)?;
    let text = |k: usize| row.get(k).cloned().flatten();
    let list = |k: usize| text(k).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let said: Option<Config> = text(7).and_then(|said| serde_json::from_str(&said).ok());
    let recorded = match said {
        Some(config) if identity::is_of(uuid(&config.id)?, oid)? => Some(config),
        _ => None,
    };
    Ok(Relation {
        oid,
        name: text(0).ok_or_else(missing)?,
        kind: text(1).unwrap_or_default(),
        persistence: text(2).unwrap_or_default(),
        schema: text(3).unwrap_or_default(),
        owned: text(4).as_deref() == Some("true"),
        columns: list(5),
        key: list(6),
        recorded,
        owner: pg_sys::Oid::from(text(8).and_then(|oid| oid.parse::<u32>().ok()).unwrap_or(0)),
        types: list(9),
    })
}

impl Relation {
    pub(super) fn is_partitioned(&self) -> bool {
        self.kind == "p"
    }

    fn require_auditable(&self) -> Result<()> {
        let kind = match (self.kind.as_str(), self.persistence.as_str()) {
            _ if self.schema == "canon" || self.schema == "pg_catalog" || self.schema == "information_schema" => {
                "a table of the system or of the ledger"
            }
            ("r" | "p", "t") => "a temporary table",
            ("r" | "p", _) => return Ok(()),
            ("v", _) => "a view",
            ("m", _) => "a materialized view",
            ("f", _) => "a foreign table",
            ("S", _) => "a sequence",
            ("i" | "I", _) => "an index",
            _ => "not a table",
        };
        Err(Error::NotAuditable { relation: self.name.clone(), kind: kind.to_owned() })
    }

    /// Type of a column, as SQL writes it under a pinned `search_path`.
    pub(super) fn key_type(&self, column: &str) -> Result<&str> {
        let at = self.columns.iter().position(|known| known == column);
        let ty = at.and_then(|at| self.types.get(at)).map(String::as_str);
        ty.ok_or_else(|| Error::Internal(format!("column {column} of {} is gone", self.name)))
    }

    pub(super) fn require_owner(&self) -> Result<()> {
        if self.owned { Ok(()) } else { Err(Error::NotTableOwner { relation: self.name.clone() }) }
    }

    fn require_column(&self, column: &str, option: &'static str) -> Result<()> {
        if self.columns.iter().any(|known| known == column) {
            return Ok(());
        }
        Err(Error::NoSuchAuditColumn { relation: self.name.clone(), column: column.to_owned(), option })
    }
}

/// Records every change of a table from now on.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "named arguments of an SQL function")]
pub(super) fn audit_enable(
    relation: PgRelation,
    mode: default!(&str, "'sealed'"),
    include_columns: default!(Option<Vec<String>>, "NULL"),
    exclude_columns: default!(Option<Vec<String>>, "NULL"),
    redacted_columns: default!(Option<Vec<String>>, "NULL"),
    key_columns: default!(Option<Vec<String>>, "NULL"),
    chain_by: default!(Option<&str>, "NULL"),
    full_images: default!(bool, "false"),
    enable_always: default!(bool, "false"),
) -> std::result::Result<Uuid, ErrorReport> {
    let table = self::relation(closed(relation))?;
    let modes = "sealed, strict, lanes";
    let mode = Mode::parse(mode).ok_or_else(|| Error::BadAuditOption {
        option: "mode",
        value: mode.to_owned(),
        allowed: modes,
    })?;
    let config = Config {
        id: String::new(),
        mode,
        include: include_columns,
        exclude: exclude_columns.unwrap_or_default(),
        redacted: redacted_columns.unwrap_or_default(),
        key: key_columns.unwrap_or_else(|| table.key.clone()),
        chain_by: chain_by.map(str::to_owned),
        full_images,
        always: enable_always,
        log: None,
    };
    Ok(enable(&table, config)?)
}

/// The number of the table. A table that this call holds open could not be given triggers.
pub(super) fn closed(relation: PgRelation) -> pg_sys::Oid {
    relation.oid()
}

/// Checks the settings and makes the triggers; the caller keeps the rights it has.
pub(super) fn enable(table: &Relation, mut config: Config) -> Result<Uuid> {
    table.require_auditable()?;
    table.require_owner()?;
    for (columns, option) in [
        (config.include.clone().unwrap_or_default(), "include_columns"),
        (config.exclude.clone(), "exclude_columns"),
        (config.redacted.clone(), "redacted_columns"),
        (config.key.clone(), "key_columns"),
        (config.chain_by.iter().cloned().collect(), "chain_by"),
        (config.log.iter().flat_map(LogColumns::names).collect(), "log columns"),
    ] {
        columns.iter().try_for_each(|column| table.require_column(column, option))?;
    }
    if let Some(secret) = config.redacted.iter().find(|c| config.key.contains(c) || config.chain_by.as_ref() == Some(c))
    {
        return Err(Error::BadAuditOption {
            option: "redacted_columns",
            value: secret.clone(),
            allowed: "columns that are neither in key_columns nor chain_by",
        });
    }
    let owner = ledger::ensure()?;
    let before = table.recorded.clone();
    config.id = match &before {
        Some(known) => known.id.clone(),
        None => known_id(&table.name, owner)?.map_or_else(random_uuid, Ok)?,
    };
    if before.as_ref() == Some(&config) && !is_switched_off(&config.id, owner)? {
        return uuid(&config.id);
    }
    if config.key.is_empty() {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("table {} has no primary key: its entries do not say which row they are about", table.name),
            "pg_canon",
        )
        .set_hint("Name columns that identify a row: key_columns => ARRAY['...'].")
        .report(PgLogLevel::NOTICE);
    }
    make_triggers(table, &config)?;
    let id = uuid(&config.id)?;
    let settings = serde_json::to_value(&config).map_err(|error| Error::Internal(error.to_string()))?;
    let actor = context::actor();
    ledger::as_role(owner, || {
        ensure_lanes()?;
        ledger::run(
            "INSERT INTO canon.audit_table (id, relation, settings, enabled, enabled_at, enabled_by)
             VALUES ($1, $2, $3, true, pg_catalog.clock_timestamp(), $4)
             ON CONFLICT (id) DO UPDATE SET relation = excluded.relation, settings = excluded.settings, enabled = true,
                 enabled_at = excluded.enabled_at, enabled_by = excluded.enabled_by",
            &[id.into(), table.name.as_str().into(), JsonB(settings.clone()).into(), actor.as_str().into()],
        )
    })?;
    note(Operation::Enable, &config.id, &table.name, &settings.to_string())?;
    Ok(id)
}

/// The identifier that a table of this name had when it was last recorded.
fn known_id(relation: &str, owner: pg_sys::Oid) -> Result<Option<String>> {
    ledger::as_role(owner, || {
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT id::pg_catalog.text FROM canon.audit_table
                 WHERE relation OPERATOR(pg_catalog.=) $1 AND NOT enabled ORDER BY enabled_at DESC LIMIT 1",
                Some(1),
                &[relation.into()],
            )?;
            if rows.is_empty() { Ok(None) } else { Ok(rows.first().get_one::<String>()?) }
        })
    })
}

fn is_switched_off(id: &str, owner: pg_sys::Oid) -> Result<bool> {
    let id = uuid(id)?;
    ledger::as_role(owner, || {
        Spi::connect(|client| {
            let sql = "SELECT enabled FROM canon.audit_table WHERE id OPERATOR(pg_catalog.=) $1";
            let row = client.select(sql, Some(1), &[id.into()])?;
            Ok(row.is_empty() || row.first().get_one::<bool>()? != Some(true))
        })
    })
}

/// Writes an entry about the recording of a table itself.
pub(super) fn note(operation: Operation, id: &str, relation: &str, settings: &str) -> Result<i64> {
    let mut image = Vec::new();
    push_field(&mut image, "settings", Class::Json, settings.as_bytes());
    let table = *uuid(id)?.as_bytes();
    record(&Event {
        operation,
        table,
        relation: Some(relation),
        key: None,
        old: None,
        new: Some(&image),
        mode: Mode::Sealed,
    })
}

impl LogColumns {
    fn names(&self) -> impl Iterator<Item = String> {
        [Some(self.previous_hash.clone()), Some(self.chain_hash.clone()), self.verified.clone()].into_iter().flatten()
    }
}

fn make_triggers(table: &Relation, config: &Config) -> Result<()> {
    let argument = serde_json::to_string(config).map_err(|error| Error::Internal(error.to_string()))?;
    let (name, argument) = (&table.name, quote_literal(argument));
    let enabled = if config.always { "ENABLE ALWAYS" } else { "ENABLE" };
    // The name comes from format('%I.%I'), the argument is quoted.
    let mut sql = format!(
        "DROP TRIGGER IF EXISTS {ROW_TRIGGER} ON {name};
         DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {name};
         CREATE TRIGGER {ROW_TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {name}
             FOR EACH ROW EXECUTE FUNCTION canon.audit_capture({argument});
         CREATE TRIGGER {TRUNCATE_TRIGGER} AFTER TRUNCATE ON {name}
             FOR EACH STATEMENT EXECUTE FUNCTION canon.audit_capture({argument});
         ALTER TABLE {name} {enabled} TRIGGER {ROW_TRIGGER};
         ALTER TABLE {name} {enabled} TRIGGER {TRUNCATE_TRIGGER};"
    );
    for (partition, number) in partitions(table.oid)?.into_iter().zip(1..) {
        sql.push_str(&format!(
            "DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {partition};
             CREATE TRIGGER {TRUNCATE_TRIGGER} AFTER TRUNCATE ON {partition}
                 FOR EACH STATEMENT EXECUTE FUNCTION canon.audit_capture({argument}); -- {number}\n"
        ));
    }
    run_as_caller(&sql)?;
    Ok(())
}

/// The partitions of a table, at every depth, quoted.
fn partitions(table: pg_sys::Oid) -> Result<Vec<String>> {
    let rows = cache::read(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
         FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass) AS p
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.relid
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE p.level OPERATOR(pg_catalog.>) 0",
        &[&table.to_u32().to_string()],
    )?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

/// Definitions are changed with the rights of the caller, and not noted as somebody's change.
pub(super) fn run_as_caller(sql: &str) -> Result<()> {
    let _working = ledger::Working::begin();
    let _pinned = Pinned::plain_utc();
    Spi::connect_mut(|client| client.update(sql, None, &[]).map(|_| ()))?;
    Ok(())
}

fn random_uuid() -> Result<String> {
    let id = Spi::connect(|client| {
        client.select("SELECT pg_catalog.gen_random_uuid()::pg_catalog.text", Some(1), &[])?.first().get_one::<String>()
    })?;
    id.ok_or_else(|| Error::Internal("no UUID".to_owned()))
}

pub(super) fn uuid(text: &str) -> Result<Uuid> {
    let bytes = from_hex(&text.replace('-', "")).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Uuid::from_bytes).ok_or_else(|| Error::Internal(format!("not a UUID: {text}")))
}

/// Ends recording a table. What was recorded stays.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
pub(super) fn audit_disable(relation: PgRelation) -> std::result::Result<bool, ErrorReport> {
    Ok(disable(&self::relation(closed(relation))?)?)
}

fn disable(table: &Relation) -> Result<bool> {
    table.require_owner()?;
    let Some(config) = &table.recorded else { return Err(Error::NotAudited { relation: table.name.clone() }) };
    note(Operation::Disable, &config.id, &table.name, "{}")?;
    let id = uuid(&config.id)?;
    ledger::as_owner(|| {
        ledger::run("UPDATE canon.audit_table SET enabled = false WHERE id OPERATOR(pg_catalog.=) $1", &[id.into()])
    })?;
    let mut sql =
        format!("DROP TRIGGER {ROW_TRIGGER} ON {0}; DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {0};", table.name);
    sql.push_str(&format!(
        "DROP TRIGGER IF EXISTS canon_audit_log_guard ON {0}; DROP TRIGGER IF EXISTS canon_audit_log_truncate ON {0};",
        table.name
    ));
    for partition in partitions(table.oid)? {
        sql.push_str(&format!("DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {partition};"));
    }
    run_as_caller(&sql)?;
    Ok(true)
}
