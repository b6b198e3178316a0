//! Row-level security policies.

use super::change::{Change, CreatePolicy};
use super::cursor::{Cursor, Parse};

impl Cursor<'_> {
    /// After `CREATE POLICY`.
    pub(crate) fn create_policy(&mut self) -> Parse<Change> {
        let mut policy = CreatePolicy { name: self.ident()?, command: "ALL", ..CreatePolicy::default() };
        self.expect_kw("ON")?;
        policy.table = self.name()?;
        if self.eat_kw("AS") {
            policy.restrictive = self.eat_kw("RESTRICTIVE");
            if !policy.restrictive {
                self.expect_kw("PERMISSIVE")?;
            }
        }
        if self.eat_kw("FOR") {
            const COMMANDS: [&str; 5] = ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"];
            let Some(command) = COMMANDS.iter().find(|command| self.eat_kw(command)) else {
                return self.expected("`ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`");
            };
            policy.command = command;
        }
        policy.roles = if self.eat_kw("TO") { self.roles()? } else { vec!["public".to_owned()] };
        (policy.using, policy.check) = self.policy_expressions()?;
        self.finish()?;
        Ok(Change::CreatePolicy(Box::new(policy)))
    }

    /// After `ALTER POLICY`.
    pub(crate) fn alter_policy(&mut self) -> Parse<Change> {
        let name = self.ident()?;
        self.expect_kw("ON")?;
        let table = self.name()?;
        if self.eat_kws(&["RENAME", "TO"]) {
            let to = self.ident()?;
            self.finish()?;
            return Ok(Change::Rename {
                kind: super::change::ObjectClass::Policy,
                target: super::change::DropTarget {
                    name: super::names::Name { schema: None, name },
                    table: Some(table),
                    arguments: None,
                },
                to,
            });
        }
        let roles = if self.eat_kw("TO") { Some(self.roles()?) } else { None };
        let (using, check) = self.policy_expressions()?;
        self.finish()?;
        Ok(Change::AlterPolicy { name, table, roles, using, check })
    }

    fn roles(&mut self) -> Parse<Vec<String>> {
        self.comma_separated(Self::ident)
    }

    fn policy_expressions(&mut self) -> Parse<(Option<String>, Option<String>)> {
        let (mut using, mut check) = (None, None);
        loop {
            if self.eat_kw("USING") {
                let inside = self.parens()?;
                using = Some(self.expression(inside)?);
            } else if self.eat_kws(&["WITH", "CHECK"]) {
                let inside = self.parens()?;
                check = Some(self.expression(inside)?);
            } else {
                return Ok((using, check));
            }
        }
    }
}
