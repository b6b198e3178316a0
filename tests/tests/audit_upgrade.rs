//! A ledger that goes from one server to another by dump, as with an upgrade of PostgreSQL.
//!
//! With `PG_CANON_UPGRADE=/some/folder` the dump is kept there, and taken from there where it is already: run on one
//! version and then on another, the test is the upgrade. See CONTRIBUTING.md.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use canon_core::ledger::note::Signer;
use canon_tests::{Database, PrivateCluster, canon, capture, server, wait_until};
use postgres::Client;

/// Every kind of table and column that the ledger knows, with content of all of them.
const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'glad');
    CREATE TABLE kinds (id int PRIMARY KEY, n numeric, f float8, t text, by bytea, u uuid, tz timestamptz, iv interval,
        j json, jb jsonb, a int[], m mood, r tstzrange, big text, tt timetz, ip inet);
    CREATE TABLE parts (id int, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
    CREATE TABLE parts_0 PARTITION OF parts FOR VALUES FROM (0) TO (100);
    CREATE TABLE strict (id int PRIMARY KEY); CREATE TABLE lanes (id int PRIMARY KEY);
    CREATE TABLE log (id bigserial PRIMARY KEY, tenant int, what text, previous_hash text, audit_chain_hash text,
        verified boolean DEFAULT false);
    SELECT canon.audit_enable('kinds', full_images => true), canon.audit_enable('parts', chain_by => 'k'),
        canon.audit_enable('strict', mode => 'strict'), canon.audit_enable('lanes', mode => 'lanes'),
        canon.audit_seal_table('log', chain_by => 'tenant')";

/// A batch of changes; each is sealed before the next.
fn work(client: &mut Client, round: i32) -> Result<()> {
    client.batch_execute(&format!(
        "INSERT INTO kinds VALUES ({round}, 12345.6780, 1e300, E'tab\\tZoë', '\\x00ff', gen_random_uuid(),
             '2024-02-29 23:59:59.999999+05', '1 year -3 days 04:05:06.7', '{{\"a\":  1}}', '{{\"b\": 1.10}}', '{{1,NULL}}',
             'glad', '[2024-01-01 00:00+00,)', repeat('toast ', 20000), '12:00:00-08', '10.0.0.1/8');
         UPDATE kinds SET n = 'NaN', t = NULL WHERE id = {round};
         INSERT INTO parts SELECT g, g % 3 FROM generate_series({round} * 10, {round} * 10 + 9) AS g;
         INSERT INTO strict VALUES ({round}); INSERT INTO lanes VALUES ({round});
         INSERT INTO log (tenant, what) SELECT g % 2, 'event ' || g FROM generate_series(1, 4) AS g;
         DELETE FROM parts WHERE id = {round} * 10"
    ))?;
    client.query_one("SELECT canon.audit_seal()", &[])?;
    Ok(())
}

/// Entries, removed and redacted ones; fails where verification does.
fn verify(client: &mut Client, after: &str) -> Result<(i64, i64, i64)> {
    let row = client.query_one(
        "SELECT ok, first_bad, COALESCE(problem, ''), entries, removed, redacted, signed_checkpoints
         FROM canon.audit_verify(live => true)",
        &[],
    )?;
    let (first, problem) = (row.get::<_, Option<i64>>(1), row.get::<_, &str>(2));
    ensure!(row.get::<_, bool>(0), "after {after}: entry {first:?}: {problem}");
    ensure!(row.get::<_, i64>(6) > 0, "no checkpoint was verified");
    Ok((row.get(3), row.get(4), row.get(5)))
}

/// Where a ledger is on its way.
struct Luggage(PathBuf);

impl Luggage {
    fn dump(&self) -> PathBuf {
        self.0.join("dump.sql")
    }

    fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// A server that signs with the key of the ledger, and adds to the checkpoints that were exported.
    fn server(&self) -> Result<PrivateCluster> {
        let cluster = PrivateCluster::start_new(&server(), &[])?;
        let (key, checkpoints) = (cluster.data.join("canon.key"), cluster.data.join("checkpoints"));
        let secret = self.0.join("secret");
        fs::write(&secret, signer()?.secret())?;
        for (from, to) in [(secret, &key), (self.checkpoints(), &checkpoints)] {
            if from.is_file() {
                // The server's user must own the copy, and may not be able to read here.
                capture(cluster.server_program("/usr/bin/tee")?.arg(to).stdin(fs::File::open(&from)?))?;
            }
        }
        let mut admin = cluster.server().admin()?;
        for (name, value) in [("audit_key_file", key.display()), ("audit_checkpoint_file", checkpoints.display())] {
            admin.batch_execute(&format!("ALTER SYSTEM SET canon.{name} = '{value}'"))?;
        }
        drop(admin);
        cluster.restart()?;
        Ok(cluster)
    }

    /// Packs what the other server needs, and leaves the first one.
    fn pack(&self) -> Result<()> {
        let cluster = self.server()?;
        let db = cluster.server().database("before")?;
        let mut client = db.connect()?;
        client.batch_execute("CREATE EXTENSION pg_canon")?;
        client.batch_execute(TABLES)?;
        for round in 1..=3 {
            work(&mut client, round)?;
        }
        let first: i64 = client.query_one("SELECT min(position) + 40 FROM canon.audit_log", &[])?.get(0);
        let removed: i64 = client
            .query_one(
                "SELECT canon.audit_retain((SELECT recorded_at FROM canon.audit_log WHERE position = $1), 'a year')",
                &[&first],
            )?
            .get(0);
        ensure!(removed > 0, "nothing was removed");
        for sql in [
            "SELECT canon.audit_redact(ARRAY(SELECT id FROM canon.audit_log WHERE row_key = '3' AND position IS NOT NULL
                 AND relation = 'public.strict'), 'a request')",
            "SELECT canon.audit_seal()",
            "SELECT canon.audit_seal()",
        ] {
            client.batch_execute(sql)?;
        }
        verify(&mut client, "all that can happen to a ledger")?;
        // What is dumped is not all sealed.
        for sql in [
            "ALTER SYSTEM SET canon.audit_seal_interval = '60s'",
            "SELECT pg_reload_conf()",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_canon worker'",
            "UPDATE kinds SET f = 0.1",
        ] {
            client.batch_execute(sql)?;
        }
        fs::write(self.dump(), capture(&mut db.program("pg_dump"))?)?;
        fs::copy(cluster.data.join("checkpoints"), self.checkpoints())?;
        Ok(())
    }
}

fn signer() -> Result<Signer> {
    Ok(Signer::new("upgrade", [9; 32])?)
}

/// `canon verify` on a dump, with the public key and checkpoints.
fn offline(db: &Database, checkpoints: &Path) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let dump = folder.path().join("dump.sql");
    fs::write(&dump, capture(&mut db.program("pg_dump"))?)?;
    let path = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no text");
    let key = signer()?.verifier().to_string();
    let ran =
        canon(folder.path(), &["verify", &path(&dump)?, "--key", &key, "--checkpoints", &path(checkpoints)?], &[])?;
    ensure!(ran.code == 0, "{}{}", ran.out, ran.err);
    Ok(ran.out)
}

#[test]
fn a_ledger_goes_on_in_another_server_after_a_dump() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let kept = std::env::var_os("PG_CANON_UPGRADE").map(PathBuf::from);
    let luggage = Luggage(kept.unwrap_or_else(|| temporary.path().to_owned()));
    if !luggage.dump().is_file() {
        luggage.pack()?;
    }
    let text = fs::read_to_string(luggage.dump())?;
    let from = text.lines().find_map(|line| line.strip_prefix("-- Dumped from database version "));
    let cluster = luggage.server()?;
    let db = cluster.server().database("after")?;
    // The worker adopts the ledger as soon as the extension is there: not before the dump is read.
    let mut psql = db.program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--output=/dev/null"]);
    capture(psql.stdin(fs::File::open(luggage.dump())?))?;
    let mut client = db.connect()?;
    let to: String = client.query_one("SHOW server_version", &[])?.get(0);
    eprintln!("dumped from PostgreSQL {}, restored in {to}", from.unwrap_or("?"));

    client.query_one("SELECT canon.audit_seal()", &[])?;
    let (entries, removed, redacted) = verify(&mut client, "the restore")?;
    ensure!(removed > 0 && redacted > 0, "{removed} removed, {redacted} redacted");
    for round in 11..=13 {
        work(&mut client, round)?;
        let (more, ..) = verify(&mut client, "going on")?;
        ensure!(more > entries, "{more} entries, {entries} before");
    }
    let chains: i64 = client
        .query_one(
            "SELECT count(*) FROM log AS a JOIN log AS b ON a.previous_hash = b.audit_chain_hash AND a.tenant = b.tenant
             WHERE a.id > 12 AND b.id <= 12",
            &[],
        )?
        .get(0);
    assert_eq!(chains, 2, "the chain of each tenant goes on where it was");
    let incarnations: i64 = client.query_one("SELECT count(DISTINCT incarnation) FROM canon.audit_block", &[])?.get(0);
    assert_eq!(incarnations, 2);
    client.query_one("SELECT canon.audit_seal()", &[])?;
    let all = cluster.data.join("checkpoints");
    ensure!(wait_until(|| fs::metadata(&all).is_ok_and(|now| now.len() > 0)), "no checkpoint was exported");
    // Against what was exported before the restore, and with what has been exported since.
    for checkpoints in [luggage.checkpoints(), all] {
        let said = offline(&db, &checkpoints)?;
        ensure!(said.contains("ok"), "{said}");
    }
    Ok(())
}
