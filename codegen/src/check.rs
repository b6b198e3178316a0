//! One verdict over everything a project has: generated files, rules, and databases.

mod render;

use std::path::Path;

use canon_core::schema::Model;
use chrono::NaiveDate;

pub use render::Format;

use crate::compare::{Comparison, Side, compare};
use crate::config::Config;
use crate::error::Error;
use crate::lint::{self, Baseline, Document, Report, Subject};
use crate::live::{self, DatabaseUrl};
use crate::project::{Project, What};
use crate::write::Stale;

/// What was looked at, and what is wrong with it.
#[derive(Debug)]
pub struct Verdict<'p> {
    project: &'p Project,
    documents: &'p [Document],
    /// Generated files that are not as they would be generated, and what each is.
    pub stale: Vec<(&'static str, Stale)>,
    /// What the rules found; None where the configuration has no `[lint]`.
    pub lint: Option<Report>,
    /// Each source, and what the database has made of it.
    pub drift: Vec<(String, Comparison)>,
}

impl<'p> Verdict<'p> {
    /// Looks at everything that the configuration names. `documents` are those that rules look at;
    /// `database` is compared with every source that was read from files.
    pub fn of(
        project: &'p Project,
        documents: &'p [Document],
        database: Option<&DatabaseUrl>,
        today: NaiveDate,
    ) -> Result<Self, Error> {
        let stale = project.generate(What::ALL)?.check(&project.root)?;
        let stale = stale.into_iter().map(|file| (kind(&project.config, &file.path), file)).collect();
        let lint = project.config.lint.as_ref().map(|config| -> Result<Report, Error> {
            let mut report = lint::run(&Subject::of(project, documents), config, today);
            if let Some(baseline) = &config.baseline {
                let path = project.root.join(baseline);
                report.apply_baseline(&Baseline::read(&path)?, &baseline.display().to_string(), config);
            }
            Ok(report)
        });
        let drift = database.map_or_else(|| Ok(Vec::new()), |url| drift(project, url))?;
        Ok(Self { project, documents, stale, lint: lint.transpose()?, drift })
    }

    /// Nothing is stale, no rule fails, no database differs.
    pub fn is_good(&self) -> bool {
        self.stale.is_empty() && !self.lint_fails() && self.drift.iter().all(|(_, c)| c.differences.is_empty())
    }

    fn lint_fails(&self) -> bool {
        match (&self.lint, &self.project.config.lint) {
            (Some(report), Some(config)) => report.fails(config.fail_on()),
            _ => false,
        }
    }
}

/// The word for a generated file.
fn kind(config: &Config, path: &Path) -> &'static str {
    let within = |folder: Option<&Path>| folder.is_some_and(|folder| path.starts_with(folder));
    if path == config.lock {
        "lock file"
    } else if within(config.types.as_ref().map(|types| types.path.as_path())) {
        "types"
    } else if within(config.docs.as_ref().map(|docs| docs.path.as_path())) {
        "documents"
    } else {
        "manifest"
    }
}

/// Compares the database with the sources that were read from files, each in its own schemas.
fn drift(project: &Project, url: &DatabaseUrl) -> Result<Vec<(String, Comparison)>, Error> {
    let from_files = project.sources.iter().filter(|source| !source.loaded.sources.is_empty());
    let schemas = |model: &Model| model.schemas.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    let mut all: Vec<String> = from_files.clone().flat_map(|source| schemas(&source.loaded.model)).collect();
    all.sort();
    all.dedup();
    let wanted: Vec<&str> = all.iter().map(String::as_str).collect();
    let found = live::connect(url, Some(&wanted))?;
    let compare_one = |source: &crate::project::ProjectSource| {
        let own = schemas(&source.loaded.model);
        let mut model = found.clone();
        model.retain_schemas(&|name| own.iter().any(|schema| schema == name));
        let a = Side { label: source.name.clone(), model: source.loaded.model.clone(), live: false };
        let b = Side { label: url.label(), model, live: true };
        (source.name.clone(), compare(&a, &b, false))
    };
    Ok(from_files.map(compare_one).collect())
}
