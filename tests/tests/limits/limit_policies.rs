//! The functions on the tables of the pack `saas`, as a plain role that may only call them.

use std::time::Duration;

use anyhow::{Context, Result};
use canon_tests::{Database, Role, canon_database, refused, server, wait_until};
use postgres::Client;
use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;

use super::{hammer, number, private, yes};

const ORG: &str = "0a000000-0000-4000-8000-000000000001";
const USER: &str = "0b000000-0000-4000-8000-000000000001";

/// A database with the pack, an organisation and a login, and a role that may call everything.
fn platform(name: &str) -> Result<(Role, Database)> {
    let app = server().role("app")?;
    let db = canon_database(name)?;
    set_up(&mut db.connect()?, &app.to_string())?;
    Ok((app, db))
}

fn set_up(owner: &mut Client, app: &str) -> Result<()> {
    owner.batch_execute(&format!(
        "SET client_min_messages = warning; SELECT canon.install('saas');
         INSERT INTO saas.organizations (id, name) VALUES ('{ORG}', 'Acme');
         INSERT INTO auth.users (id, email) VALUES ('{USER}', 'ada@example.com');
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA canon TO {app}"
    ))?;
    Ok(())
}

fn quota(endpoint: &str, role: &str) -> String {
    format!("canon.check_quota('{ORG}', '{USER}', '{endpoint}', '{role}')")
}

#[test]
fn model_a_says_true_when_the_limit_is_exceeded() -> Result<()> {
    let (app, db) = platform("model_a")?;
    let mut client = db.connect_as(app.name())?;
    let check = format!("SELECT canon.check_rate_limit('{ORG}', '{USER}', '/x', 5)");
    for k in 1..=7 {
        assert_eq!(yes(&mut client, &check)?, k > 5, "{k}");
    }
    assert!(
        !yes(&mut client, &format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', 5, 10)"))?,
        "another counter"
    );
    let exceeded = hammer(&db, 16, 20, &format!("SELECT canon.check_rate_limit('{ORG}', '{USER}', '/hot', 100)"))?;
    assert_eq!(320 - exceeded.iter().sum::<usize>(), 100);
    // The worker counts every request, the exceeding ones too.
    let mut owner = db.connect()?;
    let counted = "SELECT coalesce(sum(request_count), 0) FROM saas.api_rate_limits WHERE endpoint = '/hot'";
    assert!(wait_until(|| number(&mut owner, counted).is_ok_and(|n| n == 320)), "{}", number(&mut owner, counted)?);
    let rows = "SELECT count(*) FROM saas.api_rate_limits WHERE endpoint = '/x' AND window_start <= now() AND window_end > now()";
    assert_eq!(number(&mut owner, rows)?, 2);
    Ok(())
}

#[test]
fn model_b_decides_by_the_most_specific_configuration() -> Result<()> {
    let (app, db) = platform("model_b")?;
    let mut owner = db.connect()?;
    owner.batch_execute(&format!(
        "INSERT INTO saas.rate_limit_config (organization_id, resource_type, endpoint_pattern, max_requests, window_seconds, quota_monthly)
         VALUES ('{ORG}', 'api_call', NULL, 4, 3600, NULL), ('{ORG}', 'api_call', '/api/*', 3, 60, NULL),
                ('{ORG}', 'api_call', '/api/v?/mail', 100, 60, 2), ('{ORG}', 'none', NULL, 0, 60, NULL)"
    ))?;
    let mut client = db.connect_as(app.name())?;
    let mut ask = |resource: &str, endpoint: &str| -> Result<(bool, i32, i32, i32, f64)> {
        let sql = format!(
            "SELECT is_allowed, current_usage, limit_value, window_seconds, extract(epoch FROM reset_at - clock_timestamp())::float8
             FROM canon.check_rate_limit('{ORG}', '{resource}', {endpoint})"
        );
        let row = client.query_one(&sql, &[])?;
        Ok((row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
    };
    for k in 1..=4 {
        let (allowed, used, limit, window, reset) = ask("api_call", "'/api/x'")?;
        assert_eq!((allowed, used, limit, window), (k <= 3, k.min(3), 3, 60));
        assert!((0.0..=120.0).contains(&reset) && reset > 0.0, "{reset}");
    }
    for k in 1..=5 {
        assert_eq!(ask("api_call", "NULL")?.0, k <= 4, "{k}");
        assert_eq!(ask("api_call", "'elsewhere'")?.2, 4);
        if k == 2 {
            break; // Both count under the configuration for all endpoints.
        }
    }
    assert!(!ask("api_call", "NULL")?.0);
    for k in 1..=3 {
        let (allowed, used, limit, ..) = ask("api_call", "'/api/v2/mail'")?;
        assert_eq!(allowed, k <= 2, "the month");
        if k == 3 {
            assert_eq!((used, limit), (2, 2));
        }
    }
    assert!(!ask("none", "'x'")?.0, "a limit of zero allows nothing");
    let (allowed, used, limit, window, reset) = ask("unheard of", "'x'")?;
    assert_eq!((allowed, used, limit, window), (true, 0, 999_999, 3600));
    assert!((3_590.0..=3_600.0).contains(&reset));

    let month = "SELECT request_count::bigint FROM saas.rate_limit_quota_usage WHERE resource_type = 'api_call'";
    assert!(wait_until(|| number(&mut owner, month).is_ok_and(|n| n == 12)), "{:?}", number(&mut owner, month));
    assert_eq!(number(&mut owner, "SELECT count(*) FROM saas.rate_limit_tracking WHERE rate_limited")?, 4);
    Ok(())
}

#[test]
fn the_default_policies_decide() -> Result<()> {
    let (app, db) = platform("defaults")?;
    let mut client = db.connect_as(app.name())?;
    // Endpoint, role, policy, limits of hour and day.
    for (endpoint, role, policy, hour) in [
        ("/generate-mail", "user", "ai_generation_default", 100),
        ("/create-google-event", "user", "calendar_operations", 200),
        ("/send-email-now", "user", "email_sending", 50),
        ("/superadmin-users", "super_admin", "superadmin_operations", 500),
        ("/superadmin-users", "user", "public_api_default", 1000),
        ("/anything", "user", "public_api_default", 1000),
        ("/generate-mail", "guest", "public_api_default", 1000),
    ] {
        let row = client.query_one(&format!("SELECT allowed, level, \"limit\" FROM {}", quota(endpoint, role)), &[])?;
        assert!(row.get::<_, bool>(0));
        assert_eq!(row.get::<_, String>(1), format!("{policy}/hour"), "{endpoint} {role}");
        assert_eq!(row.get::<_, i64>(2), hour, "{endpoint} {role}");
    }
    let row =
        client.query_one(&format!("SELECT allowed, level IS NULL, reason FROM {}", quota("nowhere", "user")), &[])?;
    assert_eq!((row.get(0), row.get(1), row.get(2)), (true, true, "no_policy"));

    let admitted = hammer(&db, 16, 10, &format!("SELECT allowed FROM {}", quota("/send-email", "user")))?;
    assert_eq!(admitted.iter().sum::<usize>(), 49, "one of fifty was spent above");
    let row = client
        .query_one(&format!("SELECT level, reason, retry_after > '0' FROM {}", quota("/send-email", "user")), &[])?;
    assert_eq!((row.get(0), row.get(1), row.get(2)), ("email_sending/hour", "limit_exceeded", true));
    Ok(())
}

/// Every session sees a change of a policy with its next call, and one that is rolled back not at all.
#[test]
fn a_change_of_a_policy_reaches_every_session() -> Result<()> {
    let (app, db) = platform("change")?;
    let mut owner = db.connect()?;
    let mut client = db.connect_as(app.name())?;
    let ask = format!("SELECT \"limit\" FROM {}", quota("/send-email", "user"));
    assert_eq!(number(&mut client, &ask)?, 50);
    owner.batch_execute(
        "BEGIN; UPDATE saas.quota_policies SET max_requests_per_hour = 70 WHERE policy_name = 'email_sending'",
    )?;
    assert_eq!(number(&mut client, &ask)?, 50);
    owner.batch_execute("ROLLBACK")?;
    assert_eq!(number(&mut client, &ask)?, 50);
    owner.batch_execute(
        "UPDATE saas.quota_policies SET max_requests_per_hour = 70 WHERE policy_name = 'email_sending'",
    )?;
    assert_eq!(number(&mut client, &ask)?, 70);

    let exception = |columns: &str| {
        format!(
            "DELETE FROM saas.organization_quota_overrides;
             INSERT INTO saas.organization_quota_overrides (organization_id, policy_id, max_requests_per_hour, expires_at)
             SELECT '{ORG}', id, {columns} FROM saas.quota_policies WHERE policy_name = 'email_sending'"
        )
    };
    owner.batch_execute(&exception("90, NULL"))?;
    assert_eq!(number(&mut client, &ask)?, 90);
    owner.batch_execute(&exception("90, now() - interval '1 second'"))?;
    assert_eq!(number(&mut client, &ask)?, 70, "it has ended");
    owner.batch_execute(&exception("90, clock_timestamp() + interval '300 ms'"))?;
    assert_eq!(number(&mut client, &ask)?, 90);
    std::thread::sleep(Duration::from_millis(350));
    assert_eq!(number(&mut client, &ask)?, 70, "it has ended without any change of a row");
    for (from_until, limit) in [
        ("now() + interval '1 day', NULL", 70),
        ("'infinity', 'infinity'", 70),
        ("'-infinity', '-infinity'", 70),
        ("'-infinity', 'infinity'", 95),
        ("now(), NULL", 95),
    ] {
        owner.batch_execute(&format!(
            "DELETE FROM saas.organization_quota_overrides;
             INSERT INTO saas.organization_quota_overrides (organization_id, policy_id, max_requests_per_hour, created_at, expires_at)
             SELECT '{ORG}', id, 95, {from_until} FROM saas.quota_policies WHERE policy_name = 'email_sending'"
        ))?;
        assert_eq!(number(&mut client, &ask)?, limit, "{from_until}");
    }
    owner.batch_execute(&exception("0, NULL"))?;
    assert!(!yes(&mut client, &format!("SELECT allowed FROM {}", quota("/send-email", "user")))?);
    owner.batch_execute("DELETE FROM saas.organization_quota_overrides; UPDATE saas.quota_policies SET is_active = false WHERE policy_name = 'email_sending'")?;
    let level = client.query_one(&format!("SELECT level FROM {}", quota("/send-email", "user")), &[])?;
    assert_eq!(level.get::<_, String>(0), "public_api_default/hour");
    Ok(())
}

/// A policy that changes while sixteen sessions make requests: to the unit what the new one allows,
/// counted in memory and counted durably.
#[test]
fn a_change_of_a_policy_in_the_middle_is_exact() -> Result<()> {
    let (_app, db) = platform("middle")?;
    let mut owner = db.connect()?;
    owner.batch_execute(
        "UPDATE saas.quota_policies SET max_requests_per_hour = 100000, max_requests_per_month = 100000
         WHERE policy_name IN ('email_sending', 'public_api_default');
         INSERT INTO canon.rate_limit_policy (policy, durable) VALUES ('public_api_default', true)",
    )?;
    for (policy, endpoint) in [("email_sending", "/send-email"), ("public_api_default", "/other")] {
        let day = |limit: i64| {
            format!("UPDATE saas.quota_policies SET max_requests_per_day = {limit} WHERE policy_name = '{policy}'")
        };
        owner.batch_execute(&day(100))?;
        let ask = format!("SELECT allowed FROM {}", quota(endpoint, "user"));
        let requests = std::thread::scope(|scope| {
            let requests = scope.spawn(|| hammer(&db, 16, 40, &ask));
            for limit in [150, 120, 300] {
                std::thread::sleep(Duration::from_millis(20));
                owner.batch_execute(&day(limit))?;
            }
            requests.join().expect("a client panicked")
        })?;
        let rest = hammer(&db, 8, 60, &ask)?;
        let admitted: usize = requests.iter().chain(&rest).sum();
        assert_eq!(admitted, 300, "{policy}");
        let row = owner.query_one(&format!("SELECT level, reason FROM {}", quota(endpoint, "user")), &[])?;
        assert_eq!((row.get(0), row.get(1)), (format!("{policy}/day"), "limit_exceeded".to_owned()));
    }
    let rows = "SELECT count(*) FROM canon.rate_limit_lease WHERE space = 4 AND key LIKE 'quota/%' AND granted <= 1300";
    assert_eq!(number(&mut owner, rows)?, 2, "a day and a month");
    Ok(())
}

#[test]
fn shadow_lets_pass_and_records() -> Result<()> {
    let (app, db) = platform("shadow")?;
    let mut owner = db.connect()?;
    owner.batch_execute(
        "INSERT INTO canon.rate_limit_policy (policy, shadow) VALUES ('email_sending', true);
         UPDATE saas.quota_policies SET max_requests_per_hour = 2 WHERE policy_name = 'email_sending'",
    )?;
    let mut client = db.connect_as(app.name())?;
    for k in 1..=5 {
        let row = client.query_one(&format!("SELECT allowed, reason FROM {}", quota("/send-email", "user")), &[])?;
        assert_eq!((row.get(0), row.get(1)), (true, if k <= 2 { "allowed" } else { "shadow" }), "{k}");
    }
    let recorded = "SELECT count(*) FROM saas.rate_limit_tracking WHERE rate_limited
                    AND metadata @> '{\"shadow\": true, \"denied_by\": \"email_sending/hour\"}'";
    assert!(wait_until(|| number(&mut owner, recorded).is_ok_and(|n| n == 3)));
    Ok(())
}

#[test]
fn alerts_are_raised_once_a_window() -> Result<()> {
    let (_app, db) = platform("alerts")?;
    let mut owner = db.connect()?;
    owner.batch_execute("LISTEN canon_quota_alert; UPDATE saas.quota_policies SET max_requests_per_hour = 40 WHERE policy_name = 'email_sending'")?;
    hammer(&db, 8, 10, &format!("SELECT allowed FROM {}", quota("/send-email", "user")))?;
    let alerts = "SELECT string_agg(alert_type || ' ' || current_usage || '/' || limit_value || ' ' || percentage_used, ', ' ORDER BY id)
                  FROM saas.quota_alerts WHERE policy_name = 'email_sending'";
    let expected = "warning 32/40 80.00, critical 38/40 95.00, exceeded 40/40 100.00";
    let seen = |owner: &mut Client| owner.query_one(alerts, &[]).ok().and_then(|row| row.get::<_, Option<String>>(0));
    assert!(
        wait_until(|| seen(&mut owner).is_some_and(|text| text.matches(',').count() == 2)),
        "{:?}",
        seen(&mut owner)
    );
    let mut sorted: Vec<String> = seen(&mut owner).context("none")?.split(", ").map(str::to_owned).collect();
    let mut wanted: Vec<String> = expected.split(", ").map(str::to_owned).collect();
    sorted.sort();
    wanted.sort();
    assert_eq!(sorted, wanted);
    let heard = owner.notifications().timeout_iter(Duration::from_secs(5)).take(3).collect::<Vec<_>>()?;
    assert_eq!(heard.len(), 3);
    assert!(
        heard.iter().all(|n| n.channel() == "canon_quota_alert" && n.payload().contains("email_sending")),
        "{heard:?}"
    );
    Ok(())
}

#[test]
fn usage_is_summed_up_with_true_percentiles() -> Result<()> {
    let (app, db) = platform("usage")?;
    let mut client = db.connect_as(app.name())?;
    let mut owner = db.connect()?;
    // In two batches: 1 to 500 ms, then 501 to 1,000 ms; every tenth fails.
    for batch in 0..2 {
        client.batch_execute(&format!(
            "SELECT canon.record_api_usage('{ORG}', '{USER}', '/y', 'GET', CASE WHEN k % 10 = 0 THEN 500 ELSE 200 END, k)
             FROM generate_series({batch} * 500 + 1, {batch} * 500 + 500) AS k"
        ))?;
        owner.batch_execute("SELECT canon.usage_flush()")?;
        let total = "SELECT coalesce(sum(total_requests), 0) FROM saas.api_usage_statistics WHERE endpoint = '/y'";
        assert!(wait_until(|| number(&mut owner, total).is_ok_and(|n| n == (batch + 1) * 500)));
    }
    let row = owner.query_one(
        "SELECT count(*), sum(successful_requests), sum(failed_requests), max(average_response_time_ms)::float8,
                max(p95_response_time_ms)::float8, max(p99_response_time_ms)::float8
         FROM saas.api_usage_statistics WHERE endpoint = '/y'",
        &[],
    )?;
    // Midnight may have passed in between.
    if row.get::<_, i64>(0) == 1 {
        assert_eq!((row.get::<_, i64>(1), row.get::<_, i64>(2)), (900, 100));
        assert_eq!(row.get::<_, f64>(3), 500.5);
        assert!((row.get::<_, f64>(4) / 950.0 - 1.0).abs() <= 0.011, "p95 within one percent");
        assert!((row.get::<_, f64>(5) / 990.0 - 1.0).abs() <= 0.011, "p99 within one percent");
        for period in ["hour", "day", "month", "nonsense"] {
            let usage = client.query_one(
                &format!(
                    "SELECT endpoint, request_count, unique_users, avg_response_time::float8, error_rate::float8
                          FROM canon.get_quota_usage('{ORG}', '{period}')"
                ),
                &[],
            )?;
            assert_eq!(
                (usage.get::<_, String>(0), usage.get::<_, i64>(1), usage.get::<_, i64>(2)),
                ("/y".to_owned(), 1000, 1)
            );
            assert_eq!((usage.get::<_, f64>(3), usage.get::<_, f64>(4)), (500.5, 10.0), "{period}");
        }
    }
    Ok(())
}

#[test]
fn cleaning_up_counts_what_it_removes() -> Result<()> {
    let (app, db) = platform("cleanup")?;
    db.connect()?.batch_execute(&format!(
        "INSERT INTO saas.api_rate_limits (organization_id, endpoint, window_start)
         VALUES ('{ORG}', 'old', now() - interval '8 days'), ('{ORG}', 'new', now() - interval '6 days');
         INSERT INTO saas.rate_limit_tracking (organization_id, resource_type, endpoint, request_timestamp)
         VALUES ('{ORG}', 'r', 'old', now() - interval '31 days'), ('{ORG}', 'r', 'new', now());
         INSERT INTO saas.api_usage_statistics (organization_id, endpoint, date)
         VALUES ('{ORG}', 'old', now() - interval '92 days'), ('{ORG}', 'new', now());
         -- An old alert that somebody has acknowledged since: its status machine lets none begin so.
         SET session_replication_role = replica;
         INSERT INTO saas.quota_alerts (organization_id, alert_type, policy_name, current_usage, limit_value, message, is_acknowledged, created_at)
         VALUES ('{ORG}', 'warning', 'p', 1, 1, 'old', true, now() - interval '31 days'),
                ('{ORG}', 'warning', 'p', 1, 1, 'unread', false, now() - interval '31 days')"
    ))?;
    let mut client = db.connect_as(app.name())?;
    let removed: i32 = client.query_one("SELECT canon.cleanup_old_rate_limit_data()", &[])?.get(0);
    assert_eq!(removed, 4);
    assert_eq!(client.query_one("SELECT canon.cleanup_old_rate_limit_data()", &[])?.get::<_, i32>(0), 0);
    Ok(())
}

#[test]
fn unknown_organisations_and_missing_packs_are_handled() -> Result<()> {
    let (app, db) = platform("unknown")?;
    let mut client = db.connect_as(app.name())?;
    let nobody = "0c000000-0000-4000-8000-000000000009";
    // Limited like any other, and left out of the tables, whose keys would refuse it.
    let check = format!("SELECT canon.check_rate_limit('{nobody}', '{nobody}', '/x', 1)");
    assert!(!yes(&mut client, &check)?);
    assert!(yes(&mut client, &check)?);
    client.batch_execute(&format!("SELECT canon.record_api_usage('{nobody}', '{nobody}', '/x'); SELECT canon.record_api_usage('{ORG}', '{nobody}', '/x')"))?;
    let mut owner = db.connect()?;
    let rows = "SELECT coalesce(sum(total_requests), 0) FROM saas.api_usage_statistics WHERE user_id IS NULL";
    assert!(wait_until(|| number(&mut owner, rows).is_ok_and(|n| n == 1)));
    for call in [
        "check_rate_limit(NULL, 'r')",
        "check_rate_limit(NULL, NULL, '/x', 5)",
        "get_quota_usage(NULL)",
        "record_api_usage(NULL, NULL, '/x')",
    ] {
        refused(&mut client, &format!("SELECT canon.{call}"), &SqlState::NULL_VALUE_NOT_ALLOWED)?;
    }
    for limit in ["0", "-1"] {
        refused(
            &mut client,
            &format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', {limit})"),
            &SqlState::INVALID_PARAMETER_VALUE,
        )?;
    }
    refused(
        &mut client,
        &format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', 1, 0)"),
        &SqlState::INVALID_PARAMETER_VALUE,
    )?;

    let bare = canon_database("bare")?;
    let mut client = bare.connect()?;
    let refusal = refused(
        &mut client,
        &format!("SELECT * FROM {}", quota("/x", "user")),
        &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
    )?;
    assert_eq!(refusal.hint(), Some("SELECT * FROM canon.install('saas');"));
    Ok(())
}

/// Without grants nobody may spend the quota of an organisation, or read about it.
#[test]
fn nobody_may_call_them_without_a_grant() -> Result<()> {
    let stranger = server().role("stranger")?;
    let (_app, db) = platform("no_grant")?;
    let mut client = db.connect_as(stranger.name())?;
    for call in [
        format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', 5)"),
        format!("SELECT * FROM canon.check_rate_limit('{ORG}', 'r')"),
        format!("SELECT * FROM {}", quota("/x", "user")),
        format!("SELECT * FROM canon.get_quota_usage('{ORG}')"),
        format!("SELECT canon.record_api_usage('{ORG}', NULL, '/x')"),
        "SELECT canon.cleanup_old_rate_limit_data()".to_owned(),
        "SELECT canon.usage_flush()".to_owned(),
    ] {
        refused(&mut client, &call, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    Ok(())
}

/// What is written runs with the rights of the pack's owner, not with those of the worker, which is a
/// superuser, nor of the extension's owner.
#[test]
fn a_trigger_on_the_pack_gains_nothing() -> Result<()> {
    let installer = server().role("installer")?;
    let db = canon_database("gains")?;
    let mut owner = db.connect()?;
    owner.batch_execute(&format!("GRANT CREATE ON DATABASE \"{}\" TO {installer}", db.name()))?;
    let mut client = db.connect_as(installer.name())?;
    client.batch_execute("SELECT canon.install('saas')")?;
    client.batch_execute(&format!(
        "INSERT INTO saas.organizations (id, name) VALUES ('{ORG}', 'Acme');
         CREATE TABLE saas.who (name text);
         CREATE FUNCTION saas.spy() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO saas.who VALUES (current_user); RETURN NEW; END';
         CREATE TRIGGER spy BEFORE INSERT ON saas.api_rate_limits FOR EACH ROW EXECUTE FUNCTION saas.spy()"
    ))?;
    yes(&mut owner, &format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', 5)"))?;
    let spied = "SELECT string_agg(DISTINCT name, ',') FROM saas.who";
    let found = |client: &mut Client| client.query_one(spied, &[]).ok().and_then(|row| row.get::<_, Option<String>>(0));
    assert!(wait_until(|| found(&mut client).is_some()));
    assert_eq!(found(&mut client).as_deref(), Some(installer.name()));
    Ok(())
}

/// Without preloading everything is written by the request itself.
#[test]
fn policies_work_without_preloading() -> Result<()> {
    let (cluster, db) = private(&[("shared_preload_libraries", "")])?;
    let mut client = db.connect()?;
    set_up(&mut client, "postgres")?;
    for k in 1..=3 {
        assert_eq!(yes(&mut client, &format!("SELECT canon.check_rate_limit('{ORG}', NULL, '/x', 2)"))?, k > 2);
    }
    assert_eq!(number(&mut client, "SELECT sum(request_count) FROM saas.api_rate_limits")?, 3);
    assert!(yes(&mut client, &format!("SELECT allowed FROM {}", quota("/send-email", "user")))?);
    client.batch_execute(&format!(
        "SELECT canon.record_api_usage('{ORG}', '{USER}', '/y', p_response_time_ms => 12.5)"
    ))?;
    assert_eq!(number(&mut client, "SELECT sum(total_requests) FROM saas.api_usage_statistics")?, 1);
    drop(cluster);
    Ok(())
}
