use super::calendar::Zone;
use super::rule::{Algorithm, Rule, Shape};
use super::{gcra, sliding, used, window};

/// Turns a state that was written under `old` into one of the shape of `rule`: what is used stays
/// used. For GCRA it is the level in units that stays, so the arrival time is rescaled:
/// `now + (tat - now) * T' / T`, rounded up. `old_now` is the time on the clock of the old algorithm,
/// `now` that of the new one.
#[must_use]
pub fn convert(old: &Shape, old_now: u64, rule: &Rule, zone: &dyn Zone, now: u64, state: u128) -> u128 {
    let new = rule.shape();
    if *old == new || state == 0 {
        return state;
    }
    match (old.algorithm, new.algorithm) {
        (Algorithm::Gcra, Algorithm::Gcra) => {
            let level = rescaled(gcra::level(old, old_now, state), old.period, new.period);
            u128::from(now) * u128::from(new.limit) + level
        }
        // The counters do not depend on the limit.
        (Algorithm::SlidingWindow, Algorithm::SlidingWindow) if old.period == new.period => state,
        (Algorithm::FixedWindow, Algorithm::FixedWindow) if old.period == new.period => state,
        (Algorithm::Calendar, Algorithm::Calendar) if old.period == new.period => state,
        _ => {
            let used = used(old, old_now, state);
            match new.algorithm {
                Algorithm::Gcra => u128::from(now) * u128::from(new.limit) + u128::from(used) * u128::from(new.period),
                Algorithm::SlidingWindow => sliding::with_used(rule, now, used),
                Algorithm::FixedWindow | Algorithm::Calendar => window::with_used(rule, zone, now, used),
                Algorithm::SlidingLog => 0,
            }
        }
    }
}

/// `level * new / old` rounded up.
fn rescaled(level: u128, old: u64, new: u64) -> u128 {
    let (old, new) = (u128::from(old), u128::from(new));
    match level.checked_mul(new) {
        Some(product) => product.div_ceil(old),
        // Beyond 128 bits a whole unit more or less is nothing.
        None => level.div_ceil(old) * new,
    }
}

/// A state at rest in a table, with what is needed to read it.
///
/// A table outlives the clock of a server, so its times are those of the Unix clock, which may be
/// put back: then the state is moved back by as much, so that it counts what it counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Shape of the state.
    pub shape: Shape,
    /// The state.
    pub state: u128,
    /// Time of the last change.
    pub changed_at: u64,
}

impl Stored {
    /// Length in bytes.
    pub const LEN: usize = 40;

    /// As bytes, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let [limit, period] = self.shape.to_words();
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&limit.to_le_bytes());
        bytes[8..16].copy_from_slice(&period.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.changed_at.to_le_bytes());
        bytes[24..].copy_from_slice(&self.state.to_le_bytes());
        bytes
    }

    /// From bytes; `None` where they are no state.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let word = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        Some(Self {
            shape: Shape::from_words([word(0), word(8)])?,
            changed_at: word(16),
            state: u128::from(word(32)) << 64 | u128::from(word(24)),
        })
    }

    /// The state as of `now`, in the shape of `rule`.
    #[must_use]
    pub fn state_at(&self, rule: &Rule, zone: &dyn Zone, now: u64) -> u128 {
        let put_back = self.changed_at.saturating_sub(now);
        let state = match self.shape.algorithm {
            Algorithm::Gcra => self.state.saturating_sub(u128::from(put_back) * u128::from(self.shape.limit)),
            _ => self.state,
        };
        convert(&self.shape, now, rule, zone, now, state)
    }
}
