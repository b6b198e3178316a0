//! Schema packs: what a pack declares, and how a database measures up to it.

mod manifest;
mod validate;

pub use manifest::{Manifest, PackFile};
pub use validate::{Finding, StatusRule, validate};
