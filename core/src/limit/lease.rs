//! Durable quotas without a write for each request: units are granted from a durable row in blocks
//! and spent from memory.
//!
//! The durable row counts what was granted, so a crash can lose granted units, never spend one twice.

use super::calendar::{Window, Zone};
use super::rule::{Algorithm, Rule, Shape};
use super::window::{Counter, window_of};

/// What came of an attempt to spend leased units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Spent: the next state, and the window that it is for.
    Spent(u128, Window),
    /// The units granted so far do not suffice; more can be had for this window.
    Short(Window),
    /// The quota of the window is used up.
    Denied,
}

/// Spends `cost` units that were granted, or says what is missing.
pub fn spend(rule: &Rule, zone: &dyn Zone, now: u64, state: u128, cost: u64) -> Lease {
    let counter = Counter::unpack(state).at(rule, zone, now);
    let used = counter.used + cost;
    if used > rule.limit() {
        return Lease::Denied;
    }
    let window = if counter.end == Counter::unpack(state).end {
        Window { start: counter.end.saturating_sub(rule.period()), end: counter.end }
    } else {
        window_of(rule, zone, now)
    };
    if used <= counter.granted {
        Lease::Spent(Counter { used, ..counter }.pack(), window)
    } else {
        Lease::Short(window_of(rule, zone, now))
    }
}

/// Adds a grant of `units` for the window that ends at `end`, of which `before` units had been
/// granted when it was made. Where memory knows less of that window than the durable row does,
/// because of a crash, the difference counts as spent.
pub fn grant(state: u128, end: u64, before: u64, units: u64) -> u128 {
    let counter = Counter::unpack(state);
    let counter = if counter.end == end { counter } else { Counter { end, used: 0, granted: 0 } };
    let lost = before.saturating_sub(counter.granted);
    Counter { end, used: counter.used + lost, granted: counter.granted.max(before) + units }.pack()
}

/// Whether a state holds leased units, which must not be brought back after a crash.
pub fn is_leased(shape: &Shape, state: u128) -> bool {
    let windows = matches!(shape.algorithm, Algorithm::FixedWindow | Algorithm::Calendar);
    windows && Counter::unpack(state).granted > 0
}

#[cfg(test)]
mod tests {
    use super::super::{Utc, used};
    use super::*;

    fn day(limit: i64) -> Rule {
        Rule::new(Algorithm::FixedWindow, limit, 86_400_000_000, None).unwrap()
    }

    fn spent(lease: Lease) -> u128 {
        match lease {
            Lease::Spent(state, _) => state,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_granted_is_spent_and_no_more() {
        let rule = day(10);
        let Lease::Short(window) = spend(&rule, &Utc, 5, 0, 1) else { panic!("nothing is granted yet") };
        assert_eq!(window, Window { start: 0, end: 86_400_000_000 });
        let mut state = grant(0, window.end, 0, 4);
        for _ in 0..4 {
            state = spent(spend(&rule, &Utc, 5, state, 1));
        }
        assert!(matches!(spend(&rule, &Utc, 5, state, 1), Lease::Short(_)));
        state = grant(state, window.end, 4, 6);
        state = spent(spend(&rule, &Utc, 6, state, 6));
        assert_eq!(spend(&rule, &Utc, 6, state, 1), Lease::Denied);
        assert!(matches!(spend(&rule, &Utc, window.end, state, 1), Lease::Short(_)), "a new day");
    }

    /// The durable row says that 40 units were granted; memory has forgotten how many were spent.
    #[test]
    fn after_a_crash_granted_units_are_lost_and_never_spent_twice() {
        let rule = day(50);
        let end = 86_400_000_000;
        let state = grant(0, end, 40, 10);
        let state = spent(spend(&rule, &Utc, 7, state, 10));
        assert_eq!(spend(&rule, &Utc, 7, state, 1), Lease::Denied);
        assert_eq!(used(&rule.shape(), 7, state), 50);
    }

    #[test]
    fn a_limit_lowered_below_the_grant_holds() {
        let state = grant(0, 86_400_000_000, 0, 100);
        let state = spent(spend(&day(100), &Utc, 7, state, 30));
        assert_eq!(spend(&day(30), &Utc, 7, state, 1), Lease::Denied);
    }
}
