//! One request, or several together, decided in the tier they ask for.

use std::str::FromStr;

use canon_core::limit::{Algorithm, AtRest, Decision, Rule, Zone, counted_from, describe};

use super::error::LimitError;
use super::memory::{self, Found, Level, Space, Together, Verdict};
use super::settings::{ON_FULL, OnFull};
use super::table::{self, Row};
use super::{abort, clock};
use crate::error::Result;

/// Where a state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// In shared memory.
    Memory,
    /// In a table, as part of the caller's transaction.
    Table,
}

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Table => "table",
        }
    }
}

impl Tier {
    /// Whether the tier can hold the states of an algorithm.
    pub(super) fn check(self, algorithm: Algorithm) -> std::result::Result<(), LimitError> {
        match (self, algorithm) {
            (Self::Memory, Algorithm::SlidingLog) => Err(LimitError::Tier { algorithm, tier: self.name() }),
            _ => Ok(()),
        }
    }
}

impl FromStr for Tier {
    type Err = LimitError;

    fn from_str(text: &str) -> std::result::Result<Self, LimitError> {
        [Self::Memory, Self::Table].into_iter().find(|tier| tier.name() == text).ok_or_else(|| LimitError::Word {
            argument: "tier",
            allowed: "memory or table",
            found: text.to_owned(),
        })
    }
}

/// Why a request was decided as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Allowed,
    LimitExceeded,
    /// It costs more than can ever be there at once.
    CostExceedsLimit,
    /// A policy in shadow mode would have denied it.
    Shadow,
    /// Shared memory has no room for the key; `canon.rate_limit_on_full` decided.
    MemoryFull,
}

impl Reason {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::LimitExceeded => "limit_exceeded",
            Self::CostExceedsLimit => "cost_exceeds_limit",
            Self::Shadow => "shadow",
            Self::MemoryFull => "memory_full",
        }
    }
}

/// A request.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) space: Space,
    pub(super) key: &'a str,
    pub(super) rule: Rule,
    pub(super) zone: &'a dyn Zone,
    pub(super) cost: u64,
    pub(super) tier: Tier,
    /// Whether a rolled-back transaction gets its units back.
    pub(super) refund_on_abort: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) decision: Decision,
    pub(super) reason: Reason,
}

impl Answer {
    fn of(decision: Decision) -> Self {
        let reason = match decision {
            Decision { allowed: true, .. } => Reason::Allowed,
            Decision { retry_after: None, .. } => Reason::CostExceedsLimit,
            _ => Reason::LimitExceeded,
        };
        Self { decision, reason }
    }

    /// Without a state: shared memory is full, and the setting says what then.
    fn without_room(rule: &Rule) -> Self {
        let allowed = ON_FULL.get() == OnFull::allow;
        let retry_after = Some(if allowed { 0 } else { 1_000_000 });
        let decision = Decision { allowed, limit: rule.burst(), remaining: 0, retry_after, reset_after: 0 };
        Self { decision, reason: Reason::MemoryFull }
    }
}

impl<'a> Request<'a> {
    fn level(&'a self) -> Option<Level<'a>> {
        let key = memory::hash(self.space, self.key.as_bytes())?;
        Some(Level { key, rule: &self.rule, zone: self.zone, cost: self.cost })
    }

    fn row(&'a self) -> Row<'a> {
        Row { space: self.space, key: self.key, rule: &self.rule, zone: self.zone, cost: self.cost }
    }

    fn answer(&self, found: Found) -> Answer {
        if found.verdict == Verdict::Full {
            return Answer::without_room(&self.rule);
        }
        // In a decision on several levels, one that was not reached may be admitted all the same.
        let allowed = matches!(found.verdict, Verdict::Admitted | Verdict::MaybeSpilled);
        Answer::of(describe(&self.rule, self.zone, found.time, found.state, self.cost, allowed))
    }

    fn never(&self) -> Option<Decision> {
        (self.cost > self.rule.burst()).then(|| describe(&self.rule, self.zone, self.now(), 0, self.cost, false))
    }

    fn now(&self) -> u64 {
        clock::of(self.rule.algorithm())
    }
}

/// What became of a request in memory.
enum InMemory {
    Found(Found),
    Table,
    NoRoom,
}

/// Decides a request, and says no more than yes or no.
#[inline]
pub(super) fn allow(request: &Request<'_>) -> Result<bool> {
    if request.tier == Tier::Memory
        && let Some(level) = request.level()
    {
        return Ok(match in_memory(request, &level)? {
            InMemory::Found(found) => found.verdict == Verdict::Admitted,
            InMemory::Table => in_table(request)?.decision.allowed,
            InMemory::NoRoom => Answer::without_room(&request.rule).decision.allowed,
        });
    }
    Ok(decide(request)?.decision.allowed)
}

/// Decides a request.
pub(super) fn decide(request: &Request<'_>) -> Result<Answer> {
    if let Some(decision) = request.never() {
        return Ok(Answer::of(decision));
    }
    if request.tier == Tier::Memory {
        if let Some(level) = request.level() {
            return match in_memory(request, &level)? {
                InMemory::Found(found) => Ok(request.answer(found)),
                InMemory::Table => in_table(request),
                InMemory::NoRoom => Ok(Answer::without_room(&request.rule)),
            };
        }
        table::warn_once();
    }
    in_table(request)
}

fn in_table(request: &Request<'_>) -> Result<Answer> {
    Ok(Answer::of(table::decide(&request.row())?))
}

#[inline]
fn in_memory(request: &Request<'_>, level: &Level<'_>) -> Result<InMemory> {
    let mut may_be_new = memory::spilled_until() == 0;
    let mut resolved = false;
    loop {
        let found = memory::decide(level, may_be_new);
        match found.verdict {
            Verdict::Admitted => {
                if request.refund_on_abort {
                    note_refund(request, level, found);
                }
                return Ok(InMemory::Found(found));
            }
            // Units of a prepared transaction that was rolled back may be among those that are missing.
            Verdict::Denied if !resolved => {
                resolved = true;
                if !memory::resolve() {
                    return Ok(InMemory::Found(found));
                }
            }
            Verdict::Denied => return Ok(InMemory::Found(found)),
            Verdict::MaybeSpilled if is_spilled(request)? => return spill(request),
            Verdict::MaybeSpilled => may_be_new = true,
            Verdict::Full if ON_FULL.get() == OnFull::spill => return spill(request),
            Verdict::Full => return Ok(InMemory::NoRoom),
        }
    }
}

/// Whether a key that memory does not know has a state in the table, because there was no room.
#[cold]
fn is_spilled(request: &Request<'_>) -> Result<bool> {
    let now = clock::wall();
    if memory::spilled_until() <= now {
        return Ok(false);
    }
    Ok(table::look(request.space, request.key)?.is_some_and(|state| state.expires_at() > now))
}

/// Counts the key in the table for now. A standby cannot, so there it has no room.
#[cold]
fn spill(request: &Request<'_>) -> Result<InMemory> {
    // SAFETY: a flag of the server.
    if unsafe { pgrx::pg_sys::RecoveryInProgress() } {
        return Ok(InMemory::NoRoom);
    }
    // No state of this rule lasts longer: everything that can be spent, one unit after another.
    let rule = &request.rule;
    let longest = u128::from(rule.period()) * 2 * u128::from(rule.burst()).div_ceil(u128::from(rule.limit()));
    memory::note_spilled(clock::wall().saturating_add(u64::try_from(longest).unwrap_or(u64::MAX)));
    Ok(InMemory::Table)
}

/// What `decide` would say, without spending.
pub(super) fn peek(request: &Request<'_>) -> Result<Answer> {
    if request.tier == Tier::Memory {
        if let Some(level) = request.level() {
            let now = clock::Times::now();
            if let Some(state) = memory::look(&level, now) {
                let now = now.of(request.rule.algorithm());
                let allowed = level.would_admit(now, state);
                return Ok(Answer::of(describe(&request.rule, request.zone, now, state, request.cost, allowed)));
            }
            if !is_spilled(request)? {
                return Ok(peek_at(request, &AtRest::Empty, request.now()));
            }
        } else {
            table::warn_once();
        }
    }
    let state = table::look(request.space, request.key)?.unwrap_or_default();
    Ok(peek_at(request, &state, clock::wall()))
}

fn peek_at(request: &Request<'_>, state: &AtRest, now: u64) -> Answer {
    Answer::of(state.peek(&request.rule, request.zone, now, request.cost))
}

/// Decides several requests with different keys: all of them spend their units, or none. The answer
/// of each, in the same order.
pub(super) fn decide_all(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    if requests.iter().any(|request| request.never().is_some()) {
        return requests.iter().map(peek).collect();
    }
    let Some(first) = requests.first().filter(|request| request.tier == Tier::Memory) else {
        return all_in_table(requests);
    };
    if first.level().is_none() {
        table::warn_once();
        return all_in_table(requests);
    }
    all_in_memory(requests)
}

fn all_in_table(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    let rows: Vec<Row<'_>> = requests.iter().map(Request::row).collect();
    Ok(table::decide_all(&rows)?.into_iter().map(Answer::of).collect())
}

fn all_in_memory(requests: &[Request<'_>]) -> Result<Vec<Answer>> {
    let levels: Vec<Level<'_>> = requests.iter().filter_map(Request::level).collect();
    let now = clock::Times::now();
    let mut together = memory::decide_all(&levels, now, memory::spilled_until() == 0);
    let is = |together: &Together, verdict| together.levels[..levels.len()].iter().any(|f| f.verdict == verdict);
    if is(&together, Verdict::Denied) && memory::resolve() {
        together = memory::decide_all(&levels, now, memory::spilled_until() == 0);
    }
    if !together.admitted && !is(&together, Verdict::Denied) {
        return all_with_some_elsewhere(requests, &levels);
    }
    if together.admitted {
        note_refunds(requests, &levels, &together.levels);
    }
    Ok(requests.iter().zip(&together.levels).map(|(request, found)| request.answer(*found)).collect())
}

/// Has units given back if the transaction does not commit.
fn note_refund(request: &Request<'_>, level: &Level<'_>, found: Found) {
    let mut spent_at = clock::Times::now();
    if !request.rule.algorithm().is_on_the_wall_clock() {
        spent_at.rate = counted_from(&request.rule, found.time, found.state, level.cost);
    }
    abort::refund_on_abort(level.key, level.cost, spent_at);
}

fn note_refunds(requests: &[Request<'_>], levels: &[Level<'_>], found: &[Found]) {
    for ((request, level), found) in requests.iter().zip(levels).zip(found) {
        if request.refund_on_abort {
            note_refund(request, level, *found);
        }
    }
}

/// As [`all_in_memory`], where memory has no room for some of the keys, or had none a while ago:
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
        let now = clock::Times::now();
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
