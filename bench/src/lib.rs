//! Measures pg_canon against its peers: side by side, in one run, on one server.
//!
//! A [`Benchmark`] is a function that prepares [`Case`]s. A case has `ours` and any number of named
//! peers, each a [`Contender`]: a closure that runs for one round and returns what it measured.
//! Contenders take turns, so that a machine that slows down slows all of them down, and the median
//! of the rounds counts. [`throughput`] and [`time_per_call`] write most closures.
#![forbid(unsafe_code)]

mod audit;
mod case;
mod codegen;
mod machine;
mod measure;
mod plan;
mod plot;
mod rate;
mod registry;
mod report;
mod run;
mod stats;
mod status;
mod unit;

pub use case::{Benchmark, Case, Contender, Round};
pub use codegen::probe as codegen_probe;
pub use machine::Machine;
pub use measure::{throughput, time_per_call};
pub use registry::{REGISTRY, select};
pub use report::{Measurement, table, write_json};
pub use run::{Options, measure};
pub use unit::Unit;

/// The picture of a benchmark's results for the documentation: its file name, and the SVG. Not every
/// benchmark has one.
#[must_use]
pub fn picture(name: &str, results: &[Measurement]) -> Option<(&'static str, anyhow::Result<String>)> {
    match name {
        "plan" => plan::picture(results).map(|svg| ("plans-schedule.svg", svg)),
        _ => None,
    }
}
