use std::collections::HashSet;

use crate::schema::{Change, ConstraintKind, Model, ObjectKind, QName, SameExpr, Table, diff, quote_ident};

/// One line of a validation report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the database is as declared in this respect.
    pub ok: bool,
    /// What was looked at: `tables`, `column`, `status column`, ...
    pub kind: String,
    /// Its name.
    pub object: String,
    /// What the pack declares.
    pub expected: String,
    /// What the database has.
    pub found: String,
}

/// What keeps the values of a status column honest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// A foreign key to a table of statuses.
    ForeignKey(QName),
    /// A check over a list of values.
    Check,
    /// Nothing.
    Free,
}

impl StatusRule {
    fn describe(&self) -> String {
        match self {
            Self::ForeignKey(table) => format!("foreign key to {table}"),
            Self::Check => "check".to_owned(),
            Self::Free => "no rule".to_owned(),
        }
    }

    /// The rule that governs `column` of `table`.
    ///
    /// A check counts where it names the column and no other column of the table.
    pub fn of(table: &Table, column: &str) -> Self {
        let foreign = table.foreign_keys().find(|(key, _)| key.columns.first().is_some_and(|c| c == column));
        if let Some((_, references)) = foreign {
            return Self::ForeignKey(references.table.clone());
        }
        let checked = table.constraints.iter().any(|c| {
            c.kind == ConstraintKind::Check
                && c.expression.as_deref().is_some_and(|e| {
                    mentions(e, column)
                        && table
                            .columns
                            .iter()
                            .filter(|other| other.name != column)
                            .all(|other| !mentions(e, &other.name))
                })
        });
        if checked { Self::Check } else { Self::Free }
    }
}

/// Whether `word` stands in `text` as a whole identifier, outside string literals.
fn mentions(text: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split('\'')
        .step_by(2)
        .any(|code| code.split(|c: char| !is_word(c)).any(|token| token.eq_ignore_ascii_case(word)))
}

/// Measures `found` against `expected` inside `schemas`.
///
/// The report begins with one line for each kind of object, with the number declared and the
/// number present; then one line for each status column; then every object that is missing or
/// altered. Objects that people added are listed, and are not wrong. The database is as declared
/// when every line is `ok`.
pub fn validate(expected: &Model, found: &Model, schemas: &[&str], same: &mut SameExpr<'_>) -> Vec<Finding> {
    let expected = &restrict(expected, schemas);
    let found = &restrict(found, schemas);
    let mut report = counts(expected, found);
    report.extend(status_columns(expected, found));
    for difference in diff(expected, found, same) {
        let (ok, expected, found) = match difference.change {
            Change::Missing => (false, "present".to_owned(), "missing".to_owned()),
            Change::Extra => (true, "not part of the pack".to_owned(), "added".to_owned()),
            Change::Altered { attribute, expected, found } => {
                (false, format!("{attribute} {expected}"), format!("{attribute} {found}"))
            }
        };
        report.push(Finding {
            ok,
            kind: difference.kind.label().to_owned(),
            object: difference.object,
            expected,
            found,
        });
    }
    report
}

/// The part of a model that lives in `schemas`.
fn restrict(model: &Model, schemas: &[&str]) -> Model {
    let inside = |name: &QName| schemas.contains(&name.schema.as_str());
    let mut part = model.clone();
    part.schemas.retain(|s| schemas.contains(&s.name.as_str()));
    part.extensions.clear();
    part.tables.retain(|t| inside(&t.name));
    part.views.retain(|v| inside(&v.name));
    part.enums.retain(|e| inside(&e.name));
    part.domains.retain(|d| inside(&d.name));
    part.composites.retain(|c| inside(&c.name));
    part.ranges.retain(|r| inside(&r.name));
    part.sequences.retain(|s| inside(&s.name));
    part.functions.retain(|f| inside(&f.name));
    part
}

fn counts(expected: &Model, found: &Model) -> Vec<Finding> {
    use ObjectKind as K;
    let (declared, present) = (objects(expected), objects(found));
    let schemas = expected.schemas.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    [
        (K::Table, "tables"),
        (K::Column, "columns"),
        (K::PrimaryKey, "primary keys"),
        (K::Unique, "unique constraints"),
        (K::ForeignKey, "foreign keys"),
        (K::Check, "checks"),
        (K::Index, "indexes"),
        (K::Sequence, "sequences"),
        (K::Trigger, "triggers"),
        (K::Function, "functions"),
    ]
    .into_iter()
    .filter_map(|(kind, label)| {
        let of_kind = || declared.iter().filter(|(k, _)| *k == kind);
        let total = of_kind().count();
        let there = of_kind().filter(|object| present.contains(*object)).count();
        (total > 0).then(|| Finding {
            ok: there == total,
            kind: label.to_owned(),
            object: schemas.clone(),
            expected: total.to_string(),
            found: there.to_string(),
        })
    })
    .collect()
}

/// Kind and full name of every object.
fn objects(model: &Model) -> HashSet<(ObjectKind, String)> {
    use ObjectKind as K;
    let mut all = HashSet::new();
    for table in &model.tables {
        let of_table = |name: &str| format!("{}: {}", table.name, quote_ident(name));
        all.insert((K::Table, table.name.to_string()));
        all.extend(table.columns.iter().map(|c| (K::Column, of_table(&c.name))));
        all.extend(table.constraints.iter().map(|c| (c.kind.into(), of_table(&c.name))));
        all.extend(table.indexes.iter().map(|i| (K::Index, of_table(&i.name))));
        all.extend(table.triggers.iter().map(|t| (K::Trigger, of_table(&t.name))));
    }
    all.extend(model.sequences.iter().map(|s| (K::Sequence, s.name.to_string())));
    all.extend(model.functions.iter().map(|f| (K::Function, f.signature())));
    all
}

/// Columns called `status` or `..._status`, with the rule that governs each.
fn status_columns(expected: &Model, found: &Model) -> Vec<Finding> {
    let mut report = Vec::new();
    for table in &expected.tables {
        let live = found.table(&table.name);
        for column in table.columns.iter().filter(|c| c.name == "status" || c.name.ends_with("_status")) {
            let declared = StatusRule::of(table, &column.name);
            let actual = live.filter(|t| t.column(&column.name).is_some()).map(|t| StatusRule::of(t, &column.name));
            report.push(Finding {
                ok: actual.as_ref() == Some(&declared),
                kind: "status column".to_owned(),
                object: format!("{}.{}", table.name, quote_ident(&column.name)),
                expected: declared.describe(),
                found: actual.map_or_else(|| "missing".to_owned(), |rule| rule.describe()),
            });
        }
    }
    report
}
