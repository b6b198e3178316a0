//! Rules about schemas, and about documents that speak of them.
//!
//! A rule is a function from a model to findings ([`rule`]). The engine runs all of them, finds
//! the place of each finding in the text, and takes out what a `canon-ignore` comment accepts
//! ([`ignore`]) or a baseline knows ([`baseline`]). Only [`documents`] and
//! [`baseline`] read files; nothing reads a clock.

pub mod baseline;
pub mod config;
mod context;
mod document;
mod finding;
mod ignore;
pub mod output;
mod rule;
mod rules;
mod set;
mod statement;
mod tenants;
mod volatility;
mod words;

use std::collections::BTreeSet;

pub use baseline::Baseline;
pub use chrono::NaiveDate;
pub use config::LintConfig;
pub use document::{Document, documents};
pub use finding::{Finding, Place, TextId};
pub use rule::{RULES, Rule, Severity, find};
pub use set::{Subject, Unit};

use config::Settings;
use finding::{Draft, Findings};
use rule::Check;
use set::Set;

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order of the texts; those without a place come last.
    pub findings: Vec<Finding>,
    /// Number of findings that `canon-ignore` comments accept.
    pub ignored: usize,
    /// Number of findings that the baseline knows.
    pub known: usize,
}

impl Report {
    /// Number of findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// Whether there is a finding at least this severe.
    pub fn fails(&self, threshold: Severity) -> bool {
        self.findings.iter().any(|f| f.severity >= threshold)
    }

    /// Takes out what the baseline knows, and reports what it need not know any more. `file` is
    /// the baseline's name in messages.
    pub fn apply_baseline(&mut self, baseline: &Baseline, file: &str, config: &LintConfig) {
        let mut stale: BTreeSet<&String> = baseline.known.iter().collect();
        let before = self.findings.len();
        self.findings.retain(|finding| {
            let fingerprint = finding.fingerprint();
            stale.remove(&fingerprint);
            !baseline.known.contains(&fingerprint)
        });
        self.known += before - self.findings.len();
        let settings = Settings::new(config);
        let set = Set::new(&Subject::default(), &settings);
        let rule = &rules::engine::STALE_BASELINE;
        let Some(severity) = settings.severity(rule) else { return };
        let mut out = Findings::new(&set, rule, severity, &mut self.findings);
        for fingerprint in stale {
            let draft = Draft::nowhere(fingerprint, format!("{file} still lists `{fingerprint}`, which is not found"));
            out.push(draft.help("remove the entry, or write the baseline anew with --write-baseline"));
        }
    }
}

/// Runs all rules that the configuration does not switch off. `today` is what the ages of
/// documents are counted from.
pub fn run(subject: &Subject<'_>, config: &LintConfig, today: NaiveDate) -> Report {
    let settings = Settings::new(config);
    let set = Set::new(subject, &settings);
    let mut findings = Vec::new();
    for rule in RULES {
        let Some(severity) = settings.severity(rule) else { continue };
        let mut out = Findings::new(&set, rule, severity, &mut findings);
        match &rule.check {
            Check::Unit(check) => set.units.iter().for_each(|unit| check(unit, &mut out)),
            Check::Set(check) => check(&set, today, &mut out),
            Check::Engine => {}
        }
    }
    let found = findings.len();
    let mut ignores = ignore::collect(&set);
    findings.retain(|finding| !ignores.accept(finding));
    let ignored = found - findings.len();
    rules::engine::report_ignores(&set, ignores.all(), &mut findings);
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
    Report { findings, ignored, known: 0 }
}

/// Places first; then the order of the rules.
fn key(finding: &Finding) -> (bool, Option<(TextId, usize)>, usize, &str) {
    let place = finding.place.as_ref().map(|p| (p.text, p.range.start));
    let rule = RULES.iter().position(|r| r.code == finding.code).unwrap_or_default();
    (place.is_none(), place, rule, &finding.object)
}
