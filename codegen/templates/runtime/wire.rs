//! Pieces of PostgreSQL's binary format.

//[wire_values]
use tokio_postgres::types::{IsNull, private::BytesMut};

//[/wire_values]
use super::SqlError;

/// The first `N` bytes.
pub(super) fn take<const N: usize>(raw: &mut &[u8]) -> Result<[u8; N], SqlError> {
    let (first, rest) = raw.split_first_chunk::<N>().ok_or("the value ends too early")?;
    *raw = rest;
    Ok(*first)
}

//[wire_values]
/// Writes a value after its length; NULL has the length -1.
pub(super) fn measured(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> Result<IsNull, SqlError>) -> Result<(), SqlError> {
    let start = out.len();
    out.extend_from_slice(&(-1_i32).to_be_bytes());
    if let IsNull::No = write(out)? {
        let length = i32::try_from(out.len() - start - 4)?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// The bytes of a value after its length; None is NULL.
pub(super) fn value<'r>(raw: &mut &'r [u8]) -> Result<Option<&'r [u8]>, SqlError> {
    let length = i32::from_be_bytes(take(raw)?);
    if length < 0 {
        return Ok(None);
    }
    let (value, rest) = raw.split_at_checked(usize::try_from(length)?).ok_or("the value ends too early")?;
    *raw = rest;
    Ok(Some(value))
}
//[/wire_values]
