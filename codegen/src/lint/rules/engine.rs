//! Findings about the run itself: ignores that do not work, statements that were not read, a
//! baseline that lists too much.

use super::super::config::Settings;
use super::super::context::Context;
use super::super::finding::{Draft, Finding, Findings, TextId};
use super::super::ignore::Ignore;
use super::super::rule::{Check, Rule, Severity};
use super::super::set::Set;
use super::{l02_foreign_key_target, l04_inline_enum, l28_unguarded_drop, page};
use crate::error::{Diagnostic, Topic};

pub(in crate::lint) static IGNORE_WITHOUT_REASON: Rule = Rule {
    code: "C1",
    name: "ignore-without-reason",
    summary: "A canon-ignore comment gives no reason, so it accepts nothing.",
    severity: Severity::Error,
    page: page!("C1"),
    check: Check::Engine,
};

pub(in crate::lint) static IGNORE_OF_UNKNOWN_RULE: Rule = Rule {
    code: "C2",
    name: "ignore-of-unknown-rule",
    summary: "A canon-ignore comment names a rule that does not exist.",
    severity: Severity::Error,
    page: page!("C2"),
    check: Check::Engine,
};

pub(in crate::lint) static UNUSED_IGNORE: Rule = Rule {
    code: "C3",
    name: "unused-ignore",
    summary: "A canon-ignore comment accepts a finding that is not there.",
    severity: Severity::Warning,
    page: page!("C3"),
    check: Check::Engine,
};

pub(in crate::lint) static UNREAD_STATEMENT: Rule = Rule {
    code: "C4",
    name: "unread-statement",
    summary: "A statement does not read, so nothing is known about what it declares.",
    severity: Severity::Error,
    page: page!("C4"),
    check: Check::Unit(unread),
};

pub(in crate::lint) static REFUSED_STATEMENT: Rule = Rule {
    code: "C5",
    name: "refused-statement",
    summary: "PostgreSQL would refuse a statement at the point where it stands.",
    severity: Severity::Error,
    page: page!("C5"),
    check: Check::Unit(refused),
};

pub(in crate::lint) static STALE_BASELINE: Rule = Rule {
    code: "C6",
    name: "stale-baseline-entry",
    summary: "The baseline lists a finding that is not found any more.",
    severity: Severity::Warning,
    page: page!("C6"),
    check: Check::Engine,
};

/// Reports ignores that have no reason, name no rule, or cover nothing.
pub(in crate::lint) fn report_ignores(set: &Set<'_>, ignores: &[Ignore], found: &mut Vec<Finding>) {
    let settings: &Settings = set.settings;
    for (n, ignore) in ignores.iter().enumerate() {
        // A comment without a reason is one mistake, however many rules it names.
        let first = n.checked_sub(1).is_none_or(|before| ignores[before].comment != ignore.comment);
        let (rule, message, help) = if ignore.rule.is_none() {
            let message = format!("there is no rule `{}`", ignore.name);
            (&IGNORE_OF_UNKNOWN_RULE, message, "`canon lint --list` lists the rules")
        } else if !ignore.reasoned {
            let message = "this comment gives no reason, so it accepts nothing".to_owned();
            (&IGNORE_WITHOUT_REASON, message, "write `canon-ignore RULE: why it is right here`")
        } else if !ignore.used && ignore.rule.is_some_and(|r| settings.severity(r).is_some()) {
            let message = format!("{} finds nothing here", ignore.name);
            (&UNUSED_IGNORE, message, "remove the comment, or move it to the line of the object or above it")
        } else {
            continue;
        };
        if std::ptr::eq(rule, &IGNORE_WITHOUT_REASON) && !first {
            continue;
        }
        let Some(severity) = settings.severity(rule) else { continue };
        let Some(source) = set.source(ignore.text) else { continue };
        let object = format!("comment {} in {}", ignore.name, source.name);
        let draft = match ignore.text {
            TextId::Ddl { unit, file } => {
                Draft::in_file(&set.units[unit], object, file, ignore.comment.clone(), message)
            }
            TextId::Document(document) => Draft::in_document(document, object, ignore.comment.clone(), message),
        };
        Findings::new(set, rule, severity, found).push(draft.help(help));
    }
}

fn unread(cx: &Context<'_>, out: &mut Findings<'_>) {
    for diagnostic in cx.diagnostics.iter().filter(|d| d.topic == Topic::Unparsed) {
        if !l04_inline_enum::explains(cx, diagnostic) {
            out.push(draft(cx, diagnostic).help("the rest of the file was read; this statement is not in the model"));
        }
    }
}

fn refused(cx: &Context<'_>, out: &mut Findings<'_>) {
    for diagnostic in cx.diagnostics.iter().filter(|d| d.topic == Topic::Refused) {
        let explained =
            l02_foreign_key_target::explains(cx, diagnostic) || l28_unguarded_drop::explains(cx, diagnostic);
        if !explained {
            let help = diagnostic.help.clone().unwrap_or_default();
            out.push(draft(cx, diagnostic).help(help));
        }
    }
}

fn draft<'a>(cx: &Context<'a>, diagnostic: &Diagnostic) -> Draft {
    let text = cx.sources.get(diagnostic.file).map_or("", |s| &s.text);
    let line = text[diagnostic.range.start..].lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().take(6).collect();
    let object = format!("statement {}", words.join(" "));
    Draft::in_file(cx, object, diagnostic.file, diagnostic.range.clone(), diagnostic.message.clone())
}
