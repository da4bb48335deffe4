//! How packets are lost: each for itself, or in bursts.

use std::fmt;

/// How packets are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// How likely a packet is lost after one that arrived, and after one that was lost. Equal when each is for itself;
    /// otherwise the two states of a Gilbert model, which is Gilbert and Elliott's without loss in the good state and
    /// without luck in the bad one.
    after_arrival: f64,
    after_loss: f64,
    share: f64,
}

/// A loss that can't be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BadLoss {
    /// The share is not between 0 and 1.
    Share(f64),
    /// A burst is shorter than one packet.
    Burst(f64),
    /// So high a share needs longer bursts: at least these.
    BurstTooShort(f64),
}

impl fmt::Display for BadLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(formatter, "a loss of {} % is not between 0 and 100", share * 100.0),
            Self::Burst(burst) => write!(formatter, "a burst of {burst} packets is shorter than one"),
            Self::BurstTooShort(least) => {
                write!(formatter, "so high a loss needs bursts of at least {least:.2} packets")
            }
        }
    }
}

impl std::error::Error for BadLoss {}

impl Loss {
    /// Each packet for itself; `share` is between 0 and 1.
    ///
    /// # Errors
    /// When it is not.
    pub fn independent(share: f64) -> Result<Self, BadLoss> {
        if !(0.0..=1.0).contains(&share) {
            return Err(BadLoss::Share(share));
        }
        Ok(Self { after_arrival: share, after_loss: share, share })
    }

    /// The same share, lost in runs of `burst` packets on average.
    ///
    /// # Errors
    /// When the share is not between 0 and 1, or no such runs make it.
    pub fn bursts(share: f64, burst: f64) -> Result<Self, BadLoss> {
        if !(0.0..1.0).contains(&share) {
            return Err(BadLoss::Share(share));
        }
        if !(burst.is_finite() && burst >= 1.0) {
            return Err(BadLoss::Burst(burst));
        }
        // In balance, runs begin as often as they end: share / burst = (1 - share) × P(lost after an arrival).
        let least = share / (1.0 - share);
        if burst < least {
            return Err(BadLoss::BurstTooShort(least));
        }
        Ok(Self { after_arrival: least / burst, after_loss: 1.0 - 1.0 / burst, share })
    }
}

/// Where a line stands between good and bad times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    loss: Loss,
    threshold: f64,
}

impl Weather {
    pub(super) const fn new(loss: Loss) -> Self {
        Self { loss, threshold: loss.share }
    }

    /// Whether the next packet is lost, given a draw from 0 up to 1.
    pub(super) fn loses(&mut self, draw: f64) -> bool {
        let lost = draw < self.threshold;
        self.threshold = if lost { self.loss.after_loss } else { self.loss.after_arrival };
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::Direction;
    use super::super::chance::{Chance, Purpose};
    use super::*;

    const PACKETS: u64 = 200_000;

    /// The share of packets lost, and the mean length of runs.
    fn observed(loss: Loss) -> (f64, f64) {
        let chance = Chance::new(1, Direction::Up);
        let mut weather = Weather::new(loss);
        let (mut lost, mut runs, mut before) = (0_u32, 0_u32, false);
        for ordinal in 0..PACKETS {
            let now = weather.loses(chance.draw(ordinal, Purpose::Loss));
            lost += u32::from(now);
            runs += u32::from(now && !before);
            before = now;
        }
        (f64::from(lost) / PACKETS as f64, f64::from(lost) / f64::from(runs))
    }

    fn near(value: f64, wanted: f64, tolerance: f64) {
        assert!((value / wanted - 1.0).abs() < tolerance, "{value} is not near {wanted}");
    }

    #[test]
    fn independent_loss_has_its_share_and_short_runs() {
        for share in [0.01, 0.05, 0.2] {
            let (lost, run) = observed(Loss::independent(share).unwrap());
            near(lost, share, 0.05);
            near(run, 1.0 / (1.0 - share), 0.02);
        }
    }

    #[test]
    fn bursts_have_the_same_share_and_their_length() {
        for (share, burst) in [(0.01, 4.0), (0.05, 4.0), (0.05, 1.0), (0.2, 10.0)] {
            let (lost, run) = observed(Loss::bursts(share, burst).unwrap());
            near(lost, share, 0.1);
            near(run, burst, 0.1);
        }
    }

    #[test]
    fn nothing_and_everything_can_be_lost() {
        let mut never = Weather::new(Loss::default());
        assert!(!never.loses(0.0));
        let mut always = Weather::new(Loss::independent(1.0).unwrap());
        assert!(always.loses(0.999_999));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(Loss::independent(1.5), Err(BadLoss::Share(1.5)));
        assert_eq!(Loss::bursts(0.1, 0.5), Err(BadLoss::Burst(0.5)));
        assert!(matches!(Loss::bursts(0.9, 2.0), Err(BadLoss::BurstTooShort(_))));
        assert!(Loss::independent(f64::NAN).is_err());
    }
}
