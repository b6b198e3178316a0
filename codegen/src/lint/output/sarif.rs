//! SARIF 2.1.0, which code scanning services read.

use serde_json::{Value, json};

use super::super::{Finding, Place, RULES, Report, Severity};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as a SARIF log with one run. Pages of the rules are looked for under `pages`, an
/// absolute address.
pub fn sarif(report: &Report, pages: &str) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "name": rule.name,
                "shortDescription": { "text": rule.summary },
                "help": { "text": plain(rule.page), "markdown": rule.page },
                "helpUri": format!("{}/{}.md", pages.trim_end_matches('/'), rule.code),
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "canon",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "informationUri": pages,
                    "rules": rules,
                }
            },
            // Columns are counted in characters, as in every message of the tool.
            "columnKind": "unicodeCodePoints",
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }]
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn result(finding: &Finding) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let mut location = json!({ "logicalLocations": [{ "fullyQualifiedName": finding.object }] });
    if let Some(place) = &finding.place {
        location["physicalLocation"] = physical(place);
    }
    json!({
        "ruleId": finding.code,
        "ruleIndex": RULES.iter().position(|r| r.code == finding.code),
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [location],
        "partialFingerprints": { "canonObject/v1": finding.fingerprint() },
    })
}

fn physical(place: &Place) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&place.file) },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        }
    })
}

/// A path as a relative reference of RFC 3986: everything but unreserved characters and slashes is
/// escaped.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// A page without the marks of Markdown.
fn plain(page: &str) -> String {
    let lines = page.lines().filter(|l| !l.starts_with("```")).map(|l| l.trim_start_matches('#').trim_start());
    lines.collect::<Vec<_>>().join("\n").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("schema/a b/ä.sql"), "schema/a%20b/%C3%A4.sql");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
