//! The right to ack, where every shard can see it: written by the control thread, read by shards with a fresh clock (a node's view).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringway_cluster::Monotonic;

/// Until when this node may ack, in microseconds of `CLOCK_MONOTONIC`, the shards' clock; 0: not at all.
#[derive(Clone, Debug, Default)]
pub struct Lease(Arc<AtomicU64>);

impl Lease {
    /// Without a right yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Of a node that is alone: nobody could take over.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// Whether acks may go out at `now`: a clock read for this question, after everything that could have taken time.
    #[must_use]
    pub fn may_ack(&self, now: Monotonic) -> bool {
        now < self.valid_until()
    }

    /// When the right ends.
    #[must_use]
    pub fn valid_until(&self) -> Monotonic {
        Monotonic(self.0.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, until: Option<Monotonic>) {
        self.0.store(until.map_or(0, |until| until.0), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_at_its_moment_and_at_once_when_it_is_taken() {
        let lease = Lease::none();
        let seen_by_a_shard = lease.clone();
        assert!(!seen_by_a_shard.may_ack(Monotonic(0)));
        lease.set(Some(Monotonic(10)));
        assert!(seen_by_a_shard.may_ack(Monotonic(9)) && !seen_by_a_shard.may_ack(Monotonic(10)));
        lease.set(None);
        assert!(!seen_by_a_shard.may_ack(Monotonic(9)));
        assert!(Lease::unlimited().may_ack(Monotonic(1 << 60)));
    }
}
