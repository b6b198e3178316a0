//! `ALTER TABLE`, which also serves views, sequences and indexes.

use canon_core::schema::{Identity, TriggerEnabled};
use sqlparser::tokenizer::Token;

use super::change::{AlterTable, Change, SequenceOptions};
use super::cursor::{Cursor, Parse};

impl Cursor<'_> {
    /// After `ALTER TABLE`, `ALTER FOREIGN TABLE`, `ALTER VIEW` and the like.
    pub(crate) fn alter_table(&mut self) -> Parse<Change> {
        let if_exists = self.eat_kws(&["IF", "EXISTS"]);
        let only = self.eat_kw("ONLY");
        let name = self.name()?;
        self.eat(&Token::Mul);
        let actions = self.comma_separated(Self::alter_table_action)?;
        self.finish()?;
        Ok(Change::AlterTable { name, if_exists, only, actions })
    }

    fn alter_table_action(&mut self) -> Parse<AlterTable> {
        let Some(word) = self.peek_word() else { return self.expected("an action such as `ADD COLUMN`") };
        match word.as_str() {
            "ADD" => self.add_action(),
            "DROP" => self.drop_action(),
            "ALTER" => self.alter_action(),
            "RENAME" => self.rename_action(),
            "VALIDATE" => {
                self.advance();
                self.expect_kw("CONSTRAINT")?;
                Ok(AlterTable::ValidateConstraint(self.ident()?))
            }
            "ATTACH" => {
                self.advance();
                self.expect_kw("PARTITION")?;
                Ok(AlterTable::AttachPartition { partition: self.name()?, bound: self.partition_bound()? })
            }
            "DETACH" => {
                self.advance();
                self.expect_kw("PARTITION")?;
                let partition = self.name()?;
                let _ = self.eat_kw("CONCURRENTLY") || self.eat_kw("FINALIZE");
                Ok(AlterTable::DetachPartition(partition))
            }
            "INHERIT" => {
                self.advance();
                Ok(AlterTable::Inherit(self.name()?))
            }
            "NO" => {
                self.advance();
                if self.eat_kw("INHERIT") {
                    return Ok(AlterTable::NoInherit(self.name()?));
                }
                self.expect_kw("FORCE")?;
                self.row_level_security()?;
                Ok(AlterTable::ForceRowSecurity(false))
            }
            "FORCE" => {
                self.advance();
                self.row_level_security()?;
                Ok(AlterTable::ForceRowSecurity(true))
            }
            "ENABLE" | "DISABLE" => self.enable_action(word == "ENABLE"),
            "SET" => self.set_action(),
            "OWNER" | "CLUSTER" | "REPLICA" | "RESET" | "NOT" | "OF" | "OPTIONS" | "DEPENDS" => Ok(self.ignored()),
            _ => self.expected("an action such as `ADD COLUMN`"),
        }
    }

    /// Storage, ownership and the like: read over, up to the next action.
    fn ignored(&mut self) -> AlterTable {
        self.until(|c| c.is(&Token::Comma));
        AlterTable::Ignored
    }

    fn row_level_security(&mut self) -> Parse<()> {
        if self.eat_kws(&["ROW", "LEVEL", "SECURITY"]) { Ok(()) } else { self.expected("`ROW LEVEL SECURITY`") }
    }

    fn add_action(&mut self) -> Parse<AlterTable> {
        self.advance();
        if self.at_table_constraint() {
            return Ok(AlterTable::AddConstraint(Box::new(self.table_constraint()?)));
        }
        self.eat_kw("COLUMN");
        let if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
        Ok(AlterTable::AddColumn { column: Box::new(self.column_def()?), if_not_exists })
    }

    fn drop_action(&mut self) -> Parse<AlterTable> {
        self.advance();
        let constraint = self.eat_kw("CONSTRAINT");
        if !constraint {
            self.eat_kw("COLUMN");
        }
        let if_exists = self.eat_kws(&["IF", "EXISTS"]);
        let name = self.ident()?;
        let cascade = self.cascade();
        Ok(if constraint {
            AlterTable::DropConstraint { name, if_exists, cascade }
        } else {
            AlterTable::DropColumn { name, if_exists, cascade }
        })
    }

    /// `CASCADE`, `RESTRICT` or nothing.
    pub(crate) fn cascade(&mut self) -> bool {
        let cascade = self.eat_kw("CASCADE");
        self.eat_kw("RESTRICT");
        cascade
    }

    fn rename_action(&mut self) -> Parse<AlterTable> {
        self.advance();
        if self.eat_kw("TO") {
            return Ok(AlterTable::RenameTo(self.ident()?));
        }
        let constraint = self.eat_kw("CONSTRAINT");
        if !constraint {
            self.eat_kw("COLUMN");
        }
        let from = self.ident()?;
        self.expect_kw("TO")?;
        let to = self.ident()?;
        Ok(if constraint { AlterTable::RenameConstraint { from, to } } else { AlterTable::RenameColumn { from, to } })
    }

    fn enable_action(&mut self, enable: bool) -> Parse<AlterTable> {
        self.advance();
        if self.is_kw("ROW") {
            self.row_level_security()?;
            return Ok(AlterTable::RowSecurity(enable));
        }
        let enabled = match (enable, self.peek_word().as_deref()) {
            (false, _) => TriggerEnabled::Disabled,
            (true, Some("REPLICA")) => TriggerEnabled::Replica,
            (true, Some("ALWAYS")) => TriggerEnabled::Always,
            _ => TriggerEnabled::Origin,
        };
        if matches!(enabled, TriggerEnabled::Replica | TriggerEnabled::Always) {
            self.advance();
        }
        if self.eat_kw("RULE") {
            self.ident()?;
            return Ok(AlterTable::Ignored);
        }
        self.expect_kw("TRIGGER")?;
        let all = self.is_kw("ALL") || self.is_kw("USER");
        let name = self.ident()?;
        Ok(AlterTable::TriggerEnabled { name: (!all).then_some(name), enabled })
    }

    fn set_action(&mut self) -> Parse<AlterTable> {
        self.advance();
        if self.eat_kw("SCHEMA") {
            return Ok(AlterTable::SetSchema(self.ident()?));
        }
        if self.eat_kw("LOGGED") {
            return Ok(AlterTable::SetLogged(true));
        }
        if self.eat_kw("UNLOGGED") {
            return Ok(AlterTable::SetLogged(false));
        }
        if self.is(&Token::LParen) {
            return Ok(AlterTable::SetOptions(self.options()?));
        }
        Ok(self.ignored())
    }

    /// `(name = value, ...)` as `name=value`.
    pub(crate) fn options(&mut self) -> Parse<Vec<String>> {
        self.expect(&Token::LParen)?;
        let options = self.comma_separated(|c| {
            let mut name = c.ident()?;
            if c.eat(&Token::Period) {
                name = format!("{name}.{}", c.ident()?);
            }
            let value = if c.eat(&Token::Eq) {
                let range = c.until(|c| c.is(&Token::Comma));
                c.clean_text(range).trim_matches('\'').to_owned()
            } else {
                "true".to_owned()
            };
            Ok(format!("{name}={value}"))
        })?;
        self.expect(&Token::RParen)?;
        Ok(options)
    }

    fn alter_action(&mut self) -> Parse<AlterTable> {
        self.advance();
        if self.eat_kw("CONSTRAINT") {
            let name = self.ident()?;
            let (mut deferrable, mut initially_deferred) = (false, false);
            loop {
                if self.eat_kw("DEFERRABLE") {
                    deferrable = true;
                } else if self.eat_kws(&["INITIALLY", "DEFERRED"]) {
                    (deferrable, initially_deferred) = (true, true);
                } else if !(self.eat_kws(&["NOT", "DEFERRABLE"])
                    || self.eat_kws(&["INITIALLY", "IMMEDIATE"])
                    || self.eat_kws(&["NOT", "ENFORCED"])
                    || self.eat_kw("ENFORCED")
                    || self.eat_kws(&["NO", "INHERIT"])
                    || self.eat_kw("INHERIT"))
                {
                    return Ok(AlterTable::AlterConstraint { name, deferrable, initially_deferred });
                }
            }
        }
        self.eat_kw("COLUMN");
        if let Some(Token::Number(..)) = self.peek() {
            // ALTER INDEX ... ALTER COLUMN 1 SET STATISTICS.
            return Ok(self.ignored());
        }
        let column = self.ident()?;
        self.alter_column(column)
    }

    fn alter_column(&mut self, column: String) -> Parse<AlterTable> {
        if self.eat_kws(&["SET", "DEFAULT"]) {
            let range = self.until(|c| c.is(&Token::Comma));
            return Ok(AlterTable::SetDefault { column, expression: Some(self.expression(range)?) });
        }
        if self.eat_kws(&["DROP", "DEFAULT"]) {
            return Ok(AlterTable::SetDefault { column, expression: None });
        }
        if self.eat_kws(&["SET", "NOT", "NULL"]) {
            return Ok(AlterTable::SetNotNull { column, not_null: true });
        }
        if self.eat_kws(&["DROP", "NOT", "NULL"]) {
            return Ok(AlterTable::SetNotNull { column, not_null: false });
        }
        if self.eat_kws(&["SET", "DATA", "TYPE"]) || self.eat_kw("TYPE") {
            let ty = self.type_name()?;
            let collation = if self.eat_kw("COLLATE") { Some(self.name()?) } else { None };
            if self.eat_kw("USING") {
                self.until(|c| c.is(&Token::Comma));
            }
            return Ok(AlterTable::SetType { column, ty, collation });
        }
        if self.eat_kws(&["ADD", "GENERATED"]) {
            let identity = self.identity_kind()?;
            self.expect_kw("AS")?;
            self.expect_kw("IDENTITY")?;
            let options =
                if self.is(&Token::LParen) { self.sequence_options_in_parens()? } else { SequenceOptions::default() };
            return Ok(AlterTable::AddIdentity { column, identity, options });
        }
        if self.eat_kws(&["DROP", "IDENTITY"]) {
            self.eat_kws(&["IF", "EXISTS"]);
            return Ok(AlterTable::DropIdentity { column });
        }
        if self.eat_kws(&["DROP", "EXPRESSION"]) {
            self.eat_kws(&["IF", "EXISTS"]);
            return Ok(AlterTable::DropExpression { column });
        }
        if self.eat_kws(&["SET", "EXPRESSION", "AS"]) {
            let inside = self.parens()?;
            return Ok(AlterTable::SetExpression { column, expression: self.expression(inside)? });
        }
        if self.is_kw("SET") && self.is_kw_at(1, "GENERATED") {
            self.seek(self.index() + 2);
            let identity = self.identity_kind()?;
            self.until(|c| c.is(&Token::Comma));
            return Ok(AlterTable::SetIdentity { column, identity: Some(identity) });
        }
        if self.is_kw("SET") || self.is_kw("RESET") || self.is_kw("RESTART") || self.is_kw("OPTIONS") {
            return Ok(self.ignored());
        }
        self.expected("`SET`, `DROP`, `TYPE` or `ADD GENERATED`")
    }

    fn identity_kind(&mut self) -> Parse<Identity> {
        if self.eat_kw("ALWAYS") {
            Ok(Identity::Always)
        } else if self.eat_kws(&["BY", "DEFAULT"]) {
            Ok(Identity::ByDefault)
        } else {
            self.expected("`ALWAYS` or `BY DEFAULT`")
        }
    }
}
