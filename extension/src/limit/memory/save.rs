//! The table on disk: written at a clean shutdown, and by the worker every now and then; read when
//! the server starts.
//!
//! What a snapshot holds can be out of date after a crash, which only means that the time since is
//! forgotten. Leased units and refunds of prepared transactions are taken from a clean shutdown only, and
//! only once: old ones might be spent, or made, twice.

use std::fs::{File, OpenOptions, rename};
use std::hash::Hasher;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering::Relaxed;

use canon_core::limit::{Shape, lease};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use siphasher::sip::SipHasher13;

use super::chain::time_left;
use super::layout::{PARTITIONS, Table, table};
use super::lock::Held;
use super::prepared::{self, Waiting};
use crate::limit::clock::{self, Times};
use crate::limit::settings::SNAPSHOT_INTERVAL;

/// In the data directory, where the server keeps its own statistics.
const FILE: &str = "pg_stat/pg_canon.limits";
const NEW_FILE: &str = "pg_stat/pg_canon.limits.new";
const MAGIC: &[u8; 8] = b"pgcanon1";
/// Where the file says whether the shutdown was clean; after it comes what the checksum covers.
const CLEAN_AT: usize = MAGIC.len();
const BODY_AT: usize = CLEAN_AT + 1;

/// A key at rest: hash, shape, state.
type Saved = ([u64; 2], [u64; 2], u128);

/// Bytes that are written and read in the same order.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, words: impl IntoIterator<Item = u64>) {
        self.0.extend(words.into_iter().flat_map(u64::to_le_bytes));
    }
}

struct Words<'a>(std::slice::ChunksExact<'a, u8>);

impl Words<'_> {
    fn next(&mut self) -> Option<u64> {
        self.0.next().map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }

    fn pair(&mut self) -> Option<[u64; 2]> {
        Some([self.next()?, self.next()?])
    }
}

fn checksum(body: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(body);
    hasher.finish()
}

/// Writes a snapshot if one is due and anything has happened; any process may ask.
pub(crate) fn snapshot() {
    let (Some(table), interval) = (table(), SNAPSHOT_INTERVAL.get().unsigned_abs()) else { return };
    let now = clock::monotonic();
    // SAFETY: atomics in the header.
    let (last, seen) = unsafe { (&(*table.header()).snapshot_at, &(*table.header()).snapshot_checks) };
    let before = last.load(Relaxed);
    if interval == 0 || now.saturating_sub(before) < u64::from(interval) * 1_000 {
        return;
    }
    // One process at a time.
    if last.compare_exchange(before, now, Relaxed, Relaxed).is_err() {
        return;
    }
    let checks = super::statistics().map_or(0, |all| all.checks);
    if seen.swap(checks, Relaxed) != checks {
        write(&table, false);
        // SAFETY: an atomic in the header.
        unsafe { (*table.header()).snapshot_wall.store(clock::wall(), Relaxed) };
    }
}

/// Has the postmaster save the table when it ends in good order.
pub(super) fn save_at_shutdown() {
    #[pg_guard]
    unsafe extern "C-unwind" fn save(code: i32, _arg: pg_sys::Datum) {
        // SAFETY: a flag of the process.
        let in_postmaster = unsafe { !pg_sys::IsUnderPostmaster };
        // Another code than 0: a crash, or an immediate shutdown.
        if code == 0
            && in_postmaster
            && let Some(table) = table()
        {
            write(&table, true);
        }
    }
    // SAFETY: the postmaster calls it after all other processes have ended.
    unsafe { pg_sys::on_shmem_exit(Some(save), pg_sys::Datum::null()) };
}

fn write(table: &Table, clean: bool) {
    if let Err(error) = try_write(table, clean) {
        log(&format!("could not write \"{FILE}\": {error}"));
    }
}

fn try_write(table: &Table, clean: bool) -> std::io::Result<()> {
    let now = Times::now();
    let mut body = Bytes::default();
    // SAFETY: written once, at the start.
    body.put(unsafe { (*table.header()).secret });
    body.put([now.rate, now.wall]);
    let waiting = prepared::all();
    body.put([waiting.len() as u64]);
    for item in waiting {
        body.put([u64::from(item.xid), item.key[0], item.key[1], item.cost, item.spent_at.rate, item.spent_at.wall]);
    }
    for number in 0..PARTITIONS {
        for (key, shape, state) in live_of(table, number, now, clean) {
            body.put([key[0], key[1], shape[0], shape[1], state as u64, (state >> 64) as u64]);
        }
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(NEW_FILE)?;
    file.write_all(MAGIC)?;
    file.write_all(&[u8::from(clean)])?;
    file.write_all(&body.0)?;
    file.write_all(&checksum(&body.0).to_le_bytes())?;
    file.sync_all()?;
    rename(NEW_FILE, FILE)?;
    File::open("pg_stat")?.sync_all()
}

/// The live keys of a partition, copied under its lock. At shutdown nobody else is there, and the
/// postmaster takes no locks.
fn live_of(table: &Table, number: usize, now: Times, alone: bool) -> Vec<Saved> {
    let mut live = Vec::with_capacity(table.sizes.entries as usize);
    // SAFETY: a lock of the table that this process does not hold.
    let _held = (!alone).then(|| unsafe { Held::shared(table.lock(number)) });
    // SAFETY: the lock is held, or no other process is left.
    unsafe {
        for index in 0..(*table.partition(number)).fresh {
            let entry = &*table.entry(number, index);
            if entry.key != [0, 0] && time_left(entry, now) > 0 {
                live.push((entry.key, entry.shape, entry.state.load(Relaxed)));
            }
        }
    }
    live
}

/// Takes in what an earlier life of the server has left. In the postmaster, before any other process.
pub(super) fn restore(table: &Table) {
    let mut bytes = Vec::new();
    match File::open(FILE).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return log(&format!("could not read \"{FILE}\": {error}")),
        Ok(_) => {}
    }
    let body = bytes.get(BODY_AT..bytes.len().saturating_sub(8)).unwrap_or_default();
    let sum = bytes.last_chunk::<8>().map(|sum| u64::from_le_bytes(*sum));
    if !bytes.starts_with(MAGIC) || sum != Some(checksum(body)) {
        return log(&format!("ignoring \"{FILE}\": it is damaged or of another version"));
    }
    let clean = bytes[CLEAN_AT] == 1;
    if clean && let Err(error) = forget_that_it_was_clean() {
        return log(&format!("ignoring \"{FILE}\": {error}"));
    }
    if take_in(table, &mut Words(body.chunks_exact(8)), clean).is_none() {
        log(&format!("\"{FILE}\" holds more than there is room for, or ends early"));
    }
}

fn forget_that_it_was_clean() -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(FILE)?;
    file.seek(SeekFrom::Start(CLEAN_AT as u64))?;
    file.write_all(&[0])?;
    file.sync_all()
}

fn take_in(table: &Table, words: &mut Words<'_>, clean: bool) -> Option<()> {
    let secret = words.pair()?;
    let [rate, wall] = words.pair()?;
    // Time went on while the server was down; a Unix clock that was put back adds none.
    let rate_now = rate + clock::wall().saturating_sub(wall);
    // SAFETY: in the postmaster, before any other process.
    unsafe {
        (*table.header()).secret = secret;
        (*table.header()).rate_offset = rate_now.wrapping_sub(clock::monotonic());
    }
    let mut waiting = Vec::new();
    for _ in 0..words.next()? {
        let xid = words.next()? as u32;
        let (key, cost, [rate, wall]) = (words.pair()?, words.next()?, words.pair()?);
        waiting.push(Waiting { xid, key, cost, spent_at: Times { rate, wall } });
    }
    if clean {
        prepared::restore(&waiting);
    }
    let now = Times::now();
    let mut lost = false;
    while let Some(key) = words.pair() {
        let shape = Shape::from_words(words.pair()?)?;
        let [low, high] = words.pair()?;
        let state = u128::from(low) | u128::from(high) << 64;
        // The row of the key may have granted, and requests have spent, more since.
        if !clean && lease::is_leased(&shape, state) {
            continue;
        }
        // SAFETY: in the postmaster, before any other process.
        match unsafe { table.add(key, shape, now) } {
            // SAFETY: as above.
            Some(entry) => unsafe { (*entry).state.store(state, Relaxed) },
            None => lost = true,
        }
    }
    (!lost).then_some(())
}

fn log(message: &str) {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_WARNING, message.to_owned(), "pg_canon").report(PgLogLevel::LOG);
}
