//! `time with time zone`.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::take;
use super::{SqlError, base};

//[/tokio-postgres]
/// A time of day at an offset from UTC.
//@serde
#[derive(Clone, Copy, Debug, {{time_default}}PartialEq, Eq, Hash)]
pub struct TimeTz {
    /// The time as a clock there shows it.
    pub time: {{time}},
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}
//[tokio-postgres]

impl ToSql for TimeTz {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        self.time.to_sql(&Type::TIME, out)?;
        // PostgreSQL counts from the zone to UTC.
        let west = self.offset_seconds.checked_neg().ok_or("the offset is out of range")?;
        out.extend_from_slice(&west.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::TIMETZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for TimeTz {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
        let time: [u8; 8] = take(&mut raw)?;
        let west = i32::from_be_bytes(take(&mut raw)?);
        let time = FromSql::from_sql(&Type::TIME, &time)?;
        Ok(Self { time, offset_seconds: west.checked_neg().ok_or("the offset is out of range")? })
    }

    fn accepts(ty: &Type) -> bool {
        *base(ty) == Type::TIMETZ
    }
}
//[/tokio-postgres]
