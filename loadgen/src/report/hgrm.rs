//! HdrHistogram's percentile distribution as text (`.hgrm`), as its own plotters read it. Values are in µs.
//!
//! The form is that of `outputPercentileDistribution` in the Java library, with five steps in each half of the distance
//! that is left to 100 %, and three decimals.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::record::Bins;

/// Steps in each half of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
const NS_PER_US: f64 = 1e3;

/// The distribution of values recorded in ns.
#[must_use]
pub fn distribution(bins: &Bins) -> String {
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let histogram = histogram(bins);
    let mut passed: u64 = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        passed = passed.saturating_add(step.count_since_last_iteration());
        let value = step.value_iterated_to() as f64 / NS_PER_US;
        let quantile = step.quantile_iterated_to();
        let _ = write!(text, "{value:12.3} {quantile:2.12} {passed:10}");
        // The last line has no fourth column: it would be infinite.
        let _ =
            if quantile < 1.0 { writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile)) } else { writeln!(text) };
    }
    footer(&mut text, &histogram);
    text
}

fn footer(text: &mut String, histogram: &Histogram<u64>) {
    let max = histogram.max() as f64 / NS_PER_US;
    let (mean, deviation) = (histogram.mean() / NS_PER_US, histogram.stdev() / NS_PER_US);
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", histogram.len());
    let sub_buckets = histogram.distinct_values() / (usize::from(histogram.buckets()) + 1) * 2;
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]", histogram.buckets());
}

/// Three digits are told apart over all of 64 bits, so that nothing is cut off.
fn histogram(bins: &Bins) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, u64::MAX, 3).expect("these bounds are valid");
    for (value, count) in bins.iter() {
        histogram.saturating_record_n(value, count);
    }
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bins: Vec<(u64, u64)>) -> Vec<String> {
        let bins = Bins::try_from(bins).unwrap();
        distribution(&bins).lines().map(str::to_owned).collect()
    }

    #[test]
    fn it_has_the_form_that_plotters_read() {
        let lines = lines(vec![(1_000, 50), (2_000, 40), (4_000, 9), (100_000, 1)]);
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[1], "");
        assert_eq!(lines[2], "       1.000 0.000000000000         50           1.00");
        let data: Vec<Vec<f64>> = lines[2..]
            .iter()
            .take_while(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
            .collect();
        assert!(data.windows(2).all(|pair| pair[0][1] <= pair[1][1] && pair[0][2] <= pair[1][2]));
        assert_eq!(data.last().unwrap()[1..], [1.0, 100.0]);
        assert!(data[..data.len() - 1].iter().all(|line| (line[3] - 1.0 / (1.0 - line[1])).abs() <= 0.006));
        let footer = &lines[lines.len() - 3..];
        assert!(footer[0].starts_with("#[Mean    ="), "{footer:?}");
        assert!(footer[1].ends_with("Total count    =          100]"), "{footer:?}");
        assert!(footer[2].ends_with("SubBuckets     =         2048]"), "{footer:?}");
    }

    #[test]
    fn steps_are_those_of_the_java_library() {
        let data = lines((1..=1_000).map(|value| (value * 1_000, 1)).collect());
        let quantiles = data[2..].iter().map(|line| line.split_whitespace().nth(1).unwrap());
        let first: Vec<&str> = quantiles.take(11).map(|quantile| &quantile[..5]).collect();
        assert_eq!(
            first,
            [
                "0.000", "0.100", "0.200", "0.300", "0.400", "0.500", "0.550", "0.600", "0.650", "0.700",
                "0.750"
            ]
        );
        assert_eq!(data[7], "     500.223 0.500000000000        500           2.00");
    }

    #[test]
    fn nothing_recorded_gives_an_empty_distribution() {
        assert!(lines(vec![]).iter().any(|line| line.ends_with("Total count    =            0]")));
    }

    #[test]
    fn the_largest_values_are_not_cut_off() {
        let max = lines(vec![(u64::MAX / 2, 1)])
            .iter()
            .find_map(|line| line.strip_prefix("#[Max     =").map(str::to_owned));
        let max: f64 = max.unwrap().split(',').next().unwrap().trim().parse().unwrap();
        assert!((max / 9.223e15 - 1.0).abs() < 0.01, "{max}");
        assert!(lines(vec![(1, u64::MAX - 1), (2, 1)]).len() < 600, "bounded, however many were recorded");
    }
}
