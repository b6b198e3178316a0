//! Verification of a ledger, entry by entry, in the order of their positions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::block::Block;
use super::entry::{Body, Header, Operation};
use super::hash::{Hash, chain_hash, chain_start};
use super::note::{Checkpoint, Verifier};
use super::tree::Edge;
use super::value::fields;

/// What is stored of an entry.
#[derive(Clone, Debug)]
pub struct Stored<'a> {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Body<'a>,
    /// Salt of the commitment; gone where the body was erased.
    pub salt: Option<&'a [u8]>,
    /// Commitment that stayed behind when the body was erased.
    pub commitment: Option<Hash>,
    /// Leaf that the writing transaction computed.
    pub leaf: Hash,
}

impl Stored<'_> {
    /// The leaf, computed anew from what is stored.
    ///
    /// # Errors
    ///
    /// Says what is missing.
    pub fn compute_leaf(&self) -> Result<Hash, &'static str> {
        let commitment = match (self.salt, self.commitment) {
            (Some(salt), None) => self.body.commitment(salt),
            (None, Some(commitment)) if self.body == Body::default() => commitment,
            (None, Some(_)) => return Err("holds content although it is marked as erased"),
            (Some(_), Some(_)) => return Err("has both a salt and the mark of an erasure"),
            (None, None) => return Err("has lost its salt"),
        };
        Ok(self.header.leaf(commitment))
    }
}

/// The entries whose erasure an entry announces: the list in column `entries` of its image.
fn erased_by(stored: &Stored<'_>) -> Vec<i64> {
    let image = stored.body.new.unwrap_or_default();
    let list = fields(image).flatten().find(|field| field.name == "entries");
    list.and_then(|field| serde_json::from_slice(field.bytes).ok()).unwrap_or_default()
}

/// Size of the tree and hash of the last block of what an entry says was removed.
fn removed_by(stored: &Stored<'_>) -> Option<(u64, Hash)> {
    let image = stored.body.new.unwrap_or_default();
    let value = |name| fields(image).flatten().find(|field| field.name == name).map(|field| field.bytes);
    let size = u64::from_be_bytes(value("size")?.try_into().ok()?);
    Some((size, Hash::from_hex(std::str::from_utf8(value("block_hash")?).ok()?)?))
}

/// Where an entry stands in the tree and its chain.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// Index of the leaf, from 0.
    pub position: u64,
    /// Number of the entry.
    pub entry: i64,
    /// Name of its chain; `None` is the one of the whole ledger.
    pub chain: Option<&'a str>,
    /// Link before it.
    pub previous: Hash,
    /// Its own link.
    pub hash: Hash,
}

/// What is wrong, and with which entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Number of the first bad entry, where it is known.
    pub entry: Option<i64>,
    /// Its position, from 0.
    pub position: u64,
    /// What is wrong with it.
    pub text: String,
}

/// A checkpoint that left the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// What was said.
    pub checkpoint: Checkpoint,
    /// Where it was found, for the report.
    pub source: String,
}

/// Last link of each chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    whole: Option<Hash>,
    named: HashMap<String, Hash>,
}

impl Chains {
    /// The last link of a chain, or what stands before its first one; `None` is the chain of the whole ledger.
    #[must_use]
    pub fn head(&self, name: Option<&str>) -> Hash {
        let head = match name {
            None => self.whole,
            Some(name) => self.named.get(name).copied(),
        };
        head.unwrap_or_else(|| chain_start(name))
    }

    /// Adds a link.
    pub fn set(&mut self, name: Option<&str>, hash: Hash) {
        match name {
            None => self.whole = Some(hash),
            Some(name) => match self.named.get_mut(name) {
                Some(head) => *head = hash,
                None => drop(self.named.insert(name.to_owned(), hash)),
            },
        }
    }

    /// The chains that have links.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, Hash)> {
        let named = self.named.iter().map(|(name, hash)| (Some(name.as_str()), *hash));
        self.whole.map(|hash| (None, hash)).into_iter().chain(named)
    }
}

/// From where verification goes on.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The tree so far.
    pub edge: Edge,
    /// Last link of each chain so far.
    pub chains: Chains,
    /// Number and hash of the last block so far.
    pub block: (u64, Hash),
}

/// Verifies a ledger that is fed to it in order: each entry with [`Self::entry`], and each block
/// with [`Self::block`] as soon as its last entry was there.
#[derive(Debug)]
pub struct Audit {
    state: Start,
    key: Option<Verifier>,
    origin: Option<String>,
    witnessed: Vec<Witnessed>,
    /// First entry after the last block.
    first_open: Option<(u64, i64)>,
    last_entry: i64,
    entries: u64,
    signed: u64,
    redacted: u64,
    /// Entries without content for which no entry has said yet that it was erased.
    unexplained: BTreeMap<i64, u64>,
    /// Entries of which an entry says that they were erased, and that were not there yet.
    announced: BTreeSet<i64>,
    /// Size and last block of what was removed, until an entry says so.
    removed: Option<(u64, Hash)>,
    /// Number of the last block of what was removed, until it was verified.
    unseen_anchor: Option<u64>,
}

impl Audit {
    /// Begins at `start`. With a key every block must have a checkpoint signed by it; with an origin,
    /// a checkpoint of this ledger.
    #[must_use]
    pub fn new(start: Start, key: Option<Verifier>, origin: Option<String>, mut witnessed: Vec<Witnessed>) -> Self {
        witnessed.sort_by_key(|w| w.checkpoint.size);
        witnessed.retain(|w| w.checkpoint.size >= start.edge.size().max(1));
        Self {
            state: start,
            key,
            origin,
            witnessed,
            first_open: None,
            last_entry: 0,
            entries: 0,
            signed: 0,
            redacted: 0,
            unexplained: BTreeMap::new(),
            announced: BTreeSet::new(),
            removed: None,
            unseen_anchor: None,
        }
    }

    /// The entries before the start are gone: one of those that are left must say that they were removed.
    #[must_use]
    pub fn after_removal(mut self) -> Self {
        self.removed = (self.size() > 0).then_some((self.size(), self.state.block.1));
        self.unseen_anchor = self.removed.map(|_| self.state.block.0);
        self
    }

    /// Verifies the block at which entries that were removed end: the last of those before the start.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn anchor(&mut self, block: &Block, stored_hash: Hash, note: Option<&str>) -> Result<(), Problem> {
        let (number, hash) = self.state.block;
        let agrees = block.number == number && block.size == self.size() && block.root == self.state.edge.root();
        if !agrees || block.hash() != hash || stored_hash != hash {
            let text = format!("what is left does not begin where block {number} ends");
            return Err(Problem { entry: None, position: self.size(), text });
        }
        self.unseen_anchor = None;
        match (note, &self.key) {
            (Some(note), key) => self.checkpoint(block, hash, note, key.clone().as_ref())?,
            (None, Some(key)) => {
                return Err(self.blame(format!("block {number} has no checkpoint signed by \"{}\"", key.name())));
            }
            (None, None) => {}
        }
        self.compare_witnessed()
    }

    /// Whether something is to be explained by an entry that was not there yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.removed.is_some() || !self.unexplained.is_empty()
    }

    /// Takes note of what an entry says about other entries: that they were erased, or removed.
    pub fn heed(&mut self, stored: &Stored<'_>) {
        match stored.header.operation {
            Operation::Redact => {
                for entry in erased_by(stored) {
                    if self.unexplained.remove(&entry).is_none() {
                        self.announced.insert(entry);
                    }
                }
            }
            Operation::Retain if removed_by(stored) == self.removed => self.removed = None,
            _ => {}
        }
    }

    /// Size of the tree so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.state.edge.size()
    }

    /// Entries verified.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Entries among them whose content was erased.
    #[must_use]
    pub fn redacted(&self) -> u64 {
        self.redacted
    }

    /// Signed checkpoints verified.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.signed
    }

    /// From where a later verification can go on.
    #[must_use]
    pub fn state(&self) -> &Start {
        &self.state
    }

    /// Verifies the next entry. `tile` is its hash in the stored tree.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn entry(&mut self, link: &Link<'_>, stored: Option<&Stored<'_>>, tile: Option<Hash>) -> Result<(), Problem> {
        let expected = self.size();
        let bad = |text: String| Problem { entry: Some(link.entry), position: expected, text };
        if link.position != expected {
            let text = format!("position {expected} is missing: the next one stored is {}", link.position);
            return Err(Problem { entry: Some(self.last_entry + 1), position: expected, text });
        }
        let Some(stored) = stored else { return Err(bad("the entry is missing".to_owned())) };
        if stored.header.id != link.entry {
            return Err(bad("the position belongs to another entry".to_owned()));
        }
        let leaf = stored.compute_leaf().map_err(|what| bad(format!("the entry {what}")))?;
        if leaf != stored.leaf {
            return Err(bad("the entry does not have the content that was recorded: its leaf differs".to_owned()));
        }
        if tile.is_some_and(|tile| tile != leaf) {
            return Err(bad("the tree holds another leaf for the entry".to_owned()));
        }
        let head = self.state.chains.head(link.chain);
        if link.previous != head {
            return Err(bad("previous_hash is not the hash of the entry before".to_owned()));
        }
        if link.hash != chain_hash(head, leaf) {
            return Err(bad("audit_chain_hash does not follow from the entry and previous_hash".to_owned()));
        }
        self.state.chains.set(link.chain, link.hash);
        self.state.edge.append(leaf, |_, _, _| {});
        self.first_open.get_or_insert((expected, link.entry));
        self.last_entry = link.entry;
        self.entries += 1;
        if stored.commitment.is_some() {
            self.redacted += 1;
            if !self.announced.remove(&link.entry) {
                self.unexplained.insert(link.entry, expected);
            }
        } else {
            self.heed(stored);
        }
        self.compare_witnessed()
    }

    /// The blame for what concerns a range of entries goes to its first one.
    fn blame(&self, text: String) -> Problem {
        let (position, entry) = self.first_open.unwrap_or((self.size(), self.last_entry + 1));
        Problem { entry: Some(entry), position, text }
    }

    fn compare_witnessed(&mut self) -> Result<(), Problem> {
        let size = self.size();
        while self.witnessed.first().is_some_and(|w| w.checkpoint.size <= size) {
            let witnessed = self.witnessed.remove(0);
            if witnessed.checkpoint.size == size && witnessed.checkpoint.root != self.state.edge.root() {
                let text = format!("the ledger of size {size} is not the one of {}", witnessed.source);
                return Err(self.blame(text));
            }
        }
        Ok(())
    }

    /// Verifies the next block; its last entry must have been the last one verified.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn block(&mut self, block: &Block, stored_hash: Hash, note: Option<&str>) -> Result<(), Problem> {
        let number = block.number;
        let (last, previous) = self.state.block;
        if number != last + 1 {
            return Err(self.blame(format!("block {} is missing: the next one stored is {number}", last + 1)));
        }
        if block.size != self.size() {
            return Err(self.blame(format!("block {number} ends at {}, its entries at {}", block.size, self.size())));
        }
        if block.root != self.state.edge.root() {
            return Err(self.blame(format!("the root of block {number} does not follow from its entries")));
        }
        if block.previous != previous {
            return Err(self.blame(format!("block {number} does not follow block {last}")));
        }
        let hash = block.hash();
        if hash != stored_hash {
            return Err(self.blame(format!("block {number} was changed: its hash differs")));
        }
        match (note, &self.key) {
            (Some(note), key) => self.checkpoint(block, hash, note, key.clone().as_ref())?,
            (None, Some(key)) => {
                return Err(self.blame(format!("block {number} has no checkpoint signed by \"{}\"", key.name())));
            }
            (None, None) => {}
        }
        self.state.block = (number, hash);
        self.first_open = None;
        Ok(())
    }

    fn checkpoint(&mut self, block: &Block, hash: Hash, note: &str, key: Option<&Verifier>) -> Result<(), Problem> {
        let number = block.number;
        let text = match key {
            Some(key) => {
                self.signed += 1;
                key.open(note).and_then(Checkpoint::parse)
            }
            None => Checkpoint::of_note(note),
        };
        let checkpoint = text.map_err(|error| self.blame(format!("checkpoint of block {number}: {error}")))?;
        if checkpoint.size != block.size || checkpoint.root != block.root || checkpoint.block != Some(hash) {
            return Err(self.blame(format!("the checkpoint of block {number} is about something else")));
        }
        if self.origin.as_ref().is_some_and(|origin| *origin != checkpoint.origin) {
            return Err(self.blame(format!("the checkpoint of block {number} is of ledger {}", checkpoint.origin)));
        }
        Ok(())
    }

    /// Ends verification.
    ///
    /// # Errors
    ///
    /// When entries stand behind the last block, or a checkpoint that left the database tells of more
    /// entries than there are.
    pub fn finish(&mut self) -> Result<(), Problem> {
        if let Some((position, entry)) = self.first_open {
            let text = "the entry belongs to no block".to_owned();
            return Err(Problem { entry: Some(entry), position, text });
        }
        if let Some((&entry, &position)) = self.unexplained.iter().min_by_key(|(_, position)| **position) {
            let text = "the entry has lost its content, and no entry says that it was erased".to_owned();
            return Err(Problem { entry: Some(entry), position, text });
        }
        if let Some(block) = self.unseen_anchor {
            let text = format!("block {block}, at which the removed entries end, is missing");
            return Err(Problem { entry: None, position: 0, text });
        }
        if let Some((size, _)) = self.removed {
            let text = format!("the first {size} entries are gone, and no sealed entry says that they were removed");
            return Err(Problem { entry: None, position: size, text });
        }
        self.compare_witnessed()?;
        if let Some(witnessed) = self.witnessed.first() {
            let (size, source) = (witnessed.checkpoint.size, witnessed.source.clone());
            return Err(
                self.blame(format!("the end is missing: {source} knew {size} entries, there are {}", self.size()))
            );
        }
        Ok(())
    }
}
