//! `CREATE INDEX`.

use sqlparser::tokenizer::Token;

use super::change::{Change, CreateIndex, IndexKeyDef};
use super::cursor::{Cursor, Parse};

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

    fn index_key(&mut self) -> Parse<IndexKeyDef> {
        let mut key = IndexKeyDef::default();
        if self.is(&Token::LParen) {
            let inside = self.parens()?;
            key.expression = Some(self.expression(inside)?);
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
