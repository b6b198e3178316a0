//! Triggers.

use sqlparser::tokenizer::Token;

use super::change::{Change, CreateTrigger};
use super::cursor::{Cursor, Parse};

impl Cursor<'_> {
    /// After `CREATE [OR REPLACE] [CONSTRAINT] TRIGGER`.
    pub(crate) fn create_trigger(&mut self, constraint: bool, or_replace: bool) -> Parse<Change> {
        let mut trigger = CreateTrigger { name: self.ident()?, constraint, or_replace, ..CreateTrigger::default() };
        trigger.timing = if self.eat_kw("BEFORE") {
            "BEFORE"
        } else if self.eat_kw("AFTER") {
            "AFTER"
        } else if self.eat_kws(&["INSTEAD", "OF"]) {
            "INSTEAD OF"
        } else {
            return self.expected("`BEFORE`, `AFTER` or `INSTEAD OF`");
        };
        self.trigger_events(&mut trigger)?;
        self.expect_kw("ON")?;
        trigger.table = self.name()?;
        self.trigger_clauses(&mut trigger)?;
        if !(self.eat_kws(&["EXECUTE", "FUNCTION"]) || self.eat_kws(&["EXECUTE", "PROCEDURE"])) {
            return self.expected("`EXECUTE FUNCTION`");
        }
        trigger.function = self.name()?;
        self.expect(&Token::LParen)?;
        if !self.is(&Token::RParen) {
            trigger.arguments = self.comma_separated(Self::trigger_argument)?;
        }
        self.expect(&Token::RParen)?;
        self.finish()?;
        Ok(Change::CreateTrigger(Box::new(trigger)))
    }

    fn trigger_events(&mut self, trigger: &mut CreateTrigger) -> Parse<()> {
        let mut found = [false; 4];
        const EVENTS: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "TRUNCATE"];
        loop {
            let Some(event) = EVENTS.iter().position(|event| self.eat_kw(event)) else {
                return self.expected("`INSERT`, `UPDATE`, `DELETE` or `TRUNCATE`");
            };
            found[event] = true;
            if EVENTS[event] == "UPDATE" && self.eat_kw("OF") {
                trigger.update_of = self.comma_separated(Self::ident)?;
            }
            if !self.eat_kw("OR") {
                break;
            }
        }
        trigger.events = EVENTS.iter().zip(found).filter(|(_, found)| *found).map(|(e, _)| (*e).to_owned()).collect();
        Ok(())
    }

    fn trigger_clauses(&mut self, trigger: &mut CreateTrigger) -> Parse<()> {
        loop {
            if self.eat_kw("FROM") {
                self.name()?;
            } else if self.eat_kw("DEFERRABLE") {
                trigger.deferrable = true;
            } else if self.eat_kws(&["INITIALLY", "DEFERRED"]) {
                (trigger.deferrable, trigger.initially_deferred) = (true, true);
            } else if self.eat_kws(&["NOT", "DEFERRABLE"]) || self.eat_kws(&["INITIALLY", "IMMEDIATE"]) {
            } else if self.eat_kw("REFERENCING") {
                self.transition_tables(trigger)?;
            } else if self.eat_kw("FOR") {
                self.eat_kw("EACH");
                trigger.for_each_row = self.eat_kw("ROW");
                if !trigger.for_each_row {
                    self.expect_kw("STATEMENT")?;
                }
            } else if self.eat_kw("WHEN") {
                let inside = self.parens()?;
                trigger.when = Some(self.expression(inside)?);
            } else {
                return Ok(());
            }
        }
    }

    fn transition_tables(&mut self, trigger: &mut CreateTrigger) -> Parse<()> {
        loop {
            let old = self.is_kw("OLD");
            if !old && !self.is_kw("NEW") {
                return Ok(());
            }
            self.advance();
            self.expect_kw("TABLE")?;
            self.eat_kw("AS");
            let name = Some(self.ident()?);
            if old {
                trigger.old_table = name;
            } else {
                trigger.new_table = name;
            }
        }
    }

    /// Arguments are literals; bare words and numbers count as strings.
    fn trigger_argument(&mut self) -> Parse<String> {
        if self.is_string() {
            return self.string();
        }
        let start = self.index();
        self.eat(&Token::Minus);
        if self.at_end() {
            return self.expected("an argument");
        }
        self.advance();
        Ok(self.text(start..self.index()).to_owned())
    }
}
