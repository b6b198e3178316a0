//! Events become rows.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::{Event, Id, What, ring, statistics};
use crate::error::Result;
use crate::limit::pack;

/// One session at a time: the tables have no unique keys that counters could go by. Any number will
/// do; this one is "pg_canon" in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8098991014283128686)";

const COUNTERS: &str = include_str!("../../../../sql/limits/counters.sql");
const TRACKING: &str = include_str!("../../../../sql/limits/tracking.sql");
const MONTHS: &str = include_str!("../../../../sql/limits/months.sql");
const ALERTS: &str = include_str!("../../../../sql/limits/alerts.sql");

/// Writes the events of this database that wait in the ring; how many.
pub(crate) fn flush() -> Result<i64> {
    if !pack::is_installed() {
        return Ok(0);
    }
    let events = pack::as_owner(|| {
        // Before looking: what another session is writing is then gone, or still there.
        Spi::connect_mut(|client| client.update(LOCK, None, &[]).map(|_| ()))?;
        let events = ring::take();
        write(&events)?;
        Ok(events)
    })?;
    Ok(events.len() as i64)
}

/// Writes events as the owner of the pack, which the caller is.
pub(super) fn write(events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    Spi::connect_mut(|client| client.update(LOCK, None, &[]).map(|_| ()))?;
    for (sql, is_for) in [
        (COUNTERS, (|what| matches!(what, What::Counted { .. })) as fn(&What) -> bool),
        (TRACKING, |what| matches!(what, What::Tracked { .. } | What::Answered { .. })),
        (MONTHS, |what| matches!(what, What::Tracked { shadow: None, .. })),
        (ALERTS, |what| matches!(what, What::Alerted { .. })),
    ] {
        let chosen: Vec<Value> = events.iter().filter(|event| is_for(&event.what)).map(as_json).collect();
        if !chosen.is_empty() {
            let rows = JsonB(Value::Array(chosen));
            Spi::connect_mut(|client| client.update(sql, None, &[rows.into()]).map(|_| ()))?;
        }
    }
    statistics::write(events)
}

pub(crate) fn uuid(id: &Id) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn as_json(event: &Event) -> Value {
    let mut row = json!({
        "org": uuid(&event.organization),
        "usr": event.user.as_ref().map(uuid),
        "endpoint": event.endpoint,
        "at": event.at,
    });
    let rest = match &event.what {
        What::Counted { minutes } => json!({ "minutes": minutes }),
        What::Tracked { resource, denied, shadow } => json!({
            "resource": resource, "denied": denied,
            "metadata": shadow.as_ref().map_or_else(|| json!({}), |by| json!({ "shadow": true, "denied_by": by })),
        }),
        What::Answered { method, status, millis, denied, error } => json!({
            "resource": "api_call", "denied": denied, "status": status,
            "metadata": { "method": method, "response_time_ms": millis, "error": error },
        }),
        What::Alerted { policy, period, alert, used, limit, window_start } => json!({
            "policy": policy, "period": period, "used": used, "limit": limit, "window_start": window_start,
            "alert": canon_core::limit::Alert::ALL[usize::from(*alert).min(2)].name(),
        }),
    };
    if let (Value::Object(row), Value::Object(rest)) = (&mut row, rest) {
        row.extend(rest);
    }
    row
}
