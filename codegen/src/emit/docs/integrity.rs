//! The rules of a table, in words.

use canon_core::schema::{Action, Column, Constraint, ConstraintKind, Match, References, Table, quote_ident};

use crate::expr;
use crate::markdown::{code, code_cell, text};

/// Everything that a row must satisfy. Markdown.
pub(super) fn rules(table: &Table) -> Vec<String> {
    let key = table.primary_key();
    let required = |c: &&Column| c.not_null && !key.contains(&c.name);
    let required: Vec<String> = table.columns.iter().filter(required).map(|c| code(&c.name)).collect();
    let mut rules: Vec<String> = Vec::new();
    rules.extend(table.constraints.iter().map(|c| {
        let mut rule = format!("{} ({})", rule(table, c), code(&c.name));
        if let Some(comment) = &c.comment {
            rule.push_str(&format!(": {}", text(comment)));
        }
        rule
    }));
    if !required.is_empty() {
        rules.push(format!(
            "{} always {} a value",
            required.join(", "),
            if required.len() == 1 { "has" } else { "have" }
        ));
    }
    rules
}

fn rule(table: &Table, constraint: &Constraint) -> String {
    let columns = constraint.columns.iter().map(|c| code(c)).collect::<Vec<_>>().join(", ");
    let together = if constraint.columns.len() > 1 { " together" } else { "" };
    let rule = match constraint.kind {
        ConstraintKind::Primary if columns.is_empty() => "The primary key identifies a row".to_owned(),
        ConstraintKind::Primary if constraint.columns.len() > 1 => format!("{columns} together identify a row"),
        ConstraintKind::Primary => format!("{columns} identifies a row"),
        ConstraintKind::Unique => {
            let nulls = if constraint.nulls_not_distinct { "; NULL counts as a value" } else { "" };
            let period = if constraint.without_overlaps { ", its last column without overlaps" } else { "" };
            let nullable = |c: &String| table.column(c).is_some_and(|c| !c.not_null);
            let gap = !constraint.nulls_not_distinct && constraint.columns.iter().any(nullable);
            let gap = if gap { "; rows with NULL there are not compared" } else { "" };
            format!("No two rows have the same {columns}{together}{period}{nulls}{gap}")
        }
        ConstraintKind::Foreign => match &constraint.references {
            Some(references) => foreign(&columns, references),
            None => columns,
        },
        ConstraintKind::Check => check(table, constraint.expression.as_deref().unwrap_or_default()),
        ConstraintKind::Exclusion => {
            format!("No two rows conflict: {}", code(constraint.expression.as_deref().unwrap_or_default()))
        }
    };
    let when = match (constraint.initially_deferred, constraint.deferrable) {
        (true, _) => "; checked at commit",
        (false, true) => "; can be checked at commit",
        (false, false) => "",
    };
    let valid = if constraint.not_valid { "; rows from before it may break it" } else { "" };
    format!("{rule}{when}{valid}")
}

fn foreign(columns: &str, references: &References) -> String {
    let there: Vec<String> = references.columns.iter().map(|c| code(c)).collect();
    let target = format!("{} of {}", there.join(", "), code(&references.table.to_string()));
    let full = if references.matching == Match::Full { ", or all of them are NULL" } else { "" };
    let some: Vec<String> = references.on_delete_columns.iter().map(|c| code(c)).collect();
    let which = if some.is_empty() { columns.to_owned() } else { some.join(", ") };
    let deleted = match references.on_delete {
        Action::NoAction | Action::Restrict => "a row there cannot be deleted while this one points at it".to_owned(),
        Action::Cascade => "a row there takes this one along when it is deleted".to_owned(),
        Action::SetNull => format!("when the row there is deleted, {which} becomes NULL"),
        Action::SetDefault => format!("when the row there is deleted, {which} takes its default"),
    };
    let updated = match references.on_update {
        Action::NoAction | Action::Restrict => "",
        Action::Cascade => "; a key that changes there changes here",
        Action::SetNull => "; a key that changes there becomes NULL here",
        Action::SetDefault => "; a key that changes there becomes the default here",
    };
    format!("{columns} must be found in {target}{full}; {deleted}{updated}")
}

fn check(table: &Table, expression: &str) -> String {
    match expr::value_list(expression) {
        Some((column, values)) if table.column(&column).is_some() => {
            let values: Vec<String> = values.iter().map(|v| code(v)).collect();
            format!("{} is one of {}", code(&column), values.join(", "))
        }
        _ => format!("{} holds", code(expression)),
    }
}

/// What the constraints say about one column, in the words of SQL, for a cell of a table.
pub(super) fn of_column(table: &Table, name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for constraint in &table.constraints {
        let concerned = constraint.columns.iter().any(|c| c == name);
        let whole = constraint.columns.len() == 1;
        match constraint.kind {
            ConstraintKind::Primary if concerned => words.push("PK".to_owned()),
            ConstraintKind::Unique if concerned && whole => words.push("unique".to_owned()),
            ConstraintKind::Unique if concerned => words.push("part of a unique key".to_owned()),
            ConstraintKind::Foreign if concerned => {
                let target =
                    constraint.references.as_ref().map(|r| code_cell(&r.table.to_string())).unwrap_or_default();
                words.push(format!("FK to {target}"));
            }
            ConstraintKind::Check if mentions(constraint.expression.as_deref().unwrap_or_default(), name) => {
                words.push(format!("check {}", code_cell(&constraint.name)));
            }
            _ => {}
        }
    }
    words.dedup();
    words.join(", ")
}

/// Whether an expression speaks of a column; literals do not count.
fn mentions(expression: &str, column: &str) -> bool {
    let quoted = quote_ident(column);
    let outside: String = expression.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    outside.match_indices(&quoted).any(|(at, found)| {
        let before = outside[..at].chars().next_back();
        let after = outside[at + found.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
