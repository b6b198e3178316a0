//! Workflow commands of GitHub Actions, which become annotations at the lines of a pull request.

use std::fmt::Write as _;

use super::super::{Report, Severity};

/// One command a finding.
pub fn github(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let command = match finding.severity {
            Severity::Info => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let mut properties = String::new();
        if let Some(place) = &finding.place {
            let _ = write!(
                properties,
                "file={},line={},col={},endLine={},endColumn={},",
                property(&place.file),
                place.line,
                place.column,
                place.end_line,
                place.end_column
            );
        }
        let _ = write!(properties, "title={}", property(&format!("{} {}", finding.code, finding.name)));
        let message = match &finding.help {
            Some(help) => format!("{}\n{help}", finding.message),
            None => finding.message.clone(),
        };
        let _ = writeln!(text, "::{command} {properties}::{}", data(&message));
    }
    text
}

/// An error that no rule found: at a line, at a file, or nowhere.
pub fn error(file: Option<&str>, line: Option<u32>, title: &str, message: &str) -> String {
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    let line = line.map(|line| format!("line={line},")).unwrap_or_default();
    format!("::error {file}{line}title={}::{}\n", property(title), data(message))
}

/// Escapes as `@actions/core` does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_or_a_property_is_escaped() {
        assert_eq!(data("100%\r\n::x"), "100%25%0D%0A::x");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
