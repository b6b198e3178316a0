//! One change of one row: asked, decided, stamped.

use canon_core::status::{Decision, Facts, Refusal, Stamp, StateIndex, Transition, decide, enter};
use pgrx::pg_sys;
use pgrx::{IntoDatum, PgSqlErrorCode as Code};

use super::error::{Error, Result};
use super::explain;
use super::functions::Functions;
use super::load::{Guard, Rules, Step};
use super::refusal::{self, About};
use super::row::{Column, Row};
use super::setting;
use super::values::Value;

/// A row that is about to change, or to come into being.
pub(super) struct Attempt<'a> {
    pub(super) guard: &'a Guard,
    pub(super) rules: &'a Rules,
    /// The row as it is; None for a new one.
    pub(super) old: Option<Row>,
    /// The row as it would be.
    pub(super) new: Row,
    pub(super) functions: &'a mut Functions,
}

/// What a check leaves to the trigger.
pub(super) enum Outcome {
    /// The row may be written as it is.
    Unchanged,
    /// It may be written like this.
    Changed(Row),
}

impl Attempt<'_> {
    /// Whether the change may happen, and the row with its stamps.
    pub(super) fn run(&mut self, guards: bool) -> Result<Outcome> {
        let Some(to) = self.state(self.new)? else { return Err(explain::null(self)) };
        let from = match self.old {
            Some(old) => match old.get(self.guard.column.number) {
                Some(_) => Some(self.state_before(old)?),
                None => None,
            },
            None => None,
        };
        let bypass = setting::bypass();
        if bypass {
            self.require_bypass()?;
        }
        let Some(from) = from else {
            return match enter(&self.rules.machine, to) {
                Ok(()) => Ok(Outcome::Unchanged),
                Err(_) if bypass => Ok(Outcome::Unchanged),
                Err(refusal) => Err(explain::refused(self, None, to, &refusal)),
            };
        };
        let step = self.rules.step(from, to);
        if let Some((transition, step)) = step {
            if step.plain {
                return Ok(Outcome::Unchanged);
            }
            self.new = self.stamped(transition, step)?;
        }
        if bypass {
            return Ok(Outcome::Changed(self.new));
        }
        self.decide(from, to, guards)?.map_err(|refusal| explain::refused(self, Some(from), to, &refusal))?;
        Ok(Outcome::Changed(self.new))
    }

    /// Records that the attempt was refused.
    pub(super) fn note(&self, error: &Error) {
        if !error.is_refusal() {
            return;
        }
        let name = |row: Row| match self.state(row) {
            Ok(Some(state)) => Some(self.rules.machine.name(state).to_owned()),
            Ok(None) | Err(_) => row.text(&self.guard.column),
        };
        let (key, from, to) = (self.key(), self.old.and_then(name), name(self.new));
        let about =
            About { version: self.rules.version, key: key.as_deref(), from: from.as_deref(), to: to.as_deref() };
        refusal::note(self.guard, &about, error);
    }

    /// The decision of the machine about a change, for the row as it is now.
    pub(super) fn decide(
        &mut self,
        from: StateIndex,
        to: StateIndex,
        guards: bool,
    ) -> Result<std::result::Result<(), Refusal>> {
        let rules = self.rules;
        let step = rules.step(from, to).map(|(_, step)| step);
        let mut facts = RowFacts { attempt: self, step };
        let decision = decide(&rules.machine, from, to, guards, &mut facts)?;
        Ok(decision.map(|decision| match decision {
            Decision::Same | Decision::Change(_) => (),
        }))
    }

    /// The state of a row; None is NULL.
    fn state(&self, row: Row) -> Result<Option<StateIndex>> {
        let Some(datum) = row.get(self.guard.column.number) else { return Ok(None) };
        // SAFETY: the datum lies in the row and is of the column's type.
        let state = self.rules.state(&unsafe { Value::of(self.guard.kind, datum) });
        state.map(Some).ok_or_else(|| explain::unknown(self, row))
    }

    fn state_before(&self, old: Row) -> Result<StateIndex> {
        match self.state(old) {
            Ok(Some(state)) => Ok(state),
            Ok(None) => Err(explain::null(self)),
            Err(_) => Err(explain::outdated(self, old)),
        }
    }

    /// The new row with what a transition sets.
    pub(super) fn stamped(&self, transition: &Transition, step: &Step) -> Result<Row> {
        let reason = step.stamps.iter().any(|(_, stamp)| *stamp == Stamp::Reason).then(setting::reason).flatten();
        let mut changes = Vec::with_capacity(step.stamps.len());
        for (column, stamp) in &step.stamps {
            let now = || now(column);
            let value = match stamp {
                Stamp::Now => now(),
                Stamp::NowOnce if self.new.get(column.number).is_some() => continue,
                Stamp::NowOnce => now(),
                Stamp::User => user(column),
                Stamp::Reason => match &reason {
                    Some(reason) => Some(text(column, reason)?),
                    None => continue,
                },
                Stamp::Clear => None,
                Stamp::Increment => Some(self.incremented(column, transition)?),
            };
            changes.push((column.number, value));
        }
        Ok(self.new.with(&changes))
    }

    /// One more than before; what the write itself says does not count.
    fn incremented(&self, column: &Column, transition: &Transition) -> Result<pg_sys::Datum> {
        let before = self.old.unwrap_or(self.new).get(column.number).map_or(0, |datum| match column.ty {
            pg_sys::INT2OID => i64::from(datum.value() as i16),
            pg_sys::INT4OID => i64::from(datum.value() as i32),
            _ => datum.value() as i64,
        });
        let next = before.checked_add(1);
        let datum = match column.ty {
            pg_sys::INT2OID => next.and_then(|n| i16::try_from(n).ok()).and_then(IntoDatum::into_datum),
            pg_sys::INT4OID => next.and_then(|n| i32::try_from(n).ok()).and_then(IntoDatum::into_datum),
            _ => next.and_then(IntoDatum::into_datum),
        };
        datum.ok_or_else(|| {
            Error::new(
                Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                format!("column \"{}\" is at its limit: \"{}\" cannot count further", column.name, transition.event),
            )
        })
    }

    /// Whether the user may break the rules, which the session asks for.
    pub(super) fn require_bypass(&self) -> Result<()> {
        let machine = self.rules.machine.machine();
        if self.guard.history.is_none() {
            return Err(Error::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!(
                    "the rules of {} cannot be bypassed: it keeps no history, in which that is recorded",
                    self.guard.table
                ),
            )
            .hint("SET canon.status_bypass = off;"));
        }
        if machine.bypass.iter().any(|role| is_member(role)) {
            return Ok(());
        }
        Err(Error::new(
            Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied to bypass status machine \"{}\"", machine.name),
        )
        .detail(if machine.bypass.is_empty() {
            "The machine has no bypass roles.".to_owned()
        } else {
            format!("Only members of {} may.", machine.bypass.join(" or "))
        })
        .hint("SET canon.status_bypass = off;"))
    }

    /// The key of the row, as it is before the change.
    pub(super) fn key(&self) -> Option<String> {
        self.old.unwrap_or(self.new).key(&self.guard.key)
    }
}

/// The facts of a row and a session.
struct RowFacts<'a, 'b> {
    attempt: &'a mut Attempt<'b>,
    step: Option<&'a Step>,
}

impl Facts for RowFacts<'_, '_> {
    type Error = Error;

    fn has_role(&mut self, role: &str) -> Result<bool> {
        Ok(is_member(role))
    }

    /// From the session, or in a column that the transition stamps with it.
    fn has_reason(&mut self, _: &Transition) -> Result<bool> {
        if setting::reason().is_some() {
            return Ok(true);
        }
        let Attempt { old, new, .. } = *self.attempt;
        let given = |column: &Column| new.is_set(column) && !old.is_some_and(|old| old.same(&new, column));
        let stamps = self.step.map_or(&[][..], |step| &step.stamps);
        Ok(stamps.iter().any(|(column, stamp)| *stamp == Stamp::Reason && given(column)))
    }

    fn is_set(&mut self, name: &str) -> Result<bool> {
        let column = self.step.and_then(|step| step.requires.iter().find(|column| column.name == name));
        Ok(column.is_some_and(|column| self.attempt.new.is_set(column)))
    }

    fn guard(&mut self, function: &str) -> Result<Option<String>> {
        let row = self.attempt.new.as_value();
        self.attempt.functions.ask(function, row)
    }
}

/// The reason that a change comes with.
pub(super) fn reason_of(step: Option<&Step>, new: Row) -> Option<String> {
    setting::reason().or_else(|| {
        let (column, _) = step?.stamps.iter().find(|(_, stamp)| *stamp == Stamp::Reason)?;
        new.text(column)
    })
}

/// Whether the current user is a member of a role. A role that does not exist has no members, not
/// even superusers.
pub(super) fn is_member(role: &str) -> bool {
    let Ok(name) = std::ffi::CString::new(role) else { return false };
    // SAFETY: look-ups by name and OID.
    unsafe {
        let role = pg_sys::get_role_oid(name.as_ptr(), true);
        role != pg_sys::InvalidOid && pg_sys::is_member_of_role(pg_sys::GetUserId(), role)
    }
}

/// The time of the transaction in the type of the column.
fn now(column: &Column) -> Option<pg_sys::Datum> {
    match column.ty {
        pg_sys::TIMESTAMPOID => pgrx::datum::Timestamp::from(pgrx::datum::now()).into_datum(),
        pg_sys::DATEOID => pgrx::datum::Date::from(pgrx::datum::now()).into_datum(),
        _ => pgrx::datum::now().into_datum(),
    }
}

/// The role of the user in the type of the column.
fn user(column: &Column) -> Option<pg_sys::Datum> {
    // SAFETY: the current user has a name; namein copies it.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false);
        if column.ty == pg_sys::NAMEOID {
            return pgrx::direct_function_call_as_datum(pg_sys::namein, &[Some(pg_sys::Datum::from(name))]);
        }
        Some(pg_sys::Datum::from(pg_sys::cstring_to_text(name)))
    }
}

/// A text for the column, within its limit.
fn text(column: &Column, text: &str) -> Result<pg_sys::Datum> {
    // The modifier counts the four bytes of a header.
    let limit = usize::try_from(column.modifier - 4).unwrap_or(usize::MAX);
    if text.chars().count() > limit {
        return Err(Error::new(
            Code::ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
            format!("the reason is too long for column \"{}\": it takes {limit} characters", column.name),
        ));
    }
    text.to_owned().into_datum().ok_or_else(|| Error::internal("no text"))
}
