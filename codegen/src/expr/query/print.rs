//! What of a query survives storing and printing, found by its tokens: no query is too deep for it.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// Operators that PostgreSQL prints as often as they were written.
const OPERATORS: &[&str] =
    &["<", ">", "<=", ">=", "/", "%", "||", "->", "->>", "#>", "#>>", "@>", "<@", "&&", "~", "~*", "!~", "!~*"];

/// Clauses that PostgreSQL prints as often as they were written.
const CLAUSES: &[&str] =
    &["select", "union", "intersect", "except", "where", "group", "having", "left", "right", "full", "exists", "case"];

/// What ends a list of tables.
const AFTER_FROM: &[&str] =
    &["where", "group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "window", "for"];

/// Words before a parenthesis that call nothing.
const NO_FUNCTIONS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "cube",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "over",
    "partition",
    "rollup",
    "row",
    "rows",
    "select",
    "sets",
    "similar",
    "some",
    "then",
    "to",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
];

/// Functions that PostgreSQL prints as syntax, or syntax that it prints as functions, and casts that
/// look like functions.
const REWRITTEN: &[&str] = &[
    "bool",
    "bpchar",
    "btrim",
    "char",
    "character",
    "collation",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "date_part",
    "extract",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "interval",
    "is_normalized",
    "json",
    "jsonb",
    "like_escape",
    "localtime",
    "localtimestamp",
    "ltrim",
    "name",
    "normalize",
    "now",
    "numeric",
    "overlaps",
    "overlay",
    "pg_collation_for",
    "position",
    "rtrim",
    "similar_escape",
    "similar_to_escape",
    "substring",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "timezone",
    "trim",
    "varchar",
    "xmlexists",
];

/// Words that a type reads as a value of its own, and prints otherwise.
const VALUES_OF_TYPES: &[&str] = &[
    "t",
    "f",
    "y",
    "n",
    "yes",
    "no",
    "on",
    "off",
    "true",
    "false",
    "now",
    "today",
    "tomorrow",
    "yesterday",
    "epoch",
    "infinity",
    "inf",
    "nan",
    "allballs",
    "null",
];

/// What of a query survives storing and printing.
#[derive(Default)]
pub(super) struct Print {
    pub(super) relations: BTreeMap<String, usize>,
    pub(super) clauses: BTreeMap<String, usize>,
    pub(super) operators: BTreeMap<String, usize>,
    pub(super) functions: BTreeSet<String>,
    strings: BTreeSet<String>,
    /// Strings that were cast to a text type: no other type has read and respelled them.
    texts: BTreeSet<String>,
    numbers: Vec<f64>,
    /// Numbers that are no positions of columns.
    firm_numbers: Vec<f64>,
    pub(super) has_between: bool,
}

impl Print {
    pub(super) fn of(text: &str) -> Option<Self> {
        let tokens = super::tokens(text)?;
        let mut print = Self::default();
        let mut reader = Reader { tokens: &tokens, levels: vec![Level::default()] };
        for n in 0..tokens.len() {
            reader.read(n, &mut print);
        }
        // TABLE t is printed as SELECT.
        if tokens.iter().any(|t| word(t).as_deref() == Some("table")) {
            return None;
        }
        Some(print)
    }

    /// Constants of a written query that its stored form would still have.
    pub(super) fn constants_missing_in(&self, stored: &Self) -> Vec<String> {
        let plain = |text: &&String| {
            let is_word = text.chars().all(|c| c.is_ascii_alphabetic() || "_- ".contains(c));
            is_word && text.trim().len() > 1 && !VALUES_OF_TYPES.contains(&text.trim().to_ascii_lowercase().as_str())
        };
        let is_gone = |text: &&String| !stored.strings.iter().any(|s| s.contains(text.trim()));
        let strings = self.strings.iter().filter(plain).filter(is_gone).map(|text| format!("'{text}'"));
        let numbers = self.firm_numbers.iter().filter(|n| !stored.knows(**n)).map(ToString::to_string);
        strings.chain(numbers).collect()
    }

    /// Constants of a stored query that nobody wrote.
    pub(super) fn constants_unknown_to(&self, written: &Self) -> Vec<String> {
        let strings = self.texts.iter().filter(|text| !written.strings.contains(*text)).map(|text| format!("'{text}'"));
        let numbers = self.firm_numbers.iter().filter(|n| !written.knows(**n)).map(ToString::to_string);
        strings.chain(numbers).collect()
    }

    /// Whether a number stands here, be it within a string, as in `interval '2 days'`. PostgreSQL
    /// writes a 1 of its own in some places.
    fn knows(&self, number: f64) -> bool {
        let in_string = |text: &String| {
            let parts = text.split(|c: char| !c.is_ascii_digit() && c != '.');
            parts.into_iter().any(|part| part.parse::<f64>() == Ok(number))
        };
        number == 1.0 || self.numbers.contains(&number) || self.strings.iter().any(in_string)
    }
}

/// What is known inside one pair of parentheses.
#[derive(Clone, Copy, Default)]
struct Level {
    /// A query stands here, so FROM is the clause and not part of a function's syntax.
    query: bool,
    /// Within a list of tables...
    from: bool,
    /// ...and a table may come next.
    expects_table: bool,
    /// Within GROUP BY or ORDER BY.
    by: bool,
    /// Within the length of a type.
    type_length: bool,
}

struct Reader<'t> {
    tokens: &'t [Token],
    levels: Vec<Level>,
}

/// A word as PostgreSQL folds it, keyword or name.
fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(w) if w.quote_style.is_none() => Some(w.value.to_ascii_lowercase()),
        _ => None,
    }
}

fn name(token: &Token) -> Option<String> {
    match token {
        Token::Word(w) if w.quote_style.is_some() => Some(w.value.clone()),
        other => word(other),
    }
}

impl Reader<'_> {
    fn at(&self, n: usize) -> Option<&Token> {
        self.tokens.get(n)
    }

    fn word_before(&self, n: usize) -> Option<String> {
        n.checked_sub(1).and_then(|m| word(&self.tokens[m]))
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn read(&mut self, n: usize, print: &mut Print) {
        match &self.tokens[n] {
            Token::LParen => {
                let outer = *self.level();
                let type_length = self.is_type_length(n);
                // FROM (a JOIN b ...) is a list of tables too; FROM f(...) is none.
                let grouped =
                    outer.expects_table && self.at(n + 1).is_some_and(|t| word(t).as_deref() != Some("select"));
                self.level().expects_table = false;
                self.levels.push(Level { from: grouped, expects_table: grouped, type_length, ..Level::default() });
            }
            Token::RParen => {
                self.levels.pop();
            }
            Token::Comma => {
                let level = self.level();
                level.expects_table = level.from;
            }
            Token::Number(digits, _) => {
                let level = *self.level();
                if let (Some(number), false) = (number(digits), level.type_length) {
                    print.numbers.push(number);
                    if !level.by && number != 1.0 {
                        print.firm_numbers.push(number);
                    }
                }
            }
            Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s) | Token::NationalStringLiteral(s) => {
                let cast = matches!(self.at(n + 1), Some(Token::DoubleColon)).then(|| self.at(n + 2).and_then(word));
                if matches!(cast.flatten().as_deref(), Some("text" | "character" | "varchar")) {
                    print.texts.insert(s.clone());
                }
                print.strings.insert(s.clone());
            }
            Token::DollarQuotedString(s) => {
                print.strings.insert(s.value.clone());
            }
            Token::Word(_) => self.word(n, print),
            other => {
                let text = other.to_string();
                if OPERATORS.contains(&text.as_str()) {
                    *print.operators.entry(text).or_default() += 1;
                }
            }
        }
    }

    fn word(&mut self, n: usize, print: &mut Print) {
        let followed_by_paren = matches!(self.at(n + 1), Some(Token::LParen));
        let keyword = word(&self.tokens[n]).unwrap_or_default();
        let part_of_name = matches!(self.at(n + 1), Some(Token::Period))
            || n > 0 && matches!(self.tokens[n - 1], Token::Period)
            || matches!(self.word_before(n).as_deref(), Some("as"));
        if !part_of_name {
            if keyword == "between" {
                print.has_between = true;
            }
            let is_call = matches!(keyword.as_str(), "left" | "right") && followed_by_paren;
            if CLAUSES.contains(&keyword.as_str()) && !is_call {
                *print.clauses.entry(keyword.clone()).or_default() += 1;
            }
            if self.clause(n, &keyword) {
                return;
            }
        }
        if self.level().expects_table {
            return self.table(n, followed_by_paren, print);
        }
        if followed_by_paren && self.is_function(n) {
            print.functions.extend(name(&self.tokens[n]).filter(|f| !REWRITTEN.contains(&f.as_str())));
        }
    }

    /// Keeps account of the clause; true for a word that is nothing but a keyword.
    fn clause(&mut self, n: usize, keyword: &str) -> bool {
        let distinct_from = self.word_before(n).as_deref() == Some("distinct");
        let level = self.level();
        match keyword {
            "select" => *level = Level { query: true, ..Level::default() },
            "from" if level.query && !distinct_from => {
                *level = Level { query: true, from: true, expects_table: true, ..Level::default() };
            }
            "join" if level.from => level.expects_table = true,
            "only" | "lateral" if level.expects_table => {}
            "by" => level.by = true,
            word if AFTER_FROM.contains(&word) => {
                level.from = false;
                level.expects_table = false;
                level.by = false;
            }
            _ => return false,
        }
        true
    }

    /// A word where a table may stand: the last part of its name counts.
    fn table(&mut self, n: usize, followed_by_paren: bool, print: &mut Print) {
        if matches!(self.at(n + 1), Some(Token::Period)) {
            return;
        }
        self.level().expects_table = false;
        let Some(name) = name(&self.tokens[n]) else { return };
        if followed_by_paren {
            if !NO_FUNCTIONS.contains(&name.as_str()) && !REWRITTEN.contains(&name.as_str()) {
                print.functions.insert(name);
            }
        } else {
            *print.relations.entry(name).or_default() += 1;
        }
    }

    /// A word before a parenthesis that is no keyword, no type, and names no columns of an alias.
    fn is_function(&self, n: usize) -> bool {
        if word(&self.tokens[n]).is_some_and(|w| NO_FUNCTIONS.contains(&w.as_str())) || self.is_type_length(n + 1) {
            return false;
        }
        // After a name or a closing parenthesis it is an alias with columns, after AS an alias or a type.
        let alias = match n.checked_sub(1).map(|m| &self.tokens[m]) {
            Some(Token::RParen | Token::DoubleColon) => true,
            Some(Token::Word(w)) => {
                w.quote_style.is_some()
                    || w.keyword == Keyword::NoKeyword
                    || matches!(w.value.to_ascii_lowercase().as_str(), "as" | "with" | "recursive" | "ordinality")
            }
            _ => false,
        };
        !alias && !self.is_common_table(n)
    }

    /// `name(columns) AS (`.
    fn is_common_table(&self, n: usize) -> bool {
        let rest = &self.tokens[n + 1..];
        let Some(close) = rest.iter().position(|t| *t == Token::RParen) else { return false };
        rest.get(close + 1).and_then(word).as_deref() == Some("as")
            && matches!(rest.get(close + 2), Some(Token::LParen))
    }

    /// `::numeric(10, 2)`, `AS varchar(3))`: the parenthesis at `n` holds the length of a type.
    fn is_type_length(&self, n: usize) -> bool {
        let before = |m: usize| n.checked_sub(m).map(|m| &self.tokens[m]);
        let is = |m: usize, expected: &str| before(m).and_then(word).as_deref() == Some(expected);
        // The name of a type is one word, or two, or has a schema in front.
        let start = match (before(1), before(2)) {
            (Some(Token::Word(_)), Some(Token::Period)) => 4,
            (Some(Token::Word(_)), Some(Token::Word(_))) if is(1, "varying") => 3,
            (Some(Token::Word(_)), _) => 2,
            _ => return false,
        };
        is(start, "as") || before(start) == Some(&Token::DoubleColon)
    }
}

fn number(digits: &str) -> Option<f64> {
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| {
        let digits = digits.strip_prefix(prefix)?;
        u64::from_str_radix(digits, radix).ok().map(|n| n as f64)
    };
    radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2)).or_else(|| digits.parse().ok())
}
