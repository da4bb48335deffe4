//! The right to ack, where every shard can see it: written by the control thread, read by shards with a fresh clock (a node's view).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringway_cluster::Monotonic;

/// Until when this node may ack, in microseconds of `CLOCK_MONOTONIC`, the shards' clock; 0: not at all.
#[derive(Clone, Debug)]
pub struct Lease {
    until: Arc<AtomicU64>,
    margin_ms: u64,
}

impl Lease {
    /// Without a right yet; the margin is by how much a lease ends before its time, and others wait beyond it.
    #[must_use]
    pub fn none(margin_ms: u64) -> Self {
        Self { until: Arc::default(), margin_ms }
    }

    /// Of a node that is alone: nobody could take over.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { until: Arc::new(AtomicU64::new(u64::MAX)), margin_ms: 0 }
    }

    /// Whether acks may go out at `now`: a clock read for this question, after everything that could have taken time.
    #[must_use]
    pub fn may_ack(&self, now: Monotonic) -> bool {
        now < self.valid_until()
    }

    /// When the right ends.
    #[must_use]
    pub fn valid_until(&self) -> Monotonic {
        Monotonic(self.until.load(Ordering::Acquire))
    }

    /// Whether what was begun under a lease that ends at `end` was slept over: at `now` others may have taken over. They wait for two margins
    /// at least, of which one is left to what is under way.
    #[must_use]
    pub fn is_overslept(&self, begun: Monotonic, end: Monotonic, now: Monotonic) -> bool {
        begun < end && now >= end.plus_ms(self.margin_ms)
    }

    pub(super) fn set(&self, until: Option<Monotonic>) {
        self.until.store(until.map_or(0, |until| until.0), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_at_its_moment_and_at_once_when_it_is_taken() {
        let lease = Lease::none(100);
        let seen_by_a_shard = lease.clone();
        assert!(!seen_by_a_shard.may_ack(Monotonic(0)));
        lease.set(Some(Monotonic(10)));
        assert!(seen_by_a_shard.may_ack(Monotonic(9)) && !seen_by_a_shard.may_ack(Monotonic(10)));
        lease.set(None);
        assert!(!seen_by_a_shard.may_ack(Monotonic(9)));
        assert!(Lease::unlimited().may_ack(Monotonic(1 << 60)));
    }

    #[test]
    fn a_turn_that_ends_a_margin_behind_its_lease_was_slept_over() {
        let ms = |ms: u64| Monotonic(ms * 1_000);
        let (lease, end) = (Lease::none(100), ms(1_000));
        assert!(lease.is_overslept(ms(999), end, ms(1_100)));
        assert!(!lease.is_overslept(ms(999), end, ms(1_099)), "nobody has taken over yet");
        assert!(!lease.is_overslept(ms(1_000), end, ms(9_000)), "it promised nothing");
        assert!(!Lease::unlimited().is_overslept(ms(1), Monotonic(u64::MAX), Monotonic(u64::MAX - 1)));
    }
}
