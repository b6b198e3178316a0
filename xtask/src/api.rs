//! The listing of everything the extension offers, and its comparison with the one in the repository.

use std::path::Path;

use anyhow::{Context, Result};
use postgres::{Client, SimpleQueryMessage};
use similar::TextDiff;

use crate::run::{read, write_if_different};
use crate::server::Server;

/// The query, from the root of the repository.
pub const QUERY: &str = "sql/api.sql";
/// Its expected result.
pub const LISTING: &str = "sql/api.txt";
/// The command that brings the expected result up to date.
pub const FIX: &str = "cargo xtask gen";

/// Lists the members of the extension in the database that `client` is connected to. `repo` is the
/// root of the repository.
///
/// # Errors
///
/// When the query cannot be read or fails.
pub fn listing(client: &mut Client, repo: &Path) -> Result<String> {
    let sql = read(&repo.join(QUERY))?;
    let messages = client.simple_query(&sql).with_context(|| format!("{QUERY} failed"))?;
    let mut text = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            text.push_str(row.get(0).unwrap_or_default());
            text.push('\n');
        }
    }
    Ok(text)
}

/// Lists the members of the extension as a fresh `CREATE EXTENSION` makes them.
///
/// # Errors
///
/// When the extension cannot be created or the query fails.
pub fn fresh_listing(server: &Server, repo: &Path) -> Result<String> {
    let database = server.database("api_listing")?;
    let mut client = database.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon").context("CREATE EXTENSION pg_canon failed")?;
    listing(&mut client, repo)
}

/// What changed from the listing in the repository to `found`, as a unified diff; nothing where they
/// are equal.
///
/// # Errors
///
/// When the listing in the repository cannot be read.
pub fn difference(repo: &Path, found: &str) -> Result<Option<String>> {
    let file = repo.join(LISTING);
    let expected = if file.exists() { read(&file)? } else { String::new() };
    if expected == found {
        return Ok(None);
    }
    let diff = TextDiff::from_lines(expected.as_str(), found);
    Ok(Some(diff.unified_diff().context_radius(1).header(LISTING, "the extension as built").to_string()))
}

/// Writes the listing into the repository and says whether it changed.
pub(crate) fn write(repo: &Path, found: &str) -> Result<bool> {
    write_if_different(&repo.join(LISTING), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_the_line() {
        let repo = tempfile::tempdir().unwrap();
        std::fs::create_dir(repo.path().join("sql")).unwrap();
        assert!(difference(repo.path(), "a\n").unwrap().unwrap().contains("+a\n"));
        write(repo.path(), "a\nb\n").unwrap();
        assert_eq!(difference(repo.path(), "a\nb\n").unwrap(), None);
        let diff = difference(repo.path(), "a\nc\n").unwrap().unwrap();
        assert!(diff.contains("-b\n+c\n") && diff.contains("--- sql/api.txt"), "{diff}");
    }
}
