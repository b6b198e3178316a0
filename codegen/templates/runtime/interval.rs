//! `interval`.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::take;
use super::{SqlError, base};

//[/tokio-postgres]
//[sqlx]
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

use super::below_domains;

//[/sqlx]
/// A span of time. Months, days and microseconds are kept apart, because a month has no fixed
/// number of days, nor a day of hours.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Months; a year is 12.
    pub months: i32,
    /// Days; a week is 7.
    pub days: i32,
    /// Microseconds; an hour is 3,600,000,000.
    pub microseconds: i64,
}
//[tokio-postgres]

impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        out.extend_from_slice(&self.microseconds.to_be_bytes());
        out.extend_from_slice(&self.days.to_be_bytes());
        out.extend_from_slice(&self.months.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::INTERVAL
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Interval {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
        let microseconds = i64::from_be_bytes(take(&mut raw)?);
        let days = i32::from_be_bytes(take(&mut raw)?);
        let months = i32::from_be_bytes(take(&mut raw)?);
        Ok(Self { months, days, microseconds })
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::INTERVAL
    }
}
//[/tokio-postgres]
//[sqlx]

impl Type<Postgres> for Interval {
    fn type_info() -> PgTypeInfo {
        <PgInterval as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        below_domains(ty, <PgInterval as Type<Postgres>>::compatible)
    }
}

impl PgHasArrayType for Interval {
    fn array_type_info() -> PgTypeInfo {
        PgInterval::array_type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Interval {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        PgInterval { months: self.months, days: self.days, microseconds: self.microseconds }.encode_by_ref(buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Interval {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let PgInterval { months, days, microseconds } = PgInterval::decode(value)?;
        Ok(Self { months, days, microseconds })
    }
}
//[/sqlx]
