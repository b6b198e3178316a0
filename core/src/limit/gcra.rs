//! The generic cell rate algorithm (ITU-T I.371, virtual scheduling form).
//!
//! The state is the theoretical arrival time: when the key will be like new. Its unit is
//! microseconds / limit, in which one emission interval is exactly `period` and one microsecond
//! exactly `limit`, so that nothing is ever rounded. At most 2^52 * 2^37 + 2^37 * 2^52: it fits.

use super::div_ceil;
use super::rule::{Rule, Shape};

#[inline]
pub(super) fn admit(rule: &Rule, now: u64, state: u128, cost: u64) -> Option<u128> {
    let now = u128::from(now) * u128::from(rule.limit());
    let next = state.max(now) + u128::from(cost) * u128::from(rule.period());
    (next - now <= capacity(rule)).then_some(next)
}

/// Units left, microseconds until all are back, microseconds until `cost` are.
pub(super) fn measure(rule: &Rule, now: u64, state: u128, cost: u64) -> (u64, u64, Option<u64>) {
    let (limit, period) = (u128::from(rule.limit()), u128::from(rule.period()));
    let level = state.saturating_sub(u128::from(now) * limit);
    let left = capacity(rule).saturating_sub(level) / period;
    let wait = (cost <= rule.burst()).then(|| {
        let missing = (level + u128::from(cost) * period).saturating_sub(capacity(rule));
        div_ceil(missing, limit)
    });
    (u64::try_from(left).unwrap_or(u64::MAX), div_ceil(level, limit), wait)
}

/// What time has restored since `spent_at` may have been these units, so only the rest is given back.
/// Without the request the level would be lower by at least that, whatever else was spent or given
/// back before or since: a level is the most that is left of the units after any moment, and the
/// moment just before `spent_at` is one of them. Units of several requests may be given back as one,
/// spent when the first was, by the same reason.
pub(super) fn refund(shape: &Shape, now: u64, spent_at: u64, state: u128, cost: u64) -> u128 {
    let drained = u128::from(now.saturating_sub(spent_at)) * u128::from(shape.limit);
    let still_there = (u128::from(cost) * u128::from(shape.period)).saturating_sub(drained);
    state.saturating_sub(still_there)
}

pub(super) fn used(shape: &Shape, now: u64, state: u128) -> u64 {
    div_ceil(level(shape, now, state), u128::from(shape.period))
}

/// Height above `now`, of which `shape.period` is one unit.
pub(super) fn level(shape: &Shape, now: u64, state: u128) -> u128 {
    state.saturating_sub(u128::from(now) * u128::from(shape.limit))
}

pub(super) fn expires_at(shape: &Shape, state: u128) -> u64 {
    div_ceil(state, u128::from(shape.limit))
}

#[inline]
fn capacity(rule: &Rule) -> u128 {
    u128::from(rule.burst()) * u128::from(rule.period())
}
