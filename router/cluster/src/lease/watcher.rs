//! Whether another node's lease is certainly over (the view of whoever watches beats).

use super::Timing;
use crate::Monotonic;

/// When one node's beat was last seen to change, by the watcher's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watcher {
    observed: Monotonic,
}

impl Watcher {
    /// The beat as it stands was first seen at `now`.
    #[must_use]
    pub const fn new(now: Monotonic) -> Self {
        Self { observed: now }
    }

    /// Whether the holder's lease is over, if the beat is still the one that was observed: the transaction that says so
    /// must compare its revision.
    #[must_use]
    pub const fn expired(&self, timing: &Timing, now: Monotonic) -> bool {
        now.since(self.observed) >= timing.silent_ms() * 1_000
    }

    /// The moment from which it may be.
    #[must_use]
    pub const fn expires_at(&self, timing: &Timing) -> Monotonic {
        self.observed.plus_ms(timing.silent_ms())
    }
}
