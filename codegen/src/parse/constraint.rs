//! Constraints of tables, columns and domains.

use canon_core::schema::{Action, Match};
use sqlparser::tokenizer::Token;

use super::change::{ConstraintBody, ConstraintDef, ForeignDef, KeyDef};
use super::cursor::{Cursor, Parse};

impl Cursor<'_> {
    /// Whether a table constraint begins here.
    ///
    /// A column may be called `check` or `primary` only in quotes, so one word decides; `exclude`,
    /// `period` and the like are not reserved and need a second look.
    pub(crate) fn at_table_constraint(&self) -> bool {
        match self.peek_word().as_deref() {
            Some("CONSTRAINT" | "CHECK" | "PRIMARY" | "UNIQUE" | "FOREIGN") => true,
            Some("EXCLUDE") => self.is_kw_at(1, "USING") || self.peek_at(1) == Some(&Token::LParen),
            Some("NOT") => self.is_kw_at(1, "NULL"),
            _ => false,
        }
    }

    pub(crate) fn table_constraint(&mut self) -> Parse<ConstraintDef> {
        let at = self.offset();
        let name = if self.eat_kw("CONSTRAINT") { Some(self.ident()?) } else { None };
        let mut constraint = self.constraint_body(name, at, None)?;
        self.constraint_attributes(&mut constraint)?;
        Ok(constraint)
    }

    /// The part after `CONSTRAINT name`. `column` is given for a constraint written at a column.
    pub(crate) fn constraint_body(
        &mut self,
        name: Option<String>,
        at: usize,
        column: Option<&str>,
    ) -> Parse<ConstraintDef> {
        let body = if self.eat_kw("CHECK") {
            let inside = self.parens()?;
            ConstraintBody::Check(self.expression(inside)?)
        } else if self.eat_kws(&["PRIMARY", "KEY"]) {
            ConstraintBody::Primary(self.key(column)?)
        } else if self.eat_kw("UNIQUE") {
            ConstraintBody::Unique(self.key(column)?)
        } else if column.is_none() && self.eat_kws(&["FOREIGN", "KEY"]) {
            let (columns, period) = self.key_columns("PERIOD")?;
            self.expect_kw("REFERENCES")?;
            ConstraintBody::Foreign(self.references(columns, period)?)
        } else if let (Some(column), true) = (column, self.eat_kw("REFERENCES")) {
            ConstraintBody::Foreign(self.references(vec![column.to_owned()], false)?)
        } else if column.is_none() && self.eat_kw("EXCLUDE") {
            ConstraintBody::Exclude(self.exclusion()?)
        } else if self.eat_kws(&["NOT", "NULL"]) {
            ConstraintBody::NotNull(self.ident()?)
        } else {
            return self.expected("a constraint");
        };
        Ok(ConstraintDef::new(name, body, at))
    }

    fn key(&mut self, column: Option<&str>) -> Parse<KeyDef> {
        let mut key = KeyDef::default();
        if !self.is_kw_at(2, "TABLESPACE") && self.eat_kws(&["USING", "INDEX"]) {
            key.using_index = Some(self.ident()?);
            return Ok(key);
        }
        if self.eat_kws(&["NULLS", "NOT", "DISTINCT"]) {
            key.nulls_not_distinct = true;
        } else {
            self.eat_kws(&["NULLS", "DISTINCT"]);
        }
        match column {
            Some(column) => key.columns.push(column.to_owned()),
            None => (key.columns, key.without_overlaps) = self.key_columns("WITHOUT")?,
        }
        if self.eat_kw("INCLUDE") {
            key.include = self.ident_list()?;
        }
        self.index_parameters()?;
        Ok(key)
    }

    /// `(a, b)`, where the last column may be `PERIOD b` or `b WITHOUT OVERLAPS`.
    fn key_columns(&mut self, temporal: &str) -> Parse<(Vec<String>, bool)> {
        self.expect(&Token::LParen)?;
        let mut marked = false;
        let columns = self.comma_separated(|c| {
            if temporal == "PERIOD" && c.is_kw("PERIOD") && matches!(c.peek_at(1), Some(Token::Word(_))) {
                c.advance();
                marked = true;
            }
            let column = c.ident()?;
            marked |= temporal == "WITHOUT" && c.eat_kws(&["WITHOUT", "OVERLAPS"]);
            Ok(column)
        })?;
        self.expect(&Token::RParen)?;
        Ok((columns, marked))
    }

    /// `WITH (fillfactor = 70) USING INDEX TABLESPACE x`: storage, not schema.
    fn index_parameters(&mut self) -> Parse<()> {
        if self.is_kw("WITH") && self.peek_at(1) == Some(&Token::LParen) {
            self.advance();
            self.parens()?;
        }
        if self.eat_kws(&["USING", "INDEX", "TABLESPACE"]) {
            self.ident()?;
        }
        Ok(())
    }

    fn references(&mut self, columns: Vec<String>, period: bool) -> Parse<ForeignDef> {
        let table = self.name()?;
        let mut foreign = ForeignDef { columns, table, period, ..ForeignDef::default() };
        if self.is(&Token::LParen) {
            (foreign.referenced, _) = self.key_columns("PERIOD")?;
        }
        loop {
            if self.eat_kw("MATCH") {
                foreign.matching = match self.peek_word().as_deref() {
                    Some("FULL") => Match::Full,
                    Some("SIMPLE") => Match::Simple,
                    _ => return self.expected("`FULL` or `SIMPLE`"),
                };
                self.advance();
            } else if self.eat_kws(&["ON", "DELETE"]) {
                foreign.on_delete = self.action()?;
                if self.is(&Token::LParen) {
                    foreign.on_delete_columns = self.ident_list()?;
                }
            } else if self.eat_kws(&["ON", "UPDATE"]) {
                foreign.on_update = self.action()?;
            } else {
                return Ok(foreign);
            }
        }
    }

    fn action(&mut self) -> Parse<Action> {
        const ACTIONS: &[(&[&str], Action)] = &[
            (&["NO", "ACTION"], Action::NoAction),
            (&["RESTRICT"], Action::Restrict),
            (&["CASCADE"], Action::Cascade),
            (&["SET", "NULL"], Action::SetNull),
            (&["SET", "DEFAULT"], Action::SetDefault),
        ];
        match ACTIONS.iter().find(|(words, _)| self.eat_kws(words)) {
            Some((_, action)) => Ok(*action),
            None => self.expected("an action such as `CASCADE`"),
        }
    }

    fn exclusion(&mut self) -> Parse<String> {
        let start = self.index();
        if self.eat_kw("USING") {
            self.ident()?;
        }
        self.parens()?;
        if self.eat_kw("INCLUDE") {
            self.parens()?;
        }
        let end = self.index();
        self.index_parameters()?;
        let mut text = self.clean_text(start..end);
        if self.eat_kw("WHERE") {
            let inside = self.parens()?;
            text.push_str(&format!(" WHERE ({})", self.clean_text(inside)));
        }
        Ok(text)
    }

    pub(crate) fn constraint_attributes(&mut self, constraint: &mut ConstraintDef) -> Parse<()> {
        loop {
            if self.eat_kw("DEFERRABLE") {
                constraint.deferrable = true;
            } else if self.eat_kws(&["NOT", "DEFERRABLE"]) {
                constraint.deferrable = false;
            } else if self.eat_kws(&["INITIALLY", "DEFERRED"]) {
                constraint.deferrable = true;
                constraint.initially_deferred = true;
            } else if self.eat_kws(&["NOT", "VALID"]) {
                constraint.not_valid = true;
            } else if self.eat_kws(&["NO", "INHERIT"]) {
                constraint.no_inherit = true;
            } else if !(self.eat_kws(&["INITIALLY", "IMMEDIATE"])
                || self.eat_kws(&["NOT", "ENFORCED"])
                || self.eat_kw("ENFORCED"))
            {
                return Ok(());
            }
        }
    }
}
