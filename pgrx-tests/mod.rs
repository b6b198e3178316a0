//! Tests that need a backend but no second connection: each runs in its own rolled-back
//! transaction, as superuser, in parallel with the others against one server.
//!
//! Not here: privileges, commit, concurrency, dump and restore. Those are client tests.

mod cache;
mod ops;
mod packs;
