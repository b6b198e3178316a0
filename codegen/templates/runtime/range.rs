//! Ranges{{and_multiranges}}.

use std::ops::Bound;

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::{measured, take, value};
use super::{SqlError, base};

//[/tokio-postgres]
//[sqlx]
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgRange;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

use super::below_domains;

//[/sqlx]
/// A range of values. PostgreSQL writes ranges of whole numbers and days with a lower bound that
/// belongs to them and an upper one that does not, however they came.
//@serde
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range<T> {
    /// No value at all.
    Empty,
    /// From the first bound to the second.
    Bounds(Bound<T>, Bound<T>),
}

impl<T> Range<T> {
    /// From `lower`, which belongs to it, to `upper`, which does not: `[lower, upper)`.
    pub fn new(lower: T, upper: T) -> Self {
        Self::Bounds(Bound::Included(lower), Bound::Excluded(upper))
    }

    /// Whether a value is in the range.
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialOrd,
    {
        match self {
            Self::Empty => false,
            Self::Bounds(lower, upper) => {
                let above = match lower {
                    Bound::Included(lower) => value >= lower,
                    Bound::Excluded(lower) => value > lower,
                    Bound::Unbounded => true,
                };
                let below = match upper {
                    Bound::Included(upper) => value <= upper,
                    Bound::Excluded(upper) => value < upper,
                    Bound::Unbounded => true,
                };
                above && below
            }
        }
    }
}
//[multirange]

/// Ranges that neither overlap nor touch, in ascending order; PostgreSQL makes any list such a one.
//@serde
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Multirange<T>(
    /// The ranges.
    pub Vec<Range<T>>,
);

impl<T> Default for Multirange<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
//[/multirange]
//[tokio-postgres]

/// Bits of the first byte of a range.
const EMPTY: u8 = 0x01;
const LOWER_INCLUDED: u8 = 0x02;
const UPPER_INCLUDED: u8 = 0x04;
const LOWER_UNBOUNDED: u8 = 0x08;
const UPPER_UNBOUNDED: u8 = 0x10;

fn element(ty: &Type) -> Result<&Type, SqlError> {
    match base(ty).kind() {
        Kind::Range(element) => Ok(element),
        _ => Err(format!("{ty} is not a range type").into()),
    }
}

fn bits<T>(bound: &Bound<T>, included: u8, unbounded: u8) -> u8 {
    match bound {
        Bound::Included(_) => included,
        Bound::Excluded(_) => 0,
        Bound::Unbounded => unbounded,
    }
}

fn write<T: ToSql>(range: &Range<T>, element: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
    let Range::Bounds(lower, upper) = range else {
        out.extend_from_slice(&[EMPTY]);
        return Ok(IsNull::No);
    };
    let flags = bits(lower, LOWER_INCLUDED, LOWER_UNBOUNDED) | bits(upper, UPPER_INCLUDED, UPPER_UNBOUNDED);
    out.extend_from_slice(&[flags]);
    for bound in [lower, upper] {
        if let Bound::Included(value) | Bound::Excluded(value) = bound {
            measured(out, |out| match value.to_sql(element, out)? {
                IsNull::Yes => Err("a bound of a range cannot be NULL".into()),
                IsNull::No => Ok(IsNull::No),
            })?;
        }
    }
    Ok(IsNull::No)
}

fn read<'a, T: FromSql<'a>>(element: &Type, mut raw: &'a [u8]) -> Result<Range<T>, SqlError> {
    let [flags] = take::<1>(&mut raw)?;
    if flags & EMPTY != 0 {
        return Ok(Range::Empty);
    }
    let mut bound = |included: u8, unbounded: u8| -> Result<Bound<T>, SqlError> {
        if flags & unbounded != 0 {
            return Ok(Bound::Unbounded);
        }
        let value = T::from_sql(element, value(&mut raw)?.ok_or("a bound of a range cannot be NULL")?)?;
        Ok(if flags & included != 0 { Bound::Included(value) } else { Bound::Excluded(value) })
    };
    let lower = bound(LOWER_INCLUDED, LOWER_UNBOUNDED)?;
    let upper = bound(UPPER_INCLUDED, UPPER_UNBOUNDED)?;
    Ok(Range::Bounds(lower, upper))
}

impl<T: ToSql> ToSql for Range<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        write(self, element(ty)?, out)
    }

    fn accepts(ty: &Type) -> bool {
        element(ty).is_ok_and(T::accepts)
    }

    to_sql_checked!();
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Range<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, SqlError> {
        read(element(ty)?, raw)
    }

    fn accepts(ty: &Type) -> bool {
        element(ty).is_ok_and(T::accepts)
    }
}
//[multirange]

/// The client names the element of a multirange, not its range.
fn multirange_element(ty: &Type) -> Result<&Type, SqlError> {
    match base(ty).kind() {
        Kind::Multirange(element) => Ok(element),
        _ => Err(format!("{ty} is not a multirange type").into()),
    }
}

impl<T: ToSql> ToSql for Multirange<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        let element = multirange_element(ty)?;
        out.extend_from_slice(&i32::try_from(self.0.len())?.to_be_bytes());
        self.0.iter().try_for_each(|range| measured(out, |out| write(range, element, out)))?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        multirange_element(ty).is_ok_and(T::accepts)
    }

    to_sql_checked!();
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Multirange<T> {
    fn from_sql(ty: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
        let element = multirange_element(ty)?;
        let count = i32::from_be_bytes(take(&mut raw)?);
        let range = |_| read(element, value(&mut raw)?.ok_or("a range of a multirange cannot be NULL")?);
        (0..count).map(range).collect::<Result<_, SqlError>>().map(Self)
    }

    fn accepts(ty: &Type) -> bool {
        multirange_element(ty).is_ok_and(T::accepts)
    }
}
//[/multirange]
//[/tokio-postgres]
//[sqlx]

impl<T> Type<Postgres> for Range<T>
where
    PgRange<T>: Type<Postgres>,
{
    fn type_info() -> PgTypeInfo {
        PgRange::<T>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        below_domains(ty, PgRange::<T>::compatible)
    }
}

impl<T> PgHasArrayType for Range<T>
where
    PgRange<T>: PgHasArrayType,
{
    fn array_type_info() -> PgTypeInfo {
        PgRange::<T>::array_type_info()
    }

    fn array_compatible(ty: &PgTypeInfo) -> bool {
        PgRange::<T>::array_compatible(ty)
    }
}

impl<'q, T: Clone> Encode<'q, Postgres> for Range<T>
where
    PgRange<T>: Encode<'q, Postgres>,
{
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            // sqlx has no range without values.
            Self::Empty => {
                buffer.push(1);
                Ok(IsNull::No)
            }
            Self::Bounds(start, end) => PgRange { start: start.clone(), end: end.clone() }.encode_by_ref(buffer),
        }
    }
}

impl<'r, T> Decode<'r, Postgres> for Range<T>
where
    PgRange<T>: Decode<'r, Postgres>,
{
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        // To sqlx a range without values is one without bounds, which is the opposite.
        let is_empty = match value.format() {
            PgValueFormat::Binary => value.as_bytes()?.first().is_some_and(|flags| flags & 1 != 0),
            PgValueFormat::Text => value.as_str()? == "empty",
        };
        if is_empty {
            return Ok(Self::Empty);
        }
        let PgRange { start, end } = PgRange::decode(value)?;
        Ok(Self::Bounds(start, end))
    }
}
//[/sqlx]
