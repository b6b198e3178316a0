//! Objects that are kept by kind and name: operators, casts, rules, publications and the like.

use sqlparser::tokenizer::Token;

use super::change::Change;
use super::cursor::{Cursor, Parse};

/// Kinds of two words and more; any other is its first word.
const KINDS: &[&[&str]] = &[
    &["ACCESS", "METHOD"],
    &["EVENT", "TRIGGER"],
    &["FOREIGN", "DATA", "WRAPPER"],
    &["LARGE", "OBJECT"],
    &["OPERATOR", "CLASS"],
    &["OPERATOR", "FAMILY"],
    &["TEXT", "SEARCH", "CONFIGURATION"],
    &["TEXT", "SEARCH", "DICTIONARY"],
    &["TEXT", "SEARCH", "PARSER"],
    &["TEXT", "SEARCH", "TEMPLATE"],
    &["USER", "MAPPING"],
];

impl Cursor<'_> {
    /// After CREATE or ALTER: the kind, and the name as far as there is one.
    pub(crate) fn opaque(&mut self) -> Parse<Change> {
        let kind = self.opaque_kind()?;
        self.eat_kws(&["IF", "NOT", "EXISTS"]);
        self.eat_kws(&["IF", "EXISTS"]);
        let name = self.opaque_name(&kind);
        self.rest();
        Ok(Change::Opaque { kind, name })
    }

    /// After DROP, where the kind is none of the model's.
    pub(crate) fn drop_opaque(&mut self) -> Parse<Change> {
        let kind = self.opaque_kind()?;
        self.eat_kws(&["IF", "EXISTS"]);
        let mut names = vec![self.opaque_name(&kind)];
        while self.eat(&Token::Comma) {
            names.push(self.opaque_name(&kind));
        }
        self.rest();
        Ok(Change::DropOpaque { kind, names })
    }

    pub(crate) fn opaque_kind(&mut self) -> Parse<String> {
        // CREATE [DEFAULT] CONVERSION, CREATE [TRUSTED] [PROCEDURAL] LANGUAGE.
        for modifier in ["DEFAULT", "TRUSTED", "PROCEDURAL"] {
            self.eat_kw(modifier);
        }
        if let Some(words) = KINDS.iter().find(|words| self.eat_kws(words)) {
            return Ok(words.join(" ").to_ascii_lowercase());
        }
        let Some(word) = self.peek_word() else { return self.expected("a kind of object") };
        self.advance();
        Ok(word.to_ascii_lowercase())
    }

    /// `(a AS b)` of a cast, `FOR role SERVER s` of a mapping, `r ON t` of a rule, `s.===(int, int)`
    /// of an operator, else a name with its schema.
    pub(crate) fn opaque_name(&mut self, kind: &str) -> String {
        let start = self.index();
        match kind {
            "cast" if self.is(&Token::LParen) => {
                let _ = self.parens();
            }
            "user mapping" | "transform" => {
                self.until(|c| c.is_kw("OPTIONS") || c.is(&Token::LParen) || c.is(&Token::Comma));
            }
            "operator" => {
                self.until(|c| c.is(&Token::LParen) || c.is_kw("OWNER") || c.is_kw("SET"));
            }
            "operator class" | "operator family" => {
                let _ = self.name();
                if self.is_kw("USING") {
                    self.advance();
                    self.advance();
                }
            }
            _ => {
                let _ = self.name();
                if kind == "rule" {
                    self.until(|c| c.is_kw("ON"));
                    // The second ON of CREATE RULE ... AS ON INSERT TO t is followed by the event.
                    if self.is_kw_at(1, "SELECT")
                        || self.is_kw_at(1, "INSERT")
                        || self.is_kw_at(1, "UPDATE")
                        || self.is_kw_at(1, "DELETE")
                    {
                        return self.rule_name(start);
                    }
                    self.advance();
                    let _ = self.name();
                }
            }
        }
        self.clean_text(start..self.index()).chars().take(200).collect()
    }

    /// `r AS ON INSERT TO t` is `r ON t`, as DROP and COMMENT have it.
    fn rule_name(&mut self, start: usize) -> String {
        let name = self.clean_text(start..start + 1);
        self.until(|c| c.is_kw("TO"));
        self.advance();
        let table = self.index();
        let _ = self.name();
        format!("{name} ON {}", self.clean_text(table..self.index()))
    }
}
