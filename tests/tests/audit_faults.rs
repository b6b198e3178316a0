//! The ledger on a machine that fails it.

use anyhow::{Context, Result, ensure};
use canon_tests::{PrivateCluster, capture, server, wait_until};

/// Files cannot grow any more, for writers and the sealer alike; then they can again.
#[test]
fn where_files_cannot_grow_changes_fail_and_nothing_is_lost() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[("canon.audit_seal_interval", "20ms")])?;
    let db = cluster.server().database("full")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE TABLE t (id bigserial PRIMARY KEY, v text); SELECT canon.audit_enable('t')",
    )?;
    let insert = "INSERT INTO t (v) SELECT repeat(md5(g::text), 30) FROM generate_series(1, 500) g";
    client.batch_execute(insert)?;
    // Children of the main process inherit its limit: new sessions, and a new worker. Segments of the log are
    // longer than a table may become, and are there already.
    let limit = |bytes: &str| -> Result<()> {
        let mut prlimit = cluster.server_program("/usr/bin/prlimit")?;
        prlimit.arg(format!("--fsize={bytes}")).arg("--pid").arg(cluster.postmaster_pid()?.to_string());
        capture(&mut prlimit).map(|_| ())
    };
    limit("20971520:")?;
    client.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_canon worker' AND datname = current_database()",
    )?;
    drop(client);
    let mut client = db.connect()?;
    let mut committed = 500;
    let error = loop {
        match client.batch_execute(insert) {
            Ok(()) => committed += 500,
            Err(error) => break error,
        }
        ensure!(committed < 100_000, "files grow on");
    };
    let text = error.as_db_error().context("not an error of the server")?.message().to_owned();
    ensure!(text.contains("could not"), "{text}");
    let rows = |client: &mut postgres::Client| -> Result<(i64, i64)> {
        let row = client.query_one(
            "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM canon.audit_entry WHERE operation = 'INSERT')",
            &[],
        )?;
        Ok((row.get(0), row.get(1)))
    };
    assert_eq!(rows(&mut client)?, (committed, committed));
    limit("unlimited:")?;
    cluster.restart()?;
    let mut client = db.connect()?;
    client.batch_execute(insert)?;
    let sealed = wait_until(|| client.query_one("SELECT canon.audit_await_seal(1000)", &[]).is_ok());
    ensure!(sealed, "{}", cluster.log_tail(30));
    assert_eq!(rows(&mut client)?, (committed + 500, committed + 500));
    let row =
        client.query_one("SELECT ok, entries, COALESCE(problem, '') FROM canon.audit_verify(live => true)", &[])?;
    assert!(row.get::<_, bool>(0), "{}", row.get::<_, &str>(2));
    assert_eq!(row.get::<_, i64>(1), committed + 501);
    Ok(())
}
