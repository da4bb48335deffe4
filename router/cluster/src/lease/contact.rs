//! Whether the silence of others may be the coordinator's or our own (the view of whoever watches beats).
//!
//! Our own renewals tell: what is told to who only listens may be old, and reads may be answered where nothing can be written.

use super::Timing;
use crate::Monotonic;

/// When the coordinator last took a renewal of ours, and since when without a break.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    timing: Timing,
    last: Monotonic,
    since: Monotonic,
}

impl Contact {
    /// Begins at `now`.
    #[must_use]
    pub const fn new(timing: Timing, now: Monotonic) -> Self {
        Self { timing, last: now, since: now }
    }

    /// A renewal of ours was taken, as we heard at `now`.
    pub fn handle_renewed(&mut self, now: Monotonic) {
        if self.is_broken(now) {
            self.since = now;
        }
        self.last = now;
    }

    /// Whether nodes whose beat is silent may be declared dead: the coordinator takes renewals, and has for the grace.
    #[must_use]
    pub const fn may_judge(&self, now: Monotonic) -> bool {
        !self.is_broken(now) && now.since(self.since) >= self.timing.grace_ms * 1_000
    }

    /// So long without one that half of every lease may have gone by.
    const fn is_broken(&self, now: Monotonic) -> bool {
        now.since(self.last) > self.timing.ttl_ms * 1_000 / 2
    }
}
