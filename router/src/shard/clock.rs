//! The shard's clock: read once a turn, then the same for everybody in it.

use ringway_core::{Monotonic, Now};
use ringway_protocol::UnixMicros;

/// The time of the current turn.
#[derive(Default)]
pub(crate) struct Clock {
    turn: Option<Now>,
}

impl Clock {
    /// The time of this turn; its first reader fixes it.
    pub(crate) fn now(&mut self) -> Now {
        *self.turn.get_or_insert_with(Self::read)
    }

    /// The turn is over: whoever asks next begins another.
    pub(crate) const fn end_turn(&mut self) {
        self.turn = None;
    }

    /// The time right now.
    pub(crate) fn read() -> Now {
        Now { monotonic: Self::monotonic(), unix: UnixMicros(micros(libc::CLOCK_REALTIME)) }
    }

    /// The monotonic time right now; the same on all shards.
    pub(crate) fn monotonic() -> Monotonic {
        Monotonic(micros(libc::CLOCK_MONOTONIC))
    }
}

fn micros(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is writable; these clocks always exist.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}
