//! What `canon.toml` says about single columns and types.

use std::cell::Cell;
use std::cmp::Ordering;

use canon_core::schema::QName;
use globset::{Glob, GlobMatcher};
use proc_macro2::TokenStream;
use quote::ToTokens;

use super::traits::Traits;
use crate::config::{Override, TypesConfig};

/// The settings, with their patterns compiled.
pub(super) struct Overrides<'c> {
    entries: Vec<Entry<'c>>,
}

struct Entry<'c> {
    path: &'c str,
    parts: Vec<Part>,
    setting: &'c Override,
    rust: Option<Replacement>,
    used: Cell<bool>,
}

/// The type that a setting names.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    pub(super) rust: TokenStream,
    pub(super) traits: Traits,
}

struct Part {
    glob: GlobMatcher,
    /// Whether there is nothing to guess, and how many characters are given.
    exact: bool,
    given: usize,
}

/// What holds for one column or type.
#[derive(Clone, Copy)]
pub(super) struct Found<'o> {
    pub(super) setting: &'o Override,
    pub(super) rust: Option<&'o Replacement>,
}

impl<'c> Overrides<'c> {
    /// Compiles the settings; the error names the one that is wrong.
    pub(super) fn new(config: &'c TypesConfig) -> Result<Self, String> {
        let mut entries = Vec::with_capacity(config.overrides.len());
        for (path, setting) in &config.overrides {
            let wrong = |what: String| format!("[types.\"{path}\"]: {what}");
            let parts = split(path);
            if !matches!(parts.len(), 2 | 3) {
                return Err(wrong("write \"schema.table.column\" or \"schema.type\"".to_owned()));
            }
            let parts: Result<Vec<Part>, String> = parts.iter().map(|part| Part::new(part)).collect();
            let rust = replacement(setting).map_err(wrong)?;
            entries.push(Entry { path, parts: parts.map_err(wrong)?, setting, rust, used: Cell::new(false) });
        }
        Ok(Self { entries })
    }

    /// The setting of a column.
    pub(super) fn column(&self, table: &QName, column: &str) -> Result<Option<Found<'_>>, String> {
        self.find(&[&table.schema, &table.name, column])
    }

    /// The setting of a type; built-in ones are in `pg_catalog`.
    pub(super) fn ty(&self, name: &QName) -> Result<Option<Found<'_>>, String> {
        self.find(&[&name.schema, &name.name])
    }

    /// Settings that nothing in the schema matches.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|e| !e.used.get()).map(|e| e.path)
    }

    fn find(&self, name: &[&str]) -> Result<Option<Found<'_>>, String> {
        let fits = |entry: &&Entry<'_>| {
            entry.parts.len() == name.len() && entry.parts.iter().zip(name).all(|(part, name)| part.glob.is_match(name))
        };
        let matching: Vec<&Entry<'_>> = self.entries.iter().filter(fits).collect();
        matching.iter().for_each(|entry| entry.used.set(true));
        let wins = |a: &Entry<'_>| matching.iter().all(|b| std::ptr::eq(a, *b) || a.beats(b));
        match matching.iter().find(|entry| wins(entry)) {
            Some(best) => Ok(Some(Found { setting: best.setting, rust: best.rust.as_ref() })),
            None if matching.is_empty() => Ok(None),
            None => {
                let paths: Vec<String> = matching.iter().map(|e| format!("[types.\"{}\"]", e.path)).collect();
                let name = name.join(".");
                Err(format!(
                    "{} all match {name}, and none is more specific than the others; add [types.\"{name}\"]",
                    paths.join(" and ")
                ))
            }
        }
    }
}

impl Entry<'_> {
    /// At least as specific everywhere, and more so somewhere.
    fn beats(&self, other: &Entry<'_>) -> bool {
        let orders: Vec<Ordering> = self.parts.iter().zip(&other.parts).map(|(a, b)| a.rank().cmp(&b.rank())).collect();
        orders.iter().all(|o| o.is_ge()) && orders.iter().any(|o| o.is_gt())
    }
}

impl Part {
    fn new(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
        let signs = |c: &char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}');
        let exact = !text.chars().any(|c| signs(&c));
        Ok(Self { glob: glob.compile_matcher(), exact, given: text.chars().filter(|c| !signs(c)).count() })
    }

    fn rank(&self) -> (bool, usize) {
        (self.exact, if self.exact { 0 } else { self.given })
    }
}

fn replacement(setting: &Override) -> Result<Option<Replacement>, String> {
    let mut traits = if setting.serde { Traits::SERDE } else { Traits::NONE };
    for name in &setting.derive {
        let one = Traits::parse(name)
            .ok_or_else(|| format!("derive: `{name}` is none of Copy, Eq, Hash, Ord, Default, Display"))?;
        traits = traits.with(one);
    }
    let Some(rust) = &setting.rust else { return Ok(None) };
    if setting.text {
        return Err("text: a column that travels as text is a String; drop `rust` or `text`".to_owned());
    }
    let parsed: syn::Type =
        syn::parse_str(rust).map_err(|error| format!("rust: `{rust}` is not a Rust type: {error}"))?;
    Ok(Some(Replacement { rust: parsed.into_token_stream(), traits }))
}

/// At dots outside quotes.
fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => {
                if let Some(last) = parts.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(paths: &[&str]) -> TypesConfig {
        let mut config = TypesConfig::in_folder("src");
        for path in paths {
            let setting = Override { rust: Some("crate::X".to_owned()), serde: true, ..Override::default() };
            config.overrides.insert((*path).to_owned(), setting);
        }
        config
    }

    fn winner(paths: &[&str], column: [&str; 3]) -> Result<Option<String>, String> {
        let mut config = config(paths);
        for (path, setting) in &mut config.overrides {
            setting.derive.clear();
            setting.rust = Some(format!("crate::T{}", paths.iter().position(|p| p == path).unwrap()));
        }
        let overrides = Overrides::new(&config)?;
        let found = overrides.column(&QName::new(column[0], column[1]), column[2])?;
        Ok(found.and_then(|f| f.setting.rust.clone()))
    }

    #[test]
    fn the_most_specific_wins() {
        let paths = ["saas.*.metadata", "saas.users.metadata", "*.*.metadata", "saas.users.meta*"];
        assert_eq!(winner(&paths, ["saas", "users", "metadata"]).unwrap().unwrap(), "crate::T1");
        assert_eq!(winner(&paths, ["saas", "teams", "metadata"]).unwrap().unwrap(), "crate::T0");
        assert_eq!(winner(&paths, ["core", "teams", "metadata"]).unwrap().unwrap(), "crate::T2");
        assert_eq!(winner(&paths, ["saas", "users", "meta"]).unwrap().unwrap(), "crate::T3");
        assert_eq!(winner(&paths, ["core", "teams", "name"]).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_told_apart_is_an_error() {
        let error = winner(&["saas.*.metadata", "saas.users.*"], ["saas", "users", "metadata"]).unwrap_err();
        assert_eq!(
            error,
            "[types.\"saas.*.metadata\"] and [types.\"saas.users.*\"] all match saas.users.metadata, and none is \
             more specific than the others; add [types.\"saas.users.metadata\"]"
        );
    }

    #[test]
    fn names_with_dots_are_quoted() {
        assert_eq!(split("a.\"b.c\".d"), ["a", "b.c", "d"]);
        assert_eq!(winner(&["s.\"my.table\".c"], ["s", "my.table", "c"]).unwrap().unwrap(), "crate::T0");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |config: &TypesConfig| Overrides::new(config).err().unwrap();
        assert_eq!(error(&config(&["a"])), "[types.\"a\"]: write \"schema.table.column\" or \"schema.type\"");
        let mut wrong = config(&["a.b.c"]);
        wrong.overrides.get_mut("a.b.c").unwrap().rust = Some("not a type".to_owned());
        assert!(
            error(&wrong).starts_with("[types.\"a.b.c\"]: rust: `not a type` is not a Rust type"),
            "{}",
            error(&wrong)
        );
        let mut wrong = config(&["a.b.c"]);
        wrong.overrides.get_mut("a.b.c").unwrap().text = true;
        assert_eq!(
            error(&wrong),
            "[types.\"a.b.c\"]: text: a column that travels as text is a String; drop `rust` or `text`"
        );
        let mut wrong = config(&["a.b.c"]);
        wrong.overrides.get_mut("a.b.c").unwrap().derive = vec!["Sized".to_owned()];
        assert_eq!(
            error(&wrong),
            "[types.\"a.b.c\"]: derive: `Sized` is none of Copy, Eq, Hash, Ord, Default, Display"
        );
    }

    #[test]
    fn unused_settings_are_known() {
        let config = config(&["a.b.c", "x.y.z"]);
        let overrides = Overrides::new(&config).unwrap();
        overrides.column(&QName::new("a", "b"), "c").unwrap();
        assert_eq!(overrides.unused().collect::<Vec<_>>(), ["x.y.z"]);
    }
}
