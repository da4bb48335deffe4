//! When publishers publish: fixed in advance by the seed, so that nothing that happens can shift it. Publisher view.

use std::time::Duration;

use crate::args::ArrivalChoice;
use crate::chance::Sequence;

/// Who writes in bursts is about to write again soon this often,
const SOON: f64 = 0.7;
/// within this part of its mean gap in the mean; the other gaps are as much longer.
const SOON_GAP: f64 = 0.15;
/// Draws of one tick.
const DRAWS: u64 = 3;

/// One publisher's gaps between ticks and lengths of bodies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrivals {
    kind: ArrivalChoice,
    every: Duration,
    draws: Sequence,
}

impl Arrivals {
    /// Of a publisher by its number; gaps are `every` in the mean.
    pub(super) const fn new(kind: ArrivalChoice, every: Duration, seed: u64, publisher: u32) -> Self {
        Self { kind, every, draws: Sequence::new(seed, publisher as u64) }
    }

    /// From the start of the load to the first tick; `place` from 0 to 1 spreads publishers over the first gap.
    pub(super) fn first(&self, place: f64) -> Duration {
        match self.kind {
            ArrivalChoice::Steady => self.every.mul_f64(place),
            ArrivalChoice::Poisson => self.gap(0),
            // Who looks at any moment finds long gaps more often than short ones, as they are longer.
            ArrivalChoice::Bursty => self.bursty(0, SOON * SOON_GAP),
        }
    }

    /// From a tick to the next.
    pub(super) fn gap(&self, tick: u64) -> Duration {
        match self.kind {
            ArrivalChoice::Steady => self.every,
            ArrivalChoice::Poisson => self.every.mul_f64(self.exponential(tick)),
            ArrivalChoice::Bursty => self.bursty(tick, SOON),
        }
    }

    fn bursty(&self, tick: u64, soon: f64) -> Duration {
        let long = (1.0 - SOON * SOON_GAP) / (1.0 - SOON);
        let mean = if self.draws.draw(tick * DRAWS + 1) < soon { SOON_GAP } else { long };
        self.every.mul_f64(mean * self.exponential(tick))
    }

    fn exponential(&self, tick: u64) -> f64 {
        -(1.0 - self.draws.draw(tick * DRAWS)).ln()
    }

    /// Bytes of a tick's bodies.
    pub(super) fn bytes(&self, tick: u64, min: usize, max: usize) -> usize {
        if max <= min {
            return min;
        }
        // Short lines are many, long ones few.
        let draw = self.draws.draw(tick * DRAWS + 2);
        min + ((max - min + 1) as f64 * draw * draw) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(100);

    fn gaps(kind: ArrivalChoice) -> Vec<f64> {
        let arrivals = Arrivals::new(kind, EVERY, 1, 7);
        (0..100_000).map(|tick| arrivals.gap(tick).as_secs_f64()).collect()
    }

    #[test]
    fn every_kind_keeps_the_rate() {
        for kind in [ArrivalChoice::Steady, ArrivalChoice::Poisson, ArrivalChoice::Bursty] {
            let gaps = gaps(kind);
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            assert!((mean - 0.1).abs() < 0.002, "{kind:?}: {mean}");
        }
    }

    #[test]
    fn the_load_is_steady_from_the_first_second_on() {
        for kind in [ArrivalChoice::Steady, ArrivalChoice::Poisson, ArrivalChoice::Bursty] {
            let mut seconds = [0_u32; 5];
            for publisher in 0..5_000 {
                let arrivals = Arrivals::new(kind, Duration::from_secs(2), 1, publisher);
                let (mut at, mut tick) = (arrivals.first(f64::from(publisher) / 5_000.0), 0);
                while at < Duration::from_secs(5) {
                    seconds[at.as_secs() as usize] += 1;
                    tick += 1;
                    at += arrivals.gap(tick);
                }
            }
            assert!(seconds.iter().all(|count| (2_200..2_800).contains(count)), "{kind:?}: {seconds:?}");
        }
    }

    #[test]
    fn bursts_are_short_gaps_and_long_ones() {
        let share = |kind| gaps(kind).iter().filter(|gap| **gap < 0.03).count() as f64 / 100_000.0;
        assert!(share(ArrivalChoice::Bursty) > 0.6);
        assert!(share(ArrivalChoice::Poisson) < 0.3);
    }

    #[test]
    fn the_same_seed_gives_the_same_load_and_others_do_not() {
        let gap = |seed, publisher| Arrivals::new(ArrivalChoice::Poisson, EVERY, seed, publisher).gap(5);
        assert_eq!(gap(1, 2), gap(1, 2));
        assert_ne!(gap(1, 2), gap(2, 2));
        assert_ne!(gap(1, 2), gap(1, 3));
    }

    #[test]
    fn lengths_lie_within_their_bounds() {
        let arrivals = Arrivals::new(ArrivalChoice::Bursty, EVERY, 1, 7);
        let lengths: Vec<_> = (0..10_000).map(|tick| arrivals.bytes(tick, 60, 400)).collect();
        assert_eq!((lengths.iter().min(), lengths.iter().max()), (Some(&60), Some(&400)));
        assert_eq!(arrivals.bytes(3, 60, 0), 60);
    }
}
