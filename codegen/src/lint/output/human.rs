//! As a compiler prints it: file, line, column, the line itself and a caret.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::{Finding, Place, Report, Severity, Subject};
use crate::source::Source;

/// The findings with their lines, and a last line that counts them.
pub fn human(report: &Report, subject: &Subject<'_>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for finding in &report.findings {
        let _ = writeln!(text, "{}\n", render(finding, subject, &renderer));
    }
    let _ = writeln!(text, "{}", super::summary(report));
    text
}

fn render(finding: &Finding, subject: &Subject<'_>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Info => Level::INFO,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let id = format!("{} {}", finding.code, finding.name);
    let title = level.primary_title(&finding.message).id(&id);
    let place = finding.place.as_ref().and_then(|place| Some((place, super::source(subject, place.text)?)));
    let mut group = Group::with_title(title);
    if let Some((place, source)) = place {
        group = group.element(snippet(place, source));
    }
    let mut groups = vec![group];
    if let Some(help) = &finding.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help)));
    }
    renderer.render(&groups)
}

/// The first line of the place. More of a statement of 10 MB would not help anybody.
fn snippet<'a>(place: &'a Place, source: &'a Source) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = &source.text;
    let start = place.range.start.min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    let end = place.range.end.clamp(start, line_end);
    Snippet::source(text[line_start..line_end].trim_end_matches('\r'))
        .path(&place.file)
        .line_start(place.line as usize)
        .annotation(AnnotationKind::Primary.span(start - line_start..end - line_start))
}
