//! Decisions as composite values: `canon.rate_decision` and `canon.rate_decision_all`.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::args::Call;
use super::clock;
use super::decide::Answer;

/// `(allowed, limit, remaining, retry_after, reset_at, reason)`
pub(super) fn decision(call: Call, answer: &Answer) -> pg_sys::Datum {
    let [limit, remaining, retry_after, reset_at] = numbers(answer);
    let values = [allowed(answer), limit, remaining, retry_after, reset_at, Some(text(answer.reason.name()))];
    composite(call, values)
}

/// `(allowed, level, limit, remaining, retry_after, reset_at, reason)`: the level that decides. That
/// is, of those that deny, the one to wait for longest; where all allow, the one with least left.
pub(super) fn decision_all<'a>(call: Call, key: impl Fn(usize) -> &'a str, answers: &[Answer]) -> pg_sys::Datum {
    let wait = |answer: &Answer| answer.decision.retry_after.unwrap_or(u64::MAX);
    let denied =
        answers.iter().enumerate().filter(|(_, a)| !a.decision.allowed).max_by_key(|(k, a)| (wait(a), usize::MAX - k));
    let tightest = || answers.iter().enumerate().min_by_key(|(k, a)| (a.decision.remaining, *k));
    let Some((k, answer)) = denied.or_else(tightest) else { return pg_sys::Datum::null() };
    let [limit, remaining, retry_after, reset_at] = numbers(answer);
    let level = Some(text(key(k)));
    let values = [allowed(answer), level, limit, remaining, retry_after, reset_at, Some(text(answer.reason.name()))];
    composite(call, values)
}

/// A request that no policy is for.
pub(super) fn no_policy(call: Call) -> pg_sys::Datum {
    composite(call, [Some(pg_sys::Datum::from(true)), None, None, None, None, None, Some(text("no_policy"))])
}

fn allowed(answer: &Answer) -> Option<pg_sys::Datum> {
    Some(pg_sys::Datum::from(answer.decision.allowed))
}

fn numbers(answer: &Answer) -> [Option<pg_sys::Datum>; 4] {
    let decision = &answer.decision;
    [
        Some(pg_sys::Datum::from(decision.limit)),
        Some(pg_sys::Datum::from(decision.remaining)),
        decision.retry_after.map(interval),
        Some(pg_sys::Datum::from(clock::timestamptz_in(decision.reset_after))),
    ]
}

/// An interval of microseconds only.
fn interval(micros: u64) -> pg_sys::Datum {
    // SAFETY: allocated in the memory of the call, and filled.
    unsafe {
        let interval = pg_sys::palloc(size_of::<pg_sys::Interval>()).cast::<pg_sys::Interval>();
        interval.write(pg_sys::Interval { time: i64::try_from(micros).unwrap_or(i64::MAX), day: 0, month: 0 });
        pg_sys::Datum::from(interval)
    }
}

fn text(text: &str) -> pg_sys::Datum {
    // SAFETY: copies `text`, which came from the server or is ASCII.
    unsafe { pg_sys::Datum::from(pg_sys::cstring_to_text_with_len(text.as_ptr().cast(), text.len() as i32)) }
}

/// A row of the type that the function returns. The description of that type is kept as long as the
/// plan of the statement.
fn composite<const N: usize>(call: Call, values: [Option<pg_sys::Datum>; N]) -> pg_sys::Datum {
    let mut nulls = values.map(|value| value.is_none());
    let mut values = values.map(|value| value.unwrap_or(pg_sys::Datum::null()));
    // SAFETY: the description is that of the declared type, which has N columns of these types.
    unsafe {
        let function = (*call.fcinfo).flinfo;
        if (*function).fn_extra.is_null() {
            let mut description = std::ptr::null_mut();
            let before = pg_sys::MemoryContextSwitchTo((*function).fn_mcxt);
            let class = pg_sys::get_call_result_type(call.fcinfo, std::ptr::null_mut(), &mut description);
            if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE || (*description).natts != N as i32 {
                error!("the result type of this function of pg_canon is not the declared one");
            }
            (*function).fn_extra = pg_sys::BlessTupleDesc(description).cast();
            pg_sys::MemoryContextSwitchTo(before);
        }
        let description = (*function).fn_extra.cast::<pg_sys::TupleDescData>();
        let tuple = pg_sys::heap_form_tuple(description, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
    }
}

/// So many microseconds from now.
pub(super) fn timestamptz_in(micros: u64) -> TimestampWithTimeZone {
    at(clock::timestamptz_in(micros))
}

/// So many microseconds after the Unix epoch.
pub(super) fn timestamptz_at(unix: u64) -> TimestampWithTimeZone {
    at(clock::timestamptz_of(unix))
}

fn at(timestamptz: i64) -> TimestampWithTimeZone {
    TimestampWithTimeZone::try_from(timestamptz).unwrap_or_else(|_| pgrx::datum::now())
}
