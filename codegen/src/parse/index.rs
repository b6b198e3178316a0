//! `CREATE INDEX`.

use sqlparser::tokenizer::Token;

use super::change::{Change, CreateIndex, IndexKeyDef};
use super::cursor::{Cursor, Parse};
use super::names::Name;
use crate::emit::quote::is_reserved;

impl Cursor<'_> {
    /// After `CREATE [UNIQUE] INDEX`.
    pub(crate) fn create_index(&mut self, unique: bool) -> Parse<Change> {
        let mut index = CreateIndex { unique, ..CreateIndex::default() };
        self.eat_kw("CONCURRENTLY");
        index.if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
        if !self.is_kw("ON") {
            index.name = Some(self.name()?.name);
        }
        self.expect_kw("ON")?;
        index.only = self.eat_kw("ONLY");
        index.table = self.name()?;
        if self.eat_kw("USING") {
            index.method = Some(self.ident()?);
        }
        self.expect(&Token::LParen)?;
        index.keys = self.comma_separated(Self::index_key)?;
        self.expect(&Token::RParen)?;
        if self.eat_kw("INCLUDE") {
            index.include = self.ident_list()?;
        }
        if self.eat_kws(&["NULLS", "NOT", "DISTINCT"]) {
            index.nulls_not_distinct = true;
        } else {
            self.eat_kws(&["NULLS", "DISTINCT"]);
        }
        if self.eat_kw("WITH") {
            self.parens()?;
        }
        if self.eat_kw("TABLESPACE") {
            self.ident()?;
        }
        if self.eat_kw("WHERE") {
            let rest = self.rest();
            index.predicate = Some(self.expression(rest)?);
        }
        self.finish()?;
        Ok(Change::CreateIndex(Box::new(index)))
    }

    /// `a` or `a COLLATE c` up to token `end`, and nothing else.
    fn collated_column(&mut self, end: usize) -> Option<(String, Option<Name>)> {
        let quoted = matches!(self.peek(), Some(Token::Word(word)) if word.quote_style.is_some());
        let column = self.ident().ok()?;
        if !quoted && is_reserved(&column) {
            return None;
        }
        let collation = if self.eat_kw("COLLATE") { Some(self.name().ok()?) } else { None };
        (self.index() == end).then_some((column, collation))
    }

    fn index_key(&mut self) -> Parse<IndexKeyDef> {
        let mut key = IndexKeyDef::default();
        if self.is(&Token::LParen) {
            let inside = self.parens()?;
            let end = self.index();
            self.seek(inside.start);
            // (a COLLATE "C") is the column with a collation.
            let plain = self.is_ident() && (inside.len() == 1 || self.is_kw_at(1, "COLLATE"));
            let column = if plain { self.collated_column(inside.end) } else { None };
            self.seek(end);
            match column {
                Some((column, collation)) => (key.column, key.collation) = (Some(column), collation),
                None => key.expression = Some(self.expression(inside)?),
            }
        } else if self.is_ident() && !matches!(self.peek_at(1), Some(Token::LParen | Token::Period)) {
            key.column = Some(self.ident()?);
        } else {
            // A bare function call: schema.f(args), or COALESCE(...) and its like.
            let start = self.index();
            self.name()?;
            self.parens()?;
            key.expression = Some(self.expression(start..self.index())?);
        }
        if self.eat_kw("COLLATE") {
            key.collation = Some(self.name()?);
        }
        let at_option = |c: &Self| matches!(c.peek_word().as_deref(), Some("ASC" | "DESC" | "NULLS")) || !c.is_ident();
        if !at_option(self) {
            let start = self.index();
            self.name()?;
            if self.is(&Token::LParen) {
                self.parens()?;
            }
            key.opclass = Some(self.clean_text(start..self.index()));
        }
        if self.eat_kw("DESC") {
            key.descending = true;
        } else {
            self.eat_kw("ASC");
        }
        if self.eat_kws(&["NULLS", "FIRST"]) {
            key.nulls_first = Some(true);
        } else if self.eat_kws(&["NULLS", "LAST"]) {
            key.nulls_first = Some(false);
        }
        Ok(key)
    }
}
