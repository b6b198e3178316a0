//! The Source-of-Truth page of a source: every table with an ID that never changes.

mod category;
mod page;

use std::collections::HashMap;

use serde::Serialize;
use tera::{Context, Tera};

pub use category::{Category, categories};

use crate::config::DocsConfig;
use crate::error::Error;
use crate::lock::{DocId, Lock};
use crate::project::{Project, ProjectSource};
use crate::write::{Files, MARKER};

const TEMPLATE: &str = include_str!("../../templates/source_of_truth.md");

/// Emits one page a source, and the index of pages.
pub fn emit(project: &Project, config: &DocsConfig, lock: &Lock, files: &mut Files) -> Result<(), Error> {
    files.own(&config.path, "md");
    let engine = engine()?;
    for source in &project.sources {
        let ids = Ids::new(lock, &source.name);
        let overrides = Some(&config.category);
        let page = page::build(source, &ids, &categories(&source.loaded.model, overrides));
        let text = render(&engine, &project.config.command, source, &page)?;
        files.insert(config.path.join(&source.name).join("README.md"), text);
    }
    Ok(())
}

fn engine() -> Result<Tera, Error> {
    let mut engine = Tera::default();
    engine.autoescape_on(Vec::<&str>::new());
    engine.add_raw_template("source_of_truth.md", TEMPLATE).map_err(|error| template_error(&error))?;
    Ok(engine)
}

fn template_error(error: &tera::Error) -> Error {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Error::Template { name: "source_of_truth.md".to_owned(), message }
}

fn render(engine: &Tera, command: &str, source: &ProjectSource, page: &impl Serialize) -> Result<String, Error> {
    let mut context = Context::new();
    context.insert("marker", &MARKER);
    context.insert("command", &command);
    context.insert("name", &source.name);
    context.insert("page", page);
    let text = engine.render("source_of_truth.md", &context).map_err(|error| template_error(&error))?;
    Ok(tidy(&text))
}

/// Templates leave blank lines behind: one in a row is enough, none at the end of a line.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines().map(str::trim_end) {
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    format!("{}\n", out.trim_end())
}

/// IDs of one source by table.
struct Ids<'a>(HashMap<&'a str, DocId>);

impl<'a> Ids<'a> {
    fn new(lock: &'a Lock, source: &str) -> Self {
        let active = lock.source(source).map(|s| s.active.iter().map(|(name, id)| (name.as_str(), *id)).collect());
        Self(active.unwrap_or_default())
    }

    fn get(&self, table: &str) -> Option<DocId> {
        self.0.get(table).copied()
    }
}

/// Text that is safe inside a Markdown table cell.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// Code that is safe inside a Markdown table cell.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
