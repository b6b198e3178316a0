//! Name and type of one expression of a SELECT list.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Subscript,
    TrimWhereField, UnaryOperator, Value,
};

use super::super::{Catalog, expressions};
use super::{Ctes, MAX_DEPTH, Scope, ident, inner, name_of};
use crate::parse::Name;

/// Functions whose result has one type whatever they are given.
const RESULTS: &[(&str, &str)] = &[
    ("count", "bigint"),
    ("row_number", "bigint"),
    ("rank", "bigint"),
    ("dense_rank", "bigint"),
    ("length", "integer"),
    ("char_length", "integer"),
    ("now", "timestamp with time zone"),
    ("current_timestamp", "timestamp with time zone"),
    ("localtimestamp", "timestamp without time zone"),
    ("current_date", "date"),
    ("gen_random_uuid", "uuid"),
    ("lower", "text"),
    ("upper", "text"),
    ("concat", "text"),
    ("concat_ws", "text"),
    ("to_char", "text"),
    ("format", "text"),
    ("string_agg", "text"),
    ("initcap", "text"),
    ("btrim", "text"),
    ("md5", "text"),
    ("replace", "text"),
    ("split_part", "text"),
    ("bool_or", "boolean"),
    ("bool_and", "boolean"),
    ("json_agg", "json"),
    ("json_build_object", "json"),
    ("to_json", "json"),
    ("row_to_json", "json"),
    ("jsonb_agg", "jsonb"),
    ("jsonb_build_object", "jsonb"),
    ("jsonb_build_array", "jsonb"),
    ("jsonb_object_agg", "jsonb"),
    ("to_jsonb", "jsonb"),
    ("to_tsvector", "tsvector"),
];

impl Catalog {
    /// The name PostgreSQL gives to an index column made by an expression, after `FigureIndexColname`.
    pub(in crate::fold) fn name_of_expression(&self, text: &str) -> String {
        let Some(expr) = crate::expr::parse(text) else { return expressions::result_name(text) };
        let ctes = Ctes::new();
        let scope = Scope { catalog: self, sources: Vec::new(), merged: Vec::new(), ctes: &ctes, depth: MAX_DEPTH };
        scope.strong_name(&expr).unwrap_or_else(|| weak_name(&expr).unwrap_or("expr").to_owned())
    }
}

impl Scope<'_> {
    /// The name PostgreSQL gives to a column that has none, after `FigureColname`.
    pub(super) fn name(&self, expr: &Expr) -> String {
        self.strong_name(expr).unwrap_or_else(|| weak_name(expr).unwrap_or("?column?").to_owned())
    }

    /// Names that a cast around them does not change.
    fn strong_name(&self, expr: &Expr) -> Option<String> {
        let fixed = match expr {
            Expr::Nested(expr) | Expr::Collate { expr, .. } => return self.strong_name(expr),
            Expr::Cast { expr, .. } => return self.strong_name(expr),
            Expr::Identifier(name) => return Some(ident(name)),
            Expr::CompoundIdentifier(parts) => return parts.last().map(ident),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let field = access_chain.iter().rev().find_map(|access| match access {
                    AccessExpr::Dot(expr) => self.strong_name(expr),
                    AccessExpr::Subscript(_) => None,
                });
                return field.or_else(|| self.strong_name(root));
            }
            Expr::Function(function) => return Some(name_of(&function.name).name),
            Expr::Case { else_result, .. } => return else_result.as_ref().and_then(|expr| self.strong_name(expr)),
            Expr::Subquery(query) => return self.subquery(query).map(|(name, _)| name).filter(|n| n != "?column?"),
            Expr::Extract { .. } => "extract",
            Expr::Position { .. } => "position",
            Expr::Substring { .. } => "substring",
            Expr::Overlay { .. } => "overlay",
            Expr::Ceil { .. } => "ceil",
            Expr::Floor { .. } => "floor",
            Expr::AtTimeZone { .. } => "timezone",
            Expr::Exists { .. } => "exists",
            Expr::Array(_) => "array",
            Expr::Tuple(_) => "row",
            Expr::Trim { trim_where: Some(TrimWhereField::Leading), .. } => "ltrim",
            Expr::Trim { trim_where: Some(TrimWhereField::Trailing), .. } => "rtrim",
            Expr::Trim { .. } => "btrim",
            _ => return None,
        };
        Some(fixed.to_owned())
    }

    /// The type of an expression; empty where it does not follow.
    pub(super) fn ty(&self, expr: &Expr) -> String {
        let fixed = match expr {
            Expr::Nested(expr) | Expr::Collate { expr, .. } => return self.ty(expr),
            Expr::Identifier(name) => return self.column(None, &ident(name)),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., table, column] => return self.column(Some(&ident(table)), &ident(column)),
                _ => "",
            },
            Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
                [AccessExpr::Subscript(Subscript::Index { .. })] => {
                    let ty = self.ty(root);
                    return ty.strip_suffix("[]").unwrap_or_default().to_owned();
                }
                _ => "",
            },
            Expr::Cast { data_type, .. } => return self.cast_type(data_type),
            Expr::Function(function) => return self.function_type(function),
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::DollarQuotedString(_) => "text",
                Value::Boolean(_) => "boolean",
                Value::Number(digits, _) if digits.parse::<i32>().is_ok() => "integer",
                Value::Number(digits, _) if digits.parse::<i64>().is_ok() => "bigint",
                Value::Number(..) => "numeric",
                _ => "",
            },
            Expr::BinaryOp { op, left, right } => return self.operator_type(op, left, right),
            Expr::UnaryOp { op: UnaryOperator::Not, .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::Exists { .. } => "boolean",
            Expr::Extract { .. } => "numeric",
            Expr::Trim { .. } => "text",
            Expr::Subquery(query) => return self.subquery(query).map(|(_, ty)| ty).unwrap_or_default(),
            _ => "",
        };
        fixed.to_owned()
    }

    fn cast_type(&self, data_type: &DataType) -> String {
        crate::parse::type_of(&data_type.to_string()).map(|ty| self.catalog.type_display(&ty)).unwrap_or_default()
    }

    fn function_type(&self, function: &Function) -> String {
        let name = name_of(&function.name);
        if name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog") {
            if let Some((_, ty)) = RESULTS.iter().find(|(known, _)| *known == name.name) {
                return (*ty).to_owned();
            }
            if name.name == "coalesce" {
                return self.common_type(&function.args);
            }
        }
        self.declared_type(&name)
    }

    /// COALESCE: certain where all arguments have one type, as the first NULLs and strings adapt.
    fn common_type(&self, arguments: &FunctionArguments) -> String {
        let FunctionArguments::List(list) = arguments else { return String::new() };
        let mut types = Vec::new();
        for argument in &list.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else { return String::new() };
            types.push(self.ty(expr));
        }
        match types.split_first() {
            Some((first, rest)) if rest.iter().all(|ty| ty == first) => first.clone(),
            _ => String::new(),
        }
    }

    /// A function of the schema itself, where the name is not overloaded.
    fn declared_type(&self, name: &Name) -> String {
        let [key] = &self.catalog.find_function(name)[..] else { return String::new() };
        let function = &self.catalog.functions[key];
        let returns = function.returns.clone().unwrap_or_default();
        if returns.starts_with("any") || returns.starts_with("SETOF") { String::new() } else { returns }
    }

    fn operator_type(&self, op: &BinaryOperator, left: &Expr, right: &Expr) -> String {
        use BinaryOperator as Op;
        let fixed = match op {
            Op::And | Op::Or | Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => "boolean",
            Op::LongArrow | Op::HashLongArrow => "text",
            Op::Arrow | Op::HashArrow => return self.ty(left),
            Op::Plus | Op::Minus | Op::Multiply => {
                let (a, b) = (self.ty(left), self.ty(right));
                if a == b && matches!(a.as_str(), "integer" | "bigint" | "double precision") {
                    return a;
                }
                ""
            }
            Op::StringConcat => match (self.ty(left).as_str(), self.ty(right).as_str()) {
                ("text", "text") => "text",
                _ => "",
            },
            _ => "",
        };
        fixed.to_owned()
    }
}

/// Names that a cast or a CASE around them replaces.
fn weak_name(expr: &Expr) -> Option<&'static str> {
    match inner(expr) {
        Expr::Cast { expr, data_type, .. } => internal_name(data_type).or_else(|| weak_name(expr)),
        Expr::TypedString(typed) => internal_name(&typed.data_type),
        Expr::Interval(_) => Some("interval"),
        Expr::Case { .. } => Some("case"),
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => Some("bool"),
        _ => None,
    }
}

/// The name of a type in `pg_type`.
fn internal_name(ty: &DataType) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("integer", "int4"),
        ("bigint", "int8"),
        ("smallint", "int2"),
        ("boolean", "bool"),
        ("character varying", "varchar"),
        ("character", "bpchar"),
        ("double precision", "float8"),
        ("real", "float4"),
        ("timestamp with time zone", "timestamptz"),
        ("timestamp without time zone", "timestamp"),
        ("time with time zone", "timetz"),
        ("time without time zone", "time"),
        ("text", "text"),
        ("numeric", "numeric"),
        ("date", "date"),
        ("uuid", "uuid"),
        ("json", "json"),
        ("jsonb", "jsonb"),
        ("bytea", "bytea"),
        ("interval", "interval"),
        ("money", "money"),
        ("inet", "inet"),
        ("regclass", "regclass"),
        ("oid", "oid"),
        ("name", "name"),
    ];
    let ty = crate::parse::type_of(&ty.to_string())?;
    let plain = crate::parse::TypeName { modifiers: Vec::new(), dimensions: 0, ..ty };
    let display = plain.display();
    NAMES.iter().find(|(name, _)| *name == display).map(|(_, internal)| *internal)
}
