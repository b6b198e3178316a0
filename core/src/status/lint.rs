use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::machine::Machine;

/// A fault of a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Finding {
    /// The machine has no name, or a state or an event has none.
    Nameless(&'static str),
    /// It has no states.
    NoStates,
    /// No state is initial.
    NoInitialState,
    /// A state is listed twice.
    RepeatedState(String),
    /// A state that is used is not in the list of states.
    UnknownState {
        /// The state.
        state: String,
        /// Where it is used.
        place: String,
    },
    /// No initial state leads to it.
    Unreachable(String),
    /// It is not terminal, yet nothing leads out of it.
    DeadEnd(String),
    /// It is terminal, yet a transition that does not reopen leads out of it.
    LeavesTerminal {
        /// The state.
        state: String,
        /// The event.
        event: String,
    },
    /// Other states have a value, this one has none.
    NoValue(String),
    /// Two states have the same value.
    SharedValue {
        /// The value.
        value: String,
        /// The states.
        states: [String; 2],
    },
    /// From one state, an event leads to two.
    Nondeterministic {
        /// The state.
        from: String,
        /// The event.
        event: String,
        /// Where it leads.
        to: [String; 2],
    },
    /// Two transitions make the same change, so that a write cannot tell which of them it is.
    Ambiguous {
        /// The state before.
        from: String,
        /// The state after.
        to: String,
        /// The events.
        events: [String; 2],
    },
    /// A transition from a state to itself: writing the same status again is no change.
    SelfTransition {
        /// The state.
        state: String,
        /// The event.
        event: String,
    },
    /// A guard is not of the form `schema.function`.
    UnqualifiedGuard {
        /// The guard.
        guard: String,
        /// The event of its transition.
        event: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nameless(what) => write!(f, "{what} has no name"),
            Self::NoStates => f.write_str("it has no states"),
            Self::NoInitialState => f.write_str("no state is initial"),
            Self::RepeatedState(state) => write!(f, "state \"{state}\" is listed twice"),
            Self::UnknownState { state, place } => {
                write!(f, "state \"{state}\" of {place} is not in the list of states")
            }
            Self::Unreachable(state) => write!(f, "state \"{state}\" cannot be reached from an initial state"),
            Self::DeadEnd(state) => {
                write!(f, "state \"{state}\" is a dead end: list it as terminal, or add a transition out of it")
            }
            Self::LeavesTerminal { state, event } => {
                write!(f, "\"{event}\" leaves the terminal state \"{state}\": mark it with reopen = true")
            }
            Self::NoValue(state) => write!(f, "state \"{state}\" has no value, though others have"),
            Self::SharedValue { value, states: [a, b] } => {
                write!(f, "states \"{a}\" and \"{b}\" have the same value {value}")
            }
            Self::Nondeterministic { from, event, to: [a, b] } => {
                write!(f, "\"{event}\" leads from \"{from}\" to both \"{a}\" and \"{b}\"")
            }
            Self::Ambiguous { from, to, events: [a, b] } => {
                write!(f, "both \"{a}\" and \"{b}\" lead from \"{from}\" to \"{to}\"")
            }
            Self::SelfTransition { state, event } => {
                write!(f, "\"{event}\" leads from \"{state}\" to itself, which is no change")
            }
            Self::UnqualifiedGuard { guard, event } => {
                write!(f, "guard \"{guard}\" of \"{event}\" must be written schema.function")
            }
        }
    }
}

/// Every fault of a machine, in a fixed order.
#[must_use]
pub fn lint(machine: &Machine) -> Vec<Finding> {
    let mut found = Vec::new();
    names(machine, &mut found);
    references(machine, &mut found);
    values(machine, &mut found);
    events(machine, &mut found);
    if !found.iter().any(|f| matches!(f, Finding::UnknownState { .. })) {
        paths(machine, &mut found);
    }
    let mut seen = HashSet::new();
    found.retain(|finding| seen.insert(finding.to_string()));
    found
}

fn names(machine: &Machine, found: &mut Vec<Finding>) {
    if machine.name.trim().is_empty() {
        found.push(Finding::Nameless("the machine"));
    }
    if machine.states.is_empty() {
        found.push(Finding::NoStates);
    }
    if machine.states.iter().any(String::is_empty) {
        found.push(Finding::Nameless("a state"));
    }
    if machine.transitions.iter().any(|t| t.event.trim().is_empty()) {
        found.push(Finding::Nameless("an event"));
    }
    if machine.initial.is_empty() {
        found.push(Finding::NoInitialState);
    }
    let mut seen = HashSet::new();
    found.extend(machine.states.iter().filter(|s| !seen.insert(*s)).map(|s| Finding::RepeatedState(s.clone())));
}

fn references(machine: &Machine, found: &mut Vec<Finding>) {
    let known: HashSet<&str> = machine.states.iter().map(String::as_str).collect();
    let mut unknown = |state: &str, place: String| {
        if !known.contains(state) {
            found.push(Finding::UnknownState { state: state.to_owned(), place });
        }
    };
    machine.initial.iter().for_each(|s| unknown(s, "initial".to_owned()));
    machine.terminal.iter().for_each(|s| unknown(s, "terminal".to_owned()));
    machine.values.keys().for_each(|s| unknown(s, "values".to_owned()));
    for (from, to, transition) in machine.changes() {
        let place = format!("\"{}\"", transition.event);
        unknown(from, place.clone());
        unknown(to, place);
    }
}

fn values(machine: &Machine, found: &mut Vec<Finding>) {
    if machine.values.is_empty() {
        return;
    }
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for state in &machine.states {
        let Some(value) = machine.values.get(state) else {
            found.push(Finding::NoValue(state.clone()));
            continue;
        };
        if let Some(other) = owners.insert(value, state).filter(|other| other != state) {
            let states = [other.to_owned(), state.clone()];
            found.push(Finding::SharedValue { value: value.clone(), states });
        }
    }
}

fn events(machine: &Machine, found: &mut Vec<Finding>) {
    let mut targets: HashMap<(&str, &str), &str> = HashMap::new();
    let mut pairs: HashMap<(&str, &str), &str> = HashMap::new();
    for (from, to, transition) in machine.changes() {
        let event = transition.event.as_str();
        if from == to {
            found.push(Finding::SelfTransition { state: from.to_owned(), event: event.to_owned() });
        }
        match targets.insert((from, event), to) {
            Some(other) if other != to => found.push(Finding::Nondeterministic {
                from: from.to_owned(),
                event: event.to_owned(),
                to: [other.to_owned(), to.to_owned()],
            }),
            _ => {}
        }
        if let Some(other) = pairs.insert((from, to), event) {
            let events = [other.to_owned(), event.to_owned()];
            found.push(Finding::Ambiguous { from: from.to_owned(), to: to.to_owned(), events });
        }
        if machine.terminal.iter().any(|t| t == from) && !transition.reopen {
            found.push(Finding::LeavesTerminal { state: from.to_owned(), event: event.to_owned() });
        }
    }
    for transition in &machine.transitions {
        for guard in transition.guards.iter().filter(|g| !is_qualified(g)) {
            let event = transition.event.clone();
            found.push(Finding::UnqualifiedGuard { guard: guard.clone(), event });
        }
    }
}

/// `schema.function`, both not empty. Dots inside names are not supported.
fn is_qualified(guard: &str) -> bool {
    matches!(guard.split_once('.'), Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('.'))
}

fn paths(machine: &Machine, found: &mut Vec<Finding>) {
    let mut reached: BTreeSet<&str> = machine.initial.iter().map(String::as_str).collect();
    let mut open: Vec<&str> = reached.iter().copied().collect();
    while let Some(state) = open.pop() {
        open.extend(
            machine.changes().filter(|(from, ..)| *from == state).map(|(_, to, _)| to).filter(|to| reached.insert(to)),
        );
    }
    for state in &machine.states {
        if !reached.contains(state.as_str()) {
            found.push(Finding::Unreachable(state.clone()));
        }
        let leaves = machine.changes().any(|(from, to, _)| from == state && to != state);
        if !leaves && !machine.terminal.contains(state) {
            found.push(Finding::DeadEnd(state.clone()));
        }
    }
}
