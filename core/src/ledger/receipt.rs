//! Receipts: one entry with the proof that it is in the ledger, to keep outside the database.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::entry::{Body, Header, Operation};
use super::hash::{Hash, from_hex, to_hex};
use super::note::{Checkpoint, Verifier};
use super::tree::verify_inclusion;
use super::verify::Stored;

/// Names form and version of a receipt.
pub const FORMAT: &str = "pg_canon receipt 1";

/// An entry as JSON: everything that its leaf commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryJson {
    /// Number of the entry.
    pub id: i64,
    /// Microseconds since the Unix epoch.
    pub recorded_at: i64,
    /// Transaction.
    pub xid: u64,
    /// What happened.
    pub operation: Operation,
    /// Recorded table, 32 hexadecimal digits.
    pub table: String,
    /// Name of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Key of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Image of the row before, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Image of the row after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Role that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Further circumstances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Salt of the commitment, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Commitment, where the content was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Hash>,
}

impl EntryJson {
    /// The entry as JSON.
    #[must_use]
    pub fn of(stored: &Stored<'_>) -> Self {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let Header { id, recorded_at, xid, operation, table } = stored.header;
        let body = &stored.body;
        Self {
            id,
            recorded_at,
            xid,
            operation,
            table: to_hex(&table),
            relation: text(body.relation),
            key: text(body.key),
            old: body.old.map(to_hex),
            new: body.new.map(to_hex),
            actor: text(body.actor),
            context: text(body.context),
            salt: stored.salt.map(to_hex),
            commitment: stored.commitment,
        }
    }

    /// The leaf, computed from the entry.
    ///
    /// # Errors
    ///
    /// Says what is malformed or missing.
    pub fn leaf(&self) -> Result<Hash, String> {
        let hex = |text: &Option<String>, what: &str| match text {
            None => Ok(None),
            Some(text) => from_hex(text).map(Some).ok_or_else(|| format!("{what} is not hexadecimal")),
        };
        let table = from_hex(&self.table)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("table is not 32 hexadecimal digits")?;
        let (old, new, salt) = (hex(&self.old, "old")?, hex(&self.new, "new")?, hex(&self.salt, "salt")?);
        let stored = Stored {
            header: Header {
                id: self.id,
                recorded_at: self.recorded_at,
                xid: self.xid,
                operation: self.operation,
                table,
            },
            body: Body {
                relation: self.relation.as_deref().map(str::as_bytes),
                key: self.key.as_deref().map(str::as_bytes),
                old: old.as_deref(),
                new: new.as_deref(),
                actor: self.actor.as_deref().map(str::as_bytes),
                context: self.context.as_deref().map(str::as_bytes),
            },
            salt: salt.as_deref(),
            commitment: self.commitment,
            leaf: Hash::ZERO,
        };
        stored.compute_leaf().map_err(|what| format!("the entry {what}"))
    }
}

/// An entry with the proof that it is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// The entry.
    pub entry: EntryJson,
    /// Index of its leaf, from 0.
    pub index: u64,
    /// Leaves of the tree of the proof.
    pub size: u64,
    /// The proof, from the leaf up: hashes in base64.
    pub path: Vec<String>,
    /// Root of the tree, where there is no checkpoint.
    pub root: Hash,
    /// The signed checkpoint of the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl Receipt {
    /// Puts a receipt together.
    #[must_use]
    pub fn new(entry: EntryJson, index: u64, size: u64, path: &[Hash], root: Hash, checkpoint: Option<String>) -> Self {
        let path = path.iter().map(|hash| STANDARD.encode(hash.0)).collect();
        Self { format: FORMAT.to_owned(), entry, index, size, path, root, checkpoint }
    }

    /// Verifies the receipt. Without a key the signature is not verified, and the answer is only as
    /// good as the root.
    ///
    /// # Errors
    ///
    /// Says what is wrong.
    pub fn verify(&self, key: Option<&Verifier>) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("the form is \"{}\", not \"{FORMAT}\"", self.format));
        }
        let checkpoint = match (&self.checkpoint, key) {
            (Some(note), Some(key)) => {
                Some(key.open(note).and_then(Checkpoint::parse).map_err(|error| error.to_string())?)
            }
            (Some(note), None) => Some(Checkpoint::of_note(note).map_err(|error| error.to_string())?),
            (None, Some(_)) => return Err("there is no signed checkpoint in it".to_owned()),
            (None, None) => None,
        };
        if checkpoint.is_some_and(|c| c.size != self.size || c.root != self.root) {
            return Err("the checkpoint is about another tree than the proof".to_owned());
        }
        let path: Option<Vec<Hash>> =
            self.path.iter().map(|text| STANDARD.decode(text).ok().and_then(|b| Hash::from_slice(&b))).collect();
        let path = path.ok_or("the proof does not consist of hashes in base64")?;
        if !verify_inclusion(self.entry.leaf()?, self.index, self.size, &path, self.root) {
            return Err("the entry is not the one that the proof is about".to_owned());
        }
        Ok(())
    }
}
