//! Composite types: their attributes in binary.

use tokio_postgres::types::{Field, FromSql, Kind, ToSql, Type, private::BytesMut};

use super::wire::{measured, take, value};
use super::{SqlError, base};

/// Whether a type is a composite with these attributes.
pub fn is_record(ty: &Type, attributes: &[&str]) -> bool {
    fields(ty).is_ok_and(|fields| fields.iter().map(Field::name).eq(attributes.iter().copied()))
}

fn fields(ty: &Type) -> Result<&[Field], SqlError> {
    match base(ty).kind() {
        Kind::Composite(fields) => Ok(fields),
        _ => Err(format!("{ty} is not a composite type").into()),
    }
}

fn refused<T>(ty: &Type) -> SqlError {
    format!("{} is not for {ty}", std::any::type_name::<T>()).into()
}

/// Writes the attributes of a composite, one after the other.
pub struct RecordWriter<'t, 'o> {
    fields: std::slice::Iter<'t, Field>,
    out: &'o mut BytesMut,
}

impl<'t, 'o> RecordWriter<'t, 'o> {
    /// Begins a value.
    pub fn new(ty: &'t Type, out: &'o mut BytesMut) -> Result<Self, SqlError> {
        let fields = fields(ty)?;
        out.extend_from_slice(&i32::try_from(fields.len())?.to_be_bytes());
        Ok(Self { fields: fields.iter(), out })
    }

    /// Writes the next attribute.
    pub fn field<T: ToSql>(&mut self, value: &T) -> Result<(), SqlError> {
        let ty = self.fields.next().ok_or("the composite has fewer attributes")?.type_();
        if !T::accepts(ty) {
            return Err(refused::<T>(ty));
        }
        self.out.extend_from_slice(&ty.oid().to_be_bytes());
        measured(self.out, |out| value.to_sql(ty, out))
    }
}

/// Reads the attributes of a composite, one after the other.
pub struct RecordReader<'t, 'r> {
    fields: std::slice::Iter<'t, Field>,
    raw: &'r [u8],
}

impl<'t, 'r> RecordReader<'t, 'r> {
    /// Begins a value.
    pub fn new(ty: &'t Type, mut raw: &'r [u8]) -> Result<Self, SqlError> {
        let fields = fields(ty)?;
        let count = i32::from_be_bytes(take(&mut raw)?);
        if usize::try_from(count)? != fields.len() {
            return Err(format!("{ty} has {} attributes, and a value of it {count}", fields.len()).into());
        }
        Ok(Self { fields: fields.iter(), raw })
    }

    /// Reads the next attribute.
    pub fn field<T: FromSql<'r>>(&mut self) -> Result<T, SqlError> {
        let ty = self.fields.next().ok_or("the composite has fewer attributes")?.type_();
        if !T::accepts(ty) {
            return Err(refused::<T>(ty));
        }
        take::<4>(&mut self.raw)?;
        T::from_sql_nullable(ty, value(&mut self.raw)?)
    }
}

/// SQL conversions of a composite type.
macro_rules! composite {
    ($name:ident, $schema:literal, $sql:literal, { $($field:ident: $attribute:literal),* }) => {
        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, rt::SqlError> {
                #[allow(unused_mut, unused_variables, reason = "there are composites without attributes")]
                let mut writer = rt::RecordWriter::new(ty, out)?;
                $(writer.field(&self.$field)?;)*
                Ok(tokio_postgres::types::IsNull::No)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                rt::is_record(ty, &[$($attribute),*])
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(ty: &tokio_postgres::types::Type, raw: &'a [u8]) -> Result<Self, rt::SqlError> {
                #[allow(unused_mut, unused_variables, reason = "there are composites without attributes")]
                let mut reader = rt::RecordReader::new(ty, raw)?;
                Ok(Self { $($field: reader.field()?,)* })
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                rt::is_record(ty, &[$($attribute),*])
            }
        }
    };
}
pub(crate) use composite;
