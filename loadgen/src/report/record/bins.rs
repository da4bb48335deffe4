//! A histogram as it lies in a file.

use serde::Deserialize;

/// Recorded values: upper ends in ns, rising, each with its count above 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>")]
pub struct Bins {
    recorded: Vec<(u64, u64)>,
    total: u64,
}

impl TryFrom<Vec<(u64, u64)>> for Bins {
    type Error = String;

    fn try_from(mut recorded: Vec<(u64, u64)>) -> Result<Self, String> {
        if let Some(pair) = recorded.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(format!("a histogram's values must rise, {} follows {}", pair[1].0, pair[0].0));
        }
        recorded.retain(|(_, count)| *count > 0);
        let total = recorded.iter().try_fold(0_u64, |total, (_, count)| total.checked_add(*count));
        Ok(Self { total: total.ok_or("a histogram's counts exceed 64 bits in all")?, recorded })
    }
}

impl Bins {
    /// How many values were recorded.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The pairs.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.recorded.iter().copied()
    }

    /// The value in ns at or below which this share lies; 0 without any.
    #[must_use]
    pub fn at_quantile(&self, quantile: f64) -> u64 {
        let rank = (quantile * self.total as f64).ceil().max(1.0) as u64;
        let mut passed = 0;
        let reached = self.recorded.iter().find(|(_, count)| {
            passed += count;
            passed >= rank
        });
        reached.or(self.recorded.last()).map_or(0, |(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_recorded_values() {
        let bins = Bins::try_from(vec![(10, 50), (20, 49), (30, 0), (90, 1)]).unwrap();
        assert_eq!(bins.count(), 100);
        assert_eq!([0.0, 0.5, 0.51, 0.99, 1.0].map(|share| bins.at_quantile(share)), [10, 10, 20, 20, 90]);
        assert_eq!(Bins::default().at_quantile(0.5), 0);
    }

    #[test]
    fn counts_beyond_64_bits_are_refused() {
        assert!(Bins::try_from(vec![(1, u64::MAX), (2, 1)]).is_err());
    }
}
