//! The audit ledger as pure functions: what is hashed, how hashes make a tree, what is signed, and
//! how all of it is verified with nothing but the public key.
//!
//! The tree and its proofs are those of [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962); the
//! checkpoints are those of [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint), signed notes with
//! Ed25519.

pub mod block;
pub mod dump;
pub mod entry;
pub mod hash;
pub mod note;
pub mod receipt;
mod text;
pub mod tile;
pub mod tree;
pub mod value;
pub mod verify;
