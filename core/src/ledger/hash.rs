//! SHA-256 and the three ways in which the ledger hashes things together.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 digest; written as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first block, and before the first link of the chain of the whole ledger.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        from_hex(text).and_then(|bytes| Self::from_slice(&bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

/// Bytes written as hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads hexadecimal digits.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    Hash(digest.finalize().into())
}

/// Hash of a leaf of the tree (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    sha256(&[&[0], data])
}

/// Hash of an inner node of the tree (RFC 6962, section 2.1).
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    sha256(&[&[1], &left.0, &right.0])
}

/// The next link of a linear chain: of the link before it, and the leaf that is added.
#[must_use]
pub fn chain_hash(previous: Hash, leaf: Hash) -> Hash {
    sha256(&[&[2], &previous.0, &leaf.0])
}

/// What stands before the first link of a chain: nothing for the chain of the whole ledger, and a hash
/// of its name for any other, so that a chain cannot be given another name.
#[must_use]
pub fn chain_start(name: Option<&str>) -> Hash {
    name.map_or(Hash::ZERO, |name| sha256(&[&[4], name.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.
    #[test]
    fn published_digests() {
        let abc = sha256(&[b"a", b"bc"]);
        assert_eq!(abc.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let long = sha256(&[b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"]);
        assert_eq!(long.to_string(), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }

    #[test]
    fn hexadecimal_reads_what_it_writes() {
        assert_eq!(from_hex(&to_hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
        assert_eq!(Hash::from_hex("00"), None);
    }
}
