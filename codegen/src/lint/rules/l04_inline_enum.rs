use sqlparser::tokenizer::Token;

use super::super::context::{Context, column_name, column_origin};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::statement::piece_of;
use super::super::words;
use super::page;
use crate::error::{Diagnostic, Topic};

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L4",
    name: "inline-enum",
    summary: "A column has the type ENUM(...), which PostgreSQL does not know.",
    severity: Severity::Error,
    page: page!("L4"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        for column in table.columns.iter().filter(|c| is_inline_enum(&c.ty)) {
            let values = &column.ty["enum".len()..];
            let message = format!("column {} has the type ENUM{values}, which is MySQL's", column.name);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(format!(
                "write `{name} text CHECK ({name} IN {values})`, or CREATE TYPE ... AS ENUM {values}",
                name = canon_core::schema::quote_ident(&column.name),
            )));
        }
    }
    for diagnostic in cx.diagnostics.iter().filter(|d| d.topic == Topic::Unparsed) {
        for (column, at) in in_statement(cx, diagnostic) {
            let message = format!("column {column} has the type ENUM(...), which is MySQL's");
            let object = format!("column {column} of a statement that does not read");
            let draft = Draft::in_file(cx, object, diagnostic.file, at..at + "ENUM".len(), message);
            out.push(
                draft.help(format!("write `{column} text CHECK ({column} IN (...))`, or CREATE TYPE ... AS ENUM")),
            );
        }
    }
}

fn is_inline_enum(ty: &str) -> bool {
    ty.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("enum("))
}

/// Whether the rule says why a statement does not read.
pub(in crate::lint) fn explains(cx: &Context<'_>, diagnostic: &Diagnostic) -> bool {
    !in_statement(cx, diagnostic).is_empty()
}

/// Columns with an inline ENUM in a statement that does not read, and the byte of the word.
fn in_statement(cx: &Context<'_>, diagnostic: &Diagnostic) -> Vec<(String, usize)> {
    let Some(piece) = piece_of(cx, diagnostic) else { return Vec::new() };
    let text = &cx.sources[diagnostic.file].text[piece.range.clone()];
    if !words::contains_ignoring_case(text, "enum") || !words::contains_ignoring_case(text, "table") {
        return Vec::new();
    }
    let tokens = words::tokens(text);
    let is_enum =
        |t: &Token| matches!(t, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("enum"));
    let mut places =
        memchr::memmem::find_iter(text.to_ascii_lowercase().as_bytes(), "enum").collect::<Vec<_>>().into_iter();
    let mut found = Vec::new();
    for window in tokens.windows(4) {
        let [Token::Word(column), word, Token::LParen, Token::SingleQuotedString(_)] = window else { continue };
        if is_enum(word) && !column.value.eq_ignore_ascii_case("as") {
            let at = places.find(|at| text[at + 4..].trim_start().starts_with('(')).unwrap_or_default();
            found.push((column.value.clone(), piece.range.start + at));
        }
    }
    found
}
