//! Signed notes and checkpoints: what is published about a ledger.
//!
//! The forms are those of [C2SP signed-note](https://c2sp.org/signed-note) and
//! [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint), so witnesses and tools of others read them.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::hash::{Hash, sha256};

/// The algorithm byte of Ed25519 in keys and key hashes.
const ED25519: u8 = 1;

/// Why a key, a note or a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not of the form of a key.
    #[error("not a key of the form NAME+HASH+BASE64 with an Ed25519 key")]
    MalformedKey,
    /// Key and key hash do not belong together.
    #[error("the hash in the key is not the hash of the key: a digit was changed")]
    WrongKeyHash,
    /// The name of a key must not be empty or hold blanks or `+`.
    #[error("the name of a key must not be empty, nor hold blanks, control characters or \"+\"")]
    BadName,
    /// Not of the form of a note.
    #[error("not a signed note")]
    MalformedNote,
    /// No signature by this key.
    #[error("the note has no signature by key \"{0}\"")]
    NotSigned(String),
    /// The signature is wrong.
    #[error("the signature by key \"{0}\" is wrong")]
    WrongSignature(String),
    /// Not of the form of a checkpoint.
    #[error("not a checkpoint")]
    MalformedCheckpoint,
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) { Err(NoteError::BadName) } else { Ok(()) }
}

fn key_hash(name: &str, public: &[u8; 32]) -> u32 {
    let Hash(digest) = sha256(&[name.as_bytes(), b"\n", &[ED25519], public]);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// `name+hash+base64` with the algorithm byte taken off the key.
fn parse_key(text: &str) -> Result<(&str, u32, [u8; 32]), NoteError> {
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::MalformedKey);
    };
    check_name(name)?;
    let hash = u32::from_str_radix(hash, 16).ok().filter(|_| hash.len() == 8).ok_or(NoteError::MalformedKey)?;
    let key = STANDARD.decode(key).map_err(|_| NoteError::MalformedKey)?;
    let Some((&ED25519, key)) = key.split_first() else { return Err(NoteError::MalformedKey) };
    Ok((name, hash, key.try_into().map_err(|_| NoteError::MalformedKey)?))
}

/// The key that signs. It is never printed.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    ///
    /// When the name is refused.
    pub fn new(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(&seed) })
    }

    /// Reads `PRIVATE+KEY+name+hash+base64`.
    ///
    /// # Errors
    ///
    /// When it is not of that form.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, hash, seed) = parse_key(text.trim().strip_prefix("PRIVATE+KEY+").ok_or(NoteError::MalformedKey)?)?;
        let signer = Self::new(name, seed)?;
        if key_hash(name, signer.key.verifying_key().as_bytes()) != hash {
            return Err(NoteError::WrongKeyHash);
        }
        Ok(signer)
    }

    /// The secret, as [`Self::parse`] reads it: for writing it to its file, once.
    #[must_use]
    pub fn secret(&self) -> String {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        let hash = key_hash(&self.name, self.key.verifying_key().as_bytes());
        format!("PRIVATE+KEY+{}+{hash:08x}+{}", self.name, STANDARD.encode(key))
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// A note of `text`, which must end with a line feed.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut signature = key_hash(&self.name, self.key.verifying_key().as_bytes()).to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.name, STANDARD.encode(signature))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The public key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// Reads `name+hash+base64`.
    ///
    /// # Errors
    ///
    /// When it is not of that form, or is no point of the curve.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, hash, key) = parse_key(text)?;
        if key_hash(name, &key) != hash {
            return Err(NoteError::WrongKeyHash);
        }
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::MalformedKey)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `note` is signed by this key; returns its text. Signatures by others are passed over.
    ///
    /// # Errors
    ///
    /// When it is no note, lacks a signature by this key, or the signature is wrong.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split(note)?;
        let hash = key_hash(&self.name, self.key.as_bytes()).to_be_bytes();
        for line in signatures.lines() {
            let line = line.strip_prefix("\u{2014} ").ok_or(NoteError::MalformedNote)?;
            let (name, signature) = line.split_once(' ').ok_or(NoteError::MalformedNote)?;
            let signature = STANDARD.decode(signature).map_err(|_| NoteError::MalformedNote)?;
            let Some(signature) = signature.strip_prefix(&hash).filter(|_| name == self.name) else { continue };
            let wrong = || NoteError::WrongSignature(self.name.clone());
            let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
            return self.key.verify_strict(text.as_bytes(), &signature).map(|()| text).map_err(|_| wrong());
        }
        Err(NoteError::NotSigned(self.name.clone()))
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, key_hash(&self.name, self.key.as_bytes()), STANDARD.encode(key))
    }
}

/// Text and signature lines of a note.
fn split(note: &str) -> Result<(&str, &str), NoteError> {
    let at = note.rfind("\n\n").ok_or(NoteError::MalformedNote)?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    if signatures.ends_with('\n') { Ok((text, signatures)) } else { Err(NoteError::MalformedNote) }
}

/// What a ledger says about itself at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub origin: String,
    /// Leaves of its tree.
    pub size: u64,
    /// Root of its tree.
    pub root: Hash,
    /// Hash of its newest block, in an extension line.
    pub block: Option<Hash>,
}

impl Checkpoint {
    /// The text to sign.
    #[must_use]
    pub fn text(&self) -> String {
        let block = self.block.map(|block| format!("block {block}\n")).unwrap_or_default();
        format!("{}\n{}\n{}\n{block}", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Reads the text of a note; extension lines of others are passed over.
    ///
    /// # Errors
    ///
    /// When it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::MalformedCheckpoint;
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(bad);
        };
        let plain =
            !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| plain && !origin.is_empty()).ok_or_else(|| bad.clone())?;
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::from_slice(&root)).ok_or(bad)?;
        let block = lines.find_map(|line| line.strip_prefix("block ").and_then(Hash::from_hex));
        Ok(Self { origin: origin.to_owned(), size, root, block })
    }

    /// Reads a note without looking at its signatures.
    ///
    /// # Errors
    ///
    /// When it is no note or no checkpoint.
    pub fn of_note(note: &str) -> Result<Self, NoteError> {
        Self::parse(split(note)?.0)
    }
}

/// The notes in a file to which they were appended, one after the other.
#[must_use]
pub fn notes_in(file: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = String::new();
    let mut signed = false;
    for line in file.lines() {
        let signature = line.starts_with('\u{2014}');
        if signed && !signature {
            notes.push(std::mem::take(&mut note));
            signed = false;
            if line.is_empty() {
                continue;
            }
        }
        signed |= signature;
        note.push_str(line);
        note.push('\n');
    }
    if !note.trim().is_empty() {
        notes.push(note);
    }
    notes
}
