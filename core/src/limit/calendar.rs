use super::rule::Invalid;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;
const DAY_SECONDS: i64 = 86_400;

/// Longest count of a unit.
const MAX_COUNT: u32 = 100_000;

/// The offset of a time zone from UTC: all that calendar windows need to know of it.
pub trait Zone {
    /// Seconds to add to UTC at this instant, in seconds since the Unix epoch.
    fn offset(&self, unix_seconds: i64) -> i32;
}

/// Coordinated Universal Time.
#[derive(Clone, Copy, Debug)]
pub struct Utc;

impl Zone for Utc {
    fn offset(&self, _: i64) -> i32 {
        0
    }
}

/// A window of time: microseconds since the Unix epoch, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub start: u64,
    /// First instant after it.
    pub end: u64,
}

/// What the length of a calendar window is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Elapsed time, so that an hour has 60 minutes on every day.
    Minutes,
    /// Days of the local calendar, of 23 to 25 hours.
    Days,
    /// Months of the local calendar. A window that begins on the 31st begins on the last day of a
    /// shorter month.
    Months,
}

/// Consecutive windows of a local calendar, one of which begins at the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    unit: Unit,
    count: u32,
    /// Local time, in microseconds since 1970-01-01 00:00 on the local clock.
    anchor: i64,
    /// Stands for the time zone.
    zone: u64,
}

impl Calendar {
    pub(super) const EPOCH: Self = Self { unit: Unit::Days, count: 1, anchor: 0, zone: 0 };

    /// Windows of `count` units. `anchor` is a local time; without one, windows begin at midnight,
    /// on Mondays, on the first of the month, in January. `zone` is any number that differs for
    /// time zones that differ.
    ///
    /// # Errors
    ///
    /// Where the count is 0 or above 100,000, or the anchor outside of the years 1900 to 2200.
    pub fn new(unit: Unit, count: u32, anchor: Option<i64>, zone: u64) -> Result<Self, Invalid> {
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Invalid::CalendarPeriod);
        }
        // 1970-01-05 was a Monday.
        let anchor = anchor.unwrap_or(if unit == Unit::Days && count.is_multiple_of(7) { 4 * DAY } else { 0 });
        let (first, last) = (midnight(1900, 0), midnight(2200, 0));
        if !(first..last).contains(&anchor) {
            return Err(Invalid::Anchor);
        }
        Ok(Self { unit, count, anchor, zone })
    }

    /// Windows as long as an interval of PostgreSQL: only minutes, only days or only months.
    ///
    /// # Errors
    ///
    /// Where the interval has several of them, or less than a minute.
    pub fn of_interval(months: i32, days: i32, micros: i64, anchor: Option<i64>, zone: u64) -> Result<Self, Invalid> {
        let (unit, count) = match (months, days, micros) {
            (1.., 0, 0) => (Unit::Months, i64::from(months)),
            (0, 1.., 0) => (Unit::Days, i64::from(days)),
            (0, 0, 1..) if micros % MINUTE == 0 => (Unit::Minutes, micros / MINUTE),
            _ => return Err(Invalid::CalendarPeriod),
        };
        Self::new(unit, u32::try_from(count).map_err(|_| Invalid::CalendarPeriod)?, anchor, zone)
    }

    /// The window that `now` lies in.
    #[must_use]
    pub fn window(&self, zone: &dyn Zone, now: u64) -> Window {
        let now = i64::try_from(now).unwrap_or(i64::MAX / 2);
        let bound = |number: i64| -> i64 { self.start(zone, number) };
        let mut number = self.estimate(zone, now);
        while bound(number) > now {
            number -= 1;
        }
        while bound(number + 1) <= now {
            number += 1;
        }
        let time = |at: i64| u64::try_from(at).unwrap_or(0);
        Window { start: time(bound(number)), end: time(bound(number + 1)) }
    }

    /// Number of the window of `now`, or of a neighbour of it.
    fn estimate(&self, zone: &dyn Zone, now: i64) -> i64 {
        let count = i64::from(self.count);
        let local = now + i64::from(zone.offset(now.div_euclid(SECOND))) * SECOND;
        match self.unit {
            Unit::Minutes => (now - to_utc(zone, self.anchor)).div_euclid(count * MINUTE),
            Unit::Days => (local - self.anchor).div_euclid(count * DAY),
            Unit::Months => (month_of(local) - month_of(self.anchor)).div_euclid(count),
        }
    }

    /// First instant of a window.
    fn start(&self, zone: &dyn Zone, number: i64) -> i64 {
        let steps = number * i64::from(self.count);
        match self.unit {
            Unit::Minutes => to_utc(zone, self.anchor) + steps * MINUTE,
            Unit::Days => to_utc(zone, self.anchor + steps * DAY),
            Unit::Months => to_utc(zone, add_months(self.anchor, steps)),
        }
    }

    /// Microseconds that no window of it is longer than.
    #[must_use]
    pub(super) fn longest(&self) -> u64 {
        let count = u64::from(self.count);
        let day = DAY.unsigned_abs();
        match self.unit {
            Unit::Minutes => count * MINUTE.unsigned_abs(),
            Unit::Days => (count + 1) * day,
            Unit::Months => (count * 31 + 1) * day,
        }
    }

    /// A number of 52 bits that differs for calendars that differ.
    pub(super) fn id(&self) -> u64 {
        // FNV-1a, which is the same in every build: stored states carry the number.
        let words = [self.unit as u64, u64::from(self.count), self.anchor.cast_unsigned(), self.zone];
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
            >> 12
    }
}

/// The instant at which clocks of `zone` show `local`. Of two such instants the first; where clocks
/// skip that time, the instant at which they do.
fn to_utc(zone: &dyn Zone, local: i64) -> i64 {
    let seconds = local.div_euclid(SECOND);
    let offset = |at: i64| i64::from(zone.offset(at));
    let before = offset(seconds - DAY_SECONDS);
    let after = offset(seconds + DAY_SECONDS);
    let shows = |by: i64| offset(seconds - by) == by;
    let by = if before == after || (before > after && shows(before)) {
        before
    } else if shows(after) && !shows(before) {
        after
    } else if shows(before) {
        before
    } else {
        let (mut low, mut high) = (seconds - after, seconds - before);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if offset(middle) == before { low = middle } else { high = middle }
        }
        return high * SECOND;
    };
    local - by * SECOND
}

/// Months since January 1970.
fn month_of(local: i64) -> i64 {
    let (year, month, _) = civil(local.div_euclid(DAY));
    (year - 1970) * 12 + month
}

/// `local` so many months later, on the last day of a month that is too short.
fn add_months(local: i64, months: i64) -> i64 {
    let (year, month, day) = civil(local.div_euclid(DAY));
    let month = year * 12 + month + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    let next = midnight(year + (month + 1) / 12, (month + 1) % 12);
    let last_day = (next - midnight(year, month)) / DAY - 1;
    midnight(year, month) + day.min(last_day) * DAY + local.rem_euclid(DAY)
}

/// Local time at which a month begins; `month` counts from 0.
fn midnight(year: i64, month: i64) -> i64 {
    // Days from civil, with years that begin in March (H. Hinnant, chrono-compatible date algorithms).
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY
}

/// Year, month and day of the month of a day since 1970-01-01; month and day count from 0.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5;
    let (year, month) = if month < 10 { (0, month + 2) } else { (1, month - 10) };
    (year_of_era + era * 400 + year, month, day_of_month)
}
