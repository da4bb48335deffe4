//! Several samples of one figure, taken in turn with its neighbours: the median is the figure, the spread says what it is worth.

/// Samples of one cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Takes one more sample.
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// The middle sample, the mean of the two middle ones of an even number; NaN without any.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    /// The smallest and the largest sample; infinities without any.
    pub(crate) fn spread(&self) -> (f64, f64) {
        self.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &sample| {
            (low.min(sample), high.max(sample))
        })
    }

    /// All samples, in the order in which they were taken.
    pub(crate) fn samples(&self) -> &[f64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[f64]) -> Series {
        Series(samples.to_vec())
    }

    #[test]
    fn the_median_is_the_middle_one_however_they_came() {
        assert_eq!(series(&[5.0, 1.0, 3.0]).median(), 3.0);
        assert_eq!(series(&[4.0, 1.0, 3.0, 2.0]).median(), 2.5);
    }

    #[test]
    fn no_samples_are_not_a_figure() {
        assert!(series(&[]).median().is_nan());
    }

    #[test]
    fn the_spread_is_from_the_smallest_to_the_largest() {
        assert_eq!(series(&[2.0, 9.0, 4.0]).spread(), (2.0, 9.0));
    }
}
