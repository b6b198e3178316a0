//! What the history tells.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::prelude::*;

use super::error::{Error, Result};
use super::guard::Target;
use super::setup;

/// A row of `canon.status_history`.
pub(super) type HistoryRow = (
    i64,
    String,
    String,
    i32,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    bool,
    String,
    String,
    Option<String>,
    TimestampWithTimeZone,
    Option<Interval>,
);

/// Changes of a table, or of one row, in their order, each with the time that the row had spent in
/// the state it left.
pub(super) fn history(relation: pg_sys::Oid, key: Option<&str>, column: Option<&str>) -> Result<Vec<HistoryRow>> {
    let history = table(relation, column)?;
    let sql = format!(
        "SELECT h.id, h.column_name, h.key, h.version, h.from_state, h.to_state, h.event, h.reason, h.bypassed, h.changed_by,
                h.session_by, h.actor, h.changed_at,
                h.changed_at OPERATOR(pg_catalog.-) pg_catalog.lag(h.changed_at) OVER (PARTITION BY h.column_name, h.key ORDER BY h.id)
         FROM {history} h
         WHERE h.relation OPERATOR(pg_catalog.=) $1::pg_catalog.regclass AND ($2 IS NULL OR h.key OPERATOR(pg_catalog.=) $2)
           AND ($3 IS NULL OR h.column_name OPERATOR(pg_catalog.=) $3)
         ORDER BY h.id"
    );
    Spi::connect(|client| {
        let rows = client.select(sql.as_str(), None, &[relation.into(), key.into(), column.into()])?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let missing = || Error::internal("the status history holds a NULL");
            all.push((
                row.get(1)?.ok_or_else(missing)?,
                row.get(2)?.ok_or_else(missing)?,
                row.get(3)?.ok_or_else(missing)?,
                row.get(4)?.ok_or_else(missing)?,
                row.get(5)?,
                row.get(6)?.ok_or_else(missing)?,
                row.get(7)?,
                row.get(8)?,
                row.get(9)?.ok_or_else(missing)?,
                row.get(10)?.ok_or_else(missing)?,
                row.get(11)?.ok_or_else(missing)?,
                row.get(12)?,
                row.get(13)?.ok_or_else(missing)?,
                row.get(14)?,
            ));
        }
        Ok(all)
    })
}

/// A row of `canon.status_durations`.
pub(super) type DurationRow =
    (String, i64, i64, Option<Interval>, Option<Interval>, Option<Interval>, Option<Interval>, Option<Interval>);

/// How long rows stay in each state.
pub(super) fn durations(relation: pg_sys::Oid, column: Option<&str>) -> Result<Vec<DurationRow>> {
    let target = Target::find(relation)?;
    let (setup, _) = setup::of_column(relation, &target.table, column)?;
    let history = table(relation, Some(&setup.column))?;
    let sql = format!(
        "WITH stays AS (
             SELECT h.to_state AS state,
                    pg_catalog.lead(h.changed_at) OVER row_of_table OPERATOR(pg_catalog.-) h.changed_at AS stay
             FROM {history} h
             WHERE h.relation OPERATOR(pg_catalog.=) $1::pg_catalog.regclass AND h.column_name OPERATOR(pg_catalog.=) $2
             WINDOW row_of_table AS (PARTITION BY h.key ORDER BY h.id)
         )
         SELECT s.state, pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE s.stay IS NULL), pg_catalog.sum(s.stay),
                pg_catalog.avg(s.stay), pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY s.stay),
                pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY s.stay), pg_catalog.max(s.stay)
         FROM stays s GROUP BY s.state ORDER BY s.state COLLATE pg_catalog.\"C\""
    );
    Spi::connect(|client| {
        let rows = client.select(sql.as_str(), None, &[relation.into(), setup.column.as_str().into()])?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let state: Option<String> = row.get(1)?;
            let number = |place| row.get::<i64>(place).map(|n| n.unwrap_or(0));
            all.push((
                state.unwrap_or_default(),
                number(2)?,
                number(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
                row.get(7)?,
                row.get(8)?,
            ));
        }
        Ok(all)
    })
}

/// The history of a guarded column, or of the only one.
fn table(relation: pg_sys::Oid, column: Option<&str>) -> Result<String> {
    let target = Target::find(relation)?;
    let guarded = match column {
        Some(_) => vec![setup::of_column(relation, &target.table, column)?],
        None => setup::of_table(relation)?,
    };
    if guarded.is_empty() {
        setup::of_column(relation, &target.table, None)?;
    }
    guarded.into_iter().find_map(|(setup, _)| setup.history).ok_or_else(|| {
        Error::new(
            pgrx::PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {} keeps no status history", target.table),
        )
        .hint("Guard the column with canon.status_guard(..., history => true).")
    })
}
