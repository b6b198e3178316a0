//! References between documents: IDs that are spoken of and do not exist, exist twice, or are
//! spoken of nowhere; links whose anchor has changed; sections nobody has looked at for long.
//!
//! An ID is a prefix and a number: `DBT-012`, `API-045`. A heading that begins with one defines
//! it. Everywhere else it is a reference, except in code. A prefix that no document defines
//! belongs to a system elsewhere and is not checked.

mod scan;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use chrono::NaiveDate;

use self::scan::{Scan, scan};
use crate::config::DocsConfig;
use crate::error::{Error, Severity};
use crate::project::Project;
use crate::source::Source;

/// Days after which a section wants another look.
pub const STALE_AFTER: i64 = 30;
/// Days after which it is not to be relied on.
pub const OUTDATED_AFTER: i64 = 90;

/// A document to be looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its path, relative to the project's root.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The source whose IDs it defines: every source counts from `DBT-001`. None for documents
    /// that people keep, which may speak of any source.
    pub scope: Option<String>,
}

/// `DBT-012`.
#[derive(Clone, Debug)]
pub struct Id {
    /// `DBT`.
    pub prefix: String,
    /// 12.
    pub number: u32,
    /// As it stands in the text.
    pub text: String,
}

impl Id {
    /// The ID that `text` begins with.
    pub fn at_start(text: &str, prefixes: &[String]) -> Option<Self> {
        let prefix =
            prefixes.iter().find(|p| text.strip_prefix(p.as_str()).is_some_and(|rest| rest.starts_with('-')))?;
        let digits: &str = &text[prefix.len() + 1..];
        let digits = &digits[..digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
        let end = prefix.len() + 1 + digits.len();
        let ends = !text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let number = digits.parse().ok().filter(|_| ends)?;
        Some(Self { prefix: prefix.clone(), number, text: text[..end].to_owned() })
    }

    fn key(&self) -> (&str, u32) {
        (&self.prefix, self.number)
    }
}

/// What is wrong with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An ID that no document defines.
    Dangling,
    /// An ID that is defined twice.
    Duplicate,
    /// An ID that no other document speaks of.
    Orphan,
    /// A link to a section under an anchor it does not have (any more).
    Anchor,
    /// A section that says when it was last reviewed, long ago.
    Stale,
}

impl Kind {
    /// One word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dangling => "dangling",
            Self::Duplicate => "duplicate",
            Self::Orphan => "orphan",
            Self::Anchor => "anchor",
            Self::Stale => "stale",
        }
    }
}

/// A problem and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The document, relative to the project's root.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// What kind of problem.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({}); {}", self.path.display(), self.line, self.message, self.kind.label(), self.help)
    }
}

/// Looks through the documents of a project: the generated pages as they are on disk, and those
/// that `[docs] documents` names. `today` decides what is stale.
pub fn of_project(project: &Project, today: NaiveDate) -> Result<Vec<Problem>, Error> {
    let Some(config) = &project.config.docs else { return Ok(Vec::new()) };
    let names: Vec<&str> = project.sources.iter().map(|s| s.name.as_str()).collect();
    let documents = read(&project.root, config, &names)?;
    Ok(problems(&documents, &prefixes(config), today))
}

/// Prefixes that count as IDs.
pub fn prefixes(config: &DocsConfig) -> Vec<String> {
    std::iter::once("DBT".to_owned()).chain(config.prefixes.iter().cloned()).collect()
}

/// The generated pages of `sources`, and the documents that the configuration names.
pub fn read(root: &Path, config: &DocsConfig, sources: &[&str]) -> Result<Vec<Document>, Error> {
    let mut found: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    if !config.documents.is_empty() {
        let mut globs = globset::GlobSetBuilder::new();
        for pattern in &config.documents {
            let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
            let message = |error: globset::Error| format!("[docs] documents: {error}");
            globs.add(glob.map_err(|e| Error::Config { path: root.join(crate::config::FILE), message: message(e) })?);
        }
        let globs = globs.build().map_err(|error| Error::Internal(error.to_string()))?;
        for path in markdown_files(root, Path::new(""))? {
            if globs.is_match(&path) {
                found.insert(path, None);
            }
        }
    }
    for source in sources {
        for path in markdown_files(root, &config.path.join(source))? {
            found.insert(path, Some((*source).to_owned()));
        }
    }
    let document = |(path, scope): (PathBuf, Option<String>)| {
        let bytes = std::fs::read(root.join(&path)).map_err(Error::io(root.join(&path)))?;
        let text = Source::from_bytes(path.display().to_string(), bytes)?.text;
        Ok(Document { path, text, scope })
    };
    found.into_iter().map(document).collect()
}

/// Markdown files below a folder. Hidden folders and those of build tools are left out.
pub(crate) fn markdown_files(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let absolute = root.join(folder);
    let mut files = Vec::new();
    if !absolute.is_dir() {
        return Ok(files);
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(&absolute).map_err(Error::io(&absolute))? {
        let entry = entry.map_err(Error::io(&absolute))?;
        entries.push((entry.file_name(), entry.file_type().map_err(Error::io(entry.path()))?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in entries {
        let path = folder.join(&name);
        let text = name.to_string_lossy();
        if kind.is_dir() {
            if !text.starts_with('.') && text != "target" && text != "node_modules" {
                files.extend(markdown_files(root, &path)?);
            }
        } else if text.ends_with(".md") && kind.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// IDs in a text, each with its line.
pub(crate) fn ids_in<'t>(text: &'t str, prefixes: &[String]) -> Vec<(Id, &'t str)> {
    let lines: Vec<&str> = text.lines().collect();
    let found = scan::mentions(text, prefixes);
    found.into_iter().map(|mention| (mention.id, lines[mention.line - 1])).collect()
}

/// Where the documents that people keep define their IDs: path and anchor.
pub(crate) fn definitions(documents: &[Document], prefixes: &[String]) -> HashMap<(String, u32), (PathBuf, String)> {
    let mut found = HashMap::new();
    for document in documents.iter().filter(|d| d.scope.is_none()) {
        for definition in scan(document, prefixes).definitions {
            let key = (definition.id.prefix, definition.id.number);
            found.entry(key).or_insert_with(|| (document.path.clone(), definition.anchor));
        }
    }
    found
}

/// Everything that is wrong, by document and line.
pub fn problems(documents: &[Document], prefixes: &[String], today: NaiveDate) -> Vec<Problem> {
    let scans: Vec<Scan> = documents.iter().map(|d| scan(d, prefixes)).collect();
    let library = Library::new(documents, &scans);
    let mut found = library.duplicates();
    for (n, scan) in scans.iter().enumerate() {
        found.extend(library.dangling(n, scan));
        found.extend(library.orphans(n, scan));
        found.extend(library.anchors(n, scan, prefixes));
        found.extend(scan.dates.iter().filter_map(|r| library.stale(n, r, today)));
    }
    found.sort_by(|a, b| (&a.path, a.line, a.kind).cmp(&(&b.path, b.line, b.kind)));
    found
}

/// All documents at once, with what they define.
struct Library<'a> {
    documents: &'a [Document],
    scans: &'a [Scan],
    /// Prefix and number: in which documents, at which line.
    defined: HashMap<(&'a str, u32), Vec<(usize, usize)>>,
    prefixes: HashSet<&'a str>,
    /// Documents that speak of an ID.
    mentioned: HashMap<(&'a str, u32), HashSet<usize>>,
    paths: HashMap<&'a Path, usize>,
}

impl<'a> Library<'a> {
    fn new(documents: &'a [Document], scans: &'a [Scan]) -> Self {
        let mut defined: HashMap<_, Vec<_>> = HashMap::new();
        for (n, scan) in scans.iter().enumerate() {
            for definition in &scan.definitions {
                defined.entry(definition.id.key()).or_default().push((n, definition.line));
            }
        }
        let mut mentioned: HashMap<_, HashSet<usize>> = HashMap::new();
        for (n, scan) in scans.iter().enumerate() {
            for mention in &scan.mentions {
                mentioned.entry(mention.id.key()).or_default().insert(n);
            }
        }
        let prefixes = defined.keys().map(|(prefix, _)| *prefix).collect();
        let paths = documents.iter().enumerate().map(|(n, d)| (d.path.as_path(), n)).collect();
        Self { documents, scans, defined, prefixes, mentioned, paths }
    }

    fn problem(&self, n: usize, line: usize, kind: Kind, message: String, help: &str) -> Problem {
        let severity = if kind == Kind::Orphan { Severity::Warning } else { Severity::Error };
        Problem { path: self.documents[n].path.clone(), line, kind, severity, message, help: help.to_owned() }
    }

    fn duplicates(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        for (n, scan) in self.scans.iter().enumerate() {
            for definition in &scan.definitions {
                let scope = &self.documents[n].scope;
                let here = (n, definition.line);
                let places = &self.defined[&definition.id.key()];
                let first = places.iter().find(|(other, _)| self.documents[*other].scope == *scope);
                if let Some(&(other, line)) = first.filter(|first| **first != here) {
                    let place = format!("{}:{line}", self.documents[other].path.display());
                    let message = format!("{} is defined already at {place}", definition.id.text);
                    found.push(self.problem(
                        n,
                        definition.line,
                        Kind::Duplicate,
                        message,
                        "give one of them another ID",
                    ));
                }
            }
        }
        found
    }

    fn dangling(&self, n: usize, scan: &Scan) -> Vec<Problem> {
        let scope = &self.documents[n].scope;
        let visible = |&(other, _): &(usize, usize)| {
            let there = &self.documents[other].scope;
            scope.is_none() || there.is_none() || there == scope
        };
        let unknown = scan
            .mentions
            .iter()
            .filter(|m| self.prefixes.contains(m.id.prefix.as_str()))
            .filter(|m| self.defined.get(&m.id.key()).is_none_or(|places| !places.iter().any(visible)));
        unknown
            .map(|m| {
                let message = format!("{} is not defined in any document", m.id.text);
                self.problem(n, m.line, Kind::Dangling, message, "correct it, or write the section it speaks of")
            })
            .collect()
    }

    /// Only of documents that people keep: every generated section is in the navigation.
    fn orphans(&self, n: usize, scan: &Scan) -> Vec<Problem> {
        if self.documents[n].scope.is_some() {
            return Vec::new();
        }
        let spoken_of = |id: &Id| self.mentioned.get(&id.key()).is_some_and(|by| by.iter().any(|other| *other != n));
        let alone = scan.definitions.iter().filter(|d| !spoken_of(&d.id));
        alone
            .map(|d| {
                let message = format!("no other document speaks of {}", d.id.text);
                let help = "name it in the section \"Related IDs\" of the tables it uses, or remove it";
                self.problem(n, d.line, Kind::Orphan, message, help)
            })
            .collect()
    }

    /// Links to sections of IDs, in documents that were read.
    fn anchors(&self, n: usize, scan: &Scan, prefixes: &[String]) -> Vec<Problem> {
        let mut found = Vec::new();
        for link in &scan.links {
            let Some(id) = Id::at_start(&upper_id(&link.anchor), prefixes) else { continue };
            let target = match link.path.as_str() {
                "" => Some(n),
                path => self.paths.get(resolve(&self.documents[n].path, path).as_path()).copied(),
            };
            let Some(target) = target else { continue };
            if self.scans[target].anchors.contains(&link.anchor) {
                continue;
            }
            let message = format!("#{} is no section of {}", link.anchor, self.documents[target].path.display());
            let now = self.scans[target].definitions.iter().find(|d| d.id.key() == id.key());
            let help = match now {
                Some(definition) => format!("it is #{} now", definition.anchor),
                None => format!("{} is not defined there", id.text),
            };
            found.push(self.problem(n, link.line, Kind::Anchor, message, &help));
        }
        found
    }

    fn stale(&self, n: usize, reviewed: &scan::Reviewed, today: NaiveDate) -> Option<Problem> {
        let days = today.signed_duration_since(reviewed.date).num_days();
        if days <= STALE_AFTER {
            return None;
        }
        let what = reviewed.of.as_ref().map_or("this document", |id| id.text.as_str());
        let message = format!("{what} was last reviewed on {}, {days} days ago", reviewed.date);
        let mut problem = self.problem(n, reviewed.line, Kind::Stale, message, "review it and enter the date");
        problem.severity = if days > OUTDATED_AFTER { Severity::Error } else { Severity::Warning };
        Some(problem)
    }
}

/// `dbt-012-name` begins with the ID `DBT-012`.
fn upper_id(anchor: &str) -> String {
    let mut parts = anchor.splitn(3, '-');
    match (parts.next(), parts.next()) {
        (Some(prefix), Some(number)) => format!("{}-{number}", prefix.to_uppercase()),
        _ => String::new(),
    }
}

/// The path of a link, seen from the document it stands in.
fn resolve(from: &Path, link: &str) -> PathBuf {
    let mut path = from.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests;
