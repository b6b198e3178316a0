//! Column declarations.

use canon_core::schema::{GeneratedKind, Identity};
use sqlparser::tokenizer::Token;

use super::change::{ColumnDef, ConstraintBody, ConstraintDef, SequenceOptions};
use super::cursor::{Cursor, Parse};

/// Words that begin the next clause of a column and so end its default.
const CLAUSES: &[&str] = &[
    "NOT",
    "NULL",
    "CONSTRAINT",
    "CHECK",
    "PRIMARY",
    "UNIQUE",
    "REFERENCES",
    "GENERATED",
    "COLLATE",
    "DEFERRABLE",
    "INITIALLY",
    "STORAGE",
    "COMPRESSION",
    "DEFAULT",
    "NO",
];

impl Cursor<'_> {
    /// `name type clauses`, as in CREATE TABLE and ADD COLUMN.
    pub(crate) fn column_def(&mut self) -> Parse<ColumnDef> {
        let at = self.offset();
        let name = self.ident()?;
        let ty = self.type_name()?;
        if ty.setof {
            return self.error("a column cannot be a set");
        }
        let mut column = ColumnDef { name, ty: Some(ty), at, ..ColumnDef::default() };
        self.column_clauses(&mut column)?;
        Ok(column)
    }

    /// `name [WITH OPTIONS] clauses`, as in `CREATE TABLE ... OF` and `PARTITION OF`.
    pub(crate) fn column_options(&mut self) -> Parse<ColumnDef> {
        let at = self.offset();
        let name = self.ident()?;
        self.eat_kws(&["WITH", "OPTIONS"]);
        let mut column = ColumnDef { name, at, ..ColumnDef::default() };
        self.column_clauses(&mut column)?;
        Ok(column)
    }

    fn column_clauses(&mut self, column: &mut ColumnDef) -> Parse<()> {
        loop {
            let at = self.offset();
            let name = if self.eat_kw("CONSTRAINT") { Some(self.ident()?) } else { None };
            if !self.column_clause(column, name.clone(), at)? {
                if name.is_some() {
                    return self.expected("a constraint");
                }
                return Ok(());
            }
        }
    }

    fn column_clause(&mut self, column: &mut ColumnDef, name: Option<String>, at: usize) -> Parse<bool> {
        let Some(word) = self.peek_word() else { return Ok(false) };
        match word.as_str() {
            "NOT" if self.is_kw_at(1, "NULL") => {
                self.seek(self.index() + 2);
                self.eat_kws(&["NO", "INHERIT"]);
                column.not_null = true;
            }
            "NULL" => self.advance(),
            "DEFAULT" => {
                self.advance();
                column.default = Some(self.default_expression()?);
            }
            "COLLATE" => {
                self.advance();
                column.collation = Some(self.name()?);
            }
            "GENERATED" => self.generated(column)?,
            "CHECK" | "PRIMARY" | "UNIQUE" | "REFERENCES" => {
                let constraint = self.column_constraint(column, name, at)?;
                column.constraints.push(constraint);
            }
            "DEFERRABLE" | "INITIALLY" | "NOT" => return self.attributes_of_last(column),
            "STORAGE" | "COMPRESSION" => {
                self.advance();
                self.ident()?;
            }
            // Foreign tables: OPTIONS (name 'value').
            "OPTIONS" => {
                self.advance();
                self.parens()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A default ends where the next clause begins. It may not hold NOT, IN or IS outside
    /// parentheses, so those words never belong to it, but its first word always does.
    pub(crate) fn default_expression(&mut self) -> Parse<String> {
        let start = self.index();
        if self.at_end() {
            return self.expected("an expression");
        }
        let stops = |c: &Self| c.is(&Token::Comma) || c.peek_word().is_some_and(|w| CLAUSES.contains(&w.as_str()));
        let mut first = true;
        let range = self.until(|c| {
            let stop = !first && stops(c);
            first = false;
            stop
        });
        self.expression(start..range.end)
    }

    fn generated(&mut self, column: &mut ColumnDef) -> Parse<()> {
        self.advance();
        let identity = if self.eat_kw("ALWAYS") {
            Identity::Always
        } else if self.eat_kws(&["BY", "DEFAULT"]) {
            Identity::ByDefault
        } else {
            return self.expected("`ALWAYS` or `BY DEFAULT`");
        };
        self.expect_kw("AS")?;
        if self.eat_kw("IDENTITY") {
            let options =
                if self.is(&Token::LParen) { self.sequence_options_in_parens()? } else { SequenceOptions::default() };
            column.identity = Some((identity, options));
            column.not_null = true;
            return Ok(());
        }
        let inside = self.parens()?;
        let expression = self.expression(inside)?;
        // PostgreSQL 18 computes on read unless STORED is written; before 18 STORED is required.
        let kind = if self.eat_kw("STORED") {
            GeneratedKind::Stored
        } else {
            self.eat_kw("VIRTUAL");
            GeneratedKind::Virtual
        };
        column.generated = Some((kind, expression));
        Ok(())
    }

    fn column_constraint(&mut self, column: &ColumnDef, name: Option<String>, at: usize) -> Parse<ConstraintDef> {
        let mut constraint = self.constraint_body(name, at, Some(&column.name))?;
        self.constraint_attributes(&mut constraint)?;
        Ok(constraint)
    }

    /// `DEFERRABLE` and its kin stand after the constraint they belong to, possibly with other
    /// clauses between.
    fn attributes_of_last(&mut self, column: &mut ColumnDef) -> Parse<bool> {
        let before = self.index();
        match column.constraints.last_mut() {
            Some(constraint) => self.constraint_attributes(constraint)?,
            None => return Ok(false),
        }
        Ok(self.index() > before)
    }
}

impl ConstraintDef {
    pub(crate) fn new(name: Option<String>, body: ConstraintBody, at: usize) -> Self {
        Self { name, body, deferrable: false, initially_deferred: false, not_valid: false, no_inherit: false, at }
    }
}
