//! Rate limits against an empty query, counters in tables, and Redis.
//!
//! Load comes from pgbench and redis-benchmark, over Unix sockets, on the machine of the servers, so
//! that clients cost about the same on both sides.

use std::fs::write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use xtask::{Database, Server, capture, wait_until};

use crate::case::Contender;
use crate::{Benchmark, Case, Round, Unit};

/// The benchmark.
pub(crate) const RATE: Benchmark =
    Benchmark { name: "rate", about: "Rate limits: memory tier against SELECT 1, upserts, and Redis", cases };

/// A limit that is not reached, so that every check spends.
const RULE: &str = "1000000000, interval '1 second'";

const UPSERT: &str = "INSERT INTO TABLE_NAME AS c (key, hits) VALUES ('k' || :k, 1) \
     ON CONFLICT (key) DO UPDATE SET hits = c.hits + 1 WHERE c.hits < 1000000000 RETURNING hits;";

/// GCRA in one script: TAT in microseconds, by Redis' own clock.
const LUA: &str = "local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] \
     local tat = tonumber(redis.call('GET', KEYS[1]) or 0) if tat < now then tat = now end \
     local new = tat + tonumber(ARGV[2]) if new - now > tonumber(ARGV[1]) then return 0 end \
     redis.call('SET', KEYS[1], string.format('%.0f', new), 'PX', 60000) return 1";

/// Calls of a function within one statement.
const CALLS: i64 = 100_000;

struct Peers {
    db: Database,
    scripts: TempDir,
    redis: Redis,
}

fn cases(server: &Server) -> Result<Vec<Case>> {
    let db = server.database("bench_rate")?;
    db.connect()?.batch_execute(
        "CREATE EXTENSION pg_canon;
         CREATE TABLE logged (key text PRIMARY KEY, hits bigint NOT NULL) WITH (fillfactor = 50);
         CREATE UNLOGGED TABLE unlogged (key text PRIMARY KEY, hits bigint NOT NULL) WITH (fillfactor = 50)",
    )?;
    let peers = Rc::new(Peers { db, scripts: tempfile::tempdir()?, redis: Redis::start()? });
    let mut cases = Vec::new();
    for clients in [1, 2, 8] {
        for (name, keys) in [("hot key", 1), ("10,000 keys", 10_000)] {
            cases.push(one_key(&peers, name, keys, clients)?);
        }
        cases.push(levels(&peers, clients)?);
        cases.push(durable(&peers, clients)?);
    }
    cases.push(in_process(&peers, "in process, one key", &format!("canon.rate_allow('hot', {RULE})")));
    cases.push(in_process(
        &peers,
        "in process, three levels",
        "canon.rate_allow_all('{org,user,endpoint}', '{1000000000,1000000000,1000000000}', '{1 s,1 s,1 s}')",
    ));
    cases.push(log_written(&peers));
    Ok(cases)
}

fn one_key(peers: &Rc<Peers>, name: &str, keys: u32, clients: usize) -> Result<Case> {
    let ours = format!("SELECT canon.rate_allow('k' || :k, {RULE});");
    let upsert = |table: &str| UPSERT.replace("TABLE_NAME", table);
    let case = Case::new(name, clients, Unit::OpsPerSecond, pgbench(peers, &ours, keys)?)
        .against("SELECT 1", pgbench(peers, "SELECT 1;", keys)?)
        .against("UNLOGGED upsert", pgbench(peers, &upsert("unlogged"), keys)?)
        .against("logged upsert", pgbench(peers, &upsert("logged"), keys)?)
        .against("Redis INCR", redis(peers, keys, vec!["INCR".into(), "k:__rand_int__".into()]))
        .against("Redis Lua GCRA", redis(peers, keys, peers.redis.gcra()?));
    Ok(case.keeping(Rc::clone(peers)))
}

/// A quota that a crash does not forget, against a counter in a row.
fn durable(peers: &Rc<Peers>, clients: usize) -> Result<Case> {
    let ours = "SELECT allowed FROM canon.rate_limit('quota', 1000000000, '1 day', algorithm => 'fixed_window', \
                tier => 'leased');";
    let case = Case::new("durable quota", clients, Unit::OpsPerSecond, pgbench(peers, ours, 1)?)
        .against("SELECT 1", pgbench(peers, "SELECT 1;", 1)?)
        .against("logged upsert", pgbench(peers, &UPSERT.replace("TABLE_NAME", "logged"), 1)?);
    Ok(case.keeping(Rc::clone(peers)))
}

fn levels(peers: &Rc<Peers>, clients: usize) -> Result<Case> {
    let arguments = "ARRAY['org', 'user' || :k, 'endpoint'], ARRAY[1000000000, 1000000000, 1000000000], \
                     '{1 s,1 s,1 s}'";
    let lean = format!("SELECT canon.rate_allow_all({arguments});");
    let whole = format!("SELECT canon.rate_limit_all({arguments});");
    let case = Case::new("three levels", clients, Unit::OpsPerSecond, pgbench(peers, &lean, 10_000)?)
        .against("SELECT 1", pgbench(peers, "SELECT 1;", 10_000)?)
        .against("with the whole answer", pgbench(peers, &whole, 10_000)?);
    Ok(case.keeping(Rc::clone(peers)))
}

/// Microseconds of a call, without those of the loop around it: the fastest of many loops with the
/// call, less the fastest of as many without it, because whatever disturbs a loop makes it slower.
fn in_process(peers: &Rc<Peers>, name: &str, call: &str) -> Case {
    let kept = Rc::clone(peers);
    let sql = format!("SELECT count(*) FROM generate_series(1, {CALLS}) AS k WHERE {call}");
    let run = move |round: Round| -> Result<f64> {
        let mut client = kept.db.connect()?;
        client.batch_execute("SET jit = off; SET max_parallel_workers_per_gather = 0")?;
        let mut time = |sql: &str| -> Result<f64> {
            let start = std::time::Instant::now();
            client.query_one(sql, &[])?;
            Ok(start.elapsed().as_secs_f64() * 1e6 / CALLS as f64)
        };
        let loop_only = format!("SELECT count(*) FROM generate_series(1, {CALLS}) AS k WHERE k > 0");
        let (mut empty, mut called) = (f64::MAX, f64::MAX);
        let start = std::time::Instant::now();
        while start.elapsed() < round.duration || called == f64::MAX {
            empty = empty.min(time(&loop_only)?);
            called = called.min(time(&sql)?);
        }
        Ok(called - empty)
    };
    Case::new(name, 1, Unit::Microseconds, run)
}

/// Bytes of write-ahead log for a check.
fn log_written(peers: &Rc<Peers>) -> Case {
    let bytes = |sql: String| -> Contender {
        let peers = Rc::clone(peers);
        Box::new(move |_| {
            let mut client = peers.db.connect()?;
            // Full-page images belong to the checkpoint, not to the check.
            client.batch_execute(&format!("{sql}; CHECKPOINT; {sql}"))?;
            let position: String = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[])?.get(0);
            for _ in 0..1_000 {
                client.batch_execute(&sql)?;
            }
            let written = "SELECT (pg_current_wal_insert_lsn() - $1::text::pg_lsn)::float8";
            Ok(client.query_one(written, &[&position])?.get::<_, f64>(0) / 1_000.0)
        })
    };
    let upsert = |table: &str| UPSERT.replace("TABLE_NAME", table).replace(":k", "'wal'");
    Case::new("write-ahead log", 1, Unit::Bytes, bytes(format!("SELECT canon.rate_allow('wal', {RULE})")))
        .against("UNLOGGED upsert", bytes(upsert("unlogged")))
        .against("logged upsert", bytes(upsert("logged")))
}

/// Transactions a second of a script in which `:k` is a random key.
fn pgbench(peers: &Rc<Peers>, sql: &str, keys: u32) -> Result<Contender> {
    let file = tempfile::Builder::new().suffix(".sql").tempfile_in(peers.scripts.path())?.into_temp_path().keep()?;
    write(&file, format!("\\set k random(1, {keys})\n{sql}\n"))?;
    let peers = Rc::clone(peers);
    Ok(Box::new(move |round| {
        let mut pgbench = peers.db.program("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--client", &round.clients.to_string()]);
        pgbench.args(["--jobs", &round.clients.min(2).to_string()]);
        pgbench.args(["--time", &round.duration.as_secs().max(1).to_string(), "--file"]).arg(&file);
        let report = capture(&mut pgbench)?;
        let tps = report.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench reported no tps")?;
        Ok(tps.split_whitespace().next().unwrap_or_default().parse()?)
    }))
}

/// Requests a second of a command in which `__rand_int__` is a random key.
fn redis(peers: &Rc<Peers>, keys: u32, command: Vec<String>) -> Contender {
    let peers = Rc::clone(peers);
    Box::new(move |round| {
        // It runs a number of requests; at about 50,000 a second this is the length of the round.
        let requests = (round.duration.as_secs().max(1) * 50_000).to_string();
        let mut benchmark = Command::new("redis-benchmark");
        benchmark.arg("-s").arg(&peers.redis.socket).args(["-c", &round.clients.to_string(), "-n", &requests]);
        benchmark.args(["-r", &keys.to_string(), "--csv"]).args(&command);
        let report = capture(&mut benchmark)?;
        let line = report.lines().last().context("redis-benchmark reported nothing")?;
        // "name of the test","requests a second",...
        let rate = line.split("\",\"").nth(1).context("redis-benchmark reported no rate")?;
        rate.trim_matches('"').parse().with_context(|| line.to_owned())
    })
}

/// A Redis of our own that writes nothing to disk.
struct Redis {
    process: Child,
    socket: PathBuf,
    _dir: TempDir,
}

impl Redis {
    fn start() -> Result<Self> {
        let dir = tempfile::tempdir_in("/tmp")?;
        let socket = dir.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        command.current_dir(dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().context("cannot start redis-server; `cargo xtask bench` installs it")?;
        let redis = Self { process, socket, _dir: dir };
        ensure!(
            wait_until(|| cli(&redis.socket, &["PING"]).is_ok_and(|pong| pong.trim() == "PONG")),
            "Redis is silent"
        );
        Ok(redis)
    }

    /// The command that runs the script with a limit that is not reached.
    fn gcra(&self) -> Result<Vec<String>> {
        let digest = cli(&self.socket, &["SCRIPT", "LOAD", LUA])?;
        Ok(["EVALSHA", digest.trim(), "1", "g:__rand_int__", "1000000000", "0.001"].map(str::to_owned).to_vec())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn cli(socket: &Path, arguments: &[&str]) -> Result<String> {
    capture(Command::new("redis-cli").arg("-s").arg(socket).args(arguments))
}
