//! Policies of the pack `saas`: which of them a request falls under, and what they decide.

mod api;
mod read;

use std::rc::Rc;

use canon_core::limit::{Alert, Algorithm, Calendar, PERIODS, Pattern, Quota, Rule, Utc, Zone, applying, reached};
use pgrx::pg_sys;

use super::clock;
use super::decide::{self, Answer, Reason, Request, Tier};
use super::error::LimitError;
use super::memory::Space;
use super::settings::alert_percentages;
use super::usage::{self, Event, Id, What};
use super::zone::ServerZone;
use crate::cache::Cache;
use crate::error::Result;

/// What `canon.rate_limit_policy` says about a policy, or the defaults.
#[derive(Clone)]
struct Options {
    shadow: bool,
    /// Whether its calendar windows are in the leased tier.
    durable: bool,
    time_zone: String,
    /// A local time, in microseconds since 1970 on the local clock.
    anchor: Option<i64>,
}

/// A row of `saas.quota_policies`, with the exception of one organisation.
struct Policy {
    id: String,
    quota: Quota,
    options: Options,
}

/// A row of `saas.rate_limit_config`.
struct Config {
    id: String,
    resource: String,
    /// `None` for all endpoints.
    pattern: Option<Pattern>,
    max_requests: i64,
    window_seconds: i64,
    monthly: Option<i64>,
    options: Options,
}

/// All that concerns one organisation.
struct Policies {
    policies: Vec<Policy>,
    configs: Vec<Config>,
}

thread_local! {
    static CACHE: Cache<Id, Policies> = Cache::new();
}

fn policies_of(organization: Id) -> Result<Rc<Policies>> {
    crate::cache::catch_up();
    CACHE.with(|cache| cache.get(organization, |sources| read::policies(organization, sources)))
}

/// One limit of a policy.
struct Level {
    key: String,
    period: &'static str,
    /// `None`: nothing is allowed.
    rule: Option<Rule>,
    /// Microseconds.
    limit: i64,
}

/// Who asks for what.
#[derive(Clone, Copy)]
struct Caller<'a> {
    organization: Id,
    user: Option<Id>,
    endpoint: &'a str,
}

/// The decision of a policy: of its levels, all spend or none.
struct Decided {
    keys: Vec<String>,
    answers: Vec<Answer>,
}

impl Decided {
    fn is_allowed(&self) -> bool {
        self.answers.iter().all(|answer| answer.decision.allowed)
    }
}

impl Policies {
    fn applying(&self, role: Option<&str>, endpoint: &str) -> Option<&Policy> {
        let found = applying(self.policies.iter().map(|policy| &policy.quota), role, endpoint)?;
        self.policies.iter().find(|policy| policy.quota.name == found.name)
    }

    /// The most specific configuration of a kind of resource; one for all endpoints comes last.
    fn config(&self, resource: &str, endpoint: Option<&str>) -> Option<&Config> {
        let of_resource = || self.configs.iter().filter(|config| config.resource == resource);
        let matching = of_resource().filter(|config| match (&config.pattern, endpoint) {
            (Some(pattern), Some(endpoint)) => pattern.matches(endpoint),
            _ => false,
        });
        let specific = matching.reduce(|best, config| {
            let of = |c: &Config| c.pattern.as_ref().map(Pattern::specificity);
            if of(config) > of(best) { config } else { best }
        });
        specific.or_else(|| of_resource().find(|config| config.pattern.is_none()))
    }
}

impl Policy {
    fn levels(&self, organization: &str, zone: u64) -> Result<Vec<Level>> {
        let limits = self.quota.limits_at(clock::wall() as i64);
        let level = |(period, limit): (&'static str, i64)| {
            let key = format!("quota/{}/{organization}/{period}", self.id);
            let rule = match (limit > 0, period) {
                (false, _) => None,
                // An hour slides: a window of the clock would let twice as much through around its end.
                (true, "hour") => Some(Rule::new(Algorithm::SlidingWindow, limit, 3_600_000_000, None)),
                (true, "day") => Some(self.options.calendar(0, 1, limit, zone)),
                (true, _) => Some(self.options.calendar(1, 0, limit, zone)),
            };
            Ok(Level { key, period, rule: rule.transpose().map_err(LimitError::from)?, limit })
        };
        PERIODS.into_iter().zip(limits).map(level).collect()
    }
}

impl Options {
    fn calendar(
        &self,
        months: i32,
        days: i32,
        limit: i64,
        zone: u64,
    ) -> std::result::Result<Rule, canon_core::limit::Invalid> {
        Rule::of_calendar(limit, Calendar::of_interval(months, days, 0, self.anchor, zone)?)
    }
}

impl Config {
    fn levels(&self, zone: u64) -> Result<Vec<Level>> {
        let key = |period: &str| format!("config/{}/{period}", self.id);
        let seconds = self.window_seconds.saturating_mul(1_000_000);
        let window =
            (self.max_requests > 0).then(|| Rule::new(Algorithm::SlidingWindow, self.max_requests, seconds, None));
        let window = window.transpose().map_err(LimitError::from)?;
        let mut levels = vec![Level { key: key("window"), period: "window", rule: window, limit: self.max_requests }];
        if let Some(limit) = self.monthly {
            let rule =
                (limit > 0).then(|| self.options.calendar(1, 0, limit, zone)).transpose().map_err(LimitError::from)?;
            levels.push(Level { key: key("month"), period: "month", rule, limit });
        }
        Ok(levels)
    }
}

/// Decides the levels of a policy and notes what has come of it.
fn decide(
    caller: Caller<'_>,
    policy: &str,
    options: &Options,
    levels: &[Level],
    zone: &dyn Zone,
    cost: u64,
) -> Result<Decided> {
    let keys = levels.iter().map(|level| format!("{policy}/{}", level.period)).collect();
    if levels.iter().any(|level| level.rule.is_none()) {
        let mut decided = Decided { keys, answers: levels.iter().map(blocked).collect() };
        look_away(caller, options, &mut decided)?;
        return Ok(decided);
    }
    let requests: Vec<Request<'_>> = levels
        .iter()
        .filter_map(|level| {
            let rule = level.rule?;
            let durable = options.durable && rule.algorithm() == Algorithm::Calendar;
            let (space, tier) = (Space::Policy, if durable { Tier::Leased } else { Tier::Memory });
            Some(Request { space, key: &level.key, rule, zone, cost, tier, refund_on_abort: false })
        })
        .collect();
    let mut decided = Decided { keys, answers: decide::decide_all(&requests)? };
    if decided.is_allowed() {
        for (level, answer) in levels.iter().zip(&decided.answers) {
            alert(caller, policy, level, answer, zone, cost)?;
        }
    } else {
        look_away(caller, options, &mut decided)?;
    }
    Ok(decided)
}

/// A level whose limit is zero or less allows nothing; the others would allow.
fn blocked(level: &Level) -> Answer {
    let open = level.rule.is_some();
    let limit = u64::try_from(level.limit).unwrap_or(0);
    let retry_after = open.then_some(0);
    let decision = canon_core::limit::Decision { allowed: open, limit, remaining: limit, retry_after, reset_after: 0 };
    Answer { decision, reason: if open { Reason::Allowed } else { Reason::LimitExceeded } }
}

/// Lets a request pass that a policy in shadow mode would have denied, on the record.
fn look_away(caller: Caller<'_>, options: &Options, decided: &mut Decided) -> Result<()> {
    if !options.shadow {
        return Ok(());
    }
    let by = decided.keys.iter().zip(&decided.answers).find(|(_, answer)| !answer.decision.allowed);
    let shadow = by.map(|(key, _)| key.clone());
    for answer in &mut decided.answers {
        if !answer.decision.allowed {
            answer.decision.allowed = true;
            answer.reason = Reason::Shadow;
        }
    }
    usage::note(event(caller, What::Tracked { resource: "shadow".to_owned(), denied: true, shadow }))
}

/// Notes that the use of a quota has reached a threshold. That a request saw it before the threshold
/// and after it is true of one request only; the writer allows each alert once a window all the same.
fn alert(caller: Caller<'_>, policy: &str, level: &Level, answer: &Answer, zone: &dyn Zone, cost: u64) -> Result<()> {
    let decision = &answer.decision;
    let used = decision.limit.saturating_sub(decision.remaining);
    let Some(alert) = reached(used.saturating_sub(cost), used, decision.limit, alert_percentages()) else {
        return Ok(());
    };
    let now = clock::wall();
    let window_start = match level.rule {
        Some(rule) if rule.algorithm() == Algorithm::Calendar => rule.calendar().window(zone, now).start,
        Some(rule) => now - now % rule.period(),
        None => now,
    };
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let what = What::Alerted {
        policy: policy.to_owned(),
        period: level.period.to_owned(),
        alert: Alert::ALL.iter().position(|a| *a == alert).unwrap_or(0) as u8,
        used: number(used),
        limit: number(decision.limit),
        window_start: number(window_start),
    };
    usage::note(event(caller, what))
}

fn event(caller: Caller<'_>, what: What) -> Event {
    let Caller { organization, user, endpoint } = caller;
    Event { organization, user, endpoint: endpoint.to_owned(), at: clock::wall() as i64, what }
}

/// The time zone of a policy: UTC needs no looking up.
fn zone_of(options: &Options) -> Result<(Box<dyn Zone>, u64)> {
    if options.time_zone == "UTC" {
        return Ok((Box::new(Utc), 0));
    }
    let (zone, id) = ServerZone::named(&options.time_zone)?;
    Ok((Box::new(zone), id))
}

/// A uuid of PostgreSQL.
///
/// # Safety
///
/// The datum must be one.
unsafe fn id_of(datum: pg_sys::Datum) -> Id {
    // SAFETY: by contract: 16 bytes.
    unsafe { *datum.cast_mut_ptr::<Id>() }
}
