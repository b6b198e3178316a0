//! `CREATE TABLE`.

use sqlparser::tokenizer::Token;

use super::change::{Change, CreateTable, Element};
use super::comments::attach_comments;
use super::cursor::{Cursor, Parse};

/// What stood between CREATE and TABLE.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TableModifiers {
    pub(crate) temporary: bool,
    pub(crate) unlogged: bool,
    pub(crate) foreign: bool,
}

impl Cursor<'_> {
    /// After `CREATE [modifiers] TABLE`.
    pub(crate) fn create_table(&mut self, modifiers: TableModifiers) -> Parse<Change> {
        let if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
        let mut table = CreateTable {
            name: self.name()?,
            if_not_exists,
            temporary: modifiers.temporary,
            unlogged: modifiers.unlogged,
            foreign: modifiers.foreign,
            ..CreateTable::default()
        };
        if self.eat_kws(&["PARTITION", "OF"]) {
            let parent = self.name()?;
            if self.is(&Token::LParen) {
                table.elements = self.elements(true)?;
            }
            table.partition_of = Some((parent, self.partition_bound()?));
        } else if self.eat_kw("OF") {
            table.of_type = Some(self.name()?);
            if self.is(&Token::LParen) {
                table.elements = self.elements(true)?;
            }
        } else if self.is(&Token::LParen) && self.is_ctas_column_list() {
            table.as_columns = self.ident_list()?;
        } else if self.is(&Token::LParen) {
            table.elements = self.elements(false)?;
        } else if !["AS", "USING", "WITH", "WITHOUT", "TABLESPACE", "ON"].iter().any(|word| self.is_kw(word)) {
            return self.expected("`(`");
        }
        self.table_tail(&mut table)?;
        Ok(Change::CreateTable(Box::new(table)))
    }

    /// `SELECT ... INTO [TEMPORARY | UNLOGGED] [TABLE] t ...` is `CREATE TABLE t AS SELECT ...`. The
    /// cursor stands anywhere in the statement; None where there is no INTO.
    pub(crate) fn select_into(&mut self) -> Option<Change> {
        self.seek(0);
        self.until(|c| c.is_kw("INTO"));
        if self.at_end() {
            return None;
        }
        let before = self.index();
        self.advance();
        let temporary = self.eat_kw("TEMPORARY") || self.eat_kw("TEMP");
        let unlogged = self.eat_kw("UNLOGGED");
        self.eat_kw("TABLE");
        let name = self.name().ok()?;
        let after = self.rest();
        let query = format!("{} {}", self.text(0..before), self.text(after));
        let table = CreateTable { name, temporary, unlogged, as_query: Some(query), ..CreateTable::default() };
        Some(Change::CreateTable(Box::new(table)))
    }

    /// `(a, b) AS SELECT`: only names, then no declaration.
    fn is_ctas_column_list(&self) -> bool {
        let mut ahead = 1;
        loop {
            match (self.peek_at(ahead), self.peek_at(ahead + 1)) {
                (Some(Token::Word(_)), Some(Token::Comma)) => ahead += 2,
                (Some(Token::Word(_)), Some(Token::RParen)) => return true,
                _ => return false,
            }
        }
    }

    fn elements(&mut self, options_only: bool) -> Parse<Vec<Element>> {
        let open = self.index();
        self.expect(&Token::LParen)?;
        let mut elements = Vec::new();
        if self.eat(&Token::RParen) {
            return Ok(elements);
        }
        loop {
            elements.push(self.element(options_only)?);
            if self.eat(&Token::Comma) {
                continue;
            }
            if self.at_end() {
                self.seek(open);
                return self.error("this parenthesis is not closed");
            }
            if !self.eat(&Token::RParen) {
                return self.expected("`,` or `)`");
            }
            break;
        }
        attach_comments(self, open, &mut elements);
        Ok(elements)
    }

    fn element(&mut self, options_only: bool) -> Parse<Element> {
        if self.at_table_constraint() {
            return Ok(Element::Constraint(self.table_constraint()?));
        }
        if self.is_kw("LIKE") {
            self.advance();
            return self.like();
        }
        let column = if options_only { self.column_options()? } else { self.column_def()? };
        Ok(Element::Column(Box::new(column)))
    }

    fn like(&mut self) -> Parse<Element> {
        const ALL: &[&str] = &[
            "COMMENTS",
            "COMPRESSION",
            "CONSTRAINTS",
            "DEFAULTS",
            "GENERATED",
            "IDENTITY",
            "INDEXES",
            "STATISTICS",
            "STORAGE",
        ];
        let at = self.offset();
        let table = self.name()?;
        let mut including: Vec<String> = Vec::new();
        loop {
            let on = if self.eat_kw("INCLUDING") {
                true
            } else if self.eat_kw("EXCLUDING") {
                false
            } else {
                return Ok(Element::Like { table, including, at });
            };
            let option = self.ident()?.to_ascii_uppercase();
            let options: Vec<String> =
                if option == "ALL" { ALL.iter().map(|o| (*o).to_owned()).collect() } else { vec![option] };
            including.retain(|o| !options.contains(o));
            if on {
                including.extend(options);
            }
        }
    }

    pub(crate) fn partition_bound(&mut self) -> Parse<String> {
        if self.eat_kw("DEFAULT") {
            return Ok("DEFAULT".to_owned());
        }
        let start = self.index();
        self.expect_kw("FOR")?;
        self.expect_kw("VALUES")?;
        match self.peek_word().as_deref() {
            Some("IN" | "WITH") => {
                self.advance();
                self.parens()?;
            }
            Some("FROM") => {
                self.advance();
                self.parens()?;
                self.expect_kw("TO")?;
                self.parens()?;
            }
            _ => return self.expected("`IN`, `FROM` or `WITH`"),
        }
        Ok(self.clean_text(start..self.index()))
    }

    fn table_tail(&mut self, table: &mut CreateTable) -> Parse<()> {
        loop {
            if self.eat_kw("INHERITS") {
                self.expect(&Token::LParen)?;
                table.inherits = self.comma_separated(Self::name)?;
                self.expect(&Token::RParen)?;
            } else if self.eat_kws(&["PARTITION", "BY"]) {
                let start = self.index();
                self.ident()?;
                self.parens()?;
                table.partition_by = Some(self.clean_text(start..self.index()));
            } else if self.eat_kw("SERVER") {
                table.server = Some(self.ident()?);
            } else if self.is_kw("USING") || self.is_kw("TABLESPACE") {
                self.advance();
                self.ident()?;
            } else if self.eat_kws(&["WITHOUT", "OIDS"]) || self.eat_kws(&["WITH", "OIDS"]) {
            } else if self.eat_kw("WITH") || self.eat_kw("OPTIONS") {
                self.parens()?;
            } else if self.eat_kws(&["ON", "COMMIT"]) {
                self.advance();
                if !self.eat_kw("ROWS") {
                    self.eat_kw("DROP");
                }
            } else if self.eat_kw("AS") {
                let query = self.until(|c| {
                    c.is_kw("WITH")
                        && (c.is_kw_at(1, "DATA") && c.peek_at(2).is_none()
                            || c.is_kw_at(1, "NO") && c.is_kw_at(2, "DATA") && c.peek_at(3).is_none())
                });
                self.rest();
                table.as_query = Some(self.text(query).to_owned());
            } else {
                return self.finish();
            }
        }
    }
}
