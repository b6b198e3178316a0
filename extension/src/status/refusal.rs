//! Refused attempts. Their transactions are rolled back, so they pass through shared memory, and the worker of the
//! database writes them down: only where the library is preloaded.

use std::collections::HashMap;
use std::time::Duration;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use serde_json::{Value, json};

use super::error::Error;
use super::load::Guard;
use super::setting;
use crate::queue::{Queue, Text};
use crate::shmem::{self, Area};
use crate::worker::{Progress, Task};

/// Writes refusals once a second.
pub(crate) const TASK: Task =
    Task { name: "refused changes of status", period: || Duration::from_secs(1), is_urgent: || false, run };

/// Refusals between two runs of the worker that there is room for; further ones are lost.
const CAPACITY: usize = 1_024;

static QUEUE: Queue<Refusal, CAPACITY> = Queue::new();
static AREA: Area = Area {
    name: c"pg_canon refusals",
    size: Queue::<Refusal, CAPACITY>::size,
    locks: 1,
    // SAFETY: the memory and the locks are those of the area.
    start: |memory, locks| unsafe { QUEUE.start(memory, locks) },
};

/// Minutes.
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);

/// What was tried, and when.
#[derive(Clone, Copy)]
struct Refusal {
    tried: Tried,
    at: i64,
}

/// Attempts that are alike in all of this are written as one row.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Tried {
    relation: u32,
    user: u32,
    session: u32,
    version: i32,
    has_key: bool,
    has_from: bool,
    has_to: bool,
    column: Text<64>,
    key: Text<128>,
    from: Text<64>,
    to: Text<64>,
    actor: Text<64>,
    why: Text<256>,
}

/// What an attempt was about.
pub(super) struct About<'a> {
    pub(super) version: i32,
    pub(super) key: Option<&'a str>,
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
}

pub(super) fn init() {
    GucRegistry::define_int_guc(
        c"canon.status_refusal_retention",
        c"How long canon.status_refusals keeps refused changes of status.",
        c"0 records none, -1 keeps them for ever. Only where pg_canon is preloaded.",
        &RETENTION,
        -1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
    if shmem::is_preloading() {
        shmem::reserve(&AREA);
    }
    QUEUE.init();
}

/// Has a refusal written down; where there is no room it is lost.
pub(super) fn note(guard: &Guard, about: &About<'_>, error: &Error) {
    if RETENTION.get() == 0 {
        return;
    }
    // SAFETY: reads values of the session and the clock.
    let (user, session, at) =
        unsafe { (pg_sys::GetUserId(), pg_sys::GetSessionUserId(), pg_sys::GetCurrentTimestamp()) };
    QUEUE.push(Refusal {
        tried: Tried {
            relation: guard.relation.to_u32(),
            user: user.to_u32(),
            session: session.to_u32(),
            version: about.version,
            has_key: about.key.is_some(),
            has_from: about.from.is_some(),
            has_to: about.to.is_some(),
            column: Text::new(&guard.column.name),
            key: Text::new(about.key.unwrap_or_default()),
            from: Text::new(about.from.unwrap_or_default()),
            to: Text::new(about.to.unwrap_or_default()),
            actor: Text::new(&setting::actor().unwrap_or_default()),
            why: Text::new(error.message()),
        },
        at,
    });
}

fn run() -> crate::error::Result<Progress> {
    if !QUEUE.is_empty() {
        flush()?;
    }
    Ok(Progress::Idle)
}

/// Writes the refusals of this database that wait; how many.
pub(super) fn flush() -> crate::error::Result<i64> {
    // One session at a time, before looking: what another one is writing is then gone, or still there.
    Spi::connect_mut(|client| {
        client.update("LOCK TABLE canon.status_refusal IN SHARE ROW EXCLUSIVE MODE", None, &[]).map(|_| ())
    })?;
    let refusals = QUEUE.take();
    let count = refusals.len() as i64;
    let mut alike: HashMap<Tried, (i64, i64, i64)> = HashMap::new();
    for Refusal { tried, at } in refusals {
        let (attempts, first, last) = alike.entry(tried).or_insert((0, at, at));
        *attempts += 1;
        *first = at.min(*first);
        *last = at.max(*last);
    }
    let rows = alike.into_iter().map(|(tried, times)| row(&tried, times)).collect();
    Spi::connect_mut(|client| {
        client.update(include_str!("refusals.sql"), None, &[JsonB(Value::Array(rows)).into()])?;
        if RETENTION.get() > 0 {
            client.update(
                "DELETE FROM canon.status_refusal WHERE last_at OPERATOR(pg_catalog.<)
                 (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(mins => $1))",
                None,
                &[RETENTION.get().into()],
            )?;
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    Ok(count)
}

fn row(tried: &Tried, (attempts, first, last): (i64, i64, i64)) -> Value {
    let actor = tried.actor.get();
    json!({
        "relation": tried.relation, "column_name": tried.column.get(), "version": tried.version,
        "key": tried.has_key.then(|| tried.key.get()),
        "from_state": tried.has_from.then(|| tried.from.get()),
        "to_state": tried.has_to.then(|| tried.to.get()),
        "why": tried.why.get(), "refused_to": tried.user, "session_by": tried.session,
        "actor": (!actor.is_empty()).then_some(actor), "attempts": attempts, "first_at": first, "last_at": last,
    })
}
