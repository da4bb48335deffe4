//! Randomness without state: a draw is a function of its seed and its place.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators*, 2014), whose n-th
//! output can be had without the ones before it.

/// The odd constant by which SplitMix64 walks.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence of draws of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    origin: u64,
}

impl Sequence {
    /// The sequence of a seed and a stream.
    pub(crate) const fn new(seed: u64, stream: u64) -> Self {
        Self { origin: mix(mix(seed.wrapping_add(STEP)).wrapping_add(stream)) }
    }

    /// Its draw at a place: a number from 0 up to but not including 1.
    pub(crate) fn draw(self, place: u64) -> f64 {
        let bits = mix(self.origin.wrapping_add(place.wrapping_add(1).wrapping_mul(STEP)));
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
}
