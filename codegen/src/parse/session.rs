//! The one session setting that changes what names mean: `search_path`.

use sqlparser::tokenizer::Token;

use super::change::Change;
use super::cursor::{Cursor, Parse};

impl Cursor<'_> {
    /// `SET [SESSION | LOCAL] search_path TO a, b`; None for any other setting.
    pub(crate) fn set_search_path(&mut self) -> Parse<Option<Change>> {
        self.expect_kw("SET")?;
        let local = !self.eat_kw("SESSION") && self.eat_kw("LOCAL");
        if self.eat_kw("SCHEMA") {
            return Ok(Some(Change::SearchPath { path: vec![self.string()?], local }));
        }
        if !self.eat_kw("search_path") {
            return Ok(None);
        }
        if !(self.eat_kw("TO") || self.eat(&Token::Eq)) {
            return self.expected("`TO` or `=`");
        }
        if self.eat_kw("DEFAULT") {
            return Ok(Some(Change::SearchPath { path: default_path(), local }));
        }
        let path = self.comma_separated(|c| if c.is_string() { c.string() } else { c.ident() })?;
        self.finish()?;
        let path = path.into_iter().filter(|schema| !schema.is_empty()).collect();
        Ok(Some(Change::SearchPath { path, local }))
    }

    /// `RESET search_path`, `RESET ALL` and `DISCARD ALL`; None for any other setting.
    pub(crate) fn reset_search_path(&mut self) -> Option<Change> {
        self.advance();
        let hit = self.eat_kw("search_path") || self.eat_kw("ALL");
        hit.then(|| Change::SearchPath { path: default_path(), local: false })
    }

    /// `SELECT pg_catalog.set_config('search_path', 'a, b', false)`, as pg_dump writes it.
    pub(crate) fn select_set_config(&mut self) -> Option<Change> {
        self.eat_kw("SELECT");
        if self.eat_kw("pg_catalog") {
            self.eat(&Token::Period);
        }
        if !(self.eat_kw("set_config") && self.eat(&Token::LParen)) {
            return None;
        }
        let setting = self.string().ok()?;
        self.eat(&Token::Comma);
        let value = self.string().ok()?;
        let path = value.split(',').map(|s| s.trim().trim_matches('"').to_owned()).filter(|s| !s.is_empty()).collect();
        let local = self.eat(&Token::Comma) && self.eat_kw("true");
        (setting == "search_path").then_some(Change::SearchPath { path, local })
    }
}

/// PostgreSQL's own default, without the schema named like the user.
pub(crate) fn default_path() -> Vec<String> {
    vec!["public".to_owned()]
}
