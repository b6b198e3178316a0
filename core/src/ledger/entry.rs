//! An entry of the ledger, and the leaf that commits to it.

use super::hash::{Hash, leaf_hash, sha256};

/// Version of the encoding, the first byte of every leaf.
pub const VERSION: u8 = 1;

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Operation {
    /// A row was added.
    Insert = 1,
    /// A row was changed.
    Update = 2,
    /// A row was removed.
    Delete = 3,
    /// All rows of a table were removed at once.
    Truncate = 4,
    /// The definition of a table was changed.
    Ddl = 5,
    /// Recording of a table began or was changed.
    Enable = 6,
    /// Recording of a table ended.
    Disable = 7,
    /// The content of an entry was erased.
    Redact = 8,
    /// Old entries were removed.
    Retain = 9,
    /// A restore was declared.
    Restore = 10,
}

impl Operation {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Insert, "INSERT"),
        (Self::Update, "UPDATE"),
        (Self::Delete, "DELETE"),
        (Self::Truncate, "TRUNCATE"),
        (Self::Ddl, "DDL"),
        (Self::Enable, "ENABLE"),
        (Self::Disable, "DISABLE"),
        (Self::Redact, "REDACT"),
        (Self::Retain, "RETAIN"),
        (Self::Restore, "RESTORE"),
    ];

    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(op, _)| *op == self).map_or("", |(_, name)| name)
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_bytes(name.as_bytes())
    }

    /// Reads [`Self::name`] as bytes.
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.as_bytes() == name).map(|(op, _)| *op)
    }
}

/// What an entry says: everything that may be personal. Erasing it leaves the entry verifiable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body<'a> {
    /// Table, as `schema.table`.
    pub relation: Option<&'a [u8]>,
    /// Values of the key columns, as text.
    pub key: Option<&'a [u8]>,
    /// Image of the row before; see [`super::value`].
    pub old: Option<&'a [u8]>,
    /// Image of the row after.
    pub new: Option<&'a [u8]>,
    /// Role that acted.
    pub actor: Option<&'a [u8]>,
    /// Further circumstances, as JSON text.
    pub context: Option<&'a [u8]>,
}

impl Body<'_> {
    /// The commitment to the body: SHA-256 of the salt and the six parts, each as one byte (0 for
    /// absent, 1 for present), four bytes of length, big-endian, and the bytes.
    ///
    /// With the salt gone nobody can find out what was committed to, not even by trying.
    #[must_use]
    pub fn commitment(&self, salt: &[u8]) -> Hash {
        let parts = [self.relation, self.key, self.old, self.new, self.actor, self.context];
        let prefixes = parts.map(|part| {
            let length = u32::try_from(part.unwrap_or_default().len()).unwrap_or(u32::MAX).to_be_bytes();
            [u8::from(part.is_some()), length[0], length[1], length[2], length[3]]
        });
        let mut bytes = [salt; 13];
        for (k, (prefix, part)) in prefixes.iter().zip(parts).enumerate() {
            bytes[2 * k + 1] = prefix;
            bytes[2 * k + 2] = part.unwrap_or_default();
        }
        sha256(&bytes)
    }
}

/// What an entry says without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of the entry; unique, not dense.
    pub id: i64,
    /// Microseconds since the Unix epoch.
    pub recorded_at: i64,
    /// Transaction, with its epoch.
    pub xid: u64,
    /// What happened.
    pub operation: Operation,
    /// The recorded table; all zero for entries about the ledger itself.
    pub table: [u8; 16],
}

impl Header {
    /// What the leaf is the hash of: version, id, time, transaction, operation, table, commitment;
    /// numbers big-endian.
    #[must_use]
    pub fn leaf_data(&self, commitment: Hash) -> [u8; 74] {
        let mut data = [0; 74];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            data[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&[VERSION]);
        put(&self.id.to_be_bytes());
        put(&self.recorded_at.to_be_bytes());
        put(&self.xid.to_be_bytes());
        put(&[self.operation as u8]);
        put(&self.table);
        put(&commitment.0);
        data
    }

    /// The leaf of the tree.
    #[must_use]
    pub fn leaf(&self, commitment: Hash) -> Hash {
        leaf_hash(&self.leaf_data(commitment))
    }
}
