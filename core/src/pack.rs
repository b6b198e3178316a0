//! Schema packs: what a pack declares, and how a database measures up to it.

mod audited;
mod manifest;
mod validate;

pub use audited::{Audited, AuditedLog, AuditedTable};
pub use manifest::{Manifest, PackFile};
pub use validate::{Finding, StatusRule, validate};
