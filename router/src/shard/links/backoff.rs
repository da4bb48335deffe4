//! How long to wait before dialling again.

use std::time::Duration;

use super::setup::LinkTimes;

/// Doublings beyond which the longest wait is reached, whatever the times are.
const DOUBLINGS_MAX: u32 = 16;

/// The wait after so many failures in a row before this one: doubled each time up to the longest, and spread over its upper
/// half by `random`, so that nodes that lost the same peer do not come back as one.
pub(super) fn delay(times: &LinkTimes, failures: u32, random: u64) -> Duration {
    let grown = times.backoff_min.saturating_mul(1 << failures.min(DOUBLINGS_MAX));
    let half = grown.min(times.backoff_max) / 2;
    let spread = random % (half.as_micros() as u64 + 1);
    half + Duration::from_micros(spread)
}

/// SplitMix64: the next of a sequence.
pub(super) const fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_longest_and_differ() {
        let times = LinkTimes::default();
        let mut random = 1;
        let mut bounds = |failures| {
            let all = (0..1_000).map(|_| delay(&times, failures, next_random(&mut random)).as_micros());
            let all: Vec<_> = all.collect();
            // To the next millisecond.
            (all.iter().min().unwrap() / 1_000, all.iter().max().unwrap().div_ceil(1_000))
        };
        assert_eq!(bounds(0), (25, 50));
        assert_eq!(bounds(1), (50, 100));
        let longest = bounds(6);
        assert!(longest.0 >= 1_000 && longest.0 < 1_020 && longest.1 > 1_980 && longest.1 <= 2_000);
        assert!(bounds(u32::MAX).1 <= 2_000);
    }
}
