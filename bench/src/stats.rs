//! The one statistic that is reported.

/// The middle value; of an even number of values the mean of the two in the middle.
///
/// The median and not the mean: one round that a checkpoint or a neighbour disturbed would move the
/// mean by any amount, and the median not at all.
///
/// # Panics
///
/// When there is no value or one is not a number.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("a measured value is a number"));
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        assert_eq!(median(&[5.0]), 5.0);
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&[9.0, 1.0, 5.0, 3.0]), 4.0);
    }

    #[test]
    fn one_disturbed_round_does_not_count() {
        assert_eq!(median(&[10.0, 10.0, 1e9, 10.0, 10.0]), 10.0);
    }
}
