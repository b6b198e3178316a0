//! Names and types as they are written, and types as the catalogue prints them.

use std::fmt;

use canon_core::schema::quote_ident;
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Parse};

/// A name that may lack its schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    /// Schema, where it was written.
    pub(crate) schema: Option<String>,
    /// The name itself.
    pub(crate) name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_ident(schema))?;
        }
        f.write_str(&quote_ident(&self.name))
    }
}

/// A type as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeName {
    /// Name; for built-in types the catalogue's own (`int4` is `integer`).
    pub(crate) name: Name,
    /// Type modifiers, as written: `10`, `2`, `Point`.
    pub(crate) modifiers: Vec<String>,
    /// What follows the modifiers in the catalogue's spelling, for example ` with time zone`.
    pub(crate) suffix: &'static str,
    /// Number of array dimensions.
    pub(crate) dimensions: u32,
    /// `SETOF` of a function result.
    pub(crate) setof: bool,
    /// `serial` and its kin.
    pub(crate) serial: bool,
    /// Known to be built in, so that no schema is looked for.
    pub(crate) builtin: bool,
}

impl TypeName {
    /// As `format_type` prints it; the name must have been resolved before.
    pub(crate) fn display(&self) -> String {
        let mut out = if self.builtin { self.name.name.clone() } else { self.name.to_string() };
        if !self.modifiers.is_empty() {
            out.push_str(&format!("({})", self.modifiers.join(",")));
        }
        out.push_str(self.suffix);
        if self.dimensions > 0 {
            out.push_str("[]");
        }
        if self.setof { format!("SETOF {out}") } else { out }
    }
}

/// Spellings of built-in types, and what `format_type` calls them.
const ALIASES: &[(&str, &str)] = &[
    ("int", "integer"),
    ("int4", "integer"),
    ("int2", "smallint"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("bool", "boolean"),
    ("varchar", "character varying"),
    ("char", "character"),
    ("nchar", "character"),
    ("varbit", "bit varying"),
];

/// `serial` types and the integer each is.
const SERIALS: &[(&str, &str)] = &[
    ("serial", "integer"),
    ("serial4", "integer"),
    ("bigserial", "bigint"),
    ("serial8", "bigint"),
    ("smallserial", "smallint"),
    ("serial2", "smallint"),
];

/// Types of `pg_catalog` that keep their name.
const BUILTIN: &[&str] = &[
    "integer",
    "smallint",
    "bigint",
    "real",
    "numeric",
    "boolean",
    "text",
    "bytea",
    "uuid",
    "json",
    "jsonb",
    "jsonpath",
    "date",
    "money",
    "bpchar",
    "name",
    "oid",
    "xid",
    "xid8",
    "cid",
    "tid",
    "xml",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "regclass",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regtype",
    "regrole",
    "regnamespace",
    "regconfig",
    "regdictionary",
    "regcollation",
    "pg_lsn",
    "pg_snapshot",
    "txid_snapshot",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "tsmultirange",
    "tstzmultirange",
    "datemultirange",
    "refcursor",
    "bit",
    "bit varying",
    "character",
    "character varying",
    "double precision",
    "trigger",
    "event_trigger",
    "void",
    "record",
    "anyelement",
    "anyarray",
    "anynonarray",
    "anyenum",
    "anyrange",
    "anymultirange",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblenonarray",
    "anycompatiblerange",
    "cstring",
    "internal",
    "any",
    "unknown",
    "language_handler",
    "fdw_handler",
    "table_am_handler",
    "index_am_handler",
    "tsm_handler",
    "int2vector",
    "oidvector",
    "aclitem",
    "pg_node_tree",
    "interval",
];

/// Whether `pg_catalog` has a type of that name.
fn is_builtin(name: &str) -> bool {
    BUILTIN.contains(&name)
}

impl Cursor<'_> {
    /// A type.
    pub(crate) fn type_name(&mut self) -> Parse<TypeName> {
        let setof = self.eat_kw("SETOF");
        let mut ty = self.base_type()?;
        ty.setof = setof;
        self.array_suffix(&mut ty)?;
        Ok(ty)
    }

    fn base_type(&mut self) -> Parse<TypeName> {
        if let Some(word) = self.peek_word() {
            let single = self.peek_at(1) != Some(&Token::Period);
            match word.as_str() {
                "DOUBLE" if self.is_kw_at(1, "PRECISION") => {
                    self.seek(self.index() + 2);
                    return Ok(builtin("double precision"));
                }
                "TIMESTAMP" | "TIME" if single => return self.time_type(&word),
                "INTERVAL" if single => return self.interval_type(),
                "NATIONAL" if self.is_kw_at(1, "CHARACTER") || self.is_kw_at(1, "CHAR") => {
                    self.advance();
                    return self.character_type();
                }
                "CHARACTER" | "CHAR" | "NCHAR" if single => return self.character_type(),
                "BIT" if single => {
                    self.advance();
                    let varying = self.eat_kw("VARYING");
                    let mut ty = builtin(if varying { "bit varying" } else { "bit" });
                    ty.modifiers = self.modifiers()?;
                    if !varying && ty.modifiers.is_empty() {
                        ty.modifiers.push("1".to_owned());
                    }
                    return Ok(ty);
                }
                _ => {}
            }
        }
        self.named_type()
    }

    fn named_type(&mut self) -> Parse<TypeName> {
        let quoted = matches!(self.peek(), Some(Token::Word(w)) if w.quote_style.is_some());
        let mut name = self.name()?;
        // `table.column%TYPE` and `table%ROWTYPE` are kept as they are.
        if self.is(&Token::Mod) && (self.is_kw_at(1, "TYPE") || self.is_kw_at(1, "ROWTYPE")) {
            let kind = if self.is_kw_at(1, "TYPE") { "%TYPE" } else { "%ROWTYPE" };
            self.seek(self.index() + 2);
            return Ok(TypeName { name, suffix: kind, ..TypeName::default() });
        }
        let is_catalog = name.schema.as_deref() == Some("pg_catalog");
        if is_catalog || (quoted && name.schema.is_none() && is_internal(&name.name)) {
            return self.catalog_type(&name.name);
        }
        if name.schema.is_none() && !quoted {
            if let Some((_, integer)) = SERIALS.iter().find(|(alias, _)| *alias == name.name) {
                return Ok(TypeName { serial: true, ..builtin(integer) });
            }
            if let Some((_, canonical)) = ALIASES.iter().find(|(alias, _)| *alias == name.name) {
                name.name = (*canonical).to_owned();
            }
            if let Some(time) = zoned(&name.name) {
                let mut ty = builtin(time);
                ty.modifiers = self.modifiers()?;
                ty.suffix = " with time zone";
                return Ok(ty);
            }
            if name.name == "float" {
                let bits = self.modifiers()?.first().and_then(|m| m.parse::<u32>().ok());
                return Ok(builtin(if bits.is_some_and(|b| b <= 24) { "real" } else { "double precision" }));
            }
        }
        // The catalogue's own name of an array.
        if name.schema.is_none()
            && let Some(element) = name.name.strip_prefix('_').filter(|element| is_internal(element))
        {
            let mut ty = self.catalog_type(element)?;
            ty.dimensions = 1;
            return Ok(ty);
        }
        let builtin = name.schema.is_none() && is_builtin(&name.name);
        let mut ty = TypeName { name, builtin, ..TypeName::default() };
        ty.modifiers = self.modifiers()?;
        complete_modifiers(&mut ty);
        Ok(ty)
    }

    /// `pg_catalog.x`, where `x` is the internal name.
    fn catalog_type(&mut self, name: &str) -> Parse<TypeName> {
        if let Some(element) = name.strip_prefix('_').filter(|element| is_internal(element)) {
            let mut ty = self.catalog_type(element)?;
            ty.dimensions = 1;
            return Ok(ty);
        }
        let internal = match name {
            "char" => "\"char\"",
            other => ALIASES.iter().find(|(alias, _)| *alias == other).map_or(other, |(_, canonical)| canonical),
        };
        let mut ty =
            TypeName { name: Name { schema: None, name: internal.to_owned() }, builtin: true, ..TypeName::default() };
        if let Some(time) = zoned(internal) {
            ty.name.name = time.to_owned();
            ty.suffix = " with time zone";
        } else if matches!(internal, "timestamp" | "time") {
            ty.suffix = " without time zone";
        }
        ty.modifiers = self.modifiers()?;
        complete_modifiers(&mut ty);
        Ok(ty)
    }

    fn time_type(&mut self, word: &str) -> Parse<TypeName> {
        self.advance();
        let mut ty = builtin(if word == "TIME" { "time" } else { "timestamp" });
        ty.modifiers = self.modifiers()?;
        ty.suffix = if self.eat_kws(&["WITH", "TIME", "ZONE"]) {
            " with time zone"
        } else {
            self.eat_kws(&["WITHOUT", "TIME", "ZONE"]);
            " without time zone"
        };
        Ok(ty)
    }

    fn interval_type(&mut self) -> Parse<TypeName> {
        const FIELDS: &[(&[&str], &str)] = &[
            (&["YEAR", "TO", "MONTH"], "interval year to month"),
            (&["DAY", "TO", "HOUR"], "interval day to hour"),
            (&["DAY", "TO", "MINUTE"], "interval day to minute"),
            (&["DAY", "TO", "SECOND"], "interval day to second"),
            (&["HOUR", "TO", "MINUTE"], "interval hour to minute"),
            (&["HOUR", "TO", "SECOND"], "interval hour to second"),
            (&["MINUTE", "TO", "SECOND"], "interval minute to second"),
            (&["YEAR"], "interval year"),
            (&["MONTH"], "interval month"),
            (&["DAY"], "interval day"),
            (&["HOUR"], "interval hour"),
            (&["MINUTE"], "interval minute"),
            (&["SECOND"], "interval second"),
        ];
        self.advance();
        let fields = FIELDS.iter().find(|(words, _)| self.eat_kws(words)).map_or("interval", |(_, name)| name);
        let mut ty = builtin(fields);
        ty.modifiers = self.modifiers()?;
        Ok(ty)
    }

    fn character_type(&mut self) -> Parse<TypeName> {
        self.advance();
        let varying = self.eat_kw("VARYING");
        let mut ty = builtin(if varying { "character varying" } else { "character" });
        ty.modifiers = self.modifiers()?;
        if !varying && ty.modifiers.is_empty() {
            ty.modifiers.push("1".to_owned());
        }
        Ok(ty)
    }

    fn modifiers(&mut self) -> Parse<Vec<String>> {
        if !self.is(&Token::LParen) {
            return Ok(Vec::new());
        }
        let inside = self.parens()?;
        let end = inside.end;
        let resume = self.index();
        self.seek(inside.start);
        let mut list = Vec::new();
        while self.index() < end {
            let one = self.until(|c| c.index() >= end || c.is(&Token::Comma));
            list.push(self.clean_text(one));
            if !self.eat(&Token::Comma) {
                break;
            }
        }
        self.seek(resume);
        Ok(list)
    }

    fn array_suffix(&mut self, ty: &mut TypeName) -> Parse<()> {
        if self.eat_kw("ARRAY") {
            ty.dimensions = 1;
        }
        while self.eat(&Token::LBracket) {
            if let Some(Token::Number(..)) = self.peek() {
                self.advance();
            }
            self.expect(&Token::RBracket)?;
            ty.dimensions += 1;
        }
        if ty.suffix == "%TYPE" {
            ty.dimensions = 0;
        }
        ty.dimensions = ty.dimensions.min(6);
        Ok(())
    }
}

fn builtin(name: &str) -> TypeName {
    TypeName { name: Name { schema: None, name: name.to_owned() }, builtin: true, ..TypeName::default() }
}

fn zoned(name: &str) -> Option<&'static str> {
    match name {
        "timestamptz" => Some("timestamp"),
        "timetz" => Some("time"),
        _ => None,
    }
}

/// Whether `pg_type` has a built-in type under exactly this name.
fn is_internal(name: &str) -> bool {
    let renamed =
        ALIASES.iter().any(|(alias, _)| *alias == name) && !matches!(name, "int" | "decimal" | "dec" | "nchar");
    let is_spelling =
        ["integer", "bigint", "smallint", "real", "boolean", "character"].contains(&name) || name.contains(' ');
    renamed || zoned(name).is_some() || matches!(name, "timestamp" | "time") || (is_builtin(name) && !is_spelling)
}

/// What the catalogue adds to the modifiers people write.
fn complete_modifiers(ty: &mut TypeName) {
    // `bpchar` without a length is a type of its own; with one it is `character`.
    if ty.builtin && ty.name.name == "bpchar" && !ty.modifiers.is_empty() {
        "character".clone_into(&mut ty.name.name);
    }
    if ty.builtin && ty.name.name == "numeric" && ty.modifiers.len() == 1 {
        ty.modifiers.push("0".to_owned());
    }
}
