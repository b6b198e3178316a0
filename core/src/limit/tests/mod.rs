//! Traces on a fake clock against oracles that share no code with the algorithms.

mod calendars;
mod rates;
mod rescaling;
