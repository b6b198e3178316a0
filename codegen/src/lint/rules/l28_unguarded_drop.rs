//! DROP TABLE leaves no trace in a model, so the statements themselves are read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::context::Context;
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::statement::piece_of;
use super::super::words::contains_ignoring_case;
use super::page;
use crate::error::Diagnostic;
use crate::parse::change::{Change, ObjectClass};
use crate::parse::{Name, Outcome, read};
use crate::split::{Piece, PieceKind};

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L28",
    name: "unguarded-drop",
    summary: "A script drops a table that it makes itself: it fails the first time, or loses the rows the second.",
    severity: Severity::Warning,
    page: page!("L28"),
    check: Check::Unit(check),
};

struct Drop {
    file: usize,
    range: Range<usize>,
    name: Name,
    if_exists: bool,
    /// The table had been created before.
    known: bool,
}

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut created: HashSet<String> = HashSet::new();
    let mut drops: Vec<Drop> = Vec::new();
    let mut made_again: HashMap<String, (usize, usize)> = HashMap::new();
    for (file, (source, script)) in cx.sources.iter().zip(&cx.scripts).enumerate() {
        for piece in script.pieces.iter().filter(|p| p.kind == PieceKind::Statement) {
            match tables(&source.text, piece) {
                Tables::Created(name) => {
                    made_again.insert(name.clone(), (file, piece.range.start));
                    created.insert(name);
                }
                Tables::Dropped(names, if_exists) => {
                    for name in names {
                        let known = created.remove(&name.name);
                        drops.push(Drop { file, range: piece.range.clone(), name, if_exists, known });
                    }
                }
                Tables::Neither => {}
            }
        }
    }
    for drop in drops {
        let again = made_again.get(&drop.name.name).is_some_and(|made| *made > (drop.file, drop.range.start));
        let name = &drop.name;
        let (message, help) = match (drop.if_exists, drop.known, again) {
            (false, false, _) => (
                format!("table {name} is dropped without IF EXISTS, and nothing before has made it"),
                format!("DROP TABLE IF EXISTS {name}; or leave the DROP to a script of its own"),
            ),
            (true, false, true) => (
                format!("table {name} is dropped and made again: running the script twice loses its rows"),
                "leave the DROP to a script of its own, and write CREATE TABLE IF NOT EXISTS".to_owned(),
            ),
            // A migration that drops what an earlier one made, or a table of old that is gone.
            _ => continue,
        };
        out.push(Draft::in_file(cx, format!("drop of {name}"), drop.file, drop.range, message).help(help));
    }
}

/// Whether the rule says what is wrong with a refused statement.
pub(in crate::lint) fn explains(cx: &Context<'_>, diagnostic: &Diagnostic) -> bool {
    let missing = diagnostic.message.ends_with("does not exist");
    let dropped = |piece| match tables(&cx.sources[diagnostic.file].text, piece) {
        Tables::Dropped(_, if_exists) => !if_exists,
        _ => false,
    };
    missing && piece_of(cx, diagnostic).is_some_and(dropped)
}

enum Tables {
    Created(String),
    Dropped(Vec<Name>, bool),
    Neither,
}

/// What a statement does to tables, read only where its first words say so.
fn tables(text: &str, piece: &Piece) -> Tables {
    let statement = &text[piece.range.clone()];
    let head = &statement[..statement.floor_char_boundary(40)];
    let is = |word: &str| head.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word));
    if is("DROP") && contains_ignoring_case(head, "table") {
        let Outcome::Changes(changes, _) = read(text, piece.range.clone()) else { return Tables::Neither };
        for change in changes {
            if let Change::Drop { kind: ObjectClass::Table, targets, if_exists, .. } = change {
                return Tables::Dropped(targets.into_iter().map(|t| t.name).collect(), if_exists);
            }
        }
    }
    if is("CREATE") && contains_ignoring_case(head, "table") {
        // The name alone: the body has been read once already.
        let end = statement.find('(').unwrap_or(statement.len());
        let words: Vec<&str> = statement[..end].split_whitespace().collect();
        let table = words.iter().position(|w| w.eq_ignore_ascii_case("table"));
        let name = table.map(|n| &words[n + 1..]).and_then(|rest| match rest {
            [first, _, _, name, ..] if first.eq_ignore_ascii_case("if") => Some(*name),
            [name, ..] => Some(*name),
            [] => None,
        });
        if let Some(name) = name {
            let last = name.rsplit('.').next().unwrap_or(name);
            let bare = last.strip_prefix('"').map(|q| q.trim_end_matches('"').to_owned());
            return Tables::Created(bare.unwrap_or_else(|| last.to_lowercase()));
        }
    }
    Tables::Neither
}
