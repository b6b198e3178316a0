//! What of Markdown the tool has to know: headings and their anchors, fences, and text that stays text.

/// The anchor that GitHub gives a heading: of its text as shown, lower case, without punctuation.
pub fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    shown(heading).to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A heading without its marks: `[a](b)` is `a`, `` `a` `` is `a`, `\*` is `*`, tags are gone.
fn shown(heading: &str) -> String {
    let mut out = String::new();
    let mut rest = heading.trim();
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        rest = match c {
            '\\' if tail.starts_with(|c: char| c.is_ascii_punctuation()) => {
                out.push_str(&tail[..1]);
                &tail[1..]
            }
            '`' | '*' => tail,
            '<' if tail.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') => {
                tail.split_once('>').map_or("", |(_, after)| after)
            }
            '&' => match ["lt;", "gt;", "amp;", "quot;"].iter().find_map(|name| tail.strip_prefix(name)) {
                Some(after) => after,
                None => {
                    out.push('&');
                    tail
                }
            },
            '[' => match link(rest) {
                Some(link) => {
                    out.push_str(&shown(link.text));
                    &rest[link.length..]
                }
                None => {
                    out.push('[');
                    tail
                }
            },
            _ => {
                out.push(c);
                tail
            }
        };
    }
    out
}

/// An inline link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// What is shown.
    pub text: &'a str,
    /// Where it goes, without a title.
    pub target: &'a str,
    /// Bytes of the whole link.
    pub length: usize,
}

/// The inline link that `text` begins with.
pub fn link(text: &str) -> Option<Link<'_>> {
    let inner = text.strip_prefix('[')?;
    let mut depth = 0usize;
    let mut escaped = false;
    let end = inner.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
        None
    })?;
    let target = inner[end + 1..].strip_prefix('(')?;
    let close = target.find(')')?;
    let bare = target[..close].split_whitespace().next().unwrap_or_default();
    let bare = bare.strip_prefix('<').and_then(|b| b.strip_suffix('>')).unwrap_or(bare);
    Some(Link { text: &inner[..end], target: bare, length: 1 + end + 2 + close + 1 })
}

/// The text of a `#` heading.
pub fn heading(line: &str) -> Option<&str> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let text = line.trim_start_matches(' ');
    let marks = text.len() - text.trim_start_matches('#').len();
    let rest = &text[marks..];
    let is_heading = indent < 4 && (1..=6).contains(&marks) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_heading.then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// Follows fenced code blocks from line to line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fence(Option<(char, usize)>);

impl Fence {
    /// Takes the next line; true where it is code, or the mark of a fence.
    pub fn is_code(&mut self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~') && line.len() - text.len() < 4);
        let length = mark.map_or(0, |m| text.len() - text.trim_start_matches(m).len());
        match (self.0, mark) {
            (Some((open, least)), Some(m)) if m == open && length >= least && text[length..].trim().is_empty() => {
                self.0 = None;
                true
            }
            (Some(_), _) => true,
            (None, Some(m)) if length >= 3 && !(m == '`' && text[length..].contains('`')) => {
                self.0 = Some((m, length));
                true
            }
            (None, _) => false,
        }
    }
}

/// Text of one line, shown as it is: nothing in it is markup.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            // Between letters an underscore is a letter.
            '_' if before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric()) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        before = c;
    }
    // What only means something at the beginning of a line.
    match out.chars().next() {
        Some('#' | '+' | '-' | '>' | '=') => out.insert(0, '\\'),
        Some('0'..='9') => {
            let digits = out.len() - out.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if out[digits..].starts_with(['.', ')']) {
                out.insert(digits, '\\');
            }
        }
        _ => {}
    }
    out
}

/// Paragraphs, shown as they are.
pub fn paragraphs(block: &str) -> String {
    let lines: Vec<String> = block.trim().lines().map(text).collect();
    lines.join("\n")
}

/// A code span; between backticks nothing but backticks is markup.
pub fn code(code: &str) -> String {
    let code: String = code.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if code.trim().is_empty() {
        return "`' '`".to_owned();
    }
    let ticks = "`".repeat(longest_run(&code, '`') + 1);
    let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{code}{pad}{ticks}")
}

/// A code span in a cell of a table, where a bar would end the cell even between backticks.
pub fn code_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A fenced block, whose fence is longer than any in the text.
pub fn block(text: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let text: String =
        text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_github() {
        for (heading, expected) in [
            ("DBT-001: role_permissions", "dbt-001-role_permissions"),
            ("Navigation by Category", "navigation-by-category"),
            ("Views & Materialized Views", "views--materialized-views"),
            ("The `canon` *tool*", "the-canon-tool"),
            ("See [this](that.md#x) now", "see-this-now"),
            ("a &amp; b", "a--b"),
            ("Größe", "größe"),
            (r"\_x\_ \*", "_x_-"),
        ] {
            assert_eq!(slug(heading), expected, "{heading}");
        }
    }

    #[test]
    fn fences_end_where_they_should() {
        let mut fence = Fence::default();
        let code: Vec<bool> = ["a", "````sql", "```", "# no", "`````", "b", "~~~", "```", "~~~", "c", "``` a ` b", "d"]
            .map(|line| fence.is_code(line))
            .to_vec();
        let expected = [false, true, true, true, true, false, true, true, true, false, false, false];
        assert_eq!(code, expected);
    }

    #[test]
    fn text_is_not_markup() {
        assert_eq!(text("a|b `c` <b>*x*</b> created_at _y_"), r"a\|b \`c\` &lt;b>\*x\*&lt;/b> created_at \_y\_");
        assert_eq!(text("# no\nheading"), r"\# no heading");
        assert_eq!(text("1. no list"), r"1\. no list");
        assert_eq!(paragraphs("a\n- b\n\n> c"), "a\n\\- b\n\n\\> c");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code_cell("a|b\nc"), r"`a\|b c`");
        assert_eq!(block("a\n```\nb", "sql"), "````sql\na\n```\nb\n````");
    }

    #[test]
    fn links_are_taken_apart() {
        assert_eq!(link("[a](b.md#c) d"), Some(Link { text: "a", target: "b.md#c", length: 11 }));
        assert_eq!(link("[a [b]](<c>)").map(|l| l.target), Some("c"));
        assert_eq!(link("[a] (b)"), None);
    }
}
