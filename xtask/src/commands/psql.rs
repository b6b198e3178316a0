//! `cargo xtask psql`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result, bail};

use super::up::DATABASE;
use crate::cluster::Status;
use crate::instance::{Kind, existing};
use crate::project::Project;
use crate::run::describe;

/// Becomes psql on the server that `up` set up, and starts it where it is down.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<()> {
    let Some(cluster) = existing(project.state(), project.major(), Kind::Dev)? else {
        bail!("there is no server of PostgreSQL {} yet: run `cargo xtask up`", project.major());
    };
    if cluster.status()? != Status::Running {
        cluster.start()?;
    }
    let mut psql = cluster.server().program("psql");
    psql.env("PGDATABASE", DATABASE).args(args);
    let error = psql.exec();
    Err(error).with_context(|| format!("cannot run `{}`", describe(&psql)))
}
