//! The luck of a direction: a draw is a function of seed, direction, ordinal and purpose.

use super::Direction;
use crate::chance::Sequence;

/// What a draw is for: each purpose has a sequence of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Loss,
    Jitter,
}

/// The luck of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(Sequence);

impl Chance {
    pub(super) const fn new(seed: u64, direction: Direction) -> Self {
        Self(Sequence::new(seed, direction as u64))
    }

    /// A number from 0 up to but not including 1.
    pub(super) fn draw(self, ordinal: u64, purpose: Purpose) -> f64 {
        self.0.draw(ordinal.wrapping_mul(2).wrapping_add(purpose as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly() {
        let chance = Chance::new(1, Direction::Up);
        let mut tenths = [0_u32; 10];
        for ordinal in 0..100_000 {
            tenths[(chance.draw(ordinal, Purpose::Jitter) * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (9_700..10_300).contains(count)), "{tenths:?}");
    }
}
