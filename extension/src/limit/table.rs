//! The table tier: states in `canon.rate_limit_state`, changed inside the caller's transaction.
//!
//! One request is one statement, which computes under the lock of the row: `canon.rate_step()` is
//! called by it and finds the request in this module.

use std::cell::{Cell, RefCell};

use canon_core::limit::{AtRest, Decision, Rule, Zone};
use pgrx::PgBuiltInOids;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use super::memory::Space;
use super::{clock, lease};
use crate::error::{Error, Result};
use crate::user::ActingAs;

/// One key with its rule and a request.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) space: Space,
    pub(super) key: &'a str,
    pub(super) rule: &'a Rule,
    pub(super) zone: &'a dyn Zone,
    pub(super) cost: u64,
}

/// Requests that are being decided together, and what has come of each.
struct Spending<'a> {
    rows: &'a [Row<'a>],
    stepped: RefCell<Vec<Option<Stepped>>>,
}

/// A state that was found in the table, and what was decided on it.
struct Stepped {
    before: Vec<u8>,
    decision: Decision,
}

/// What `canon.rate_step()` has to do.
#[derive(Clone, Copy)]
enum Step {
    Spend(*const Spending<'static>),
    Refund(u64),
}

thread_local! {
    static STEP: Cell<Option<Step>> = const { Cell::new(None) };
    static WARNED: Cell<bool> = const { Cell::new(false) };
    static PLANS: RefCell<[Option<OwnedPreparedStatement>; 2]> = const { RefCell::new([None, None]) };
}

const SPEND: &str =
    "INSERT INTO canon.rate_limit_state AS s (space, key, state) VALUES ($1, $2, canon.rate_step($2, ''))
    ON CONFLICT (space, key) DO UPDATE SET state = canon.rate_step(s.key, s.state)
        WHERE canon.rate_step(s.key, s.state) IS NOT NULL";
// In the order of the keys, so that two requests for several keys cannot wait for each other.
const SPEND_ALL: &str = "INSERT INTO canon.rate_limit_state AS s (space, key, state)
    SELECT $1, o.k, canon.rate_step(o.k, '')
    FROM (SELECT u.k FROM pg_catalog.unnest($2) AS u (k) ORDER BY u.k COLLATE \"C\" OFFSET 0) AS o
    ON CONFLICT (space, key) DO UPDATE SET state = canon.rate_step(s.key, s.state)
        WHERE canon.rate_step(s.key, s.state) IS NOT NULL";
const READ: &str = "SELECT state FROM canon.rate_limit_state
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const REFUND: &str = "UPDATE canon.rate_limit_state SET state = canon.rate_step(key, state)
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const DELETE: &str = "DELETE FROM canon.rate_limit_state
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const WRITE_ROWS: &str = "UPDATE canon.rate_limit_state AS s SET state = n.state
    FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS n (key, state)
    WHERE s.space OPERATOR(pg_catalog.=) $1 AND s.key OPERATOR(pg_catalog.=) n.key";

/// Says once a session that the table is used because there is no shared memory.
pub(super) fn warn_once() {
    if !WARNED.replace(true) {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            "rate limits are counted in a table: pg_canon is not preloaded",
            "pg_canon",
        )
        .set_detail("Each request writes a row, which stays locked until the end of the transaction, and a ROLLBACK undoes the count.")
        .set_hint("ALTER SYSTEM SET shared_preload_libraries = 'pg_canon'; -- and restart the server")
        .report(PgLogLevel::WARNING);
    }
}

/// Decides a request and spends its units.
pub(super) fn decide(row: &Row<'_>) -> Result<Decision> {
    let arguments = [(row.space as i16).into(), row.key.into()];
    let stepped = step(std::slice::from_ref(row), || run_kept(0, SPEND, PgBuiltInOids::TEXTOID, &arguments))?;
    Ok(stepped[0].decision)
}

/// Decides several requests with different keys; spends the units of all or of none.
pub(super) fn decide_all(rows: &[Row<'_>]) -> Result<Vec<Decision>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let space: DatumWithOid<'_> = (first.space as i16).into();
    let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    let stepped = step(rows, || run_kept(1, SPEND_ALL, PgBuiltInOids::TEXTARRAYOID, &[space, keys.into()]))?;
    if !stepped.iter().all(|stepped| stepped.decision.allowed) {
        undo(rows, &stepped)?;
    }
    Ok(stepped.into_iter().map(|stepped| stepped.decision).collect())
}

/// Writes the states back that were spent from, because another key was denied. They are still locked.
fn undo(rows: &[Row<'_>], stepped: &[Stepped]) -> Result<()> {
    let spent = || rows.iter().zip(stepped).filter(|(_, stepped)| stepped.decision.allowed);
    let keys: Vec<&str> = spent().map(|(row, _)| row.key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let states: Vec<Vec<u8>> = spent().map(|(_, stepped)| stepped.before.clone()).collect();
    let arguments = [(rows[0].space as i16).into(), keys.into(), states.into()];
    as_owner(|| Spi::connect_mut(|client| Ok(client.update(WRITE_ROWS, None, &arguments).map(|_| ())?)))
}

/// Runs a statement that calls `canon.rate_step()` for each row, the last time under the lock of the
/// row; what it did then.
fn step(rows: &[Row<'_>], run: impl FnOnce() -> Result<()>) -> Result<Vec<Stepped>> {
    let stepped = RefCell::new((0..rows.len()).map(|_| None).collect());
    let spending = Spending { rows, stepped };
    with_step(Step::Spend((&raw const spending).cast()), run)?;
    let stepped: Option<Vec<Stepped>> = spending.stepped.into_inner().into_iter().collect();
    stepped.ok_or_else(|| Error::Internal("a statement has decided nothing".to_owned()))
}

/// The state of a key, if it has a row.
pub(super) fn look(space: Space, key: &str) -> Result<Option<AtRest>> {
    let state = as_owner(|| {
        Spi::connect(|client| {
            let rows = client.select(READ, Some(1), &[(space as i16).into(), key.into()])?;
            if rows.is_empty() { Ok(None) } else { Ok(rows.first().get_one::<Vec<u8>>()?) }
        })
    })?;
    Ok(state.map(|state| AtRest::from_bytes(&state)))
}

/// Gives back units; whether the key has a row.
pub(super) fn refund(space: Space, key: &str, cost: u64) -> Result<bool> {
    with_step(Step::Refund(cost), || change(REFUND, space, key))
}

/// As [`refund`], without touching anything, on a standby for example, where the key has no row.
pub(super) fn refund_if_there(space: Space, key: &str, cost: u64) -> Result<bool> {
    Ok(look(space, key)?.is_some() && refund(space, key, cost)?)
}

/// Forgets a key; whether it had a row.
pub(super) fn reset(space: Space, key: &str) -> Result<bool> {
    Ok(look(space, key)?.is_some() && change(DELETE, space, key)?)
}

/// Removes states that say nothing any more; how many.
pub(super) fn clean_up() -> Result<i64> {
    const CLEAN_UP: &str = "DELETE FROM canon.rate_limit_state WHERE canon.rate_limit_expired(state)";
    as_owner(|| Spi::connect_mut(|client| Ok(client.update(CLEAN_UP, None, &[])?.len() as i64)))
}

/// [`clean_up`], for a caller that comes by every second.
pub(super) fn clean_up_now_and_then() -> Result<()> {
    const PAUSE: std::time::Duration = std::time::Duration::from_secs(60);
    thread_local! {
        static LAST: Cell<Option<std::time::Instant>> = const { Cell::new(None) };
    }
    if LAST.get().is_none_or(|last| last.elapsed() >= PAUSE) {
        LAST.set(Some(std::time::Instant::now()));
        clean_up()?;
        lease::clean_up()?;
    }
    Ok(())
}

/// Whether a state of the table says nothing any more.
#[pg_extern(schema = "canon", name = "rate_limit_expired", volatile, strict, parallel_safe)]
fn expired(state: &[u8]) -> bool {
    AtRest::from_bytes(state).expires_at() <= clock::wall()
}

/// The next state of a key whose request this session is about to decide; NULL where it is denied.
#[pg_extern(schema = "canon", name = "rate_step", volatile, strict, parallel_unsafe)]
fn rate_step(key: &str, state: &[u8]) -> std::result::Result<Option<Vec<u8>>, ErrorReport> {
    let unknown = || Error::Internal("canon.rate_step() is not to be called directly".to_owned());
    let now = clock::wall();
    match STEP.get().ok_or_else(unknown)? {
        Step::Refund(cost) => {
            let mut state = AtRest::from_bytes(state);
            state.refund(now, cost);
            Ok(Some(state.to_bytes()))
        }
        Step::Spend(spending) => {
            // SAFETY: `with_step` forgets the pointer before what it points to goes.
            let spending = unsafe { &*spending };
            let at = spending.rows.iter().position(|row| row.key == key).ok_or_else(unknown)?;
            let (row, before) = (&spending.rows[at], state.to_vec());
            let mut state = AtRest::from_bytes(state);
            let decision = state.spend(row.rule, row.zone, now, row.cost);
            spending.stepped.borrow_mut()[at] = Some(Stepped { before, decision });
            Ok(decision.allowed.then(|| state.to_bytes()))
        }
    }
}

/// Lets `canon.rate_step()` find `step` while `body` runs; afterwards, errors included, nothing.
fn with_step<T>(step: Step, body: impl FnOnce() -> Result<T>) -> Result<T> {
    struct Forget(Option<Step>);
    impl Drop for Forget {
        fn drop(&mut self) {
            STEP.set(self.0);
        }
    }
    let _forget = Forget(STEP.replace(Some(step)));
    body()
}

/// Runs one of the two statements of requests, planned once a session.
fn run_kept(number: usize, sql: &'static str, key: PgBuiltInOids, arguments: &[DatumWithOid<'_>]) -> Result<()> {
    as_owner(|| {
        Spi::connect_mut(|client| {
            // Taken out, so that nothing is borrowed while the statement runs.
            let plan = match PLANS.with_borrow_mut(|plans| plans[number].take()) {
                Some(plan) => plan,
                None => client.prepare_mut(sql, &[PgBuiltInOids::INT2OID.oid(), key.oid()])?.keep(),
            };
            client.update(&plan, None, arguments)?;
            PLANS.with_borrow_mut(|plans| plans[number] = Some(plan));
            Ok(())
        })
    })
}

fn change(sql: &'static str, space: Space, key: &str) -> Result<bool> {
    as_owner(|| {
        Spi::connect_mut(|client| {
            let changed = client.update(sql, None, &[(space as i16).into(), key.into()])?;
            Ok(!changed.is_empty())
        })
    })
}

/// Runs fixed statements of ours as the owner of our tables: callers have no rights on them.
pub(super) fn as_owner<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: looks into the catalogue, inside a transaction; the extension owns its schema.
    let owner = unsafe {
        let schema = pg_sys::get_namespace_oid(c"canon".as_ptr(), false);
        owner_of_schema(schema)
    }
    .ok_or_else(|| Error::Internal("schema canon has gone".to_owned()))?;
    let acting = ActingAs::owner_of_our_table(owner);
    let result = body();
    drop(acting);
    result
}

/// # Safety
///
/// Inside a transaction.
unsafe fn owner_of_schema(schema: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: by contract; the tuple is released before its memory goes.
    unsafe {
        let id = pg_sys::SysCacheIdentifier::NAMESPACEOID as i32;
        let tuple = pg_sys::SearchSysCache1(id, pg_sys::Datum::from(schema));
        if tuple.is_null() {
            return None;
        }
        let form = pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_namespace>(tuple);
        let owner = (*form).nspowner;
        pg_sys::ReleaseSysCache(tuple);
        Some(owner)
    }
}
