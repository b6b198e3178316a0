//! `GRANT`, `REVOKE` and `ALTER DEFAULT PRIVILEGES`.

use sqlparser::tokenizer::Token;

use super::change::{Change, DropTarget, GrantOn, ObjectClass, PrivilegeDef, Privileges};
use super::cursor::{Cursor, Parse};

/// Words after ON, the kind of object and how it is named.
const KINDS: &[(&[&str], GrantOn)] = &[
    (&["ALL", "TABLES", "IN", "SCHEMA"], GrantOn::AllIn("table")),
    (&["ALL", "SEQUENCES", "IN", "SCHEMA"], GrantOn::AllIn("sequence")),
    (&["ALL", "FUNCTIONS", "IN", "SCHEMA"], GrantOn::AllIn("function")),
    (&["ALL", "PROCEDURES", "IN", "SCHEMA"], GrantOn::AllIn("function")),
    (&["ALL", "ROUTINES", "IN", "SCHEMA"], GrantOn::AllIn("function")),
    (&["SEQUENCE"], GrantOn::Object("sequence")),
    (&["FUNCTION"], GrantOn::Object("function")),
    (&["PROCEDURE"], GrantOn::Object("function")),
    (&["ROUTINE"], GrantOn::Object("function")),
    (&["SCHEMA"], GrantOn::Object("schema")),
    (&["DOMAIN"], GrantOn::Object("type")),
    (&["TYPE"], GrantOn::Object("type")),
    (&["TABLE"], GrantOn::Object("table")),
    (&["DATABASE"], GrantOn::Elsewhere("database")),
    (&["FOREIGN", "DATA", "WRAPPER"], GrantOn::Elsewhere("foreign data wrapper")),
    (&["FOREIGN", "SERVER"], GrantOn::Elsewhere("foreign server")),
    (&["LANGUAGE"], GrantOn::Elsewhere("language")),
    (&["LARGE", "OBJECT"], GrantOn::Elsewhere("large object")),
    (&["PARAMETER"], GrantOn::Elsewhere("parameter")),
    (&["TABLESPACE"], GrantOn::Elsewhere("tablespace")),
];

impl Cursor<'_> {
    /// A whole GRANT or REVOKE. Membership in a role, and privileges on what is no part of a
    /// database's schema, are kept as text.
    pub(crate) fn grant(&mut self) -> Parse<Change> {
        let start = self.index();
        let revoke = self.is_kw("REVOKE");
        self.advance();
        let option_only = revoke && self.eat_kws(&["GRANT", "OPTION", "FOR"]);
        let privileges = self.privileges()?;
        if !self.eat_kw("ON") {
            return self.kept(start, if revoke { "role membership revoked" } else { "role membership" });
        }
        let found = KINDS.iter().find(|(words, _)| self.eat_kws(words)).map(|(_, on)| *on);
        let on = found.unwrap_or(GrantOn::Object("table"));
        if let GrantOn::Elsewhere(kind) = on {
            return self.kept(start, kind);
        }
        let targets = self.comma_separated(|c| match on {
            GrantOn::Object("function") => c.drop_target(ObjectClass::Function),
            _ => Ok(DropTarget { name: c.name()?, ..DropTarget::default() }),
        })?;
        let (roles, with_option) = self.grantees(revoke)?;
        let def = PrivilegeDef { revoke, option_only, privileges, roles, with_option };
        Ok(Change::Grant { on, targets, def })
    }

    /// The whole statement as text, named by what it says.
    fn kept(&mut self, start: usize, kind: &str) -> Parse<Change> {
        let end = self.rest().end;
        let name: String = self.clean_text(start..end).chars().take(200).collect();
        Ok(Change::Opaque { kind: format!("grant on {kind}"), name })
    }

    /// `SELECT, INSERT (a, b)` or `ALL PRIVILEGES`: each with its columns.
    fn privileges(&mut self) -> Parse<Privileges> {
        self.comma_separated(|c| {
            let Some(mut word) = c.peek_word() else { return c.expected("a privilege") };
            c.advance();
            if word == "ALL" {
                c.eat_kw("PRIVILEGES");
            } else if word == "ALTER" && c.eat_kw("SYSTEM") {
                word.push_str(" SYSTEM");
            }
            let columns = if c.is(&Token::LParen) { c.ident_list()? } else { Vec::new() };
            Ok((word, columns))
        })
    }

    /// `TO a, GROUP b WITH GRANT OPTION` or `FROM a CASCADE`.
    fn grantees(&mut self, revoke: bool) -> Parse<(Vec<String>, bool)> {
        self.expect_kw(if revoke { "FROM" } else { "TO" })?;
        let roles = self.comma_separated(|c| {
            c.eat_kw("GROUP");
            c.ident()
        })?;
        let with_option = self.eat_kws(&["WITH", "GRANT", "OPTION"]);
        if self.eat_kws(&["GRANTED", "BY"]) {
            self.ident()?;
        }
        self.cascade();
        self.finish()?;
        Ok((roles, with_option))
    }

    /// After `ALTER DEFAULT PRIVILEGES`. Those of a named role hold for what that role makes, which
    /// a script does not say.
    pub(crate) fn default_privileges(&mut self) -> Parse<Change> {
        let start = self.index();
        let mut schemas = Vec::new();
        let mut of_role = false;
        loop {
            if self.eat_kws(&["FOR", "ROLE"]) || self.eat_kws(&["FOR", "USER"]) {
                of_role = true;
                self.comma_separated(Self::ident)?;
            } else if self.eat_kws(&["IN", "SCHEMA"]) {
                schemas = self.comma_separated(Self::ident)?;
            } else {
                break;
            }
        }
        let revoke = self.is_kw("REVOKE");
        if !(revoke || self.is_kw("GRANT")) {
            return self.expected("`GRANT` or `REVOKE`");
        }
        self.advance();
        let option_only = revoke && self.eat_kws(&["GRANT", "OPTION", "FOR"]);
        let privileges = self.privileges()?;
        self.expect_kw("ON")?;
        let on = match self.peek_word().as_deref() {
            Some("TABLES") => "table",
            Some("SEQUENCES") => "sequence",
            Some("FUNCTIONS" | "ROUTINES") => "function",
            Some("TYPES") => "type",
            Some("SCHEMAS") => "schema",
            Some("LARGE") => "large object",
            _ => return self.expected("`TABLES`, `SEQUENCES`, `FUNCTIONS`, `TYPES` or `SCHEMAS`"),
        };
        self.advance();
        if on == "large object" {
            self.eat_kw("OBJECTS");
        }
        let (roles, with_option) = self.grantees(revoke)?;
        if of_role {
            let name = self.clean_text(start..self.index());
            return Ok(Change::Opaque { kind: "default privileges".to_owned(), name });
        }
        let def = PrivilegeDef { revoke, option_only, privileges, roles, with_option };
        Ok(Change::DefaultPrivileges { on, schemas, def })
    }
}
