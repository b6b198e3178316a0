//! Typed values and row images in bytes, version 1.
//!
//! An image is the columns of a row in the order of the table, one field after the other; a column
//! that is NULL is not there, so a column added later changes nothing.
//!
//! | part | bytes | |
//! |---|---|---|
//! | name | 1 + n | length, then the name in UTF-8 |
//! | class | 1 | [`Class`] |
//! | length | 4 | of the value, big-endian |
//! | value | n | as the class says |
//!
//! Nothing in it depends on a setting of the server or a session. The bytes are stored as they were
//! written and hashed as they are stored.

/// What kind of value the bytes of a field are. Numbers are big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// One byte, 0 or 1.
    Bool = 1,
    /// Signed, 8 bytes: every integer type, and OIDs.
    Int = 2,
    /// IEEE 754, 4 bytes.
    Float4 = 3,
    /// IEEE 754, 8 bytes.
    Float8 = 4,
    /// PostgreSQL's wire format: number of digits, weight, sign, scale, digits to base 10000.
    Numeric = 5,
    /// UTF-8.
    Text = 6,
    /// As they are.
    Bytes = 7,
    /// 16 bytes.
    Uuid = 8,
    /// Microseconds since the Unix epoch, 8 bytes; the extreme values are the infinities.
    TimestampTz = 9,
    /// As `TimestampTz`, without a zone.
    Timestamp = 10,
    /// Days since the Unix epoch, 4 bytes; the extreme values are the infinities.
    Date = 11,
    /// Microseconds since midnight, 8 bytes.
    Time = 12,
    /// As `Time`, then 4 bytes: seconds west of UTC.
    TimeTz = 13,
    /// Microseconds, 8 bytes, then days and months, 4 bytes each.
    Interval = 14,
    /// PostgreSQL's text of a `jsonb`, which has one spelling.
    Json = 15,
    /// PostgreSQL's text of any other type, under fixed settings.
    Other = 16,
    /// No bytes: the column was set, its value is not recorded.
    Masked = 17,
}

impl Class {
    fn from_byte(byte: u8) -> Option<Self> {
        const ALL: [Class; 17] = [
            Class::Bool,
            Class::Int,
            Class::Float4,
            Class::Float8,
            Class::Numeric,
            Class::Text,
            Class::Bytes,
            Class::Uuid,
            Class::TimestampTz,
            Class::Timestamp,
            Class::Date,
            Class::Time,
            Class::TimeTz,
            Class::Interval,
            Class::Json,
            Class::Other,
            Class::Masked,
        ];
        ALL.into_iter().find(|class| *class as u8 == byte)
    }
}

/// A column that is not NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name of the column.
    pub name: &'a str,
    /// Kind of the value.
    pub class: Class,
    /// The value.
    pub bytes: &'a [u8],
}

/// Appends a field to an image. Names of PostgreSQL have at most 63 bytes; what exceeds 255 is cut.
pub fn push_field(image: &mut Vec<u8>, name: &str, class: Class, value: &[u8]) {
    let name = &name.as_bytes()[..name.len().min(255)];
    // The length fits: it was just limited.
    image.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    image.extend_from_slice(name);
    image.push(class as u8);
    // A value of PostgreSQL has less than a gigabyte.
    image.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    image.extend_from_slice(value);
}

/// The fields of an image; the last item is `None` where the bytes are no image.
pub fn fields(image: &[u8]) -> impl Iterator<Item = Option<Field<'_>>> {
    let mut rest = image;
    let mut broken = false;
    std::iter::from_fn(move || {
        if rest.is_empty() || broken {
            return None;
        }
        let Some((field, after)) = field(rest) else {
            broken = true;
            return Some(None);
        };
        rest = after;
        Some(Some(field))
    })
}

fn field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (class, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let name = std::str::from_utf8(name).ok()?;
    Some((Field { name, class: Class::from_byte(*class)?, bytes: value }, rest))
}
