//! Blocks: what one batch of sealing has added.

use super::hash::{Hash, sha256};

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Block {
    /// Number, from 1, without gaps.
    pub number: u64,
    /// Number of the incarnation of the database: it grows with each restore.
    pub incarnation: u32,
    /// Leaves of the tree with this block.
    pub size: u64,
    /// Root of the tree with this block.
    pub root: Hash,
    /// Hash of the block before.
    pub previous: Hash,
    /// Everything committed before this snapshot was sealed before (PostgreSQL's text of a `pg_snapshot`).
    pub snapshot_from: String,
    /// Everything sealed was committed before this snapshot.
    pub snapshot_to: String,
    /// Microseconds since the Unix epoch.
    pub sealed_at: i64,
    /// Position in the write-ahead log.
    pub lsn: String,
}

impl Block {
    /// Hash of the block: SHA-256 of a byte 3 and the parts; numbers with eight bytes, big-endian,
    /// texts with four bytes of length before them.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = vec![3];
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&u64::from(self.incarnation).to_be_bytes());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.root.0);
        bytes.extend_from_slice(&self.previous.0);
        bytes.extend_from_slice(&self.sealed_at.to_be_bytes());
        for text in [&self.snapshot_from, &self.snapshot_to, &self.lsn] {
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        sha256(&[&bytes])
    }
}
