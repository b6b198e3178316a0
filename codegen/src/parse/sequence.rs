//! Sequences, and the sequence options of identity columns.

use sqlparser::tokenizer::Token;

use super::change::{Change, SequenceOptions};
use super::cursor::{Cursor, Parse};
use super::names::Name;

impl Cursor<'_> {
    /// After `CREATE [TEMPORARY] SEQUENCE`.
    pub(crate) fn create_sequence(&mut self, temporary: bool) -> Parse<Change> {
        let if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
        let name = self.name()?;
        let options = self.sequence_options()?;
        self.finish()?;
        Ok(Change::CreateSequence { name, if_not_exists, temporary, options })
    }

    /// After `ALTER SEQUENCE`; renaming and moving go the way of ALTER TABLE.
    pub(crate) fn alter_sequence(&mut self) -> Parse<Change> {
        let start = self.index();
        self.eat_kws(&["IF", "EXISTS"]);
        let name = self.name()?;
        if self.is_kw("RENAME")
            || self.is_kw("OWNER") && !self.is_kw_at(1, "BY")
            || self.is_kw("SET") && !self.is_kw_at(1, "CACHE")
        {
            self.seek(start);
            return self.alter_table();
        }
        let options = self.sequence_options()?;
        self.finish()?;
        Ok(Change::AlterSequence { name, options })
    }

    pub(crate) fn sequence_options_in_parens(&mut self) -> Parse<SequenceOptions> {
        self.expect(&Token::LParen)?;
        let options = self.sequence_options()?;
        self.expect(&Token::RParen)?;
        Ok(options)
    }

    /// Options in any order, each at most once; the last one wins.
    fn sequence_options(&mut self) -> Parse<SequenceOptions> {
        let mut options = SequenceOptions::default();
        loop {
            if self.eat_kw("AS") {
                options.ty = Some(self.type_name()?.display());
            } else if self.eat_kw("START") {
                self.eat_kw("WITH");
                options.start = Some(self.integer()?);
            } else if self.eat_kw("INCREMENT") {
                self.eat_kw("BY");
                options.increment = Some(self.integer()?);
            } else if self.eat_kw("MINVALUE") {
                options.min = Some(Some(self.integer()?));
            } else if self.eat_kws(&["NO", "MINVALUE"]) {
                options.min = Some(None);
            } else if self.eat_kw("MAXVALUE") {
                options.max = Some(Some(self.integer()?));
            } else if self.eat_kws(&["NO", "MAXVALUE"]) {
                options.max = Some(None);
            } else if self.eat_kw("CACHE") {
                options.cache = Some(self.integer()?);
            } else if self.eat_kw("CYCLE") {
                options.cycle = Some(true);
            } else if self.eat_kws(&["NO", "CYCLE"]) {
                options.cycle = Some(false);
            } else if self.eat_kws(&["OWNED", "BY"]) {
                options.owned_by = Some(self.owner()?);
            } else if self.eat_kws(&["SEQUENCE", "NAME"]) {
                options.name = Some(self.name()?);
            } else if self.eat_kw("RESTART") {
                self.eat_kw("WITH");
                if matches!(self.peek(), Some(Token::Number(..) | Token::Minus)) {
                    self.integer()?;
                }
            } else if !(self.eat_kw("LOGGED") || self.eat_kw("UNLOGGED")) {
                return Ok(options);
            }
        }
    }

    fn owner(&mut self) -> Parse<Option<(Name, String)>> {
        if self.eat_kw("NONE") {
            return Ok(None);
        }
        let mut parts = vec![self.ident()?];
        while self.eat(&Token::Period) {
            parts.push(self.ident()?);
        }
        let column = parts.pop().unwrap_or_default();
        let Some(table) = parts.pop() else { return self.error("`OWNED BY` takes table.column") };
        Ok(Some((Name { schema: parts.pop(), name: table }, column)))
    }
}
