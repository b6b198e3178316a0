//! `DROP`, and the renaming and moving that most ALTER statements share.

use sqlparser::tokenizer::Token;

use super::change::{Change, DropTarget, ObjectClass};
use super::cursor::{Cursor, Parse};
use super::names::{Name, TypeName};

/// Words after DROP, ALTER and COMMENT ON, longest first.
const CLASSES: &[(&[&str], ObjectClass)] = &[
    (&["MATERIALIZED", "VIEW"], ObjectClass::MaterializedView),
    (&["FOREIGN", "TABLE"], ObjectClass::Table),
    (&["SCHEMA"], ObjectClass::Schema),
    (&["EXTENSION"], ObjectClass::Extension),
    (&["TABLE"], ObjectClass::Table),
    (&["INDEX"], ObjectClass::Index),
    (&["SEQUENCE"], ObjectClass::Sequence),
    (&["VIEW"], ObjectClass::View),
    (&["TYPE"], ObjectClass::Type),
    (&["DOMAIN"], ObjectClass::Domain),
    (&["FUNCTION"], ObjectClass::Function),
    (&["PROCEDURE"], ObjectClass::Procedure),
    (&["ROUTINE"], ObjectClass::Routine),
    (&["AGGREGATE"], ObjectClass::Aggregate),
    (&["TRIGGER"], ObjectClass::Trigger),
    (&["POLICY"], ObjectClass::Policy),
];

impl Cursor<'_> {
    /// Takes the words of a class of objects.
    pub(crate) fn object_class(&mut self) -> Option<ObjectClass> {
        CLASSES.iter().find(|(words, _)| self.eat_kws(words)).map(|(_, class)| *class)
    }

    /// One object as DROP names it.
    pub(crate) fn drop_target(&mut self, class: ObjectClass) -> Parse<DropTarget> {
        let mut target = DropTarget { name: self.name()?, ..DropTarget::default() };
        match class {
            ObjectClass::Function | ObjectClass::Procedure | ObjectClass::Routine | ObjectClass::Aggregate
                if self.is(&Token::LParen) =>
            {
                target.arguments = Some(self.argument_types()?);
            }
            ObjectClass::Trigger | ObjectClass::Policy if self.eat_kw("ON") => target.table = Some(self.name()?),
            _ => {}
        }
        Ok(target)
    }

    /// `(int, name text, OUT x int)`: the types of the input arguments.
    fn argument_types(&mut self) -> Parse<Vec<TypeName>> {
        let inside = self.parens()?;
        let resume = self.index();
        self.seek(inside.start);
        let mut types = Vec::new();
        if self.eat(&Token::Mul) {
            self.seek(resume);
            return Ok(types);
        }
        while self.index() < inside.end {
            if self.eat_kws(&["ORDER", "BY"]) {
                continue;
            }
            let argument = self.argument()?;
            if argument.mode != "out" {
                types.push(argument.ty);
            }
            if !self.eat(&Token::Comma) && !self.is_kw("ORDER") {
                break;
            }
        }
        self.seek(resume);
        Ok(types)
    }

    /// After `DROP`.
    pub(crate) fn drop_statement(&mut self) -> Parse<Change> {
        let Some(kind) = self.object_class() else { return self.drop_opaque() };
        self.eat_kw("CONCURRENTLY");
        let if_exists = self.eat_kws(&["IF", "EXISTS"]);
        let targets = self.comma_separated(|c| c.drop_target(kind))?;
        let cascade = self.cascade();
        self.finish()?;
        Ok(Change::Drop { kind, targets, if_exists, cascade })
    }

    /// `RENAME TO`, `SET SCHEMA` and `OWNER TO` of an object without a table.
    pub(crate) fn rename_or_move(&mut self, kind: ObjectClass, name: &Name) -> Parse<Option<Change>> {
        self.rename_or_move_target(kind, DropTarget { name: name.clone(), ..DropTarget::default() })
    }

    pub(crate) fn rename_or_move_target(&mut self, kind: ObjectClass, target: DropTarget) -> Parse<Option<Change>> {
        let change = if self.eat_kws(&["RENAME", "TO"]) {
            Change::Rename { kind, target, to: self.ident()? }
        } else if self.eat_kws(&["SET", "SCHEMA"]) {
            Change::SetSchema { kind, target, to: self.ident()? }
        } else if self.eat_kws(&["OWNER", "TO"]) {
            self.rest();
            Change::Opaque { kind: "owner".to_owned(), name: target.name.to_string() }
        } else {
            return Ok(None);
        };
        self.finish()?;
        Ok(Some(change))
    }

    /// After `ALTER INDEX`.
    pub(crate) fn alter_index(&mut self) -> Parse<Change> {
        let start = self.index();
        self.eat_kws(&["IF", "EXISTS"]);
        if !self.is_kw("ALL") {
            let name = self.name()?;
            if self.eat_kws(&["ATTACH", "PARTITION"]) {
                let partition = self.name()?;
                self.finish()?;
                return Ok(Change::AttachIndex { parent: name, partition });
            }
            if let Some(change) = self.rename_or_move(ObjectClass::Index, &name)? {
                return Ok(change);
            }
        }
        self.seek(start);
        let rest = self.rest();
        Ok(Change::Opaque { kind: "storage".to_owned(), name: self.clean_text(rest) })
    }
}
