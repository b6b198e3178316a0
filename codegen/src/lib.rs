//! From PostgreSQL DDL to types, documents and a verdict.
//!
//! `split -> parse -> fold into a catalogue -> model -> emitters -> files -> write or check`. The
//! model is plain data; emitters are pure functions of it; nothing is written before everything
//! has been generated.

mod block;
pub mod check;
pub mod compare;
pub mod config;
pub mod counts;
pub mod emit;
pub mod error;
pub mod expr;
mod fold;
pub mod history;
pub mod input;
pub mod lint;
pub mod live;
pub mod load;
pub mod lock;
pub mod markdown;
pub mod measure;
pub mod pack;
mod parse;
pub mod project;
pub mod references;
pub mod regions;
pub mod sample;
pub mod source;
pub mod split;
pub mod status;
mod transaction;
pub mod typename;
pub mod write;

pub use canon_core::schema as model;
