//! Usage in SQL: recording it, asking for it, writing it now, and cleaning up.

use std::str::FromStr;

use pgrx::AnyNumeric;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::flush::{self, uuid};
use super::{Event, What, note};
use crate::cache;
use crate::error::{Error, Result};
use crate::limit::error::LimitError;
use crate::limit::{clock, pack, table};

/// From the daily rows, $2 days back.
const BY_DAY: &str = "
    SELECT endpoint, sum(total_requests), count(DISTINCT user_id),
        round(sum(average_response_time_ms * total_requests) / nullif(sum(total_requests) FILTER (WHERE average_response_time_ms IS NOT NULL), 0), 2),
        round(100.0 * sum(failed_requests) / nullif(sum(total_requests), 0), 2)
    FROM saas.api_usage_statistics WHERE organization_id = $1::uuid
      AND date >= CASE $2 WHEN 'day' THEN (now() AT TIME ZONE 'UTC')::date ELSE date_trunc('month', now() AT TIME ZONE 'UTC')::date END
    GROUP BY endpoint ORDER BY 2 DESC, 1";
/// From the single requests, which is what an hour can be answered from.
const BY_HOUR: &str = "
    SELECT endpoint, count(*), count(DISTINCT user_id), round(avg((metadata ->> 'response_time_ms')::numeric), 2),
        round(100.0 * count(*) FILTER (WHERE response_status >= 400) / count(*), 2)
    FROM saas.rate_limit_tracking WHERE organization_id = $1::uuid AND response_status IS NOT NULL
      AND request_timestamp > now() - interval '1 hour'
    GROUP BY endpoint ORDER BY 2 DESC, 1";
const CLEAN_UP: &[&str] = &[
    "DELETE FROM saas.api_rate_limits WHERE window_end < now() - interval '7 days'",
    "DELETE FROM saas.rate_limit_tracking WHERE request_timestamp < now() - interval '30 days'",
    "DELETE FROM saas.api_usage_statistics WHERE date < (now() - interval '90 days')::date",
    "DELETE FROM saas.quota_alerts WHERE is_acknowledged AND created_at < now() - interval '30 days'",
];
const CLEAN_UP_OURS: &str = "DELETE FROM canon.usage_sketch WHERE date < (now() - interval '2 days')::date";

/// Notes a request that has been answered.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the signature is given")]
fn record_api_usage(
    p_organization_id: Option<pgrx::Uuid>,
    p_user_id: Option<pgrx::Uuid>,
    p_endpoint: Option<&str>,
    p_method: default!(Option<&str>, "'POST'"),
    p_response_status: default!(Option<i32>, 200),
    p_response_time_ms: default!(Option<f64>, "NULL"),
    p_was_rate_limited: default!(Option<bool>, false),
    p_error_message: default!(Option<&str>, "NULL"),
) -> std::result::Result<(), ErrorReport> {
    let null = |argument| Error::from(LimitError::Null { function: "record_api_usage", argument });
    let organization = p_organization_id.ok_or_else(|| null("p_organization_id"))?;
    let endpoint = p_endpoint.ok_or_else(|| null("p_endpoint"))?;
    pack::require()?;
    let what = What::Answered {
        method: p_method.unwrap_or("POST").to_owned(),
        status: p_response_status.unwrap_or(200),
        millis: p_response_time_ms.filter(|millis| millis.is_finite()),
        denied: p_was_rate_limited.unwrap_or(false),
        error: p_error_message.map(str::to_owned),
    };
    note(Event {
        organization: *organization.as_bytes(),
        user: p_user_id.map(|id| *id.as_bytes()),
        endpoint: endpoint.to_owned(),
        at: clock::wall() as i64,
        what,
    })?;
    Ok(())
}

/// Requests of an organisation by endpoint.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn get_quota_usage(
    p_organization_id: Option<pgrx::Uuid>,
    p_period: default!(Option<&str>, "'hour'"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(endpoint, String),
            name!(request_count, i64),
            name!(unique_users, i64),
            name!(avg_response_time, Option<AnyNumeric>),
            name!(error_rate, Option<AnyNumeric>),
        ),
    >,
    ErrorReport,
> {
    let null = LimitError::Null { function: "get_quota_usage", argument: "p_organization_id" };
    let organization = uuid(p_organization_id.ok_or_else(|| Error::from(null))?.as_bytes());
    let rows = pack::as_owner(|| match p_period {
        Some(period @ ("day" | "month")) => cache::read(BY_DAY, &[&organization, period]),
        _ => cache::read(BY_HOUR, &[&organization]),
    })?;
    let number = |text: &Option<String>| text.as_deref().and_then(|text| AnyNumeric::from_str(text).ok());
    let count = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
    let row = |row: &cache::TextRow| {
        (row[0].clone().unwrap_or_default(), count(&row[1]), count(&row[2]), number(&row[3]), number(&row[4]))
    };
    Ok(TableIterator::new(rows.iter().map(row).collect::<Vec<_>>()))
}

/// Removes rows whose time is over; how many.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn cleanup_old_rate_limit_data() -> std::result::Result<i32, ErrorReport> {
    let deleted = pack::as_owner(|| {
        Spi::connect_mut(|client| {
            let mut deleted = 0;
            for sql in CLEAN_UP {
                deleted += client.update(*sql, None, &[])?.len();
            }
            Ok(deleted)
        })
    })?;
    table::as_owner(|| Spi::connect_mut(|client| Ok(client.update(CLEAN_UP_OURS, None, &[])?.len())))?;
    Ok(i32::try_from(deleted).unwrap_or(i32::MAX))
}

/// Writes what waits to be written; how many events.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn usage_flush() -> std::result::Result<i64, ErrorReport> {
    pack::require()?;
    let flushed: Result<i64> = flush::flush();
    Ok(flushed?)
}
