//! For other programs.

use serde::Serialize;

use super::super::{Finding, Report, Severity};

#[derive(Serialize)]
struct Document<'a> {
    findings: Vec<Item<'a>>,
    errors: usize,
    warnings: usize,
    notes: usize,
    ignored: usize,
    known: usize,
}

#[derive(Serialize)]
struct Item<'a> {
    rule: &'static str,
    name: &'static str,
    severity: Severity,
    object: &'a str,
    message: &'a str,
    help: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    fingerprint: String,
}

/// The findings as one JSON document.
pub fn json(report: &Report) -> String {
    let document = Document {
        findings: report.findings.iter().map(item).collect(),
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        notes: report.count(Severity::Info),
        ignored: report.ignored,
        known: report.known,
    };
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn item(finding: &Finding) -> Item<'_> {
    let place = finding.place.as_ref();
    Item {
        rule: finding.code,
        name: finding.name,
        severity: finding.severity,
        object: &finding.object,
        message: &finding.message,
        help: finding.help.as_deref(),
        file: place.map(|p| p.file.as_str()),
        line: place.map(|p| p.line),
        column: place.map(|p| p.column),
        end_line: place.map(|p| p.end_line),
        end_column: place.map(|p| p.end_column),
        fingerprint: finding.fingerprint(),
    }
}
