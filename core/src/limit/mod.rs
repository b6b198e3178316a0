//! Rate limits and quotas as pure functions of (now, state, cost).
//!
//! A [`Rule`] says what is allowed. The state of one key under a rule is one `u128`, so that it can
//! be changed by compare-and-swap; `0` is the state of a key never seen. [`admit`] returns the next
//! state, or `None` where the request must wait; [`describe`] turns a state into what people are told.
//! All arithmetic is on integers: an emission interval is the fraction period / limit and is never
//! rounded, so that 1,000,000 a second and 1 a month are both exact.
//!
//! Times are microseconds on a clock of the caller's: a monotonic one for [`Algorithm::Gcra`] and
//! [`Algorithm::SlidingWindow`], the Unix clock for windows that begin at full minutes or months.
//! The exact sliding log, [`SlidingLog`], has a state of variable size.

mod at_rest;
mod calendar;
mod gcra;
mod header;
pub mod lease;
mod log;
mod pattern;
mod quota;
mod rule;
mod sketch;
mod sliding;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub use at_rest::AtRest;
pub use calendar::{Calendar, Unit, Utc, Window, Zone};
pub use header::{ratelimit, ratelimit_policy};
pub use lease::Lease;
pub use log::SlidingLog;
pub use pattern::{Pattern, most_specific};
pub use quota::{Alert, Exception, Limits, PERIODS, Quota, applying, reached};
pub use rule::{Algorithm, Invalid, MAX_PERIOD, MAX_UNITS, Rule, Shape};
pub use sketch::{RELATIVE_ERROR, Sketch};
pub use state::{Stored, convert};

/// What is said about a request, or about a key when nothing is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Most units that can be spent at once: the burst of a GCRA rule, else the limit.
    pub limit: u64,
    /// Units that could be spent now.
    pub remaining: u64,
    /// Microseconds to wait before the same request is allowed, if nobody else spends: `0` where it
    /// is allowed, `None` where its cost is above the limit, so that waiting does not help.
    pub retry_after: Option<u64>,
    /// Microseconds until the whole limit is there again, if nobody spends.
    pub reset_after: u64,
}

/// The state after `cost` units were spent at `now`, or `None` where that is not allowed.
///
/// `state` must be of the shape of `rule`; see [`convert`].
#[inline]
pub fn admit(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64) -> Option<u128> {
    match rule.algorithm() {
        Algorithm::Gcra => gcra::admit(rule, now, state, cost),
        Algorithm::SlidingWindow => sliding::admit(rule, now, state, cost),
        Algorithm::FixedWindow | Algorithm::Calendar => window::admit(rule, zone, now, state, cost),
        Algorithm::SlidingLog => None,
    }
}

/// What `state` means at `now` for a request of `cost` units that was, or would be, `allowed`.
pub fn describe(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64, allowed: bool) -> Decision {
    let (remaining, reset_after, wait) = match rule.algorithm() {
        Algorithm::Gcra => gcra::measure(rule, now, state, cost),
        Algorithm::SlidingWindow => sliding::measure(rule, now, state, cost),
        Algorithm::FixedWindow | Algorithm::Calendar => window::measure(rule, zone, now, state, cost),
        Algorithm::SlidingLog => (0, 0, None),
    };
    let retry_after = if allowed { Some(0) } else { wait };
    Decision { allowed, limit: rule.burst(), remaining, retry_after, reset_after }
}

/// The state after `cost` units that were spent at `spent_at` were given back at `now`. Never gives
/// back more than is still counted: what time has restored since is not restored again.
pub fn refund(shape: &Shape, now: u64, spent_at: u64, state: u128, cost: u64) -> u128 {
    match shape.algorithm {
        Algorithm::Gcra => gcra::refund(shape, now, spent_at, state, cost),
        Algorithm::SlidingWindow => sliding::refund(shape, now, spent_at, state, cost),
        Algorithm::FixedWindow | Algorithm::Calendar => window::refund(now, spent_at, state, cost),
        Algorithm::SlidingLog => state,
    }
}

/// Units that `state` counts as used at `now`, rounded up.
pub fn used(shape: &Shape, now: u64, state: u128) -> u64 {
    match shape.algorithm {
        Algorithm::Gcra => gcra::used(shape, now, state),
        Algorithm::SlidingWindow => sliding::used(shape, now, state),
        Algorithm::FixedWindow | Algorithm::Calendar => window::used(now, state),
        Algorithm::SlidingLog => 0,
    }
}

/// When `state` says nothing any more: from this time on the key is like one never seen.
pub fn expires_at(shape: &Shape, state: u128) -> u64 {
    match shape.algorithm {
        Algorithm::Gcra => gcra::expires_at(shape, state),
        Algorithm::SlidingWindow => sliding::expires_at(shape, state),
        Algorithm::FixedWindow | Algorithm::Calendar => window::expires_at(state),
        Algorithm::SlidingLog => 0,
    }
}

/// Quotient rounded up, in the width of a time; what does not fit becomes the largest time.
fn div_ceil(dividend: u128, divisor: u128) -> u64 {
    u64::try_from(dividend.div_ceil(divisor)).unwrap_or(u64::MAX)
}
