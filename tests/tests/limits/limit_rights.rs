//! An application can check, and only operators can reset.

use anyhow::Result;
use canon_tests::{canon_database, refused, server};
use postgres::error::SqlState;

use super::yes;

#[test]
fn an_application_checks_and_an_operator_resets() -> Result<()> {
    let app = server().role("app")?;
    let db = canon_database("rights")?;
    let mut owner = db.connect()?;
    let mut client = db.connect_as(app.name())?;
    let denied = &SqlState::INSUFFICIENT_PRIVILEGE;
    // A key is a shared thing: without a grant nobody can spend, or change the rule, of one.
    let check = "SELECT canon.rate_allow('k', 2, interval '1 year')";
    refused(&mut client, check, denied)?;
    owner.batch_execute(&format!(
        "GRANT EXECUTE ON FUNCTION canon.rate_allow, canon.rate_limit, canon.rate_limit_all TO {app}"
    ))?;
    assert!(yes(&mut client, check)?);
    for tier in ["memory", "table"] {
        let call = format!("SELECT allowed FROM canon.rate_limit('{tier}', 2, interval '1 year', tier => '{tier}')");
        assert!(yes(&mut client, &call)?);
    }
    for forbidden in [
        "SELECT canon.rate_limit_reset('k')",
        "SELECT canon.rate_limit_refund('k')",
        "SELECT canon.rate_limit_inspect('k')",
        "SELECT canon.rate_limit_cleanup()",
        "SELECT canon.rate_step('k', '')",
        "SELECT canon.rate_limit_stats()",
        "SELECT * FROM canon.rate_limit_statistics",
        "TABLE canon.rate_limit_state",
        "DELETE FROM canon.rate_limit_state",
        "SET canon.rate_limit_on_full = allow",
    ] {
        refused(&mut client, forbidden, denied)?;
    }
    owner.batch_execute(&format!("GRANT pg_read_all_stats TO {app}"))?;
    client.query_one("SELECT * FROM canon.rate_limit_statistics", &[])?;
    assert!(yes(&mut owner, "SELECT canon.rate_limit_reset('k')")?);
    assert!(!yes(&mut owner, "SELECT canon.rate_limit_reset('k')")?);
    // Even its owner cannot call the step of a statement that does not exist.
    refused(&mut owner, "SELECT canon.rate_step('k', '')", &SqlState::INTERNAL_ERROR)?;
    Ok(())
}

/// Whatever a caller puts in front of pg_catalog changes nothing.
#[test]
fn a_hostile_search_path_changes_nothing() -> Result<()> {
    let db = canon_database("hostile")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE SCHEMA evil;
         CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
         CREATE FUNCTION evil.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL::text';
         SET search_path = evil, pg_catalog",
    )?;
    let once = "SELECT allowed FROM canon.rate_limit('k', 1, interval '1 year', tier => 'table')";
    assert!(yes(&mut client, once)?);
    assert!(!yes(&mut client, once)?);
    let both = "SELECT allowed FROM canon.rate_limit_all(ARRAY['k', 'l'], ARRAY[1, 1], ARRAY[interval '1 year', interval '1 year'], tier => 'table')";
    assert!(!yes(&mut client, both)?);
    assert!(yes(&mut client, "SELECT allowed FROM canon.rate_limit_peek('l', 1, interval '1 year', tier => 'table')")?);
    Ok(())
}
