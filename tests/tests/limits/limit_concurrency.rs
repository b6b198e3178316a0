//! Many real connections at once: what is admitted is the bound, no more and no less.

use std::collections::HashMap;
use std::thread;

use anyhow::Result;
use canon_tests::canon_database;

use super::{LONG, hammer, number, yes};

/// Every algorithm in every tier that has it.
const WAYS: [(&str, &str); 11] = [
    ("gcra", "memory"),
    ("sliding_window", "memory"),
    ("fixed_window", "memory"),
    ("calendar", "memory"),
    ("fixed_window", "leased"),
    ("calendar", "leased"),
    ("gcra", "table"),
    ("sliding_window", "table"),
    ("fixed_window", "table"),
    ("calendar", "table"),
    ("sliding_log", "table"),
];

/// Every tier, with an algorithm that it has.
const TIERS: [(&str, &str); 3] = [("memory", "gcra"), ("leased", "calendar"), ("table", "gcra")];

#[test]
fn one_key_admits_its_limit_exactly() -> Result<()> {
    let db = canon_database("hot")?;
    let admitted = hammer(&db, 32, 100, &format!("SELECT canon.rate_allow('hot', 1234, {LONG})"))?;
    assert_eq!(admitted.iter().sum::<usize>(), 1234);
    for (algorithm, tier) in WAYS {
        // A century is one window of a calendar and of a clock.
        let call = format!(
            "SELECT allowed FROM canon.rate_limit('{algorithm}-{tier}', 97, interval '100 years',
                 algorithm => '{algorithm}', tier => '{tier}')"
        );
        let admitted = hammer(&db, 8, 30, &call)?;
        assert_eq!(admitted.iter().sum::<usize>(), 97, "{algorithm} {tier}");
    }
    Ok(())
}

#[test]
fn costs_add_up() -> Result<()> {
    let db = canon_database("costs")?;
    for (tier, algorithm) in TIERS {
        let call = format!(
            "SELECT allowed FROM canon.rate_limit('{tier}', 1000, {LONG}, cost => 1 + {{}} % 7, tier => '{tier}',
                 algorithm => '{algorithm}')"
        );
        let admitted = hammer(&db, 14, 60, &call)?;
        let spent: usize = admitted.iter().enumerate().map(|(client, times)| times * (1 + client % 7)).sum();
        assert_eq!(spent, 1000, "clients with a cost of 1 take what is left");
    }
    Ok(())
}

#[test]
fn many_keys_admit_their_limits_exactly() -> Result<()> {
    let db = canon_database("keys")?;
    let call = "SELECT canon.rate_allow('key' || k % 500, 7, interval '50 years') AS allowed, k % 500 AS key
                FROM generate_series(1, 1000) AS k";
    let counted: Vec<HashMap<i32, usize>> = thread::scope(|scope| {
        let one = || -> Result<HashMap<i32, usize>> {
            let mut counts = HashMap::new();
            for row in db.connect()?.query(call, &[])? {
                *counts.entry(row.get("key")).or_default() += usize::from(row.get::<_, bool>("allowed"));
            }
            Ok(counts)
        };
        let running: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|client| client.join().expect("a client panicked")).collect::<Result<_>>()
    })?;
    for key in 0..500 {
        assert_eq!(counted.iter().map(|counts| counts[&key]).sum::<usize>(), 7, "{key}");
    }
    Ok(())
}

/// An organisation with 500 units and sixteen users with 40 each: all of the 500 are used, nobody has
/// more than 40, and whoever was denied by the organisation has lost nothing of their own.
#[test]
fn several_levels_spend_together_or_not_at_all() -> Result<()> {
    let db = canon_database("levels")?;
    for (tier, algorithm) in TIERS {
        let call = format!(
            "SELECT allowed FROM canon.rate_limit_all(
                 ARRAY['{tier} org', '{tier} user {{}}', '{tier} endpoint'], ARRAY[500, 40, 100000],
                 ARRAY[{LONG}, {LONG}, {LONG}], tier => '{tier}', algorithm => '{algorithm}')"
        );
        let admitted = hammer(&db, 16, 60, &call)?;
        assert_eq!(admitted.iter().sum::<usize>(), 500, "{admitted:?}");
        let mut client = db.connect()?;
        for (user, admitted) in admitted.iter().enumerate() {
            assert!(*admitted <= 40, "{user}");
            let left = format!(
                "SELECT remaining FROM canon.rate_limit_peek('{tier} user {user}', 40, {LONG}, tier => '{tier}',
                     algorithm => '{algorithm}')"
            );
            assert_eq!(number(&mut client, &left)?, 40 - *admitted as i64, "{tier} {user}");
        }
        let denied_by =
            client.query_one(&call.replace("SELECT allowed", "SELECT level, reason").replace("{}", "0"), &[])?;
        let expected = if admitted[0] == 40 { format!("{tier} user 0") } else { format!("{tier} org") };
        if admitted[0] < 40 {
            assert_eq!(denied_by.get::<_, String>("level"), expected);
        }
        assert_eq!(denied_by.get::<_, String>("reason"), "limit_exceeded");
    }
    assert!(!yes(
        &mut db.connect()?,
        &format!("SELECT canon.rate_allow_all(ARRAY['memory org'], ARRAY[500], ARRAY[{LONG}])")
    )?);
    Ok(())
}

/// The limit goes from 300 to 700 and back to 500 while requests come in: what was used stays used,
/// so the last limit above is what is admitted in all.
#[test]
fn a_change_of_the_limit_in_the_middle_is_exact() -> Result<()> {
    let db = canon_database("change")?;
    for (tier, algorithm) in TIERS {
        let call = |limit: u32| {
            format!(
                "SELECT allowed FROM canon.rate_limit('{tier}', {limit}, {LONG}, tier => '{tier}', algorithm => '{algorithm}')"
            )
        };
        let mut admitted = 0;
        for limit in [300, 700, 500, 1000, 200] {
            admitted += hammer(&db, 8, 120, &call(limit))?.iter().sum::<usize>();
        }
        assert_eq!(admitted, 1000, "{tier}");
        // Two limits for one key at the same time: together never more than the higher one.
        let both = thread::scope(|scope| {
            let low = scope.spawn(|| hammer(&db, 4, 200, &call(1100)));
            let high = scope.spawn(|| hammer(&db, 4, 200, &call(1200)));
            [low, high].into_iter().map(|side| side.join().expect("a side panicked")).collect::<Result<Vec<_>>>()
        })?;
        assert_eq!(both.iter().flatten().sum::<usize>(), 200, "{tier}");
    }
    Ok(())
}
