//! Conditions of anonymous blocks, as far as the schema itself answers them.
//!
//! Migrations ask the catalogue before they act: `IF NOT EXISTS (SELECT ... FROM
//! information_schema.columns WHERE ...) THEN ALTER TABLE ...`. Such questions are answered from
//! what has been read so far; anything else is unknown.

use std::collections::HashMap;

use canon_core::schema::{ConstraintKind, QName};
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem, SetExpr, TableFactor,
    UnaryOperator, Value,
};

use super::Catalog;
use crate::parse::name_of;

/// A row of a system catalogue or a view of `information_schema`, joined with what it points at.
type Row = HashMap<&'static str, String>;

impl Catalog {
    /// Whether a condition holds; None where the schema cannot tell.
    pub(crate) fn holds(&self, condition: &str) -> Option<bool> {
        self.truth(&crate::expr::parse(condition)?)
    }

    fn truth(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Nested(inner) => self.truth(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.truth(expr).map(|truth| !truth),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => match (self.truth(left), self.truth(right)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => match (self.truth(left), self.truth(right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::BinaryOp { left, op, right } => compare(self.number(left)?, op, self.number(right)?),
            Expr::Exists { subquery, negated } => self.rows(subquery).map(|rows| rows.is_empty() == *negated),
            Expr::IsNull(inner) => self.is_null(inner),
            Expr::IsNotNull(inner) => self.is_null(inner).map(|null| !null),
            Expr::Subquery(query) => self.scalar(query),
            Expr::Value(value) => match value.value {
                Value::Boolean(truth) => Some(truth),
                _ => None,
            },
            _ => None,
        }
    }

    /// `(SELECT count(*) FROM ...)` or a number.
    fn number(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Nested(inner) => self.number(inner),
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => digits.parse().ok(),
                _ => None,
            },
            Expr::Subquery(query) if is_count(only_item(query)?) => self.rows(query).map(|rows| rows.len()),
            _ => None,
        }
    }

    /// `(SELECT count(*) = 2 FROM ...)`.
    fn scalar(&self, query: &Query) -> Option<bool> {
        let Expr::BinaryOp { left, op, right } = only_item(query)? else { return None };
        if !is_count(left) {
            return None;
        }
        compare(self.rows(query)?.len(), op, self.number(right)?)
    }

    /// `to_regclass('...') IS NULL`, `(SELECT 1 FROM ...) IS NULL`.
    fn is_null(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.is_null(inner),
            Expr::Subquery(query) => self.rows(query).map(|rows| rows.is_empty()),
            Expr::Function(function) => {
                let called = function.name.to_string().to_ascii_lowercase();
                let name = name_of(&first_text(&function.args)?)?;
                match called.trim_start_matches("pg_catalog.") {
                    "to_regclass" => Some(self.find_relation(&name).is_none()),
                    "to_regtype" => Some(self.find_type(&name).is_none()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The columns of a query over the catalogue, row by row; None where it is about something else.
    pub(crate) fn select_rows(&self, query: &Query) -> Option<Vec<Vec<(String, String)>>> {
        let SetExpr::Select(select) = &*query.body else { return None };
        let rows = self.rows(query)?;
        let mut columns = Vec::new();
        for item in &select.projection {
            let (expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.to_ascii_lowercase())),
                _ => return None,
            };
            let name = column_of(expr)?;
            columns.push((alias.unwrap_or_else(|| name.clone()), name));
        }
        let row = |row: &Row| {
            let value = |(alias, name): &(String, String)| Some((alias.clone(), row.get(name.as_str())?.clone()));
            columns.iter().map(value).collect::<Option<Vec<_>>>()
        };
        rows.iter().map(row).collect()
    }

    /// The rows that a query over the catalogue finds.
    fn rows(&self, query: &Query) -> Option<Vec<Row>> {
        let SetExpr::Select(select) = &*query.body else { return None };
        let mut tables = Vec::new();
        let mut conditions: Vec<&Expr> = select.selection.iter().collect();
        for from in &select.from {
            for (factor, join) in
                std::iter::once((&from.relation, None)).chain(from.joins.iter().map(|j| (&j.relation, Some(j))))
            {
                let TableFactor::Table { name, .. } = factor else { return None };
                tables.push(name.0.last()?.to_string().to_ascii_lowercase());
                conditions.extend(join.and_then(|j| on(&j.join_operator)));
            }
        }
        let mut rows =
            RELATIONS.iter().find(|(name, _)| tables.iter().any(|t| t == name)).map(|(_, rows)| rows(self))?;
        let mut unknown = false;
        for condition in conditions {
            unknown |= !self.filter(condition, &mut rows);
        }
        (!unknown || rows.is_empty()).then_some(rows)
    }

    /// Keeps the rows for which a condition holds; false where it is not understood.
    fn filter(&self, condition: &Expr, rows: &mut Vec<Row>) -> bool {
        match condition {
            Expr::Nested(inner) => self.filter(inner, rows),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let left = self.filter(left, rows);
                self.filter(right, rows) && left
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let sides = [(column_of(left), self.text(right)), (column_of(right), self.text(left))];
                match sides.into_iter().find_map(|(column, value)| column.zip(value)) {
                    Some((column, value)) => keep(rows, &column, |own| own == value),
                    // Joins: the rows are joined already.
                    None => column_of(left).is_some() && column_of(right).is_some(),
                }
            }
            Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => match (column_of(left), self.text(right)) {
                (Some(column), Some(value)) => keep(rows, &column, |own| own != value),
                _ => false,
            },
            Expr::InList { expr, list, negated: false } => {
                let values: Option<Vec<String>> = list.iter().map(|item| self.text(item)).collect();
                match (column_of(expr), values) {
                    (Some(column), Some(values)) => keep(rows, &column, |own| values.contains(&own.to_owned())),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// A constant, or what stands for one.
    fn text(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Nested(inner) => self.text(inner),
            Expr::Cast { expr, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("regclass") => {
                let name = name_of(&self.text(expr)?)?;
                Some(self.find_relation(&name).map_or_else(|| name.to_string(), |(found, _)| found.to_string()))
            }
            Expr::Cast { expr, .. } => self.text(expr),
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text.clone()),
                _ => None,
            },
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("current_schema") => {
                self.path.first().cloned()
            }
            Expr::Identifier(name) if name.value.eq_ignore_ascii_case("current_schema") => self.path.first().cloned(),
            Expr::Subquery(_) => None,
            _ => None,
        }
    }
}

/// Rows that are about a table of the script.
type Rows = fn(&Catalog) -> Vec<Row>;

/// What can be asked, most particular first: a query that joins several is about the first.
const RELATIONS: &[(&str, Rows)] = &[
    ("columns", columns),
    ("pg_attribute", columns),
    ("constraint_column_usage", constraints_used),
    ("table_constraints", constraints),
    ("key_column_usage", constraints),
    ("referential_constraints", constraints),
    ("pg_constraint", constraints),
    ("triggers", triggers),
    ("pg_trigger", triggers),
    ("pg_policies", policies),
    ("pg_policy", policies),
    ("pg_indexes", indexes),
    ("pg_enum", labels),
    ("pg_type", types),
    ("pg_proc", functions),
    ("routines", functions),
    ("pg_extension", extensions),
    ("sequences", |c| relations(c, "S")),
    ("pg_sequences", |c| relations(c, "S")),
    ("views", |c| relations(c, "v")),
    ("pg_views", |c| relations(c, "v")),
    ("pg_matviews", |c| relations(c, "m")),
    ("tables", |c| relations(c, "r")),
    ("pg_tables", |c| relations(c, "r")),
    ("pg_class", |c| relations(c, "")),
    ("schemata", schemas),
    ("pg_namespace", schemas),
];

fn row(values: impl IntoIterator<Item = (&'static str, String)>) -> Row {
    values.into_iter().collect()
}

/// A relation under all the names that catalogues have for its schema and name.
fn on_table(name: &QName) -> Row {
    row([
        ("table_schema", name.schema.clone()),
        ("table_name", name.name.clone()),
        ("schemaname", name.schema.clone()),
        ("tablename", name.name.clone()),
        ("nspname", name.schema.clone()),
        ("relname", name.name.clone()),
        ("conrelid", name.to_string()),
        ("attrelid", name.to_string()),
        ("tgrelid", name.to_string()),
        ("polrelid", name.to_string()),
        ("event_object_schema", name.schema.clone()),
        ("event_object_table", name.name.clone()),
    ])
}

fn columns(catalog: &Catalog) -> Vec<Row> {
    let tables = catalog.tables.values().map(|t| (&t.name, &t.columns));
    let views = catalog.views.values().map(|v| (&v.name, &v.columns));
    let of = |name: &QName, column: &canon_core::schema::Column| {
        let mut row = on_table(name);
        row.insert("column_name", column.name.clone());
        row.insert("attname", column.name.clone());
        row.insert("is_nullable", if column.not_null { "NO" } else { "YES" }.to_owned());
        row.insert("data_type", column.ty.split('(').next().unwrap_or_default().to_owned());
        row
    };
    tables.chain(views).flat_map(|(name, columns)| columns.iter().map(move |c| of(name, c))).collect()
}

fn constraint(name: &QName, constraint: &canon_core::schema::Constraint) -> Row {
    let (kind, letter) = match constraint.kind {
        ConstraintKind::Primary => ("PRIMARY KEY", "p"),
        ConstraintKind::Unique => ("UNIQUE", "u"),
        ConstraintKind::Foreign => ("FOREIGN KEY", "f"),
        ConstraintKind::Check => ("CHECK", "c"),
        ConstraintKind::Exclusion => ("EXCLUDE", "x"),
    };
    let mut row = on_table(name);
    row.insert("constraint_name", constraint.name.clone());
    row.insert("conname", constraint.name.clone());
    row.insert("constraint_schema", name.schema.clone());
    row.insert("constraint_type", kind.to_owned());
    row.insert("contype", letter.to_owned());
    row
}

fn constraints(catalog: &Catalog) -> Vec<Row> {
    catalog.tables.values().flat_map(|t| t.constraints.iter().map(|c| constraint(&t.name, c))).collect()
}

/// `constraint_column_usage` names the table whose columns are used: of a foreign key, the far one.
fn constraints_used(catalog: &Catalog) -> Vec<Row> {
    let used = |table: &QName, c: &canon_core::schema::Constraint| {
        constraint(c.references.as_ref().map_or(table, |r| &r.table), c)
    };
    catalog.tables.values().flat_map(|t| t.constraints.iter().map(move |c| used(&t.name, c))).collect()
}

fn triggers(catalog: &Catalog) -> Vec<Row> {
    let named = |table: &QName, name: &str| {
        let mut row = on_table(table);
        row.insert("tgname", name.to_owned());
        row.insert("trigger_name", name.to_owned());
        row
    };
    catalog.tables.values().flat_map(|t| t.triggers.iter().map(move |g| named(&t.name, &g.name))).collect()
}

fn policies(catalog: &Catalog) -> Vec<Row> {
    let named = |table: &QName, name: &str| {
        let mut row = on_table(table);
        row.insert("policyname", name.to_owned());
        row.insert("polname", name.to_owned());
        row
    };
    catalog.tables.values().flat_map(|t| t.policies.iter().map(move |p| named(&t.name, &p.name))).collect()
}

fn indexes(catalog: &Catalog) -> Vec<Row> {
    let named = |table: &QName, name: &str| {
        let mut row = on_table(table);
        row.insert("indexname", name.to_owned());
        row
    };
    let keys = |t: &canon_core::schema::Table| {
        let keys = t.constraints.iter().filter(|c| super::constraints::has_index(c.kind)).map(|c| c.name.clone());
        keys.chain(t.indexes.iter().map(|i| i.name.clone())).collect::<Vec<_>>()
    };
    catalog.tables.values().flat_map(|t| keys(t).into_iter().map(move |name| named(&t.name, &name))).collect()
}

fn in_schema(name: &QName, key: &'static str) -> Row {
    row([
        (key, name.name.clone()),
        ("nspname", name.schema.clone()),
        ("typnamespace", name.schema.clone()),
        ("routine_schema", name.schema.clone()),
    ])
}

fn types(catalog: &Catalog) -> Vec<Row> {
    let names = catalog.enums.keys().chain(catalog.domains.keys()).chain(catalog.composites.keys());
    let relations = catalog.tables.keys().chain(catalog.views.keys());
    names.chain(catalog.ranges.keys()).chain(relations).map(|name| in_schema(name, "typname")).collect()
}

fn labels(catalog: &Catalog) -> Vec<Row> {
    let of = |ty: &canon_core::schema::EnumType, label: &String| {
        let mut row = in_schema(&ty.name, "typname");
        row.insert("enumlabel", label.clone());
        row.insert("enumtypid", ty.name.to_string());
        row
    };
    catalog.enums.values().flat_map(|ty| ty.labels.iter().map(move |label| of(ty, label))).collect()
}

fn functions(catalog: &Catalog) -> Vec<Row> {
    let of = |f: &canon_core::schema::Function| {
        let mut row = in_schema(&f.name, "proname");
        row.insert("routine_name", f.name.name.clone());
        row
    };
    catalog.functions.values().map(of).collect()
}

fn extensions(catalog: &Catalog) -> Vec<Row> {
    let own = catalog.extensions.keys().map(String::as_str);
    own.chain(["plpgsql"]).map(|name| row([("extname", name.to_owned())])).collect()
}

fn schemas(catalog: &Catalog) -> Vec<Row> {
    let own = catalog.schemas.keys().map(String::as_str);
    own.chain(["public"]).map(|n| row([("schema_name", n.to_owned()), ("nspname", n.to_owned())])).collect()
}

/// Relations of one `relkind`, or of all.
fn relations(catalog: &Catalog, kind: &str) -> Vec<Row> {
    use super::Relation;
    let letter = |name: &QName, relation: &Relation| match relation {
        Relation::Table => Some("r"),
        Relation::View => Some(if catalog.views.get(name).is_some_and(|v| v.materialized) { "m" } else { "v" }),
        Relation::Sequence => Some("S"),
        Relation::Index(_) => Some("i"),
        Relation::Composite => Some("c"),
        Relation::Temporary => None,
    };
    let all = catalog.relations.iter().filter_map(|(name, relation)| Some((name, letter(name, relation)?)));
    all.filter(|(_, letter)| kind.is_empty() || kind == *letter)
        .map(|(name, letter)| {
            let mut row = on_table(name);
            row.insert("relkind", letter.to_owned());
            row.insert("viewname", name.name.clone());
            row.insert("matviewname", name.name.clone());
            row.insert("sequence_name", name.name.clone());
            row.insert("sequencename", name.name.clone());
            row.insert("sequence_schema", name.schema.clone());
            row
        })
        .collect()
}

fn keep(rows: &mut Vec<Row>, column: &str, matches: impl Fn(&str) -> bool) -> bool {
    // Relations of other databases have no rows here.
    if matches!(column, "table_catalog" | "constraint_catalog") {
        return true;
    }
    let known = rows.iter().all(|row| row.contains_key(column));
    rows.retain(|row| row.get(column).is_none_or(|own| matches(own)));
    known
}

fn compare(a: usize, op: &BinaryOperator, b: usize) -> Option<bool> {
    match op {
        BinaryOperator::Eq => Some(a == b),
        BinaryOperator::NotEq => Some(a != b),
        BinaryOperator::Gt => Some(a > b),
        BinaryOperator::GtEq => Some(a >= b),
        BinaryOperator::Lt => Some(a < b),
        BinaryOperator::LtEq => Some(a <= b),
        _ => None,
    }
}

fn only_item(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = &*query.body else { return None };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => Some(expr),
        _ => None,
    }
}

fn is_count(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("count"))
}

fn first_text(arguments: &FunctionArguments) -> Option<String> {
    let FunctionArguments::List(list) = arguments else { return None };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The column that one side of a comparison is, by its bare name.
fn column_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => column_of(inner),
        Expr::Identifier(name) => Some(name.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.to_ascii_lowercase()),
        Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("lower") => match &f.args {
            FunctionArguments::List(list) => match list.args.as_slice() {
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => column_of(expr),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn on(join: &sqlparser::ast::JoinOperator) -> Option<&Expr> {
    use sqlparser::ast::{JoinConstraint, JoinOperator};
    match join {
        JoinOperator::Join(JoinConstraint::On(expr))
        | JoinOperator::Inner(JoinConstraint::On(expr))
        | JoinOperator::Left(JoinConstraint::On(expr))
        | JoinOperator::LeftOuter(JoinConstraint::On(expr)) => Some(expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::load::load;
    use crate::source::Source;

    /// Runs `condition` after some DDL and says whether its branch was taken.
    fn taken(condition: &str) -> bool {
        let sql = format!(
            "CREATE SCHEMA s; CREATE TABLE s.t (a int PRIMARY KEY, b text); CREATE INDEX i ON s.t (b);
             CREATE TYPE s.mood AS ENUM ('x'); CREATE TABLE s.f (a int REFERENCES s.t);
             DO $$ BEGIN IF {condition} THEN CREATE TABLE marker (x int); END IF; END $$;"
        );
        load(vec![Source::new("x.sql", sql)]).model.tables.iter().any(|t| t.name.name == "marker")
    }

    #[test]
    fn the_schema_answers() {
        for condition in [
            "EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = 's' AND table_name = 't' AND column_name = 'b')",
            "NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 't' AND column_name = 'z')",
            "NOT EXISTS (SELECT FROM pg_type WHERE typname = 'moods')",
            "EXISTS (SELECT 1 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'mood' AND n.nspname = 's')",
            "EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 't_pkey' AND conrelid = 's.t'::regclass)",
            "to_regclass('s.t') IS NOT NULL AND to_regclass('s.u') IS NULL",
            "(SELECT count(*) FROM pg_indexes WHERE indexname IN ('i', 'j')) = 1",
            "EXISTS (SELECT 1 FROM information_schema.constraint_column_usage WHERE table_name = 't' AND constraint_name = 'f_a_fkey')",
        ] {
            assert!(taken(condition), "{condition}");
            assert!(!taken(&format!("NOT ({condition})")), "NOT ({condition})");
        }
    }

    /// A migration runs in a database that lacks what it adds.
    #[test]
    fn what_the_schema_cannot_answer_is_taken_where_something_is_absent() {
        assert!(taken("NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'r')"));
        assert!(!taken("EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'r')"));
        assert!(!taken("current_setting('x') = 'y'"));
    }
}
