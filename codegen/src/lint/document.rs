//! The documents of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::config::Pattern;
use super::set::{Subject, Unit};
use crate::error::Error;
use crate::project::Project;
use crate::references;
use crate::source::Source;

/// A Markdown document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its path and text.
    pub source: Source,
    /// The source of the project whose IDs it defines, where it is generated.
    pub scope: Option<String>,
    /// What it counts is held against the schema.
    pub counted: bool,
    /// The IDs and links in it are followed.
    pub linked: bool,
}

/// Reads the documents of a project: those that `[lint] documents` names, for what they count; the
/// generated pages and those that `[docs] documents` names, for their IDs. Each is read once.
pub fn documents(project: &Project) -> Result<Vec<Document>, Error> {
    let mut found: BTreeMap<PathBuf, Document> = BTreeMap::new();
    if let Some(config) = &project.config.docs {
        let sources: Vec<&str> = project.sources.iter().map(|s| s.name.as_str()).collect();
        for references::Document { path, text, scope } in references::read(&project.root, config, &sources)? {
            let source = Source::new(path.display().to_string(), text);
            found.insert(path, Document { source, scope, counted: false, linked: true });
        }
    }
    let patterns = project.config.lint.as_ref().map_or(&[][..], |lint| lint.documents.as_slice());
    for path in named(&project.root, patterns)? {
        if let Some(document) = found.get_mut(&path) {
            document.counted = true;
            continue;
        }
        let file = project.root.join(&path);
        let bytes = std::fs::read(&file).map_err(Error::io(&file))?;
        let source = Source::from_bytes(path.display().to_string(), bytes)?;
        found.insert(path, Document { source, scope: None, counted: true, linked: false });
    }
    Ok(found.into_values().collect())
}

/// Paths that the patterns name. A pattern without wildcards names a file that has to exist.
fn named(root: &Path, patterns: &[Pattern]) -> Result<Vec<PathBuf>, Error> {
    let is_pattern = |p: &&Pattern| p.text().contains(['*', '?', '[', '{']);
    let mut paths: Vec<PathBuf> = patterns.iter().filter(|p| !is_pattern(p)).map(|p| PathBuf::from(p.text())).collect();
    let matchers: Vec<_> = patterns.iter().filter(is_pattern).map(Pattern::matcher).collect();
    if !matchers.is_empty() {
        let all = references::markdown_files(root, Path::new(""))?;
        paths.extend(all.into_iter().filter(|path| matchers.iter().any(|m| m.is_match(path))));
    }
    Ok(paths)
}

impl<'a> Subject<'a> {
    /// A project with its documents, which [`documents`] reads.
    pub fn of(project: &'a Project, documents: &'a [Document]) -> Self {
        let units = project.sources.iter().map(|s| Unit::from(&s.loaded)).collect();
        Self { units, documents, prefixes: project.config.docs.as_ref().map(references::prefixes) }
    }
}
