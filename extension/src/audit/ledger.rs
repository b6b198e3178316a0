//! The tables of the ledger: making them, and acting as their owner.

use std::cell::Cell;

use canon_core::ledger::hash::Hash;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;

use crate::error::{Error, Result};
use crate::guc::Pinned;
use crate::user::ActingAs;

/// Days for which partitions are made ahead.
const MONTHS_AHEAD: i32 = 2;

/// The tables of the ledger, which nobody may write but we.
pub(super) const TABLES: [&str; 9] = [
    "audit_entry",
    "audit_position",
    "audit_tile",
    "audit_block",
    "audit_chain",
    "audit_lane",
    "audit_lane_link",
    "audit_table",
    "audit_ledger",
];

thread_local! {
    /// Whether the change under way is our own work on the ledger; read by the guard.
    static WORKING: Cell<u32> = const { Cell::new(0) };
}

/// Lets the guard pass changes of this session until dropped.
pub(super) struct Working(());

impl Working {
    pub(super) fn begin() -> Self {
        WORKING.set(WORKING.get() + 1);
        Self(())
    }

    /// Whether a change under way is ours.
    pub(super) fn is_ours() -> bool {
        WORKING.get() > 0
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        WORKING.set(WORKING.get().saturating_sub(1));
    }
}

/// Which database this is: the server's identifier and the database's number in it. A dump that is
/// restored anywhere is another database.
#[pg_extern(schema = "canon", stable, parallel_safe)]
pub(super) fn audit_identity() -> String {
    // SAFETY: constants of the server and the session.
    let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
    format!("{system}/{}", database.to_u32())
}

fn oid_of(client: &SpiClient<'_>, sql: &str) -> Result<Option<pg_sys::Oid>> {
    Ok(client.select(sql, Some(1), &[])?.first().get_one::<pg_sys::Oid>()?)
}

/// Owner of the ledger; `None` where there is none yet.
pub(super) fn owner() -> Result<Option<pg_sys::Oid>> {
    Spi::connect(|client| {
        let table = client.select(
            "SELECT c.relowner FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n
                 ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             WHERE n.nspname OPERATOR(pg_catalog.=) 'canon' AND c.relname OPERATOR(pg_catalog.=) 'audit_ledger'",
            Some(1),
            &[],
        )?;
        if table.is_empty() { Ok(None) } else { Ok(table.first().get_one::<pg_sys::Oid>()?) }
    })
}

/// Owner of the ledger, which must be there.
pub(super) fn require() -> Result<pg_sys::Oid> {
    owner()?.ok_or(Error::NoLedger)
}

/// Makes the ledger where there is none; returns its owner, who is that of schema canon: where
/// the extension was created as a trusted one, that is the bootstrap superuser.
pub(super) fn ensure() -> Result<pg_sys::Oid> {
    if let Some(owner) = owner()? {
        return Ok(owner);
    }
    let sql = "SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'canon'";
    let owner = Spi::connect(|client| oid_of(client, sql))?;
    let owner = owner.ok_or_else(|| Error::Internal("schema canon has no owner".to_owned()))?;
    as_role(owner, || {
        Spi::connect_mut(|client| {
            // Two sessions that both find no ledger: the second waits here and finds it.
            client.update("LOCK TABLE canon.installed_pack IN SHARE ROW EXCLUSIVE MODE", None, &[])?;
            let there = client.update("SELECT pg_catalog.to_regclass('canon.audit_ledger') IS NOT NULL", None, &[])?;
            if there.first().get_one::<bool>()? == Some(true) {
                return Ok(());
            }
            let guards: String = TABLES.iter().chain(&["audit_entry_other"]).map(|table| guard(table)).collect();
            client.update(include_str!("ledger.sql"), None, &[])?;
            client.update(guards.as_str(), None, &[]).map(|_| ())
        })?;
        partitions()
    })?;
    Ok(owner)
}

/// The statement that keeps a table from being changed by hand.
fn guard(table: &str) -> String {
    format!(
        "CREATE TRIGGER canon_audit_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON canon.{table}
             FOR EACH STATEMENT EXECUTE FUNCTION canon.audit_guard();"
    )
}

/// Makes the partitions of this month and the next ones. Must run as the owner.
pub(super) fn partitions() -> Result<()> {
    Spi::connect_mut(|client| {
        let missing = client.update(
            "SELECT pg_catalog.to_char(m, 'YYYY_MM'), pg_catalog.to_char(m, 'YYYY-MM-DD'),
                    pg_catalog.to_char(m OPERATOR(pg_catalog.+) interval '1 month', 'YYYY-MM-DD')
             FROM pg_catalog.generate_series(
                      pg_catalog.date_trunc('month', pg_catalog.timezone('UTC', pg_catalog.now())),
                      pg_catalog.date_trunc('month', pg_catalog.timezone('UTC', pg_catalog.now()))
                          OPERATOR(pg_catalog.+) pg_catalog.make_interval(months => $1),
                      interval '1 month') AS m
             WHERE pg_catalog.to_regclass('canon.audit_entry_' OPERATOR(pg_catalog.||) pg_catalog.to_char(m, 'YYYY_MM')) IS NULL
               AND NOT EXISTS (SELECT FROM canon.audit_entry_other AS o
                   WHERE o.recorded_at OPERATOR(pg_catalog.>=) pg_catalog.timezone('UTC', m)
                     AND o.recorded_at OPERATOR(pg_catalog.<)
                         pg_catalog.timezone('UTC', m OPERATOR(pg_catalog.+) interval '1 month'))",
            None,
            &[MONTHS_AHEAD.into()],
        )?;
        let mut names = Vec::new();
        for row in missing {
            let texts = (row.get::<String>(1)?, row.get::<String>(2)?, row.get::<String>(3)?);
            if let (Some(name), Some(from), Some(to)) = texts {
                names.push((name, from, to));
            }
        }
        for (name, from, to) in names {
            // Digits and hyphens of our own making.
            let sql = format!(
                "CREATE TABLE canon.audit_entry_{name} PARTITION OF canon.audit_entry
                     FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00'); {}",
                guard(&format!("audit_entry_{name}"))
            );
            client.update(sql.as_str(), None, &[])?;
        }
        Ok(())
    })
}

/// Works on the ledger as `role`, which must be its owner.
pub(super) fn as_role<T>(role: pg_sys::Oid, body: impl FnOnce() -> Result<T>) -> Result<T> {
    let acting = ActingAs::owner_of_our_table(role);
    let working = Working::begin();
    let pinned = Pinned::plain_utc();
    // Statements that read much and compute little: compiling them takes longer than running them.
    let jit = Pinned::one(c"jit", c"off");
    let done = body();
    drop((jit, pinned, working, acting));
    done
}

/// Works on the ledger as its owner.
pub(super) fn as_owner<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    as_role(require()?, body)
}

/// One fixed statement on the ledger.
pub(super) fn run(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<()> {
    Spi::connect_mut(|client| client.update(sql, None, arguments).map(|_| ()))?;
    Ok(())
}

/// What one fixed statement says: yes or no.
pub(super) fn ask(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<bool> {
    Spi::connect_mut(|client| Ok(client.update(sql, Some(1), arguments)?.first().get_one::<bool>()? == Some(true)))
}

/// A hash as it is stored.
pub(super) fn hash(bytes: Option<&[u8]>) -> Result<Hash> {
    bytes.and_then(Hash::from_slice).ok_or_else(|| Error::Internal("a hash in the ledger has not 32 bytes".to_owned()))
}

/// A transaction as an argument of a statement.
pub(super) fn xid(value: i64) -> DatumWithOid<'static> {
    // SAFETY: an xid8 is passed like an int8.
    unsafe { DatumWithOid::new(Raw(pg_sys::Datum::from(value)), pg_sys::XID8OID) }
}

/// A value as the server passes it, of a type that pgrx does not know or would convert.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw(pub(super) pg_sys::Datum);

impl Raw {
    /// An `xid8` or a `timestamptz`.
    pub(super) fn int8(self) -> i64 {
        self.0.value() as i64
    }
}

impl FromDatum for Raw {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Self(datum))
    }
}

impl IntoDatum for Raw {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::InvalidOid
    }

    fn is_compatible_with(_: pg_sys::Oid) -> bool {
        true
    }
}
