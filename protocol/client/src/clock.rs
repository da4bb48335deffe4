//! What time it is at the server: the offset between its clock and ours, from the answers to pings.
//!
//! At the middle between sending a `ping` and receiving its `pong` the server's clock stood at `pong.time`, give or take
//! half the round trip (docs/protocol.md). Of the last eight samples the one with the smallest round trip counts: it
//! waited least in queues.

use std::time::{Duration, Instant};

use ringway_protocol::UnixMicros;

use crate::time::local_time;

/// Samples that are remembered.
const SAMPLES: usize = 8;

/// The server's clock, as well as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Server minus [local time](crate::local_time), in microseconds.
    pub offset_us: i64,
    /// The true offset is not further away than this: half of the round trip of the sample.
    pub uncertainty: Duration,
}

impl Clock {
    /// The server's time at a moment.
    #[must_use]
    pub fn server_time(&self, at: Instant) -> UnixMicros {
        UnixMicros(local_time(at).0.saturating_add_signed(self.offset_us))
    }

    /// How long ago the server's clock stood there; nothing when that is still to come.
    #[must_use]
    pub fn age(&self, time: UnixMicros, now: Instant) -> Duration {
        Duration::from_micros(self.server_time(now).0.saturating_sub(time.0))
    }
}

/// The samples of one session; kept over reconnects, as clocks don't care about connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClockSync {
    /// Round trip in microseconds and offset; the newest last.
    samples: Vec<(u64, i64)>,
    smoothed_us: Option<u64>,
}

impl ClockSync {
    /// A `pong` with this time came now, so long after its `ping`.
    pub(crate) fn handle_pong(&mut self, now: Instant, rtt_us: u64, time: UnixMicros) {
        let middle = local_time(now).0.saturating_sub(rtt_us / 2);
        let offset = i64::try_from(i128::from(time.0) - i128::from(middle)).unwrap_or_default();
        if self.samples.len() == SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push((rtt_us, offset));
        // As TCP smooths (RFC 6298 §2.3).
        self.smoothed_us = Some(self.smoothed_us.map_or(rtt_us, |held| held - held / 8 + rtt_us / 8));
    }

    /// The best guess; none before the first sample.
    pub(crate) fn clock(&self) -> Option<Clock> {
        let (rtt_us, offset_us) = *self.samples.iter().min_by_key(|(rtt_us, _)| *rtt_us)?;
        Some(Clock { offset_us, uncertainty: Duration::from_micros(rtt_us.div_ceil(2)) })
    }

    /// The smoothed round trip of pings.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.smoothed_us.map(Duration::from_micros)
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_with_the_smallest_round_trip_counts_until_it_is_old() {
        let mut sync = ClockSync::default();
        assert_eq!(sync.clock(), None);
        let now = Instant::now();
        let local = local_time(now).0;
        // The server is one second ahead; the way there is slower than the way back by what the round trip allows.
        let mut sample = |rtt_us: u64, error_us: i64| {
            let at_server = (local - rtt_us / 2 + 1_000_000).saturating_add_signed(error_us);
            sync.handle_pong(now, rtt_us, UnixMicros(at_server));
            sync.clock().unwrap()
        };
        assert_eq!(sample(20_000, 8_000).offset_us, 1_008_000);
        let best = sample(1_000, 100);
        assert_eq!(best, Clock { offset_us: 1_000_100, uncertainty: Duration::from_micros(500) });
        for _ in 0..7 {
            assert_eq!(sample(5_000, -2_000), best);
        }
        let newer = sample(5_000, -2_000);
        assert_eq!(newer.offset_us, 998_000);
        assert!(newer.offset_us.abs_diff(1_000_000) <= newer.uncertainty.as_micros() as u64);
    }

    #[test]
    fn ages_are_of_the_server_s_clock() {
        let now = Instant::now();
        let clock = Clock { offset_us: -500_000, uncertainty: Duration::ZERO };
        let said = UnixMicros(local_time(now).0 - 510_000);
        assert_eq!(clock.age(said, now), Duration::from_millis(10));
        assert_eq!(clock.age(UnixMicros(u64::MAX), now), Duration::ZERO);
    }

    #[test]
    fn a_time_without_sense_is_no_panic() {
        let mut sync = ClockSync::default();
        sync.handle_pong(Instant::now(), u64::MAX, UnixMicros(u64::MAX));
        let clock = sync.clock().unwrap();
        let _ = clock.server_time(Instant::now());
        sync.handle_pong(Instant::now(), 5, UnixMicros(0));
        let _ = sync.clock().unwrap().age(UnixMicros(0), Instant::now());
        assert!(sync.rtt().is_some());
    }
}
