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
    function: &'static str,
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
        let interval = unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() };
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

    /// The elements of an array, none of which may be NULL.
    pub(super) fn array(
        &self,
        number: usize,
        argument: &'static str,
        (element, length, by_value, align): (pg_sys::Oid, i32, bool, u8),
    ) -> Result<&[pg_sys::Datum], LimitError> {
        let datum = self.datum(number, argument)?;
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: the argument is an array of that type; the elements live as long as the call.
        unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            pg_sys::deconstruct_array(
                array,
                element,
                length,
                by_value,
                align as i8,
                &mut values,
                &mut nulls,
                &mut count,
            );
            let count = usize::try_from(count).unwrap_or(0);
            if count > 0 && std::slice::from_raw_parts(nulls, count).contains(&true) {
                return Err(LimitError::Null { function: self.function, argument });
            }
            Ok(if count == 0 { &[] } else { std::slice::from_raw_parts(values, count) })
        }
    }

    pub(super) fn keys(&self, number: usize) -> Result<Vec<&str>, LimitError> {
        let keys = self.array(number, "keys", (pg_sys::TEXTOID, -1, false, b'i'))?;
        // SAFETY: elements of an array of text.
        keys.iter().map(|key| check_key(unsafe { text_of(*key) })).collect()
    }

    pub(super) fn ints(&self, number: usize, argument: &'static str) -> Result<Vec<i64>, LimitError> {
        let ints = self.array(number, argument, (pg_sys::INT8OID, 8, true, b'd'))?;
        Ok(ints.iter().map(|datum| datum.value() as i64).collect())
    }

    pub(super) fn intervals(&self, number: usize, argument: &'static str) -> Result<Vec<Interval>, LimitError> {
        let intervals = self.array(number, argument, (pg_sys::INTERVALOID, 16, false, b'd'))?;
        // SAFETY: elements of an array of intervals.
        Ok(intervals.iter().map(|datum| unsafe { Interval::from_datum(*datum) }).collect())
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
    // SAFETY: a text in the server's encoding. The rules here never look inside it, other than for
    // ASCII words, so bytes of another encoding than UTF-8 do no harm.
    unsafe {
        let text = datum.cast_mut_ptr::<pg_sys::varlena>();
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
