//! `COMMENT ON`.

use super::change::{Change, CommentTarget, DropTarget, ObjectClass};
use super::cursor::{Cursor, Parse};
use super::names::Name;

impl Cursor<'_> {
    /// After `COMMENT ON`.
    pub(crate) fn comment(&mut self) -> Parse<Change> {
        let target = self.comment_target()?;
        self.expect_kw("IS")?;
        let text = if self.eat_kw("NULL") { None } else { Some(self.string()?).filter(|text| !text.is_empty()) };
        self.finish()?;
        Ok(Change::Comment { target, text })
    }

    fn comment_target(&mut self) -> Parse<CommentTarget> {
        if self.eat_kw("COLUMN") {
            return self.column_target();
        }
        if self.eat_kw("CONSTRAINT") {
            let name = self.ident()?;
            self.expect_kw("ON")?;
            let class = if self.eat_kw("DOMAIN") { ObjectClass::DomainConstraint } else { ObjectClass::Constraint };
            return Ok(on_table(class, name, self.name()?));
        }
        for (keyword, class) in [("TRIGGER", ObjectClass::Trigger), ("POLICY", ObjectClass::Policy)] {
            if self.eat_kw(keyword) {
                let name = self.ident()?;
                self.expect_kw("ON")?;
                return Ok(on_table(class, name, self.name()?));
            }
        }
        if let Some(class) = self.object_class() {
            let target = self.drop_target(class)?;
            return Ok(CommentTarget::Object(class, target));
        }
        let start = self.index();
        let range = self.until(|c| c.is_kw("IS") && (c.is_kw_at(1, "NULL") || c.string_at(1)));
        if range.is_empty() {
            return self.expected("an object");
        }
        self.seek(start);
        let kind = self.opaque_kind()?;
        let name = self.opaque_name(&kind);
        self.seek(range.end);
        Ok(CommentTarget::Opaque { kind, name })
    }

    fn string_at(&self, ahead: usize) -> bool {
        use sqlparser::tokenizer::Token::{
            DollarQuotedString, EscapedStringLiteral, NationalStringLiteral, SingleQuotedString, UnicodeStringLiteral,
        };
        matches!(
            self.peek_at(ahead),
            Some(
                SingleQuotedString(_)
                    | EscapedStringLiteral(_)
                    | DollarQuotedString(_)
                    | UnicodeStringLiteral(_)
                    | NationalStringLiteral(_)
            )
        )
    }

    fn column_target(&mut self) -> Parse<CommentTarget> {
        let mut parts = vec![self.ident()?];
        while self.eat(&sqlparser::tokenizer::Token::Period) {
            parts.push(self.ident()?);
        }
        let column = parts.pop().unwrap_or_default();
        let Some(table) = parts.pop() else { return self.error("a column is named table.column") };
        Ok(on_table(ObjectClass::Column, column, Name { schema: parts.pop(), name: table }))
    }
}

fn on_table(class: ObjectClass, name: String, table: Name) -> CommentTarget {
    let target = DropTarget { name: Name { schema: None, name }, table: Some(table), arguments: None };
    CommentTarget::Object(class, target)
}
