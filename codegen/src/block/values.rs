//! Values in a block, as far as they follow from its text: variables, `format`, and the rows that a
//! loop goes through.

use std::collections::HashMap;

use canon_core::schema::quote_ident;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, ObjectNamePart, Query,
    Select, SelectItem, SetExpr, TableAlias, TableFactor, UnaryOperator, Value as Literal,
};

use crate::fold::Catalog;

/// Rows of one loop; a loop of more is not followed.
const MAX_ROWS: i64 = 10_000;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    List(Vec<String>),
}

/// Variables by name; the field of a record is `record.field`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variables(HashMap<String, Value>);

/// What one turn of a loop sets.
pub(super) type Row = Vec<(String, Value)>;

impl Variables {
    pub(super) fn set(&mut self, row: Row) {
        self.0.extend(row);
    }

    /// What is not known any more.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(&name.to_ascii_lowercase());
    }

    /// `name := expression`, and a declaration with a value.
    pub(super) fn assign(&mut self, name: &str, expression: &str) {
        let value = crate::expr::parse(expression).and_then(|expr| self.value(&expr));
        match value {
            Some(value) => {
                self.0.insert(name.to_ascii_lowercase(), value);
            }
            None => self.forget(name),
        }
    }

    /// An expression as a text; None where it does not follow.
    pub(super) fn text(&self, expression: &str) -> Option<String> {
        self.one(&crate::expr::parse(expression)?)
    }

    fn value(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.value(inner),
            Expr::Array(array) => {
                Some(Value::List(array.elem.iter().map(|e| self.one(e)).collect::<Option<Vec<String>>>()?))
            }
            Expr::Identifier(ident) => self.0.get(&ident.value.to_ascii_lowercase()).cloned(),
            other => self.one(other).map(Value::One),
        }
    }

    fn one(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.one(inner),
            Expr::Identifier(ident) => self.named(&ident.value),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
                self.named(&parts.join("."))
            }
            Expr::Value(value) => literal(&value.value),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some((-self.number(expr)?).to_string()),
            Expr::BinaryOp { left, op, right } => {
                if *op == BinaryOperator::StringConcat {
                    return Some(format!("{}{}", self.one(left)?, self.one(right)?));
                }
                let (left, right) = (self.number(left)?, self.number(right)?);
                let result = match op {
                    BinaryOperator::Plus => left.checked_add(right),
                    BinaryOperator::Minus => left.checked_sub(right),
                    BinaryOperator::Multiply => left.checked_mul(right),
                    _ => None,
                };
                result.map(|n| n.to_string())
            }
            Expr::Function(function) => self.call(function),
            _ => None,
        }
    }

    fn named(&self, name: &str) -> Option<String> {
        match self.0.get(&name.to_ascii_lowercase())? {
            Value::One(text) => Some(text.clone()),
            Value::List(_) => None,
        }
    }

    fn number(&self, expr: &Expr) -> Option<i64> {
        self.one(expr)?.parse().ok()
    }

    fn call(&self, function: &Function) -> Option<String> {
        let arguments = arguments(&function.args)?;
        let texts = || arguments.iter().map(|a| self.one(a)).collect::<Option<Vec<String>>>();
        let name = last_name(&function.name)?;
        let first = || self.one(arguments.first()?);
        match name.as_str() {
            "format" => format_text(&texts()?),
            "concat" => Some(texts()?.concat()),
            "quote_ident" => Some(quote_ident(&first()?)),
            "quote_literal" => Some(quote_literal(&first()?)),
            "lower" => Some(first()?.to_lowercase()),
            "upper" => Some(first()?.to_uppercase()),
            "lpad" => {
                let texts = texts()?;
                let (text, width) = (texts.first()?, texts.get(1)?.parse::<usize>().ok()?.min(1000));
                let fill: Vec<char> = texts.get(2).map_or(" ", String::as_str).chars().collect();
                let missing = width.saturating_sub(text.chars().count());
                let pad: String = fill.iter().cycle().take(if fill.is_empty() { 0 } else { missing }).collect();
                Some((pad + text).chars().take(width).collect())
            }
            _ => None,
        }
    }

    /// The rows of `FOR ... IN` or `FOREACH ... IN ARRAY`: what stands between FOR and LOOP.
    pub(super) fn rows(&self, head: &str, catalog: &Catalog) -> Option<Vec<Row>> {
        let (names, source) = split_once_word(head, "IN")?;
        let names: Vec<String> =
            names.split(',').map(|name| name.trim().trim_matches('"').to_ascii_lowercase()).collect();
        let slice = names.first()?.split_whitespace().nth(1).is_some();
        if slice {
            return None;
        }
        if let Some(array) = strip_word(source, "ARRAY").filter(|rest| !rest.trim_start().starts_with('[')) {
            let Value::List(items) = self.value(&crate::expr::parse(array)?)? else { return None };
            return Some(items.into_iter().map(|item| vec![(names[0].clone(), Value::One(item))]).collect());
        }
        if let Some((low, high)) = source.split_once("..") {
            return self.range(&names[0], low, high);
        }
        let query = crate::expr::parse_query(source.trim())?;
        let rows = self.query_rows(&query, catalog)?;
        Some(rows.into_iter().map(|row| bind(&names, row)).collect())
    }

    fn range(&self, name: &str, low: &str, high: &str) -> Option<Vec<Row>> {
        let (reverse, low) = match strip_word(low, "REVERSE") {
            Some(low) => (true, low),
            None => (false, low),
        };
        let (high, step) = match split_once_word(high, "BY") {
            Some((high, step)) => (high, self.text(step)?.parse::<i64>().ok()?),
            None => (high, 1),
        };
        let (low, high): (i64, i64) = (self.text(low)?.parse().ok()?, self.text(high)?.parse().ok()?);
        let series = if reverse { series(low, high, -step)? } else { series(low, high, step)? };
        Some(series.into_iter().map(|n| vec![(name.to_owned(), Value::One(n))]).collect())
    }

    /// Rows of a query over series and lists, or over the catalogue as far as it has been read.
    fn query_rows(&self, query: &Query, catalog: &Catalog) -> Option<Vec<Vec<(String, String)>>> {
        match &*query.body {
            SetExpr::Values(values) => values.rows.iter().map(|row| self.value_row(&row.content, None)).collect(),
            SetExpr::Query(query) => self.query_rows(query, catalog),
            SetExpr::Select(select) => {
                if let Some(rows) = catalog.select_rows(query) {
                    return Some(rows);
                }
                self.select_rows(select)
            }
            _ => None,
        }
    }

    fn select_rows(&self, select: &Select) -> Option<Vec<Vec<(String, String)>>> {
        if select.selection.is_some() {
            return None;
        }
        let source = match select.from.as_slice() {
            [] => vec![Vec::new()],
            [only] if only.joins.is_empty() => self.factor_rows(&only.relation)?,
            _ => return None,
        };
        let mut rows = Vec::new();
        for row in source {
            let mut scope = self.clone();
            scope.set(row.iter().map(|(name, value)| (name.clone(), Value::One(value.clone()))).collect());
            let mut made = vec![Vec::new()];
            for item in &select.projection {
                let columns: Vec<Vec<(String, String)>> = match item {
                    SelectItem::Wildcard(_) => vec![row.clone()],
                    SelectItem::UnnamedExpr(expr) => scope.column(&plain_name(expr), expr)?,
                    SelectItem::ExprWithAlias { expr, alias } => {
                        scope.column(&alias.value.to_ascii_lowercase(), expr)?
                    }
                    _ => return None,
                };
                made =
                    made.iter().flat_map(|row: &Vec<_>| columns.iter().map(|c| [row.as_slice(), c].concat())).collect();
                if made.len() > MAX_ROWS as usize {
                    return None;
                }
            }
            rows.extend(made);
        }
        (rows.len() <= MAX_ROWS as usize).then_some(rows)
    }

    /// The values of one column of a SELECT list: several where the function gives a set.
    fn column(&self, name: &str, expr: &Expr) -> Option<Vec<Vec<(String, String)>>> {
        let values = match expr {
            Expr::Function(function) => self.set_of(function).or_else(|| Some(vec![self.one(expr)?]))?,
            other => vec![self.one(other)?],
        };
        Some(values.into_iter().map(|value| vec![(name.to_owned(), value)]).collect())
    }

    /// `generate_series(1, 3)` and `unnest(ARRAY['a'])`.
    fn set_of(&self, function: &Function) -> Option<Vec<String>> {
        let arguments = arguments(&function.args)?;
        self.set_from(&last_name(&function.name)?, &arguments)
    }

    fn set_from(&self, name: &str, arguments: &[&Expr]) -> Option<Vec<String>> {
        match (name, arguments) {
            ("generate_series", [low, high]) => series(self.number(low)?, self.number(high)?, 1),
            ("generate_series", [low, high, step]) => series(self.number(low)?, self.number(high)?, self.number(step)?),
            ("unnest", [list]) => match self.value(list)? {
                Value::List(items) => Some(items),
                Value::One(_) => None,
            },
            _ => None,
        }
    }

    fn factor_rows(&self, factor: &TableFactor) -> Option<Vec<Vec<(String, String)>>> {
        let (values, alias, own) = match factor {
            TableFactor::Table { name, args: Some(args), alias, .. } => {
                let expressions = plain_arguments(&args.args)?;
                let own = last_name(name)?;
                (self.set_from(&own, &expressions)?, alias, own)
            }
            TableFactor::Function { name, args, alias, .. } => {
                let own = last_name(name)?;
                (self.set_from(&own, &plain_arguments(args)?)?, alias, own)
            }
            TableFactor::UNNEST { array_exprs, alias, .. } => {
                let expressions: Vec<&Expr> = array_exprs.iter().collect();
                (self.set_from("unnest", &expressions)?, alias, "unnest".to_owned())
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let SetExpr::Values(values) = &*subquery.body else { return None };
                return values.rows.iter().map(|row| self.value_row(&row.content, alias.as_ref())).collect();
            }
            _ => return None,
        };
        let table = alias.as_ref().map_or(own, |a| a.name.value.to_ascii_lowercase());
        let column =
            alias.as_ref().and_then(|a| a.columns.first()).map_or(table.clone(), |c| c.name.value.to_ascii_lowercase());
        let row = |value: String| vec![(format!("{table}.{column}"), value.clone()), (column.clone(), value)];
        Some(values.into_iter().map(row).collect())
    }

    fn value_row(&self, row: &[Expr], alias: Option<&TableAlias>) -> Option<Vec<(String, String)>> {
        let mut made = Vec::with_capacity(row.len());
        for (n, expr) in row.iter().enumerate() {
            let column = alias.and_then(|a| a.columns.get(n)).map(|c| c.name.value.to_ascii_lowercase());
            let column = column.unwrap_or_else(|| format!("column{}", n + 1));
            let value = self.one(expr)?;
            if let Some(alias) = alias {
                made.push((format!("{}.{column}", alias.name.value.to_ascii_lowercase()), value.clone()));
            }
            made.push((column, value));
        }
        Some(made)
    }
}

/// One variable takes the only column, or all of them as a record; several take one each.
fn bind(names: &[String], row: Vec<(String, String)>) -> Row {
    if let [record] = names {
        let fields = row.iter().map(|(column, value)| (format!("{record}.{column}"), Value::One(value.clone())));
        let mut bound: Row = fields.collect();
        if let Some((_, value)) = row.first() {
            bound.push((record.clone(), Value::One(value.clone())));
        }
        return bound;
    }
    names.iter().cloned().zip(row.into_iter().map(|(_, value)| Value::One(value))).collect()
}

fn series(low: i64, high: i64, step: i64) -> Option<Vec<String>> {
    let turns = high.checked_sub(low)?.checked_div(step)?;
    if turns >= MAX_ROWS {
        return None;
    }
    Some((0..=turns).map(|n| (low + n * step).to_string()).collect())
}

fn literal(value: &Literal) -> Option<String> {
    match value {
        Literal::Number(digits, _) => Some(digits.clone()),
        Literal::SingleQuotedString(s) | Literal::EscapedStringLiteral(s) => Some(s.clone()),
        Literal::DollarQuotedString(s) => Some(s.value.clone()),
        _ => None,
    }
}

fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn last_name(name: &ObjectName) -> Option<String> {
    match name.0.last()? {
        ObjectNamePart::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
        ObjectNamePart::Function(_) => None,
    }
}

/// The name that PostgreSQL gives a column of a loop's query.
fn plain_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.to_ascii_lowercase(),
        Expr::CompoundIdentifier(parts) => parts.last().map_or_else(String::new, |p| p.value.to_ascii_lowercase()),
        Expr::Function(function) => last_name(&function.name).unwrap_or_default(),
        _ => "?column?".to_owned(),
    }
}

fn arguments(arguments: &FunctionArguments) -> Option<Vec<&Expr>> {
    match arguments {
        FunctionArguments::List(list) if list.clauses.is_empty() => plain_arguments(&list.args),
        _ => None,
    }
}

fn plain_arguments(arguments: &[FunctionArg]) -> Option<Vec<&Expr>> {
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    arguments.iter().map(plain).collect()
}

/// PostgreSQL's `format`, without widths.
fn format_text(arguments: &[String]) -> Option<String> {
    let (pattern, values) = arguments.split_first()?;
    let mut out = String::with_capacity(pattern.len());
    let mut next = 0;
    let mut rest = pattern.as_str();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            // %2$I; a width is not followed.
            next = rest[..digits].parse::<usize>().ok()?.checked_sub(1)?;
            rest = rest[digits..].strip_prefix('$')?;
        }
        let kind = rest.chars().next()?;
        rest = &rest[kind.len_utf8()..];
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = values.get(next)?;
        next += 1;
        match kind {
            's' => out.push_str(value),
            'I' => out.push_str(&quote_ident(value)),
            'L' => out.push_str(&quote_literal(value)),
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}

/// What stands before and behind a word, in whatever case.
fn split_once_word<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let bytes = text.as_bytes();
    let is_part = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let starts = |at: &usize| {
        bytes[*at..].get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
            && !is_part(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && !is_part(bytes.get(at + word.len()))
    };
    let at = (0..bytes.len()).find(starts)?;
    Some((&text[..at], &text[at + word.len()..]))
}

/// The text behind a word that it begins with.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    split_once_word(text, word).filter(|(before, _)| before.trim().is_empty()).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_the_server() {
        // SELECT format(...): measured on PostgreSQL 15.
        for (arguments, expected) in [
            (&["a %s b", "x"][..], Some("a x b")),
            (&["%I %L %%", "Odd name", "it's"], Some("\"Odd name\" 'it''s' %")),
            (&["%2$s %1$s", "a", "b"], Some("b a")),
            (&["%s %s", "a"], None),
            (&["%", "a"], None),
        ] {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            assert_eq!(format_text(&arguments).as_deref(), expected, "{arguments:?}");
        }
    }

    fn values(head: &str) -> Option<Vec<String>> {
        let rows = Variables::default().rows(head, &Catalog::new())?;
        Some(
            rows.into_iter()
                .map(|row| match row.into_iter().find(|(name, _)| name == "r" || name == "r.ct") {
                    Some((_, Value::One(text))) => text,
                    other => panic!("{other:?}"),
                })
                .collect(),
        )
    }

    #[test]
    fn rows_of_loops() {
        let list = |items: &[&str]| Some(items.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>());
        assert_eq!(values("r IN 1..3"), list(&["1", "2", "3"]));
        assert_eq!(values("r IN REVERSE 5..1 BY 2"), list(&["5", "3", "1"]));
        assert_eq!(values("r IN 3..1"), list(&[]));
        assert_eq!(values("r IN ARRAY ARRAY['a', 'b']"), list(&["a", "b"]));
        assert_eq!(values("r IN SELECT unnest(ARRAY['a', 'b'])"), list(&["a", "b"]));
        assert_eq!(values("r IN SELECT format('t_%s', n) AS ct FROM generate_series(1, 2) n"), list(&["t_1", "t_2"]));
        assert_eq!(values("r IN SELECT x FROM (VALUES ('a'), ('b')) AS v(x)"), list(&["a", "b"]));
        for unknown in ["r IN SELECT a FROM t", "r IN 1..n", "r IN 1..100000000", "r IN EXECUTE 'SELECT 1'", "r", ""] {
            assert_eq!(values(unknown), None, "{unknown}");
        }
    }
}
