//! The rules of pg_canon as pure functions and plain data.
//!
//! Nothing here knows PostgreSQL's C interface, the file system or the clock, so all of it is
//! tested in milliseconds without a server. The extension converts datums and calls in; the code
//! generator parses text and calls in.
#![forbid(unsafe_code)]

pub mod ledger;
pub mod limit;
pub mod pack;
pub mod plan;
pub mod schema;
pub mod status;
