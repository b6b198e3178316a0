//! A whole ledger outside the database: from the plain-text output of `pg_dump`, or from an export
//! in JSON lines.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::block::Block;
use super::entry::{Body, Header, Operation};
use super::hash::{Hash, from_hex};
use super::note::Verifier;
use super::receipt::EntryJson;
use super::tree::Edge;
use super::verify::{Audit, Chains, Link, Problem, Start, Stored, Witnessed};

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// What the ledger is, first of all lines.
    Ledger {
        /// Origin of its checkpoints.
        origin: String,
        /// Where the lines begin, when older entries have been removed.
        anchor: Anchor,
    },
    /// An entry with its place.
    Entry {
        /// Index of the leaf.
        position: u64,
        /// Name of the chain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<String>,
        /// Link before it.
        previous_hash: Hash,
        /// Its own link.
        audit_chain_hash: Hash,
        /// Leaf that was recorded.
        leaf: Hash,
        /// The entry.
        entry: EntryJson,
    },
    /// A block, after its last entry.
    Block {
        /// The block.
        block: Block,
        /// Its stored hash.
        hash: Hash,
        /// Its signed checkpoint.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkpoint: Option<String>,
    },
}

/// What has to be known about entries that are no longer there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Leaves of the tree.
    pub size: u64,
    /// Roots of its complete subtrees, the largest first.
    pub edge: Vec<Hash>,
    /// Last link of each chain; the empty name is the chain of the whole ledger.
    pub chains: BTreeMap<String, Hash>,
    /// Number of the last block.
    pub block: u64,
    /// Hash of the last block.
    pub block_hash: Hash,
}

impl Anchor {
    /// Where verification starts; `None` where the edge does not fit the size.
    #[must_use]
    pub fn start(&self) -> Option<Start> {
        let mut chains = Chains::default();
        for (name, hash) in &self.chains {
            chains.set((!name.is_empty()).then_some(name), *hash);
        }
        Some(Start { edge: Edge::new(self.size, self.edge.clone())?, chains, block: (self.block, self.block_hash) })
    }

    /// Of a state of verification.
    #[must_use]
    pub fn of(start: &Start) -> Self {
        Self {
            size: start.edge.size(),
            edge: start.edge.roots().to_vec(),
            chains: start.chains.iter().map(|(name, hash)| (name.unwrap_or_default().to_owned(), hash)).collect(),
            block: start.block.0,
            block_hash: start.block.1,
        }
    }
}

/// What verification of a whole ledger has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries verified.
    pub entries: u64,
    /// Entries among them whose content was erased.
    pub redacted: u64,
    /// Entries before them that were removed.
    pub removed: u64,
    /// Signed checkpoints verified.
    pub signed: u64,
    /// Size of the tree.
    pub size: u64,
    /// The first thing that is wrong.
    pub problem: Option<Problem>,
}

/// Why a file cannot be read as a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Unreadable {
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Verifies an export in JSON lines.
///
/// # Errors
///
/// When it is not one.
pub fn verify_lines(text: &str, key: Option<&Verifier>, witnessed: Vec<Witnessed>) -> Result<Verdict, Unreadable> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |number: usize, line: &str| -> Result<Line, Unreadable> {
        serde_json::from_str(line).map_err(|error| Unreadable { line: number + 1, what: error.to_string() })
    };
    let header = lines.next().map(|(number, line)| read(number, line)).transpose()?;
    let Some(Line::Ledger { origin, anchor }) = header else {
        return Err(Unreadable { line: 1, what: "an export begins with a line of kind \"ledger\"".to_owned() });
    };
    let anchor_block = anchor.block;
    let start = anchor.start().ok_or(Unreadable { line: 1, what: "the anchor is malformed".to_owned() })?;
    let mut audit = Audit::new(start, key.cloned(), Some(origin), witnessed).after_removal();
    let mut feed = || -> Result<Result<(), Problem>, Unreadable> {
        for (number, line) in lines.by_ref() {
            let result = match read(number, line)? {
                Line::Ledger { .. } => {
                    return Err(Unreadable { line: number + 1, what: "a second ledger".to_owned() });
                }
                Line::Entry { position, chain, previous_hash, audit_chain_hash, leaf, entry } => {
                    let link = Link {
                        position,
                        entry: entry.id,
                        chain: chain.as_deref(),
                        previous: previous_hash,
                        hash: audit_chain_hash,
                    };
                    let owned = Owned::of(&entry, leaf);
                    let owned = owned.map_err(|what| Unreadable { line: number + 1, what })?;
                    audit.entry(&link, Some(&owned.stored()), None)
                }
                Line::Block { block, hash, checkpoint } if block.number == anchor_block => {
                    audit.anchor(&block, hash, checkpoint.as_deref())
                }
                Line::Block { block, hash, checkpoint } => audit.block(&block, hash, checkpoint.as_deref()),
            };
            if result.is_err() {
                return Ok(result);
            }
        }
        Ok(audit.finish())
    };
    let problem = feed()?.err();
    Ok(verdict(&audit, problem))
}

fn verdict(audit: &Audit, problem: Option<Problem>) -> Verdict {
    Verdict {
        entries: audit.entries(),
        redacted: audit.redacted(),
        removed: audit.size() - audit.entries(),
        signed: audit.signed(),
        size: audit.size(),
        problem,
    }
}

/// An entry that owns its bytes.
#[derive(Debug)]
struct Owned {
    header: Header,
    relation: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
    actor: Option<Vec<u8>>,
    context: Option<Vec<u8>>,
    salt: Option<Vec<u8>>,
    commitment: Option<Hash>,
    leaf: Hash,
}

impl Owned {
    fn of(entry: &EntryJson, leaf: Hash) -> Result<Self, String> {
        let hex = |text: &Option<String>, what: &str| match text {
            None => Ok(None),
            Some(text) => from_hex(text).map(Some).ok_or_else(|| format!("{what} is not hexadecimal")),
        };
        let text = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
        let table = from_hex(&entry.table).and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            header: Header {
                id: entry.id,
                recorded_at: entry.recorded_at,
                xid: entry.xid,
                operation: entry.operation,
                table: table.ok_or("table is not 32 hexadecimal digits")?,
            },
            relation: text(&entry.relation),
            key: text(&entry.key),
            old: hex(&entry.old, "old")?,
            new: hex(&entry.new, "new")?,
            actor: text(&entry.actor),
            context: text(&entry.context),
            salt: hex(&entry.salt, "salt")?,
            commitment: entry.commitment,
            leaf,
        })
    }

    fn stored(&self) -> Stored<'_> {
        Stored {
            header: self.header,
            body: Body {
                relation: self.relation.as_deref(),
                key: self.key.as_deref(),
                old: self.old.as_deref(),
                new: self.new.as_deref(),
                actor: self.actor.as_deref(),
                context: self.context.as_deref(),
            },
            salt: self.salt.as_deref(),
            commitment: self.commitment,
            leaf: self.leaf,
        }
    }
}

/// A row of `COPY ... FROM stdin`, by column.
type Row = HashMap<String, Option<Vec<u8>>>;

/// Verifies the ledger in a dump: the text that `pg_dump` writes in its plain form.
///
/// # Errors
///
/// When the dump does not hold a ledger.
pub fn verify_dump(dump: &[u8], key: Option<&Verifier>, witnessed: Vec<Witnessed>) -> Result<Verdict, Unreadable> {
    let mut tables: HashMap<&str, Vec<(usize, Row)>> = HashMap::new();
    for (table, line, row) in rows(dump) {
        tables.entry(table).or_default().push((line, row));
    }
    let stored = tables.remove("entry").unwrap_or_default();
    let Some(ledger) = tables.get("ledger").and_then(|rows| rows.first()) else {
        return Err(Unreadable { line: 0, what: "there is no COPY of canon.audit_ledger in it".to_owned() });
    };
    let ledger = Fields { line: ledger.0, row: &ledger.1 };
    let anchor: Anchor = serde_json::from_str(&ledger.text("anchor")?).map_err(|error| ledger.bad("anchor", &error))?;
    let start = anchor.start().ok_or_else(|| ledger.bad("anchor", &"malformed"))?;
    let mut entries = HashMap::new();
    for (line, row) in stored {
        let entry = Fields { line, row: &row }.entry()?;
        entries.insert(entry.header.id, entry);
    }
    let mut links = Vec::new();
    for (line, row) in tables.get("position").map(Vec::as_slice).unwrap_or_default() {
        links.push(Fields { line: *line, row }.link()?);
    }
    links.sort_by_key(|link| link.position);
    let mut blocks = Vec::new();
    for (line, row) in tables.get("block").map(Vec::as_slice).unwrap_or_default() {
        blocks.push(Fields { line: *line, row }.block()?);
    }
    blocks.sort_by_key(|(block, _, _)| block.number);
    let before = blocks.iter().find(|(block, _, _)| block.number == anchor.block).cloned();
    blocks.retain(|(block, _, _)| block.number > anchor.block);
    let mut audit = Audit::new(start, key.cloned(), Some(ledger.text("origin")?), witnessed).after_removal();
    if let Some((block, hash, note)) = &before
        && let Err(problem) = audit.anchor(block, *hash, note.as_deref())
    {
        return Ok(verdict(&audit, Some(problem)));
    }
    let problem = feed(&mut audit, &links, &entries, &blocks).err();
    Ok(verdict(&audit, problem))
}

struct OwnedLink {
    position: u64,
    entry: i64,
    chain: Option<String>,
    previous: Hash,
    hash: Hash,
}

fn feed(
    audit: &mut Audit,
    links: &[OwnedLink],
    entries: &HashMap<i64, Owned>,
    blocks: &[(Block, Hash, Option<String>)],
) -> Result<(), Problem> {
    let mut blocks = blocks.iter().peekable();
    for link in links {
        let place = Link {
            position: link.position,
            entry: link.entry,
            chain: link.chain.as_deref(),
            previous: link.previous,
            hash: link.hash,
        };
        let stored = entries.get(&link.entry).map(Owned::stored);
        audit.entry(&place, stored.as_ref(), None)?;
        while let Some((block, hash, note)) = blocks.next_if(|(block, _, _)| block.size <= audit.size()) {
            audit.block(block, *hash, note.as_deref())?;
        }
    }
    blocks.try_for_each(|(block, hash, note)| audit.block(block, *hash, note.as_deref()))?;
    audit.finish()
}

/// A row with its place in the file.
struct Fields<'a> {
    line: usize,
    row: &'a Row,
}

impl Fields<'_> {
    fn bad(&self, column: &str, why: &dyn std::fmt::Display) -> Unreadable {
        Unreadable { line: self.line, what: format!("column {column}: {why}") }
    }

    fn raw(&self, column: &str) -> Option<&Vec<u8>> {
        self.row.get(column).and_then(Option::as_ref)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, Unreadable> {
        let raw = self.raw(column).cloned();
        raw.map(String::from_utf8).transpose().map_err(|error| self.bad(column, &error))
    }

    fn text(&self, column: &str) -> Result<String, Unreadable> {
        self.optional_text(column)?.ok_or_else(|| self.bad(column, &"missing"))
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T, Unreadable> {
        self.text(column)?.parse().map_err(|error: T::Err| self.bad(column, &error))
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        let bytes = text.strip_prefix("\\x").and_then(from_hex);
        bytes.map(Some).ok_or_else(|| self.bad(column, &"not bytea in hexadecimal form"))
    }

    fn hash(&self, column: &str) -> Result<Hash, Unreadable> {
        let bytes = self.bytes(column)?.unwrap_or_default();
        Hash::from_slice(&bytes).ok_or_else(|| self.bad(column, &"not 32 bytes"))
    }

    fn time(&self, column: &str) -> Result<i64, Unreadable> {
        let text = self.text(column)?;
        parse_timestamp(&text).ok_or_else(|| self.bad(column, &format!("not a time: {text}")))
    }

    fn entry(&self) -> Result<Owned, Unreadable> {
        let operation = self.text("operation")?;
        let operation = Operation::from_name(&operation).ok_or_else(|| self.bad("operation", &operation))?;
        let table = from_hex(&self.text("table_id")?.replace('-', "")).and_then(|bytes| bytes.try_into().ok());
        let commitment = self.bytes("commitment")?;
        let commitment = match commitment {
            None => None,
            Some(bytes) => Some(Hash::from_slice(&bytes).ok_or_else(|| self.bad("commitment", &"not 32 bytes"))?),
        };
        Ok(Owned {
            header: Header {
                id: self.number("id")?,
                recorded_at: self.time("recorded_at")?,
                xid: self.number("xid")?,
                operation,
                table: table.ok_or_else(|| self.bad("table_id", &"not a UUID"))?,
            },
            relation: self.raw("relation").cloned(),
            key: self.raw("row_key").cloned(),
            old: self.bytes("old_row")?,
            new: self.bytes("new_row")?,
            actor: self.raw("actor").cloned(),
            context: self.raw("context").cloned(),
            salt: self.bytes("salt")?,
            commitment,
            leaf: self.hash("leaf")?,
        })
    }

    fn link(&self) -> Result<OwnedLink, Unreadable> {
        Ok(OwnedLink {
            position: self.number("position")?,
            entry: self.number("entry_id")?,
            chain: self.optional_text("chain")?,
            previous: self.hash("previous_hash")?,
            hash: self.hash("audit_chain_hash")?,
        })
    }

    fn block(&self) -> Result<(Block, Hash, Option<String>), Unreadable> {
        let block = Block {
            number: self.number("block")?,
            incarnation: self.number("incarnation")?,
            size: self.number("size")?,
            root: self.hash("root")?,
            previous: self.hash("previous_hash")?,
            snapshot_from: self.text("snapshot_from")?,
            snapshot_to: self.text("snapshot_to")?,
            sealed_at: self.time("sealed_at")?,
            lsn: self.text("lsn")?,
        };
        Ok((block, self.hash("block_hash")?, self.optional_text("checkpoint")?))
    }
}

/// Microseconds since the Unix epoch of a time as `pg_dump` writes it: ISO, with a zone of hours and
/// perhaps minutes.
fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(' ')?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let at = rest.rfind(['+', '-'])?;
    let (clock, zone) = rest.split_at(at);
    let mut clock = clock.split([':', '.']);
    let mut part = || clock.next().map_or(Some(0), |text| text.parse::<i64>().ok());
    let (hour, minute, second) = (part()?, part()?, part()?);
    let fraction = rest[..at].split_once('.').map_or("", |(_, digits)| digits);
    let micros: i64 = format!("{fraction:0<6}").parse().ok().filter(|_| fraction.len() <= 6)?;
    let mut zone_parts = zone[1..].split(':').map(str::parse::<i64>);
    let hours = zone_parts.next()?.ok()?;
    let minutes = zone_parts.next().map_or(Some(0), Result::ok)?;
    let offset = (hours * 60 + minutes) * if zone.starts_with('-') { -60 } else { 60 };
    // Days since the epoch, after H. Hinnant.
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second - offset) * 1_000_000 + micros)
}

/// Which table of a ledger a COPY is of; partitions of the entries count as entries.
fn table_of(name: &str) -> Option<&'static str> {
    match name.strip_prefix("canon.audit_")? {
        "ledger" => Some("ledger"),
        "position" => Some("position"),
        "block" => Some("block"),
        name if name == "entry" || name.starts_with("entry_") => Some("entry"),
        _ => None,
    }
}

/// The rows of every COPY of a table of a ledger, with table and line.
fn rows(dump: &[u8]) -> impl Iterator<Item = (&'static str, usize, Row)> {
    let mut open: Option<(Option<&'static str>, Vec<String>)> = None;
    dump.split(|byte| *byte == b'\n').enumerate().filter_map(move |(number, line)| {
        let Some((table, columns)) = &open else {
            open = std::str::from_utf8(line).ok().and_then(copy_header);
            return None;
        };
        if line == b"\\." {
            open = None;
            return None;
        }
        let values = line.split(|byte| *byte == b'\t').map(unescape);
        (*table).map(|table| (table, number + 1, columns.iter().cloned().zip(values).collect()))
    })
}

fn copy_header(line: &str) -> Option<(Option<&'static str>, Vec<String>)> {
    let rest = line.strip_prefix("COPY ")?.strip_suffix(" FROM stdin;")?;
    let (table, columns) = rest.split_once(" (")?;
    let columns = columns.strip_suffix(')')?.split(", ").map(|name| name.trim_matches('"').to_owned()).collect();
    Some((table_of(table), columns))
}

/// A value of COPY's text form; `None` is NULL.
fn unescape(value: &[u8]) -> Option<Vec<u8>> {
    if value == b"\\N" {
        return None;
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        plain.push(match escaped {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(&other) => other,
            None => byte,
        });
    }
    Some(plain)
}
