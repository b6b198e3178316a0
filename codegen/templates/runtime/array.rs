//! Arrays of any number of dimensions.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::{measured, take, value};
use super::{SqlError, base};

//[/tokio-postgres]
/// An array with its shape. PostgreSQL declares no number of dimensions: each value has its own.
//@serde
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Array<T> {
    /// Length and first index of every dimension, outermost first; none for an empty array.
    pub dimensions: Vec<(i32, i32)>,
    /// The elements, the last dimension running fastest.
    pub elements: Vec<T>,
}

impl<T> Default for Array<T> {
    fn default() -> Self {
        Self { dimensions: Vec::new(), elements: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Array<T> {
    /// One dimension, counted from 1.
    fn from(elements: Vec<T>) -> Self {
        let length = i32::try_from(elements.len()).unwrap_or(i32::MAX);
        let dimensions = if elements.is_empty() { Vec::new() } else { vec![(length, 1)] };
        Self { dimensions, elements }
    }
}

impl<T> Array<T> {
    /// The element at a place given by its index in every dimension.
    pub fn get(&self, place: &[i32]) -> Option<&T> {
        if place.len() != self.dimensions.len() {
            return None;
        }
        let mut at = 0_usize;
        for (index, (length, first)) in place.iter().zip(&self.dimensions) {
            let offset = index.checked_sub(*first).filter(|offset| (0..*length).contains(offset))?;
            at = at.checked_mul(usize::try_from(*length).ok()?)?.checked_add(usize::try_from(offset).ok()?)?;
        }
        self.elements.get(at)
    }
}
//[tokio-postgres]

fn member(ty: &Type) -> Result<&Type, SqlError> {
    match base(ty).kind() {
        Kind::Array(member) => Ok(member),
        _ => Err(format!("{ty} is not an array type").into()),
    }
}

/// The number of elements that a shape has room for.
fn volume(dimensions: &[(i32, i32)]) -> Result<usize, SqlError> {
    if dimensions.is_empty() {
        return Ok(0);
    }
    dimensions.iter().try_fold(1_usize, |volume, (length, _)| {
        Ok(volume.checked_mul(usize::try_from(*length)?).ok_or("the array is too large")?)
    })
}

impl<T: ToSql> ToSql for Array<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, SqlError> {
        let member = member(ty)?;
        if volume(&self.dimensions)? != self.elements.len() {
            return Err(format!("{} elements do not fill {:?}", self.elements.len(), self.dimensions).into());
        }
        out.extend_from_slice(&i32::try_from(self.dimensions.len())?.to_be_bytes());
        // Whether there are NULLs is a hint that the server does not rely on.
        out.extend_from_slice(&1_i32.to_be_bytes());
        out.extend_from_slice(&member.oid().to_be_bytes());
        for (length, first) in &self.dimensions {
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&first.to_be_bytes());
        }
        self.elements.iter().try_for_each(|element| measured(out, |out| element.to_sql(member, out)))?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        member(ty).is_ok_and(T::accepts)
    }

    to_sql_checked!();
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Array<T> {
    fn from_sql(ty: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
        let member = member(ty)?;
        let count = i32::from_be_bytes(take(&mut raw)?);
        take::<8>(&mut raw)?;
        let dimension = |_| Ok((i32::from_be_bytes(take(&mut raw)?), i32::from_be_bytes(take(&mut raw)?)));
        let dimensions = (0..count).map(dimension).collect::<Result<Vec<_>, SqlError>>()?;
        let element = |_| T::from_sql_nullable(member, value(&mut raw)?);
        let elements = (0..volume(&dimensions)?).map(element).collect::<Result<_, SqlError>>()?;
        Ok(Self { dimensions, elements })
    }

    fn accepts(ty: &Type) -> bool {
        member(ty).is_ok_and(T::accepts)
    }
}
//[/tokio-postgres]
