//! The developer's command line, and the control of private PostgreSQL clusters behind it.
//!
//! The binary is `cargo xtask`. The library half is what tests and benchmarks share with it:
//! [`Server`] hands out fresh databases of a running server, [`PrivateCluster`] is a server of
//! one's own that may be crashed.
#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
mod cluster;
mod commands;
mod instance;
mod packages;
mod pgrx;
mod postgres_install;
mod prefix;
mod private;
mod process;
mod progress;
mod project;
mod run;
mod server;
mod state;
mod user;

pub use cluster::{Cluster, Status, StopMode};
pub use private::PrivateCluster;
pub use process::wait_until;
pub use project::repo_root;
pub use run::{capture, describe};
pub use server::{Database, KEEP, Role, Server, quote_ident};
