//! Axes: where a value lies between the ends, and which values are labelled.

use super::number::{Unit, trimmed};

/// Beyond this a value is drawn at the edge: arithmetic with it would overflow.
const VALUE_MAX: f64 = 1e15;
/// A range of latencies wider than this is drawn by decades.
const LINEAR_RATIO_MAX: f64 = 30.0;
/// A range wider than this has labels at whole decades only.
const LABELLED_RATIO_MAX: f64 = 1_000.0;
/// What the largest value is taken for.
const HEADROOM: f64 = 1.02;

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    by_decades: bool,
    /// Labelled values, rising.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// How far along a value lies, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high, value) = if self.by_decades {
            (self.low.log10(), self.high.log10(), value.max(self.low).log10())
        } else {
            (self.low, self.high, value)
        };
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The value so far along.
    pub(super) fn value(&self, place: f64) -> f64 {
        if self.by_decades {
            self.low * (self.high / self.low).powf(place)
        } else {
            self.low + (self.high - self.low) * place
        }
    }

    /// Latencies in µs: by decades where they are far apart.
    pub(super) fn latency(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        if low.is_finite() && high / low > LINEAR_RATIO_MAX {
            Self::decades(low, high, Unit::Micros)
        } else {
            Self::from_zero(high, Unit::Micros)
        }
    }

    /// From 0 to a round number at or above the largest value.
    pub(super) fn from_zero(largest: f64, unit: Unit) -> Self {
        let largest = if largest > 0.0 { largest.min(VALUE_MAX) } else { 1.0 };
        // What is largest stays a little below the edge; the round number there may fit a larger unit.
        let (mut divisor, mut suffix) = unit.scale(largest);
        let mut step = round_step(largest / divisor / 4.0);
        let mut steps = (largest * HEADROOM / divisor / step).ceil();
        let rounded = unit.scale(steps * step * divisor);
        if rounded.0 > divisor {
            (divisor, suffix) = rounded;
            step = round_step(largest / divisor / 4.0);
            steps = (largest * HEADROOM / divisor / step).ceil();
        }
        let label = |number: f64| match number {
            0.0 => "0".to_owned(),
            _ => format!("{}{suffix}", written(number)),
        };
        let ticks = (0..=steps as u32)
            .map(|index| (f64::from(index) * step * divisor, label(f64::from(index) * step)));
        Self { low: 0.0, high: steps * step * divisor, by_decades: false, ticks: ticks.collect() }
    }

    /// By decades, from round number to round number.
    pub(super) fn decades(low: f64, high: f64, unit: Unit) -> Self {
        let (low, high) = (low.clamp(1e-3, VALUE_MAX), high.clamp(1e-3, VALUE_MAX));
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let between: &[f64] = if high / low <= LABELLED_RATIO_MAX { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let rounds = |power: i32| between.iter().map(move |times| times * 10_f64.powi(power));
        let low = rounds(first).rev().find(|tick| *tick <= low * 1.000_001).unwrap_or(10_f64.powi(first));
        let high = rounds(last - 1).find(|tick| *tick >= high / 1.000_001).unwrap_or(10_f64.powi(last));
        let high = if high > low { high } else { low * 10.0 };
        let ticks = (first..=last)
            .flat_map(rounds)
            .filter(|tick| *tick >= low / 1.000_001 && *tick <= high * 1.000_001)
            .map(|tick| {
                let (divisor, suffix) = unit.scale(tick * 1.000_001);
                (tick, format!("{}{suffix}", written(tick / divisor)))
            });
        Self { low, high, by_decades: true, ticks: ticks.collect() }
    }

    /// Seconds of a run.
    pub(super) fn time(low: f64, high: f64) -> Self {
        let (low, high) = (low.clamp(-VALUE_MAX, VALUE_MAX), high.clamp(-VALUE_MAX, VALUE_MAX));
        let high = if high > low { high } else { low + 1.0 };
        let steps = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
            10_800.0, 21_600.0, 43_200.0, 86_400.0,
        ];
        let wanted = (high - low) / 5.5;
        let step = steps.into_iter().find(|step| *step >= wanted).unwrap_or_else(|| round_step(wanted));
        let (divisor, suffix) = match step {
            ..60.0 => (1.0, " s"),
            ..3_600.0 => (60.0, " min"),
            _ => (3_600.0, " h"),
        };
        let ticks = (0..=12)
            .map(|index| ((low / step - 1e-9).ceil() + f64::from(index)) * step)
            .take_while(|tick| *tick <= high + step * 1e-9)
            .map(|tick| (tick, format!("{}{suffix}", written(tick / divisor))));
        Self { low, high, by_decades: false, ticks: ticks.collect() }
    }

    /// Shares of measurements; a place is the number of nines, `log10(1 / (1 - quantile))`.
    pub(super) fn nines(nines: f64) -> Self {
        let high = nines.clamp(1.0, 9.0);
        let tick = |power: u32| {
            let label = match power {
                0 => "0 %".to_owned(),
                1 => "90 %".to_owned(),
                2 => "99 %".to_owned(),
                _ => format!("99.{} %", "9".repeat(power as usize - 2)),
            };
            (f64::from(power), label)
        };
        Self { low: 0.0, high, by_decades: false, ticks: (0..=high as u32).map(tick).collect() }
    }
}

/// 1, 2, 2.5 or 5 with zeros: the first at or above.
fn round_step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.max(1e-12).log10().floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= wanted * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// A round number as short as it can be.
fn written(number: f64) -> String {
    if number.abs() >= 1e3 {
        super::number::grouped(number)
    } else {
        trimmed(&format!("{number:.6}")).replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_reach_over_the_largest() {
        assert_eq!(
            labels(&Axis::from_zero(20_000.0, Unit::PerSecond)),
            ["0", "5 k", "10 k", "15 k", "20 k", "25 k"]
        );
        assert_eq!(labels(&Axis::from_zero(2_900.0, Unit::Micros)), ["0", "1 ms", "2 ms", "3 ms"]);
        assert_eq!(labels(&Axis::from_zero(0.21, Unit::Cores)), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(&Axis::from_zero(0.0, Unit::Count)), ["0", "0.25", "0.5", "0.75", "1", "1.25"]);
        assert_eq!(
            labels(&Axis::from_zero(980.0, Unit::Micros)),
            ["0", "0.25 ms", "0.5 ms", "0.75 ms", "1 ms"]
        );
        assert_eq!(labels(&Axis::from_zero(3_900_000.0, Unit::PerSecond)), ["0", "1 M", "2 M", "3 M", "4 M"]);
        let axis = Axis::from_zero(12_345.0, Unit::Kib);
        assert_eq!(labels(&axis), ["0", "5 MiB", "10 MiB", "15 MiB"]);
        assert!(axis.place(12_345.0) < 1.0 && axis.place(0.0) == 0.0);
    }

    #[test]
    fn latencies_far_apart_are_drawn_by_decades() {
        let axis = Axis::latency([100.0, 90_000.0].into_iter());
        assert_eq!(
            labels(&axis),
            ["100 µs", "200 µs", "500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms"]
        );
        assert!((axis.place(axis.value(0.3)) - 0.3).abs() < 1e-9);
        let near = Axis::latency([100.0, 900.0].into_iter());
        assert_eq!(near.ticks[0].1, "0");
    }

    #[test]
    fn many_decades_are_labelled_at_whole_ones_from_end_to_end() {
        let axis = Axis::latency([4.0, 40_000.0].into_iter());
        assert_eq!(labels(&axis), ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms"]);
        assert_eq!((axis.place(1.0), axis.place(100_000.0)), (0.0, 1.0));
    }

    #[test]
    fn time_is_labelled_by_seconds_minutes_or_hours() {
        assert_eq!(labels(&Axis::time(-1.0, 9.0)), ["0 s", "2 s", "4 s", "6 s", "8 s"]);
        assert_eq!(labels(&Axis::time(0.0, 300.0)), ["0 min", "1 min", "2 min", "3 min", "4 min", "5 min"]);
        assert_eq!(labels(&Axis::time(0.0, 86_400.0)), ["0 h", "6 h", "12 h", "18 h", "24 h"]);
    }

    #[test]
    fn shares_are_labelled_by_nines() {
        assert_eq!(labels(&Axis::nines(4.3)), ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn absurd_ranges_give_finite_places_and_few_ticks() {
        let axes = [
            Axis::from_zero(f64::MAX, Unit::Micros),
            Axis::from_zero(f64::MIN_POSITIVE, Unit::Cores),
            Axis::latency([f64::MIN_POSITIVE, f64::MAX].into_iter()),
            Axis::latency(std::iter::empty()),
            Axis::decades(7.0, 7.0, Unit::Count),
            Axis::time(f64::MIN, f64::MAX),
            Axis::time(5.0, 5.0),
            Axis::nines(f64::INFINITY),
        ];
        for axis in axes {
            assert!(axis.ticks.len() <= 20, "{axis:?}");
            for value in [f64::MIN, -1.0, 0.0, 1.0, f64::MAX] {
                assert!((0.0..=1.0).contains(&axis.place(value)), "{axis:?} {value}");
            }
        }
    }
}
