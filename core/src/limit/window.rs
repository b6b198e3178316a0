//! One counter for a window that begins at a full minute, day or month.
//!
//! State: end of the window (52 bits), units used in it (38), units granted to it (38, for leases).
//! A window is not left before its end, so a clock that is put back a little changes nothing. One
//! that is put back by more than a window would keep the key there for long; then what was used is
//! carried into the window of the new time.

use super::calendar::{Window, Zone};
use super::rule::{Algorithm, Rule};

const COUNT_BITS: u32 = 38;
const COUNT: u128 = (1 << COUNT_BITS) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) end: u64,
    pub(super) used: u64,
    pub(super) granted: u64,
}

impl Counter {
    pub(super) fn unpack(state: u128) -> Self {
        Self {
            end: (state >> (2 * COUNT_BITS)) as u64,
            used: (state >> COUNT_BITS & COUNT) as u64,
            granted: (state & COUNT) as u64,
        }
    }

    pub(super) fn pack(self) -> u128 {
        u128::from(self.end) << (2 * COUNT_BITS) | u128::from(self.used) << COUNT_BITS | u128::from(self.granted)
    }

    /// The counter as of `now`.
    #[inline]
    pub(super) fn at(self, rule: &Rule, zone: &dyn Zone, now: u64) -> Self {
        if self.end > now && self.end - now <= rule.period() {
            return self;
        }
        let end = window_of(rule, zone, now).end;
        if self.end > now { Self { end, ..self } } else { Self { end, used: 0, granted: 0 } }
    }
}

/// The window of `rule` that `now` lies in.
pub(super) fn window_of(rule: &Rule, zone: &dyn Zone, now: u64) -> Window {
    if rule.algorithm() == Algorithm::Calendar {
        return rule.calendar().window(zone, now);
    }
    let start = now - now % rule.period();
    Window { start, end: start + rule.period() }
}

pub(super) fn admit(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64) -> Option<u128> {
    let counter = Counter::unpack(state).at(rule, zone, now);
    let used = counter.used + cost;
    (used <= rule.limit()).then(|| Counter { used, ..counter }.pack())
}

pub(super) fn measure(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64) -> (u64, u64, Option<u64>) {
    let counter = Counter::unpack(state).at(rule, zone, now);
    let left = rule.limit().saturating_sub(counter.used);
    let to_end = counter.end - now;
    let wait = (cost <= rule.limit()).then_some(if cost <= left { 0 } else { to_end });
    (left, if counter.used == 0 { 0 } else { to_end }, wait)
}

pub(super) fn refund(now: u64, spent_at: u64, state: u128, cost: u64) -> u128 {
    let counter = Counter::unpack(state);
    // Spent in a window that is over, or counted for one that is.
    if counter.end <= now || counter.end <= spent_at {
        return state;
    }
    Counter { used: counter.used.saturating_sub(cost), ..counter }.pack()
}

pub(super) fn used(now: u64, state: u128) -> u64 {
    let counter = Counter::unpack(state);
    if counter.end > now { counter.used } else { 0 }
}

/// The state of a key of which `used` units are used in the window of `now`.
pub(super) fn with_used(rule: &Rule, zone: &dyn Zone, now: u64, used: u64) -> u128 {
    Counter { end: window_of(rule, zone, now).end, used, granted: 0 }.pack()
}

pub(super) fn expires_at(state: u128) -> u64 {
    Counter::unpack(state).end
}
