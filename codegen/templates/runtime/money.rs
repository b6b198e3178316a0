//! `money`.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::{SqlError, base};

//[/tokio-postgres]
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
