/// What a case measures, and which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Completed operations in a second; more is better.
    OpsPerSecond,
    /// Rows in a second; more is better.
    RowsPerSecond,
    /// Megabytes (of a million bytes) in a second; more is better.
    MegabytesPerSecond,
    /// Microseconds for one operation; less is better.
    Microseconds,
    /// Milliseconds for the whole work; less is better.
    Milliseconds,
    /// Bytes for one operation, such as write-ahead log; less is better.
    Bytes,
}

impl Unit {
    /// As it is printed and stored.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::OpsPerSecond => "ops/s",
            Self::RowsPerSecond => "rows/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Bytes => "bytes",
        }
    }

    /// Whether a larger value is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        match self {
            Self::OpsPerSecond | Self::RowsPerSecond | Self::MegabytesPerSecond => true,
            Self::Microseconds | Self::Milliseconds | Self::Bytes => false,
        }
    }

    /// How many times better `ours` is than `peer`: above 1 we win, whatever the unit.
    ///
    /// That is `ours / peer` where more is better, and `peer / ours` where less is.
    #[must_use]
    pub fn ratio(self, ours: f64, peer: f64) -> f64 {
        if self.more_is_better() { ours / peer } else { peer / ours }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_one_we_win_in_every_unit() {
        assert_eq!(Unit::OpsPerSecond.ratio(300.0, 100.0), 3.0);
        assert_eq!(Unit::Milliseconds.ratio(100.0, 300.0), 3.0);
        assert_eq!(Unit::Bytes.ratio(200.0, 100.0), 0.5);
    }
}
