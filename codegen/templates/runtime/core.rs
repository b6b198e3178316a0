//! What the generated types lean on.

use std::fmt;

{{modules}}
/// A table or a view.
pub trait Relation: {{from_row}} {
    /// Its schema.
    const SCHEMA: &'static str;
    /// Its name.
    const NAME: &'static str;
    /// Its columns in order.
    const COLUMNS: &'static [&'static str];
    /// Columns of types that no client reads in binary, and what they are cast to.
    const CASTS: &'static [(&'static str, &'static str)] = &[];

    /// `SELECT` of all columns, without a condition.
    fn select() -> String {
        format!("SELECT {} FROM {}", output::<Self>(), qualified::<Self>())
    }
}

/// A table.
pub trait Table: Relation {
    /// What is inserted into it.
    type New{{insert}};
}

/// The schema and name of a relation, quoted.
pub fn qualified<T: Relation>() -> String {
    format!("{}.{}", quote(T::SCHEMA), quote(T::NAME))
}

/// The columns of a relation as a list of a `SELECT` or `RETURNING`, quoted, and cast where the
/// client cannot read them otherwise. Empty where there are none.
pub fn output<T: Relation>() -> String {
    let column = |name: &&str| match T::CASTS.iter().find(|(cast, _)| cast == name) {
        Some((_, wire)) => format!("{0}::{wire} AS {0}", quote(name)),
        None => quote(name),
    };
    T::COLUMNS.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column that the database fills where no value is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Defaulted<T> {
    /// The default of the column.
    #[default]
    Default,
    /// This value.
    Value(T),
}

impl<T> Defaulted<T> {
    /// Whether it is left to the database.
    pub fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }
}

impl<T> From<T> for Defaulted<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

//[serde]
//@serde_cfg
impl<T: serde::Serialize> serde::Serialize for Defaulted<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Default => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

//@serde_cfg
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Defaulted<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Value)
    }
}

//[/serde]
/// A text that is not one of the values of an enum, or not of the form of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The type.
    pub of: &'static str,
    /// The text.
    pub value: String,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a value of {}", self.value, self.of)
    }
}

impl std::error::Error for UnknownValue {}

//[newtype]
/// Conversion of a value to its newtype.
macro_rules! newtype {
    ($name:ident, $inner:ty) => {
        impl std::convert::From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }
    };
}
pub(crate) use newtype;

//[/newtype]
//[display]
/// Text of a newtype.
macro_rules! display {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use display;

//[/display]
//[labels]
/// Text of an enum, both ways.
macro_rules! labels {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = rt::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.into_iter().find(|value| value.as_str() == text);
                found.ok_or_else(|| rt::UnknownValue { of: stringify!($name), value: text.to_owned() })
            }
        }
    };
}
pub(crate) use labels;

//[/labels]
//[none]
//[text_enum]
/// Without a client there is nothing to convert.
macro_rules! text_enum {
    ($name:ident) => {};
}
pub(crate) use text_enum;

//[/text_enum]
//[sql_enum]
/// Without a client there is nothing to convert.
macro_rules! sql_enum {
    ($name:ident, $schema:literal, $sql:literal) => {};
}
pub(crate) use sql_enum;

//[/sql_enum]
//[/none]
