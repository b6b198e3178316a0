//! Recorded tables against the ledger: every row must be as its last entry left it.

use std::collections::{HashMap, HashSet};

use canon_core::ledger::value::fields;
use canon_core::ledger::verify::Problem;
use pgrx::prelude::*;

use super::enable::{self, Relation};
use super::identity::table_of;
use super::rows::each_row;
use super::{checks, columns};
use crate::error;

/// What the ledger last saw of a row: columns with the entry that set them.
#[derive(Default)]
struct Seen {
    columns: HashMap<String, Vec<u8>>,
    entry: i64,
    hashes: (String, String),
}

/// Where the ledger last saw a row, and as what; `None` where it was deleted.
struct Row {
    partition: u32,
    last: Option<Seen>,
}

/// Compares recorded tables with the ledger. Rows from before recording began are unknown to the ledger, and
/// passed over. Log tables are always compared. Must run as the owner of the ledger.
pub(super) fn compare(logs_only: bool) -> error::Result<Option<Problem>> {
    let ids = Spi::connect(|client| {
        let rows = client.select(
            "SELECT id::pg_catalog.text FROM canon.audit_table
             WHERE enabled AND (NOT $1 OR settings OPERATOR(pg_catalog.?) 'log') ORDER BY relation",
            None,
            &[logs_only.into()],
        )?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, _>>()
    })?;
    for id in ids.into_iter().flatten() {
        if let Some(table) = table_of(&id)?
            && let Some(problem) = compare_table(&table, &id)?
        {
            return Ok(Some(problem));
        }
    }
    Ok(None)
}

fn compare_table(table: &Relation, id: &str) -> error::Result<Option<Problem>> {
    let Some(config) = table.recorded.clone().filter(|config| !config.key.is_empty()) else { return Ok(None) };
    let mut seen = Replay::of(table, id, &config.key)?.rows;
    let mut bad: Option<(i64, String)> = None;
    let mut blame = |entry: i64, text: String| {
        if bad.as_ref().is_none_or(|(known, _)| entry < *known) {
            bad = Some((entry, text));
        }
    };
    each_row(table, &mut |image, hashes| {
        let Some(key) = columns::key_text(image, &config.key) else { return Ok(()) };
        let Some(row) = seen.remove(&key) else { return Ok(()) };
        let Some(known) = row.last else {
            blame(i64::MAX, format!("row {key} of {} is there although the ledger saw it deleted", table.name));
            return Ok(());
        };
        let mut there = 0;
        for field in fields(image).flatten() {
            there += usize::from(known.columns.contains_key(field.name));
            if known.columns.get(field.name).is_some_and(|bytes| bytes.as_slice() != field.bytes) {
                blame(known.entry, format!("column {} of row {key} of {} is not as recorded", field.name, table.name));
            }
        }
        if there < known.columns.len() {
            blame(known.entry, format!("row {key} of {} has lost a value", table.name));
        }
        let sealed = config.log.is_some() && !known.hashes.1.is_empty();
        if sealed && (hashes.0.as_deref(), hashes.1.as_deref()) != (Some(&known.hashes.0), Some(&known.hashes.1)) {
            blame(known.entry, format!("the hashes of row {key} of {} are not those of the ledger", table.name));
        }
        Ok(())
    })?;
    for (key, row) in seen {
        if let Some(known) = row.last {
            blame(known.entry, format!("row {key} of {} is missing", table.name));
        }
    }
    bad.map(|(entry, text)| checks::problem((entry != i64::MAX).then_some(entry), text)).transpose()
}

/// The entries of a table, gone through in their order.
struct Replay<'a> {
    /// By key.
    rows: HashMap<String, Row>,
    partitions: Partitions,
    is_partitioned: bool,
    /// Names of the whole table: now, and at the entry.
    names: [String; 2],
    key_columns: &'a [String],
}

impl<'a> Replay<'a> {
    fn of(table: &Relation, id: &str, key_columns: &'a [String]) -> error::Result<Self> {
        let id = enable::uuid(id)?;
        let mut replay = Self {
            rows: HashMap::new(),
            partitions: Partitions::default(),
            is_partitioned: table.is_partitioned(),
            names: [table.name.clone(), table.name.clone()],
            key_columns,
        };
        Spi::connect(|client| {
            // Partitions that were dropped belong to no table any more.
            let rows = client.select(
                "SELECT e.id, e.operation, e.row_key, e.old_row, e.new_row,
                     pg_catalog.encode(p.previous_hash, 'hex'), pg_catalog.encode(p.audit_chain_hash, 'hex'),
                     e.relation, e.table_id OPERATOR(pg_catalog.=) $1
                 FROM canon.audit_entry AS e
                 LEFT JOIN canon.audit_position AS p ON p.entry_id OPERATOR(pg_catalog.=) e.id
                 WHERE e.table_id OPERATOR(pg_catalog.=) $1
                    OR (e.table_id OPERATOR(pg_catalog.=) '00000000-0000-0000-0000-000000000000'
                        AND e.operation OPERATOR(pg_catalog.=) 'DDL')
                 ORDER BY e.id",
                None,
                &[id.into()],
            )?;
            for row in rows {
                let entry = row.get(1)?.unwrap_or_default();
                let relation = row.get::<&str>(8)?.unwrap_or_default();
                let (old, new) = (row.get::<&[u8]>(4)?.unwrap_or_default(), row.get::<&[u8]>(5)?.unwrap_or_default());
                match (row.get::<&str>(2)?.unwrap_or_default(), row.get::<String>(3)?) {
                    ("ENABLE", _) => relation.clone_into(&mut replay.names[1]),
                    ("DDL", _) if row.get(9)? == Some(true) => replay.redefined(relation, new),
                    ("DDL", _) => replay.dropped(relation),
                    ("TRUNCATE", _) => replay.truncated(relation),
                    ("DELETE", Some(key)) => replay.put(key, relation, None),
                    ("INSERT", Some(key)) => {
                        // The columns of a log hold the links of the entry that added the row.
                        let hashes = (row.get(6)?.unwrap_or_default(), row.get(7)?.unwrap_or_default());
                        replay.changed(key, relation, Seen { entry, hashes, ..Seen::default() }, old, new);
                    }
                    (_, Some(key)) => {
                        let known = replay.rows.remove(&key).and_then(|row| row.last).unwrap_or_default();
                        replay.changed(key, relation, Seen { entry, ..known }, old, new);
                    }
                    (_, None) => {}
                }
            }
            Ok(replay)
        })
    }

    fn put(&mut self, key: String, relation: &str, last: Option<Seen>) {
        let partition = self.partitions.number(relation);
        self.rows.insert(key, Row { partition, last });
    }

    fn changed(&mut self, key: String, relation: &str, mut seen: Seen, old: &[u8], new: &[u8]) {
        for field in fields(old).flatten() {
            seen.columns.remove(field.name);
        }
        for field in fields(new).flatten() {
            seen.columns.insert(field.name.to_owned(), field.bytes.to_vec());
        }
        // An update of the key itself moves the row.
        let moved = columns::key_text(new, self.key_columns).filter(|new| *new != key);
        if moved.is_some() {
            self.put(key.clone(), relation, None);
        }
        self.put(moved.unwrap_or(key), relation, Some(seen));
    }

    /// The whole table, or one of its partitions.
    fn truncated(&mut self, relation: &str) {
        let whole = !self.is_partitioned || self.names.iter().any(|name| name == relation);
        let partition = self.partitions.number(relation);
        for row in self.rows.values_mut().filter(|row| whole || row.partition == partition) {
            row.last = None;
        }
    }

    /// Rows of partitions that the table has no more are none of its business.
    fn redefined(&mut self, relation: &str, image: &[u8]) {
        relation.clone_into(&mut self.names[1]);
        let definition = fields(image).flatten().find(|field| field.name == "definition");
        let definition = definition.and_then(|field| serde_json::from_slice::<Definition>(field.bytes).ok());
        if let Some(now) = definition.and_then(|definition| definition.partitions) {
            let kept = self.partitions.are(now);
            self.rows.retain(|_, row| kept.contains(&row.partition));
        }
    }

    fn dropped(&mut self, relation: &str) {
        let partition = self.partitions.number(relation);
        self.rows.retain(|_, row| row.partition != partition);
    }
}

/// What an entry about a changed definition says.
#[derive(serde::Deserialize)]
struct Definition {
    /// Names by number, where the table is partitioned.
    partitions: Option<HashMap<String, String>>,
}

/// The partitions that the entries of a table name. A partition that is renamed stays the same.
#[derive(Default)]
struct Partitions {
    numbers: HashMap<String, u32>,
    names: HashMap<String, String>,
    next: u32,
}

impl Partitions {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Takes in which partitions there are now, and returns their numbers.
    fn are(&mut self, now: HashMap<String, String>) -> HashSet<u32> {
        for (oid, name) in &now {
            if let Some(before) = self.names.get(oid).filter(|before| *before != name).cloned() {
                let number = self.number(&before);
                self.numbers.remove(&before);
                self.numbers.insert(name.clone(), number);
            }
        }
        let numbers = now.values().map(|name| self.number(name)).collect();
        self.names = now;
        numbers
    }
}
