use std::ffi::CStr;

use pgrx::pg_sys;

/// A row of a table, in the table's own layout.
#[derive(Clone, Copy)]
pub(super) struct Row {
    tuple: pg_sys::HeapTuple,
    layout: pg_sys::TupleDesc,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) number: i16,
    pub(super) ty: pg_sys::Oid,
    /// Length limit and the like, as PostgreSQL stores it.
    pub(super) modifier: i32,
}

impl Row {
    /// # Safety
    /// Both must be of one relation, and outlive the row.
    pub(super) unsafe fn new(tuple: pg_sys::HeapTuple, layout: pg_sys::TupleDesc) -> Self {
        Self { tuple, layout }
    }

    pub(super) fn tuple(&self) -> pg_sys::HeapTuple {
        self.tuple
    }

    /// The value of a column; None is NULL.
    #[inline]
    pub(super) fn get(&self, number: i16) -> Option<pg_sys::Datum> {
        let mut null = false;
        // SAFETY: `new` promises that tuple and layout belong together; the number is of that layout.
        let datum = unsafe { pg_sys::heap_getattr(self.tuple, number.into(), self.layout, &mut null) };
        (!null).then_some(datum)
    }

    /// A column as text.
    pub(super) fn text(&self, column: &Column) -> Option<String> {
        let datum = self.get(column.number)?;
        // Keys are read for every row of a history: the usual types without looking up their output functions.
        match column.ty {
            pg_sys::INT4OID => return Some((datum.value() as i32).to_string()),
            pg_sys::INT8OID => return Some((datum.value() as i64).to_string()),
            _ => {}
        }
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: the datum is of the column's type.
        unsafe {
            pg_sys::getTypeOutputInfo(column.ty, &mut output, &mut varlena);
            let text = pg_sys::OidOutputFunctionCall(output, datum);
            Some(CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    }

    /// Whether a column holds a value, in text columns one that is not blank.
    pub(super) fn is_set(&self, column: &Column) -> bool {
        // SAFETY: a look-up of an existing type.
        let texts = matches!(
            unsafe { pg_sys::getBaseType(column.ty) },
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID
        );
        if texts { self.text(column).is_some_and(|t| !t.trim().is_empty()) } else { self.get(column.number).is_some() }
    }

    /// The row with other values in some columns.
    pub(super) fn with(&self, changes: &[(i16, Option<pg_sys::Datum>)]) -> Self {
        if changes.is_empty() {
            return *self;
        }
        let mut numbers: Vec<i32> = changes.iter().map(|(number, _)| i32::from(*number)).collect();
        let mut values: Vec<_> = changes.iter().map(|(_, value)| value.unwrap_or(pg_sys::Datum::null())).collect();
        let mut nulls: Vec<bool> = changes.iter().map(|(_, value)| value.is_none()).collect();
        let count = i32::try_from(changes.len()).unwrap_or(i32::MAX);
        // SAFETY: the three arrays have `count` elements, for columns of this layout.
        let tuple = unsafe {
            pg_sys::heap_modify_tuple_by_cols(
                self.tuple,
                self.layout,
                count,
                numbers.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            )
        };
        Self { tuple, layout: self.layout }
    }

    /// The row as a value of the table's row type.
    pub(super) fn as_value(&self) -> pg_sys::Datum {
        // SAFETY: `new` promises that tuple and layout belong together.
        unsafe { pg_sys::heap_copy_tuple_as_datum(self.tuple, self.layout) }
    }

    /// Whether a column is the same in both, byte for byte.
    pub(super) fn same(&self, other: &Self, column: &Column) -> bool {
        self.text(column) == other.text(column)
    }

    /// The key of the row as text: the value of a single column, a JSON array of several.
    pub(super) fn key(&self, columns: &[Column]) -> Option<String> {
        match columns {
            [] => None,
            [one] => self.text(one),
            many => {
                let values: Vec<Option<String>> = many.iter().map(|column| self.text(column)).collect();
                serde_json::to_string(&values).ok()
            }
        }
    }
}
