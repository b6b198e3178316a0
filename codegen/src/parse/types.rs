//! Enums, composites, ranges and domains.

use sqlparser::tokenizer::Token;

use super::change::{AlterComposite, AlterDomain, Change, ColumnDef, CreateDomain, EnumPlace, ObjectClass};
use super::cursor::{Cursor, Parse};
use super::names::Name;

impl Cursor<'_> {
    /// After `CREATE TYPE`.
    pub(crate) fn create_type(&mut self) -> Parse<Change> {
        let name = self.name()?;
        if self.eat_kws(&["AS", "ENUM"]) {
            self.expect(&Token::LParen)?;
            let labels = if self.is(&Token::RParen) { Vec::new() } else { self.comma_separated(Self::string)? };
            self.expect(&Token::RParen)?;
            self.finish()?;
            return Ok(Change::CreateEnum { name, labels });
        }
        if self.eat_kws(&["AS", "RANGE"]) {
            return self.range_type(name);
        }
        if self.eat_kw("AS") {
            self.expect(&Token::LParen)?;
            let attributes = if self.is(&Token::RParen) { Vec::new() } else { self.comma_separated(Self::attribute)? };
            self.expect(&Token::RParen)?;
            self.finish()?;
            return Ok(Change::CreateComposite { name, attributes });
        }
        // A base type with its C functions, or a shell type.
        self.rest();
        Ok(Change::Opaque { kind: "base type".to_owned(), name: name.to_string() })
    }

    fn range_type(&mut self, name: Name) -> Parse<Change> {
        self.expect(&Token::LParen)?;
        let (mut subtype, mut multirange) = (None, None);
        loop {
            let option = self.ident()?;
            self.expect(&Token::Eq)?;
            if option == "subtype" {
                subtype = Some(self.type_name()?);
            } else if option == "multirange_type_name" {
                multirange = Some(self.name()?);
            } else {
                self.until(|c| c.is(&Token::Comma));
            }
            if !self.eat(&Token::Comma) {
                break;
            }
        }
        self.expect(&Token::RParen)?;
        self.finish()?;
        match subtype {
            Some(subtype) => Ok(Change::CreateRange { name, subtype, multirange }),
            None => self.error("a range type needs `subtype`"),
        }
    }

    fn attribute(&mut self) -> Parse<ColumnDef> {
        let at = self.offset();
        let name = self.ident()?;
        let ty = self.type_name()?;
        let collation = if self.eat_kw("COLLATE") { Some(self.name()?) } else { None };
        Ok(ColumnDef { name, ty: Some(ty), collation, at, ..ColumnDef::default() })
    }

    /// After `ALTER TYPE`.
    pub(crate) fn alter_type(&mut self) -> Parse<Change> {
        let name = self.name()?;
        if self.eat_kws(&["ADD", "VALUE"]) {
            let if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
            let label = self.string()?;
            let place = if self.eat_kw("BEFORE") {
                EnumPlace::Before(self.string()?)
            } else if self.eat_kw("AFTER") {
                EnumPlace::After(self.string()?)
            } else {
                EnumPlace::End
            };
            self.finish()?;
            return Ok(Change::AddEnumValue { name, label, place, if_not_exists });
        }
        if self.eat_kws(&["RENAME", "VALUE"]) {
            let from = self.string()?;
            self.expect_kw("TO")?;
            let to = self.string()?;
            self.finish()?;
            return Ok(Change::RenameEnumValue { name, from, to });
        }
        if let Some(change) = self.rename_or_move(ObjectClass::Type, &name)? {
            return Ok(change);
        }
        if self.is_kw("SET") && self.peek_at(1) == Some(&Token::LParen) {
            self.rest();
            return Ok(Change::AlterComposite { name, actions: Vec::new() });
        }
        let actions = self.comma_separated(Self::alter_attribute)?;
        self.finish()?;
        Ok(Change::AlterComposite { name, actions })
    }

    fn alter_attribute(&mut self) -> Parse<AlterComposite> {
        let action = if self.eat_kws(&["ADD", "ATTRIBUTE"]) {
            AlterComposite::Add(Box::new(self.attribute()?))
        } else if self.eat_kws(&["DROP", "ATTRIBUTE"]) {
            self.eat_kws(&["IF", "EXISTS"]);
            AlterComposite::Drop(self.ident()?)
        } else if self.eat_kws(&["ALTER", "ATTRIBUTE"]) {
            let name = self.ident()?;
            self.eat_kws(&["SET", "DATA"]);
            self.expect_kw("TYPE")?;
            let ty = self.type_name()?;
            let collation = if self.eat_kw("COLLATE") { Some(self.name()?) } else { None };
            AlterComposite::SetType(name, ty, collation)
        } else if self.eat_kws(&["RENAME", "ATTRIBUTE"]) {
            let from = self.ident()?;
            self.expect_kw("TO")?;
            AlterComposite::Rename(from, self.ident()?)
        } else {
            return self.expected("an action such as `ADD VALUE`");
        };
        self.cascade();
        Ok(action)
    }

    /// After `CREATE DOMAIN`.
    pub(crate) fn create_domain(&mut self) -> Parse<Change> {
        let name = self.name()?;
        self.eat_kw("AS");
        let ty = self.type_name()?;
        // The clauses of a domain are those of a column.
        let mut column = ColumnDef { ty: Some(ty), ..ColumnDef::default() };
        self.domain_clauses(&mut column)?;
        self.finish()?;
        Ok(Change::CreateDomain(Box::new(CreateDomain {
            name,
            ty: column.ty.unwrap_or_default(),
            not_null: column.not_null,
            default: column.default,
            collation: column.collation,
            checks: column.constraints,
        })))
    }

    fn domain_clauses(&mut self, column: &mut ColumnDef) -> Parse<()> {
        while !self.at_end() {
            let at = self.offset();
            let name = if self.eat_kw("CONSTRAINT") { Some(self.ident()?) } else { None };
            if self.eat_kw("DEFAULT") {
                column.default = Some(self.default_expression()?);
            } else if self.eat_kw("COLLATE") {
                column.collation = Some(self.name()?);
            } else if self.eat_kws(&["NOT", "NULL"]) {
                column.not_null = true;
            } else if self.eat_kw("NULL") {
                column.not_null = false;
            } else if self.is_kw("CHECK") {
                let mut check = self.constraint_body(name, at, None)?;
                self.constraint_attributes(&mut check)?;
                column.constraints.push(check);
            } else {
                return self.expected("`DEFAULT`, `NOT NULL`, `COLLATE` or `CHECK`");
            }
        }
        Ok(())
    }

    /// After `ALTER DOMAIN`.
    pub(crate) fn alter_domain(&mut self) -> Parse<Change> {
        let name = self.name()?;
        let at = self.offset();
        let action = if self.eat_kws(&["SET", "DEFAULT"]) {
            let rest = self.rest();
            AlterDomain::SetDefault(Some(self.expression(rest)?))
        } else if self.eat_kws(&["DROP", "DEFAULT"]) {
            AlterDomain::SetDefault(None)
        } else if self.eat_kws(&["SET", "NOT", "NULL"]) {
            AlterDomain::SetNotNull(true)
        } else if self.eat_kws(&["DROP", "NOT", "NULL"]) {
            AlterDomain::SetNotNull(false)
        } else if self.eat_kw("ADD") {
            let constraint = if self.eat_kw("CONSTRAINT") { Some(self.ident()?) } else { None };
            if self.eat_kws(&["NOT", "NULL"]) {
                AlterDomain::SetNotNull(true)
            } else {
                let mut check = self.constraint_body(constraint, at, None)?;
                self.constraint_attributes(&mut check)?;
                AlterDomain::AddCheck(check)
            }
        } else if self.eat_kws(&["DROP", "CONSTRAINT"]) {
            let if_exists = self.eat_kws(&["IF", "EXISTS"]);
            let name = self.ident()?;
            self.cascade();
            AlterDomain::DropConstraint { name, if_exists }
        } else if self.eat_kws(&["RENAME", "CONSTRAINT"]) {
            let from = self.ident()?;
            self.expect_kw("TO")?;
            AlterDomain::RenameConstraint { from, to: self.ident()? }
        } else if self.eat_kws(&["VALIDATE", "CONSTRAINT"]) {
            AlterDomain::ValidateConstraint(self.ident()?)
        } else if let Some(change) = self.rename_or_move(ObjectClass::Domain, &name)? {
            return Ok(change);
        } else {
            return self.expected("an action such as `ADD CONSTRAINT`");
        };
        self.finish()?;
        Ok(Change::AlterDomain { name, action })
    }
}
