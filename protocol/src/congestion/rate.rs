//! What a path delivers: bytes acknowledged, round by round.

use crate::time::Monotonic;

/// Rounds that are remembered.
const ROUNDS: usize = 10;

/// The most that the last rounds delivered.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    /// Bytes a second.
    rounds: [u64; ROUNDS],
    next: usize,
    began: Monotonic,
    bytes: u64,
    limited: bool,
}

/// A round trip's worth of acknowledgements.
pub(super) struct Round {
    /// Delivered in it.
    pub(super) bytes_per_s: u64,
    /// The window held packets back: the path was asked for all that it has.
    pub(super) limited: bool,
}

impl Rate {
    pub(super) const fn new(now: Monotonic) -> Self {
        Self { rounds: [0; ROUNDS], next: 0, began: now, bytes: 0, limited: false }
    }

    pub(super) fn bytes_per_s(&self) -> u64 {
        self.rounds.iter().copied().max().unwrap_or(0)
    }

    /// Acknowledged in this round so far.
    pub(super) const fn round_bytes(&self) -> u64 {
        self.bytes
    }

    /// A packet that left at `sent` arrived; the round that this ends, if it does.
    pub(super) fn handle_ack(
        &mut self,
        now: Monotonic,
        sent: Monotonic,
        bytes: u64,
        limited: bool,
        round_trip_us: u64,
    ) -> Option<Round> {
        self.bytes += bytes;
        self.limited |= limited;
        // The first packet that left in this round is back.
        if sent < self.began {
            return None;
        }
        // Acknowledgements that come in a bunch would make a path look faster than it is.
        let elapsed = now.since(self.began).max(round_trip_us).max(1);
        let rate = self.bytes.saturating_mul(1_000_000) / elapsed;
        // What was not asked for could not be delivered: it must not displace what was.
        if self.limited || rate > self.bytes_per_s() {
            self.rounds[self.next] = rate;
            self.next = (self.next + 1) % ROUNDS;
        }
        let round = Round { bytes_per_s: rate, limited: self.limited };
        (self.began, self.bytes, self.limited) = (now, 0, false);
        Some(round)
    }
}
