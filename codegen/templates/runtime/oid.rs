//! `oid`.

//[sqlx]
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid as PgOid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

use super::below_domains;

//[/sqlx]
/// The number of an object of the database.
//@serde_transparent
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(
    /// The number.
    pub u32,
);
//[sqlx]

impl Type<Postgres> for Oid {
    fn type_info() -> PgTypeInfo {
        <PgOid as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        below_domains(ty, <PgOid as Type<Postgres>>::compatible)
    }
}

impl PgHasArrayType for Oid {
    fn array_type_info() -> PgTypeInfo {
        PgOid::array_type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Oid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        PgOid(self.0).encode_by_ref(buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Oid {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(PgOid::decode(value)?.0))
    }
}
//[/sqlx]
