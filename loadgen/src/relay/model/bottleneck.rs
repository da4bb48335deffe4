//! A line's rate: packets leave one after the other, and what can't leave yet waits in a bounded queue.

use crate::engine::Nanos;

/// How fast a line is, and how much may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Thousands of bits a second; above 0.
    pub kbit: u32,
    /// Bytes that may wait, those of the packet that is leaving among them. What comes when they are full is dropped.
    pub queue_bytes: u32,
}

impl Rate {
    /// Nanoseconds that a byte takes, times [`Self::kbit`]: a whole number, so that nothing is rounded on the way.
    const NANOS_KBIT: u64 = 8_000_000;
}

/// When the line is free again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bottleneck {
    rate: Rate,
    free_at: Nanos,
    /// What of a nanosecond the line is busy beyond `free_at`, in parts of 1 / kbit.
    remainder: u64,
}

impl Bottleneck {
    pub(super) const fn new(rate: Rate) -> Self {
        assert!(rate.kbit > 0);
        Self { rate, free_at: Nanos(0), remainder: 0 }
    }

    /// When the last byte of a packet has left, or nothing when the queue has no room for it.
    pub(super) fn pass(&mut self, now: Nanos, bytes: u64) -> Option<Nanos> {
        let kbit = u64::from(self.rate.kbit);
        if self.free_at <= now {
            (self.free_at, self.remainder) = (now, 0);
        } else {
            let busy_nanos = self.free_at.0 - now.0;
            let waiting_bytes = (busy_nanos * kbit + self.remainder).div_ceil(Rate::NANOS_KBIT);
            if waiting_bytes + bytes > u64::from(self.rate.queue_bytes) {
                return None;
            }
        }
        let parts = bytes * Rate::NANOS_KBIT + self.remainder;
        self.free_at = Nanos(self.free_at.0 + parts / kbit);
        self.remainder = parts % kbit;
        Some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bottleneck(kbit: u32, queue_bytes: u32) -> Bottleneck {
        Bottleneck::new(Rate { kbit, queue_bytes })
    }

    #[test]
    fn packets_leave_exactly_as_far_apart_as_the_rate_says() {
        let mut line = bottleneck(256, 1 << 20);
        let departures: Vec<_> = (0..100).map(|_| line.pass(Nanos(0), 1_000).unwrap()).collect();
        assert_eq!(departures[0], Nanos(31_250_000), "8,000 bits at 256,000 a second");
        assert!(departures.windows(2).all(|pair| pair[1].0 - pair[0].0 == 31_250_000));
    }

    #[test]
    fn nothing_is_rounded_away_over_many_packets() {
        let mut line = bottleneck(7, 1 << 20);
        let last = (0..7_000).map(|_| line.pass(Nanos(0), 1).unwrap()).last().unwrap();
        assert_eq!(last, Nanos(8_000_000_000), "56,000 bits at 7,000 a second");
    }

    #[test]
    fn an_idle_line_takes_a_packet_at_once() {
        let mut line = bottleneck(8, 1_000);
        assert_eq!(line.pass(Nanos(0), 10), Some(Nanos(10_000_000)));
        assert_eq!(line.pass(Nanos(1_000_000_000), 10), Some(Nanos(1_010_000_000)));
        assert_eq!(
            line.pass(Nanos(9_000_000_000), 5_000),
            Some(Nanos(14_000_000_000)),
            "larger than the queue"
        );
    }

    #[test]
    fn a_full_queue_drops_what_comes_until_bytes_have_left() {
        let mut line = bottleneck(8, 3_000);
        assert!((0..3).all(|_| line.pass(Nanos(0), 1_000).is_some()));
        assert_eq!(line.pass(Nanos(0), 1), None);
        assert_eq!(line.pass(Nanos(1_000_000), 2), None, "one byte has left");
        assert_eq!(line.pass(Nanos(1_000_000), 1), Some(Nanos(3_001_000_000)));
    }
}
