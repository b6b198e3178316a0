use std::cmp::Reverse;

/// Pattern of endpoints: `%` and `*` stand for any text, `?` for one character; everything else,
/// `_` too, for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Vec<char>,
}

impl Pattern {
    /// A pattern from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.chars().map(|c| if c == '*' { '%' } else { c }).collect() }
    }

    /// Whether it matches the whole of `endpoint`.
    #[must_use]
    pub fn matches(&self, endpoint: &str) -> bool {
        let endpoint: Vec<char> = endpoint.chars().collect();
        let (mut p, mut e) = (0, 0);
        // Where to go on after the last `%`, if it takes one character more.
        let mut retry: Option<(usize, usize)> = None;
        while e < endpoint.len() {
            match self.text.get(p) {
                Some('%') => {
                    retry = Some((p + 1, e));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == endpoint[e] => {
                    p += 1;
                    e += 1;
                }
                _ => {
                    let Some((after, taken)) = retry else { return false };
                    retry = Some((after, taken + 1));
                    (p, e) = (after, taken + 1);
                }
            }
        }
        self.text[p..].iter().all(|c| *c == '%')
    }

    /// Orders patterns from the least to the most specific: more characters that stand for
    /// themselves, then more `?`, then fewer `%`.
    #[must_use]
    pub fn specificity(&self) -> impl Ord + use<> {
        let any = self.text.iter().filter(|c| **c == '%').count();
        let one = self.text.iter().filter(|c| **c == '?').count();
        (self.text.len() - any - one, one, Reverse(any))
    }
}

/// The item with the most specific pattern; of several, the first.
pub fn most_specific<'a, T>(items: impl Iterator<Item = &'a T>, pattern: impl Fn(&T) -> &Pattern) -> Option<&'a T> {
    items.reduce(|best, item| if pattern(item).specificity() > pattern(best).specificity() { item } else { best })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, tried on every split.
    fn matches(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%' | '*', rest)) => (0..=text.len()).any(|k| matches(rest, &text[k..])),
            Some((c, rest)) => text.first().is_some_and(|t| *c == '?' || c == t) && matches(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab%*?_]{0,8}", text in "[ab_]{0,10}") {
            let expected = matches(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
        }
    }

    #[test]
    fn an_underscore_is_a_character() {
        assert!(Pattern::new("/a_b").matches("/a_b"));
        assert!(!Pattern::new("/a_b").matches("/axb"));
    }

    #[test]
    fn the_most_specific_wins() {
        let all = ["/%", "/api/*", "/api/v?/users", "/api/v1/users", "/api/%/users"].map(Pattern::new);
        let wins = |endpoint: &str| {
            let matching = all.iter().filter(|p| p.matches(endpoint));
            all.iter().position(|p| Some(p) == most_specific(matching.clone(), |p| p))
        };
        assert_eq!(wins("/api/v1/users"), Some(3));
        assert_eq!(wins("/api/v2/users"), Some(2));
        assert_eq!(wins("/api/next/users"), Some(4));
        assert_eq!(wins("/api/x"), Some(1));
        assert_eq!(wins("/x"), Some(0));
        assert_eq!(wins("x"), None);
    }

    /// Quadratic in the worst case, never exponential.
    #[test]
    fn hostile_patterns_end() {
        assert!(!Pattern::new(&"%a".repeat(500)).matches(&"a".repeat(499)));
        assert!(!Pattern::new(&format!("{}b", "%a".repeat(400))).matches(&"a".repeat(2_000)));
    }
}
