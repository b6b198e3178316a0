//! Doc comments: prose of people, made harmless.

use canon_core::schema::{Origin, QName};

use super::registry::Registry;

/// Description, then identity: the name, the ID of the document and the place of the declaration.
pub(super) fn item(
    registry: &Registry<'_>,
    name: &QName,
    comment: Option<&str>,
    origin: Option<Origin>,
) -> Vec<String> {
    let mut docs = Vec::new();
    if let Some(comment) = comment.map(prose).filter(|c| !c.is_empty()) {
        docs.push(format!(" {comment}"));
        docs.push(String::new());
    }
    let mut facts = format!(" {}", code(&name.to_string()));
    if let Some(id) = registry.doc_id(name) {
        facts.push_str(&format!(", {id}"));
    }
    if let Some((file, line)) = registry.place(origin) {
        facts.push_str(&format!(", declared in {} line {line}", code(file)));
    }
    docs.push(format!("{facts}."));
    docs
}

/// A comment as one line of Markdown in which nothing is meant as a link, a tag or a list.
pub(super) fn prose(text: &str) -> String {
    let words: Vec<String> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).map(word).collect();
    let mut line = words.join(" ");
    if line.starts_with(['#', '-', '+', '=', '~', '|', ':']) {
        line.insert(0, '\\');
    } else if let Some(end) = line.find(|c: char| !c.is_ascii_digit()) {
        // `1.` would begin a list.
        if end > 0 && line[end..].starts_with(['.', ')']) {
            line.insert(end, '\\');
        }
    }
    line
}

fn word(word: &str) -> String {
    if word.starts_with("http://") || word.starts_with("https://") {
        let end = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '"']).len();
        let (address, rest) = word.split_at(end);
        if address.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`' | '\\')) {
            return format!("<{address}>{}", escaped(rest));
        }
    }
    escaped(word)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if matches!(c, '[' | ']' | '<' | '>' | '*' | '`' | '\\' | '&' | '_') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A name or label as code.
pub(super) fn code(text: &str) -> String {
    let shown: String =
        text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.trim().is_empty() {
        return format!("{:?}", text.replace(is_invisible, ""));
    }
    if shown.contains('`') { format!("`` {shown} ``") } else { format!("`{shown}`") }
}

/// Characters that turn the direction of the text around them, which Rust refuses in comments.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_no_markup() {
        for (comment, expected) in [
            ("  Who  buys.\r\nAnd what.", "Who buys. And what."),
            ("see [x] <b> *y* `z` a_b \\ &amp;", "see \\[x\\] \\<b\\> \\*y\\* \\`z\\` a\\_b \\\\ \\&amp;"),
            ("see https://example.com/a_b?c=d.", "see <https://example.com/a_b?c=d>."),
            ("# Title", "\\# Title"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("2024 was", "2024 was"),
            ("a\u{202e}b\u{7}c", "ab c"),
            ("    fn main() {}", "fn main() {}"),
        ] {
            assert_eq!(prose(comment), expected, "{comment}");
        }
    }

    #[test]
    fn code_survives_backticks_and_blanks() {
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code(""), "\"\"");
        assert_eq!(code("a\nb"), "`a b`");
    }
}
