use pgrx::prelude::*;

/// Version of the loaded library.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
