//! From PostgreSQL DDL to types, documents and a verdict.
//!
//! `split -> parse -> fold into a catalogue -> model -> emitters -> files -> write or check`. The
//! model is plain data; emitters are pure functions of it; nothing is written before everything
//! has been generated.

pub mod error;
pub mod expr;
mod fold;
pub mod live;
pub mod load;
mod parse;
pub mod source;
pub mod split;

pub use canon_core::schema as model;
