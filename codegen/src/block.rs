//! Anonymous blocks: the DDL inside of `DO $$ ... $$`.
//!
//! A block is read for the schema it leaves behind, not run. Statements, `IF` (answered from the
//! schema read so far) and `EXECUTE` of a constant are followed; loops and anything computed are
//! passed over and said so.

use std::ops::Range;

use crate::fold::Catalog;
use crate::parse::{Head, head};
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

/// The body of a DO statement: bytes of the source file. None where its quotes hide the positions.
pub(crate) fn body(source: &str, statement: Range<usize>) -> Option<Range<usize>> {
    let text = &source[statement.clone()];
    let open = text.find('$')?;
    let tag_end = open + 1 + text[open + 1..].find('$')? + 1;
    let tag = &text[open..tag_end];
    let close = tag_end + text[tag_end..].rfind(tag)?;
    Some(statement.start + tag_end..statement.start + close)
}

#[derive(Debug, PartialEq, Eq)]
enum Frame {
    /// `BEGIN`: whether a statement in it failed.
    Block { failed: bool, handler: bool },
    /// `IF`: whether a branch has been taken, and whether this one is.
    If { taken: bool, active: bool },
    /// Loops and CASE: not followed.
    Other,
}

/// Goes through the body of a block and hands each step that would run to `run`. False where the
/// block as a whole fails.
pub(crate) fn walk(
    source: &str,
    body: Range<usize>,
    catalog: &mut Catalog,
    run: &mut dyn FnMut(&mut Catalog, Step) -> Done,
) -> bool {
    let mut frames: Vec<Frame> = Vec::new();
    for piece in split(&source[body.clone()]) {
        if piece.kind != PieceKind::Statement {
            continue;
        }
        let mut range = body.start + piece.range.start..body.start + piece.range.end;
        // Several heads may stand in front of one statement: BEGIN IF x THEN ...
        while !range.is_empty() {
            let active = frames.iter().all(|frame| match frame {
                Frame::Block { failed, handler } => !(*failed || *handler),
                Frame::If { active, .. } => *active,
                Frame::Other => false,
            });
            let (head, rest) = head(source, range.clone(), frames.is_empty());
            match head {
                Head::Declaration => {}
                Head::Begin => frames.push(Frame::Block { failed: false, handler: false }),
                Head::If(condition) => {
                    let holds = active && decide(catalog, &source[condition.clone()], condition, run);
                    frames.push(Frame::If { taken: holds, active: holds });
                }
                Head::ElsIf(condition) => {
                    let Some(Frame::If { taken, active }) = frames.pop() else { return true };
                    let outer = frames.iter().all(|f| !matches!(f, Frame::If { active: false, .. } | Frame::Other));
                    let _ = active;
                    let holds = !taken && outer && decide(catalog, &source[condition.clone()], condition, run);
                    frames.push(Frame::If { taken: taken || holds, active: holds });
                }
                Head::Else => {
                    if let Some(Frame::If { taken, active }) = frames.last_mut() {
                        *active = !*taken;
                    }
                }
                Head::Exception => {
                    if let Some(Frame::Block { failed, handler }) = frames.last_mut() {
                        (*failed, *handler) = (false, true);
                    }
                }
                Head::Other => {
                    if active {
                        run(catalog, Step::Note("this loop is not followed", range.clone()));
                    }
                    frames.push(Frame::Other);
                }
                Head::End => {
                    if let (Some(Frame::Block { failed: true, .. }), Some(outer)) =
                        (frames.pop(), enclosing(&mut frames))
                    {
                        *outer = true;
                    } else if frames.is_empty() {
                        return true;
                    }
                }
                Head::Execute(Some(text)) if active => {
                    if run(catalog, Step::Text(text, range.clone())) == Done::Failed {
                        fail(&mut frames);
                    }
                }
                Head::Execute(None) if active => {
                    run(
                        catalog,
                        Step::Note("a statement that is put together when it runs is not followed", range.clone()),
                    );
                }
                Head::Statement if active => {
                    if run(catalog, Step::Statement(range.clone())) == Done::Failed {
                        fail(&mut frames);
                    }
                }
                Head::Execute(_) | Head::Statement | Head::Nothing => {}
            }
            range = rest;
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
