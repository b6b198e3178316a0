//! A running server as clients see it, and databases of one's own in it.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use postgres::{Client, NoTls};

use crate::run::capture;

/// Directory of the server's client programs.
const BIN: &str = "PG_CANON_BIN";
/// Directory of its socket.
const HOST: &str = "PG_CANON_HOST";
/// Number in the socket's name.
const PORT: &str = "PG_CANON_PORT";

/// Set to anything, databases and clusters of tests outlive them.
pub const KEEP: &str = "PG_CANON_KEEP";

/// The superuser of every cluster of ours.
const SUPERUSER: &str = "postgres";

/// How to reach a running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Directory of the client programs that belong to it.
    pub bin: PathBuf,
    /// Directory of its socket.
    pub host: PathBuf,
    /// Number in the socket's name.
    pub port: u16,
}

impl Server {
    /// The server that `cargo xtask test` or `bench` has started.
    ///
    /// # Errors
    ///
    /// When this process was not started by them; the error names the command.
    pub fn from_env() -> Result<Self> {
        let get = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set: run these tests with `cargo xtask test client [FILTER]`"))
        };
        let port = get(PORT)?;
        Ok(Self {
            bin: get(BIN)?.into(),
            host: get(HOST)?.into(),
            port: port.parse().with_context(|| format!("{PORT} is not a number: {port:?}"))?,
        })
    }

    /// What [`Self::from_env`] reads.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 3] {
        let path = |p: &PathBuf| p.to_string_lossy().into_owned();
        [(BIN, path(&self.bin)), (HOST, path(&self.host)), (PORT, self.port.to_string())]
    }

    /// Connection string for clients.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql:///{database}?host={}&port={}&user={SUPERUSER}", self.host.display(), self.port)
    }

    /// Connects to `database` as `role`.
    ///
    /// # Errors
    ///
    /// When the connection is refused.
    pub fn connect(&self, database: &str, role: &str) -> Result<Client> {
        postgres::Config::new()
            .host_path(&self.host)
            .port(self.port)
            .user(role)
            .dbname(database)
            .application_name("pg_canon")
            .connect(NoTls)
            .with_context(|| format!("cannot connect to database {database} as {role}"))
    }

    /// Connects to database `postgres` as superuser.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub fn admin(&self) -> Result<Client> {
        self.connect("postgres", SUPERUSER)
    }

    /// A client program of this server's version (`psql`, `pg_dump`, ...) that connects to it as
    /// superuser, whatever the developer's `PG*` variables say.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        for (variable, _) in std::env::vars_os() {
            let ours = |v: &str| v.starts_with("PG") && !v.starts_with("PG_") && !v.starts_with("PGRX");
            if variable.to_str().is_some_and(ours) {
                command.env_remove(variable);
            }
        }
        command.env("PGHOST", &self.host).env("PGPORT", self.port.to_string()).env("PGUSER", SUPERUSER);
        command
    }

    /// Creates an empty database. `name` is made unique, and appears in the server's log.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub fn database(&self, name: &str) -> Result<Database> {
        let database = Database { server: self.clone(), name: unique(name) };
        let sql = format!("CREATE DATABASE {} TEMPLATE template0", quote_ident(&database.name));
        self.admin()?.batch_execute(&sql).with_context(|| format!("cannot create database {}", database.name))?;
        Ok(database)
    }

    /// Creates a role that may log in and nothing else. `name` is made unique.
    ///
    /// Create roles before the databases they own anything in: what is created last is dropped first.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub fn role(&self, name: &str) -> Result<Role> {
        let role = Role { server: self.clone(), name: unique(name) };
        let sql = format!("CREATE ROLE {} LOGIN", quote_ident(&role.name));
        self.admin()?.batch_execute(&sql).with_context(|| format!("cannot create role {}", role.name))?;
        Ok(role)
    }

    fn clean_up(&self, sql: &str) {
        if std::env::var_os(KEEP).is_none()
            && let Err(error) = self.admin().and_then(|mut client| Ok(client.batch_execute(sql)?))
        {
            eprintln!("warning: {sql}: {error:#}");
        }
    }
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Connects as superuser.
    ///
    /// # Errors
    ///
    /// When the connection is refused.
    pub fn connect(&self) -> Result<Client> {
        self.connect_as(SUPERUSER)
    }

    /// Connects as `role`.
    ///
    /// # Errors
    ///
    /// When the connection is refused.
    pub fn connect_as(&self, role: &str) -> Result<Client> {
        self.server.connect(&self.name, role)
    }

    /// A client program that connects to this database as superuser.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = self.server.program(name);
        command.env("PGDATABASE", &self.name);
        command
    }

    /// Runs `sql` through psql, stopping at the first error, and returns what it prints: values
    /// only, separated by `|`.
    ///
    /// # Errors
    ///
    /// When a statement fails.
    pub fn psql(&self, sql: &str) -> Result<String> {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", sql]);
        capture(&mut psql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.clean_up(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(&self.name)));
    }
}

/// A role that is dropped with this value.
#[derive(Debug)]
pub struct Role {
    server: Server,
    name: String,
}

impl Role {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// As an identifier in SQL; unique names need no quotes.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_ident(&self.name))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.server.clean_up(&format!("DROP ROLE IF EXISTS {}", quote_ident(&self.name)));
    }
}

/// `name`, with process and a counter behind it, within PostgreSQL's 63 bytes.
fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let stem: String = name.chars().filter(char::is_ascii).take(40).collect();
    format!("{stem}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `name` as an identifier in SQL.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_short() {
        let (a, b) = (unique(&"x".repeat(90)), unique("x"));
        assert!(a.len() <= 63 && a != b);
        assert_ne!(unique("x"), unique("x"));
    }

    #[test]
    fn identifiers_cannot_break_out() {
        assert_eq!(quote_ident(r#"a"; DROP"#), r#""a""; DROP""#);
    }

    #[test]
    fn programs_ignore_the_shell_of_the_developer() {
        let server = Server { bin: "/b".into(), host: "/s".into(), port: 7 };
        let psql = server.program("psql");
        let env: Vec<_> = psql.get_envs().filter_map(|(k, v)| Some((k.to_str()?, v?.to_str()?))).collect();
        assert!(env.contains(&("PGHOST", "/s")) && env.contains(&("PGPORT", "7")), "{env:?}");
        assert_eq!(server.url("d"), "postgresql:///d?host=/s&port=7&user=postgres");
    }
}
