//! What the generated types lean on.

use std::fmt;

pub use tokio_postgres::{Error, Row};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

type SqlError = Box<dyn std::error::Error + Sync + Send>;

/// A table.
pub trait Table: FromRow {
    /// What is inserted into it.
    type New: Insert<Row = Self>;
    /// Its schema.
    const SCHEMA: &'static str;
    /// Its name.
    const NAME: &'static str;
    /// Its columns in order.
    const COLUMNS: &'static [&'static str];

    /// `SELECT` of all columns, without a condition.
    fn select() -> String {
        format!("SELECT {} FROM {}", list(Self::COLUMNS), qualified::<Self>())
    }
}

/// Made from a row that has all columns of the table.
pub trait FromRow: Sized {
    /// Fails where a column is missing or of another type.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// A new row.
pub trait Insert: Sized {
    /// What comes back.
    type Row: Table;

    /// Gives the columns to write.
    fn columns<'a>(&'a self, columns: &mut Columns<'a>);

    /// `INSERT ... RETURNING` all columns, with its parameters.
    fn statement(&self) -> Statement<'_> {
        let mut columns = Columns::default();
        self.columns(&mut columns);
        let table = qualified::<Self::Row>();
        let returning = list(<Self::Row as Table>::COLUMNS);
        let values = if columns.names.is_empty() {
            "DEFAULT VALUES".to_owned()
        } else {
            let places: Vec<String> = (1..=columns.names.len()).map(|n| format!("${n}")).collect();
            format!("({}) VALUES ({})", list(&columns.names), places.join(", "))
        };
        Statement { sql: format!("INSERT INTO {table} {values} RETURNING {returning}"), parameters: columns.values }
    }
}

/// SQL and its parameters.
#[derive(Debug)]
pub struct Statement<'a> {
    /// The text, with `$1`, `$2`, ...
    pub sql: String,
    /// The parameters in order.
    pub parameters: Vec<&'a (dyn ToSql + Sync)>,
}

/// The columns that an insert writes.
#[derive(Default)]
pub struct Columns<'a> {
    names: Vec<&'static str>,
    values: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Columns<'a> {
    /// Writes a value.
    pub fn set(&mut self, name: &'static str, value: &'a (dyn ToSql + Sync)) {
        self.names.push(name);
        self.values.push(value);
    }

    /// Writes a value, or leaves the column to its default.
    pub fn defaulted<T: ToSql + Sync>(&mut self, name: &'static str, value: &'a Defaulted<T>) {
        if let Defaulted::Value(value) = value {
            self.set(name, value);
        }
    }
}

fn qualified<T: Table>() -> String {
    format!("{}.{}", quote(T::SCHEMA), quote(T::NAME))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
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

impl<T: Serialize> Serialize for Defaulted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Default => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Defaulted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Value)
    }
}

/// JSON in a column of type text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(pub serde_json::Value);

impl ToSql for JsonText {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        self.0.to_string().to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <String as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for JsonText {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, SqlError> {
        Ok(Self(serde_json::from_str(<&str>::from_sql(ty, raw)?)?))
    }

    fn accepts(ty: &Type) -> bool {
        <&str as FromSql>::accepts(ty)
    }
}

/// A text that is not one of the values of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The enum.
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

/// SQL conversions of an ID type.
macro_rules! newtype {
    ($name:ident, $inner:ty) => {
        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.0.to_sql(ty, out)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::ToSql>::accepts(ty)
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(
                ty: &tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                <$inner as tokio_postgres::types::FromSql>::from_sql(ty, raw).map(Self)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::FromSql>::accepts(ty)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }
    };
}

/// Text and SQL conversions of an enum.
macro_rules! text_enum {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::super::runtime::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.into_iter().find(|value| value.as_str() == text);
                found.ok_or_else(|| super::super::runtime::UnknownValue { of: stringify!($name), value: text.to_owned() })
            }
        }

        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.as_str().to_sql(ty, out)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <&str as tokio_postgres::types::ToSql>::accepts(ty)
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(
                ty: &tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                Ok(<&str as tokio_postgres::types::FromSql>::from_sql(ty, raw)?.parse()?)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <&str as tokio_postgres::types::FromSql>::accepts(ty)
            }
        }
    };
}

pub(crate) use {newtype, text_enum};
