//! `macaddr` and `macaddr8`.

use std::fmt;
use std::str::FromStr;

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::{SqlError, base};
//[/tokio-postgres]
use super::UnknownValue;

//[macaddr]
/// A hardware address of 6 bytes.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(
    /// The bytes in order.
    pub [u8; 6],
);

//[/macaddr]
//[macaddr8]
/// A hardware address of 8 bytes.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr8(
    /// The bytes in order.
    pub [u8; 8],
);

//[/macaddr8]
macro_rules! hardware_address {
    ($name:ident, $sql:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let parts: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
                f.write_str(&parts.join(":"))
            }
        }

        impl FromStr for $name {
            type Err = UnknownValue;

            fn from_str(text: &str) -> Result<Self, UnknownValue> {
                let two = |part: &str| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2);
                let bytes: Option<Vec<u8>> = text.split(':').map(two).collect();
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or_else(|| UnknownValue { of: stringify!($name), value: text.to_owned() })
            }
        }
        //[tokio-postgres]

        impl ToSql for $name {
            fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
                out.extend_from_slice(&self.0);
                Ok(IsNull::No)
            }

            fn accepts(ty: &Type) -> bool {
                *base(ty) == Type::$sql
            }

            to_sql_checked!();
        }

        impl<'a> FromSql<'a> for $name {
            fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, SqlError> {
                Ok(Self(raw.try_into()?))
            }

            fn accepts(ty: &Type) -> bool {
                *base(ty) == Type::$sql
            }
        }
        //[/tokio-postgres]
    };
}

//[macaddr]
hardware_address!(MacAddr, MACADDR);
//[/macaddr]
//[macaddr8]
hardware_address!(MacAddr8, MACADDR8);
//[/macaddr8]
