//! Storing entries: straight into the partition of the time, as COPY does. Planning, routing and the
//! guard, which would let our own work pass, cost more than all the rest of recording.
//!
//! Where anything is not as the ledger was made, such as a column or a row trigger that somebody has
//! added, the entry takes the ordinary way through an `INSERT`.

use std::cell::RefCell;
use std::rc::Rc;

use pgrx::prelude::*;

use super::ledger;
use crate::cache::{self, Cache};
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// Columns of an entry, in the order of the table.
pub(super) const COLUMNS: usize = 14;

/// Their values; `None` is NULL.
pub(super) type Values = [Option<pg_sys::Datum>; COLUMNS];

const INSERT: &std::ffi::CStr = c"INSERT INTO canon.audit_entry
    (id, recorded_at, xid, operation, table_id, relation, row_key, old_row, new_row, actor, context, salt, commitment, leaf)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

const TYPES: [pg_sys::Oid; COLUMNS] = [
    pg_sys::INT8OID,
    pg_sys::TIMESTAMPTZOID,
    pg_sys::XID8OID,
    pg_sys::TEXTOID,
    pg_sys::UUIDOID,
    pg_sys::TEXTOID,
    pg_sys::TEXTOID,
    pg_sys::BYTEAOID,
    pg_sys::BYTEAOID,
    pg_sys::TEXTOID,
    pg_sys::JSONOID,
    pg_sys::BYTEAOID,
    pg_sys::BYTEAOID,
    pg_sys::BYTEAOID,
];

/// What a session knows about the ledger.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) owner: pg_sys::Oid,
    pub(super) sequence: pg_sys::Oid,
    /// Partitions of the form that we made: times from and to, as PostgreSQL counts them.
    partitions: Vec<(i64, i64, pg_sys::Oid)>,
}

thread_local! {
    static TARGETS: Cache<pg_sys::Oid, Target> = Cache::new();
    /// The statement, and the table that it was prepared for.
    static PLAN: RefCell<Option<(pg_sys::Oid, pg_sys::SPIPlanPtr)>> = const { RefCell::new(None) };
}

/// The ledger of the database.
pub(super) fn target() -> Result<(pg_sys::Oid, Rc<Target>)> {
    // SAFETY: looks into the catalogue caches.
    let (ledger, sequence) = unsafe {
        let schema = pg_sys::get_namespace_oid(c"canon".as_ptr(), true);
        let table = pg_sys::get_relname_relid(c"audit_entry".as_ptr(), schema);
        if table == pg_sys::InvalidOid {
            return Err(Error::NoLedger);
        }
        (table, move || pg_sys::get_relname_relid(c"audit_entry_id".as_ptr(), schema))
    };
    let target = TARGETS.with(|targets| {
        targets.get(ledger, |sources| {
            sources.add(ledger);
            Ok::<_, Error>(Target { owner: ledger::require()?, sequence: sequence(), partitions: partitions(ledger)? })
        })
    })?;
    Ok((ledger, target))
}

fn partitions(ledger: pg_sys::Oid) -> Result<Vec<(i64, i64, pg_sys::Oid)>> {
    let _pinned = Pinned::plain_utc();
    let rows = cache::read(
        "SELECT c.oid::pg_catalog.text,
             pg_catalog.substring(b.text, 'FROM \\(''([^'']+)''\\)'), pg_catalog.substring(b.text, 'TO \\(''([^'']+)''\\)')
         FROM pg_catalog.pg_inherits AS i
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
         CROSS JOIN LATERAL pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS b (text)
         WHERE i.inhparent OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
           AND (SELECT pg_catalog.string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0)
               OPERATOR(pg_catalog.=) 'id,recorded_at,xid,operation,table_id,relation,row_key,old_row,new_row,actor,context,salt,commitment,leaf'",
        &[&ledger.to_u32().to_string()],
    )?;
    let mut found = Vec::new();
    for row in rows {
        if let [Some(oid), Some(from), Some(to)] = row.as_slice()
            && let (Ok(oid), Some(from), Some(to)) = (oid.parse::<u32>(), time(from)?, time(to)?)
        {
            found.push((from, to, pg_sys::Oid::from(oid)));
        }
    }
    Ok(found)
}

/// A time of a partition's bounds; `None` for what is not a finite one.
fn time(text: &str) -> Result<Option<i64>> {
    let sql = "SELECT (EXTRACT(epoch FROM t) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8::pg_catalog.text
         FROM (SELECT $1::pg_catalog.timestamptz AS t) AS u WHERE pg_catalog.isfinite(t)";
    let rows = cache::read(sql, &[text])?;
    let micros = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    Ok(micros.and_then(|text| text.parse::<i64>().ok()).map(|unix| unix - super::columns::EPOCH_MICROS))
}

/// Stores an entry. Must run as the owner of the ledger.
pub(super) fn store(ledger: pg_sys::Oid, target: &Target, recorded_at: i64, values: &Values) -> Result<()> {
    let partition = target.partitions.iter().find(|(from, to, _)| (*from..*to).contains(&recorded_at));
    if let Some((_, _, partition)) = partition
        && insert_into(*partition, values)
    {
        return Ok(());
    }
    insert(ledger, values)
}

/// Whether the partition took the entry.
fn insert_into(partition: pg_sys::Oid, values: &Values) -> bool {
    // SAFETY: the calls are those of the server's own COPY, in its order: the relation is open and locked while
    // it is used, and everything that is made here is given back. After an error the transaction does that.
    unsafe {
        let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let relation = pg_sys::try_table_open(partition, lock);
        if relation.is_null() {
            return false;
        }
        let triggers = (*relation).trigdesc;
        let triggered =
            !triggers.is_null() && ((*triggers).trig_insert_before_row || (*triggers).trig_insert_after_row);
        // Somebody may have taken it out of the ledger just now.
        if triggered || !(*(*relation).rd_rel).relispartition || (*(*relation).rd_att).natts != COLUMNS as i32 {
            pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            return false;
        }
        let state = pg_sys::CreateExecutorState();
        let outside = pg_sys::MemoryContextSwitchTo((*state).es_query_cxt);
        let info = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast::<pg_sys::ResultRelInfo>();
        // Number 0: it stands in no range table. Errors then name the row without its values.
        pg_sys::InitResultRelInfo(info, relation, 0, std::ptr::null_mut(), 0);
        pg_sys::ExecOpenIndices(info, false);
        let slot = pg_sys::table_slot_create(relation, std::ptr::null_mut());
        for (k, value) in values.iter().enumerate() {
            *(*slot).tts_values.add(k) = value.unwrap_or(pg_sys::Datum::null());
            *(*slot).tts_isnull.add(k) = value.is_none();
        }
        pg_sys::ExecStoreVirtualTuple(slot);
        (*slot).tts_tableOid = partition;
        if !(*(*relation).rd_att).constr.is_null() {
            pg_sys::ExecConstraints(info, slot, state);
        }
        pg_sys::simple_table_tuple_insert(relation, slot);
        if (*info).ri_NumIndices > 0 {
            #[cfg(feature = "pg15")]
            pg_sys::ExecInsertIndexTuples(info, slot, state, false, false, std::ptr::null_mut(), std::ptr::null_mut());
            #[cfg(not(feature = "pg15"))]
            pg_sys::ExecInsertIndexTuples(
                info,
                slot,
                state,
                false,
                false,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                false,
            );
        }
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::ExecCloseIndices(info);
        pg_sys::MemoryContextSwitchTo(outside);
        pg_sys::FreeExecutorState(state);
        // The lock stays until the transaction ends.
        pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        true
    }
}

fn insert(ledger: pg_sys::Oid, values: &Values) -> Result<()> {
    let known = PLAN.with_borrow(|plan| plan.filter(|(table, _)| *table == ledger).map(|(_, plan)| plan));
    let mut datums = values.map(|value| value.unwrap_or(pg_sys::Datum::null()));
    let nulls = values.map(|value| if value.is_some() { b' ' } else { b'n' } as std::ffi::c_char);
    // SAFETY: the plan is kept for the life of the session and takes these arguments; SPI is left again.
    let code = unsafe {
        pg_sys::SPI_connect();
        let plan = match known {
            Some(plan) => plan,
            None => {
                let plan = pg_sys::SPI_prepare(INSERT.as_ptr(), COLUMNS as i32, TYPES.as_ptr().cast_mut());
                if plan.is_null() {
                    pg_sys::SPI_finish();
                    return Err(Error::Internal("cannot prepare the insertion of an entry".to_owned()));
                }
                pg_sys::SPI_keepplan(plan);
                PLAN.set(Some((ledger, plan)));
                plan
            }
        };
        let code = pg_sys::SPI_execute_plan(plan, datums.as_mut_ptr(), nulls.as_ptr(), false, 0);
        pg_sys::SPI_finish();
        code
    };
    if code == pg_sys::SPI_OK_INSERT as i32 {
        Ok(())
    } else {
        Err(Error::Internal(format!("inserting an entry ended with code {code}")))
    }
}
