use std::collections::BTreeMap;

/// What a quantile may be off by, as a share of the true value.
pub const RELATIVE_ERROR: f64 = 0.01;

/// Ratio of the bounds of a bin, so that its middle is within [`RELATIVE_ERROR`] of all of it.
const GAMMA: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// Values up to this count as zero.
const ZERO: f64 = 0.001;

/// Values above are counted as this.
const LARGEST: f64 = 99_999_999.0;

/// A histogram with bins of equal ratio (DDSketch: Masson, Rim, Lee, VLDB 2019): quantiles of any
/// number of values within [`RELATIVE_ERROR`], and two sketches add up to the sketch of both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    /// Number of the bin, count. `i16::MIN` holds the zeros.
    bins: BTreeMap<i16, u64>,
    sum: f64,
}

impl Sketch {
    /// Counts a value; one that is negative or no number counts as zero.
    pub fn add(&mut self, value: f64) {
        let value = if value > ZERO { value.min(LARGEST) } else { 0.0 };
        *self.bins.entry(bin(value)).or_default() += 1;
        self.sum += value;
    }

    /// Counts all values of another sketch.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
        self.sum += other.sum;
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().sum()
    }

    /// Mean of the values, exact but for floating point; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum / count as f64)
    }

    /// The value that a share of `q` of all values does not exceed (nearest rank), within
    /// [`RELATIVE_ERROR`]; `None` without values.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        let rank = ((q * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        self.bins.iter().find_map(|(bin, count)| {
            seen += count;
            (seen >= rank).then(|| middle(*bin))
        })
    }

    /// As bytes, little-endian: the sum, then number and count of each bin.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.sum.to_le_bytes().to_vec();
        for (bin, count) in &self.bins {
            bytes.extend(bin.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    /// From bytes; `None` where they are no sketch.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sum, bins) = bytes.split_first_chunk::<8>()?;
        let pairs = bins.chunks_exact(10);
        if !pairs.remainder().is_empty() {
            return None;
        }
        let bins = pairs.map(|pair| {
            let (bin, count) = pair.split_at(2);
            Some((i16::from_le_bytes(bin.try_into().ok()?), u64::from_le_bytes(count.try_into().ok()?)))
        });
        Some(Self { bins: bins.collect::<Option<_>>()?, sum: f64::from_le_bytes(*sum) })
    }
}

fn bin(value: f64) -> i16 {
    if value == 0.0 { i16::MIN } else { (value.ln() / GAMMA.ln()).ceil() as i16 }
}

fn middle(bin: i16) -> f64 {
    if bin == i16::MIN { 0.0 } else { 2.0 * GAMMA.powi(i32::from(bin)) / (GAMMA + 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Nearest rank, from the sorted values.
    fn exact(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[(q * sorted.len() as f64).ceil() as usize - 1]
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_stated_error(
            values in prop::collection::vec(0.002_f64..1e6, 1..400), split in 0_usize..400,
        ) {
            let mut parts = [Sketch::default(), Sketch::default()];
            for (k, value) in values.iter().enumerate() {
                parts[usize::from(k < split)].add(*value);
            }
            let [mut all, other] = parts;
            all.merge(&Sketch::from_bytes(&other.to_bytes()).unwrap());
            prop_assert_eq!(all.count(), values.len() as u64);
            for q in [0.5, 0.95, 0.99] {
                let (found, expected) = (all.quantile(q).unwrap(), exact(&values, q));
                prop_assert!((found - expected).abs() <= RELATIVE_ERROR * expected * 1.000_001, "{q}: {found} {expected}");
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!((all.mean().unwrap() - mean).abs() <= 1e-9 * mean);
        }
    }

    #[test]
    fn strange_values_count_as_zero_or_as_the_largest() {
        let mut sketch = Sketch::default();
        for value in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            sketch.add(value);
        }
        assert_eq!((sketch.quantile(0.99), sketch.mean()), (Some(0.0), Some(0.0)));
        sketch.add(f64::INFINITY);
        assert!((sketch.quantile(1.0).unwrap() / LARGEST - 1.0).abs() <= RELATIVE_ERROR);
        assert_eq!(Sketch::default().quantile(0.5), None);
        assert_eq!(Sketch::from_bytes(&[0; 9]), None);
    }
}
