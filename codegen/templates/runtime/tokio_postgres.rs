//! Reading and writing through `tokio-postgres`, and through `postgres`, which is built on it.

pub use tokio_postgres::{Error, Row};

use tokio_postgres::types::{FromSql, Kind, ToSql, Type};

use super::{Defaulted, Relation, output, qualified, quote};

/// What a conversion can fail with.
pub type SqlError = Box<dyn std::error::Error + Sync + Send>;

/// Made from a row that has all columns of the relation, as `Relation::select` asks for them.
pub trait FromRow: Sized {
    /// Fails where a column is missing or of another type.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// The value of a column, which is looked for in its usual place first.
pub fn get<'r, T: FromSql<'r>>(row: &'r Row, place: usize, column: &str) -> Result<T, Error> {
    match row.columns().get(place) {
        Some(found) if found.name() == column => row.try_get(place),
        _ => row.try_get(column),
    }
}

/// A new row.
pub trait Insert: Sized {
    /// What comes back.
    type Row: Relation;

    /// Gives the columns to write.
    fn columns<'a>(&'a self, columns: &mut Columns<'a>);

    /// `INSERT ... RETURNING` all columns, with its parameters.
    fn statement(&self) -> Statement<'_> {
        let mut columns = Columns::default();
        self.columns(&mut columns);
        let table = qualified::<Self::Row>();
        let values = if columns.names.is_empty() {
            "DEFAULT VALUES".to_owned()
        } else {
            format!("({}) VALUES ({})", columns.names.join(", "), columns.places.join(", "))
        };
        // A table can be without columns; a list cannot.
        let returning = Some(output::<Self::Row>()).filter(|list| !list.is_empty()).unwrap_or_else(|| "NULL".to_owned());
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
    names: Vec<String>,
    places: Vec<String>,
    values: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Columns<'a> {
    /// Writes a value.
    pub fn set(&mut self, name: &str, value: &'a (dyn ToSql + Sync)) {
        self.set_as(name, "", value);
    }

    /// Writes a value that the database casts: `::text::tsvector`.
    pub fn set_as(&mut self, name: &str, cast: &str, value: &'a (dyn ToSql + Sync)) {
        self.names.push(quote(name));
        self.values.push(value);
        self.places.push(format!("${}{cast}", self.values.len()));
    }

    /// Writes a value, or leaves the column to its default.
    pub fn defaulted<T: ToSql + Sync>(&mut self, name: &str, value: &'a Defaulted<T>) {
        self.defaulted_as(name, "", value);
    }

    /// Both of the above.
    pub fn defaulted_as<T: ToSql + Sync>(&mut self, name: &str, cast: &str, value: &'a Defaulted<T>) {
        if let Defaulted::Value(value) = value {
            self.set_as(name, cast, value);
        }
    }
}

/// The type below all domains: on the wire a domain is what it is made of.
pub fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(inner) => base(inner),
        _ => ty,
    }
}

//[newtype_sql]
/// SQL conversions of a newtype: those of what is in it.
macro_rules! newtype_sql {
    ($name:ident, $inner:ty) => {
        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, rt::SqlError> {
                self.0.to_sql(rt::base(ty), out)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::ToSql>::accepts(rt::base(ty))
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(ty: &tokio_postgres::types::Type, raw: &'a [u8]) -> Result<Self, rt::SqlError> {
                <$inner as tokio_postgres::types::FromSql>::from_sql(rt::base(ty), raw).map(Self)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::FromSql>::accepts(rt::base(ty))
            }
        }
    };
}
pub(crate) use newtype_sql;

//[/newtype_sql]
//[text_enum]
/// SQL conversions of an enum whose values are text to the database.
macro_rules! text_enum {
    ($name:ident) => {
        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, rt::SqlError> {
                self.as_str().to_sql(rt::base(ty), out)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <&str as tokio_postgres::types::ToSql>::accepts(rt::base(ty))
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(ty: &tokio_postgres::types::Type, raw: &'a [u8]) -> Result<Self, rt::SqlError> {
                let text = <&str as tokio_postgres::types::FromSql>::from_sql(rt::base(ty), raw)?;
                // `character(n)` comes back padded with blanks, which mean nothing.
                Ok(text.parse().or_else(|error| text.trim_end_matches(' ').parse().map_err(|_| error))?)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <&str as tokio_postgres::types::FromSql>::accepts(rt::base(ty))
            }
        }
    };
}
pub(crate) use text_enum;

//[/text_enum]
//[sql_enum]
/// Whether a value of an enum of that name, or text that stands for one, can be written and read.
pub fn is_enum(ty: &Type, name: &str) -> bool {
    let ty = base(ty);
    match ty.kind() {
        Kind::Enum(_) => ty.name() == name,
        _ => <&str as FromSql>::accepts(ty),
    }
}

/// SQL conversions of an enum of the database.
macro_rules! sql_enum {
    ($name:ident, $schema:literal, $sql:literal) => {
        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                _: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, rt::SqlError> {
                out.extend_from_slice(self.as_str().as_bytes());
                Ok(tokio_postgres::types::IsNull::No)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                rt::is_enum(ty, $sql)
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(_: &tokio_postgres::types::Type, raw: &'a [u8]) -> Result<Self, rt::SqlError> {
                Ok(std::str::from_utf8(raw)?.parse()?)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                rt::is_enum(ty, $sql)
            }
        }
    };
}
pub(crate) use sql_enum;

//[/sql_enum]
