//! Anonymous blocks: the DDL inside of `DO $$ ... $$`.
//!
//! A block is read for the schema it leaves behind, not run. Statements, `IF` (answered from the
//! schema read so far), loops over series, lists and the catalogue, and `EXECUTE` of what follows
//! from the text are followed; anything else is passed over and said so.

mod values;

use std::ops::Range;

use self::values::{Row, Variables};
use crate::fold::Catalog;
use crate::parse::{Head, head, quoted_body, targets};
use crate::split::{PieceKind, split};

/// What a block does, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A statement: bytes of the source file.
    Statement(Range<usize>),
    /// A statement that was put together as a string, and where.
    Text(String, Range<usize>),
    /// Something that is not followed, and why.
    Note(&'static str, Range<usize>),
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It worked, or did nothing.
    Fine,
    /// It raised an error.
    Failed,
}

/// The body of a DO statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Between dollar quotes: bytes of the source file.
    Place(Range<usize>),
    /// Between quotes that hide the positions.
    Text(String),
}

/// The body of a DO statement; None where it has none, or its language is not PL/pgSQL.
pub(crate) fn body(source: &str, statement: Range<usize>) -> Option<Body> {
    let text = &source[statement.clone()];
    let mut from = 2.min(text.len());
    if let Some(at) = language(text) {
        // DO LANGUAGE plpgsql and DO LANGUAGE 'plpgsql'.
        let name = text[at..].trim_start();
        from = text.len() - name.len() + language_name(name)?;
    }
    let rest = text[from..].trim_start();
    if rest.starts_with('\'') {
        return quoted_body(source, statement.end - rest.len()..statement.end).map(Body::Text);
    }
    let start = from + text[from..].find('$')?;
    let tag_end = start + 1 + text[start + 1..].find('$')? + 1;
    let tag = &text[start..tag_end];
    let close = tag_end + text[tag_end..].rfind(tag)?;
    let place = Body::Place(statement.start + tag_end..statement.start + close);
    let behind = text[close + tag.len()..].trim_start();
    let named = behind.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("language"));
    (!named || language_name(behind[8..].trim_start()).is_some()).then_some(place)
}

/// Where the name of the language begins, if it stands in front of the body.
fn language(text: &str) -> Option<usize> {
    let behind = text.get(2..)?;
    let word = behind.trim_start();
    let at = text.len() - word.len();
    word.get(..8).filter(|word| word.eq_ignore_ascii_case("language")).map(|_| at + 8)
}

/// The length of the name, quoted or not; None where it is not PL/pgSQL.
fn language_name(text: &str) -> Option<usize> {
    let is_plpgsql = |name: &str| name.eq_ignore_ascii_case("plpgsql");
    match text.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').filter(|(name, _)| is_plpgsql(name)).map(|_| 9),
        None => text.get(..7).filter(|name| is_plpgsql(name)).map(|_| 7),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Frame {
    /// `BEGIN`: whether a statement in it failed.
    Block { failed: bool, handler: bool },
    /// `IF`: whether a branch has been taken, and whether this one is.
    If { taken: bool, active: bool },
    /// A loop: where its body begins, and the rows that are left, last first.
    Loop { body: usize, rows: Vec<Row> },
    /// Other loops and CASE: not followed.
    Other,
}

/// Steps of one block that are followed, so that loops in loops end.
const MAX_STEPS: usize = 100_000;

/// The heads of a body in their order, each with its place.
fn heads(source: &str, body: Range<usize>) -> Vec<(Head, Range<usize>)> {
    let mut heads = Vec::new();
    let mut before_begin = true;
    for piece in split(&source[body.clone()]) {
        if piece.kind != PieceKind::Statement {
            continue;
        }
        let mut range = body.start + piece.range.start..body.start + piece.range.end;
        // Several heads may stand in front of one statement: BEGIN IF x THEN ...
        while !range.is_empty() {
            let (head, rest) = head(source, range.clone(), before_begin);
            before_begin &= head != Head::Begin;
            heads.push((head, range));
            range = rest;
        }
    }
    heads
}

/// Goes through the body of a block and hands each step that would run to `run`. False where the
/// block as a whole fails.
pub(crate) fn walk(
    source: &str,
    body: Range<usize>,
    catalog: &mut Catalog,
    run: &mut dyn FnMut(&mut Catalog, Step) -> Done,
) -> bool {
    let heads = heads(source, body);
    let mut frames: Vec<Frame> = Vec::new();
    let mut variables = Variables::default();
    let mut next = 0;
    let mut steps = 0;
    while let Some((head, range)) = heads.get(next) {
        next += 1;
        steps += 1;
        if steps > MAX_STEPS {
            run(catalog, Step::Note("this block is followed no further: it has too many steps", range.clone()));
            return true;
        }
        for name in targets(source, range.clone()) {
            variables.forget(&name);
        }
        let active = frames.iter().all(|frame| match frame {
            Frame::Block { failed, handler } => !(*failed || *handler),
            Frame::If { active, .. } => *active,
            Frame::Loop { .. } => true,
            Frame::Other => false,
        });
        let step = match head {
            Head::Declaration(Some((name, value))) => {
                variables.assign(name, &source[value.clone()]);
                continue;
            }
            Head::Assign(name, value) => {
                if active {
                    variables.assign(name, &source[value.clone()]);
                } else {
                    variables.forget(name);
                }
                continue;
            }
            Head::Begin => {
                frames.push(Frame::Block { failed: false, handler: false });
                continue;
            }
            Head::If(condition) => {
                let holds = active && decide(catalog, &source[condition.clone()], condition.clone(), run);
                frames.push(Frame::If { taken: holds, active: holds });
                continue;
            }
            Head::ElsIf(condition) => {
                let Some(Frame::If { taken, .. }) = frames.pop() else { return true };
                let outer = frames.iter().all(|f| !matches!(f, Frame::If { active: false, .. } | Frame::Other));
                let holds = !taken && outer && decide(catalog, &source[condition.clone()], condition.clone(), run);
                frames.push(Frame::If { taken: taken || holds, active: holds });
                continue;
            }
            Head::Else => {
                if let Some(Frame::If { taken, active }) = frames.last_mut() {
                    *active = !*taken;
                }
                continue;
            }
            Head::Exception => {
                if let Some(Frame::Block { failed, handler }) = frames.last_mut() {
                    (*failed, *handler) = (false, true);
                }
                continue;
            }
            Head::Loop(between) => {
                let rows = if active { variables.rows(&source[between.clone()], catalog) } else { Some(Vec::new()) };
                let Some(mut rows) = rows else {
                    run(catalog, Step::Note("this loop is not followed", range.clone()));
                    frames.push(Frame::Other);
                    continue;
                };
                rows.reverse();
                match rows.pop() {
                    Some(row) => {
                        variables.set(row);
                        frames.push(Frame::Loop { body: next, rows });
                    }
                    None => frames.push(Frame::Other),
                }
                continue;
            }
            Head::Other => {
                if active {
                    run(catalog, Step::Note("this loop is not followed", range.clone()));
                }
                frames.push(Frame::Other);
                continue;
            }
            Head::End => {
                let ended = frames.pop();
                if let Some(Frame::Loop { body, mut rows }) = ended {
                    if let Some(row) = rows.pop() {
                        variables.set(row);
                        next = body;
                        frames.push(Frame::Loop { body, rows });
                    }
                    continue;
                }
                let failed = matches!(ended, Some(Frame::Block { failed: true, .. }));
                if let Some(outer) = enclosing(&mut frames) {
                    *outer |= failed;
                } else if frames.is_empty() {
                    return !failed;
                }
                continue;
            }
            Head::Execute(..) | Head::Statement if !active => continue,
            Head::Execute(Some(text), _) => Step::Text(text.clone(), range.clone()),
            Head::Execute(None, expression) => match variables.text(&source[expression.clone()]) {
                Some(text) => Step::Text(text, range.clone()),
                None => {
                    let note = "a statement that is put together when it runs is not followed";
                    run(catalog, Step::Note(note, range.clone()));
                    continue;
                }
            },
            Head::Statement => Step::Statement(range.clone()),
            Head::Declaration(None) | Head::Nothing => continue,
        };
        if run(catalog, step) == Done::Failed {
            fail(&mut frames);
        }
    }
    !frames.iter().any(|frame| matches!(frame, Frame::Block { failed: true, .. }))
}

fn enclosing(frames: &mut [Frame]) -> Option<&mut bool> {
    frames.iter_mut().rev().find_map(|frame| match frame {
        Frame::Block { failed, .. } => Some(failed),
        _ => None,
    })
}

fn fail(frames: &mut [Frame]) {
    if let Some(failed) = enclosing(frames) {
        *failed = true;
    }
}

/// A condition that the schema cannot answer is taken to hold where it asks for something absent:
/// a migration runs in a database that lacks what it adds.
fn decide(
    catalog: &mut Catalog,
    condition: &str,
    range: Range<usize>,
    run: &mut dyn FnMut(&mut Catalog, Step) -> Done,
) -> bool {
    if let Some(holds) = catalog.holds(condition) {
        return holds;
    }
    let words: Vec<String> = condition.split_whitespace().map(str::to_ascii_lowercase).collect();
    let asks = |a: &str, b: &str| words.windows(2).any(|w| w[0] == a && w[1].starts_with(b));
    let absent = asks("not", "exists") || asks("is", "null") || asks("not", "found");
    let note = if absent { "this condition is taken to hold" } else { "this condition is taken not to hold" };
    run(catalog, Step::Note(note, range));
    absent
}
