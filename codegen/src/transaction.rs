//! Transactions: which statements a later ROLLBACK takes back.

use std::ops::Range;

use crate::split::{Piece, PieceKind};

/// For each piece whether it has no effect in the end: it stands between BEGIN and ROLLBACK, or
/// between a savepoint and the ROLLBACK TO it.
pub(crate) fn undone(text: &str, pieces: &[Piece]) -> Vec<bool> {
    let mut undone = vec![false; pieces.len()];
    let mut transaction: Option<usize> = None;
    let mut savepoints: Vec<(String, usize)> = Vec::new();
    for (n, piece) in pieces.iter().enumerate().filter(|(_, p)| p.kind == PieceKind::Statement) {
        match step(&text[piece.range.clone()]) {
            Some(Step::Begin) => {
                transaction.get_or_insert(n);
            }
            Some(Step::Commit) => (transaction, savepoints) = (None, Vec::new()),
            Some(Step::Rollback) => {
                if let Some(start) = transaction.take() {
                    take_back(&mut undone, start..n);
                }
                savepoints.clear();
            }
            Some(Step::Savepoint(name)) if transaction.is_some() => savepoints.push((name, n)),
            Some(Step::Release(name)) => {
                if let Some(at) = savepoints.iter().rposition(|(other, _)| *other == name) {
                    savepoints.truncate(at);
                }
            }
            Some(Step::RollbackTo(name)) => {
                if let Some(at) = savepoints.iter().rposition(|(other, _)| *other == name) {
                    savepoints.truncate(at + 1);
                    // What was taken back once is not gone through again.
                    let start = std::mem::replace(&mut savepoints[at].1, n);
                    take_back(&mut undone, start..n);
                }
            }
            Some(Step::Savepoint(_)) | None => {}
        }
    }
    undone
}

fn take_back(undone: &mut [bool], range: Range<usize>) {
    undone[range].fill(true);
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Begin,
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
}

fn step(statement: &str) -> Option<Step> {
    // Only the first words count; no statement of this kind is long.
    let mut words = statement.split_ascii_whitespace().take(6).map(str::to_ascii_lowercase);
    let first = words.next()?;
    let mut rest: Vec<String> = words.filter(|w| !matches!(w.as_str(), "work" | "transaction" | "savepoint")).collect();
    match first.as_str() {
        "begin" | "start" => Some(Step::Begin),
        "commit" | "end" => Some(Step::Commit),
        "abort" => Some(Step::Rollback),
        "savepoint" => Some(Step::Savepoint(rest.pop()?)),
        "release" => Some(Step::Release(rest.pop()?)),
        "rollback" => match rest.iter().position(|w| w == "to") {
            Some(_) => Some(Step::RollbackTo(rest.pop()?)),
            None => Some(Step::Rollback),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::split;

    /// The statements that stay, as psql leaves them behind.
    fn kept(text: &str) -> Vec<&str> {
        let pieces = split(text);
        let undone = undone(text, &pieces);
        let kept = pieces.iter().zip(undone).filter(|(_, undone)| !undone).map(|(p, _)| &text[p.range.clone()]);
        kept.filter(|s| s.len() == 1).collect()
    }

    #[test]
    fn what_is_rolled_back_leaves_no_trace() {
        assert_eq!(kept("A; BEGIN; B; ROLLBACK; C; START TRANSACTION; D; COMMIT; ROLLBACK; E"), ["A", "C", "D", "E"]);
        assert_eq!(kept("BEGIN; A; SAVEPOINT x; B; ROLLBACK TO SAVEPOINT X; C; RELEASE x; D; END"), ["A", "C", "D"]);
        assert_eq!(kept("begin work; A; savepoint x; B; savepoint y; C; rollback work to x; D; commit"), ["A", "D"]);
        assert_eq!(kept("SAVEPOINT x; A; ROLLBACK TO x; ROLLBACK; B; BEGIN; C"), ["A", "B", "C"]);
    }
}
