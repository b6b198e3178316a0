use proptest::prelude::*;

use crate::limit::{Algorithm, Rule, Utc, admit, convert, describe, used};

const START: u64 = 1_700_000_000_000_000;

fn spent(rule: &Rule, units: u64) -> u128 {
    admit(rule, &Utc, START, 0, units).unwrap()
}

fn remaining(rule: &Rule, state: u128) -> u64 {
    describe(rule, &Utc, START, state, 1, true).remaining
}

fn packed() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(&[Algorithm::Gcra, Algorithm::SlidingWindow, Algorithm::FixedWindow][..])
}

proptest! {
    /// What was used stays used, whatever becomes of limit, period and algorithm: a higher limit is
    /// worth the difference at once, a lower one does not forgive.
    #[test]
    fn a_change_of_the_rule_keeps_what_was_used(
        (a, b) in (packed(), packed()), units in 1..500_u64,
        (old_limit, new_limit) in (500..1_000_i64, 1..2_000_i64),
        (old_period, new_period) in (1_000..100_000_000_000_i64, 1_000..100_000_000_000_i64),
    ) {
        let old = Rule::new(a, old_limit, old_period, None).unwrap();
        let new = Rule::new(b, new_limit, new_period, None).unwrap();
        let state = convert(&old.shape(), START, &new, &Utc, START, spent(&old, units));
        prop_assert_eq!(used(&new.shape(), START, state), units);
        prop_assert_eq!(remaining(&new, state), (new_limit as u64).saturating_sub(units));
        // And back again.
        let back = convert(&new.shape(), START, &old, &Utc, START, state);
        prop_assert_eq!(used(&old.shape(), START, back), units);
    }

    /// `now + (tat - now) * T' / T`, computed in fractions here and compared in microseconds.
    #[test]
    fn the_arrival_time_is_rescaled(
        units in 1..100_u64, later in 0..1_000_000_u64, (old_limit, new_limit) in (100..1_000_i64, 1..1_000_i64),
        (old_period, new_period) in (1_000_000..10_000_000_i64, 1_000..10_000_000_i64),
    ) {
        let old = Rule::new(Algorithm::Gcra, old_limit, old_period, None).unwrap();
        let new = Rule::new(Algorithm::Gcra, new_limit, new_period, None).unwrap();
        let now = START + later;
        let state = convert(&old.shape(), now, &new, &Utc, now, spent(&old, units));
        let old_interval = old_period as f64 / old_limit as f64;
        let new_interval = new_period as f64 / new_limit as f64;
        let ahead = (units as f64 * old_interval - later as f64).max(0.0);
        let found = describe(&new, &Utc, now, state, 1, true).reset_after as f64;
        prop_assert!((found - ahead * new_interval / old_interval).abs() <= 1.001, "{found}");
    }

    #[test]
    fn extremes_do_not_overflow(
        (a, b) in (packed(), packed()),
        limits in (prop::sample::select(&[1_i64, 100_000_000_000][..]), prop::sample::select(&[1_i64, 100_000_000_000][..])),
        periods in (prop::sample::select(&[1_i64, 3_155_760_000_000_000][..]), prop::sample::select(&[1_i64, 3_155_760_000_000_000][..])),
    ) {
        let old = Rule::new(a, limits.0, periods.0, None).unwrap();
        let new = Rule::new(b, limits.1, periods.1, None).unwrap();
        let full = spent(&old, limits.0 as u64);
        prop_assert_eq!(admit(&old, &Utc, START, full, 1), None);
        prop_assert_eq!(admit(&old, &Utc, START, full, 100_000_000_000), None);
        let state = convert(&old.shape(), START, &new, &Utc, START, full);
        prop_assert!(used(&new.shape(), START, state) >= limits.0.min(limits.1) as u64);
    }
}

/// A limit that was raised takes effect at once: the old arrival time, an hour away, is not kept.
#[test]
fn a_higher_rate_is_not_held_up_by_the_old_one() {
    let slow = Rule::new(Algorithm::Gcra, 1, 3_600_000_000, None).unwrap();
    let fast = Rule::new(Algorithm::Gcra, 1_000, 3_600_000_000, None).unwrap();
    let state = convert(&slow.shape(), START, &fast, &Utc, START, spent(&slow, 1));
    assert_eq!(remaining(&fast, state), 999);
}
