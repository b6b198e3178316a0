//! Whether an expression can stand where PostgreSQL wants an immutable one.
//!
//! Names of functions decide most cases. Where one name has immutable and other forms, or where an
//! operator or a cast does, the types of the columns decide. What is not known counts as
//! immutable: the rule says nothing it cannot show.

use canon_core::schema::{QName, Table};
use sqlparser::ast::{BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart, Value};

use super::context::{Context, is_text};
use super::words::{self, Written};

/// Functions of `pg_catalog` no form of which is immutable: measured in `pg_proc` of PostgreSQL 15,
/// without those that take or give internal types, and without `pg_*` and comparison functions.
const NEVER_IMMUTABLE: &[&str] = &[
    "array_to_json",
    "array_to_string",
    "clock_timestamp",
    "col_description",
    "concat",
    "concat_ws",
    "convert",
    "convert_from",
    "convert_to",
    "current_database",
    "current_query",
    "current_schema",
    "current_schemas",
    "current_setting",
    "currval",
    "cursor_to_xml",
    "database_to_xml",
    "enum_first",
    "enum_last",
    "enum_range",
    "format",
    "format_type",
    "gen_random_uuid",
    "get_current_ts_config",
    "getdatabaseencoding",
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_function_privilege",
    "has_schema_privilege",
    "has_sequence_privilege",
    "has_table_privilege",
    "has_type_privilege",
    "inet_client_addr",
    "inet_client_port",
    "inet_server_addr",
    "inet_server_port",
    "json_build_array",
    "json_build_object",
    "json_populate_record",
    "json_to_record",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_path_exists_tz",
    "jsonb_path_match_tz",
    "jsonb_path_query_array_tz",
    "jsonb_path_query_first_tz",
    "jsonb_populate_record",
    "jsonb_to_record",
    "lastval",
    "make_timestamptz",
    "mxid_age",
    "nextval",
    "now",
    "obj_description",
    "query_to_xml",
    "random",
    "row_security_active",
    "row_to_json",
    "set_config",
    "setval",
    "shobj_description",
    "statement_timestamp",
    "table_to_xml",
    "timeofday",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_regclass",
    "to_regcollation",
    "to_regnamespace",
    "to_regoper",
    "to_regoperator",
    "to_regproc",
    "to_regprocedure",
    "to_regrole",
    "to_regtype",
    "transaction_timestamp",
    "txid_current",
    "txid_current_if_assigned",
    "txid_current_snapshot",
    "txid_status",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
    "version",
];

/// Functions that are written without parentheses.
const WORDS: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
];

/// Functions that read a setting of the session when an argument is left out, with the number of
/// arguments at which they do.
const BY_SETTING: &[(&str, usize)] = &[
    ("age", 1),
    ("phraseto_tsquery", 1),
    ("plainto_tsquery", 1),
    ("to_timestamp", 2),
    ("to_tsquery", 1),
    ("to_tsvector", 1),
    ("ts_headline", 2),
    ("websearch_to_tsquery", 1),
];

/// What is not immutable in `text`, in words; None where nothing is known to be.
pub(super) fn culprit(cx: &Context<'_>, table: &Table, text: &str) -> Option<String> {
    let tokens = words::tokens(text);
    words::calls(&tokens)
        .into_iter()
        .find_map(|(name, arguments)| call(cx, table, &name, arguments))
        .or_else(|| words::words(&tokens).find(|w| WORDS.contains(&w.as_str()) && table.column(w).is_none()))
        .or_else(|| {
            let mut typing = Typing { cx, table, culprit: None };
            typing.infer(&crate::expr::parse(text)?);
            typing.culprit
        })
}

fn call(cx: &Context<'_>, table: &Table, written: &Written, arguments: usize) -> Option<String> {
    let name = written.name.as_str();
    if let Some(stated) = declared(cx, table, written, arguments) {
        return stated.map(|volatility| format!("{name}(), declared {volatility}"));
    }
    if written.schema.as_deref().is_some_and(|s| s != "pg_catalog") {
        return None;
    }
    let mutable = NEVER_IMMUTABLE.binary_search(&name).is_ok() || BY_SETTING.contains(&(name, arguments));
    mutable.then(|| format!("{name}()"))
}

/// None where the model has no such function; otherwise its volatility, where that is not
/// immutable in any form that takes this number of arguments.
fn declared<'a>(cx: &Context<'a>, table: &Table, written: &Written, arguments: usize) -> Option<Option<&'a str>> {
    let schemas: Vec<&str> = match &written.schema {
        Some(schema) => vec![schema],
        None => vec![&table.name.schema, "public"],
    };
    let functions: Vec<_> =
        schemas.iter().flat_map(|s| cx.functions(&QName::new(*s, &written.name)).iter().copied()).collect();
    let takes = |f: &&&canon_core::schema::Function| {
        let inputs = f.arguments.iter().filter(|a| !matches!(a.mode.as_str(), "out" | "table"));
        let optional = inputs.clone().filter(|a| a.default.is_some()).count();
        let variadic = f.arguments.iter().any(|a| a.mode == "variadic");
        let all = inputs.count();
        variadic || (all - optional..=all).contains(&arguments)
    };
    let fitting: Vec<_> = functions.iter().filter(takes).collect();
    let first = fitting.first()?;
    // One in SQL may be inlined, and then what it calls decides.
    let immutable = fitting.iter().any(|f| f.volatility == "immutable" || f.language == "sql");
    Some((!immutable).then_some(first.volatility.as_str()))
}

/// Types as far as they decide about immutability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Text,
    /// Anything whose text form `||` has to make.
    Plain,
    TimestampTz,
    Timestamp,
    Date,
    Interval,
}

fn ty_of(name: &str) -> Option<Ty> {
    let base = name.split('(').next().unwrap_or_default().trim();
    Some(match base {
        _ if name.ends_with(']') => return None,
        "timestamptz" => Ty::TimestampTz,
        _ if name.starts_with("timestamp") && name.ends_with("with time zone") => Ty::TimestampTz,
        _ if base.starts_with("timestamp") => Ty::Timestamp,
        "date" => Ty::Date,
        "interval" => Ty::Interval,
        "integer" | "bigint" | "smallint" | "int" | "int4" | "int8" | "numeric" | "real" | "double precision"
        | "boolean" | "uuid" | "inet" => Ty::Plain,
        _ if is_text(name) || base == "varchar" || base == "char" => Ty::Text,
        _ => return None,
    })
}

struct Typing<'c, 'a> {
    cx: &'c Context<'a>,
    table: &'c Table,
    culprit: Option<String>,
}

impl Typing<'_, '_> {
    fn blame(&mut self, what: impl Into<String>) {
        self.culprit.get_or_insert_with(|| what.into());
    }

    /// The type of an expression, where it matters and is known.
    fn infer(&mut self, expr: &Expr) -> Option<Ty> {
        match expr {
            Expr::Nested(inner) => self.infer(inner),
            Expr::Identifier(ident) => {
                let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
                let column = self.table.column(&name)?;
                ty_of(self.cx.base_type(column))
            }
            Expr::Value(value) => matches!(value.value, Value::Number(..)).then_some(Ty::Plain),
            Expr::Interval(_) => Some(Ty::Interval),
            Expr::TypedString(typed) => ty_of(&typed.data_type.to_string().to_lowercase()),
            Expr::Cast { expr, data_type, .. } => {
                let to = ty_of(&data_type.to_string().to_lowercase());
                let from = self.infer(expr);
                self.cast(from, to);
                to
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.infer(time_zone);
                match self.infer(timestamp)? {
                    Ty::TimestampTz => Some(Ty::Timestamp),
                    Ty::Timestamp | Ty::Date => Some(Ty::TimestampTz),
                    _ => None,
                }
            }
            Expr::Extract { expr, .. } => {
                if self.infer(expr) == Some(Ty::TimestampTz) {
                    self.blame("extract() from a timestamp with time zone");
                }
                Some(Ty::Plain)
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { expr, .. } => self.infer(expr),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) | Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => {
                self.infer(inner);
                Some(Ty::Plain)
            }
            Expr::Function(function) => self.function(function),
            _ => None,
        }
    }

    fn cast(&mut self, from: Option<Ty>, to: Option<Ty>) {
        match (from, to) {
            (Some(Ty::TimestampTz), Some(Ty::Text | Ty::Date | Ty::Timestamp)) => {
                self.blame("a cast of a timestamp with time zone, which depends on the session's time zone");
            }
            (Some(Ty::Timestamp | Ty::Date), Some(Ty::TimestampTz)) => {
                self.blame("a cast to timestamp with time zone, which depends on the session's time zone");
            }
            (Some(Ty::Timestamp | Ty::Date), Some(Ty::Text)) => {
                self.blame("a cast of a date to text, which depends on the session's DateStyle");
            }
            (Some(Ty::Text), Some(Ty::TimestampTz | Ty::Timestamp | Ty::Date)) => {
                self.blame("a cast of text to a date, which depends on the session's DateStyle");
            }
            _ => {}
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Ty> {
        let (a, b) = (self.infer(left), self.infer(right));
        match op {
            BinaryOperator::Plus | BinaryOperator::Minus => match (a, b) {
                (Some(Ty::TimestampTz), Some(Ty::Interval)) | (Some(Ty::Interval), Some(Ty::TimestampTz)) => {
                    self.blame("timestamp with time zone plus or minus an interval");
                    Some(Ty::TimestampTz)
                }
                (Some(Ty::Timestamp | Ty::Date), Some(Ty::Interval)) => Some(Ty::Timestamp),
                (Some(Ty::TimestampTz), Some(Ty::TimestampTz)) => Some(Ty::Interval),
                _ => None,
            },
            BinaryOperator::StringConcat => {
                let dated = |t| matches!(t, Some(Ty::TimestampTz | Ty::Timestamp | Ty::Date));
                if dated(a) || dated(b) {
                    self.blame("`||` with a date or time, whose text depends on the session");
                }
                Some(Ty::Text)
            }
            BinaryOperator::LongArrow => Some(Ty::Text),
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                let zoned = |x, y| x == Some(Ty::TimestampTz) && matches!(y, Some(Ty::Timestamp | Ty::Date));
                if zoned(a, b) || zoned(b, a) {
                    self.blame("a comparison of timestamps with and without time zone");
                }
                Some(Ty::Plain)
            }
            BinaryOperator::And | BinaryOperator::Or => Some(Ty::Plain),
            _ => None,
        }
    }

    fn function(&mut self, function: &sqlparser::ast::Function) -> Option<Ty> {
        let name = match function.name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => ident.value.to_lowercase(),
            _ => return None,
        };
        let FunctionArguments::List(list) = &function.args else { return None };
        let types: Vec<Option<Ty>> = list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.infer(expr),
                _ => None,
            })
            .collect();
        let last = types.last().copied().flatten();
        match (name.as_str(), types.len()) {
            ("date_trunc" | "date_part", 2) if last == Some(Ty::TimestampTz) => {
                self.blame(format!("{name}() of a timestamp with time zone"));
            }
            ("date_trunc", 2) if last == Some(Ty::Date) => {
                self.blame("date_trunc() of a date, which becomes a timestamp with time zone");
            }
            ("date" | "timestamp", 1) => {
                let to = if name == "date" { Ty::Date } else { Ty::Timestamp };
                self.cast(last, Some(to));
            }
            _ => {}
        }
        match name.as_str() {
            "date_trunc" if last == Some(Ty::Date) => Some(Ty::TimestampTz),
            "date_trunc" => last,
            "date" => Some(Ty::Date),
            "coalesce" | "nullif" | "greatest" | "least" => types.into_iter().flatten().next(),
            "lower" | "upper" | "btrim" | "ltrim" | "rtrim" | "replace" | "substring" | "substr" | "left" | "right" => {
                Some(Ty::Text)
            }
            "make_interval" | "age" => Some(Ty::Interval),
            "to_timestamp" => Some(Ty::TimestampTz),
            "length" | "char_length" | "abs" | "floor" | "ceil" | "round" => Some(Ty::Plain),
            "timezone" => match last? {
                Ty::TimestampTz => Some(Ty::Timestamp),
                Ty::Timestamp | Ty::Date => Some(Ty::TimestampTz),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(NEVER_IMMUTABLE.is_sorted());
    }
}
