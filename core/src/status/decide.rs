use std::fmt;

use super::compiled::{Compiled, StateIndex};
use super::machine::Transition;

/// What a decision depends on besides the two states. Asked only for what a transition names.
pub trait Facts {
    /// What can go wrong while asking.
    type Error;

    /// Whether the user is a member of a role.
    fn has_role(&mut self, role: &str) -> Result<bool, Self::Error>;

    /// Whether a reason is given for this transition.
    fn has_reason(&mut self, transition: &Transition) -> Result<bool, Self::Error>;

    /// Whether a column holds a value.
    fn is_set(&mut self, column: &str) -> Result<bool, Self::Error>;

    /// Why a guard refuses, or None where it agrees.
    fn guard(&mut self, function: &str) -> Result<Option<String>, Self::Error>;
}

/// Why a change may not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The state is not for new rows.
    NotInitial,
    /// Nothing leads from the one state to the other.
    NoTransition,
    /// The user is a member of none of these roles.
    Role(Vec<String>),
    /// These columns hold no value.
    Columns(Vec<String>),
    /// No reason is given.
    Reason,
    /// A guard refuses.
    Guard {
        /// The function.
        function: String,
        /// What it says.
        says: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInitial => f.write_str("not a state for a new row"),
            Self::NoTransition => f.write_str("no transition leads there"),
            Self::Role(roles) => write!(f, "only for members of {}", roles.join(" or ")),
            Self::Columns(columns) => write!(f, "needs a value in {}", columns.join(" and ")),
            Self::Reason => f.write_str("needs a reason"),
            Self::Guard { says, .. } => f.write_str(says),
        }
    }
}

/// A change that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'m> {
    /// The state stays as it is.
    Same,
    /// This transition happens.
    Change(&'m Transition),
}

/// Whether a row may go from one state to another, with or without asking the guards.
///
/// What costs least is asked first, guards last.
///
/// # Errors
///
/// Outer: an error of `facts`. Inner: the first reason against the change.
pub fn decide<'m, F: Facts>(
    machine: &'m Compiled,
    from: StateIndex,
    to: StateIndex,
    guards: bool,
    facts: &mut F,
) -> Result<Result<Decision<'m>, Refusal>, F::Error> {
    if from == to {
        return Ok(Ok(Decision::Same));
    }
    let Some(transition) = machine.transition(from, to) else { return Ok(Err(Refusal::NoTransition)) };
    if !transition.roles.is_empty() {
        let mut member = false;
        for role in &transition.roles {
            member = member || facts.has_role(role)?;
        }
        if !member {
            return Ok(Err(Refusal::Role(transition.roles.clone())));
        }
    }
    let mut missing = Vec::new();
    for column in &transition.requires {
        if !facts.is_set(column)? {
            missing.push(column.clone());
        }
    }
    if !missing.is_empty() {
        return Ok(Err(Refusal::Columns(missing)));
    }
    if transition.requires_reason && !facts.has_reason(transition)? {
        return Ok(Err(Refusal::Reason));
    }
    for function in transition.guards.iter().filter(|_| guards) {
        if let Some(says) = facts.guard(function)? {
            return Ok(Err(Refusal::Guard { function: function.clone(), says }));
        }
    }
    Ok(Ok(Decision::Change(transition)))
}

/// Whether a new row may have a state.
///
/// # Errors
///
/// [`Refusal::NotInitial`].
pub fn enter(machine: &Compiled, state: StateIndex) -> Result<(), Refusal> {
    if machine.is_initial(state) { Ok(()) } else { Err(Refusal::NotInitial) }
}
