//! `canon model`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use canon_codegen::counts::{COLUMNS, counts};
use canon_codegen::error::Error;
use canon_codegen::load::load;
use canon_codegen::model::{Model, Table};
use clap::Args;

use super::input::{InputArgs, Read, report};
use super::{Outcome, Verdict, counted};

#[derive(Args)]
pub(super) struct ModelArgs {
    #[command(flatten)]
    input: InputArgs,
    /// A line a file: how many statements were modelled, kept as text, skipped, not understood
    #[arg(long, conflicts_with_all = ["json", "database_url"])]
    summary: bool,
    /// A line a file: how many tables, columns, keys, indexes and so on it declares
    #[arg(long, conflicts_with_all = ["json", "summary", "database_url"])]
    counts: bool,
    /// The model as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn model(args: &ModelArgs) -> Outcome {
    if args.summary {
        return summary(&args.input);
    }
    if args.counts {
        return counted_objects(&args.input);
    }
    let Read { loaded, verdict } = args.input.load()?;
    let text = if args.json { json(&loaded.model)? } else { overview(&loaded.model) };
    Ok((text, verdict))
}

fn json(model: &Model) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(model).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(text + "\n")
}

/// Each file by itself, so that the times and counts are its own.
fn summary(args: &InputArgs) -> Outcome {
    let mut text = "file\tstatements\tmodelled\topaque\tskipped\tunparsed\tmilliseconds\n".to_owned();
    let mut failed = false;
    for source in args.sources()? {
        let start = Instant::now();
        let loaded = load(vec![source]);
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        for (source, c) in loaded.sources.iter().zip(&loaded.coverage) {
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}\t{}\t{milliseconds:.1}",
                source.name, c.statements, c.modelled, c.opaque, c.skipped, c.unparsed
            );
        }
        failed |= loaded.errors() > 0;
    }
    Ok((text, if failed { Verdict::Trouble } else { Verdict::Good }))
}

/// Each file by itself, named by its stem.
fn counted_objects(args: &InputArgs) -> Outcome {
    let mut text = format!("{}\n", COLUMNS.join("\t"));
    let mut verdict = Verdict::Good;
    for source in args.sources()? {
        let loaded = load(vec![source]);
        if loaded.errors() > 0 {
            report(&loaded);
            verdict = Verdict::Trouble;
        }
        let name = Path::new(&loaded.sources[0].name).file_stem().unwrap_or_default().to_string_lossy();
        let numbers: Vec<String> = counts(&loaded.model).iter().map(usize::to_string).collect();
        let _ = writeln!(text, "{name}\t{}", numbers.join("\t"));
    }
    Ok((text, verdict))
}

fn overview(model: &Model) -> String {
    let mut text = String::new();
    for table in &model.tables {
        let _ = writeln!(text, "table {} ({})", table.name, describe(table));
    }
    for (one, many, count) in [
        ("view", "views", model.views.len()),
        ("enum", "enums", model.enums.len()),
        ("domain", "domains", model.domains.len()),
        ("composite type", "composite types", model.composites.len()),
        ("range type", "range types", model.ranges.len()),
        ("sequence", "sequences", model.sequences.len()),
        ("function", "functions", model.functions.len()),
        ("object kept as text", "objects kept as text", model.opaque.len()),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{}", counted(count, one, many));
        }
    }
    text
}

fn describe(table: &Table) -> String {
    let columns = counted(table.columns.len(), "column", "columns");
    let keys = counted(table.foreign_keys().count(), "foreign key", "foreign keys");
    let indexes = counted(table.indexes.len(), "index", "indexes");
    format!("{columns}, {keys}, {indexes}")
}
