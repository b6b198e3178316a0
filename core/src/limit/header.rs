//! Values of the response headers `RateLimit-Policy` and `RateLimit`
//! (draft-ietf-httpapi-ratelimit-headers; strings as in RFC 9651).

const MICROS_PER_SECOND: u64 = 1_000_000;

/// `"name";q=100;w=60`: so many units in a window of so many seconds.
#[must_use]
pub fn ratelimit_policy(name: &str, limit: u64, period: u64) -> String {
    format!("{};q={limit};w={}", quoted(name), period.div_ceil(MICROS_PER_SECOND))
}

/// `"name";r=42;t=17`: so many units left, more in so many seconds.
#[must_use]
pub fn ratelimit(name: &str, remaining: u64, more_after: u64) -> String {
    format!("{};r={remaining};t={}", quoted(name), more_after.div_ceil(MICROS_PER_SECOND))
}

/// A structured-field string. It is printable ASCII; any other character becomes `?`, so that no
/// name can end the header.
fn quoted(name: &str) -> String {
    let mut quoted = String::from("\"");
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are examples of the draft.
    #[test]
    fn values_are_those_of_the_draft() {
        assert_eq!(ratelimit_policy("default", 100, 10_000_000), "\"default\";q=100;w=10");
        assert_eq!(ratelimit("default", 50, 30_000_000), "\"default\";r=50;t=30");
        assert_eq!(ratelimit("p", 0, 1), "\"p\";r=0;t=1", "a client that waits as told is not early");
    }

    #[test]
    fn a_name_cannot_end_the_header() {
        assert_eq!(ratelimit("a\"b\\c\r\nSet-Cookie: x\u{e9}", 0, 0), "\"a\\\"b\\\\c??Set-Cookie: x?\";r=0;t=0");
    }
}
