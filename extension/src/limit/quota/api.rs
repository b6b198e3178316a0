//! `canon.check_rate_limit` in both models, and `canon.check_quota`.

use canon_core::limit::{Algorithm, Rule, Utc};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::super::api::sql_function;
use super::super::args::Call;
use super::super::decide::{self, Request, Tier};
use super::super::error::LimitError;
use super::super::memory::Space;
use super::super::usage::{self, What};
use super::super::{pack, row};
use super::{Caller, event, id_of, policies_of, read, zone_of};
use crate::error::{Error, Result};

/// Days in milliseconds and the like would overflow long before; 100 years of minutes.
const NO_LIMIT: i32 = 999_999;

sql_function!(canon_check_quota, pg_finfo_canon_check_quota, "check_quota", check_quota);

fn required<T>(value: Option<T>, argument: &'static str) -> Result<T> {
    value.ok_or_else(|| LimitError::Null { function: "check_rate_limit", argument }.into())
}

/// TRUE means exceeded: model A.
#[pg_extern(schema = "canon", name = "check_rate_limit", volatile, parallel_unsafe)]
fn check_rate_limit_a(
    p_organization_id: Option<pgrx::Uuid>,
    p_user_id: Option<pgrx::Uuid>,
    p_endpoint: Option<&str>,
    p_max_requests: Option<i32>,
    p_window_minutes: default!(Option<i32>, 60),
) -> std::result::Result<bool, ErrorReport> {
    let organization = *required(p_organization_id, "p_organization_id")?.as_bytes();
    let endpoint = required(p_endpoint, "p_endpoint")?;
    let limit = i64::from(required(p_max_requests, "p_max_requests")?);
    let minutes = required(p_window_minutes, "p_window_minutes")?;
    let period = i64::from(minutes) * 60_000_000;
    let rule = Rule::new(Algorithm::SlidingWindow, limit, period, None);
    let rule = rule.map_err(|error| Error::from(LimitError::from(error)))?;
    let user = p_user_id.map(|id| *id.as_bytes());
    let who = user.as_ref().map_or_else(|| "all".to_owned(), read::uuid);
    let key = format!("a/{}/{who}/{minutes}/{endpoint}", read::uuid(&organization));
    let request = Request {
        space: Space::Policy,
        key: &key,
        rule,
        zone: &Utc,
        cost: 1,
        tier: Tier::Memory,
        refund_on_abort: false,
    };
    let allowed = decide::allow(&request)?;
    if pack::is_installed() {
        usage::note(event(Caller { organization, user, endpoint }, What::Counted { minutes }))?;
    }
    Ok(!allowed)
}

/// Model B: `is_allowed` is TRUE when the request may go on.
#[pg_extern(schema = "canon", name = "check_rate_limit", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn check_rate_limit_b(
    p_organization_id: Option<pgrx::Uuid>,
    p_resource_type: Option<&str>,
    p_endpoint: default!(Option<&str>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(is_allowed, bool),
            name!(current_usage, i32),
            name!(limit_value, i32),
            name!(window_seconds, i32),
            name!(reset_at, TimestampWithTimeZone),
        ),
    >,
    ErrorReport,
> {
    const HOUR: i32 = 3_600;
    let organization = *required(p_organization_id, "p_organization_id")?.as_bytes();
    let resource = required(p_resource_type, "p_resource_type")?;
    let policies = policies_of(organization)?;
    let caller = Caller { organization, user: None, endpoint: p_endpoint.unwrap_or_default() };
    let tracked = |denied| event(caller, What::Tracked { resource: resource.to_owned(), denied, shadow: None });
    let Some(config) = policies.config(resource, p_endpoint) else {
        usage::note(tracked(false))?;
        let reset_at = row::timestamptz_in(u64::from(HOUR.unsigned_abs()) * 1_000_000);
        return Ok(TableIterator::once((true, 0, NO_LIMIT, HOUR, reset_at)));
    };
    let (zone, zone_id) = zone_of(&config.options)?;
    let levels = config.levels(zone_id)?;
    let decided =
        super::decide(caller, &format!("{resource} {}", config.id), &config.options, &levels, zone.as_ref(), 1)?;
    let allowed = decided.is_allowed();
    usage::note(tracked(!allowed))?;
    // The level that denies for longest, or the window.
    let deciding = decided
        .answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| !answer.decision.allowed)
        .max_by_key(|(_, answer)| answer.decision.retry_after.unwrap_or(u64::MAX));
    let (k, answer) = deciding.unwrap_or((0, &decided.answers[0]));
    let decision = &answer.decision;
    let int = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
    let after = if allowed { decision.reset_after } else { decision.retry_after.unwrap_or(decision.reset_after) };
    let period = levels[k].rule.map_or(config.window_seconds.unsigned_abs(), |rule| rule.period() / 1_000_000);
    let used = decision.limit.saturating_sub(decision.remaining);
    Ok(TableIterator::once((allowed, int(used), int(decision.limit), int(period), row::timestamptz_in(after))))
}

/// `(p_organization_id uuid, p_user_id uuid, p_endpoint text, p_role text, p_cost bigint)`
fn check_quota(call: Call) -> Result<pg_sys::Datum> {
    // SAFETY: the declaration of the function says that they are uuids.
    let organization = unsafe { id_of(call.datum(0, "p_organization_id")?) };
    // SAFETY: as above.
    let user = call.optional(1).map(|datum| unsafe { id_of(datum) });
    let endpoint = call.text(2, "p_endpoint")?;
    let role = call.optional_text(3);
    let cost = Rule::cost(call.int(4, "p_cost")?).map_err(LimitError::from)?;
    let policies = policies_of(organization)?;
    let Some(policy) = policies.applying(role, endpoint) else { return Ok(row::no_policy(call)) };
    let (zone, zone_id) = zone_of(&policy.options)?;
    let levels = policy.levels(&read::uuid(&organization), zone_id)?;
    let caller = Caller { organization, user, endpoint };
    let decided = super::decide(caller, &policy.quota.name, &policy.options, &levels, zone.as_ref(), cost)?;
    Ok(row::decision_all(call, |k| &decided.keys[k], &decided.answers))
}
