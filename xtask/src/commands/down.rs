//! `cargo xtask down`.

use std::fs::remove_dir_all;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result};

use crate::cluster::{Status, StopMode};
use crate::instance::{Kind, existing};
use crate::project::Project;
use crate::user::ServerUser;

/// Stops every server of the checkout, and with `purge` removes all that was set up for it.
pub(crate) fn run(project: &Project, purge: bool) -> Result<()> {
    let state = project.state();
    if !state.exists() {
        eprintln!("nothing has been set up for this checkout");
        return Ok(());
    }
    let mut stopped = 0;
    for major in state.versions() {
        for kind in Kind::ALL {
            let Some(cluster) = existing(state, major, kind)? else { continue };
            if cluster.status()? == Status::Running {
                cluster.stop(StopMode::Fast)?;
                stopped += 1;
                eprintln!("stopped the {} server of PostgreSQL {major}", kind.name());
            }
        }
    }
    if stopped == 0 {
        eprintln!("no server was running");
    }
    if purge {
        state.purge()?;
        remove_sockets(project)?;
        eprintln!("removed {}", state.root().display());
    }
    Ok(())
}

fn remove_sockets(project: &Project) -> Result<()> {
    // Without the server's user there never was a server.
    let Ok(user) = ServerUser::current() else { return Ok(()) };
    let dir = project.state().socket_dir(&user);
    let ours = dir.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == user.uid());
    if ours {
        remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}
