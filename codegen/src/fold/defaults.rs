//! Defaults as the catalogue holds them.

use super::Catalog;
use crate::parse::{Name, name_of};

/// What stands around the name in a call of `nextval`.
const CALL: &str = "nextval('";

impl Catalog {
    /// `DEFAULT NULL` is no default, and a default holds the sequence itself, not the name under
    /// which the search path of that moment found it.
    pub(super) fn stored_default(&self, text: String) -> Option<String> {
        if is_null(&text) {
            return None;
        }
        Some(self.with_sequence(&text).unwrap_or(text))
    }

    fn with_sequence(&self, text: &str) -> Option<String> {
        let lower = text.to_ascii_lowercase();
        let start = lower.find(CALL)? + CALL.len();
        let end = start + text[start..].find('\'')?;
        // nextval(('x'::text)::regclass) looks the name up when it runs.
        let behind = lower[end + 1..].trim_start();
        let Name { schema: None, name } = name_of(&text[start..end])? else { return None };
        if !(behind.starts_with(')') || behind.trim_start_matches(':').trim_start().starts_with("regclass")) {
            return None;
        }
        let found = self.lookup(&Name { schema: None, name }, |n| self.sequences.contains_key(n))?;
        Some(format!("{}{found}{}", &text[..start], &text[end..]))
    }
}

/// `NULL`, whatever it is cast to.
fn is_null(text: &str) -> bool {
    let bare = text.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let Some(rest) = bare.get(..4).filter(|word| word.eq_ignore_ascii_case("null")).map(|_| bare[4..].trim()) else {
        return false;
    };
    rest.is_empty()
        || rest.strip_prefix("::").is_some_and(|ty| {
            ty.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | '"' | '(' | ')' | '[' | ']' | ','))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_known_in_every_dress() {
        for text in ["NULL", "null", "(NULL)", "NULL::character varying", "null::numeric(3,2)"] {
            assert!(is_null(text), "{text}");
        }
        for text in ["'NULL'", "nullif(1, 2)", "NULL::text || 'x'", "nul"] {
            assert!(!is_null(text), "{text}");
        }
    }
}
