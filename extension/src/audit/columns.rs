//! Rows as images: datums to the typed encoding of `canon-core`.

use std::ffi::CStr;

use canon_core::ledger::value::{Class, fields, push_field};
use pgrx::prelude::*;
use pgrx::{JsonB, direct_function_call_as_datum, pg_sys};

use super::config::Config;
use crate::guc::Pinned;

/// Microseconds from the Unix epoch to PostgreSQL's.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from the Unix epoch to PostgreSQL's.
const EPOCH_DAYS: i32 = 10_957;

/// A column as it is recorded.
#[derive(Debug)]
pub(super) struct Column {
    /// Place in the row, from 0.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) class: Class,
    /// Only that it was set.
    masked: bool,
    /// In every image, changed or not.
    pub(super) kept: bool,
    /// Output function, for the classes that need one.
    output: pg_sys::Oid,
    by_value: bool,
    length: i16,
}

fn class_of(base: pg_sys::Oid) -> Class {
    match base {
        pg_sys::BOOLOID => Class::Bool,
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID | pg_sys::OIDOID => Class::Int,
        pg_sys::FLOAT4OID => Class::Float4,
        pg_sys::FLOAT8OID => Class::Float8,
        pg_sys::NUMERICOID => Class::Numeric,
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::JSONOID => Class::Text,
        pg_sys::BYTEAOID => Class::Bytes,
        pg_sys::UUIDOID => Class::Uuid,
        pg_sys::TIMESTAMPTZOID => Class::TimestampTz,
        pg_sys::TIMESTAMPOID => Class::Timestamp,
        pg_sys::DATEOID => Class::Date,
        pg_sys::TIMEOID => Class::Time,
        pg_sys::TIMETZOID => Class::TimeTz,
        pg_sys::INTERVALOID => Class::Interval,
        pg_sys::JSONBOID => Class::Json,
        // SAFETY: a look into the catalogue.
        _ if unsafe { pg_sys::get_typtype(base) } as u8 == pg_sys::TYPTYPE_ENUM => Class::Text,
        _ => Class::Other,
    }
}

/// The columns of a table that are recorded.
pub(super) fn of_table(descriptor: pg_sys::TupleDesc, config: &Config) -> Vec<Column> {
    // SAFETY: the descriptor is that of an open relation.
    let tuple_desc = unsafe { pgrx::PgTupleDesc::from_pg_unchecked(descriptor) };
    let mut columns = Vec::new();
    for (at, attribute) in tuple_desc.iter().enumerate() {
        let name = attribute.name().to_owned();
        let kept = config.key.contains(&name) || config.chain_by.as_ref() == Some(&name);
        let wanted =
            config.include.as_ref().is_none_or(|include| include.contains(&name)) && !config.exclude.contains(&name);
        let filled_later = config.log.as_ref().is_some_and(|log| log.holds(&name));
        if attribute.attisdropped || filled_later || !(wanted || kept) {
            continue;
        }
        let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: looks into the catalogue.
        let base = unsafe { pg_sys::getBaseType(attribute.atttypid) };
        // SAFETY: as above.
        unsafe { pg_sys::getTypeOutputInfo(base, &mut output, &mut is_varlena) };
        let masked = config.redacted.contains(&name);
        columns.push(Column {
            at,
            name,
            class: if masked { Class::Masked } else { class_of(base) },
            masked,
            kept,
            output,
            by_value: attribute.attbyval,
            length: attribute.attlen,
        });
    }
    columns
}

unsafe extern "C-unwind" {
    /// Whether two datums have the same bytes once they are detoasted.
    fn datum_image_eq(a: pg_sys::Datum, b: pg_sys::Datum, by_value: bool, length: std::ffi::c_int) -> bool;
}

/// The values of a row, by place.
pub(super) struct Values {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl Values {
    /// # Safety
    ///
    /// The tuple must be one of this descriptor, and outlive the values.
    pub(super) unsafe fn of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Self {
        // SAFETY: by contract.
        let count = usize::try_from(unsafe { (*descriptor).natts }).unwrap_or(0);
        let mut row = Self { values: vec![pg_sys::Datum::null(); count], nulls: vec![true; count] };
        // SAFETY: by contract; both buffers have the number of columns.
        unsafe { pg_sys::heap_deform_tuple(tuple, descriptor, row.values.as_mut_ptr(), row.nulls.as_mut_ptr()) };
        row
    }

    /// Whether a column has the same value in another row of the table.
    pub(super) fn same(&self, other: &Self, column: &Column) -> bool {
        let at = column.at;
        match (self.nulls[at], other.nulls[at]) {
            (true, true) => true,
            (false, false) => {
                let (a, b) = (self.values[at], other.values[at]);
                // SAFETY: both are values of this column; detoasting may raise an error, which the guard turns
                // into one that Rust may unwind.
                column.by_value && a.value() == b.value()
                    || unsafe {
                        pg_sys::ffi::pg_guard_ffi_boundary(|| {
                            datum_image_eq(a, b, column.by_value, column.length.into())
                        })
                    }
            }
            _ => false,
        }
    }

    /// Appends a column to an image, unless it is NULL.
    pub(super) fn push(&self, image: &mut Vec<u8>, column: &Column) {
        if self.nulls[column.at] {
            return;
        }
        let datum = self.values[column.at];
        let mut put = |bytes: &[u8]| push_field(image, &column.name, column.class, bytes);
        if column.masked {
            return put(&[]);
        }
        // SAFETY: the datum is a value of the type that the class was made from.
        unsafe {
            match column.class {
                Class::Bool => put(&[u8::from(datum.value() != 0)]),
                Class::Int => put(&integer(datum, column.length).to_be_bytes()),
                Class::Float4 => put(&(datum.value() as u32).to_be_bytes()),
                Class::Float8 => put(&(datum.value() as u64).to_be_bytes()),
                Class::Numeric => {
                    if let Some(sent) = direct_function_call_as_datum(pg_sys::numeric_send, &[Some(datum)]) {
                        put(varlena(sent));
                    }
                }
                Class::Text => match column.length {
                    -1 if column.output == pg_sys::Oid::from(47) || is_plain_text(column.output) => {
                        with_utf8(varlena(datum), put);
                    }
                    _ => with_utf8(output(column.output, datum).to_bytes(), put),
                },
                Class::Bytes => put(varlena(datum)),
                Class::Uuid => put(std::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), 16)),
                Class::TimestampTz | Class::Timestamp => put(&micros(datum.value() as i64).to_be_bytes()),
                Class::Date => put(&days(datum.value() as i32).to_be_bytes()),
                Class::Time => put(&(datum.value() as i64).to_be_bytes()),
                Class::TimeTz => {
                    let value = &*datum.cast_mut_ptr::<pg_sys::TimeTzADT>();
                    put(&[&value.time.to_be_bytes()[..], &value.zone.to_be_bytes()].concat());
                }
                Class::Interval => {
                    let value = &*datum.cast_mut_ptr::<pg_sys::Interval>();
                    let (time, day, month) =
                        (value.time.to_be_bytes(), value.day.to_be_bytes(), value.month.to_be_bytes());
                    put(&[&time[..], &day, &month].concat());
                }
                Class::Json => with_utf8(output(column.output, datum).to_bytes(), put),
                Class::Other => {
                    let pinned = Pinned::for_output();
                    with_utf8(output(column.output, datum).to_bytes(), put);
                    drop(pinned);
                }
                Class::Masked => put(&[]),
            }
        }
    }
}

/// Output functions of text, varchar, bpchar and json, whose values are their text.
fn is_plain_text(output: pg_sys::Oid) -> bool {
    [pg_sys::F_TEXTOUT, pg_sys::F_VARCHAROUT, pg_sys::F_BPCHAROUT, pg_sys::F_JSON_OUT].contains(&output.to_u32())
}

fn integer(datum: pg_sys::Datum, length: i16) -> i64 {
    match length {
        2 => i64::from(datum.value() as i16),
        4 => i64::from(datum.value() as i32),
        _ => datum.value() as i64,
    }
}

/// Microseconds since the Unix epoch of PostgreSQL's; infinities stay what they are. The last thirty years that
/// PostgreSQL knows, those to 294276, go round to numbers that no time has.
pub(super) fn micros(postgres: i64) -> i64 {
    if postgres == i64::MAX || postgres == i64::MIN { postgres } else { postgres.wrapping_add(EPOCH_MICROS) }
}

fn days(postgres: i32) -> i32 {
    if postgres == i32::MAX || postgres == i32::MIN { postgres } else { postgres + EPOCH_DAYS }
}

/// The bytes of a variable-length value.
///
/// # Safety
///
/// The datum must be such a value; the result lives as long as the current memory context.
unsafe fn varlena<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: by contract.
    unsafe {
        let value = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        std::slice::from_raw_parts(
            pgrx::varlena::vardata_any(value).cast::<u8>(),
            pgrx::varlena::varsize_any_exhdr(value),
        )
    }
}

/// # Safety
///
/// The function must be the output function of the datum's type.
unsafe fn output<'a>(function: pg_sys::Oid, datum: pg_sys::Datum) -> &'a CStr {
    // SAFETY: by contract; the string lives as long as the current memory context.
    unsafe { CStr::from_ptr(pg_sys::OidOutputFunctionCall(function, datum)) }
}

/// Text of the server in UTF-8, whatever the encoding of the database.
fn with_utf8(text: &[u8], mut put: impl FnMut(&[u8])) {
    // SAFETY: the conversion returns its argument where there is nothing to do, and a string otherwise.
    unsafe {
        if pg_sys::GetDatabaseEncoding() == pg_sys::pg_enc::PG_UTF8 as i32 {
            return put(text);
        }
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let converted = pg_sys::pg_server_to_any(text.as_ptr().cast(), length, pg_sys::pg_enc::PG_UTF8 as i32);
        if converted.cast_const().cast() == text.as_ptr() {
            put(text)
        } else {
            put(CStr::from_ptr(converted).to_bytes())
        }
    }
}

/// The value of a column in an image, as text.
pub(super) fn text_in(image: &[u8], column: &str) -> Option<String> {
    fields(image).flatten().find(|field| field.name == column).and_then(|field| field.text())
}

/// Values of the key columns in an image: the text of one, a JSON array of several.
pub(super) fn key_text(image: &[u8], key: &[String]) -> Option<String> {
    match key {
        [] => None,
        [one] => text_in(image, one),
        several => {
            let texts: Vec<Option<String>> = several.iter().map(|name| text_in(image, name)).collect();
            serde_json::to_string(&texts).ok()
        }
    }
}

/// The image as a JSON object.
pub(super) fn image_json(image: &[u8]) -> serde_json::Value {
    fields(image).flatten().map(|field| (field.name.to_owned(), field.json())).collect::<serde_json::Map<_, _>>().into()
}

/// An image as `jsonb`.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
pub(super) fn audit_image(image: &[u8]) -> JsonB {
    JsonB(image_json(image))
}
