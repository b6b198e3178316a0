//! What the extension offers, and to whom.

use std::collections::HashSet;

use anyhow::Result;
use canon_tests::{canon_database, refused, repo_root, server};
use postgres::error::SqlState;

#[test]
fn the_api_listing_is_up_to_date() -> Result<()> {
    let repo = repo_root()?;
    let found = xtask::api::fresh_listing(&server(), &repo)?;
    if let Some(diff) = xtask::api::difference(&repo, &found)? {
        panic!("{diff}\nif the extension is meant to change: {}", xtask::api::FIX);
    }
    Ok(())
}

#[test]
fn public_may_use_the_schema_and_create_nothing_in_it() -> Result<()> {
    let plain = server().role("plain")?;
    let db = canon_database("rights")?;
    let mut client = db.connect()?;
    client.batch_execute(&format!("SET ROLE {plain}"))?;
    client.query_one("SELECT canon.version()", &[])?;
    refused(&mut client, "CREATE TABLE canon.mine (id int)", &SqlState::INSUFFICIENT_PRIVILEGE)?;

    // The same without a superuser's session behind the role.
    let mut client = db.connect_as(plain.name())?;
    client.query_one("SELECT canon.version()", &[])?;
    refused(
        &mut client,
        "CREATE FUNCTION canon.f() RETURNS int LANGUAGE sql RETURN 1",
        &SqlState::INSUFFICIENT_PRIVILEGE,
    )?;
    Ok(())
}

/// Those that no user calls, and trigger functions, are named by what creates them.
#[test]
fn every_function_and_setting_is_in_the_book() -> Result<()> {
    let mut book = std::fs::read_to_string(repo_root()?.join("README.md"))?;
    for page in std::fs::read_dir(repo_root()?.join("docs"))? {
        let page = page?.path();
        if page.extension().is_some_and(|e| e == "md") {
            book.push_str(&std::fs::read_to_string(page)?);
        }
    }
    let words: HashSet<&str> = book.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).collect();
    let db = canon_database("book")?;
    let names = db.psql(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'canon'::regnamespace
           AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
           AND obj_description(oid, 'pg_proc') NOT LIKE 'For the extension only:%'
         UNION ALL SELECT name FROM pg_settings WHERE name LIKE 'canon.%'",
    )?;
    let named = |name: &str| words.contains(name) || words.contains(format!("canon.{name}").as_str());
    let missing: Vec<&str> = names.lines().filter(|name| !named(name)).collect();
    assert!(names.lines().count() > 100 && missing.is_empty(), "no page of docs/ names {missing:?}");
    Ok(())
}

#[test]
fn every_function_has_a_comment() -> Result<()> {
    let db = canon_database("comments")?;
    let silent = db.psql(
        "SELECT d.objid::regprocedure FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
           AND e.extname = 'pg_canon' AND obj_description(d.objid, 'pg_proc') IS NULL ORDER BY 1",
    )?;
    assert!(silent.is_empty(), "functions without COMMENT ON FUNCTION:\n{silent}");
    Ok(())
}
