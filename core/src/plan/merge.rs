/// What a resync does with one field of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Template and copy agree.
    Same,
    /// Only the template has changed since the copy was made: the copy follows.
    Follow,
    /// Only the copy has changed, or it was meant to differ: it stays.
    Keep,
    /// Both have changed, and differently.
    Conflict,
}

/// Three-way merge of one field: `base` is what the template held when the copy was made, and
/// `overridden` says that the copy's value was asked for.
pub fn merge<T: PartialEq>(base: &T, template: &T, copy: &T, overridden: bool) -> Merge {
    if template == copy {
        Merge::Same
    } else if overridden || base == template {
        Merge::Keep
    } else if base == copy {
        Merge::Follow
    } else {
        Merge::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_three_values() {
        assert_eq!(merge(&1, &1, &1, false), Merge::Same);
        assert_eq!(merge(&1, &2, &1, false), Merge::Follow);
        assert_eq!(merge(&1, &1, &2, false), Merge::Keep);
        assert_eq!(merge(&1, &2, &2, false), Merge::Same);
        assert_eq!(merge(&1, &2, &3, false), Merge::Conflict);
        assert_eq!(merge(&1, &2, &3, true), Merge::Keep);
        assert_eq!(merge(&1, &2, &1, true), Merge::Keep);
    }
}
