//! The durable rows, `canon.rate_limit_lease`.

use std::hash::Hasher;

use canon_core::limit::{Decision, Rule, Zone, describe, lease, used};
use pgrx::prelude::*;
use siphasher::sip::SipHasher13;

use crate::cache;
use crate::error::Result;
use crate::limit::clock;
use crate::limit::memory::Space;
use crate::limit::table::as_owner;

const READ: &str = "SELECT key, window_end, granted FROM canon.rate_limit_lease
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) ANY ($2)";
const LOOK: &str = "SELECT (extract(epoch FROM window_end) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8, granted
    FROM canon.rate_limit_lease
    WHERE space OPERATOR(pg_catalog.=) $1::pg_catalog.int2 AND key OPERATOR(pg_catalog.=) $2";
const WRITE: &str = "INSERT INTO canon.rate_limit_lease (space, key, window_end, granted)
    SELECT $1, n.key, n.window_end, n.granted
    FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4)) AS n (key, window_end, granted)
    ON CONFLICT (space, key) DO UPDATE SET window_end = excluded.window_end, granted = excluded.granted";
const GIVE_BACK: &str =
    "UPDATE canon.rate_limit_lease SET granted = pg_catalog.int8larger(0, granted OPERATOR(pg_catalog.-) $3)
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2
      AND window_end OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()";
const DELETE: &str = "DELETE FROM canon.rate_limit_lease
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const CLEAN_UP: &str = "DELETE FROM canon.rate_limit_lease
    WHERE window_end OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) interval '1 day')";

/// What a row says: the end of its window in microseconds since the Unix epoch, and units granted.
pub(crate) type Granted = (u64, u64);

/// One key with its rule and a request.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) space: Space,
    pub(crate) key: &'a str,
    pub(crate) rule: &'a Rule,
    pub(crate) zone: &'a dyn Zone,
    pub(crate) cost: u64,
}

/// A lock of our own kind: those that `pg_advisory_lock` takes have 1 or 2 in the last field.
fn tag(space: Space, key: &str) -> pg_sys::LOCKTAG {
    let mut hasher = SipHasher13::new();
    hasher.write_u8(space as u8);
    hasher.write(key.as_bytes());
    let hash = hasher.finish();
    pg_sys::LOCKTAG {
        // SAFETY: a constant of the session.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (hash >> 32) as u32,
        locktag_field3: hash as u32,
        locktag_field4: 0x7063,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Locks a key until the end of the transaction.
pub(crate) fn lock(space: Space, key: &str) {
    acquire(space, key, false);
}

/// As [`lock`], where nobody else holds the lock; whether that is so.
pub(crate) fn try_lock(space: Space, key: &str) -> bool {
    acquire(space, key, true)
}

fn acquire(space: Space, key: &str, only_if_free: bool) -> bool {
    // SAFETY: inside a transaction; the tag is of a kind that nobody else uses.
    let result = unsafe { pg_sys::LockAcquire(&tag(space, key), pg_sys::ExclusiveLock as i32, false, only_if_free) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

pub(crate) fn is_locked_by_me(space: Space, key: &str) -> bool {
    // SAFETY: looks into a table of this process.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        return pg_sys::LockHeldByMe(&tag(space, key), pg_sys::ExclusiveLock as i32);
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        return pg_sys::LockHeldByMe(&tag(space, key), pg_sys::ExclusiveLock as i32, false);
    }
}

/// What the rows of these keys say, in the same order. The keys must be locked. What was committed
/// before that is seen: a statement that may write gets a snapshot of its own.
pub(crate) fn read(space: Space, keys: &[&str]) -> Result<Vec<Option<Granted>>> {
    let mut found = vec![None; keys.len()];
    as_owner(|| {
        Spi::connect_mut(|client| {
            for row in client.update(READ, None, &[(space as i16).into(), keys.to_vec().into()])? {
                let key = row.get::<String>(1)?;
                if let Some(at) = keys.iter().position(|k| Some(*k) == key.as_deref()) {
                    found[at] = granted(row.get::<TimestampWithTimeZone>(2)?, row.get::<i64>(3)?);
                }
            }
            Ok(())
        })
    })?;
    Ok(found)
}

fn granted(end: Option<TimestampWithTimeZone>, granted: Option<i64>) -> Option<Granted> {
    let positive = |number| u64::try_from(number).unwrap_or(0);
    Some((positive(clock::unix_of(end?.into())), positive(granted?)))
}

/// Writes rows. Their keys must be locked.
pub(crate) fn write(space: Space, rows: &[(&str, Granted)]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = rows.iter().map(|(key, _)| *key).collect();
    let ends: Vec<TimestampWithTimeZone> =
        rows.iter().map(|(_, (end, _))| crate::limit::row::timestamptz_at(*end)).collect();
    let granted: Vec<i64> = rows.iter().map(|(_, (_, granted))| *granted as i64).collect();
    let arguments = [(space as i16).into(), keys.into(), ends.into(), granted.into()];
    as_owner(|| Spi::connect_mut(|client| Ok(client.update(WRITE, None, &arguments).map(|_| ())?)))
}

/// Takes the units of requests with different keys from their rows, as part of the caller's
/// transaction; those of all or of none.
pub(crate) fn take(rows: &[Row<'_>]) -> Result<Vec<Decision>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    // In one order, so that two such requests cannot wait for each other.
    let mut keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    keys.sort_unstable();
    for key in &keys {
        lock(first.space, key);
    }
    let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    let known = read(first.space, &keys)?;
    let now = clock::wall();
    let state = |row: &Row<'_>, granted: u64, end: u64| lease::of_row(row.rule, row.zone, now, end, granted);
    let mut decisions = Vec::with_capacity(rows.len());
    let mut changed = Vec::with_capacity(rows.len());
    for (row, known) in rows.iter().zip(known) {
        let (end, granted) = known.unwrap_or_default();
        let before = state(row, granted, end);
        let (end, granted) = (lease::window_end(before), used(&row.rule.shape(), now, before));
        let allowed = granted + row.cost <= row.rule.limit();
        let after = if allowed { state(row, granted + row.cost, end) } else { before };
        decisions.push(describe(row.rule, row.zone, now, after, row.cost, allowed));
        changed.push((row.key, (end, granted + row.cost)));
    }
    if decisions.iter().all(|decision| decision.allowed) {
        write(first.space, &changed)?;
    }
    Ok(decisions)
}

/// Gives units back to the row of a key; whether it has one.
pub(crate) fn give_back(space: Space, key: &str, units: u64) -> Result<bool> {
    change(GIVE_BACK, space, key, Some(units))
}

/// Forgets the row of a key, which must be locked; whether it has one.
pub(crate) fn reset(space: Space, key: &str) -> Result<bool> {
    change(DELETE, space, key, None)
}

fn change(sql: &'static str, space: Space, key: &str, units: Option<u64>) -> Result<bool> {
    lock(space, key);
    let units = units.map(|units| (units as i64).into());
    let arguments: Vec<_> = [(space as i16).into(), key.into()].into_iter().chain(units).collect();
    as_owner(|| Spi::connect_mut(|client| Ok(!client.update(sql, None, &arguments)?.is_empty())))
}

/// What the row of a key says, if it has one: what is committed now, however old the snapshot of the
/// statement is. Writes nothing, so it works on a standby.
pub(crate) fn look(space: Space, key: &str) -> Result<Option<Granted>> {
    let rows = as_owner(|| cache::read(LOOK, &[&(space as i16).to_string(), key]))?;
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<u64>().ok());
    Ok(rows.first().and_then(|row| Some((number(&row[0])?, number(&row[1])?))))
}

/// Removes rows whose window has been over for a day; how many.
pub(crate) fn clean_up() -> Result<i64> {
    as_owner(|| Spi::connect_mut(|client| Ok(client.update(CLEAN_UP, None, &[])?.len() as i64)))
}
