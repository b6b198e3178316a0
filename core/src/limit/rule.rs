use std::fmt;
use std::str::FromStr;

use super::calendar::Calendar;

/// Largest limit, burst and cost, in units. Counters of states are 38 bits wide.
pub const MAX_UNITS: u64 = 100_000_000_000;

/// Longest period, in microseconds: 100 years of 365.25 days.
pub const MAX_PERIOD: u64 = 3_155_760_000_000_000;

/// How requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Generic cell rate algorithm: `burst` units at once, restored one by one at the rate.
    Gcra = 1,
    /// Counters of two neighbouring windows, the older one weighted by what of it is still in sight.
    SlidingWindow = 2,
    /// A counter for each stretch of the period, aligned to the Unix epoch.
    FixedWindow = 3,
    /// A counter for each minute, hour, day, month or year of a calendar.
    Calendar = 4,
    /// Every request of the last period, exactly.
    SlidingLog = 5,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gcra, Self::SlidingWindow, Self::FixedWindow, Self::Calendar, Self::SlidingLog];

    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gcra => "gcra",
            Self::SlidingWindow => "sliding_window",
            Self::FixedWindow => "fixed_window",
            Self::Calendar => "calendar",
            Self::SlidingLog => "sliding_log",
        }
    }

    /// The algorithm of a stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|a| *a as u8 == number)
    }

    /// Whether its windows begin at full minutes or months, so that it needs the Unix clock.
    #[must_use]
    pub fn is_on_the_wall_clock(self) -> bool {
        matches!(self, Self::FixedWindow | Self::Calendar | Self::SlidingLog)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| Invalid::Algorithm(name.to_owned()))
    }
}

/// Why a rule or a request cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Limit, burst or cost out of range.
    #[error("{what} must be between 1 and {MAX_UNITS}, not {value}")]
    Units {
        /// The parameter.
        what: &'static str,
        /// Its value.
        value: i64,
    },
    /// Period out of range.
    #[error("the period must be between 1 microsecond and 100 years")]
    Period,
    /// No algorithm of this name.
    #[error("there is no algorithm called \"{0}\"")]
    Algorithm(String),
    /// A burst for an algorithm that has none.
    #[error("a burst is for the algorithm gcra, not for {0}")]
    Burst(Algorithm),
    /// A calendar window that is not a whole number of one unit.
    #[error("a calendar window is a whole number of minutes, of hours, of days or of months")]
    CalendarPeriod,
    /// A time outside of the calendar.
    #[error("the anchor of a calendar window must lie between the years 1900 and 2200")]
    Anchor,
    /// More entries than a log may have.
    #[error("the limit of a sliding log must be between 1 and {max}, not {value}", max = super::log::MAX_LOG)]
    LogTooLong {
        /// The limit asked for.
        value: u64,
    },
}

/// What is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    algorithm: Algorithm,
    limit: u64,
    burst: u64,
    period: u64,
    calendar: Calendar,
}

impl Rule {
    /// `limit` units in `period` microseconds; `burst` units at once, by default `limit`.
    ///
    /// # Errors
    ///
    /// Where a number is out of range, or a burst is given for an algorithm other than GCRA.
    pub fn new(algorithm: Algorithm, limit: i64, period: i64, burst: Option<i64>) -> Result<Self, Invalid> {
        let limit = units("max_requests", limit)?;
        let period = u64::try_from(period).ok().filter(|p| (1..=MAX_PERIOD).contains(p)).ok_or(Invalid::Period)?;
        let burst = match burst {
            None => limit,
            Some(burst) if algorithm == Algorithm::Gcra => units("burst", burst)?,
            Some(_) => return Err(Invalid::Burst(algorithm)),
        };
        if algorithm == Algorithm::SlidingLog && limit > super::log::MAX_LOG {
            return Err(Invalid::LogTooLong { value: limit });
        }
        Ok(Self { algorithm, limit, burst, period, calendar: Calendar::EPOCH })
    }

    /// `limit` units in each window of a calendar.
    ///
    /// # Errors
    ///
    /// Where the limit is out of range.
    pub fn of_calendar(limit: i64, calendar: Calendar) -> Result<Self, Invalid> {
        let limit = units("max_requests", limit)?;
        let period = calendar.longest();
        Ok(Self { algorithm: Algorithm::Calendar, limit, burst: limit, period, calendar })
    }

    /// The same rule with another limit, and for GCRA a burst of that limit.
    ///
    /// # Errors
    ///
    /// Where the limit is out of range.
    pub fn with_limit(self, limit: i64) -> Result<Self, Invalid> {
        let limit = units("max_requests", limit)?;
        Ok(Self { limit, burst: limit, ..self })
    }

    /// How requests are counted.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Units in a period.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Units at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }

    /// Microseconds of a period; of a calendar window, of the longest one.
    #[must_use]
    pub fn period(&self) -> u64 {
        self.period
    }

    /// The calendar of a rule with [`Algorithm::Calendar`].
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// What one has to know to read a state that this rule has written.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let period = if self.algorithm == Algorithm::Calendar { self.calendar.id() } else { self.period };
        Shape { algorithm: self.algorithm, limit: self.limit, period }
    }
}

/// Checks a limit, a burst or a cost.
///
/// # Errors
///
/// Where it is below 1 or above [`MAX_UNITS`].
pub(super) fn units(what: &'static str, value: i64) -> Result<u64, Invalid> {
    u64::try_from(value).ok().filter(|v| (1..=MAX_UNITS).contains(v)).ok_or(Invalid::Units { what, value })
}

impl Rule {
    /// Checks the cost of a request.
    ///
    /// # Errors
    ///
    /// Where it is below 1 or above [`MAX_UNITS`].
    pub fn cost(cost: i64) -> Result<u64, Invalid> {
        units("cost", cost)
    }
}

/// What a stored state depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// How requests are counted.
    pub algorithm: Algorithm,
    /// Units in a period.
    pub limit: u64,
    /// Microseconds of a period; for a calendar a number that stands for its windows.
    pub period: u64,
}

impl Shape {
    /// As two words.
    #[must_use]
    pub fn to_words(self) -> [u64; 2] {
        [self.limit | (self.algorithm as u64) << 56, self.period]
    }

    /// From two words.
    #[must_use]
    pub fn from_words(words: [u64; 2]) -> Option<Self> {
        let algorithm = Algorithm::from_number((words[0] >> 56) as u8)?;
        Some(Self { algorithm, limit: words[0] & ((1 << 56) - 1), period: words[1] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_named() {
        let gcra = |limit, period, burst| Rule::new(Algorithm::Gcra, limit, period, burst);
        for limit in [0, -1, i64::MIN, i64::MAX, 100_000_000_001] {
            assert_eq!(gcra(limit, 1, None), Err(Invalid::Units { what: "max_requests", value: limit }));
            assert_eq!(gcra(1, 1, Some(limit)), Err(Invalid::Units { what: "burst", value: limit }));
            assert_eq!(Rule::cost(limit), Err(Invalid::Units { what: "cost", value: limit }));
        }
        for period in [0, -1, i64::MIN, i64::MAX] {
            assert_eq!(gcra(1, period, None), Err(Invalid::Period));
        }
        assert!(gcra(100_000_000_000, 3_155_760_000_000_000, Some(1)).is_ok());
        assert_eq!(Rule::new(Algorithm::FixedWindow, 1, 1, Some(1)), Err(Invalid::Burst(Algorithm::FixedWindow)));
        assert!(Rule::new(Algorithm::SlidingLog, 10_001, 1, None).is_err());
        assert!("GCRA".parse::<Algorithm>().is_err());
    }

    #[test]
    fn a_shape_survives_its_words() {
        for algorithm in Algorithm::ALL {
            let shape = Shape { algorithm, limit: MAX_UNITS, period: MAX_PERIOD };
            assert_eq!(Shape::from_words(shape.to_words()), Some(shape));
        }
        assert_eq!(Shape::from_words([0, 0]), None);
    }
}
