//! Values at the edge of what a type holds.

use canon_codegen::model::{Column, Model, QName};
use canon_codegen::typename::{Spelling, qualified};

use super::rows::quoted;

/// Deepest nesting of types in types.
const MAX_DEPTH: usize = 16;

/// Text with everything that has a meaning somewhere.
const TEXT: &str = "Ä\"b\"'c'\\d\te\nf{g}(h),i;$1--ß日本🦀 ";

/// Which edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The smallest, earliest, emptiest.
    Low,
    /// The greatest, latest, longest.
    High,
}

/// A literal for the column; None where the type has no edges that are known.
pub(super) fn edge(model: &Model, column: &Column, at: Edge) -> Option<String> {
    Place { model, at }.of_type(&column.ty, 0).map(|text| quoted(&text))
}

struct Place<'m> {
    model: &'m Model,
    at: Edge,
}

impl Place<'_> {
    fn pick(&self, low: impl Into<String>, high: impl Into<String>) -> String {
        if self.at == Edge::Low { low.into() } else { high.into() }
    }

    fn of_type(&self, ty: &str, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let spelling = Spelling::parse(ty);
        if spelling.array {
            if self.at == Edge::Low {
                return Some("{}".to_owned());
            }
            let low = Place { at: Edge::Low, ..*self }.of_type(spelling.element, depth + 1)?;
            let high = self.of_type(spelling.element, depth + 1)?;
            return Some(format!("{{{},{}}}", element(&low), element(&high)));
        }
        match qualified(&spelling.name) {
            Some(name) => self.declared(&name, depth).or_else(|| self.builtin(&name.name, &spelling)),
            None => self.builtin(&spelling.name, &spelling),
        }
    }

    fn declared(&self, name: &QName, depth: usize) -> Option<String> {
        if let Some(ty) = self.model.enums.iter().find(|t| t.name == *name) {
            return if self.at == Edge::Low { ty.labels.first().cloned() } else { ty.labels.last().cloned() };
        }
        if let Some(domain) = self.model.domains.iter().find(|t| t.name == *name) {
            return self.of_type(&domain.ty, depth + 1);
        }
        if let Some(ty) = self.model.composites.iter().find(|t| t.name == *name) {
            // The emptiest has nothing but NULLs.
            let field = |ty: &str| if self.at == Edge::Low { None } else { self.of_type(ty, depth + 1) };
            let fields: Vec<String> =
                ty.columns.iter().map(|c| field(&c.ty).map_or_else(String::new, |text| element(&text))).collect();
            return Some(format!("({})", fields.join(",")));
        }
        if self.model.ranges.iter().any(|t| t.name == *name) {
            return Some(self.pick("empty", "(,)"));
        }
        self.model.ranges.iter().any(|t| t.multirange == *name).then(|| self.pick("{}", "{(,)}"))
    }

    fn builtin(&self, name: &str, spelling: &Spelling<'_>) -> Option<String> {
        let mut numbers = spelling.modifiers.split(',').map(|m| m.trim().parse::<usize>().ok());
        let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
        Some(match name {
            "smallint" => self.pick(i16::MIN.to_string(), i16::MAX.to_string()),
            "integer" => self.pick(i32::MIN.to_string(), i32::MAX.to_string()),
            "bigint" => self.pick(i64::MIN.to_string(), i64::MAX.to_string()),
            "real" => self.pick(format!("{:e}", f32::MIN), format!("{:e}", f32::MAX)),
            "double precision" => self.pick(format!("{:e}", f64::MIN), "2.2250738585072014e-308"),
            "numeric" => self.numeric(first, second),
            "money" => self.pick("-92233720368547758.08", "92233720368547758.07"),
            "boolean" => self.pick("false", "true"),
            "uuid" => self.pick("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            "text" | "citext" | "character varying" | "character" | "bpchar" => {
                let length = first.unwrap_or(if name == "character" { 1 } else { usize::MAX });
                self.pick("", TEXT.chars().take(length).collect::<String>())
            }
            "name" => self.pick("", TEXT),
            "\"char\"" => self.pick("", "~"),
            "bytea" => self.pick("", "\\x00ff275c0a"),
            // An object, because a column can have a type that is one.
            "json" | "jsonb" => self.pick("{}", r#"{"":"ä\"\\'\n","z":"9007199254740993"}"#),
            "date" => self.pick("4713-11-24 BC", "9999-12-31"),
            "time without time zone" => self.pick("00:00:00", "23:59:58.999999"),
            "time with time zone" => self.pick("00:00:00+15:59:59", "23:59:58.999999-15:59:59"),
            // Some libraries end with the year 9999, and generated columns can lie behind the others.
            "timestamp without time zone" => self.pick("4713-11-24 00:00:00 BC", "5000-06-30 23:59:58.999999"),
            "timestamp with time zone" => self.pick("4713-11-25 00:00:00+00 BC", "5000-06-30 23:59:58.999999+00"),
            "interval" => self.pick(
                "-178000000 years -2147483648 days -04:05:06.000007",
                "178000000 years 2147483647 days 2562047788:00:54",
            ),
            "inet" => self.pick("0.0.0.0/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            "cidr" => self.pick("0.0.0.0/0", "2001:db8::/33"),
            "macaddr" => self.pick("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"),
            "macaddr8" => self.pick("00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"),
            "bit" => self.pick("0", "1").repeat(first.unwrap_or(1)),
            "bit varying" => self.pick("", "1".repeat(first.unwrap_or(17))),
            "oid" => self.pick("0", u32::MAX.to_string()),
            "point" => self.pick("(-1e+308,1e-300)", "(0,-0)"),
            "tsvector" | "hstore" | "ltree" => self.pick("", builtin_high(name)),
            "xml" => self.pick("", "<a b=\"c\">ä&amp;</a>"),
            "int4range" | "int8range" | "numrange" | "daterange" | "tsrange" | "tstzrange" => self.pick("empty", "(,)"),
            "int4multirange" | "int8multirange" | "nummultirange" | "datemultirange" | "tsmultirange"
            | "tstzmultirange" => self.pick("{}", "{(,)}"),
            _ => return None,
        })
    }

    /// As many digits as are declared; 28 where none are, which is what most decimals of Rust hold.
    fn numeric(&self, precision: Option<usize>, scale: Option<usize>) -> String {
        let Some(precision) = precision else {
            return self.pick("-0.0000000000000000000000000001", "9999999999999999999999999999");
        };
        let scale = scale.unwrap_or(0).min(precision);
        let digits = "9".repeat(precision);
        let (whole, fraction) = digits.split_at(precision - scale);
        let whole = if whole.is_empty() { "0" } else { whole };
        let dot = if fraction.is_empty() { "" } else { "." };
        self.pick(format!("-{whole}{dot}{fraction}"), format!("{whole}{dot}{fraction}"))
    }
}

fn builtin_high(name: &str) -> &'static str {
    match name {
        "tsvector" => "'ä''b':1A,16383 'c'",
        "hstore" => "\"\"=>\"\", \"ä\\\"\"=>NULL",
        _ => "a.B_2.ccc",
    }
}

/// Inside an array or a record.
fn element(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
