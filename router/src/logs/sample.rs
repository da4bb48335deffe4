//! So many lines a second and no more; what is held back is counted. Pure: time is an argument.

use std::time::{Duration, Instant};

/// Lets lines pass in windows of one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampler {
    window: Option<Instant>,
    passed: u32,
    held: u64,
}

impl Sampler {
    /// Whether a line may pass now; with it, how many were held back since the last one that passed.
    pub fn pass(&mut self, now: Instant, per_s: u32) -> Option<u64> {
        let fresh =
            self.window.is_none_or(|start| now.saturating_duration_since(start) >= Duration::from_secs(1));
        if fresh {
            self.window = Some(now);
            self.passed = 0;
        }
        if self.passed >= per_s {
            self.held += 1;
            return None;
        }
        self.passed += 1;
        Some(std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_rate_is_held_back_and_counted_in_the_next_line() {
        let start = Instant::now();
        let mut sampler = Sampler::default();
        let passed: Vec<_> = (0..5).map(|_| sampler.pass(start, 2)).collect();
        assert_eq!(passed, [Some(0), Some(0), None, None, None]);
        assert_eq!(sampler.pass(start + Duration::from_millis(999), 2), None);
        assert_eq!(sampler.pass(start + Duration::from_secs(1), 2), Some(4));
        assert_eq!(sampler.pass(start + Duration::from_secs(1), 2), Some(0));
    }
}
