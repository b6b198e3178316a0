//! `money`.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::{SqlError, base};

//[/tokio-postgres]
//[sqlx]
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgMoney;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

use super::below_domains;

//[/sqlx]
/// An amount in the smallest unit of the database's `lc_monetary`, which is cents for most.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(
    /// Smallest units.
    pub i64,
);
//[tokio-postgres]

impl ToSql for Money {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        self.0.to_sql(&Type::INT8, out)
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::MONEY
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Money {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, SqlError> {
        i64::from_sql(&Type::INT8, raw).map(Self)
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::MONEY
    }
}
//[/tokio-postgres]
//[sqlx]

impl Type<Postgres> for Money {
    fn type_info() -> PgTypeInfo {
        <PgMoney as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        below_domains(ty, <PgMoney as Type<Postgres>>::compatible)
    }
}

impl PgHasArrayType for Money {
    fn array_type_info() -> PgTypeInfo {
        PgMoney::array_type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Money {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        PgMoney(self.0).encode_by_ref(buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Money {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(PgMoney::decode(value)?.0))
    }
}
//[/sqlx]
