//! The audit ledger against no audit and the triggers that people write: what recording costs, and
//! how fast sealing and verification are.
//!
//! Load comes from pgbench on the machine of the server. The servers are private ones that live in
//! memory, so that no disk disturbs: one flushes its log in a fixed time, the other does not wait.

use std::fs::write;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use postgres::Client;
use tempfile::TempDir;
use xtask::{Database, PrivateCluster, Server, capture};

use crate::case::Contender;
use crate::{Benchmark, Case, Round, Unit};

/// The benchmark.
pub(crate) const AUDIT: Benchmark =
    Benchmark { name: "audit", about: "audit ledger: recording against other audit triggers; sealing, proofs", cases };

const SETUP: &str = include_str!("audit.sql");

const INSERT: &str = "INSERT INTO orders_TABLE (customer, amount, status, note) \
     VALUES (:customer, 12.50, 'new', 'a note of an ordinary length for an order');";

/// Entries that sealing, verification and proofs work on.
const ENTRIES: i64 = 200_000;

/// Every flush takes a millisecond: the first waits that long, and takes all that came meanwhile along.
const FLUSH: &[(&str, &str)] = &[("fsync", "on"), ("commit_delay", "1000"), ("commit_siblings", "0")];
/// Nobody waits for the log.
const NO_WAIT: &[(&str, &str)] = &[("synchronous_commit", "off")];
/// No worker, so that sealing happens when it is measured.
const NO_WORKER: &[(&str, &str)] = &[("synchronous_commit", "off"), ("shared_preload_libraries", "")];

struct Bench {
    db: Database,
    scripts: TempDir,
    /// Dropped last.
    _cluster: PrivateCluster,
}

impl Bench {
    fn start(server: &Server, settings: &[(&str, &str)]) -> Result<Rc<Self>> {
        let mut all = vec![("shared_buffers", "512MB"), ("max_wal_size", "8GB"), ("checkpoint_timeout", "1h")];
        all.extend(settings);
        let memory = Path::new("/dev/shm");
        let cluster = PrivateCluster::start_in(if memory.is_dir() { memory } else { Path::new("/tmp") }, server, &all)?;
        let db = cluster.server().database("bench_audit")?;
        db.connect()?.batch_execute(SETUP)?;
        Ok(Rc::new(Self { db, scripts: tempfile::tempdir()?, _cluster: cluster }))
    }

    fn client(&self) -> Result<Client> {
        self.db.connect()
    }

    /// Transactions in a second of one `INSERT` each; with `rate` no more than that.
    fn pgbench(&self, table: &str, round: Round, rate: Option<u32>) -> Result<f64> {
        let file = self.scripts.path().join(format!("{table}.sql"));
        write(&file, format!("\\set customer random(1, 100000)\n{}\n", INSERT.replace("TABLE", table)))?;
        let mut pgbench = self.db.program("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--client", &round.clients.to_string()]);
        pgbench.args(["--jobs", &round.clients.min(2).to_string()]);
        if let Some(rate) = rate {
            pgbench.args(["--rate", &rate.to_string()]);
        }
        pgbench.args(["--time", &round.duration.as_secs().max(1).to_string(), "--file"]).arg(&file);
        let report = capture(&mut pgbench)?;
        let tps = report.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench reported no tps")?;
        Ok(tps.split_whitespace().next().unwrap_or_default().parse()?)
    }
}

fn cases(server: &Server) -> Result<Vec<Case>> {
    let (flush, busy) = (Bench::start(server, FLUSH)?, Bench::start(server, NO_WAIT)?);
    let mut cases = Vec::new();
    for (name, bench) in [("flush of 1 ms", &flush), ("no flush", &busy)] {
        for clients in [1, 2, 8, 32] {
            cases.push(recording(bench, name, clients));
        }
    }
    cases.push(open_transaction(&busy));
    cases.push(lag(&busy));
    let still = Bench::start(server, NO_WORKER)?;
    cases.push(sealing(&still));
    cases.push(verification(&still, 1));
    cases.push(verification(&still, 2));
    cases.extend(proof(&still));
    Ok(cases)
}

fn recording(bench: &Rc<Bench>, name: &str, clients: usize) -> Case {
    let contender = |table: &'static str| -> Contender {
        let bench = Rc::clone(bench);
        Box::new(move |round| {
            let rate = bench.pgbench(table, round, None)?;
            // What is left to seal must not slow down whoever comes next.
            bench.client()?.query_one("SELECT canon.audit_await_seal(600000)", &[])?;
            Ok(rate)
        })
    };
    Case::new(format!("INSERT, {name}"), clients, Unit::OpsPerSecond, contender("ours"))
        .against("no audit", contender("none"))
        .against("plain jsonb trigger", contender("plain"))
        .against("supa_audit style", contender("supa"))
        .against("one chain, locked", contender("chain"))
        .keeping(Rc::clone(bench))
}

/// The same load while another transaction with an entry of its own stays open, and one that reads.
fn open_transaction(bench: &Rc<Bench>) -> Case {
    let (with, without) = (Rc::clone(bench), Rc::clone(bench));
    let ours = move |round| {
        let mut holder = with.client()?;
        holder.batch_execute("BEGIN; INSERT INTO orders_ours (customer, amount, status) VALUES (0, 0, 'held')")?;
        let mut reader = with.client()?;
        reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM canon.audit_ledger")?;
        let rate = with.pgbench("ours", round, None)?;
        with.client()?.query_one("SELECT canon.audit_await_seal(600000)", &[])?;
        reader.batch_execute("COMMIT")?;
        holder.batch_execute("COMMIT")?;
        Ok(rate)
    };
    let alone = move |round| {
        let rate = without.pgbench("ours", round, None)?;
        without.client()?.query_one("SELECT canon.audit_await_seal(600000)", &[])?;
        Ok(rate)
    };
    Case::new("INSERT, no flush, transactions open elsewhere", 8, Unit::OpsPerSecond, ours)
        .against("none open", alone)
        .keeping(Rc::clone(bench))
}

/// The time from recording to the block that seals, which 99 of 100 entries stay below.
fn lag(bench: &Rc<Bench>) -> Case {
    let kept = Rc::clone(bench);
    let run = move |round: Round| {
        let mut client = kept.client()?;
        let from: i64 = client.query_one("SELECT COALESCE(max(position), -1) FROM canon.audit_position", &[])?.get(0);
        let rate = kept.pgbench("ours", round, Some(10_000))?;
        ensure!(rate > 9_000.0, "only {rate} rows a second");
        client.query_one("SELECT canon.audit_await_seal(600000)", &[])?;
        let sql = "SELECT 1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM b.sealed_at - p.recorded_at)::float8)
             FROM canon.audit_block AS b JOIN canon.audit_position AS p ON p.position >= b.size - b.entries AND p.position < b.size
             WHERE p.position > $1";
        Ok(client.query_one(sql, &[&from])?.get(0))
    };
    Case::new("seal lag at 10,000 rows/s, 99th percentile", 8, Unit::Milliseconds, run).keeping(Rc::clone(bench))
}

fn load(bench: &Bench, entries: i64) -> Result<()> {
    bench.client()?.execute(
        "INSERT INTO orders_ours (customer, amount, status, note)
         SELECT g::int, 12.50, 'new', 'a note of an ordinary length for an order' FROM generate_series(1, $1::bigint) AS g",
        &[&entries],
    )?;
    Ok(())
}

/// Leaves sealed in a second by one process.
fn sealing(bench: &Rc<Bench>) -> Case {
    let kept = Rc::clone(bench);
    let run = move |_| {
        load(&kept, ENTRIES)?;
        let mut client = kept.client()?;
        let start = Instant::now();
        let sealed: i64 = client.query_one("SELECT canon.audit_seal(100000000)", &[])?.get(0);
        ensure!(sealed >= ENTRIES, "{sealed} sealed");
        Ok(sealed as f64 / start.elapsed().as_secs_f64())
    };
    Case::new("sealing, one process", 1, Unit::RowsPerSecond, run).keeping(Rc::clone(bench))
}

/// Entries verified in a second, from the stored bytes up, by so many sessions with a range of blocks each.
fn verification(bench: &Rc<Bench>, sessions: usize) -> Case {
    let kept = Rc::clone(bench);
    let run = move |_| {
        let blocks: i64 = kept.client()?.query_one("SELECT max(block) FROM canon.audit_block", &[])?.get(0);
        let count = i64::try_from(sessions)?;
        let ranges: Vec<_> =
            (0..count).map(|k| (k * blocks / count + 1, (k + 1 < count).then_some((k + 1) * blocks / count))).collect();
        let clients: Vec<Client> = ranges.iter().map(|_| kept.client()).collect::<Result<_>>()?;
        let start = Instant::now();
        let verified = std::thread::scope(|scope| {
            let running: Vec<_> = clients
                .into_iter()
                .zip(&ranges)
                .map(|(client, range)| scope.spawn(move || verify_range(client, *range)))
                .collect();
            running.into_iter().map(|one| one.join().map_err(|_| anyhow!("a session panicked"))?).sum::<Result<i64>>()
        })?;
        Ok(verified as f64 / start.elapsed().as_secs_f64())
    };
    Case::new("verification", sessions, Unit::RowsPerSecond, run).keeping(Rc::clone(bench))
}

fn verify_range(mut client: Client, (from, to): (i64, Option<i64>)) -> Result<i64> {
    // A single session verifies everything, as most calls do.
    let from = (from > 1).then_some(from);
    let sql = "SELECT ok, entries, problem FROM canon.audit_verify(from_block => $1, to_block => $2)";
    let row = client.query_one(sql, &[&from, &to])?;
    ensure!(row.get::<_, bool>(0), "{:?}", row.get::<_, Option<String>>(2));
    Ok(row.get(1))
}

/// Bytes of the hashes of an inclusion proof, and the time it takes.
fn proof(bench: &Rc<Bench>) -> [Case; 2] {
    let (size, time) = (Rc::clone(bench), Rc::clone(bench));
    const ENTRY: &str = "SELECT entry_id FROM canon.audit_position WHERE position = (SELECT max(position) / 3 FROM canon.audit_position)";
    let size = move |_| {
        let sql = format!("SELECT (32 * jsonb_array_length(canon.audit_prove(({ENTRY})) -> 'path'))::float8");
        Ok(size.client()?.query_one(&sql, &[])?.get(0))
    };
    let time = move |round| {
        let mut client = time.client()?;
        let entry: i64 = client.query_one(ENTRY, &[])?.get(0);
        let prove = client.prepare("SELECT canon.audit_prove($1)")?;
        crate::time_per_call(round, || Ok(client.query_one(&prove, &[&entry]).map(|_| ())?))
    };
    [
        Case::new("inclusion proof, size", 1, Unit::Bytes, size).keeping(Rc::clone(bench)),
        Case::new("receipt with proof", 1, Unit::Microseconds, time).keeping(Rc::clone(bench)),
    ]
}
