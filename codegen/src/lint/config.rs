//! `[lint]` of `canon.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Deserializer};

use super::rule::{self, Rule, Severity};
use crate::error::Error;

/// Settings of `canon lint`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LintConfig {
    /// Severity of rules by number or name; `off` switches one off.
    pub rules: BTreeMap<RuleName, Level>,
    /// The command fails where a finding is at least this severe; `warning` unless set.
    pub fail_on: Option<Severity>,
    /// Findings that are known and accepted for now.
    pub baseline: Option<PathBuf>,
    /// Markdown documents to check against the schema: paths or patterns.
    pub documents: Vec<Pattern>,
    /// Address of the folder with the pages of the rules, for programs that show links.
    pub pages: Option<String>,
    /// What the rules look for.
    pub options: Options,
}

/// Where the pages of the rules are read, unless the configuration says so.
const PAGES: &str = "https://github.com/pg-canon/pg_canon/blob/main/docs/lint";

/// The part of a configuration file that rules are in.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    lint: LintConfig,
}

impl LintConfig {
    /// Reads `[lint]` of a configuration file, whatever else is in it. Where it may be missing,
    /// a file that does not exist is empty.
    pub fn read(path: &Path, may_be_missing: bool) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if may_be_missing && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(Error::io(path))?,
        };
        let file: Result<File, _> = toml::from_str(&text);
        let message = |error: toml::de::Error| error.to_string().trim().to_owned();
        file.map(|file| file.lint).map_err(|error| Error::Config { path: path.to_owned(), message: message(error) })
    }

    /// The severity from which on the command fails.
    pub fn fail_on(&self) -> Severity {
        self.fail_on.unwrap_or(Severity::Warning)
    }

    /// Address of the folder with the pages of the rules.
    pub fn pages(&self) -> String {
        self.pages.clone().unwrap_or_else(|| PAGES.to_owned())
    }
}

/// Number or name of a rule, as a key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleName(String);

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match rule::find(&name) {
            Some(_) => Ok(Self(name)),
            None => Err(serde::de::Error::custom(format!("there is no rule `{name}`; `canon lint --list` lists them"))),
        }
    }
}

/// Severity of a rule in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule does not run.
    Off,
    /// [`Severity::Info`].
    Info,
    /// [`Severity::Warning`].
    Warning,
    /// [`Severity::Error`].
    Error,
}

/// A pattern with `*`, `?`, `[...]` and `{a,b}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: globset::Glob,
}

impl Pattern {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Compiled: `*` stays within one folder.
    pub fn matcher(&self) -> globset::GlobMatcher {
        self.glob.compile_matcher()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let glob = GlobBuilder::new(&text).literal_separator(true).build().map_err(serde::de::Error::custom)?;
        Ok(Self { text, glob })
    }
}

/// Names that match any of some patterns.
#[derive(Clone, Debug)]
pub struct Names(GlobSet);

impl Names {
    fn new(patterns: &[&str]) -> Self {
        let globs = patterns.iter().filter_map(|p| GlobBuilder::new(p).build().ok());
        Self(globs.fold(&mut GlobSetBuilder::new(), GlobSetBuilder::add).build().unwrap_or_default())
    }

    /// Whether one of the patterns fits.
    pub fn contains(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in Vec::<String>::deserialize(deserializer)? {
            set.add(GlobBuilder::new(&pattern).build().map_err(serde::de::Error::custom)?);
        }
        set.build().map(Self).map_err(serde::de::Error::custom)
    }
}

/// When [L18](super::rules) asks for row-level security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowSecurity {
    /// In a schema where most tables have it.
    #[default]
    Auto,
    /// On every table.
    Required,
    /// Nowhere; policies that do not work are reported all the same.
    Optional,
}

/// The table that status columns point at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusTable {
    /// `schema.table`.
    pub table: String,
    /// The column that says what kind of thing a status is for.
    #[serde(rename = "type")]
    pub type_column: String,
}

/// What the rules look for. Lists of names take patterns: `*_status`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Options {
    /// Tables, types and functions that exist outside the files: `auth.*`.
    pub external: Names,
    /// Columns every table should have; what most tables have, where this is not set.
    pub audit_columns: Option<Vec<String>>,
    /// Columns that say which tenant a row belongs to.
    pub tenant_columns: Names,
    /// Columns that hold a status.
    pub status_columns: Names,
    /// A table that all status columns share.
    pub status_table: Option<StatusTable>,
    /// Columns that mark a row as deleted.
    pub soft_delete_columns: Names,
    /// Columns that hold the time of the last change.
    pub updated_at_columns: Names,
    /// Tables that record what happened.
    pub audit_tables: Names,
    /// Columns that look like references but hold identifiers from elsewhere.
    pub opaque_ids: Names,
    /// Which tables need row-level security.
    pub row_security: RowSecurity,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            external: Names::new(&[]),
            audit_columns: None,
            tenant_columns: Names::new(&["tenant_id", "organization_id", "organisation_id", "org_id", "workspace_id"]),
            status_columns: Names::new(&["status", "*_status"]),
            status_table: None,
            soft_delete_columns: Names::new(&["deleted_at", "deleted_on", "date_deleted", "is_deleted", "deleted"]),
            updated_at_columns: Names::new(&[
                "updated_at",
                "updated_on",
                "updated_date",
                "modified_at",
                "last_updated",
            ]),
            audit_tables: Names::new(&["audit", "audits", "audit_*", "*_audit", "*_audits", "*_audit_*"]),
            opaque_ids: Names::new(&[
                "{request,session,trace,span,correlation,transaction,idempotency,message,event,device,client}_id",
                "{external,remote,provider,stripe,google,github,slack}_*_id",
                "external_id",
            ]),
            row_security: RowSecurity::Auto,
        }
    }
}

/// The configuration as the engine uses it.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) options: Options,
    levels: BTreeMap<&'static str, Option<Severity>>,
}

impl Settings {
    pub(super) fn new(config: &LintConfig) -> Self {
        let level = |level: &Level| match level {
            Level::Off => None,
            Level::Info => Some(Severity::Info),
            Level::Warning => Some(Severity::Warning),
            Level::Error => Some(Severity::Error),
        };
        let levels = config.rules.iter().filter_map(|(name, l)| Some((rule::find(&name.0)?.code, level(l)))).collect();
        Self { options: config.options.clone(), levels }
    }

    /// None where the rule is off.
    pub(super) fn severity(&self, rule: &Rule) -> Option<Severity> {
        self.levels.get(rule.code).copied().unwrap_or(Some(rule.severity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LintConfig, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn rules_go_by_number_or_name() {
        let config = parse("[rules]\nL6 = 'error'\nduplicate-index = 'off'").unwrap();
        let settings = Settings::new(&config);
        assert_eq!(settings.severity(rule::find("l6").unwrap()), Some(Severity::Error));
        assert_eq!(settings.severity(rule::find("L5").unwrap()), None);
        assert_eq!(settings.severity(rule::find("L7").unwrap()), Some(rule::find("L7").unwrap().severity));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("[rules]\nL99 = 'error'", "there is no rule `L99`"),
            ("[rules]\nL6 = 'loud'", "unknown variant `loud`"),
            ("fail_on = 'error'", "unknown field `fail_on`"),
            ("[options]\nstatus-columns = ['[']", "error parsing glob"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
