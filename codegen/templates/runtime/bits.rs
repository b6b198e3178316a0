//! `bit` and `bit varying`.

use std::fmt;
use std::str::FromStr;

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::take;
use super::{SqlError, base};
//[/tokio-postgres]
use super::UnknownValue;

/// A string of bits, the first one leftmost, as PostgreSQL writes it: `10110`.
//@serde
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits(
    /// The bits in order.
    pub Vec<bool>,
);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|bit| f.write_str(if *bit { "1" } else { "0" }))
    }
}

impl FromStr for Bits {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let bits: Option<Vec<bool>> = text.chars().map(|c| matches!(c, '0' | '1').then_some(c == '1')).collect();
        bits.map(Self).ok_or_else(|| UnknownValue { of: "Bits", value: text.to_owned() })
    }
}
//[tokio-postgres]

impl ToSql for Bits {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        out.extend_from_slice(&i32::try_from(self.0.len())?.to_be_bytes());
        for eight in self.0.chunks(8) {
            let byte = eight.iter().enumerate().fold(0_u8, |byte, (n, bit)| byte | (u8::from(*bit) << (7 - n)));
            out.extend_from_slice(&[byte]);
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*base(ty), Type::BIT | Type::VARBIT)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Bits {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
        let count = usize::try_from(i32::from_be_bytes(take(&mut raw)?))?;
        if raw.len() != count.div_ceil(8) {
            return Err("a string of bits is not as long as it says".into());
        }
        Ok(Self((0..count).map(|n| raw[n / 8] & (0x80 >> (n % 8)) != 0).collect()))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*base(ty), Type::BIT | Type::VARBIT)
    }
}
//[/tokio-postgres]
