//! Freshness on slow networks: what a transport has swallowed can't be replaced by newer values any more.
//!
//! A session that holds values of the `latest` lane is offered bytes only while what the kernel has of it (unsent and
//! unacknowledged) is below what its network drains in a round trip and 60 ms. What is held back stays in the outbox,
//! where newer values replace older ones. The round trip is the shortest lately, as the smoothed one holds the peer's
//! delayed acknowledgements; the drain rate is what was acknowledged, over windows long enough for a small receive
//! buffer, which opens in leaps. Nothing is measured for sessions without such values.

use ringway_core::{Monotonic, Waiting};

use super::connection::Connection;
use super::context::Rim;
use crate::transport::socket::{self, Path};

/// However slow: so much may always be on its way.
const FLOOR_BYTES: u64 = 2 * 1024;
/// On top of the round trip.
const SLACK_US: u64 = 60_000;
/// Between two samples of the drain rate.
const SAMPLE_US: u64 = 200_000;
/// Until the first sample: then a fast network is recognized.
const FIRST_SAMPLE_US: u64 = 20_000;
/// Until a connection that is held back is looked at again.
const RETRY_MS: u64 = 4;

/// What is known of a connection's network.
pub(crate) struct Pace {
    sampled: Monotonic,
    bytes_acked: u64,
    /// It was held back since the last sample: then the network took what it could.
    held_back: bool,
    bytes_per_s: u64,
    round_trip_us: u64,
}

/// What may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) bytes_max: usize,
    /// A frame that does not fit must wait: something is on its way that it would only make older.
    pub(crate) must_fit: bool,
}

impl Pace {
    const fn new(now: Monotonic, path: Path) -> Self {
        Self {
            sampled: now,
            bytes_acked: path.bytes_acked,
            held_back: false,
            bytes_per_s: 0,
            round_trip_us: path.round_trip_us as u64,
        }
    }

    /// Takes a sample if it is time; the kernel is asked only then.
    fn sample(&mut self, now: Monotonic, path: impl FnOnce() -> Path) {
        let elapsed = now.since(self.sampled);
        if elapsed < if self.bytes_per_s == 0 { FIRST_SAMPLE_US } else { SAMPLE_US } {
            return;
        }
        let path = path();
        let drained = path.bytes_acked.saturating_sub(self.bytes_acked);
        let rate = drained.saturating_mul(1_000_000) / elapsed;
        self.bytes_per_s = if self.held_back {
            self.bytes_per_s.midpoint(rate)
        } else {
            // Nothing more was there to drain: a lower bound, which fades so that an old burst is not believed forever.
            rate.max(self.bytes_per_s - self.bytes_per_s / 16)
        };
        self.round_trip_us = u64::from(path.round_trip_us);
        self.sampled = now;
        self.bytes_acked = path.bytes_acked;
        self.held_back = false;
    }

    /// Bytes that may be in flight.
    fn bytes_max(&self) -> u64 {
        let time_us = self.round_trip_us.min(1_000_000) + SLACK_US;
        (self.bytes_per_s.saturating_mul(time_us) / 1_000_000).max(FLOOR_BYTES)
    }
}

/// How many bytes may be offered to a connection now; `None`: it is held back and will be queued again.
pub(crate) fn offer(
    index: u32,
    connection: &mut Connection,
    waiting: &Waiting,
    rim: &mut Rim,
    bytes_max: usize,
) -> Option<Offer> {
    if !waiting.latest {
        return Some(Offer { bytes_max, must_fit: false });
    }
    let descriptor = connection.descriptor();
    let now = rim.clock.now().monotonic;
    let pace = connection.pace.get_or_insert_with(|| Box::new(Pace::new(now, socket::path(descriptor))));
    pace.sample(now, || socket::path(descriptor));
    let in_flight = socket::bytes_in_flight(descriptor) as u64;
    let room = pace.bytes_max().saturating_sub(in_flight) as usize;
    if room == 0 {
        hold_back(index, connection, rim);
        return None;
    }
    Some(Offer { bytes_max: bytes_max.min(room), must_fit: in_flight > 0 && !waiting.mid_frame })
}

/// Holds a connection back for a moment. What may be dropped rather than queued is dropped from now on.
pub(crate) fn hold_back(index: u32, connection: &mut Connection, rim: &mut Rim) {
    let now = rim.clock.now();
    if let Some(session) = connection.session() {
        super::flush::lag(session, rim);
    }
    if let Some(pace) = &mut connection.pace {
        pace.held_back = true;
    }
    rim.paced.push((index, connection.serial));
    rim.paced_until.get_or_insert(now.monotonic.plus_ms(RETRY_MS));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network that drains so many bytes a second in leaps, written to as often and as much as the pace lets.
    fn settled_bytes_max(bytes_per_s: u64) -> u64 {
        const LEAP_US: u64 = 60_000;
        let mut pace = Pace::new(Monotonic(0), Path::default());
        let (mut in_flight, mut acked, mut now) = (0_u64, 0, 0);
        for step in 0..5_000 {
            now += 4_000;
            if step % 15 == 0 {
                let leap = in_flight.min(bytes_per_s * LEAP_US / 1_000_000);
                in_flight -= leap;
                acked += leap;
            }
            pace.sample(Monotonic(now), || Path { bytes_acked: acked, round_trip_us: 20_000 });
            let room = pace.bytes_max().saturating_sub(in_flight);
            pace.held_back |= room == 0;
            in_flight += room;
        }
        pace.bytes_max()
    }

    #[test]
    fn what_is_in_flight_settles_at_a_round_trip_and_60_ms_of_what_the_network_drains() {
        for bytes_per_s in [32_000, 125_000, 1_250_000] {
            let expected = bytes_per_s * 80 / 1_000;
            let settled = settled_bytes_max(bytes_per_s);
            assert!((expected * 8 / 10..=expected * 12 / 10).contains(&settled), "{bytes_per_s}: {settled}");
        }
    }

    #[test]
    fn a_network_that_drains_nothing_still_gets_the_floor() {
        assert_eq!(settled_bytes_max(0), FLOOR_BYTES);
    }

    #[test]
    fn a_network_with_nothing_to_drain_keeps_what_it_showed() {
        let mut pace = Pace::new(Monotonic(0), Path::default());
        pace.sample(Monotonic(1_000_000), || Path { bytes_acked: 1_000_000, round_trip_us: 1_000 });
        let shown = pace.bytes_max();
        pace.sample(Monotonic(1_300_000), || Path { bytes_acked: 1_000_000, round_trip_us: 1_000 });
        assert!(pace.bytes_max() > shown * 9 / 10);
    }
}
