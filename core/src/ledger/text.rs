//! Values as text: what PostgreSQL reads back as the same value.

use super::hash::to_hex;
use super::value::{Class, Field};

/// Days from the Unix epoch to the first day of this year and month (proleptic Gregorian calendar;
/// after H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

fn date(days: i64) -> (String, &'static str) {
    let (year, month, day) = civil(days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = format!("{fraction:06}");
    match digits.trim_end_matches('0') {
        "" => text,
        digits => format!("{text}.{digits}"),
    }
}

fn timestamp(micros: i64, zone: &str) -> String {
    const DAY: i64 = 86_400_000_000;
    /// 4714-11-24 BC.
    const FIRST: i64 = -210_866_803_200_000_000;
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            // PostgreSQL counts from 2000, and further: its last years come round as numbers before its first.
            let round = if micros < FIRST { 1_i128 << 64 } else { 0 };
            let micros = i128::from(micros) + round;
            let (day, time) = (micros.div_euclid(DAY.into()), micros.rem_euclid(DAY.into()));
            let (date, era) = date(i64::try_from(day).unwrap_or(i64::MAX));
            format!("{date} {}{zone}{era}", clock(i64::try_from(time).unwrap_or(0)))
        }
    }
}

fn time_zone(seconds_west: i32) -> String {
    let sign = if seconds_west > 0 { '-' } else { '+' };
    let seconds = seconds_west.unsigned_abs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if s == 0 { format!("{sign}{h:02}:{m:02}") } else { format!("{sign}{h:02}:{m:02}:{s:02}") }
}

/// Text of a numeric in PostgreSQL's wire format; `None` where the bytes are none.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = words.next()?;
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let scale = usize::from(words.next()?);
    match sign {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digits: Vec<u16> = words.collect();
    if digits.len() != usize::from(count) || digits.iter().any(|digit| *digit > 9999) {
        return None;
    }
    let digit = |place: i32| {
        let index = usize::try_from(weight - place).ok();
        index.and_then(|index| digits.get(index)).copied().unwrap_or(0)
    };
    let mut text = if sign == 0x4000 { "-".to_owned() } else { String::new() };
    let whole: String = (0..=weight.max(0)).rev().map(|place| format!("{:04}", digit(place))).collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let places = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction: String = (1..=places).map(|place| format!("{:04}", digit(-place))).collect();
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    Some(text)
}

impl Field<'_> {
    /// The value as PostgreSQL reads it; `None` for a masked value, and for bytes that the class does
    /// not allow.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let int = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
        let short = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_be_bytes);
        Some(match self.class {
            Class::Bool => match self.bytes {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                _ => return None,
            },
            Class::Int => int(self.bytes)?.to_string(),
            Class::Float4 => float(f64::from(f32::from_be_bytes(self.bytes.try_into().ok()?)), |_| {
                self.bytes.try_into().map(f32::from_be_bytes).map_or_else(|_| String::new(), |v| v.to_string())
            }),
            Class::Float8 => float(f64::from_be_bytes(self.bytes.try_into().ok()?), |v| v.to_string()),
            Class::Numeric => numeric(self.bytes)?,
            Class::Text | Class::Json | Class::Other => std::str::from_utf8(self.bytes).ok()?.to_owned(),
            Class::Bytes => format!("\\x{}", to_hex(self.bytes)),
            Class::Uuid => {
                let hex = to_hex(<&[u8; 16]>::try_from(self.bytes).ok()?);
                format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
            }
            Class::TimestampTz => timestamp(int(self.bytes)?, "+00"),
            Class::Timestamp => timestamp(int(self.bytes)?, ""),
            Class::Date => match short(self.bytes)? {
                i32::MAX => "infinity".to_owned(),
                i32::MIN => "-infinity".to_owned(),
                days => {
                    let (date, era) = date(i64::from(days));
                    format!("{date}{era}")
                }
            },
            Class::Time => clock(int(self.bytes)?),
            Class::TimeTz => {
                let (time, zone) = self.bytes.split_first_chunk::<8>()?;
                format!("{}{}", clock(i64::from_be_bytes(*time)), time_zone(short(zone)?))
            }
            Class::Interval => {
                let (time, rest) = self.bytes.split_first_chunk::<8>()?;
                let (days, months) = rest.split_first_chunk::<4>()?;
                let time = i64::from_be_bytes(*time);
                format!("{} mons {} days {time} microseconds", short(months)?, i32::from_be_bytes(*days))
            }
            Class::Masked => return None,
        })
    }

    /// The value as JSON: numbers and truth values as such, where JSON has them; everything else as
    /// text, so that nothing is rounded.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        use serde_json::Value;
        match (self.class, self.text()) {
            (Class::Masked, _) => Value::from("(masked)"),
            (_, None) => Value::Null,
            (Class::Bool, Some(text)) => Value::from(text == "true"),
            (Class::Int, Some(text)) => text.parse::<i64>().map_or(Value::Null, Value::from),
            (Class::Json, Some(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            (_, Some(text)) => Value::String(text),
        }
    }
}

fn float(value: f64, finite: impl Fn(f64) -> String) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        finite(value)
    }
}
