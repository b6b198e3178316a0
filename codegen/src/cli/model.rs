//! `canon model` and `canon order`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use canon_codegen::emit::order::{BreakBy, insert_order};
use canon_codegen::error::Error;
use canon_codegen::load::{Loaded, load};
use canon_codegen::model::{Model, Table};
use canon_codegen::source::Source;
use canon_codegen::{expr, input, live, model};

use super::{DiffArgs, InputArgs, ModelArgs, Outcome, color};

pub(super) fn model(args: &ModelArgs) -> Outcome {
    if args.summary {
        return summary(&args.input);
    }
    let loaded = load(read(&args.input)?);
    let code = report(&loaded);
    let text = if args.json { json(&loaded.model)? } else { overview(&loaded.model) };
    Ok((text, code))
}

fn json(model: &Model) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(model).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(text + "\n")
}

fn read(args: &InputArgs) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for path in &args.paths {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(Error::io(path))?;
            sources.push(Source::from_bytes("<stdin>", bytes)?);
        } else {
            sources.extend(input::read(Path::new(""), std::slice::from_ref(path), &BTreeMap::new())?);
        }
    }
    Ok(sources)
}

/// Diagnostics on standard error; failure where there is an error among them.
fn report(loaded: &Loaded) -> ExitCode {
    let color = color();
    for diagnostic in &loaded.diagnostics {
        eprintln!("{}\n", diagnostic.render(&loaded.sources, color));
    }
    if loaded.errors() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Each file by itself, so that the times and counts are its own.
fn summary(args: &InputArgs) -> Outcome {
    let mut text = "file\tstatements\tmodelled\topaque\tskipped\tunparsed\tmilliseconds\n".to_owned();
    let mut failed = false;
    for source in read(args)? {
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
    Ok((text, if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }))
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

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(super) fn order(args: &InputArgs) -> Outcome {
    let loaded = load(read(args)?);
    let code = report(&loaded);
    let mut text = String::new();
    for step in insert_order(&loaded.model) {
        let notes: Vec<String> = step
            .postponed
            .iter()
            .map(|p| {
                let how = match p.by {
                    BreakBy::Deferral => "checked at commit",
                    BreakBy::Null => "insert NULL, then update",
                    BreakBy::Nothing => "no order satisfies it",
                };
                format!("{} to {}: {how}", p.constraint, p.table)
            })
            .collect();
        let _ = match notes.as_slice() {
            [] => writeln!(text, "{}", step.table),
            notes => writeln!(text, "{}  ({})", step.table, notes.join("; ")),
        };
    }
    Ok((text, code))
}

pub(super) fn diff(args: &DiffArgs) -> Outcome {
    let loaded = load(read(&args.input)?);
    let code = report(&loaded);
    let schemas: Vec<&str> = loaded.model.schemas.iter().map(|s| s.name.as_str()).collect();
    let found = live::connect(&args.database_url, Some(&schemas))?;
    let differences = model::diff(&loaded.model, &found, &mut |_, a, b| expr::same(a, b));
    let text = differences.iter().map(|difference| format!("{difference}\n")).collect();
    Ok((text, if differences.is_empty() { code } else { ExitCode::FAILURE }))
}
