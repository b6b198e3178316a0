//! Connection strings. Their text is never shown: it may hold a password.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use postgres::Config;
use postgres::config::Host;

/// Prefix of the name of an environment variable.
const ENVIRONMENT: &str = "env:";

/// How long to wait for a server where the connection string does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection string, read: `postgres://user@host:port/database`, `host=... dbname=...`, or
/// `env:NAME` for one in an environment variable. What it leaves out comes from `PGHOST`, `PGPORT`,
/// `PGUSER`, `PGPASSWORD` and `PGDATABASE`, as libpq has it.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    /// The environment variable it was read from.
    variable: Option<String>,
}

impl DatabaseUrl {
    /// Whether an argument that could be a file is meant as a database.
    pub fn looks_like_one(argument: &Path) -> bool {
        let text = argument.to_string_lossy();
        let has_scheme = ["postgres://", "postgresql://", ENVIRONMENT].iter().any(|prefix| text.starts_with(prefix));
        has_scheme || ["dbname=", "password="].iter().any(|key| text.contains(key))
    }

    /// The connection's parameters.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Database and host, for messages.
    pub fn label(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = match self.config.get_ports() {
            [] | [5432] => String::new(),
            [port, ..] => format!(":{port}"),
        };
        format!("database {} on {host}{port}", self.database().as_deref().unwrap_or("?"))
    }

    /// Name of the database.
    pub fn database(&self) -> Option<String> {
        self.config.get_dbname().or(self.config.get_user()).map(str::to_owned)
    }

    /// The argument, as it can be written into a file: `env:NAME`, or a stand-in.
    pub fn public(&self) -> String {
        self.variable.as_ref().map_or_else(|| "URL".to_owned(), |name| format!("{ENVIRONMENT}{name}"))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let variable = text.strip_prefix(ENVIRONMENT).map(str::to_owned);
        let text = match &variable {
            Some(name) => std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?,
            None => text.to_owned(),
        };
        // What the parser says could quote a part of a password.
        let mut config: Config = text.parse().map_err(|_: postgres::Error| {
            "not a connection string; expected postgres://user@host:port/database, host=… dbname=…, or env:NAME"
                .to_owned()
        })?;
        fill(&mut config);
        Ok(Self { config, variable })
    }
}

/// What the connection string leaves out, as libpq fills it in.
fn fill(config: &mut Config) {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let sockets = "/var/run/postgresql";
        let default = if Path::new(sockets).is_dir() { sockets } else { "localhost" };
        config.host(set("PGHOST").as_deref().unwrap_or(default));
    }
    if let (true, Some(port)) = (config.get_ports().is_empty(), set("PGPORT").and_then(|port| port.parse().ok())) {
        config.port(port);
    }
    if let (None, Some(user)) = (config.get_user(), set("PGUSER")) {
        config.user(&user);
    }
    if let (None, Some(password)) = (config.get_password(), set("PGPASSWORD")) {
        config.password(password);
    }
    if let (None, Some(name)) = (config.get_dbname(), set("PGDATABASE")) {
        config.dbname(&name);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("canon");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://anna:s3cret@db.example:6543/app",
            "host=db.example port=6543 user=anna password=s3cret dbname=app",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.label(), "database app on db.example:6543");
            assert_eq!(format!("{url:?} {}", url.public()), "database app on db.example:6543 URL");
        }
        for text in ["postgres://anna:s3cret@db.example:s3cret/app", "password='s3cret", "s3cret=1", "s3cret"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_variable_is_named_where_it_is_missing() {
        let error = "env:CANON_NO_SUCH_VARIABLE".parse::<DatabaseUrl>().unwrap_err();
        assert_eq!(error, "environment variable CANON_NO_SUCH_VARIABLE is not set");
    }
}
