//! Which state a value of the column stands for.

use std::borrow::Cow;

use canon_core::status::StateIndex;
use pgrx::{pg_sys, varlena};

use super::error::{Error, Result};

/// How values of a column are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Blanks at the end do not count.
    Character,
    Int2,
    Int4,
    Int8,
    Bool,
    /// By the OID of the value.
    Enum,
    /// By what the type's output function writes.
    Other(pg_sys::Oid),
}

impl Kind {
    /// Of a type; domains are what they are made of.
    pub(super) fn of(ty: pg_sys::Oid) -> Self {
        // SAFETY: look-ups of an existing type.
        unsafe {
            let base = pg_sys::getBaseType(ty);
            match base {
                pg_sys::TEXTOID | pg_sys::VARCHAROID => Self::Text,
                pg_sys::BPCHAROID => Self::Character,
                pg_sys::INT2OID => Self::Int2,
                pg_sys::INT4OID => Self::Int4,
                pg_sys::INT8OID => Self::Int8,
                pg_sys::BOOLOID => Self::Bool,
                _ if pg_sys::get_typtype(base) == pg_sys::TYPTYPE_ENUM as std::ffi::c_char => Self::Enum,
                _ => {
                    let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
                    pg_sys::getTypeOutputInfo(base, &mut output, &mut varlena);
                    Self::Other(output)
                }
            }
        }
    }
}

/// A value, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(i64),
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// # Safety
    /// `datum` must be a value of the column's type that outlives the result.
    #[inline]
    pub(super) unsafe fn of(kind: Kind, datum: pg_sys::Datum) -> Self {
        // SAFETY: the kind says how the datum is stored.
        unsafe {
            match kind {
                Kind::Text => Self::Bytes(bytes(datum)),
                Kind::Character => {
                    let all = bytes(datum);
                    let length = all.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
                    match all {
                        Cow::Borrowed(all) => Self::Bytes(Cow::Borrowed(&all[..length])),
                        Cow::Owned(mut all) => {
                            all.truncate(length);
                            Self::Bytes(Cow::Owned(all))
                        }
                    }
                }
                Kind::Int2 => Self::Number((datum.value() as i16).into()),
                Kind::Int4 => Self::Number((datum.value() as i32).into()),
                Kind::Int8 => Self::Number(datum.value() as i64),
                Kind::Bool => Self::Number((datum.value() as u8 != 0).into()),
                Kind::Enum => Self::Number((datum.value() as u32).into()),
                Kind::Other(output) => {
                    let text = pg_sys::OidOutputFunctionCall(output, datum);
                    Self::Bytes(Cow::Owned(std::ffi::CStr::from_ptr(text).to_bytes().to_vec()))
                }
            }
        }
    }
}

/// # Safety
/// `datum` must be a text-like value that outlives the result.
#[inline]
unsafe fn bytes<'a>(datum: pg_sys::Datum) -> Cow<'a, [u8]> {
    // SAFETY: a value inside a tuple is a varlena; what is compressed or stored elsewhere is
    // fetched into memory of the current context, which outlives the row.
    unsafe {
        let mut value = datum.cast_mut_ptr::<pg_sys::varlena>();
        if varlena::varatt_is_1b_e(value) || varlena::varatt_is_4b_c(value) {
            value = pg_sys::pg_detoast_datum_packed(value);
        }
        Cow::Borrowed(varlena::varlena_to_byte_slice(value))
    }
}

/// The states of a machine by the values of a column.
#[derive(Debug)]
pub(super) enum Values {
    Numbers(Vec<(i64, StateIndex)>),
    Bytes(Vec<(Box<[u8]>, StateIndex)>),
}

impl Values {
    /// `texts` are the values in text form, in the order of the states.
    pub(super) fn new(kind: Kind, ty: pg_sys::Oid, texts: &[String]) -> Result<Self> {
        let numbers = |of: &dyn Fn(&str) -> Result<i64>| {
            let all: Result<Vec<_>> = texts.iter().enumerate().map(|(n, text)| Ok((of(text)?, n))).collect();
            all.map(Self::Numbers)
        };
        match kind {
            Kind::Text | Kind::Character | Kind::Other(_) => {
                Ok(Self::Bytes(texts.iter().enumerate().map(|(n, text)| (text.as_bytes().into(), n)).collect()))
            }
            Kind::Int2 | Kind::Int4 | Kind::Int8 => numbers(&|text| text.parse().map_err(|_| no_such_value(ty, text))),
            Kind::Bool => numbers(&|text| match text {
                "true" | "t" => Ok(1),
                "false" | "f" => Ok(0),
                _ => Err(no_such_value(ty, text)),
            }),
            Kind::Enum => numbers(&|text| enum_value(ty, text).ok_or_else(|| no_such_value(ty, text))),
        }
    }

    #[inline]
    pub(super) fn state(&self, value: &Value<'_>) -> Option<StateIndex> {
        match (self, value) {
            (Self::Numbers(all), Value::Number(number)) => all.iter().find(|(n, _)| n == number).map(|(_, s)| *s),
            (Self::Bytes(all), Value::Bytes(bytes)) => all.iter().find(|(b, _)| **b == **bytes).map(|(_, s)| *s),
            _ => None,
        }
    }
}

fn no_such_value(ty: pg_sys::Oid, text: &str) -> Error {
    // SAFETY: formats the name of an existing type.
    let name = unsafe { std::ffi::CStr::from_ptr(pg_sys::format_type_be(ty)) }.to_string_lossy();
    Error::new(
        pgrx::PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
        format!("type {name} has no value \"{text}\", which a state of the machine stands for"),
    )
    .hint("Give the machine values that the column can hold, or name the label_column of the table it refers to.")
}

fn enum_value(ty: pg_sys::Oid, label: &str) -> Option<i64> {
    let rows = crate::cache::read(
        "SELECT e.oid::pg_catalog.text FROM pg_catalog.pg_enum e
         WHERE e.enumtypid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND e.enumlabel OPERATOR(pg_catalog.=) $2::pg_catalog.name",
        // SAFETY: a look-up of an existing type.
        &[&unsafe { pg_sys::getBaseType(ty) }.to_u32().to_string(), label],
    );
    rows.ok()?.into_iter().flatten().flatten().next()?.parse().ok()
}
