//! Several requests with different keys: all of them spend their units, or none.

use super::{Answer, InMemory, Reason, Request, Tier, in_table, is_spilled, note_refund, peek, spill};
use crate::error::Result;
use crate::limit::arrays::PerLevel;
use crate::limit::clock::Times;
use crate::limit::memory::{self, Found, Level, Together, Verdict};
use crate::limit::settings::{ON_FULL, OnFull};
use crate::limit::table::{self, Row};

/// Decides up to as many requests as there can be levels, with different keys. The answer of each, in
/// the same order.
pub(in crate::limit) fn decide_all(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    if requests.iter().any(Request::is_impossible) {
        return requests.iter().map(peek).collect();
    }
    let Some(levels) = levels_of(requests) else { return all_in_table(requests) };
    match in_memory(requests, &levels) {
        Some(together) => {
            Ok(requests.iter().zip(&together.levels).map(|(request, found)| request.answer(*found)).collect())
        }
        None => all_with_some_elsewhere(requests, &levels),
    }
}

/// As [`decide_all`], and says no more than yes or no.
pub(in crate::limit) fn allow_all(requests: &[Request<'_>]) -> Result<bool> {
    if requests.iter().any(Request::is_impossible) {
        return Ok(false);
    }
    let answers = match levels_of(requests) {
        None => all_in_table(requests)?,
        Some(levels) => match in_memory(requests, &levels) {
            Some(together) => return Ok(together.admitted),
            None => all_with_some_elsewhere(requests, &levels)?,
        },
    };
    Ok(answers.iter().all(|answer| answer.decision.allowed))
}

/// The requests as levels of the memory tier, where they are for it and there is one.
fn levels_of<'a>(requests: &'a [Request<'_>]) -> Option<PerLevel<Level<'a>>> {
    if requests.iter().any(|request| request.tier != Tier::Memory) {
        return None;
    }
    let levels: Option<PerLevel<Level<'_>>> = requests.iter().map(Request::level).collect();
    if levels.is_none() {
        table::warn_once();
    }
    levels
}

fn all_in_table(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    let rows: Vec<Row<'_>> = requests.iter().map(Request::row).collect();
    Ok(table::decide_all(&rows)?.into_iter().map(Answer::of).collect())
}

/// `None` where memory has no room for a key, or had none a while ago: nothing is spent then.
fn in_memory(requests: &[Request<'_>], levels: &[Level<'_>]) -> Option<Together> {
    let now = Times::now();
    let mut together = memory::decide_all(levels, now, memory::spilled_until() == 0);
    let is = |together: &Together, verdict| together.levels[..levels.len()].iter().any(|f| f.verdict == verdict);
    // Units of a prepared transaction that was rolled back may be among those that are missing.
    if is(&together, Verdict::Denied) && memory::resolve() {
        together = memory::decide_all(levels, now, memory::spilled_until() == 0);
    }
    if together.admitted {
        note_refunds(requests, levels, &together.levels);
    } else if !is(&together, Verdict::Denied) {
        return None;
    }
    Some(together)
}

fn note_refunds(requests: &[Request<'_>], levels: &[Level<'_>], found: &[Found]) {
    for ((request, level), found) in requests.iter().zip(levels).zip(found) {
        if request.refund_on_abort {
            note_refund(request, level, *found);
        }
    }
}

/// As [`in_memory`], where memory has no room for some of the keys, or had none a while ago:
/// those are decided elsewhere first, and get their units back if one in memory is denied.
#[cold]
fn all_with_some_elsewhere(requests: &[Request<'_>], levels: &[Level<'_>]) -> Result<Vec<Answer>> {
    let mut elsewhere = Vec::new();
    for (k, request) in requests.iter().enumerate() {
        if is_spilled(request)? {
            elsewhere.push(k);
        }
    }
    loop {
        let mut answers: Vec<Option<Answer>> = vec![None; requests.len()];
        for k in &elsewhere {
            let answer = without_memory(&requests[*k])?;
            answers[*k] = Some(answer);
            if !answer.decision.allowed {
                take_back(requests, &answers)?;
                let rest = |(request, answer): (&Request<'_>, Option<Answer>)| answer.map_or_else(|| peek(request), Ok);
                return requests.iter().zip(answers).map(rest).collect();
            }
        }
        let inside: Vec<usize> = (0..requests.len()).filter(|k| !elsewhere.contains(k)).collect();
        let inside_levels: Vec<Level<'_>> = inside.iter().map(|k| levels[*k]).collect();
        let now = Times::now();
        let together = memory::decide_all(&inside_levels, now, true);
        if together.admitted {
            for (k, found) in inside.iter().zip(&together.levels) {
                note_refunds(&requests[*k..=*k], &levels[*k..=*k], &[*found]);
            }
        } else {
            take_back(requests, &answers)?;
            let full = |j: &usize| together.levels[*j].verdict == Verdict::Full;
            let denied = (0..inside.len()).any(|j| together.levels[j].verdict == Verdict::Denied);
            let before = elsewhere.len();
            elsewhere.extend((0..inside.len()).filter(full).map(|j| inside[j]));
            if !denied && elsewhere.len() > before {
                continue;
            }
        }
        for (k, found) in inside.iter().zip(&together.levels) {
            answers[*k] = Some(requests[*k].answer(*found));
        }
        let full = |request: &Request<'_>| Answer::without_room(&request.rule);
        return Ok(answers.into_iter().zip(requests).map(|(a, request)| a.unwrap_or_else(|| full(request))).collect());
    }
}

fn without_memory(request: &Request<'_>) -> Result<Answer> {
    if ON_FULL.get() == OnFull::spill && matches!(spill(request)?, InMemory::Table) {
        return in_table(request);
    }
    Ok(Answer::without_room(&request.rule))
}

/// Gives back what was spent elsewhere: another level was denied.
fn take_back(requests: &[Request<'_>], answers: &[Option<Answer>]) -> Result<()> {
    for (request, answer) in requests.iter().zip(answers) {
        if answer.is_some_and(|answer| answer.reason == Reason::Allowed) {
            table::refund(request.space, request.key, request.cost)?;
        }
    }
    Ok(())
}
