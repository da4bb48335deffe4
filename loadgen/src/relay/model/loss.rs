//! How packets are lost: each for itself, in bursts of packets, or in bad times.
//!
//! A burst of packets lasts until so many have come: whoever sends less and less while nothing arrives, as TCP and QUIC
//! do, stays in it for seconds. A bad time passes whether anybody sends or not, as on a radio link.

use std::fmt;
use std::time::Duration;

use super::chance::{Chance, Purpose};
use crate::engine::Nanos;

/// The grain of bad times.
const GRAIN: Duration = Duration::from_millis(1);

/// How packets are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// How likely a packet is lost after one that arrived, and after one that was lost. Equal when each is for itself;
    /// otherwise the two states of a Gilbert model, which is Gilbert and Elliott's without loss in the good state and
    /// without luck in the bad one.
    after_arrival: f64,
    after_loss: f64,
    share: f64,
    /// The states are those of each millisecond and not of each packet.
    by_time: bool,
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
    /// A spell is shorter than its grain.
    Spell(Duration),
    /// So high a share needs longer spells: at least these.
    SpellTooShort(Duration),
}

impl fmt::Display for BadLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(formatter, "a loss of {} % is not between 0 and 100", share * 100.0),
            Self::Burst(burst) => write!(formatter, "a burst of {burst} packets is shorter than one"),
            Self::BurstTooShort(least) => {
                write!(formatter, "so high a loss needs bursts of at least {least:.2} packets")
            }
            Self::Spell(spell) => write!(formatter, "a bad time of {spell:?} is shorter than {GRAIN:?}"),
            Self::SpellTooShort(least) => {
                write!(formatter, "so high a loss needs bad times of at least {least:?}")
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
        Ok(Self { after_arrival: share, after_loss: share, share, by_time: false })
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
        Ok(Self { after_arrival: least / burst, after_loss: 1.0 - 1.0 / burst, share, by_time: false })
    }

    /// The same share, but of the time: in spells of `spell` on average, in which everything is lost.
    ///
    /// # Errors
    /// When the share is not between 0 and 1, or no such spells make it.
    pub fn spells(share: f64, spell: Duration) -> Result<Self, BadLoss> {
        let burst = spell.as_secs_f64() / GRAIN.as_secs_f64();
        Self::bursts(share, burst).map(|loss| Self { by_time: true, ..loss }).map_err(|fault| match fault {
            BadLoss::Burst(_) => BadLoss::Spell(spell),
            BadLoss::BurstTooShort(least) => BadLoss::SpellTooShort(GRAIN.mul_f64(least)),
            BadLoss::Share(_) | BadLoss::Spell(_) | BadLoss::SpellTooShort(_) => fault,
        })
    }
}

/// Where a line stands between good and bad times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    loss: Loss,
    threshold: f64,
    /// When the first packet came.
    began: Option<Nanos>,
    /// Milliseconds since then that are decided, and what of the last one.
    decided: u64,
    is_bad: bool,
}

impl Weather {
    pub(super) const fn new(loss: Loss) -> Self {
        Self { loss, threshold: loss.share, began: None, decided: 0, is_bad: false }
    }

    /// Whether a packet is lost: luck goes by its ordinal, or by the time since the first.
    pub(super) fn loses(&mut self, now: Nanos, ordinal: u64, chance: Chance) -> bool {
        if !self.loss.by_time {
            return self.step(chance.draw(ordinal, Purpose::Loss));
        }
        let began = *self.began.get_or_insert(now);
        let place = now.since(began).as_nanos() / GRAIN.as_nanos();
        while u128::from(self.decided) <= place {
            self.is_bad = self.step(chance.draw(self.decided, Purpose::Loss));
            self.decided += 1;
        }
        self.is_bad
    }

    /// The next state, given a draw from 0 up to 1.
    fn step(&mut self, draw: f64) -> bool {
        let is_bad = draw < self.threshold;
        self.threshold = if is_bad { self.loss.after_loss } else { self.loss.after_arrival };
        is_bad
    }
}

#[cfg(test)]
mod tests {
    use super::super::Direction;
    use super::*;

    const PACKETS: u64 = 200_000;

    /// The share of packets lost, and the mean length of runs.
    fn observed(loss: Loss) -> (f64, f64) {
        let (mut lost, mut runs, mut before) = (0_u32, 0_u32, false);
        for fate in fates(loss, 1_000_000) {
            lost += u32::from(fate);
            runs += u32::from(fate && !before);
            before = fate;
        }
        (f64::from(lost) / PACKETS as f64, f64::from(lost) / f64::from(runs))
    }

    /// What is lost of packets that come so many nanoseconds apart.
    fn fates(loss: Loss, apart: u64) -> Vec<bool> {
        let chance = Chance::new(1, Direction::Up);
        let mut weather = Weather::new(loss);
        (0..PACKETS).map(|ordinal| weather.loses(Nanos(5 + ordinal * apart), ordinal, chance)).collect()
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
    fn bad_times_last_as_long_however_many_packets_come() {
        let loss = Loss::spells(0.05, Duration::from_millis(60)).unwrap();
        let sparse = fates(loss, 1_000_000);
        near(sparse.iter().filter(|lost| **lost).count() as f64 / PACKETS as f64, 0.05, 0.1);
        near(observed(loss).1, 60.0, 0.1);
        // Ten packets in each millisecond share its fate.
        let dense = fates(loss, 100_000);
        assert!(dense.chunks(10).zip(&sparse).all(|(ten, one)| ten.iter().all(|lost| lost == one)));
    }

    #[test]
    fn nothing_and_everything_can_be_lost() {
        assert!(!fates(Loss::default(), 1).contains(&true));
        assert!(!fates(Loss::independent(1.0).unwrap(), 1).contains(&false));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(Loss::independent(1.5), Err(BadLoss::Share(1.5)));
        assert_eq!(Loss::bursts(0.1, 0.5), Err(BadLoss::Burst(0.5)));
        assert!(matches!(Loss::bursts(0.9, 2.0), Err(BadLoss::BurstTooShort(_))));
        assert!(Loss::independent(f64::NAN).is_err());
        assert_eq!(Loss::spells(0.1, Duration::ZERO), Err(BadLoss::Spell(Duration::ZERO)));
        assert!(matches!(Loss::spells(0.9, Duration::from_millis(2)), Err(BadLoss::SpellTooShort(_))));
    }
}
