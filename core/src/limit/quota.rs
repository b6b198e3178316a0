//! Which quota applies to a request, and which alerts its use raises.

use super::pattern::Pattern;

/// Periods of a quota policy: hour, day, month.
pub const PERIODS: [&str; 3] = ["hour", "day", "month"];

/// Units in an hour, a day and a month. Zero or less allows nothing.
pub type Limits = [i64; 3];

/// A quota for a group of endpoints, optionally for one role.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Unique name.
    pub name: String,
    /// Endpoints it is for.
    pub pattern: Pattern,
    /// The only role it is for; `None` for all.
    pub role: Option<String>,
    /// The policy's own limits.
    pub limits: Limits,
    /// Other limits for one organisation.
    pub exception: Option<Exception>,
}

/// Other limits than the policy's own, for a time.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// `None` keeps the policy's limit.
    pub limits: [Option<i64>; 3],
    /// Not before this time, in microseconds since the Unix epoch.
    pub starts_at: i64,
    /// Microseconds since the Unix epoch; `None` for ever.
    pub expires_at: Option<i64>,
}

impl Quota {
    /// Whether it is for this request.
    #[must_use]
    pub fn is_for(&self, role: Option<&str>, endpoint: &str) -> bool {
        self.role.as_deref().is_none_or(|wanted| role == Some(wanted)) && self.pattern.matches(endpoint)
    }

    /// The limits in force at `now`.
    #[must_use]
    pub fn limits_at(&self, now: i64) -> Limits {
        let in_force = |e: &Exception| e.starts_at <= now && e.expires_at.is_none_or(|end| now < end);
        let exception = self.exception.filter(in_force);
        std::array::from_fn(|k| exception.and_then(|e| e.limits[k]).unwrap_or(self.limits[k]))
    }
}

/// The quota that applies: of all that are for the request, the one with the most specific pattern;
/// of those, one for its role before one for all; of those, the first by name.
pub fn applying<'a>(quotas: impl Iterator<Item = &'a Quota>, role: Option<&str>, endpoint: &str) -> Option<&'a Quota> {
    let rank = |q: &Quota| (q.pattern.specificity(), q.role.is_some());
    quotas.filter(|q| q.is_for(role, endpoint)).reduce(|best, q| {
        let order = rank(q).cmp(&rank(best)).then_with(|| best.name.cmp(&q.name));
        if order.is_gt() { q } else { best }
    })
}

/// How far use has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    /// The first threshold.
    Warning,
    /// The second.
    Critical,
    /// The last, by default the limit itself.
    Exceeded,
}

impl Alert {
    /// From the first to the last.
    pub const ALL: [Self; 3] = [Self::Warning, Self::Critical, Self::Exceeded];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Exceeded => "exceeded",
        }
    }
}

/// The highest threshold that use has reached by going from `before` to `after`; the thresholds are
/// percentages of `limit`.
#[must_use]
pub fn reached(before: u64, after: u64, limit: u64, percentages: [u32; 3]) -> Option<Alert> {
    let at = |percent: u32| u128::from(percent) * u128::from(limit);
    let crossed = |(_, percent): &(Alert, u32)| {
        u128::from(before) * 100 < at(*percent) && u128::from(after) * 100 >= at(*percent)
    };
    Alert::ALL.into_iter().zip(percentages).filter(crossed).map(|(alert, _)| alert).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(name: &str, pattern: &str, role: Option<&str>) -> Quota {
        let role = role.map(str::to_owned);
        Quota { name: name.to_owned(), pattern: Pattern::new(pattern), role, limits: [1, 2, 3], exception: None }
    }

    #[test]
    fn the_most_specific_quota_applies() {
        let all = [
            quota("public", "/%", None),
            quota("text", "/generate-%", Some("user")),
            quota("text_all", "/generate-%", None),
            quota("text_also", "/generate-%", None),
            quota("admin", "/superadmin-%", Some("super_admin")),
        ];
        let name = |role, endpoint| applying(all.iter(), role, endpoint).map(|q| q.name.as_str());
        assert_eq!(name(Some("user"), "/generate-mail"), Some("text"));
        assert_eq!(name(Some("guest"), "/generate-mail"), Some("text_all"));
        assert_eq!(name(None, "/generate-mail"), Some("text_all"));
        assert_eq!(name(Some("user"), "/superadmin-x"), Some("public"));
        assert_eq!(name(Some("super_admin"), "/superadmin-x"), Some("admin"));
        assert_eq!(name(Some("user"), "nowhere"), None);
    }

    #[test]
    fn an_exception_begins_and_ends() {
        let mut quota = quota("q", "%", None);
        quota.exception = Some(Exception { limits: [Some(10), None, Some(0)], starts_at: 50, expires_at: Some(100) });
        assert_eq!(quota.limits_at(49), [1, 2, 3]);
        assert_eq!(quota.limits_at(50), [10, 2, 0]);
        assert_eq!(quota.limits_at(99), [10, 2, 0]);
        assert_eq!(quota.limits_at(100), [1, 2, 3]);
    }

    /// Whatever the costs, each threshold is crossed exactly once on the way to the limit.
    #[test]
    fn thresholds_are_reached_once() {
        for (limit, cost) in [(1, 1), (3, 1), (10, 1), (100, 7), (1_000, 1), (7, 7)] {
            let mut seen = Vec::new();
            for used in (0..limit / cost).map(|k| k * cost) {
                seen.extend(reached(used, used + cost, limit, [80, 95, 100]));
            }
            assert!(seen.is_sorted() && seen.windows(2).all(|w| w[0] < w[1]), "{limit} {cost} {seen:?}");
            if limit % cost == 0 {
                assert_eq!(seen.last(), Some(&Alert::Exceeded));
            }
        }
        assert_eq!(reached(79, 80, 100, [80, 95, 100]), Some(Alert::Warning));
        assert_eq!(reached(0, 0, 100, [80, 95, 100]), None);
    }
}
