//! Arguments of SQL functions that are called a hundred thousand times a second: read in place, and
//! refused when NULL, because a NULL decision is easily taken for a yes.

use canon_core::limit::{Calendar, Invalid, Rule};
use pgrx::pg_sys;

use super::clock::unix_of;
use super::error::{LimitError, MAX_KEY};
use super::zone::ServerZone;

/// A call with its arguments.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) fcinfo: pg_sys::FunctionCallInfo,
    pub(super) function: &'static str,
}

/// An interval as PostgreSQL keeps it.
#[derive(Clone, Copy)]
pub(super) struct Interval {
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) micros: i64,
}

impl Interval {
    /// Elapsed microseconds, as `extract(epoch from ...)` counts them: a day has 24 hours, a month
    /// 30 days, a year 365.25 days.
    pub(super) fn elapsed(self) -> Result<i64, Invalid> {
        const DAY: i64 = 86_400_000_000;
        let (years, months) = (i64::from(self.months / 12), i64::from(self.months % 12));
        let sum = || {
            let years = years.checked_mul(365 * DAY + DAY / 4)?;
            let days = (i64::from(self.days) + months * 30).checked_mul(DAY)?;
            years.checked_add(days)?.checked_add(self.micros)
        };
        sum().ok_or(Invalid::Period)
    }

    /// # Safety
    ///
    /// The datum must be an interval.
    unsafe fn from_datum(datum: pg_sys::Datum) -> Self {
        // SAFETY: by contract.
        Self::from(unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() })
    }
}

impl From<&pg_sys::Interval> for Interval {
    fn from(interval: &pg_sys::Interval) -> Self {
        Self { months: interval.month, days: interval.day, micros: interval.time }
    }
}

impl Call {
    /// # Safety
    ///
    /// `fcinfo` must be that of a running call whose arguments have the types that are asked for.
    pub(super) unsafe fn new(fcinfo: pg_sys::FunctionCallInfo, function: &'static str) -> Self {
        Self { fcinfo, function }
    }

    #[inline]
    pub(super) fn optional(&self, number: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the server passes as many arguments as the function has.
        let argument = unsafe { *(*self.fcinfo).args.as_ptr().add(number) };
        (!argument.isnull).then_some(argument.value)
    }

    #[inline]
    pub(super) fn datum(&self, number: usize, argument: &'static str) -> Result<pg_sys::Datum, LimitError> {
        self.optional(number).ok_or(LimitError::Null { function: self.function, argument })
    }

    #[inline]
    pub(super) fn int(&self, number: usize, argument: &'static str) -> Result<i64, LimitError> {
        Ok(self.datum(number, argument)?.value() as i64)
    }

    pub(super) fn optional_int(&self, number: usize) -> Option<i64> {
        self.optional(number).map(|datum| datum.value() as i64)
    }

    #[inline]
    pub(super) fn interval(&self, number: usize, argument: &'static str) -> Result<Interval, LimitError> {
        // SAFETY: by contract of `new`.
        self.datum(number, argument).map(|datum| unsafe { Interval::from_datum(datum) })
    }

    #[inline]
    pub(super) fn text(&self, number: usize, argument: &'static str) -> Result<&str, LimitError> {
        // SAFETY: by contract of `new`.
        self.datum(number, argument).map(|datum| unsafe { text_of(datum) })
    }

    pub(super) fn optional_text(&self, number: usize) -> Option<&str> {
        // SAFETY: by contract of `new`.
        self.optional(number).map(|datum| unsafe { text_of(datum) })
    }

    /// A key: text of a length that can be stored.
    #[inline]
    pub(super) fn key(&self, number: usize) -> Result<&str, LimitError> {
        check_key(self.text(number, "key")?)
    }
}

#[inline]
pub(super) fn check_key(key: &str) -> Result<&str, LimitError> {
    if (1..=MAX_KEY).contains(&key.len()) { Ok(key) } else { Err(LimitError::KeyLength { length: key.len() }) }
}

/// # Safety
///
/// The datum must be a text that outlives the result.
#[inline]
pub(super) unsafe fn text_of<'a>(datum: pg_sys::Datum) -> &'a str {
    // SAFETY: by contract.
    unsafe { text_at(datum.cast_mut_ptr()) }
}

/// # Safety
///
/// There must be a text that outlives the result.
#[inline]
pub(super) unsafe fn text_at<'a>(text: *mut pg_sys::varlena) -> &'a str {
    // SAFETY: a text in the server's encoding. The rules here never look inside it, other than for
    // ASCII words, so bytes of another encoding than UTF-8 do no harm.
    unsafe {
        let short = pgrx::varlena::varatt_is_1b(text) && !pgrx::varlena::varatt_is_1b_e(text);
        let plain = short || pgrx::varlena::varatt_is_4b_u(text);
        let text = if plain { text } else { pg_sys::pg_detoast_datum_packed(text) };
        std::str::from_utf8_unchecked(pgrx::varlena::varlena_to_byte_slice(text))
    }
}

/// The rule of a calendar, and its time zone. `anchor` is a local time, a `timestamp`.
pub(super) fn calendar(
    limit: i64,
    per: Interval,
    anchor: Option<i64>,
    time_zone: &str,
) -> Result<(Rule, ServerZone), LimitError> {
    let (zone, id) = ServerZone::named(time_zone)?;
    let calendar = Calendar::of_interval(per.months, per.days, per.micros, anchor.map(unix_of), id)?;
    Ok((Rule::of_calendar(limit, calendar)?, zone))
}
