//! Durable quotas without a write for each request: units are granted from a durable row in blocks
//! and spent from memory.
//!
//! The durable row counts what was granted, so a crash can lose granted units, never spend one twice.
//! Units are leased for one window, and only for windows: [`Algorithm::FixedWindow`] and
//! [`Algorithm::Calendar`].

use super::calendar::Zone;
use super::rule::{Algorithm, Rule, Shape};
use super::window::Counter;

/// What came of an attempt to spend leased units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Spent; the next state.
    Spent(u128),
    /// The units granted so far do not suffice; more may be had for the window that ends then.
    Short(u64),
    /// The quota of the window is used up.
    Denied,
}

/// Spends `cost` units that were granted, or says what is missing.
#[must_use]
pub fn spend(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64) -> Lease {
    let counter = Counter::unpack(state).at(rule, zone, now);
    let used = counter.used + cost;
    if used > rule.limit() {
        Lease::Denied
    } else if used <= counter.granted {
        Lease::Spent(Counter { used, ..counter }.pack())
    } else {
        Lease::Short(counter.end)
    }
}

/// Units that one lease should be: so many percent of the limit, at least one unit.
#[must_use]
pub fn size(limit: u64, percent: u32) -> u64 {
    let share = (u128::from(limit) * u128::from(percent)).div_ceil(100);
    u64::try_from(share).unwrap_or(limit).clamp(1, limit)
}

/// Units to grant for the window that ends at `end`, of which `before` units have been granted: as
/// many as bring what is not spent up to `lease`, or to the cost of a dearer request.
#[must_use]
pub fn units(limit: u64, before: u64, state: u128, end: u64, lease: u64, cost: u64) -> u64 {
    lease.max(cost).saturating_sub(unspent(state, end, before)).min(limit.saturating_sub(before))
}

/// Units of the window that ends at `end` which memory may still spend, after it has learnt that
/// `before` units were granted.
fn unspent(state: u128, end: u64, before: u64) -> u64 {
    let counter = learnt(state, end, before);
    counter.granted.saturating_sub(counter.used)
}

/// What memory counts once it knows that `before` units were granted. Where it knew of fewer,
/// because of a crash, or because a request took its units from the row, the difference is spent.
fn learnt(state: u128, end: u64, before: u64) -> Counter {
    let counter = Counter::unpack(opened(state, end));
    let lost = before.saturating_sub(counter.granted);
    Counter { end, used: counter.used + lost, granted: counter.granted.max(before) }
}

/// Adds a grant of `units` for the window that ends at `end`, of which `before` units had been
/// granted when it was made.
#[must_use]
pub fn grant(state: u128, end: u64, before: u64, units: u64) -> u128 {
    let counter = learnt(state, end, before);
    Counter { granted: counter.granted + units, ..counter }.pack()
}

/// The state in the window that ends at `end`: what was granted for another one is over.
#[must_use]
pub fn opened(state: u128, end: u64) -> u128 {
    if Counter::unpack(state).end == end { state } else { Counter { end, used: 0, granted: 0 }.pack() }
}

/// Whether so little is left after `cost` units were spent, and was not before, that more should be
/// fetched: half of a lease. True of one request for each lease.
#[must_use]
pub fn is_low(rule: &Rule, state: u128, cost: u64, lease: u64) -> bool {
    let counter = Counter::unpack(state);
    let left = counter.granted.saturating_sub(counter.used);
    let low = lease.div_ceil(2);
    left < low && left + cost >= low && counter.granted < rule.limit()
}

/// The end of the window of a state.
#[must_use]
pub fn window_end(state: u128) -> u64 {
    Counter::unpack(state).end
}

/// Whether a state counts what happens in a window that is not over.
#[must_use]
pub fn knows(state: u128, now: u64) -> bool {
    let counter = Counter::unpack(state);
    counter.end > now && counter.granted > 0
}

/// A state that was written under `old`, for `rule`. Units are granted for a window: those of
/// windows that begin and end otherwise cannot be spent, and count as spent with the next grant.
#[must_use]
pub fn carried(old: &Shape, rule: &Rule, state: u128) -> u128 {
    let new = rule.shape();
    if (old.algorithm, old.period) == (new.algorithm, new.period) { state } else { 0 }
}

/// The state of a key as its durable row tells it: all that was granted counts as spent.
#[must_use]
pub fn of_row(rule: &Rule, zone: &dyn Zone, now: u64, end: u64, granted: u64) -> u128 {
    Counter { end, used: granted, granted }.at(rule, zone, now).pack()
}

/// Whether a state holds leased units, which must not be brought back after a crash.
#[must_use]
pub fn is_leased(shape: &Shape, state: u128) -> bool {
    let windows = matches!(shape.algorithm, Algorithm::FixedWindow | Algorithm::Calendar);
    windows && Counter::unpack(state).granted > 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Utc, describe, refund, used};
    use super::*;

    const DAY: u64 = 86_400_000_000;

    fn day(limit: u64) -> Rule {
        Rule::new(Algorithm::FixedWindow, limit as i64, DAY as i64, None).unwrap()
    }

    /// A durable row and the memory of a server.
    #[derive(Default)]
    struct Key {
        end: u64,
        granted: u64,
        memory: u128,
    }

    impl Key {
        /// As the server does it: spends from memory, and where that is short, after a grant.
        fn request(&mut self, rule: &Rule, now: u64, cost: u64, lease: u64) -> bool {
            for _ in 0..2 {
                match spend(rule, &Utc, now, self.memory, cost) {
                    Lease::Spent(state) => {
                        self.memory = state;
                        return true;
                    }
                    Lease::Denied => return false,
                    Lease::Short(end) => self.lease(rule, now, end, cost, lease),
                }
            }
            panic!("short after a grant");
        }

        fn lease(&mut self, rule: &Rule, now: u64, end: u64, cost: u64, lease: u64) {
            let before = if self.end > now { self.granted } else { 0 };
            let units = units(rule.limit(), before, self.memory, end, lease, cost);
            (self.end, self.granted) = (end, before + units);
            self.memory = grant(self.memory, end, before, units);
        }

        /// A request that takes its units from the row, because nobody grants any.
        fn take_from_row(&mut self, rule: &Rule, now: u64, cost: u64) -> bool {
            let state = of_row(rule, &Utc, now, self.end, self.granted);
            let allowed = describe(rule, &Utc, now, state, cost, false).remaining >= cost;
            if allowed {
                (self.end, self.granted) = (window_end(state), used(&rule.shape(), now, state) + cost);
            }
            allowed
        }
    }

    proptest! {
        /// Whatever happens: a window never admits more than the limit; and without a crash, once
        /// requests of one unit are denied, exactly the limit. Each crash costs at most a lease.
        #[test]
        fn a_window_admits_its_limit_and_never_more(
            limit in 1..200_u64, percent in 1..40_u32,
            events in prop::collection::vec((0..40_u8, 1..6_u64), 0..400),
        ) {
            let (rule, lease) = (day(limit), size(limit, percent));
            let mut key = Key::default();
            let (mut now, mut admitted, mut lost) = (5, 0, 0);
            for (what, cost) in events {
                match what {
                    0 => {
                        key.memory = 0;
                        lost += lease.max(5);
                    }
                    1 => key.lease(&rule, now, now / DAY * DAY + DAY, 1, lease),
                    2..=5 => admitted += if key.take_from_row(&rule, now, cost) { cost } else { 0 },
                    6 => {
                        now += DAY;
                        (admitted, lost) = (0, 0);
                    }
                    _ => {
                        now += 1;
                        admitted += if key.request(&rule, now, cost, lease) { cost } else { 0 };
                    }
                }
                prop_assert!(admitted <= limit, "{} of {}", admitted, limit);
            }
            while key.request(&rule, now, 1, lease) {
                admitted += 1;
            }
            prop_assert!(admitted <= limit && admitted + lost >= limit, "{} of {}, {} lost", admitted, limit, lost);
        }
    }

    #[test]
    fn what_is_not_spent_is_never_more_than_a_lease() {
        let rule = day(1_000);
        let mut key = Key::default();
        for k in 0..500 {
            assert!(key.request(&rule, 5, 1, 100), "{k}");
            if is_low(&rule, key.memory, 1, 100) {
                key.lease(&rule, 5, DAY, 1, 100);
            }
            assert!(key.granted - (k + 1) <= 100);
        }
        assert!(key.request(&rule, 5, 300, 100), "a dear request gets what it costs");
        assert_eq!(key.granted, 800);
    }

    #[test]
    fn more_is_fetched_once_for_each_lease() {
        let rule = day(1_000);
        for cost in [1, 7, 60] {
            let (mut key, mut low) = (Key::default(), 0);
            key.lease(&rule, 5, DAY, 1, 100);
            while let Lease::Spent(state) = spend(&rule, &Utc, 5, key.memory, cost) {
                key.memory = state;
                low += u32::from(is_low(&rule, state, cost, 100));
            }
            assert_eq!(low, 1, "{cost}");
        }
    }

    #[test]
    fn what_was_granted_is_spent_and_no_more() {
        let rule = day(10);
        assert_eq!(spend(&rule, &Utc, 5, 0, 1), Lease::Short(DAY), "nothing is granted yet");
        let mut state = grant(0, DAY, 0, 4);
        for _ in 0..4 {
            let Lease::Spent(next) = spend(&rule, &Utc, 5, state, 1) else { panic!("granted") };
            state = next;
        }
        assert_eq!(spend(&rule, &Utc, 5, state, 1), Lease::Short(DAY));
        state = grant(state, DAY, 4, 6);
        assert!(matches!(spend(&rule, &Utc, 6, state, 6), Lease::Spent(_)));
        assert_eq!(spend(&rule, &Utc, 6, state, 7), Lease::Denied);
        assert_eq!(spend(&rule, &Utc, DAY, state, 1), Lease::Short(2 * DAY), "a new day");
    }

    /// The durable row says that 40 units were granted; memory has forgotten how many were spent.
    #[test]
    fn after_a_crash_granted_units_are_lost_and_never_spent_twice() {
        let rule = day(50);
        let state = grant(0, DAY, 40, 10);
        let Lease::Spent(state) = spend(&rule, &Utc, 7, state, 10) else { panic!("granted") };
        assert_eq!(spend(&rule, &Utc, 7, state, 1), Lease::Denied);
        assert_eq!(used(&rule.shape(), 7, state), 50);
    }

    #[test]
    fn a_change_of_the_limit_is_exact() {
        let state = grant(0, DAY, 0, 100);
        let Lease::Spent(state) = spend(&day(100), &Utc, 7, state, 30) else { panic!("granted") };
        let carry = |limit: u64| carried(&day(100).shape(), &day(limit), state);
        assert_eq!(spend(&day(30), &Utc, 7, carry(30), 1), Lease::Denied);
        assert_eq!(spend(&day(200), &Utc, 7, carry(200), 71), Lease::Short(DAY));
        let hour = Rule::new(Algorithm::FixedWindow, 100, 3_600_000_000, None).unwrap();
        assert_eq!(carried(&day(100).shape(), &hour, state), 0);
    }

    #[test]
    fn a_refund_can_be_spent_again() {
        let rule = day(10);
        let Lease::Spent(state) = spend(&rule, &Utc, 7, grant(0, DAY, 0, 10), 10) else { panic!("granted") };
        let state = refund(&rule.shape(), 8, 7, state, 3);
        assert!(matches!(spend(&rule, &Utc, 9, state, 3), Lease::Spent(_)));
        assert_eq!(spend(&rule, &Utc, 9, state, 4), Lease::Denied);
    }

    #[test]
    fn leases_have_sizes_that_make_sense() {
        assert_eq!((size(1, 1), size(100, 1), size(101, 1), size(1_000, 100)), (1, 1, 2, 1_000));
        assert_eq!(size(100_000_000_000, 100), 100_000_000_000);
    }
}
