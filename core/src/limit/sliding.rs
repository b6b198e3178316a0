//! Sliding-window counter: the count of the present window, and that of the one before weighted by
//! the share of it that the sliding window still covers.
//!
//! State: number of the window (52 bits), count of the window before (38), count of this one (38).

use super::div_ceil;
use super::rule::{Rule, Shape};

const COUNT_BITS: u32 = 38;
const COUNT: u128 = (1 << COUNT_BITS) - 1;

#[derive(Clone, Copy)]
struct Counts {
    window: u64,
    before: u64,
    here: u64,
}

impl Counts {
    fn unpack(state: u128) -> Self {
        Self {
            window: (state >> (2 * COUNT_BITS)) as u64,
            before: (state >> COUNT_BITS & COUNT) as u64,
            here: (state & COUNT) as u64,
        }
    }

    fn pack(self) -> u128 {
        u128::from(self.window) << (2 * COUNT_BITS) | u128::from(self.before) << COUNT_BITS | u128::from(self.here)
    }

    /// The counts as of `now`, and the microseconds since the window began. Time before the window
    /// of the state, on a clock that was put back, counts as its beginning.
    fn at(self, now: u64, period: u64) -> (Self, u64) {
        let window = now / period;
        let counts = match window.checked_sub(self.window) {
            None => return (self, 0),
            Some(0) => self,
            Some(1) => Self { window, before: self.here, here: 0 },
            Some(_) => Self { window, before: 0, here: 0 },
        };
        (counts, now - window * period)
    }

    /// Units in sight, times `period`.
    fn in_sight(self, elapsed: u64, period: u64) -> u128 {
        u128::from(self.before) * u128::from(period - elapsed) + u128::from(self.here) * u128::from(period)
    }
}

pub(super) fn admit(rule: &Rule, now: u64, state: u128, cost: u64) -> Option<u128> {
    let period = rule.period();
    let (counts, elapsed) = Counts::unpack(state).at(now, period);
    let wanted = counts.in_sight(elapsed, period) + u128::from(cost) * u128::from(period);
    let allowed = wanted <= u128::from(rule.limit()) * u128::from(period);
    allowed.then(|| Counts { here: counts.here + cost, ..counts }.pack())
}

pub(super) fn measure(rule: &Rule, now: u64, state: u128, cost: u64) -> (u64, u64, Option<u64>) {
    let (limit, period) = (rule.limit(), rule.period());
    let (counts, elapsed) = Counts::unpack(state).at(now, period);
    let scale = u128::from(period);
    let left = (u128::from(limit) * scale).saturating_sub(counts.in_sight(elapsed, period)) / scale;
    let reset = match counts {
        Counts { here: 1.., .. } => 2 * period - elapsed,
        Counts { before: 1.., .. } => period - elapsed,
        _ => 0,
    };
    let wait = (cost <= limit).then(|| {
        // A clock that was put back has to reach the window first.
        let behind = (counts.window * period).saturating_sub(now);
        behind + wait(counts, elapsed, limit, period, cost)
    });
    (u64::try_from(left).unwrap_or(u64::MAX), reset, wait)
}

/// Microseconds until `before * (period - elapsed) + (here + cost) * period <= limit * period`.
fn wait(counts: Counts, elapsed: u64, limit: u64, period: u64, cost: u64) -> u64 {
    let reached = |before: u64, free: u64| -> u64 {
        if before == 0 {
            return 0;
        }
        let in_sight = u128::from(free) * u128::from(period) / u128::from(before);
        period.saturating_sub(u64::try_from(in_sight).unwrap_or(u64::MAX))
    };
    match limit.checked_sub(counts.here + cost) {
        Some(free) => reached(counts.before, free).saturating_sub(elapsed),
        // Not in this window. In the next one, this one's count is the count before.
        None => period - elapsed + reached(counts.here, limit - cost),
    }
}

pub(super) fn refund(shape: &Shape, now: u64, spent_at: u64, state: u128, cost: u64) -> u128 {
    let period = shape.period;
    let (counts, _) = Counts::unpack(state).at(now, period);
    match counts.window.checked_sub(spent_at / period) {
        Some(0) => Counts { here: counts.here.saturating_sub(cost), ..counts },
        Some(1) => Counts { before: counts.before.saturating_sub(cost), ..counts },
        _ => counts,
    }
    .pack()
}

pub(super) fn used(shape: &Shape, now: u64, state: u128) -> u64 {
    let (counts, elapsed) = Counts::unpack(state).at(now, shape.period);
    div_ceil(counts.in_sight(elapsed, shape.period), u128::from(shape.period))
}

/// The state of a key of which `used` units are in sight.
pub(super) fn with_used(rule: &Rule, now: u64, used: u64) -> u128 {
    Counts { window: now / rule.period(), before: 0, here: used }.pack()
}

pub(super) fn expires_at(shape: &Shape, state: u128) -> u64 {
    let counts = Counts::unpack(state);
    let windows = match counts {
        Counts { here: 1.., .. } => 2,
        Counts { before: 1.., .. } => 1,
        _ => 0,
    };
    counts.window.saturating_add(windows).saturating_mul(shape.period)
}
