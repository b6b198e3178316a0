//! `canon model` and `canon order`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use canon_codegen::emit::order::{BreakBy, insert_order};
use canon_codegen::error::Error;
use canon_codegen::load::{Loaded, load};
use canon_codegen::model::{Model, Table};
use canon_codegen::source::Source;
use canon_codegen::{expr, input, live, model};

use super::{DiffArgs, InputArgs, ModelArgs, color};

pub(super) fn model(args: &ModelArgs) -> Result<ExitCode, Error> {
    if args.summary {
        return summary(&args.input);
    }
    let loaded = load(read(&args.input)?);
    let code = report(&loaded);
    if args.json {
        let json = serde_json::to_string_pretty(&loaded.model).map_err(|e| Error::Database(e.to_string()))?;
        println!("{json}");
    } else {
        overview(&loaded.model);
    }
    Ok(code)
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
fn summary(args: &InputArgs) -> Result<ExitCode, Error> {
    println!("file\tstatements\tmodelled\topaque\tskipped\tunparsed\tmilliseconds");
    let mut failed = false;
    for source in read(args)? {
        let start = Instant::now();
        let loaded = load(vec![source]);
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        for (source, c) in loaded.sources.iter().zip(&loaded.coverage) {
            println!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{milliseconds:.1}",
                source.name, c.statements, c.modelled, c.opaque, c.skipped, c.unparsed
            );
        }
        failed |= loaded.errors() > 0;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn overview(model: &Model) {
    for table in &model.tables {
        println!("table {} ({})", table.name, describe(table));
    }
    for (kind, count) in [
        ("views", model.views.len()),
        ("enums", model.enums.len()),
        ("domains", model.domains.len()),
        ("composite types", model.composites.len()),
        ("range types", model.ranges.len()),
        ("sequences", model.sequences.len()),
        ("functions", model.functions.len()),
        ("objects kept as text", model.opaque.len()),
    ] {
        if count > 0 {
            println!("{count} {kind}");
        }
    }
}

fn describe(table: &Table) -> String {
    let keys = table.foreign_keys().count();
    format!("{} columns, {keys} foreign keys, {} indexes", table.columns.len(), table.indexes.len())
}

pub(super) fn order(args: &InputArgs) -> Result<ExitCode, Error> {
    let loaded = load(read(args)?);
    let code = report(&loaded);
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
        if notes.is_empty() { println!("{}", step.table) } else { println!("{}  ({})", step.table, notes.join("; ")) }
    }
    Ok(code)
}

pub(super) fn diff(args: &DiffArgs) -> Result<ExitCode, Error> {
    let loaded = load(read(&args.input)?);
    let code = report(&loaded);
    let schemas: Vec<&str> = loaded.model.schemas.iter().map(|s| s.name.as_str()).collect();
    let found = live::connect(&args.database_url, Some(&schemas))?;
    let differences = model::diff(&loaded.model, &found, &mut |_, a, b| expr::same(a, b));
    for difference in &differences {
        println!("{difference}");
    }
    Ok(if differences.is_empty() { code } else { ExitCode::FAILURE })
}
