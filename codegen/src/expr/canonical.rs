//! The canonical form: a Lisp-like text without parentheses of precedence, casts of literals and
//! PostgreSQL's respellings. Only ever compared, never shown as SQL.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Subscript, TrimWhereField, UnaryOperator, Value, VisitMut,
    VisitorMut,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::literal::{mark, mark_cast};

/// The canonical form of an expression. `ty` is the type that the whole of it is cast to.
pub(super) fn of(text: &str, ty: Option<&str>) -> String {
    match super::parse(text) {
        Some(expr) => {
            let mut out = String::with_capacity(text.len());
            match (constant(&expr), ty) {
                (Some(value), Some(ty)) => mark(&value, ty, &mut out),
                _ => write(&expr, &mut out),
            }
            out
        }
        None => from_tokens(text),
    }
}

/// The value of a constant without a cast of its own.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => match &value.value {
            Value::Null | Value::Boolean(_) => None,
            value => text_of(value),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(format!("-{}", constant(expr)?)),
        _ => None,
    }
}

/// The text of a constant, whatever its quotes.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(digits, _) => Some(number(digits)),
        Value::SingleQuotedString(s)
        | Value::EscapedStringLiteral(s)
        | Value::UnicodeStringLiteral(s)
        | Value::NationalStringLiteral(s)
        | Value::SingleQuotedByteStringLiteral(s) => Some(s.clone()),
        Value::HexStringLiteral(s) => {
            s.chars().map(|c| Some(format!("{:04b}", c.to_digit(16)?))).collect::<Option<String>>()
        }
        Value::DollarQuotedString(s) => Some(s.value.clone()),
        _ => None,
    }
}

/// A number as the server prints it, whatever the zeros, underscores or base it is written with.
fn number(digits: &str) -> String {
    let plain = digits.replace('_', "");
    let based = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, radix)| {
        let start = plain.get(..2).filter(|start| start.eq_ignore_ascii_case(prefix))?;
        i128::from_str_radix(&plain[start.len()..], radix).ok()
    });
    if let Some(value) = based {
        return value.to_string();
    }
    let (whole, rest) = plain.split_at(plain.find(['.', 'e', 'E']).unwrap_or(plain.len()));
    let whole = whole.trim_start_matches('0');
    let rest = if rest == "." { "" } else { rest };
    format!("{}{rest}", if whole.is_empty() { "0" } else { whole })
}

fn call<'a>(name: &str, arguments: impl IntoIterator<Item = &'a Expr>, out: &mut String) {
    out.push('(');
    out.push_str(name);
    for argument in arguments {
        out.push(' ');
        write(argument, out);
    }
    out.push(')');
}

fn like(operator: &str, expr: &Expr, pattern: &Expr, escape: Option<&Expr>, out: &mut String) {
    out.push('(');
    out.push_str(operator);
    out.push(' ');
    write(expr, out);
    out.push(' ');
    match escape {
        Some(_) => escaped("like_escape", pattern, escape, out),
        None => write(pattern, out),
    }
    out.push(')');
}

/// The function that PostgreSQL puts around a pattern.
fn escaped(function: &str, pattern: &Expr, escape: Option<&Expr>, out: &mut String) {
    out.push('(');
    out.push_str(function);
    out.push(' ');
    write(pattern, out);
    if let Some(escape) = escape {
        out.push(' ');
        write(escape, out);
    }
    out.push(')');
}

fn literal(value: &str, out: &mut String) {
    mark(value, "", out);
}

fn write(expr: &Expr, out: &mut String) {
    match expr {
        Expr::Nested(inner) => write(inner, out),
        Expr::Identifier(ident) => out.push_str(&name_of(ident)),
        Expr::CompoundIdentifier(parts) => {
            out.push_str(&parts.last().map(name_of).unwrap_or_default());
        }
        Expr::Value(value) => write_value(&value.value, out),
        Expr::TypedString(typed) => {
            let value = text_of(&typed.value.value).unwrap_or_default();
            mark(&value, &canonical_type(&typed.data_type.to_string()), out);
        }
        Expr::Interval(interval) => {
            let mut text = constant(&interval.value).unwrap_or_default();
            if let Some(field) = &interval.leading_field {
                text.push_str(&format!(" {field}").to_lowercase());
            }
            mark(&text, "interval", out);
        }
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } => cast(expr, data_type, out),
        Expr::BinaryOp { left, op, right } => binary(left, op, right, out),
        Expr::UnaryOp { op, expr } => unary(op, expr, out),
        Expr::InList { expr, list, negated } => in_list(expr, list, *negated, out),
        Expr::AnyOp { left, compare_op, right, .. } => any_all(left, compare_op, right, true, out),
        Expr::AllOp { left, compare_op, right } => any_all(left, compare_op, right, false, out),
        Expr::Between { expr, negated, low, high } => {
            let (join, below, above) = if *negated { ("or", "<", ">") } else { ("and", ">=", "<=") };
            out.push_str(&format!("({join} "));
            call(below, [&**expr, low], out);
            out.push(' ');
            call(above, [&**expr, high], out);
            out.push(')');
        }
        Expr::Like { negated, expr, pattern, escape_char, .. } => {
            like(if *negated { "!~~" } else { "~~" }, expr, pattern, escape_char.as_deref(), out);
        }
        Expr::ILike { negated, expr, pattern, escape_char, .. } => {
            like(if *negated { "!~~*" } else { "~~*" }, expr, pattern, escape_char.as_deref(), out);
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            out.push_str(if *negated { "(!~ " } else { "(~ " });
            write(expr, out);
            out.push(' ');
            escaped("similar_to_escape", pattern, escape_char.as_deref(), out);
            out.push(')');
        }
        Expr::IsNull(inner) => call("isnull", [&**inner], out),
        Expr::IsNotNull(inner) => call("notnull", [&**inner], out),
        Expr::IsTrue(inner) => call("istrue", [&**inner], out),
        Expr::IsNotTrue(inner) => call("isnottrue", [&**inner], out),
        Expr::IsFalse(inner) => call("isfalse", [&**inner], out),
        Expr::IsNotFalse(inner) => call("isnotfalse", [&**inner], out),
        Expr::IsDistinctFrom(a, b) => call("distinct", [&**a, b], out),
        Expr::IsNotDistinctFrom(a, b) => {
            out.push_str("(not ");
            call("distinct", [&**a, b], out);
            out.push(')');
        }
        Expr::AtTimeZone { timestamp, time_zone } => call("timezone", [&**time_zone, timestamp], out),
        Expr::Extract { field, expr, .. } => call(&format!("extract {field}").to_lowercase(), [&**expr], out),
        Expr::Collate { expr, collation } => match object_name(collation).as_str() {
            "default" => write(expr, out),
            name => call(&format!("collate {name}"), [&**expr], out),
        },
        Expr::Array(array) => call("array", &array.elem, out),
        Expr::Tuple(items) => call("row", items, out),
        Expr::CompoundFieldAccess { root, access_chain } => field_access(root, access_chain, out),
        Expr::Case { operand, conditions, else_result, .. } => {
            out.push_str("(case");
            if let Some(operand) = operand {
                out.push(' ');
                write(operand, out);
            }
            for when in conditions {
                out.push(' ');
                call("when", [&when.condition, &when.result], out);
            }
            match else_result {
                Some(result) => call(" else", [&**result], out),
                None => out.push_str("( else (null))"),
            }
            out.push(')');
        }
        other => write_call(other, out),
    }
}

/// Functions, and the special syntax that stands for some of them.
fn write_call(expr: &Expr, out: &mut String) {
    match expr {
        Expr::Function(function) => {
            let name = match object_name(&function.name).as_str() {
                "current_timestamp" | "transaction_timestamp" => "now".to_owned(),
                other => other.to_owned(),
            };
            let plain = function.filter.is_none() && function.over.is_none() && function.within_group.is_empty();
            match arguments(&function.args) {
                Some(arguments) if plain && matches!(name.as_str(), "nextval" | "currval") => {
                    let mut sequence = String::new();
                    call(&name, arguments, &mut sequence);
                    out.push_str(&sequence.replace('"', ""));
                }
                Some(arguments) if plain => call(&name, arguments, out),
                _ => out.push_str(&from_tokens(&function.to_string())),
            }
        }
        Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            let characters = trim_what.as_deref().into_iter().chain(trim_characters.iter().flatten());
            call(name, std::iter::once(&**expr).chain(characters), out);
        }
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let rest = substring_from.as_deref().into_iter().chain(substring_for.as_deref());
            call("substring", std::iter::once(&**expr).chain(rest), out);
        }
        Expr::Position { expr, r#in } => call("position", [&**r#in, expr], out),
        Expr::Ceil { expr, .. } => call("ceil", [&**expr], out),
        Expr::Floor { expr, .. } => call("floor", [&**expr], out),
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            let mut bare = expr.clone();
            let _ = VisitMut::visit(&mut bare, &mut WithoutAliases);
            out.push_str(&from_tokens(&bare.to_string()));
        }
        other => out.push_str(&from_tokens(&other.to_string())),
    }
}

/// PostgreSQL names the columns of a subquery in an expression, which nobody can refer to.
struct WithoutAliases;

impl VisitorMut for WithoutAliases {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = &mut *query.body {
            for item in &mut select.projection {
                if let SelectItem::ExprWithAlias { expr, .. } = item {
                    *item = SelectItem::UnnamedExpr(expr.clone());
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Only plain positional arguments; anything else is compared by its tokens.
fn arguments(arguments: &FunctionArguments) -> Option<Vec<&Expr>> {
    match arguments {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Boolean(b) => mark(if *b { "true" } else { "false" }, "boolean", out),
        Value::Null => out.push_str("(null)"),
        other => match text_of(other) {
            Some(text) => literal(&text, out),
            None => out.push_str(&other.to_string()),
        },
    }
}

/// Casts of constants say what the constant is; casts to plain text types say nothing that the
/// context does not say.
fn cast(expr: &Expr, data_type: &DataType, out: &mut String) {
    let ty = canonical_type(&data_type.to_string());
    let inner = super::strip(expr);
    let base = ty.split('(').next().unwrap_or_default();
    if let Some(value) = constant(expr) {
        // An object's name: PostgreSQL prints it as short as the search path allows.
        let is_object = base.starts_with("reg");
        let value = if is_object { value.replace("pg_catalog.", "").replace('"', "") } else { value };
        return mark(&value, if base.ends_with("[]") { "array" } else { base }, out);
    }
    let is_constant = matches!(inner, Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) | Expr::Array(_));
    let element = base.trim_end_matches("[]");
    if is_constant || matches!(element, "text" | "character varying" | "character" | "regclass") {
        return write(expr, out);
    }
    mark_cast(&ty, out);
    write(expr, out);
}

fn canonical_type(written: &str) -> String {
    let lower = written.to_lowercase();
    let (base, rest) = lower.split_at(lower.find(['(', '[']).unwrap_or(lower.len()));
    let base = match base.trim().trim_start_matches("pg_catalog.") {
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "float8" => "double precision",
        "float4" => "real",
        "bool" => "boolean",
        "varchar" => "character varying",
        "char" | "bpchar" => "character",
        "decimal" => "numeric",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        other => other,
    }
    .to_owned();
    format!("{base}{}", rest.replace(' ', ""))
}

fn unary(op: &UnaryOperator, expr: &Expr, out: &mut String) {
    match (op, super::strip(expr)) {
        (UnaryOperator::Minus, Expr::Value(value)) => {
            literal(&format!("-{}", text_of(&value.value).unwrap_or_default()), out);
        }
        (UnaryOperator::Plus, _) => write(expr, out),
        (UnaryOperator::Not, _) => call("not", [expr], out),
        _ => call(&op.to_string(), [expr], out),
    }
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr, out: &mut String) {
    // PostgreSQL takes (a, b) <> (1, 2) apart.
    if let (Expr::Tuple(a), Expr::Tuple(b)) = (super::strip(left), super::strip(right))
        && a.len() == b.len()
    {
        match op {
            BinaryOperator::Eq => return pairwise("and", "=", a, b, out),
            BinaryOperator::NotEq => return pairwise("or", "<>", a, b, out),
            _ => {}
        }
    }
    match op {
        BinaryOperator::And => flat("and", op, &[left, right], out),
        BinaryOperator::Or => flat("or", op, &[left, right], out),
        BinaryOperator::PGCustomBinaryOperator(parts) => {
            call(parts.last().map_or("", String::as_str), [left, right], out);
        }
        _ => call(&op.to_string(), [left, right], out),
    }
}

fn pairwise(join: &str, op: &str, a: &[Expr], b: &[Expr], out: &mut String) {
    out.push('(');
    out.push_str(join);
    for (x, y) in a.iter().zip(b) {
        out.push(' ');
        call(op, [x, y], out);
    }
    out.push(')');
}

/// AND and OR are lists for PostgreSQL, however they are nested.
fn flat(name: &str, op: &BinaryOperator, items: &[&Expr], out: &mut String) {
    fn collect<'e>(expr: &'e Expr, op: &BinaryOperator, list: &mut Vec<&'e Expr>) {
        match expr {
            Expr::Nested(inner) => collect(inner, op, list),
            Expr::BinaryOp { left, op: inner, right } if inner == op => {
                collect(left, op, list);
                collect(right, op, list);
            }
            other => list.push(other),
        }
    }
    let mut list = Vec::new();
    items.iter().for_each(|item| collect(item, op, &mut list));
    call(name, list, out);
}

fn in_list(expr: &Expr, list: &[Expr], negated: bool, out: &mut String) {
    if let [only] = list {
        return call(if negated { "<>" } else { "=" }, [expr, only], out);
    }
    call(if negated { "notin" } else { "in" }, std::iter::once(expr).chain(list), out);
}

fn any_all(left: &Expr, op: &BinaryOperator, right: &Expr, any: bool, out: &mut String) {
    let list = match super::strip(right) {
        Expr::Array(array) => Some(array.elem.as_slice()),
        _ => None,
    };
    match (list, any, op) {
        (Some(list), true, BinaryOperator::Eq) => in_list(left, list, false, out),
        (Some(list), false, BinaryOperator::NotEq) => in_list(left, list, true, out),
        _ => call(&format!("{} {op}", if any { "any" } else { "all" }), [left, right], out),
    }
}

fn field_access(root: &Expr, chain: &[AccessExpr], out: &mut String) {
    out.push_str("(access ");
    write(root, out);
    for access in chain {
        out.push(' ');
        match access {
            AccessExpr::Dot(expr) => write(expr, out),
            AccessExpr::Subscript(Subscript::Index { index }) => write(index, out),
            other @ AccessExpr::Subscript(_) => out.push_str(&from_tokens(&other.to_string())),
        }
    }
    out.push(')');
}

fn name_of(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// The bare name: the schema of a function is decided by the search path, not by the text.
fn object_name(name: &ObjectName) -> String {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => name_of(ident),
        Some(other) => other.to_string().to_ascii_lowercase(),
        None => String::new(),
    }
}

/// For what does not parse: words and operators without parentheses, qualifiers and casts.
fn from_tokens(text: &str) -> String {
    let dialect = PostgreSqlDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, text).tokenize() else { return text.to_owned() };
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|t| !matches!(t, Token::Whitespace(_) | Token::EOF | Token::SemiColon)).collect();
    let mut words: Vec<String> = Vec::new();
    let mut n = 0;
    while let Some(token) = tokens.get(n) {
        match token {
            Token::LParen | Token::RParen => {}
            Token::DoubleColon => n += cast_length(&tokens[n + 1..]),
            Token::Period => {
                words.pop();
            }
            Token::Word(w) if w.quote_style.is_none() => words.push(w.value.to_ascii_lowercase()),
            Token::Word(w) => words.push(w.value.clone()),
            Token::SingleQuotedString(value) | Token::EscapedStringLiteral(value) | Token::Number(value, _) => {
                let mut text = String::new();
                literal(value, &mut text);
                words.push(text);
            }
            other => words.push(other.to_string()),
        }
        n += 1;
    }
    words.join(" ")
}

/// Number of tokens of the type name behind `::`.
fn cast_length(tokens: &[Token]) -> usize {
    let two_words = |a: &str, b: &str| {
        let is =
            |t: Option<&Token>, word: &str| matches!(t, Some(Token::Word(w)) if w.value.eq_ignore_ascii_case(word));
        is(tokens.first(), a) && is(tokens.get(1), b)
    };
    let mut length = if two_words("character", "varying") || two_words("double", "precision") { 2 } else { 1 };
    while matches!(tokens.get(length), Some(Token::Period)) {
        length += 2;
    }
    if matches!(tokens.get(length), Some(Token::LParen)) {
        length += tokens[length..].iter().position(|t| *t == Token::RParen).map_or(0, |n| n + 1);
    }
    while matches!((tokens.get(length), tokens.get(length + 1)), (Some(Token::LBracket), Some(Token::RBracket))) {
        length += 2;
    }
    length
}
