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
/// The report begins with one line for each schema and kind of object, with the number declared
/// and the number present; then one line for each status column; then every object that is missing or
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

/// Number of objects of each kind in each schema: declared, and of those present.
fn counts(expected: &Model, found: &Model) -> Vec<Finding> {
    use ObjectKind as K;
    const KINDS: [(K, &str); 10] = [
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
    ];
    let (declared, present) = (objects(expected), objects(found));
    let mut report = Vec::new();
    for schema in &expected.schemas {
        for (kind, label) in KINDS {
            let of_kind = || declared.iter().filter(|o| o.kind == kind && o.schema == schema.name);
            let total = of_kind().count();
            let there = of_kind().filter(|object| present.contains(*object)).count();
            if total > 0 {
                report.push(Finding {
                    ok: there == total,
                    kind: label.to_owned(),
                    object: quote_ident(&schema.name),
                    expected: total.to_string(),
                    found: there.to_string(),
                });
            }
        }
    }
    report
}

#[derive(PartialEq, Eq, Hash)]
struct Object<'m> {
    kind: ObjectKind,
    schema: &'m str,
    /// Table, where the object belongs to one, and name.
    name: (&'m str, String),
}

/// Every object that is counted.
fn objects(model: &Model) -> HashSet<Object<'_>> {
    use ObjectKind as K;
    let mut all = HashSet::new();
    for table in &model.tables {
        let QName { schema, name } = &table.name;
        let mut add = |kind: K, part: &str| {
            all.insert(Object { kind, schema, name: (name, part.to_owned()) });
        };
        add(K::Table, "");
        table.columns.iter().for_each(|c| add(K::Column, &c.name));
        table.constraints.iter().for_each(|c| add(c.kind.into(), &c.name));
        table.indexes.iter().for_each(|i| add(K::Index, &i.name));
        table.triggers.iter().for_each(|t| add(K::Trigger, &t.name));
    }
    for QName { schema, name } in model.sequences.iter().map(|s| &s.name) {
        all.insert(Object { kind: K::Sequence, schema, name: ("", name.clone()) });
    }
    for function in &model.functions {
        let name = ("", function.signature());
        all.insert(Object { kind: K::Function, schema: &function.name.schema, name });
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Constraint, References, Schema};

    fn column(name: &str, ty: &str) -> Column {
        Column { name: name.to_owned(), ty: ty.to_owned(), ..Column::default() }
    }

    fn check(name: &str, expression: &str) -> Constraint {
        Constraint { name: name.to_owned(), expression: Some(expression.to_owned()), ..Constraint::default() }
    }

    fn model() -> Model {
        let table = Table {
            name: QName::new("s", "t"),
            columns: vec![column("id", "uuid"), column("status", "text"), column("note_status", "integer")],
            constraints: vec![
                check("ck_status", "status IN ('a', 'b')"),
                Constraint {
                    name: "fk".to_owned(),
                    kind: ConstraintKind::Foreign,
                    columns: vec!["note_status".to_owned()],
                    references: Some(References { table: QName::new("s", "statuses"), ..References::default() }),
                    ..Constraint::default()
                },
            ],
            ..Table::default()
        };
        let schema = Schema { name: "s".to_owned(), ..Schema::default() };
        Model { schemas: vec![schema], tables: vec![table], ..Model::default() }
    }

    fn report(expected: &Model, found: &Model) -> Vec<Finding> {
        validate(expected, found, &["s"], &mut |_, _, _| false)
    }

    fn wrong(report: &[Finding]) -> Vec<(&str, &str, &str, &str)> {
        report
            .iter()
            .filter(|f| !f.ok)
            .map(|f| (f.kind.as_str(), f.object.as_str(), f.expected.as_str(), f.found.as_str()))
            .collect()
    }

    #[test]
    fn a_database_as_declared_has_nothing_wrong() {
        let report = report(&model(), &model());
        assert_eq!(wrong(&report), []);
        let counted: Vec<_> = report.iter().map(|f| (f.kind.as_str(), f.expected.as_str())).collect();
        assert_eq!(
            counted,
            [
                ("tables", "1"),
                ("columns", "3"),
                ("foreign keys", "1"),
                ("checks", "1"),
                ("status column", "check"),
                ("status column", "foreign key to s.statuses"),
            ]
        );
    }

    #[test]
    fn a_status_column_that_lost_its_rule_is_named() {
        let mut found = model();
        found.tables[0].constraints.clear();
        let report = report(&model(), &found);
        assert_eq!(
            wrong(&report),
            [
                ("foreign keys", "s", "1", "0"),
                ("checks", "s", "1", "0"),
                ("status column", "s.t.status", "check", "no rule"),
                ("status column", "s.t.note_status", "foreign key to s.statuses", "no rule"),
                ("check", "s.t: ck_status", "present", "missing"),
                ("foreign key", "s.t: fk", "present", "missing"),
            ]
        );
    }

    #[test]
    fn what_people_add_is_listed_and_not_wrong() {
        let mut found = model();
        found.tables[0].columns.push(column("mine", "text"));
        found.tables.push(Table { name: QName::new("s", "mine"), ..Table::default() });
        let report = report(&model(), &found);
        assert_eq!(wrong(&report), []);
        let added: Vec<&str> = report.iter().filter(|f| f.found == "added").map(|f| f.object.as_str()).collect();
        assert_eq!(added, ["s.t.mine", "s.mine"]);
    }

    #[test]
    fn other_schemas_do_not_count() {
        let mut found = model();
        found.tables.push(Table { name: QName::new("elsewhere", "t"), ..Table::default() });
        assert_eq!(report(&model(), &found), report(&model(), &model()));
    }

    #[test]
    fn words_in_strings_are_not_columns() {
        assert!(mentions("status IN ('a')", "status"));
        assert!(!mentions("x = 'status'", "status"));
        assert!(!mentions("mig_status > 0", "status"));
    }
}
