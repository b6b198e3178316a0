//! Names of types as `format_type` prints them, taken apart.

use canon_core::schema::QName;

/// A type, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling<'a> {
    /// Without modifiers: `character varying`, `timestamp with time zone`, `saas.mood`.
    pub name: String,
    /// Inside the parentheses.
    pub modifiers: &'a str,
    /// Whether it is an array of that.
    pub array: bool,
    /// All of it but the brackets of an array.
    pub element: &'a str,
}

impl<'a> Spelling<'a> {
    /// Takes apart what `format_type` prints.
    pub fn parse(ty: &'a str) -> Self {
        let (element, array) = match ty.strip_suffix("[]") {
            // Several dimensions are one to PostgreSQL.
            Some(element) => (element.trim_end_matches("[]"), true),
            None => (ty, false),
        };
        let ty = element;
        let mut quoted = false;
        let mut open = None;
        let mut close = None;
        for (at, c) in ty.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '(' if !quoted && open.is_none() => open = Some(at),
                ')' if !quoted => close = Some(at),
                _ => {}
            }
        }
        match (open, close) {
            (Some(open), Some(close)) if open < close => {
                let name = format!("{}{}", ty[..open].trim_end(), &ty[close + 1..]);
                Self { name, modifiers: &ty[open + 1..close], array, element }
            }
            _ => Self { name: ty.to_owned(), modifiers: "", array, element },
        }
    }
}

/// A name with a schema, its quotes removed; None where there is no schema.
pub fn qualified(name: &str) -> Option<QName> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                parts.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => parts.last_mut()?.push(other),
        }
    }
    match <[String; 2]>::try_from(parts) {
        Ok([schema, name]) => Some(QName { schema, name }),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_apart() {
        let parse = |ty| {
            let s = Spelling::parse(ty);
            (s.name, s.modifiers.to_owned(), s.array)
        };
        let part = |name: &str, modifiers: &str, array| (name.to_owned(), modifiers.to_owned(), array);
        assert_eq!(parse("character varying(10)[]"), part("character varying", "10", true));
        assert_eq!(parse("timestamp(3) with time zone"), part("timestamp with time zone", "3", false));
        assert_eq!(parse("numeric(10,2)"), part("numeric", "10,2", false));
        assert_eq!(parse("\"A (odd) schema\".\"T[]\""), part("\"A (odd) schema\".\"T[]\"", "", false));
        assert_eq!(parse("interval day to second(3)"), part("interval day to second", "3", false));
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(qualified("saas.mood"), Some(QName::new("saas", "mood")));
        assert_eq!(qualified("\"A.b\".\"c\"\"d\""), Some(QName::new("A.b", "c\"d")));
        assert_eq!(qualified("integer"), None);
    }
}
