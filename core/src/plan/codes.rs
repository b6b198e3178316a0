use std::collections::{HashMap, HashSet};

/// Codes for copies: each is like the one it is copied from, and like no other.
///
/// ```
/// use canon_core::plan::Codes;
///
/// let mut codes = Codes::new(["BACKUP".to_owned(), "SUMS-2".to_owned()], 8);
/// assert_eq!(codes.next("BACKUP"), "BACKUP-2");
/// assert_eq!(codes.next("BACKUP"), "BACKUP-3");
/// assert_eq!(codes.next("SUMS-2"), "SUMS-3");
/// ```
#[derive(Clone, Debug)]
pub struct Codes {
    taken: HashSet<String>,
    /// The number last given to each stem.
    last: HashMap<String, u64>,
    limit: usize,
}

impl Codes {
    /// Codes in use, and the number of characters that a code can have.
    pub fn new(taken: impl IntoIterator<Item = String>, limit: usize) -> Self {
        Self { taken: taken.into_iter().collect(), last: HashMap::new(), limit }
    }

    /// A code that nobody has, and that nobody gets again: the stem of `code` with the next number,
    /// cut where it would be too long.
    pub fn next(&mut self, code: &str) -> String {
        let stem = match code.rsplit_once('-') {
            Some((stem, number)) if !stem.is_empty() && number.parse::<u64>().is_ok() => stem,
            _ => code,
        };
        let last = self.last.entry(stem.to_owned()).or_insert(1);
        loop {
            *last += 1;
            let number = format!("-{last}");
            let room = self.limit.saturating_sub(number.len());
            let candidate: String = stem.chars().take(room).chain(number.chars()).collect();
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_code_comes_twice(taken in prop::collection::vec("[AB]{1,3}(-[1-9])?", 0..8),
                               wanted in prop::collection::vec("[AB]{1,3}(-[1-9])?", 1..30)) {
            let mut codes = Codes::new(taken.clone(), 5);
            let mut seen: HashSet<String> = taken.into_iter().collect();
            for code in wanted {
                let next = codes.next(&code);
                prop_assert!(next.chars().count() <= 5, "{next}");
                prop_assert!(seen.insert(next.clone()), "{next} comes twice");
            }
        }
    }

    #[test]
    fn a_long_code_is_cut_at_a_character() {
        let mut codes = Codes::new([], 5);
        assert_eq!(codes.next("übermut"), "übe-2");
        assert_eq!(codes.next("-7"), "-7-2");
    }
}
