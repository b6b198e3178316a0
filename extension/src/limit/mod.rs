//! Rate limits and quotas. What is allowed is decided in `canon_core::limit`; this room keeps the
//! states: in shared memory, in a table, or leased from one to the other.

mod abort;
mod api;
mod args;
mod arrays;
mod clock;
mod decide;
mod error;
mod lease;
mod memory;
mod pack;
mod quota;
mod row;
mod settings;
mod table;
mod usage;
mod zone;

pub(crate) use error::LimitError;

use std::time::Duration;

use crate::worker::{Progress, Task};

/// What the worker does for limits in its database.
pub(crate) const TASK: Task = Task { name: "limits", period: task_period, is_urgent: || false, run: run_task };

/// Grants leases. Sessions wait for it.
pub(crate) const LEASES: Task = lease::TASK;

fn task_period() -> Duration {
    Duration::from_secs(1)
}

fn run_task() -> crate::error::Result<Progress> {
    memory::resolve();
    memory::snapshot();
    usage::flush()?;
    table::clean_up_now_and_then()?;
    Ok(Progress::Idle)
}

/// Called from `_PG_init`, before the prefix of settings is reserved.
pub(crate) fn init() {
    settings::init();
    abort::init();
    memory::init();
    lease::init();
    usage::init();
}
