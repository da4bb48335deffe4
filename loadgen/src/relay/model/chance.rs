//! Randomness without state: a draw is a function of seed, direction, ordinal and purpose.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators*, 2014), whose n-th
//! output can be had without the ones before it.

use super::Direction;

/// The odd constant by which SplitMix64 walks.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a draw is for: each purpose has a sequence of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Loss,
    Jitter,
}

/// The luck of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    origin: u64,
}

impl Chance {
    pub(super) const fn new(seed: u64, direction: Direction) -> Self {
        Self { origin: mix(mix(seed.wrapping_add(STEP)).wrapping_add(direction as u64)) }
    }

    /// A number from 0 up to but not including 1.
    pub(super) fn draw(self, ordinal: u64, purpose: Purpose) -> f64 {
        let place = ordinal.wrapping_mul(2).wrapping_add(purpose as u64 + 1);
        let bits = mix(self.origin.wrapping_add(place.wrapping_mul(STEP)));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_the_published_one() {
        assert_eq!(mix(STEP), 0xe220_a839_7b1d_cdaf, "SplitMix64's first output for the seed 0");
        assert_eq!(mix(STEP.wrapping_mul(2)), 0x6e78_9e6a_a1b9_65f4, "and its second");
    }

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
