//! Plans: templates that become instances.

mod act;
mod act_api;
mod api;
mod check;
mod compare;
mod definition;
mod drift;
mod error;
mod expected;
mod fetch;
mod follow;
mod frozen;
mod guard;
mod ids;
mod import;
mod insert;
mod instance;
mod instantiate;
mod known;
mod look_api;
mod mapping;
mod options;
mod order;
mod overrides;
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
