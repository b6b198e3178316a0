//! The table tier: states in `canon.rate_limit_state`, changed inside the caller's transaction.
//!
//! One request is one statement, which computes under the lock of the row: `canon.rate_step()` is
//! called by it and finds the request in this module.

use std::cell::{Cell, RefCell};

use canon_core::limit::{AtRest, Decision, Rule, Zone};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use super::clock;
use super::memory::Space;
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

/// What `canon.rate_step()` has to do.
#[derive(Clone, Copy)]
enum Step {
    Spend(Row<'static>),
    Refund(u64),
}

thread_local! {
    static STEP: Cell<Option<Step>> = const { Cell::new(None) };
    static WARNED: Cell<bool> = const { Cell::new(false) };
    static PLANS: RefCell<Plans> = const { RefCell::new(Plans { spend: None, read: None }) };
}

struct Plans {
    spend: Option<OwnedPreparedStatement>,
    read: Option<OwnedPreparedStatement>,
}

const SPEND: &str = "INSERT INTO canon.rate_limit_state AS s (space, key, state) VALUES ($1, $2, canon.rate_step(''))
    ON CONFLICT (space, key) DO UPDATE SET state = canon.rate_step(s.state) WHERE canon.rate_step(s.state) IS NOT NULL
    RETURNING state";
const READ: &str = "SELECT state FROM canon.rate_limit_state
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const REFUND: &str = "UPDATE canon.rate_limit_state SET state = canon.rate_step(state)
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
const DELETE: &str = "DELETE FROM canon.rate_limit_state
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2";
// In the order of the keys, so that two requests for several keys cannot wait for each other.
const MAKE_ROWS: &str = "INSERT INTO canon.rate_limit_state (space, key, state)
    SELECT $1, k, '' FROM pg_catalog.unnest($2) AS k ORDER BY k COLLATE \"C\" ON CONFLICT (space, key) DO NOTHING";
const LOCK_ROWS: &str = "SELECT key, state FROM canon.rate_limit_state
    WHERE space OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) ANY ($2) ORDER BY key FOR UPDATE";
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
    let written = with_step(spend(row), || run_kept(SPEND, row))?;
    let allowed = written.is_some();
    // A row that denies is locked all the same, so this reads the state that decided.
    let state = match written {
        Some(state) => state,
        None => run_kept(READ, row)?.unwrap_or_default(),
    };
    let decision = AtRest::from_bytes(&state).peek(row.rule, row.zone, clock::wall(), row.cost);
    Ok(if allowed {
        Decision { allowed: true, retry_after: Some(0), ..decision }
    } else if decision.allowed {
        // The last units came back between the two statements.
        Decision { allowed: false, retry_after: Some(1), ..decision }
    } else {
        decision
    })
}

/// Decides several requests with different keys; spends the units of all or of none.
pub(super) fn decide_all(rows: &[Row<'_>]) -> Result<Vec<Decision>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let space = first.space as i16;
    let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
    as_owner(|| {
        Spi::connect_mut(|client| {
            client.update(MAKE_ROWS, None, &[space.into(), keys.clone().into()])?;
            let locked = client.update(LOCK_ROWS, None, &[space.into(), keys.clone().into()])?;
            let mut states = vec![AtRest::Empty; rows.len()];
            for row in locked {
                let (key, state) = (row.get::<String>(1)?, row.get::<Vec<u8>>(2)?.unwrap_or_default());
                if let Some(at) = keys.iter().position(|k| Some(*k) == key.as_deref()) {
                    states[at] = AtRest::from_bytes(&state);
                }
            }
            let now = clock::wall();
            let decisions: Vec<Decision> = states
                .iter_mut()
                .zip(rows)
                .map(|(state, row)| state.spend(row.rule, row.zone, now, row.cost))
                .collect();
            if decisions.iter().all(|decision| decision.allowed) {
                let states: Vec<Vec<u8>> = states.iter().map(AtRest::to_bytes).collect();
                client.update(WRITE_ROWS, None, &[space.into(), keys.into(), states.into()])?;
            }
            Ok(decisions)
        })
    })
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
    }
    Ok(())
}

/// Whether a state of the table says nothing any more.
#[pg_extern(schema = "canon", name = "rate_limit_expired", volatile, strict, parallel_safe)]
fn expired(state: &[u8]) -> bool {
    AtRest::from_bytes(state).expires_at() <= clock::wall()
}

/// The next state of the request that this session is about to decide; NULL where it is denied.
#[pg_extern(schema = "canon", name = "rate_step", volatile, strict, parallel_unsafe)]
fn rate_step(state: &[u8]) -> std::result::Result<Option<Vec<u8>>, ErrorReport> {
    let step =
        STEP.get().ok_or_else(|| Error::Internal("canon.rate_step() is not to be called directly".to_owned()))?;
    let mut state = AtRest::from_bytes(state);
    let now = clock::wall();
    match step {
        Step::Spend(row) if !state.spend(row.rule, row.zone, now, row.cost).allowed => return Ok(None),
        Step::Spend(_) => {}
        Step::Refund(cost) => state.refund(now, cost),
    }
    Ok(Some(state.to_bytes()))
}

fn spend<'a>(row: &'a Row<'_>) -> Step {
    // SAFETY: only the lifetime changes; `with_step` forgets the value before the row goes.
    Step::Spend(unsafe { std::mem::transmute::<Row<'a>, Row<'static>>(*row) })
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

/// Runs one of the two statements of every request, planned once a session.
fn run_kept(sql: &'static str, row: &Row<'_>) -> Result<Option<Vec<u8>>> {
    let arguments: [DatumWithOid<'_>; 2] = [(row.space as i16).into(), row.key.into()];
    as_owner(|| {
        Spi::connect_mut(|client| {
            PLANS.with_borrow_mut(|plans| {
                let plan = if sql == SPEND { &mut plans.spend } else { &mut plans.read };
                if plan.is_none() {
                    let types = [pgrx::PgBuiltInOids::INT2OID.oid(), pgrx::PgBuiltInOids::TEXTOID.oid()];
                    *plan = Some(client.prepare_mut(sql, &types)?.keep());
                }
                Ok::<(), pgrx::spi::Error>(())
            })?;
            // Taken out, so that nothing is borrowed while the statement runs.
            let take = |plans: &mut Plans| if sql == SPEND { plans.spend.take() } else { plans.read.take() };
            let Some(plan) = PLANS.with_borrow_mut(take) else {
                return Err(Error::Internal("a plan has gone".to_owned()));
            };
            let rows = client.update(&plan, None, &arguments)?;
            let state = if rows.is_empty() { None } else { rows.first().get_one::<Vec<u8>>()? };
            PLANS.with_borrow_mut(|plans| {
                *(if sql == SPEND { &mut plans.spend } else { &mut plans.read }) = Some(plan);
            });
            Ok(state)
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
