//! Whether this node may still speak for its slots (a node's view, asked by every shard before a flush that carries acks).

use super::Timing;
use crate::Monotonic;

/// The right to ack, until a moment. Copied to the shards whenever it is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    timing: Timing,
    valid_until: Option<Monotonic>,
}

impl Holder {
    /// Without a right yet.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        Self { timing, valid_until: None }
    }

    /// For a node that is alone by construction: nobody could take over.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { timing: Timing::DEFAULT, valid_until: Some(Monotonic(u64::MAX)) }
    }

    /// A renewal that was sent at `sent` has succeeded. Count from when it was handed over, never from its answer.
    pub fn handle_renewed(&mut self, sent: Monotonic) {
        self.valid_until = self.valid_until.max(Some(sent.plus_ms(self.timing.held_ms())));
    }

    /// The node was declared dead, or left.
    pub fn revoke(&mut self) {
        self.valid_until = None;
    }

    /// Whether acks, and publications that were waiting for their commit, may go out at `now`: a clock read for this
    /// question, after everything that could have taken time.
    #[must_use]
    pub fn may_ack(&self, now: Monotonic) -> bool {
        self.valid_until.is_some_and(|until| now < until)
    }

    /// When the right ends, if there is one.
    #[must_use]
    pub const fn valid_until(&self) -> Option<Monotonic> {
        self.valid_until
    }
}
