//! Several requests with different keys: all of them spend their units, or none.

use canon_core::limit::Decision;

use super::{
    Answer, InMemory, Reason, Request, Tier, fetch_if_low, in_lease_row, in_table, is_spilled, note_refund, peek, spill,
};
use crate::error::Result;
use crate::limit::arrays::PerLevel;
use crate::limit::clock::Times;
use crate::limit::lease::{self, Patience};
use crate::limit::memory::{self, Found, Level, Together, Verdict};
use crate::limit::settings::{ON_FULL, OnFull};
use crate::limit::table::{self, Row};

/// Decides up to as many requests as there can be levels, with different keys. The answer of each, in
/// the same order.
pub(in crate::limit) fn decide_all(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    if requests.iter().any(Request::is_impossible) {
        return requests.iter().map(peek).collect();
    }
    let Some(levels) = levels_of(requests) else { return all_in_rows(requests) };
    match in_memory(requests, &levels)? {
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
        None => all_in_rows(requests)?,
        Some(levels) => match in_memory(requests, &levels)? {
            Some(together) => return Ok(together.admitted),
            None => all_with_some_elsewhere(requests, &levels)?,
        },
    };
    Ok(answers.iter().all(|answer| answer.decision.allowed))
}

/// The requests as levels in memory, where they are for it and there is one.
fn levels_of<'a>(requests: &'a [Request<'_>]) -> Option<PerLevel<Level<'a>>> {
    let mut levels = PerLevel::new();
    for request in requests {
        let Some(level) = request.level() else {
            if requests.iter().any(|request| request.tier != Tier::Table) {
                table::warn_once();
            }
            return None;
        };
        levels.push(level);
    }
    Some(levels)
}

/// Without memory: first those in the table, then those in the rows of leases.
fn all_in_rows(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    let (leased, plain): (Vec<usize>, Vec<usize>) =
        (0..requests.len()).partition(|k| requests[*k].tier == Tier::Leased);
    let mut answers: Vec<Option<Answer>> = vec![None; requests.len()];
    let note = |answers: &mut Vec<Option<Answer>>, of: &[usize], decisions: Vec<Decision>| {
        for (k, decision) in of.iter().zip(decisions) {
            answers[*k] = Some(Answer::of(decision));
        }
    };
    let all = |answers: &[Option<Answer>]| answers.iter().flatten().all(|answer| answer.decision.allowed);
    let rows: Vec<Row<'_>> = plain.iter().map(|k| requests[*k].row()).collect();
    note(&mut answers, &plain, table::decide_all(&rows)?);
    if all(&answers) {
        let rows: Vec<lease::Row<'_>> = leased.iter().map(|k| requests[*k].lease_row()).collect();
        let before = answers.clone();
        note(&mut answers, &leased, lease::take(&rows)?);
        if !all(&answers) {
            take_back(requests, &before)?;
        }
    }
    let rest = |(request, answer): (&Request<'_>, Option<Answer>)| answer.map_or_else(|| peek(request), Ok);
    requests.iter().zip(answers).map(rest).collect()
}

/// `None` where some of the keys must be decided elsewhere: memory has no room for them, or had none a
/// while ago, or nobody has granted the units that are missing. Nothing is spent then.
fn in_memory(requests: &[Request<'_>], levels: &[Level<'_>]) -> Result<Option<Together>> {
    let mut patience = Patience::new();
    let mut resolved = false;
    loop {
        let together = memory::decide_all(levels, Times::now(), memory::spilled_until() == 0);
        if together.admitted {
            note_refunds(requests, levels, &together.levels);
            for ((request, level), found) in requests.iter().zip(levels).zip(&together.levels) {
                if level.space.is_leased() {
                    fetch_if_low(request, level, *found);
                }
            }
            return Ok(Some(together));
        }
        let found = &together.levels[..levels.len()];
        if found.iter().any(|found| found.verdict == Verdict::Denied) {
            // Units of a prepared transaction that was rolled back may be among those that are missing.
            if resolved || !memory::resolve() {
                return Ok(Some(together));
            }
            resolved = true;
            continue;
        }
        if found.iter().any(|found| matches!(found.verdict, Verdict::Full | Verdict::MaybeSpilled)) {
            return Ok(None);
        }
        let mut short: Vec<(&str, &Level<'_>, u64)> = Vec::with_capacity(levels.len());
        for ((request, level), found) in requests.iter().zip(levels).zip(found) {
            if let Verdict::Short(end) = found.verdict {
                short.push((request.key, level, end));
            }
        }
        if !patience.wait(&short)? {
            return Ok(None);
        }
    }
}

fn note_refunds(requests: &[Request<'_>], levels: &[Level<'_>], found: &[Found]) {
    for ((request, level), found) in requests.iter().zip(levels).zip(found) {
        if request.refund_on_abort {
            note_refund(request, level, *found);
        }
    }
}

/// As [`in_memory`], where some of the keys cannot be decided there: those are decided elsewhere
/// first, and get their units back if one in memory is denied.
#[cold]
fn all_with_some_elsewhere(requests: &[Request<'_>], levels: &[Level<'_>]) -> Result<Vec<Answer>> {
    let mut elsewhere = Vec::new();
    for (k, request) in requests.iter().enumerate() {
        if request.tier == Tier::Memory && is_spilled(request)? {
            elsewhere.push(k);
        }
    }
    loop {
        let mut answers: Vec<Option<Answer>> = vec![None; requests.len()];
        // In one order, so that two such calls cannot wait for each other.
        elsewhere.sort_unstable_by_key(|k| (requests[*k].tier == Tier::Leased, requests[*k].key));
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
            let full = |j: &usize| matches!(together.levels[*j].verdict, Verdict::Full | Verdict::Short(_));
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
    if request.tier == Tier::Leased {
        return in_lease_row(request);
    }
    if ON_FULL.get() == OnFull::spill && matches!(spill(request)?, InMemory::Table) {
        return in_table(request);
    }
    Ok(Answer::without_room(&request.rule))
}

/// Gives back what was spent elsewhere: another level was denied.
fn take_back(requests: &[Request<'_>], answers: &[Option<Answer>]) -> Result<()> {
    for (request, answer) in requests.iter().zip(answers) {
        if answer.is_some_and(|answer| answer.reason == Reason::Allowed) {
            match request.tier {
                Tier::Leased => lease::give_back(request.space.leased(), request.key, request.cost)?,
                _ => table::refund(request.space, request.key, request.cost)?,
            };
        }
    }
    Ok(())
}
