//! Emitters: pure functions from a project's models to files.

pub mod ddl;
pub mod docs;
pub mod erd;
pub mod manifest;
pub mod order;
pub mod quote;
pub mod types;
