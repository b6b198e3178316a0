//! The verdict for people, for programs, and as annotations of GitHub Actions.

use std::fmt::Write as _;

use canon_core::schema::{Change, Difference};
use serde::Serialize;

use super::Verdict;
use crate::error::Error;
use crate::lint::{Subject, output};

/// How a verdict is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What is wrong, and the command that puts it right.
    #[default]
    Human,
    /// One document.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
}

impl Verdict<'_> {
    /// Prints the verdict.
    pub fn render(&self, format: Format, color: bool) -> Result<String, Error> {
        match format {
            Format::Human => self.human(color),
            Format::Json => self.json(),
            Format::Github => Ok(self.github()),
        }
    }

    fn human(&self, color: bool) -> Result<String, Error> {
        let mut out = String::new();
        for (source, comparison) in self.drift.iter().filter(|(_, c)| !c.differences.is_empty()) {
            out.push_str(&comparison.render(crate::compare::Format::Text)?);
            let _ = writeln!(
                out,
                "{source} and {} differ; write a migration, or bring the files up to date\n",
                comparison.b
            );
        }
        if let Some(report) = &self.lint
            && (self.lint_fails() || !report.findings.is_empty())
        {
            out.push_str(&output::human(report, &Subject::of(self.project, self.documents), color));
            if self.lint_fails() {
                out.push_str(
                    "`canon lint --explain RULE` says why and how to put it right, or to accept it with a reason\n",
                );
            }
            out.push('\n');
        }
        for (_, file) in &self.stale {
            let _ = writeln!(out, "stale: {}\n{}\n", file.path.display(), file.difference);
        }
        if !self.stale.is_empty() {
            let files = if self.stale.len() == 1 { "file" } else { "files" };
            let _ = writeln!(out, "{} stale {files}; run: {}", self.stale.len(), self.project.config.command);
        }
        if self.is_good() {
            out.push_str("everything is up to date\n");
        }
        Ok(out)
    }

    fn json(&self) -> Result<String, Error> {
        let internal = |error: serde_json::Error| Error::Internal(error.to_string());
        let parse = |text: String| serde_json::from_str(&text).map_err(internal);
        let command = self.project.config.command.as_str();
        let drift = |(source, comparison): &(String, crate::compare::Comparison)| {
            let comparison = parse(comparison.render(crate::compare::Format::Json)?)?;
            Ok(Drift { source: source.clone(), comparison })
        };
        let document = Document {
            ok: self.is_good(),
            stale: self
                .stale
                .iter()
                .map(|(kind, file)| StaleFile {
                    path: file.path.display().to_string(),
                    kind,
                    difference: &file.difference,
                    command,
                })
                .collect(),
            lint: self.lint.as_ref().map(|report| parse(output::json(report))).transpose()?,
            drift: self.drift.iter().map(drift).collect::<Result<_, Error>>()?,
        };
        Ok(serde_json::to_string_pretty(&document).map_err(internal)? + "\n")
    }

    fn github(&self) -> String {
        let mut out = String::new();
        for (kind, file) in &self.stale {
            let message = format!("{}\nrun: {}", file.difference, self.project.config.command);
            let path = file.path.display().to_string();
            out.push_str(&output::github_error(Some(&path), None, &format!("stale {kind}"), &message));
        }
        if let Some(report) = &self.lint {
            out.push_str(&output::github(report));
        }
        for (_, comparison) in &self.drift {
            for difference in &comparison.differences {
                let place = difference.expected_at.as_ref();
                let message = format!("{} ({})", sentence(difference), comparison.b);
                let (file, line) = (place.map(|p| p.file.as_str()), place.map(|p| p.line));
                out.push_str(&output::github_error(file, line, "drift", &message));
            }
        }
        out
    }
}

fn sentence(difference: &Difference) -> String {
    let object = format!("{} {}", difference.kind, difference.object);
    match &difference.change {
        Change::Missing => format!("{object} is not in the database"),
        Change::Extra => format!("{object} is in the database only"),
        Change::Altered { attribute, expected, found } => format!("{object}: {attribute} is {found}, not {expected}"),
    }
}

#[derive(Serialize)]
struct Document<'v> {
    ok: bool,
    stale: Vec<StaleFile<'v>>,
    lint: Option<serde_json::Value>,
    drift: Vec<Drift>,
}

#[derive(Serialize)]
struct StaleFile<'v> {
    path: String,
    kind: &'static str,
    difference: &'v str,
    command: &'v str,
}

#[derive(Serialize)]
struct Drift {
    source: String,
    comparison: serde_json::Value,
}
