//! SHA-256 and the three ways in which the ledger hashes things together.

use std::fmt;

use sha2::block_api::compress256;

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

/// State before the first block (FIPS 180-4, section 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256 of the parts, one after the other.
///
/// The ledger hashes many short things in few parts each; padding them here and handing over whole
/// blocks costs half of what a general digest object does, which buffers each part.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    // Nodes of the tree, links and leaves fit two blocks with their padding, ordinary entries nine.
    match parts.iter().map(|part| part.len()).sum::<usize>() {
        ..=119 => hash_by::<2, 128>(parts),
        _ => hash_by::<9, 512>(parts),
    }
}

/// Collects up to `ROOM` bytes, a multiple of 64, before compressing them; after the last ones there must be
/// nine left of the `BLOCKS` for the padding.
fn hash_by<const BLOCKS: usize, const ROOM: usize>(parts: &[&[u8]]) -> Hash {
    let mut state = START;
    let mut blocks = [[0; 64]; BLOCKS];
    let (mut filled, mut length) = (0, 0_u64);
    for part in parts {
        length += part.len() as u64;
        let mut rest = *part;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(ROOM - filled));
            blocks.as_flattened_mut()[filled..filled + now.len()].copy_from_slice(now);
            filled += now.len();
            rest = later;
            if filled == ROOM {
                compress256(&mut state, &blocks[..ROOM / 64]);
                filled = 0;
            }
        }
    }
    let count = (filled + 9).div_ceil(64);
    let last = &mut blocks.as_flattened_mut()[..count * 64];
    last[filled] = 0x80;
    last[filled + 1..].fill(0);
    last[count * 64 - 8..].copy_from_slice(&(8 * length).to_be_bytes());
    compress256(&mut state, &blocks[..count]);
    let mut hash = Hash::ZERO;
    for (bytes, word) in hash.0.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
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

    /// However the bytes are cut into parts, around every boundary of blocks and of the buffer.
    #[test]
    fn equals_the_digest_of_the_library() {
        use sha2::{Digest, Sha256};
        let bytes: Vec<u8> = (0..2_000_u32).map(|k| (k * 7 % 251) as u8).collect();
        for length in (0..200).chain(500..530).chain(1_015..1_035).chain([1_999, 2_000]) {
            let whole = &bytes[..length];
            let expected: [u8; 32] = Sha256::digest(whole).into();
            assert_eq!(sha256(&[whole]).0, expected, "{length} bytes");
            let (left, right) = whole.split_at(length / 3);
            assert_eq!(sha256(&[left, &[], right]).0, expected, "{length} bytes in parts");
        }
    }

    #[test]
    fn hexadecimal_reads_what_it_writes() {
        assert_eq!(from_hex(&to_hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
        assert_eq!(Hash::from_hex("00"), None);
    }
}
