//! Status machines: which changes of a status are allowed, when, and what they set besides.
//!
//! A [`Machine`] is declarative data, written as TOML or JSON ([`Document`]). [`lint`] finds what
//! makes no sense in it; [`Compiled`] answers for every pair of states; [`decide`] says whether a
//! change may happen now, and if not, why.

mod compiled;
mod decide;
mod document;
mod graph;
mod lint;
mod machine;

pub use compiled::{Compiled, StateIndex};
pub use decide::{Decision, Facts, Refusal, decide, enter};
pub use document::{Document, GuardedColumn, Invalid};
pub use graph::{dot, mermaid};
pub use lint::{Finding, lint};
pub use machine::{Machine, Stamp, Transition};

#[cfg(test)]
mod tests;
