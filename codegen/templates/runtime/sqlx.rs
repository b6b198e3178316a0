//! Reading and writing through `sqlx`.

pub use sqlx::Error;
pub use sqlx::postgres::PgRow as Row;

use sqlx::postgres::{PgArguments, PgTypeInfo, Postgres};
//[named]
use sqlx::postgres::PgTypeKind;
//[/named]
use sqlx::{Arguments as _, Column as _, Decode, Encode, Row as _, Type};

use super::{Defaulted, Relation, output, qualified, quote};

/// Made from a row that has all columns of the relation, as `Relation::select` asks for them.
pub trait FromRow: Sized {
    /// Fails where a column is missing or of another type.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

/// The value of a column, which is looked for in its usual place first.
pub fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r Row, place: usize, column: &str) -> Result<T, Error> {
    match row.columns().get(place) {
        Some(found) if found.name() == column => row.try_get(place),
        _ => row.try_get(column),
    }
}

/// `sqlx::FromRow`, for `sqlx::query_as`.
macro_rules! sqlx_row {
    ($name:ident) => {
        impl<'r> sqlx::FromRow<'r, rt::Row> for $name {
            fn from_row(row: &'r rt::Row) -> Result<Self, rt::Error> {
                <Self as rt::FromRow>::from_row(row)
            }
        }
    };
}
pub(crate) use sqlx_row;

/// A new row.
pub trait Insert: Sized {
    /// What comes back.
    type Row: Relation;

    /// Gives the columns to write.
    fn columns<'a>(&'a self, columns: &mut Columns<'a>);

    /// `INSERT ... RETURNING` all columns, with its arguments. Fails where a value cannot be encoded.
    fn statement(&self) -> Result<Statement, Error> {
        let mut columns = Columns::default();
        self.columns(&mut columns);
        if let Some(error) = columns.error {
            return Err(error);
        }
        let table = qualified::<Self::Row>();
        let values = if columns.names.is_empty() {
            "DEFAULT VALUES".to_owned()
        } else {
            format!("({}) VALUES ({})", columns.names.join(", "), columns.places.join(", "))
        };
        // A table can be without columns; a list cannot.
        let returning = Some(output::<Self::Row>()).filter(|list| !list.is_empty()).unwrap_or_else(|| "NULL".to_owned());
        let sql = format!("INSERT INTO {table} {values} RETURNING {returning}");
        Ok(Statement { sql, arguments: columns.arguments })
    }
}

/// SQL and its arguments, for `sqlx::query_with`.
#[derive(Debug)]
pub struct Statement {
    /// The text, with `$1`, `$2`, ...
    pub sql: String,
    /// The arguments in order.
    pub arguments: PgArguments,
}

/// The columns that an insert writes.
#[derive(Default)]
pub struct Columns<'a> {
    names: Vec<String>,
    places: Vec<String>,
    arguments: PgArguments,
    error: Option<Error>,
    row: std::marker::PhantomData<&'a ()>,
}

impl<'a> Columns<'a> {
    /// Writes a value.
    pub fn set<T>(&mut self, name: &str, value: &'a T)
    where
        &'a T: Encode<'a, Postgres> + Type<Postgres>,
    {
        self.set_as(name, "", value);
    }

    /// Writes a value that the database casts: `::text::tsvector`.
    pub fn set_as<T>(&mut self, name: &str, cast: &str, value: &'a T)
    where
        &'a T: Encode<'a, Postgres> + Type<Postgres>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.error.get_or_insert(Error::Encode(error));
        }
        self.names.push(quote(name));
        self.places.push(format!("${}{cast}", self.names.len()));
    }

    /// Writes a value, or leaves the column to its default.
    pub fn defaulted<T>(&mut self, name: &str, value: &'a Defaulted<T>)
    where
        &'a T: Encode<'a, Postgres> + Type<Postgres>,
    {
        self.defaulted_as(name, "", value);
    }

    /// Both of the above.
    pub fn defaulted_as<T>(&mut self, name: &str, cast: &str, value: &'a Defaulted<T>)
    where
        &'a T: Encode<'a, Postgres> + Type<Postgres>,
    {
        if let Defaulted::Value(value) = value {
            self.set_as(name, cast, value);
        }
    }
}

/// Whether a type, or what it is a domain over, fits.
pub fn below_domains(ty: &PgTypeInfo, fits: fn(&PgTypeInfo) -> bool) -> bool {
    fits(ty) || matches!(ty.kind(), sqlx::postgres::PgTypeKind::Domain(inner) if below_domains(inner, fits))
}

//[named]
/// Whether a type has that name. PostgreSQL writes the schema only where the search path lacks it.
pub fn is_named(ty: &PgTypeInfo, schema: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('"', "");
    let (shown, schema, name) = (plain(sqlx::TypeInfo::name(ty)), plain(schema), plain(name));
    shown == name || shown.strip_prefix(&schema).and_then(|rest| rest.strip_prefix('.')) == Some(&name)
}

/// Whether a type is an array of elements that fit.
pub fn is_array_of(ty: &PgTypeInfo, fits: impl Fn(&PgTypeInfo) -> bool) -> bool {
    matches!(ty.kind(), PgTypeKind::Array(element) if fits(element))
}

//[/named]
//[newtype_sql]
/// SQL conversions of a newtype: those of what is in it.
macro_rules! newtype_sql {
    ($name:ident, $inner:ty) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <$inner as sqlx::Type<sqlx::Postgres>>::type_info()
            }

            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::below_domains(ty, <$inner as sqlx::Type<sqlx::Postgres>>::compatible)
            }
        }

        rt::inner_value!($name, $inner);

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <$inner as sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                <$inner as sqlx::postgres::PgHasArrayType>::array_compatible(ty)
            }
        }
    };
}
pub(crate) use newtype_sql;

//[/newtype_sql]
//[domain]
/// SQL conversions of a domain: the values of what is in it, under a name of its own.
macro_rules! domain {
    ($name:ident, $inner:ty, $sql:literal) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::with_name($sql)
            }

            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::below_domains(ty, <$inner as sqlx::Type<sqlx::Postgres>>::compatible)
            }
        }

        rt::inner_value!($name, $inner);

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::array_of($sql)
            }

            fn array_compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::is_array_of(ty, <Self as sqlx::Type<sqlx::Postgres>>::compatible)
            }
        }
    };
}
pub(crate) use domain;

//[/domain]
//[inner_value]
/// Values of a newtype are those of what is in it.
macro_rules! inner_value {
    ($name:ident, $inner:ty) => {
        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <$inner as sqlx::Encode<'q, sqlx::Postgres>>::encode_by_ref(&self.0, buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                <$inner as sqlx::Decode<'r, sqlx::Postgres>>::decode(value).map(Self)
            }
        }
    };
}
pub(crate) use inner_value;

//[/inner_value]
//[text_value]
/// Values of an enum are texts.
macro_rules! text_value {
    ($name:ident) => {
        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<'_, sqlx::Postgres>>::encode_by_ref(&self.as_str(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let text = value.as_str()?;
                // `character(n)` comes back padded with blanks, which mean nothing.
                Ok(text.parse().or_else(|error| text.trim_end_matches(' ').parse().map_err(|_| error))?)
            }
        }
    };
}
pub(crate) use text_value;

//[/text_value]
//[text_enum]
/// SQL conversions of an enum whose values are text to the database.
macro_rules! text_enum {
    ($name:ident) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <str as sqlx::Type<sqlx::Postgres>>::type_info()
            }

            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::below_domains(ty, <str as sqlx::Type<sqlx::Postgres>>::compatible)
            }
        }

        rt::text_value!($name);

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <String as sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                <String as sqlx::postgres::PgHasArrayType>::array_compatible(ty)
            }
        }
    };
}
pub(crate) use text_enum;

//[/text_enum]
//[sql_enum]
/// SQL conversions of an enum of the database.
macro_rules! sql_enum {
    ($name:ident, $path:literal, $schema:literal, $sql:literal) => {
        rt::named!($name, $path, $schema, $sql);
        rt::text_value!($name);
    };
}
pub(crate) use sql_enum;

//[/sql_enum]
//[named]
/// A type that goes by its name.
macro_rules! named {
    ($name:ident, $path:literal, $schema:literal, $sql:literal) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::with_name($path)
            }

            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::below_domains(ty, |ty| rt::is_named(ty, $schema, $sql))
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::array_of($path)
            }

            fn array_compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                rt::is_array_of(ty, <Self as sqlx::Type<sqlx::Postgres>>::compatible)
            }
        }
    };
}
pub(crate) use named;

//[/named]
//[composite]
/// SQL conversions of a composite type.
macro_rules! composite {
    ($name:ident, $path:literal, $schema:literal, $sql:literal, { $($field:ident: $attribute:literal),* }) => {
        rt::named!($name, $path, $schema, $sql);

        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                #[allow(unused_mut, reason = "there are composites without attributes")]
                let mut encoder = sqlx::postgres::types::PgRecordEncoder::new(buffer);
                $(encoder.encode(&self.$field)?;)*
                encoder.finish();
                Ok(sqlx::encode::IsNull::No)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                #[allow(unused_mut, unused_variables, reason = "there are composites without attributes")]
                let mut decoder = sqlx::postgres::types::PgRecordDecoder::new(value)?;
                Ok(Self { $($field: decoder.try_decode()?,)* })
            }
        }
    };
}
pub(crate) use composite;

//[/composite]
