//! The list of tasks. An engine adds one line here and keeps the work itself in its own room.

use super::Task;

/// What every worker does, in this order when several are due.
pub(super) const TASKS: &[Task] = &[crate::limit::LEASES, crate::limit::TASK, crate::audit::SEAL, crate::status::TASK];
