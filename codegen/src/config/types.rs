//! `[types]`: settings of `canon types`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Settings of `canon types`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Raw")]
pub struct TypesConfig {
    /// Source folder of the generated crate or module.
    pub path: PathBuf,
    /// File of the outermost module: `lib.rs` for a crate of its own.
    pub root: String,
    /// The library that talks to PostgreSQL.
    pub client: Client,
    /// The library of dates and times.
    pub dates: Dates,
    /// Whether types can be serialised.
    pub serde: Serde,
    /// Types for partitions too, which otherwise go by the type of their table.
    pub partitions: bool,
    /// `Vec<Option<T>>` for arrays, where otherwise a NULL element is an error.
    pub nullable_elements: bool,
    /// `"schema.table.column"` or `"schema.type"`, as a glob, and what to use there.
    pub overrides: BTreeMap<String, Override>,
}

impl TypesConfig {
    /// The settings that hold where only a folder is given.
    pub fn in_folder(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            root: default_root(),
            client: Client::default(),
            dates: Dates::default(),
            serde: Serde::default(),
            partitions: false,
            nullable_elements: false,
            overrides: BTreeMap::new(),
        }
    }
}

/// The library that talks to PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// `tokio-postgres`, and `postgres`, which is built on it.
    #[default]
    TokioPostgres,
    /// `sqlx`.
    Sqlx,
    /// Plain types without SQL.
    None,
}

/// The library of dates and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dates {
    /// `chrono`.
    #[default]
    Chrono,
    /// `jiff`.
    Jiff,
    /// `time`.
    Time,
}

/// Whether types can be serialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Serde {
    /// Always.
    #[default]
    Always,
    /// With the feature `serde` of the crate that they are part of.
    Feature,
    /// Never.
    Never,
}

/// What to use for a column, or for all columns of a type, instead of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// A Rust type, without `Option`. For `json` and `jsonb` a type that serde knows.
    pub rust: Option<String>,
    /// What `rust` implements beyond `Clone`, `Debug`, `PartialEq` and serde's traits: `Copy`, `Eq`, `Hash`, `Ord`,
    /// `Default`, `Display`.
    #[serde(default)]
    pub derive: Vec<String>,
    /// Whether `rust` implements serde's traits.
    #[serde(default = "yes")]
    pub serde: bool,
    /// The column travels as text, cast by the database, and is a `String`.
    #[serde(default)]
    pub text: bool,
    /// Whether the column can be NULL, where the schema does not say so, as with columns of views.
    pub nullable: Option<bool>,
    /// Whether elements of the array can be NULL.
    pub nullable_elements: Option<bool>,
    /// Whether the array can have several dimensions, which PostgreSQL does not declare.
    #[serde(default)]
    pub multidimensional: bool,
}

/// The table as it is written: settings, and overrides among them.
#[derive(Deserialize)]
struct Raw {
    path: PathBuf,
    #[serde(default = "default_root")]
    root: String,
    #[serde(default)]
    client: Client,
    #[serde(default)]
    dates: Dates,
    #[serde(default)]
    serde: Serde,
    #[serde(default)]
    partitions: bool,
    #[serde(default)]
    nullable_elements: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, toml::Value>,
}

impl TryFrom<Raw> for TypesConfig {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let mut overrides = BTreeMap::new();
        for (key, value) in raw.rest {
            if !value.is_table() {
                return Err(format!(
                    "[types]: there is no setting `{key}`; there are path, root, client, dates, serde, partitions, \
                     nullable_elements, and tables such as [types.\"schema.table.column\"]"
                ));
            }
            let parsed =
                value.try_into().map_err(|error: toml::de::Error| format!("[types.\"{key}\"]: {}", error.message()))?;
            overrides.insert(key, parsed);
        }
        if raw.client == Client::Sqlx && raw.dates == Dates::Jiff {
            return Err("[types]: sqlx has no conversions for jiff; choose dates = \"chrono\" or \"time\"".to_owned());
        }
        Ok(Self {
            path: raw.path,
            root: raw.root,
            client: raw.client,
            dates: raw.dates,
            serde: raw.serde,
            partitions: raw.partitions,
            nullable_elements: raw.nullable_elements,
            overrides,
        })
    }
}

fn default_root() -> String {
    "mod.rs".to_owned()
}

fn yes() -> bool {
    true
}
