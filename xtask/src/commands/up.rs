//! `cargo xtask up`.

use anyhow::{Context, Result};
use postgres::Client;

use super::generate;
use crate::api;
use crate::instance::Kind;
use crate::pgrx::EXTENSION;
use crate::progress::{heading, step};
use crate::project::Project;
use crate::run::stream;
use crate::server::Server;

/// The developer's database.
pub(crate) const DATABASE: &str = "canon";

/// A guided tour in SQL, safe to run again and again.
const TOUR: &str = "examples/tour.sql";

/// From nothing to a running server with the extension, its packs and the tour.
pub(crate) fn run(project: &Project) -> Result<()> {
    let instance = project.instance(Kind::Dev)?;
    let _lock = instance.lock()?;
    let package = instance.build(project.pgrx()?)?;
    step("starting the server", || instance.bring_up(&package))?;
    let server = instance.cluster.server();
    step("creating database and extension", || create(&server))?;
    set_aside_if_outdated(project, &server)?;
    install_packs(&server)?;
    tour(project, &server)?;
    heading("regenerating types, documents and the API listing");
    let generated = generate::write_on(project, &server);
    println!("PostgreSQL {} runs with {EXTENSION} in database {DATABASE}:", project.major());
    println!("    cargo xtask psql");
    println!("    {}", server.url(DATABASE));
    // Reported last: the server is of use all the same.
    generated
}

fn connect(server: &Server) -> Result<Client> {
    server.connect(DATABASE, "postgres")
}

fn create(server: &Server) -> Result<()> {
    let mut admin = server.admin()?;
    if admin.query_opt("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", &[&DATABASE])?.is_none() {
        admin.batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    }
    let mut client = connect(server)?;
    client.batch_execute(&format!("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS {EXTENSION}"))?;
    let versions = "SELECT e.extversion <> a.default_version FROM pg_catalog.pg_extension e \
                    JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname WHERE e.extname = $1";
    if client.query_one(versions, &[&EXTENSION])?.get(0) {
        client.batch_execute(&format!("ALTER EXTENSION {EXTENSION} UPDATE")).context(
            "the database has another version of the extension; for a new database: cargo xtask down --purge",
        )?;
    }
    Ok(())
}

fn install_packs(server: &Server) -> Result<()> {
    let exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n \
                  ON n.oid = p.pronamespace WHERE n.nspname = 'canon' AND p.proname = 'install')";
    if !connect(server)?.query_one(exists, &[])?.get::<_, bool>(0) {
        return Ok(());
    }
    heading("installing the packs");
    let mut psql = server.program("psql");
    psql.env("PGDATABASE", DATABASE).args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--pset=pager=off"]);
    stream(psql.args(["--command", "SELECT * FROM canon.install('all')"]))
}

fn tour(project: &Project, server: &Server) -> Result<()> {
    if !project.repo().join(TOUR).is_file() {
        return Ok(());
    }
    heading("the guided tour");
    let mut psql = server.program("psql");
    psql.env("PGDATABASE", DATABASE).current_dir(project.repo());
    psql.args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--pset=pager=off", "--echo-all", "--file", TOUR]);
    stream(&mut psql)
}

/// While a version is being developed its install script changes, which no `ALTER EXTENSION` brings
/// into a database that has that version already. Such a database is kept under another name.
fn set_aside_if_outdated(project: &Project, server: &Server) -> Result<()> {
    let here = api::listing(&mut connect(server)?, project.repo())?;
    if here == api::fresh_listing(server, project.repo())? {
        return Ok(());
    }
    let mut admin = server.admin()?;
    let names = "SELECT 'canon_' || n FROM pg_catalog.generate_series(1, 10000) AS n \
                 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'canon_' || n) LIMIT 1";
    let name: String = admin.query_one(names, &[])?.get(0);
    admin
        .batch_execute(&format!("ALTER DATABASE {DATABASE} RENAME TO {name}"))
        .with_context(|| format!("database {DATABASE} was created by an earlier build and has to be renamed"))?;
    println!("    database {DATABASE} was created by an earlier build: it is now {name}, and {DATABASE} a new one");
    create(server)
}
