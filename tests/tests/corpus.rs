//! What `canon` reads from real DDL is what PostgreSQL makes of it, object by object.
//!
//! The files are not part of the repository. Where they are absent the tests say so and pass.

use std::collections::HashMap;

use anyhow::Result;
use canon_codegen::counts::{COLUMNS, counts};
use canon_codegen::model::Difference;
use canon_tests::corpus::{FOLDER, INTENDED_ERRORS, Verdict, expected, figures, folder, judge, samples};
use canon_tests::server;

/// Where equality cannot be had from the text alone: file, beginning of the difference, reason.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "adventureworks",
        "foreign key production.productreview: \"FK_ProductReview_Product_ProductID\" is missing",
        "rows inserted by the script violate it, as the referenced ones come from files that are not there",
    ),
    ("pagila", "extension vector is missing", "the server has no pgvector"),
    ("pagila", "table public.film_embedding is missing", "its column is of pgvector's type"),
];

/// Counts that cannot be had from the text alone: file, columns.
const KNOWN_COUNTS: &[(&str, &[&str])] = &[("adventureworks", &["fk", "fk_no_ix"])];

/// PostgreSQL 15 takes this file only with the forms of PostgreSQL 18 replaced.
const TOO_NEW: &str = "pagila";

fn each() -> Result<Vec<Verdict>> {
    let Some(folder) = folder()? else {
        println!("skipped: there are no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(Vec::new());
    };
    let mut verdicts = Vec::new();
    for sample in samples(&folder)? {
        verdicts.push(judge(&server(), &sample.for_older_servers())?);
    }
    Ok(verdicts)
}

#[test]
fn models_equal_the_catalogue() -> Result<()> {
    let verdicts = each()?;
    println!("{}", figures(&verdicts));
    let failures: Vec<String> = verdicts.iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{} files\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

/// What is wrong with a file, as many lines as it takes.
fn failure(verdict: &Verdict) -> Option<String> {
    let account = &verdict.loaded.coverage[0];
    let file = &verdict.name;
    if *file == INTENDED_ERRORS {
        return (account.unparsed * 100 >= account.statements).then(|| format!("{file}: {account:?}"));
    }
    let known =
        |line: &String| KNOWN.iter().any(|(known, difference, _)| known == file && line.starts_with(difference));
    let lines: Vec<String> = verdict.differences.iter().map(Difference::to_string).filter(|l| !known(l)).collect();
    if lines.is_empty() && account.unparsed == 0 {
        return None;
    }
    let refused = if verdict.refusals.is_empty() { "" } else { "\nwhat PostgreSQL refused:\n" };
    Some(format!(
        "{file}: {} statements not read, {} differences:\n{}{refused}{}",
        account.unparsed,
        lines.len(),
        lines.join("\n"),
        verdict.refusals.join("\n")
    ))
}

#[test]
fn counts_equal_those_of_the_catalogue() -> Result<()> {
    let Some(folder) = folder()? else {
        println!("skipped: there are no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(());
    };
    let Some(expected) = expected(&folder)? else {
        println!("skipped: {} has no counts", folder.display());
        return Ok(());
    };
    for sample in samples(&folder)?.iter().filter(|s| s.name != TOO_NEW && s.name != INTENDED_ERRORS) {
        let known: &[&str] = KNOWN_COUNTS.iter().find(|(file, _)| *file == sample.name).map_or(&[], |(_, known)| known);
        let row: &HashMap<String, String> = &expected[&sample.name];
        for (column, count) in COLUMNS[1..].iter().zip(counts(&sample.read().model)) {
            if !known.contains(column) {
                assert_eq!(count.to_string(), row[*column], "{}: {column}", sample.name);
            }
        }
    }
    Ok(())
}
