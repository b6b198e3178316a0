use std::fmt;

use serde::{Deserialize, Serialize};

/// A schema-qualified name, as stored in the catalogue (not quoted, not folded).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QName {
    /// Schema the object lives in.
    pub schema: String,
    /// Name inside that schema.
    pub name: String,
}

impl QName {
    /// A qualified name from its two parts.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for QName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }
}

/// `name` as SQL: quoted unless it is a plain lower-case identifier.
///
/// Reserved words are quoted by the caller's context only where SQL needs it; for display and for
/// comparison the plain form is what people write.
pub fn quote_ident(name: &str) -> String {
    let mut chars = name.chars();
    let plain =
        matches!(chars.next(), Some('a'..='z' | '_')) && chars.all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '$'));
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Where an object was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Index into [`Model::files`].
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnRef {
    /// The table.
    pub table: QName,
    /// The column.
    pub column: String,
}
