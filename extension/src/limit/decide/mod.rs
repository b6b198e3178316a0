//! One request, or several together, decided in the tier they ask for.

mod request;
mod several;

use canon_core::limit::lease::{is_low, window_end};
use canon_core::limit::{AtRest, Decision, describe};

pub(super) use request::{Answer, Reason, Request, Tier};
pub(super) use several::{allow_all, decide_all};

use super::lease::{self, Patience};
use super::memory::{self, Found, Level, Verdict};
use super::settings::{ON_FULL, OnFull};
use super::table::{self, Row};
use super::{abort, clock};
use crate::error::Result;

impl<'a> Request<'a> {
    fn level(&'a self) -> Option<Level<'a>> {
        let space = match self.tier {
            Tier::Memory => self.space,
            Tier::Leased => self.space.leased(),
            Tier::Table => return None,
        };
        let key = memory::hash(space, self.key.as_bytes())?;
        Some(Level { space, key, rule: &self.rule, zone: self.zone, cost: self.cost })
    }

    fn lease_row(&'a self) -> lease::Row<'a> {
        let space = self.space.leased();
        lease::Row { space, key: self.key, rule: &self.rule, zone: self.zone, cost: self.cost }
    }

    fn row(&'a self) -> Row<'a> {
        Row { space: self.space, key: self.key, rule: &self.rule, zone: self.zone, cost: self.cost }
    }

    fn answer(&self, found: Found) -> Answer {
        if found.verdict == Verdict::Full {
            return Answer::without_room(&self.rule);
        }
        // In a decision on several levels, one that was not reached may be admitted all the same.
        let allowed = matches!(found.verdict, Verdict::Admitted | Verdict::MaybeSpilled | Verdict::Short(_));
        Answer::of(describe(&self.rule, self.zone, found.time, found.state, self.cost, allowed))
    }

    fn is_impossible(&self) -> bool {
        self.cost > self.rule.burst()
    }

    fn never(&self) -> Option<Decision> {
        self.is_impossible().then(|| describe(&self.rule, self.zone, self.now(), 0, self.cost, false))
    }

    fn now(&self) -> u64 {
        clock::of(self.rule.algorithm())
    }
}

/// What became of a request in memory.
enum InMemory {
    Found(Found),
    Table,
    LeaseRow,
    NoRoom,
}

/// Decides a request, and says no more than yes or no.
#[inline]
pub(super) fn allow(request: &Request<'_>) -> Result<bool> {
    let Some(level) = request.level() else { return Ok(decide(request)?.decision.allowed) };
    match in_memory(request, &level)? {
        InMemory::Found(found) => Ok(found.verdict == Verdict::Admitted),
        elsewhere => Ok(decide_elsewhere(request, elsewhere)?.decision.allowed),
    }
}

/// Decides a request.
pub(super) fn decide(request: &Request<'_>) -> Result<Answer> {
    if let Some(decision) = request.never() {
        return Ok(Answer::of(decision));
    }
    match request.level() {
        Some(level) => {
            let decided = in_memory(request, &level)?;
            decide_elsewhere(request, decided)
        }
        None => in_rows(request),
    }
}

fn decide_elsewhere(request: &Request<'_>, decided: InMemory) -> Result<Answer> {
    match decided {
        InMemory::Found(found) => Ok(request.answer(found)),
        InMemory::Table => in_table(request),
        InMemory::LeaseRow => in_lease_row(request),
        InMemory::NoRoom => Ok(Answer::without_room(&request.rule)),
    }
}

/// Without memory.
fn in_rows(request: &Request<'_>) -> Result<Answer> {
    if request.tier != Tier::Table {
        table::warn_once();
    }
    if request.tier == Tier::Leased { in_lease_row(request) } else { in_table(request) }
}

fn in_table(request: &Request<'_>) -> Result<Answer> {
    Ok(Answer::of(table::decide(&request.row())?))
}

fn in_lease_row(request: &Request<'_>) -> Result<Answer> {
    let decisions = lease::take(&[request.lease_row()])?;
    Ok(Answer::of(decisions[0]))
}

#[inline]
fn in_memory(request: &Request<'_>, level: &Level<'_>) -> Result<InMemory> {
    let leased = level.space.is_leased();
    let mut may_be_new = leased || memory::spilled_until() == 0;
    let mut resolved = false;
    let mut patience = Patience::new();
    loop {
        let found = memory::decide(level, may_be_new);
        match found.verdict {
            Verdict::Admitted => {
                if request.refund_on_abort {
                    note_refund(request, level, found);
                }
                if leased {
                    fetch_if_low(request, level, found);
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
            Verdict::Short(end) => {
                if !patience.wait(&[(request.key, level, end)])? {
                    return Ok(InMemory::LeaseRow);
                }
            }
            Verdict::MaybeSpilled if is_spilled(request)? => return spill(request),
            Verdict::MaybeSpilled => may_be_new = true,
            Verdict::Full if leased => return Ok(InMemory::LeaseRow),
            Verdict::Full if ON_FULL.get() == OnFull::spill => return spill(request),
            Verdict::Full => return Ok(InMemory::NoRoom),
        }
    }
}

/// So that later requests need not wait for the next lease.
fn fetch_if_low(request: &Request<'_>, level: &Level<'_>, found: Found) {
    if is_low(level.rule, found.state, level.cost, lease::size(level.rule.limit())) {
        lease::fetch(request.key, level, window_end(found.state));
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
    if request.tier == Tier::Leased {
        return peek_leased(request);
    }
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

/// What was granted and is not spent, and what may be granted yet, can be had.
fn peek_leased(request: &Request<'_>) -> Result<Answer> {
    let level = request.level();
    let state = lease::state_of(&request.lease_row(), level.as_ref())?;
    let decision = describe(&request.rule, request.zone, request.now(), state, request.cost, false);
    let allowed = decision.remaining >= request.cost;
    Ok(Answer::of(if allowed { Decision { allowed, retry_after: Some(0), ..decision } } else { decision }))
}

fn peek_at(request: &Request<'_>, state: &AtRest, now: u64) -> Answer {
    Answer::of(state.peek(&request.rule, request.zone, now, request.cost))
}

/// Has units given back if the transaction does not commit.
fn note_refund(request: &Request<'_>, level: &Level<'_>, found: Found) {
    let mut spent_at = clock::Times::now();
    if !request.rule.algorithm().is_on_the_wall_clock() {
        // Not a moment later than they were spent: that moment would be given back twice.
        spent_at.rate = found.time;
    }
    abort::refund_on_abort(level.key, level.cost, spent_at, request.rule.algorithm());
}
