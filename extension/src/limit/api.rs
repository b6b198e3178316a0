//! The SQL functions on single keys. Declared in `sql/install/limits.sql`.

use canon_core::limit::{self, Algorithm, Rule, Utc, Zone, lease as leases};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::args::{Call, Interval, calendar};
use super::arrays::PerLevel;
use super::clock;
use super::decide::{self, Answer, Request, Tier};
use super::error::LimitError;
use super::memory::{self, Space};
use super::zone::ServerZone;
use super::{lease, row, table};
use crate::error::{Error, Result};

/// Makes a function callable from SQL, with its arguments as they are.
macro_rules! sql_function {
    ($symbol:ident, $info:ident, $name:literal, $body:path) => {
        #[doc = concat!("Describes `", stringify!($symbol), "` to the server.")]
        #[unsafe(no_mangle)]
        extern "C" fn $info() -> &'static pg_sys::Pg_finfo_record {
            static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }

        #[doc = concat!("`canon.", $name, "`.")]
        #[unsafe(no_mangle)]
        #[pg_guard]
        extern "C-unwind" fn $symbol(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: the server calls with the arguments that the SQL declaration names.
            let call = unsafe { Call::new(fcinfo, $name) };
            match $body(call) {
                Ok(datum) => datum,
                Err(error) => {
                    ErrorReport::from(error).report(PgLogLevel::ERROR);
                    pg_sys::Datum::null()
                }
            }
        }
    };
}

pub(super) use sql_function;

sql_function!(canon_rate_allow, pg_finfo_canon_rate_allow, "rate_allow", rate_allow);
sql_function!(canon_rate_limit, pg_finfo_canon_rate_limit, "rate_limit", rate_limit);
sql_function!(canon_rate_limit_peek, pg_finfo_canon_rate_limit_peek, "rate_limit_peek", rate_limit_peek);
sql_function!(canon_rate_allow_all, pg_finfo_canon_rate_allow_all, "rate_allow_all", rate_allow_all);
sql_function!(canon_rate_limit_all, pg_finfo_canon_rate_limit_all, "rate_limit_all", rate_limit_all);

/// `(key text, max_requests bigint, per interval, cost bigint)`
fn rate_allow(call: Call) -> Result<pg_sys::Datum> {
    let key = call.key(0)?;
    let limit = call.int(1, "max_requests")?;
    let period = call.interval(2, "per")?.elapsed().map_err(LimitError::from)?;
    let cost = Rule::cost(call.int(3, "cost")?).map_err(LimitError::from)?;
    let rule = Rule::new(Algorithm::Gcra, limit, period, None).map_err(LimitError::from)?;
    let request =
        Request { space: Space::Caller, key, rule, zone: &Utc, cost, tier: Tier::Memory, refund_on_abort: false };
    Ok(pg_sys::Datum::from(decide::allow(&request)?))
}

/// Either time zone, so that a request can borrow it.
enum AnyZone {
    Utc,
    Server(ServerZone),
}

impl AnyZone {
    fn get(&self) -> &dyn Zone {
        match self {
            Self::Utc => &Utc,
            Self::Server(zone) => zone,
        }
    }
}

fn rule_of(
    algorithm: Algorithm,
    limit: i64,
    per: Interval,
    burst: Option<i64>,
    time_zone: &str,
    anchor: Option<i64>,
) -> std::result::Result<(Rule, AnyZone), LimitError> {
    if algorithm == Algorithm::Calendar {
        if burst.is_some() {
            return Err(limit::Invalid::Burst(algorithm).into());
        }
        let (rule, zone) = calendar(limit, per, anchor, time_zone)?;
        return Ok((rule, AnyZone::Server(zone)));
    }
    Ok((Rule::new(algorithm, limit, per.elapsed()?, burst)?, AnyZone::Utc))
}

fn algorithm_of(name: &str) -> std::result::Result<Algorithm, LimitError> {
    Ok(name.parse()?)
}

fn refund_of(word: &str) -> std::result::Result<bool, LimitError> {
    match word {
        "keep" => Ok(false),
        "refund" => Ok(true),
        _ => Err(LimitError::Word { argument: "on_abort", allowed: "keep or refund", found: word.to_owned() }),
    }
}

fn tier_of(name: &str, algorithm: Algorithm) -> std::result::Result<Tier, LimitError> {
    let tier: Tier = name.parse()?;
    tier.check(algorithm)?;
    Ok(tier)
}

/// `(key text, max_requests bigint, per interval, cost bigint, burst bigint, algorithm text, tier
/// text, on_abort text, time_zone text, anchor timestamp)`
fn rate_limit(call: Call) -> Result<pg_sys::Datum> {
    let answer = one(call, decide::decide)?;
    Ok(row::decision(call, &answer))
}

/// The same arguments; `on_abort` means nothing.
fn rate_limit_peek(call: Call) -> Result<pg_sys::Datum> {
    let answer = one(call, decide::peek)?;
    Ok(row::decision(call, &answer))
}

fn one(call: Call, decide: impl FnOnce(&Request<'_>) -> Result<Answer>) -> Result<Answer> {
    let key = call.key(0)?;
    let limit = call.int(1, "max_requests")?;
    let per = call.interval(2, "per")?;
    let cost = Rule::cost(call.int(3, "cost")?).map_err(LimitError::from)?;
    let algorithm = algorithm_of(call.text(5, "algorithm")?)?;
    let tier = tier_of(call.text(6, "tier")?, algorithm)?;
    let refund_on_abort = refund_of(call.text(7, "on_abort")?)?;
    let (rule, zone) =
        rule_of(algorithm, limit, per, call.optional_int(4), call.text(8, "time_zone")?, call.optional_int(9))?;
    decide(&Request { space: Space::Caller, key, rule, zone: zone.get(), cost, tier, refund_on_abort })
}

/// `(keys text[], max_requests bigint[], per interval[], cost bigint)`
fn rate_allow_all(call: Call) -> Result<pg_sys::Datum> {
    let asked = Asked { algorithm: Algorithm::Gcra, tier: Tier::Memory, refund_on_abort: false };
    several(call, asked, |requests| Ok(pg_sys::Datum::from(decide::allow_all(requests)?)))
}

/// `(keys text[], max_requests bigint[], per interval[], cost bigint, algorithm text, tier text,
/// on_abort text)`
fn rate_limit_all(call: Call) -> Result<pg_sys::Datum> {
    let algorithm = algorithm_of(call.text(4, "algorithm")?)?;
    let tier = tier_of(call.text(5, "tier")?, algorithm)?;
    let refund_on_abort = refund_of(call.text(6, "on_abort")?)?;
    several(call, Asked { algorithm, tier, refund_on_abort }, |requests| {
        let answers = decide::decide_all(requests)?;
        Ok(row::decision_all(call, |k| requests[k].key, &answers))
    })
}

/// What all levels of a call have in common.
struct Asked {
    algorithm: Algorithm,
    tier: Tier,
    refund_on_abort: bool,
}

/// Reads keys that differ, and a limit and a period for each.
fn several<T>(call: Call, asked: Asked, decide: impl FnOnce(&[Request<'_>]) -> Result<T>) -> Result<T> {
    let Asked { algorithm, tier, refund_on_abort } = asked;
    let keys = call.keys(0)?;
    let limits = call.ints(1, "max_requests", keys.len())?;
    let periods = call.intervals(2, "per", keys.len())?;
    let cost = Rule::cost(call.int(3, "cost")?).map_err(LimitError::from)?;
    if let Some(twice) = keys.iter().enumerate().find(|(k, key)| keys[..*k].contains(key)) {
        return Err(LimitError::Twice { key: (*twice.1).to_owned() }.into());
    }
    let mut rules = PerLevel::<(Rule, AnyZone)>::new();
    for (limit, per) in limits.iter().zip(periods) {
        rules.push(rule_of(algorithm, *limit, per, None, "UTC", None)?);
    }
    // Filled where it is: to collect would move all of its room.
    let mut requests = PerLevel::<Request<'_>>::new();
    for (key, (rule, zone)) in keys.iter().zip(&rules) {
        let (space, zone) = (Space::Caller, zone.get());
        requests.push(Request { space, key, rule: *rule, zone, cost, tier, refund_on_abort });
    }
    decide(&requests)
}

/// Gives back units that were spent on a key, in whatever tier it has a state; whether it has one.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn rate_limit_refund(key: Option<&str>, units: default!(Option<i64>, 1)) -> std::result::Result<bool, ErrorReport> {
    let null = |argument| LimitError::Null { function: "rate_limit_refund", argument };
    let key = checked(key.ok_or_else(|| Error::from(null("key")))?)?;
    let units = units.ok_or_else(|| Error::from(null("units")))?;
    let units = Rule::cost(units).map_err(|error| Error::from(LimitError::from(error)))?;
    let now = clock::Times::now();
    let in_memory =
        |space| memory::hash(space, key.as_bytes()).is_some_and(|hash| memory::refund(hash, units, now, now));
    let counted = in_memory(Space::Caller);
    // Of a lease that memory does not know of, the row.
    let leased = in_memory(Space::Leased)
        || (lease::look(Space::Leased, key)?.is_some() && lease::give_back(Space::Leased, key, units)?);
    Ok(table::refund_if_there(Space::Caller, key, units)? || counted || leased)
}

/// Forgets what was counted for a key, in every tier; whether there was anything.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn rate_limit_reset(key: Option<&str>) -> std::result::Result<bool, ErrorReport> {
    let null = LimitError::Null { function: "rate_limit_reset", argument: "key" };
    let key = checked(key.ok_or_else(|| Error::from(null))?)?;
    let in_memory = memory::hash(Space::Caller, key.as_bytes()).is_some_and(memory::reset);
    let leased = reset_lease(key)?;
    Ok(table::reset(Space::Caller, key)? || leased || in_memory)
}

/// The row first: its lock keeps the worker from granting until the transaction has ended.
fn reset_lease(key: &str) -> Result<bool> {
    lease::lock(Space::Leased, key);
    let had_row = lease::look(Space::Leased, key)?.is_some() && lease::reset(Space::Leased, key)?;
    Ok(memory::hash(Space::Leased, key.as_bytes()).is_some_and(memory::reset) || had_row)
}

fn checked(key: &str) -> Result<&str> {
    super::args::check_key(key).map_err(Error::from)
}

/// Where a key has a state, and what it counts.
#[pg_extern(schema = "canon", volatile, strict, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn rate_limit_inspect(
    key: &str,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(tier, &'static str),
            name!(algorithm, Option<&'static str>),
            name!(max_requests, Option<i64>),
            name!(used, i64),
            name!(expires_at, TimestampWithTimeZone),
        ),
    >,
    ErrorReport,
> {
    let key = checked(key)?;
    let now = clock::Times::now();
    let mut rows = Vec::new();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    if let Some((shape, state)) = memory::hash(Space::Caller, key.as_bytes()).and_then(memory::raw) {
        let time = now.of(shape.algorithm);
        let used = limit::used(&shape, time, state);
        let left = limit::expires_at(&shape, state).saturating_sub(time);
        let (algorithm, limit) = (Some(shape.algorithm.name()), Some(number(shape.limit)));
        rows.push(("memory", algorithm, limit, number(used), row::timestamptz_in(left)));
    }
    rows.extend(inspect_lease(key, now)?);
    if let Some(state) = table::look(Space::Caller, key)?
        && let Some(shape) = state.shape()
    {
        let left = state.expires_at().saturating_sub(now.wall);
        let limit = (shape.algorithm != Algorithm::SlidingLog).then(|| number(shape.limit));
        let algorithm = Some(shape.algorithm.name());
        rows.push(("table", algorithm, limit, number(state.used(now.wall)), row::timestamptz_in(left)));
    }
    Ok(TableIterator::new(rows))
}

/// What memory has spent of a lease, or where it knows nothing, what the row has granted.
fn inspect_lease(key: &str, now: clock::Times) -> Result<Option<Inspected>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let in_memory = memory::hash(Space::Leased, key.as_bytes()).and_then(memory::raw);
    if let Some((shape, state)) = in_memory.filter(|(_, state)| leases::knows(*state, now.wall)) {
        let (used, left) = (limit::used(&shape, now.wall, state), leases::window_end(state) - now.wall);
        let (algorithm, limit) = (Some(shape.algorithm.name()), Some(number(shape.limit)));
        return Ok(Some(("leased", algorithm, limit, number(used), row::timestamptz_in(left))));
    }
    let live = lease::look(Space::Leased, key)?.filter(|(end, _)| *end > now.wall);
    Ok(live.map(|(end, granted)| ("leased", None, None, number(granted), row::timestamptz_at(end))))
}

/// A row of [`rate_limit_inspect`].
type Inspected = (&'static str, Option<&'static str>, Option<i64>, i64, TimestampWithTimeZone);

/// What shared memory holds.
#[pg_extern(schema = "canon", volatile, strict, parallel_safe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn rate_limit_stats() -> TableIterator<
    'static,
    (
        name!(keys, i64),
        name!(capacity, i64),
        name!(fullest_partition, i64),
        name!(checks, i64),
        name!(denied, i64),
        name!(evicted, i64),
        name!(no_room, i64),
        name!(spilled, i64),
        name!(partitions, i64),
        name!(bytes, i64),
        name!(snapshot_at, Option<TimestampWithTimeZone>),
    ),
> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    TableIterator::new(memory::statistics().map(|all| {
        (
            number(all.keys),
            number(all.capacity),
            number(all.fullest_partition),
            number(all.checks),
            number(all.denied),
            number(all.reclaimed),
            number(all.full),
            number(all.spilled),
            number(all.partitions),
            number(all.bytes),
            (all.snapshot_at > 0).then(|| row::timestamptz_at(all.snapshot_at)),
        )
    }))
}

/// Removes states and leases from their tables that say nothing any more; how many.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn rate_limit_cleanup() -> std::result::Result<i64, ErrorReport> {
    Ok(table::clean_up()? + lease::clean_up()?)
}

/// Value of the header `RateLimit-Policy`.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn ratelimit_policy_header(
    name: &str,
    max_requests: i64,
    per: pgrx::datum::Interval,
) -> std::result::Result<String, ErrorReport> {
    let per = Interval { months: per.months(), days: per.days(), micros: per.micros() };
    let period = per.elapsed().map_err(LimitError::from).map_err(Error::from)?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(limit::ratelimit_policy(name, number(max_requests), number(period)))
}

/// Value of the header `RateLimit`.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn ratelimit_header(name: &str, remaining: i64, seconds: i64) -> String {
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    limit::ratelimit(name, number(remaining), number(seconds).saturating_mul(1_000_000))
}
