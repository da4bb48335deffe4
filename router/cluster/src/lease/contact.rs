//! Whether the silence of others may be the coordinator's or our own (the view of whoever watches beats).

use super::Timing;
use crate::Monotonic;

/// When the coordinator was last heard, and since when without a break.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    timing: Timing,
    last: Monotonic,
    since: Monotonic,
}

impl Contact {
    /// Heard for the first time at `now`.
    #[must_use]
    pub const fn new(timing: Timing, now: Monotonic) -> Self {
        Self { timing, last: now, since: now }
    }

    /// The coordinator answered anything.
    pub fn handle_answer(&mut self, now: Monotonic) {
        if self.is_broken(now) {
            self.since = now;
        }
        self.last = now;
    }

    /// Whether nodes whose beat is silent may be declared dead: the coordinator answers, and has for the grace.
    #[must_use]
    pub const fn may_judge(&self, now: Monotonic) -> bool {
        !self.is_broken(now) && now.since(self.since) >= self.timing.grace_ms * 1_000
    }

    /// Two renewals without an answer.
    const fn is_broken(&self, now: Monotonic) -> bool {
        now.since(self.last) > 2 * self.timing.beat_ms * 1_000
    }
}
