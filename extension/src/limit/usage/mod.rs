//! What requests were made, written to the tables of the pack `saas` in batches, off the path of the
//! requests.
//!
//! An event goes into a ring in shared memory. The worker of its database writes all that are there
//! once a second, in one transaction, and forgets them when it has committed. Where there is no ring,
//! or no room in it, the request writes its event itself.

mod api;
mod flush;
mod ring;
mod statistics;

use pgrx::pg_sys;

use super::pack;
use crate::error::Result;

pub(super) use flush::{flush, uuid};

/// Called from `_PG_init`.
pub(super) fn init() {
    ring::init();
}

/// A uuid as its bytes.
pub(super) type Id = [u8; 16];

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A request that `check_rate_limit` with a limit of its own has seen, in windows of so many minutes.
    Counted { minutes: i32 },
    /// A request to a kind of resource. `shadow` names the policy and the period that would have denied it.
    Tracked { resource: String, denied: bool, shadow: Option<String> },
    /// A request that has been answered.
    Answered { method: String, status: i32, millis: Option<f64>, denied: bool, error: Option<String> },
    /// Use of a quota has reached a threshold, in the window that began then.
    Alerted { policy: String, period: String, alert: u8, used: i64, limit: i64, window_start: i64 },
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) organization: Id,
    pub(super) user: Option<Id>,
    pub(super) endpoint: String,
    /// Microseconds since the Unix epoch.
    pub(super) at: i64,
    pub(super) what: What,
}

/// Has an event written to the tables, soon.
pub(super) fn note(event: Event) -> Result<()> {
    if ring::push(&event) {
        return Ok(());
    }
    // SAFETY: a flag of the server. A standby counts in memory only.
    if unsafe { pg_sys::RecoveryInProgress() } {
        return Ok(());
    }
    pack::as_owner(|| flush::write(&[event]))
}
