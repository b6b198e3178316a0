//! Plans: templates that become instances.

mod act;
mod act_api;
mod api;
mod check;
mod compare;
mod drift;
mod error;
mod expected;
mod guard;
mod ids;
mod import;
mod insert;
mod instance;
mod instantiate;
mod mapping;
mod options;
mod order;
mod register;
mod resync;
mod revise;
mod roll_up;
mod schedule;
mod sql;
mod status;
mod store;
mod tree;

pub(crate) use error::PlanError;
