//! What cannot be decided is refused, by a message that names it.

use anyhow::{Context, Result};
use canon_tests::{canon_database, refused};
use postgres::error::SqlState;

use super::yes;

#[test]
fn bad_input_is_named() -> Result<()> {
    let db = canon_database("bad")?;
    let mut client = db.connect()?;
    let big = "repeat('x', 1000000)";
    let invalid = &SqlState::INVALID_PARAMETER_VALUE;
    let null = &SqlState::NULL_VALUE_NOT_ALLOWED;
    let cases: Vec<(String, &SqlState, &str)> = vec![
        ("rate_allow('k', 0, '1 s')".into(), invalid, "max_requests must be between 1 and 100000000000, not 0"),
        ("rate_allow('k', -5, '1 s')".into(), invalid, "not -5"),
        ("rate_allow('k', 9223372036854775807, '1 s')".into(), invalid, "not 9223372036854775807"),
        ("rate_allow('k', 1, '0')".into(), invalid, "the period must be between 1 microsecond and 100 years"),
        ("rate_allow('k', 1, '-1 s')".into(), invalid, "the period must be"),
        ("rate_allow('k', 1, '178000000 years')".into(), invalid, "the period must be"),
        ("rate_allow('k', 1, '1 s', 0)".into(), invalid, "cost must be between 1 and 100000000000, not 0"),
        ("rate_allow('k', 1, '1 s', -1)".into(), invalid, "cost must be"),
        ("rate_allow('k', 1, '1 s', 9223372036854775807)".into(), invalid, "cost must be"),
        ("rate_allow('', 1, '1 s')".into(), invalid, "a key of a rate limit must have 1 to 1024 bytes, not 0"),
        (format!("rate_allow({big}, 1, '1 s')"), invalid, "not 1000000"),
        (format!("rate_limit({big}, 1, '1 s', tier => 'table')"), invalid, "not 1000000"),
        (format!("rate_limit_reset({big})"), invalid, "not 1000000"),
        ("rate_allow(NULL, 1, '1 s')".into(), null, "key must not be NULL"),
        ("rate_allow('k', NULL, '1 s')".into(), null, "max_requests must not be NULL"),
        ("rate_allow('k', 1, NULL)".into(), null, "per must not be NULL"),
        ("rate_allow('k', 1, '1 s', NULL)".into(), null, "cost must not be NULL"),
        ("rate_limit('k', 1, '1 s', algorithm => NULL)".into(), null, "algorithm must not be NULL"),
        ("rate_limit('k', 1, '1 s', burst => 0)".into(), invalid, "burst must be"),
        ("rate_limit('k', 1, '1 s', burst => 2, algorithm => 'fixed_window')".into(), invalid, "a burst is for the algorithm gcra"),
        ("rate_limit('k', 1, '1 s', algorithm => 'leaky')".into(), invalid, "there is no algorithm called \"leaky\""),
        ("rate_limit('k', 1, '1 s', tier => 'redis')".into(), invalid, "tier must be"),
        ("rate_limit('k', 1, '1 s', on_abort => 'maybe')".into(), invalid, "on_abort must be keep or refund, not \"maybe\""),
        ("rate_limit('k', 1, '1 s', algorithm => 'sliding_log')".into(), &SqlState::FEATURE_NOT_SUPPORTED, "not available in the tier memory"),
        ("rate_limit('k', 1, '1 s', tier => 'leased')".into(), &SqlState::FEATURE_NOT_SUPPORTED, "the algorithm gcra is not available in the tier leased"),
        ("rate_limit_all('{a}', '{1}', '{1 s}', tier => 'leased', algorithm => 'sliding_window')".into(), &SqlState::FEATURE_NOT_SUPPORTED, "not available in the tier leased"),
        ("rate_limit('k', 10001, '1 s', algorithm => 'sliding_log', tier => 'table')".into(), invalid, "between 1 and 10000"),
        ("rate_limit('k', 1, '1.5 s', algorithm => 'calendar')".into(), invalid, "a calendar window is"),
        ("rate_limit('k', 1, '1 month 1 day', algorithm => 'calendar')".into(), invalid, "a calendar window is"),
        ("rate_limit('k', 1, '1 day', algorithm => 'calendar', time_zone => 'Mars/Base')".into(), invalid, "time zone \"Mars/Base\" not recognized"),
        ("rate_limit('k', 1, '1 day', algorithm => 'calendar', anchor => 'infinity')".into(), invalid, "the anchor"),
        ("rate_limit_all('{}', '{}', '{}')".into(), invalid, "takes 1 to 16 levels, not 0"),
        ("rate_limit_all(array_fill('a'::text, ARRAY[17]), array_fill(1::bigint, ARRAY[17]), array_fill(interval '1 s', ARRAY[17]))".into(), invalid, "not 17"),
        ("rate_limit_all('{a,b}', '{1}', '{1 s,1 s}')".into(), invalid, "2 keys, 1 limits"),
        ("rate_limit_all('{a,b}', '{1,1}', '{1 s}')".into(), invalid, "2 keys, 1 periods"),
        ("rate_limit_all('{a,NULL}', '{1,1}', '{1 s,1 s}')".into(), null, "keys must not be NULL"),
        ("rate_limit_all('{a,b,a}', '{1,1,1}', '{1 s,1 s,1 h}')".into(), invalid, "key \"a\" appears twice"),
        ("rate_limit_all(NULL, '{1}', '{1 s}')".into(), null, "keys must not be NULL"),
        ("rate_limit_refund('k', 0)".into(), invalid, "cost must be"),
    ];
    for (call, code, message) in cases {
        let sql = format!("SELECT canon.{call}");
        let refusal = refused(&mut client, &sql, code).with_context(|| call.clone())?;
        assert!(refusal.message().contains(message), "{call}: {}", refusal.message());
    }
    // Nothing of it was counted.
    assert!(yes(&mut client, "SELECT canon.rate_allow('k', 1, '50 years') AND canon.rate_allow('a', 1, '50 years')")?);
    Ok(())
}

#[test]
fn hints_can_be_run() -> Result<()> {
    let db = canon_database("hints")?;
    let mut client = db.connect()?;
    let sql = "SELECT canon.rate_limit('k', 1, '1 day', algorithm => 'calendar', time_zone => 'Mars/Base')";
    let hint = refused(&mut client, sql, &SqlState::INVALID_PARAMETER_VALUE)?.hint().context("no hint")?.to_owned();
    client.batch_execute(&hint)?;
    Ok(())
}

/// Keys are bytes: whatever a client can send is a key of its own.
#[test]
fn strange_keys_are_keys() -> Result<()> {
    let db = canon_database("strange")?;
    let mut client = db.connect()?;
    for key in ["'", "a'); DROP TABLE canon.rate_limit_state; --", "%", "\u{1f600}", " ", "a\nb", "A", "a"] {
        for tier in ["memory", "table"] {
            let once = "SELECT allowed FROM canon.rate_limit($1, 1, '50 years', tier => $2)";
            assert!(client.query_one(once, &[&key, &tier])?.get::<_, bool>(0), "{key:?}");
            assert!(!client.query_one(once, &[&key, &tier])?.get::<_, bool>(0), "{key:?}");
        }
    }
    Ok(())
}
