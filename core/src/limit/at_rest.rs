//! States as bytes in a table, of every algorithm.
//!
//! Where the algorithm of a key changes, what is used is carried over, as in memory.

use super::calendar::Zone;
use super::log::SlidingLog;
use super::rule::{Algorithm, Rule, Shape};
use super::state::Stored;
use super::{Decision, admit, convert, describe, expires_at, refund, used};

/// The state of a key that was read from a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AtRest {
    /// Never seen, or not readable.
    #[default]
    Empty,
    /// The state of every algorithm but the log.
    Packed(Stored),
    /// A log, with the length of its period.
    Log(u64, SlidingLog),
}

const PACKED: u8 = 1;
const LOG: u8 = 2;

impl AtRest {
    /// From bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match bytes.split_first() {
            Some((&PACKED, rest)) => Stored::from_bytes(rest).map_or(Self::Empty, Self::Packed),
            Some((&LOG, rest)) => match rest.split_first_chunk() {
                Some((period, log)) => Self::Log(u64::from_le_bytes(*period), SlidingLog::from_bytes(log)),
                None => Self::Empty,
            },
            _ => Self::Empty,
        }
    }

    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Packed(stored) => [&[PACKED], stored.to_bytes().as_slice()].concat(),
            Self::Log(period, log) => [&[LOG], period.to_le_bytes().as_slice(), &log.to_bytes()].concat(),
        }
    }

    /// Spends `cost` units and says what came of it; a state that denies stays as it is.
    pub fn spend(&mut self, rule: &Rule, zone: &dyn Zone, now: u64, cost: u64) -> Decision {
        if rule.algorithm() == Algorithm::SlidingLog {
            let mut log = self.as_log(now);
            let decision = log.decide(rule, now, cost);
            if decision.allowed {
                *self = Self::Log(rule.period(), log);
            }
            return decision;
        }
        let state = self.as_packed(rule, zone, now);
        match admit(rule, zone, now, state, cost) {
            Some(next) => {
                *self = Self::Packed(Stored { shape: rule.shape(), state: next, changed_at: now });
                describe(rule, zone, now, next, cost, true)
            }
            None => describe(rule, zone, now, state, cost, false),
        }
    }

    /// What `spend` would say, without spending.
    #[must_use]
    pub fn peek(&self, rule: &Rule, zone: &dyn Zone, now: u64, cost: u64) -> Decision {
        if rule.algorithm() == Algorithm::SlidingLog {
            return self.as_log(now).peek(rule, now, cost);
        }
        let state = self.as_packed(rule, zone, now);
        let allowed = admit(rule, zone, now, state, cost).is_some();
        describe(rule, zone, now, state, cost, allowed)
    }

    /// Gives back units.
    pub fn refund(&mut self, now: u64, cost: u64) {
        match self {
            Self::Empty => {}
            Self::Packed(stored) => stored.state = refund(&stored.shape, now, now, stored.state, cost),
            Self::Log(_, log) => log.refund(cost),
        }
    }

    /// How the state is counted: algorithm, limit where it matters, period.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        match self {
            Self::Empty => None,
            Self::Packed(stored) => Some(stored.shape),
            Self::Log(period, _) => Some(Shape { algorithm: Algorithm::SlidingLog, limit: 0, period: *period }),
        }
    }

    /// Units counted as used.
    #[must_use]
    pub fn used(&self, now: u64) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Packed(stored) => used(&stored.shape, now, stored.state),
            Self::Log(_, log) => log.used(),
        }
    }

    /// When the state says nothing any more.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Packed(stored) => expires_at(&stored.shape, stored.state),
            Self::Log(period, log) => log.expires_at(*period),
        }
    }

    fn as_packed(&self, rule: &Rule, zone: &dyn Zone, now: u64) -> u128 {
        match self {
            Self::Empty => 0,
            Self::Packed(stored) => stored.state_at(rule, zone, now),
            Self::Log(period, log) if log.expires_at(*period) > now => {
                // As if a window had counted them.
                let shape = Shape { algorithm: Algorithm::Gcra, limit: 1, period: 1 };
                convert(&shape, 0, rule, zone, now, u128::from(log.used()))
            }
            Self::Log(..) => 0,
        }
    }

    fn as_log(&self, now: u64) -> SlidingLog {
        match self {
            Self::Log(_, log) => log.clone(),
            _ => SlidingLog::with_used(now, self.used(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Utc;
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000;

    proptest! {
        /// Every change of algorithm on the way keeps what was used, and so do the bytes.
        #[test]
        fn used_units_survive_every_change(
            algorithms in prop::collection::vec(prop::sample::select(
                &[Algorithm::Gcra, Algorithm::SlidingWindow, Algorithm::FixedWindow, Algorithm::SlidingLog][..]), 1..8),
        ) {
            let mut state = AtRest::Empty;
            for (k, algorithm) in algorithms.iter().enumerate() {
                let rule = Rule::new(*algorithm, 100, 3_600_000_000, None).unwrap();
                let decision = state.spend(&rule, &Utc, NOW, 3);
                prop_assert!(decision.allowed);
                prop_assert_eq!(decision.remaining, 100 - 3 * (k as u64 + 1));
                prop_assert_eq!(state.peek(&rule, &Utc, NOW, 100).allowed, false);
                prop_assert!(state.expires_at() > NOW);
                state = AtRest::from_bytes(&state.to_bytes());
            }
            state.refund(NOW, 2);
            prop_assert_eq!(state.used(NOW), 3 * algorithms.len() as u64 - 2);
        }
    }

    #[test]
    fn strange_bytes_are_a_key_never_seen() {
        for bytes in [&[][..], &[0], &[1], &[1, 2, 3], &[2, 1], &[9; 41]] {
            assert_eq!(AtRest::from_bytes(bytes), AtRest::Empty, "{bytes:?}");
        }
    }
}
