//! `canon order`.

use std::fmt::Write as _;

use canon_codegen::emit::order::{BreakBy, ReleaseBy, delete_order, insert_order};
use canon_codegen::error::Error;
use canon_codegen::model::quote_ident;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Outcome;
use super::input::{InputArgs, Read};

#[derive(Args)]
#[command(after_help = "\
A foreign key that is part of a cycle is broken where it is deferrable or takes NULL, and named behind its table.")]
pub(super) struct OrderArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The order in which the tables can be emptied
    #[arg(long)]
    delete: bool,
    /// How to print the order
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A line a table
    #[default]
    Text,
    /// For programs
    Json,
}

pub(super) fn order(args: &OrderArgs) -> Outcome {
    let Read { loaded, verdict } = args.input.load()?;
    let text = match (args.format, args.delete) {
        (Format::Text, false) => inserts(&loaded.model),
        (Format::Text, true) => deletes(&loaded.model),
        (Format::Json, false) => json(&insert_order(&loaded.model))?,
        (Format::Json, true) => json(&delete_order(&loaded.model))?,
    };
    Ok((text, verdict))
}

fn inserts(model: &canon_codegen::model::Model) -> String {
    let mut text = String::new();
    for step in insert_order(model) {
        let notes = step.postponed.iter().map(|p| {
            let how = match p.by {
                BreakBy::Deferral => "checked at commit",
                BreakBy::Null => "insert NULL, then update",
                BreakBy::Nothing => "no order satisfies it",
            };
            format!("{} to {}: {how}", quote_ident(&p.constraint), p.table)
        });
        line(&mut text, &step.table.to_string(), &notes.collect::<Vec<_>>());
    }
    text
}

fn deletes(model: &canon_codegen::model::Model) -> String {
    let mut text = String::new();
    for step in delete_order(model) {
        let notes = step.left.iter().map(|left| {
            let how = match left.by {
                ReleaseBy::Cascade => "deletes its rows along",
                ReleaseBy::SetNull => "sets NULL",
                ReleaseBy::Deferral => "checked at commit",
                ReleaseBy::Null => "update to NULL first",
                ReleaseBy::Nothing => "no order satisfies it",
            };
            format!("{} of {}: {how}", quote_ident(&left.constraint), left.table)
        });
        line(&mut text, &step.table.to_string(), &notes.collect::<Vec<_>>());
    }
    text
}

fn line(text: &mut String, table: &str, notes: &[String]) {
    let _ = match notes {
        [] => writeln!(text, "{table}"),
        notes => writeln!(text, "{table}  ({})", notes.join("; ")),
    };
}

fn json(steps: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(steps).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(text + "\n")
}
