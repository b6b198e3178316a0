//! Source text with positions.

use std::ops::Range;

use crate::error::Error;

/// One input file, as text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name for messages: a path, or `<stdin>`.
    pub name: String,
    /// The text, without a byte-order mark.
    pub text: String,
    line_starts: Vec<usize>,
}

/// A position as people count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl Source {
    /// Text that is known to be valid.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|newline| newline + 1)).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// Bytes of a file; anything but UTF-8 is refused with the place of the first bad byte.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Error> {
        let name = name.into();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let before = &error.as_bytes()[..offset];
                let line = memchr::memchr_iter(b'\n', before).count() + 1;
                Err(Error::NotUtf8 { file: name, offset, line, byte: error.as_bytes()[offset] })
            }
        }
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.line_starts[line]..offset].chars().count() + 1;
        Position { line: line as u32 + 1, column: column as u32 }
    }

    /// Byte offset of a line and column, as far as the text goes.
    pub fn offset(&self, position: Position) -> usize {
        let line = (position.line as usize).clamp(1, self.line_starts.len()) - 1;
        let end = self.line_starts.get(line + 1).copied().unwrap_or(self.text.len());
        let text = &self.text[self.line_starts[line]..end];
        let column = (position.column as usize).saturating_sub(1);
        self.line_starts[line] + text.char_indices().nth(column).map_or(text.len(), |(at, _)| at)
    }

    /// The text of a range.
    pub fn slice(&self, range: Range<usize>) -> &str {
        &self.text[range]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x.sql", "a\nöb\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(2), Position { line: 2, column: 1 });
        assert_eq!(source.position(4), Position { line: 2, column: 2 });
        assert_eq!(source.position(99), Position { line: 3, column: 1 });
        for offset in [0, 2, 4, 5] {
            assert_eq!(source.offset(source.position(offset)), offset);
        }
    }

    #[test]
    fn byte_order_mark_is_dropped() {
        assert_eq!(Source::new("x.sql", "\u{feff}SELECT 1").text, "SELECT 1");
    }

    #[test]
    fn bad_bytes_are_located() {
        let error = Source::from_bytes("x.sql", b"ok\n\xff".to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.sql: line 2: byte 0xff at offset 3 is not UTF-8; convert the file to UTF-8 first"
        );
    }
}
