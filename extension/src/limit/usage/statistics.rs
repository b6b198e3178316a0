//! `saas.api_usage_statistics`: a row for each day, with percentiles from a histogram that is kept
//! beside it in `canon.usage_sketch`.

use std::collections::BTreeMap;

use canon_core::limit::Sketch;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::flush::uuid;
use super::{Event, Id, What};
use crate::error::Result;
use crate::limit::table;

const WRITE: &str = include_str!("../../../../sql/limits/statistics.sql");
const READ: &str = "SELECT s.state FROM canon.usage_sketch s WHERE s.organization_id = $1::uuid
    AND s.user_id IS NOT DISTINCT FROM $2::uuid AND s.endpoint = $3 AND s.date = $4::date FOR UPDATE";
const KEEP: &str = "INSERT INTO canon.usage_sketch (organization_id, user_id, endpoint, date, state)
    VALUES ($1::uuid, $2::uuid, $3, $4::date, $5)
    ON CONFLICT (organization_id, user_id, endpoint, date) DO UPDATE SET state = excluded.state";

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

#[derive(Default)]
struct Day {
    requests: i64,
    failed: i64,
    times: Sketch,
}

/// Adds answered requests to the rows of their days.
pub(super) fn write(events: &[Event]) -> Result<()> {
    let mut days: BTreeMap<(Id, Option<Id>, &str, i64), Day> = BTreeMap::new();
    for event in events {
        let What::Answered { status, millis, .. } = &event.what else { continue };
        let key = (event.organization, event.user, event.endpoint.as_str(), event.at.div_euclid(DAY));
        let day = days.entry(key).or_default();
        day.requests += 1;
        day.failed += i64::from(*status >= 400);
        if let Some(millis) = millis {
            day.times.add(*millis);
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(days.len());
    for ((organization, user, endpoint, day), mut new) in days {
        let (organization, user) = (uuid(&organization), user.as_ref().map(uuid));
        let date = date_of(day);
        let times = merge(&organization, user.as_deref(), endpoint, &date, &new.times)?;
        new.times = times;
        rows.push(json!({
            "org": organization, "usr": user, "endpoint": endpoint, "date": date,
            "requests": new.requests, "failed": new.failed, "mean": new.times.mean(),
            "p95": new.times.quantile(0.95), "p99": new.times.quantile(0.99),
        }));
    }
    let rows = JsonB(Value::Array(rows));
    Spi::connect_mut(|client| client.update(WRITE, None, &[rows.into()]).map(|_| ()))?;
    Ok(())
}

/// The histogram of a day with new values in it. The table is ours, so it is changed as its owner.
fn merge(organization: &str, user: Option<&str>, endpoint: &str, date: &str, new: &Sketch) -> Result<Sketch> {
    table::as_owner(|| {
        Spi::connect_mut(|client| {
            let key = [organization.into(), user.into(), endpoint.into(), date.into()];
            let rows = client.update(READ, Some(1), &key)?;
            let kept = if rows.is_empty() { None } else { rows.first().get_one::<Vec<u8>>()? };
            let mut all = kept.and_then(|state| Sketch::from_bytes(&state)).unwrap_or_default();
            all.merge(new);
            let [a, b, c, d] = key;
            client.update(KEEP, None, &[a, b, c, d, all.to_bytes().into()])?;
            Ok(all)
        })
    })
}

/// The day so many days after 1970-01-01, in UTC.
fn date_of(day: i64) -> String {
    // SAFETY: days since 2000-01-01, which is what a date is.
    let date = unsafe { pgrx::datum::Date::from_pg_epoch_days(i32::try_from(day - 10_957).unwrap_or_default()) };
    date.to_string()
}
