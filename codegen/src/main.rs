//! The `canon` command line.

mod cli;

use std::process::ExitCode;

/// Models and tokens are many small values: an allocator made for these is much faster than the
/// system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
