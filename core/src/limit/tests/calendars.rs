use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;
use proptest::prelude::*;

use crate::limit::{Algorithm, Calendar, Rule, Unit, Utc, Window, Zone, admit, describe};

const HOUR: u64 = 3_600_000_000;

struct Named(Tz);

impl Zone for Named {
    fn offset(&self, unix_seconds: i64) -> i32 {
        let at = DateTime::from_timestamp(unix_seconds, 0).unwrap().naive_utc();
        self.0.offset_from_utc_datetime(&at).fix().local_minus_utc()
    }
}

/// Zones with daylight saving in both hemispheres, at midnight, by half an hour; with half hours; and
/// with a day that was skipped.
const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::America__Sao_Paulo,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kolkata,
    Tz::Pacific__Apia,
    Tz::Africa__Cairo,
];

/// The first instant at which clocks show `local` or, where they skip it, something later: by chrono,
/// minute by minute.
fn instant(zone: Tz, local: NaiveDateTime) -> u64 {
    let mut at = local;
    let found = loop {
        match zone.from_local_datetime(&at).earliest() {
            Some(found) => break found,
            None => at += chrono::TimeDelta::minutes(1),
        }
    };
    found.timestamp_micros() as u64
}

fn local(zone: Tz, now: u64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(now as i64).unwrap().with_timezone(&zone).naive_local()
}

fn micros(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp_micros()
}

/// 2001 to 2037: what every copy of the time zone database knows alike.
fn moments() -> impl Strategy<Value = u64> {
    978_307_200_000_000..2_114_380_800_000_000_u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn days_are_those_of_the_local_clock(now in moments(), zone in prop::sample::select(&ZONES[..])) {
        let calendar = Calendar::new(Unit::Days, 1, None, 0).unwrap();
        let day = local(zone, now).date();
        let expected = Window {
            start: instant(zone, day.and_time(NaiveTime::MIN)),
            end: instant(zone, (day + Days::new(1)).and_time(NaiveTime::MIN)),
        };
        prop_assert_eq!(calendar.window(&Named(zone), now), expected);
    }

    #[test]
    fn weeks_begin_on_mondays(now in moments(), zone in prop::sample::select(&ZONES[..])) {
        let calendar = Calendar::new(Unit::Days, 7, None, 0).unwrap();
        let day = local(zone, now).date();
        let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
        let window = calendar.window(&Named(zone), now);
        prop_assert_eq!(window.start, instant(zone, monday.and_time(NaiveTime::MIN)));
        prop_assert_eq!(window.end, instant(zone, (monday + Days::new(7)).and_time(NaiveTime::MIN)));
    }

    /// The month of a customer who is billed on a day of the month, or on the last one of a month
    /// that is too short. Found by trying every day of three months.
    #[test]
    fn billing_months_begin_on_their_day(
        now in moments(), zone in prop::sample::select(&ZONES[..]), day in 1..32_u32, hour in 0..24_u32, count in 1..4_u32,
    ) {
        let anchor = NaiveDate::from_ymd_opt(2000, 1, day).unwrap().and_hms_opt(hour, 0, 0).unwrap();
        let calendar = Calendar::new(Unit::Months, count, Some(micros(anchor)), 0).unwrap();
        let starts: Vec<u64> = (0..500).map(|k| instant(zone, anchor + Months::new(k * count))).collect();
        let k = starts.partition_point(|start| *start <= now);
        prop_assert_eq!(calendar.window(&Named(zone), now), Window { start: starts[k - 1], end: starts[k] });
    }

    #[test]
    fn minutes_are_elapsed_time(now in moments(), zone in prop::sample::select(&ZONES[..]), count in 1..100_u32) {
        let calendar = Calendar::new(Unit::Minutes, count, None, 0).unwrap();
        let window = calendar.window(&Named(zone), now);
        prop_assert!(window.start <= now && now < window.end);
        prop_assert_eq!(window.end - window.start, u64::from(count) * 60_000_000);
    }
}

/// Years begin in January; the hour that New York skips and the one it repeats belong to their day.
#[test]
fn known_windows() {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros() as u64;
    let year = Calendar::of_interval(12, 0, 0, None, 0).unwrap();
    let window = year.window(&Named(Tz::Asia__Kolkata), at("2024-12-31T18:29:59Z"));
    assert_eq!(window, Window { start: at("2023-12-31T18:30:00Z"), end: at("2024-12-31T18:30:00Z") });
    let day = Calendar::of_interval(0, 1, 0, None, 0).unwrap();
    let short = day.window(&Named(Tz::America__New_York), at("2024-03-10T12:00:00Z"));
    assert_eq!(short.end - short.start, 23 * HOUR);
    let long = day.window(&Named(Tz::America__New_York), at("2024-11-03T12:00:00Z"));
    assert_eq!(long.end - long.start, 25 * HOUR);
    let hour = Calendar::of_interval(0, 0, HOUR as i64, None, 0).unwrap();
    let window = hour.window(&Named(Tz::Asia__Kolkata), at("2024-05-05T10:10:00Z"));
    assert_eq!(window.start, at("2024-05-05T09:30:00Z"), "full hours of India");
}

#[test]
fn a_quota_is_per_window_and_resets_at_its_end() {
    let month = Rule::of_calendar(100, Calendar::of_interval(1, 0, 0, None, 0).unwrap()).unwrap();
    assert_eq!(month.algorithm(), Algorithm::Calendar);
    let now = 1_700_000_000_000_000;
    let full = admit(&month, &Utc, now, 0, 100).unwrap();
    let denied = describe(&month, &Utc, now, full, 1, false);
    let december = 1_701_388_800_000_000;
    assert_eq!(denied.retry_after, Some(december - now));
    assert_eq!(admit(&month, &Utc, december - 1, full, 1), None);
    assert!(admit(&month, &Utc, december, full, 100).is_some());
}

#[test]
fn mixed_intervals_are_refused() {
    for (months, days, micros) in [(0, 0, 0), (1, 1, 0), (0, 1, 60_000_000), (-1, 0, 0), (0, 0, 1_500_000), (0, -1, 0)]
    {
        assert!(Calendar::of_interval(months, days, micros, None, 0).is_err(), "{months} {days} {micros}");
    }
    assert!(Calendar::new(Unit::Days, 0, None, 0).is_err());
    assert!(Calendar::new(Unit::Months, 1, Some(i64::MAX), 0).is_err());
}
