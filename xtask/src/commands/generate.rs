//! `cargo xtask gen` and `check`: everything that is generated.

use anyhow::Result;

use crate::api;
use crate::instance::{Instance, Kind};
use crate::project::Project;
use crate::run::{describe, stream};
use crate::server::Server;

/// The generator's own commands of the same names.
#[derive(Clone, Copy)]
enum Generator {
    Gen,
    Check,
}

/// Types and documents, by the tool that others use for theirs.
fn generator(project: &Project, command: Generator) -> Result<()> {
    let verb = match command {
        Generator::Gen => "gen",
        Generator::Check => "check",
    };
    let mut canon = project.cargo();
    canon.args(["run", "--quiet", "--package", "canon-codegen", "--bin", "canon", "--", verb]);
    stream(&mut canon)
}

/// Brings everything up to date, with a throw-away server to list the API of.
pub(crate) fn write(project: &Project) -> Result<()> {
    with_test_server(project, |server| write_on(project, server))
}

/// Brings everything up to date, listing the API on a server that runs already.
pub(crate) fn write_on(project: &Project, server: &Server) -> Result<()> {
    write_listing(project, server)?;
    generator(project, Generator::Gen)
}

fn write_listing(project: &Project, server: &Server) -> Result<()> {
    let found = api::fresh_listing(server, project.repo())?;
    if api::write(project.repo(), &found)? {
        eprintln!("wrote {}", api::LISTING);
    }
    Ok(())
}

/// Whether everything is up to date; prints what is not.
pub(crate) fn check(project: &Project) -> Result<bool> {
    let generated = match generator(project, Generator::Check) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("error: {error:#}");
            false
        }
    };
    let listed = with_test_server(project, |server| check_listing(project, server))?;
    Ok(generated && listed)
}

fn check_listing(project: &Project, server: &Server) -> Result<bool> {
    let found = api::fresh_listing(server, project.repo())?;
    let Some(diff) = api::difference(project.repo(), &found)? else { return Ok(true) };
    println!("{diff}");
    eprintln!("error: {} is not what the extension offers; if it is meant to change: {}", api::LISTING, api::FIX);
    Ok(false)
}

/// Runs `work` on a fresh test server, which is stopped afterwards.
pub(crate) fn with_test_server<T>(project: &Project, work: impl FnOnce(&Server) -> Result<T>) -> Result<T> {
    with_throwaway(project, Kind::Test, work)
}

/// Runs `work` on a fresh server of that kind, which is stopped afterwards, unless tests are told to
/// keep what they leave.
pub(crate) fn with_throwaway<T>(project: &Project, kind: Kind, work: impl FnOnce(&Server) -> Result<T>) -> Result<T> {
    let instance = project.instance(kind)?;
    let _lock = instance.lock()?;
    let package = instance.build(project.pgrx()?)?;
    instance.bring_up_fresh(&package)?;
    let result = work(&instance.cluster.server());
    finish(&instance).and(result)
}

fn finish(instance: &Instance) -> Result<()> {
    if std::env::var_os(crate::server::KEEP).is_none() {
        return instance.stop_now();
    }
    let mut psql = instance.cluster.server().program("psql");
    psql.arg(instance.cluster.server().url("postgres"));
    eprintln!("the server is kept: {}", describe(&psql));
    Ok(())
}
