//! Arguments that are arrays, read in place: a copy of each element would cost more than the decision.

use arrayvec::ArrayVec;
use pgrx::pg_sys;

use super::args::{Call, Interval, check_key, text_at};
use super::error::{LimitError, MAX_LEVELS};

/// One value for each level.
pub(super) type PerLevel<T> = ArrayVec<T, MAX_LEVELS>;

/// An array without NULLs.
struct Elements {
    first: *const u8,
    count: usize,
}

impl Call {
    /// The keys of 1 to [`MAX_LEVELS`] levels.
    pub(super) fn keys(&self, number: usize) -> Result<PerLevel<&str>, LimitError> {
        let keys = self.elements(number, "keys")?;
        if !(1..=MAX_LEVELS).contains(&keys.count) {
            return Err(LimitError::Levels { found: keys.count });
        }
        let mut next = keys.first;
        let mut key = || {
            // SAFETY: there are `count` texts one after another. Each has a short header, or one that
            // is aligned, before which there may be zeros.
            unsafe {
                if *next == 0 {
                    next = next.add(next.align_offset(align_of::<i32>()));
                }
                let text = next.cast_mut().cast::<pg_sys::varlena>();
                next = next.add(pgrx::varlena::varsize_any(text));
                check_key(text_at(text))
            }
        };
        (0..keys.count).map(|_| key()).collect()
    }

    /// One number for each of `keys` levels.
    pub(super) fn ints(&self, number: usize, argument: &'static str, keys: usize) -> Result<&[i64], LimitError> {
        let ints = self.elements(number, argument)?;
        if ints.count != keys {
            return Err(LimitError::Lengths { keys, argument: "limits (max_requests)", found: ints.count });
        }
        // SAFETY: so many numbers, aligned; they live as long as the call.
        Ok(unsafe { std::slice::from_raw_parts(ints.first.cast(), ints.count) })
    }

    /// One interval for each of `keys` levels.
    pub(super) fn intervals(
        &self,
        number: usize,
        argument: &'static str,
        keys: usize,
    ) -> Result<impl Iterator<Item = Interval>, LimitError> {
        let intervals = self.elements(number, argument)?;
        if intervals.count != keys {
            return Err(LimitError::Lengths { keys, argument: "periods (per)", found: intervals.count });
        }
        // SAFETY: so many intervals, aligned; they live as long as the call.
        let intervals: &[pg_sys::Interval] =
            unsafe { std::slice::from_raw_parts(intervals.first.cast(), intervals.count) };
        Ok(intervals.iter().map(Interval::from))
    }

    fn elements(&self, number: usize, argument: &'static str) -> Result<Elements, LimitError> {
        let datum = self.datum(number, argument)?;
        // SAFETY: the argument is an array; what it is made of lives as long as the call. The elements
        // come after the lengths and lower bounds of the dimensions, aligned to eight bytes.
        unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            let dimensions = usize::try_from((*array).ndim).unwrap_or(0);
            let lengths = array.add(1).cast::<i32>();
            let count = (0..dimensions).map(|k| usize::try_from(*lengths.add(k)).unwrap_or(0)).product::<usize>();
            let count = if dimensions == 0 { 0 } else { count };
            let mut offset = (size_of::<pg_sys::ArrayType>() + 2 * dimensions * size_of::<i32>()).next_multiple_of(8);
            if (*array).dataoffset != 0 {
                if pg_sys::array_contains_nulls(array) {
                    return Err(LimitError::Null { function: self.function, argument });
                }
                offset = usize::try_from((*array).dataoffset).unwrap_or(0);
            }
            Ok(Elements { first: array.cast::<u8>().add(offset), count })
        }
    }
}
