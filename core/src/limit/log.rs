use super::Decision;
use super::rule::Rule;

/// Largest limit of a sliding log: every unit in sight may be an entry.
pub(super) const MAX_LOG: u64 = 10_000;

/// Every request of the last period: exact, at the price of a state that grows with the limit.
///
/// A request at `t` is in sight until, and not at, `t + period`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlidingLog {
    /// (time, cost), oldest first.
    entries: Vec<(u64, u64)>,
}

impl SlidingLog {
    /// Spends `cost` units at `now`, or says why not. A time before that of the last entry, on a
    /// clock that was put back, counts as that time.
    pub fn decide(&mut self, rule: &Rule, now: u64, cost: u64) -> Decision {
        let now = self.forget(rule, now);
        let used = self.used();
        let allowed = used + cost <= rule.limit();
        if allowed {
            match self.entries.last_mut() {
                Some((time, units)) if *time == now => *units += cost,
                _ => self.entries.push((now, cost)),
            }
        }
        self.describe(rule, now, cost, allowed)
    }

    /// A log in which `used` units were spent just now.
    #[must_use]
    pub(super) fn with_used(now: u64, used: u64) -> Self {
        Self { entries: if used == 0 { Vec::new() } else { vec![(now, used)] } }
    }

    /// What `decide` would say, without spending.
    #[must_use]
    pub fn peek(&self, rule: &Rule, now: u64, cost: u64) -> Decision {
        let mut log = self.clone();
        let now = log.forget(rule, now);
        let allowed = log.used() + cost <= rule.limit();
        log.describe(rule, now, cost, allowed)
    }

    /// Gives units back, the latest first.
    pub fn refund(&mut self, mut cost: u64) {
        while let Some((_, units)) = self.entries.last_mut() {
            let back = cost.min(*units);
            *units -= back;
            cost -= back;
            if *units > 0 {
                break;
            }
            self.entries.pop();
        }
    }

    /// Units in the log.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.entries.iter().map(|(_, units)| units).sum()
    }

    /// When the last entry goes out of sight.
    #[must_use]
    pub fn expires_at(&self, period: u64) -> u64 {
        self.entries.last().map_or(0, |(time, _)| time + period)
    }

    fn forget(&mut self, rule: &Rule, now: u64) -> u64 {
        let now = self.entries.last().map_or(now, |(time, _)| now.max(*time));
        self.entries.retain(|(time, _)| time + rule.period() > now);
        now
    }

    fn describe(&self, rule: &Rule, now: u64, cost: u64, allowed: bool) -> Decision {
        let used = self.used();
        let in_sight = |time: u64| time + rule.period() - now;
        let retry_after = if allowed {
            Some(0)
        } else if cost > rule.limit() {
            None
        } else {
            // The first entry whose going leaves enough room.
            let mut missing = (used + cost).saturating_sub(rule.limit());
            self.entries.iter().find_map(|(time, units)| {
                missing = missing.saturating_sub(*units);
                (missing == 0).then(|| in_sight(*time))
            })
        };
        Decision {
            allowed,
            limit: rule.limit(),
            remaining: rule.limit().saturating_sub(used),
            retry_after,
            reset_after: self.entries.last().map_or(0, |(time, _)| in_sight(*time)),
        }
    }

    /// As bytes: time and cost of each entry, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.entries.iter().flat_map(|(time, units)| [time.to_le_bytes(), units.to_le_bytes()].concat()).collect()
    }

    /// From bytes; what follows the last whole entry is ignored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self { entries: bytes.chunks_exact(16).map(|entry| (word(&entry[..8]), word(&entry[8..]))).collect() }
    }
}
