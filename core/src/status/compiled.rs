use std::collections::HashMap;

use super::lint::{Finding, lint};
use super::machine::{Machine, Transition};

/// Number of a state, in the order of the definition.
pub type StateIndex = usize;

/// A machine prepared for questions: every pair of states is one look into a table.
#[derive(Clone, Debug)]
pub struct Compiled {
    machine: Machine,
    index: HashMap<String, StateIndex>,
    /// For every pair (from, to), one more than the number of its transition, or zero.
    pairs: Vec<usize>,
    initial: Vec<bool>,
}

impl Compiled {
    /// Prepares a machine, or says what is wrong with it.
    pub fn new(machine: Machine) -> Result<Self, Vec<Finding>> {
        let findings = lint(&machine);
        if !findings.is_empty() {
            return Err(findings);
        }
        let index: HashMap<String, StateIndex> =
            machine.states.iter().enumerate().map(|(number, state)| (state.clone(), number)).collect();
        let count = machine.states.len();
        let mut pairs = vec![0; count * count];
        for (number, transition) in machine.transitions.iter().enumerate() {
            for from in &transition.from {
                pairs[index[from] * count + index[&transition.to]] = number + 1;
            }
        }
        let initial = machine.states.iter().map(|state| machine.initial.contains(state)).collect();
        Ok(Self { machine, index, pairs, initial })
    }

    /// The definition.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The number of a state.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<StateIndex> {
        self.index.get(name).copied()
    }

    /// The name of a state.
    ///
    /// # Panics
    ///
    /// When the machine has no state of that number.
    #[must_use]
    pub fn name(&self, state: StateIndex) -> &str {
        &self.machine.states[state]
    }

    /// Whether a new row may have the state.
    ///
    /// # Panics
    ///
    /// When the machine has no state of that number.
    #[must_use]
    pub fn is_initial(&self, state: StateIndex) -> bool {
        self.initial[state]
    }

    /// The transition that makes a change, if there is one.
    ///
    /// # Panics
    ///
    /// When the machine has no state of one of the numbers.
    #[must_use]
    pub fn transition(&self, from: StateIndex, to: StateIndex) -> Option<&Transition> {
        let number = self.pairs[from * self.machine.states.len() + to];
        self.machine.transitions.get(number.wrapping_sub(1))
    }

    /// Where an event leads from a state.
    #[must_use]
    pub fn fire(&self, from: StateIndex, event: &str) -> Option<StateIndex> {
        self.leaving(from).find(|(_, transition)| transition.event == event).map(|(to, _)| to)
    }

    /// What leads out of a state, in the order of the states.
    pub fn leaving(&self, from: StateIndex) -> impl Iterator<Item = (StateIndex, &Transition)> {
        (0..self.machine.states.len()).filter_map(move |to| self.transition(from, to).map(|t| (to, t)))
    }
}
