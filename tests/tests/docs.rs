//! The pages of the book do what they say: every `sql` block of README.md and docs/*.md runs in psql,
//! in the order of the page, in a database of its own that has the extension.
//!
//! A `text` block right after a `sql` block is what psql prints for it, `…` standing for anything. Without
//! one the block may print what it likes, but no error. With `PG_CANON_WRITE=1` in the environment a wrong
//! `text` block is replaced by what psql printed, for a person to read before it is committed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use canon_tests::{canon_database, repo_root, server};

/// A `sql` block with what the page says about its output.
struct Block {
    line: usize,
    sql: String,
    expected: Option<Expected>,
}

struct Expected {
    line: usize,
    text: String,
}

/// The fenced blocks of a page as (line of the fence, language, text).
fn fenced(page: &str) -> Vec<(usize, String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (k, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((k + 1, language.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, _, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut after_sql = false;
    for (line, language, text) in fenced(page) {
        match (language.as_str(), found.last_mut()) {
            ("sql", _) => found.push(Block { line, sql: text, expected: None }),
            ("text", Some(block)) if after_sql => block.expected = Some(Expected { line, text }),
            _ => {}
        }
        after_sql = language == "sql";
    }
    found
}

/// Whether `found` is `expected`, in which `…` stands for any text within a line.
fn matches(expected: &str, found: &str) -> bool {
    fn line_matches(expected: &str, found: &str) -> bool {
        let mut parts = expected.trim_end().split('…');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = found.trim_end().strip_prefix(first) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        for part in middle {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
    let (expected, found) = (expected.trim_end().lines(), found.trim_end().lines());
    expected.clone().count() == found.clone().count() && expected.zip(found).all(|(e, f)| line_matches(e, f))
}

/// What psql printed for each block, errors among it.
fn run(name: &str, blocks: &[Block]) -> Result<Vec<String>> {
    const MARK: &str = "---- end of block";
    let db = canon_database(name)?;
    let mut script = String::new();
    for block in blocks {
        writeln!(script, "{}\\echo {MARK}", block.sql)?;
    }
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), script)?;
    // One pipe for both, so that errors stand where they happened.
    let mut psql = server().program("psql");
    let (mut reader, writer) = std::io::pipe()?;
    psql.env("PGDATABASE", db.name()).args(["--no-psqlrc", "--quiet", "--pset=pager=off"]);
    psql.stdin(fs::File::open(file.path())?).stdout(writer.try_clone()?).stderr(Stdio::from(writer));
    let mut child = psql.spawn().context("psql")?;
    drop(psql);
    let mut printed = String::new();
    std::io::Read::read_to_string(&mut reader, &mut printed)?;
    child.wait()?;
    let mut outputs: Vec<String> = printed.split(&format!("{MARK}\n")).map(str::to_owned).collect();
    let rest = outputs.pop().unwrap_or_default();
    ensure!(outputs.len() == blocks.len(), "psql stopped after {} of {} blocks: {rest}", outputs.len(), blocks.len());
    Ok(outputs)
}

fn check(page: &Path) -> Result<usize> {
    let text = fs::read_to_string(page)?;
    let blocks = blocks(&text);
    if blocks.is_empty() {
        return Ok(0);
    }
    let name = page.file_stem().and_then(|s| s.to_str()).context("page without a name")?;
    let mut wrong = String::new();
    let mut corrected: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the last to the first, so that lines above a correction keep their numbers.
    for (block, output) in blocks.iter().zip(run(&format!("docs_{name}").to_lowercase(), &blocks)?).rev() {
        let at = format!("{}:{}", page.display(), block.line);
        match &block.expected {
            Some(expected) if !matches(&expected.text, &output) => {
                writeln!(wrong, "{at}: the page says\n{}psql says\n{output}", expected.text)?;
                let lines = expected.line..expected.line + expected.text.lines().count();
                corrected.splice(lines, output.trim_end().lines().map(str::to_owned));
            }
            None if output.contains("ERROR:") || output.contains("FATAL:") => writeln!(wrong, "{at}:\n{output}")?,
            _ => {}
        }
    }
    if std::env::var_os("PG_CANON_WRITE").is_some() {
        fs::write(page, corrected.join("\n") + "\n")?;
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(blocks.len())
}

#[test]
fn every_page_runs_as_written() -> Result<()> {
    let root = repo_root()?;
    let mut pages: Vec<PathBuf> = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    pages.retain(|page| page.extension().is_some_and(|e| e == "md"));
    pages.sort();
    let mut ran = 0;
    let mut wrong = String::new();
    for page in &pages {
        match check(page) {
            Ok(blocks) => ran += blocks,
            Err(error) => writeln!(wrong, "{error:#}")?,
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(ran > 0, "no page has a block of SQL");
    Ok(())
}

#[test]
fn the_reader_of_pages_sees_what_differs() {
    assert!(matches(" a | b\n---\n 1 | …\n", " a | b\n---\n 1 | 2026-01-01  \n"));
    assert!(matches("x…y…z", "x1y2z"));
    assert!(!matches("x…y", "x1y2"));
    assert!(!matches("one\ntwo", "one"));
    assert!(!matches("one", "one more"));
    let page = "```sql\nSELECT 1;\n```\ntext\n```text\n1\n```\n```sh\nls\n```\n```text\nnot of SQL\n```\n";
    let found = blocks(page);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].expected.as_ref().map(|e| (e.line, e.text.as_str()))), (1, Some((5, "1\n"))));
}
