//! The recipe for PostgREST in the documentation, called as PostgREST calls it.

use anyhow::{Context, Result};
use canon_tests::{canon_database, refused, server};
use postgres::error::SqlState;

/// The function of the page, word for word.
fn recipe() -> Result<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md"))?;
    let start = page.find("CREATE FUNCTION public.limit_request()").context("the page has no recipe")?;
    let end = start + page[start..].find("END $$;").context("the recipe has no end")? + "END $$;".len();
    Ok(page[start..end].to_owned())
}

/// PostgREST switches to the role of the request, sets its claims and headers, calls the function in
/// the transaction of the request, and reads the headers of the answer from a setting.
#[test]
fn a_request_too_many_is_answered_with_429_and_retry_after() -> Result<()> {
    let anonymous = server().role("anonymous")?;
    let db = canon_database("gateway")?;
    let mut owner = db.connect()?;
    owner.batch_execute(&recipe()?)?;
    let mut client = db.connect_as(anonymous.name())?;
    let begin = |who: &str| {
        format!(
            "BEGIN; SELECT set_config('request.jwt.claims', '{{\"sub\": \"{who}\"}}', true),
                 set_config('request.headers', '{{\"x-forwarded-for\": \"192.0.2.7\"}}', true)"
        )
    };
    for k in 1..=100 {
        client.batch_execute(&begin("ada"))?;
        client.batch_execute("SELECT public.limit_request()")?;
        let headers: serde_json::Value =
            serde_json::from_str(&client.query_one("SHOW response.headers", &[])?.get::<_, String>(0))?;
        let remaining = headers[1]["RateLimit"].as_str().context("no RateLimit")?.to_owned();
        assert_eq!(headers[0]["RateLimit-Policy"], "\"default\";q=100;w=60");
        // Later ones depend on how fast the machine is: a unit comes back every 0.6 seconds.
        assert!(k > 1 || remaining == "\"default\";r=99;t=1", "{remaining}");
        client.batch_execute("COMMIT")?;
    }
    let mut denied = None;
    for _ in 0..100 {
        client.batch_execute(&begin("ada"))?;
        let answer = client.batch_execute("SELECT public.limit_request()");
        client.batch_execute("ROLLBACK")?;
        if let Err(error) = answer {
            denied = Some(error);
            break;
        }
    }
    let error = denied.context("never denied")?;
    let error = error.as_db_error().context("no error of the server")?;
    assert_eq!(error.code(), &SqlState::from_code("PGRST"));
    let message: serde_json::Value = serde_json::from_str(error.message())?;
    assert_eq!(message["code"], "rate_limited");
    let detail: serde_json::Value = serde_json::from_str(error.detail().context("no detail")?)?;
    assert_eq!(detail["status"], 429);
    assert_eq!(detail["headers"]["Retry-After"], "1");
    // Somebody else is not concerned, and the role may not get at the limiter itself.
    client.batch_execute(&begin("bob"))?;
    client.batch_execute("SELECT public.limit_request(); COMMIT")?;
    refused(&mut client, "SELECT canon.rate_limit_reset('api:ada')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    Ok(())
}
