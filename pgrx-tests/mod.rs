//! Tests that need a backend but no second connection: each runs in its own rolled-back
//! transaction, as superuser, in parallel against one cluster.

mod packs;
