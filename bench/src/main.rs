//! Runs benchmarks on the server that `cargo xtask bench` has started.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use canon_bench::{Machine, Options, REGISTRY, measure, picture, select, table, write_json};
use clap::Parser;
use xtask::{Server, repo_root};

/// The allocator of `canon`, for both contenders.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure pg_canon against its peers; started by `cargo xtask bench`.
#[derive(Debug, Parser)]
struct Cli {
    /// Names of benchmarks; all where none is given
    names: Vec<String>,
    /// Print the names that were chosen, and measure nothing
    #[arg(long)]
    list: bool,
    /// Read this file in this way, and print the peak of memory: a process of its own for a case
    #[arg(long, hide = true, num_args = 2, value_names = ["WAY", "FILE"])]
    probe: Option<Vec<String>>,
    /// Rounds of each contender; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds of each round
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only cases with this in their name; results of the others stay as they are
    #[arg(long)]
    case: Option<String>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some([way, file]) = cli.probe.as_deref() {
        return canon_bench::codegen_probe(way, Path::new(file));
    }
    let chosen = select(REGISTRY, &cli.names)?;
    if cli.list {
        for benchmark in chosen {
            println!("{:<10} {}", benchmark.name, benchmark.about);
        }
        return Ok(());
    }
    let options = Options { rounds: cli.rounds, duration: Duration::try_from_secs_f64(cli.seconds)? };
    let server = Server::from_env()?;
    let machine = Machine::describe(&server)?;
    let results = repo_root()?.join("bench/results");
    for benchmark in chosen {
        let measured = measure(benchmark, &server, options, cli.case.as_deref())?;
        print!("{}", table(&measured));
        let measured: Vec<_> = measured.into_iter().map(|m| m.on(&machine)).collect();
        let keep = cli.case.is_some();
        println!("wrote {}\n", write_json(&results, benchmark.name, &measured, keep)?.display());
        if let Some((file, svg)) = picture(benchmark.name, &measured) {
            let file = repo_root()?.join("docs").join(file);
            std::fs::write(&file, svg?)?;
            println!("drew {}\n", file.display());
        }
    }
    Ok(())
}
