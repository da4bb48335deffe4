//! How much may be on its way over QUIC, for traffic that must be fresh. Path view, pure.
//!
//! Loss alone says little about a mobile network, and a controller that halves its window for every lost packet ends at
//! two packets a round trip there. This one asks what the path *delivers*: the window is what the path drains in a round
//! trip and [`SLACK_US`], so that a queue never holds more than that, however patient the router in front of it is. Only
//! loss that comes with a queue is taken for congestion, and answered as others answer it: by a cut to seven tenths and a
//! slow return (RFC 9438 §4.6), so that who shares the queue keeps a share.
//!
//! The numbers behind it are in `docs/adr`. The units are bytes and microseconds.

#[cfg(feature = "quinn")]
pub mod quinn;
mod rate;

use crate::time::Monotonic;
use rate::Rate;

/// What may wait in queues on the path, on top of the round trip.
pub const SLACK_US: u64 = 60_000;
/// Packets that may always be on their way.
const FLOOR_PACKETS: u64 = 4;
/// Packets before anything is known of the path (RFC 9002 §7.2 allows as many).
const INITIAL_PACKETS: u64 = 10;
/// The shortest round trip is forgotten after twice this: routes change, and so do the queues of others.
const ROUND_TRIP_AGE_US: u64 = 5_000_000;
/// What is left of the window after congestion, in tenths.
const CUT_TENTHS: u64 = 7;
/// A round that loses more than this much of a hundred is congested, queue or not.
const LOSS_PERCENT_MAX: u64 = 30;
/// Rounds without a fourth more delivered that end the start.
const PLATEAU_ROUNDS: u32 = 3;

/// The window of one path.
#[derive(Clone, Debug)]
pub struct Window {
    packet_bytes: u64,
    bytes: u64,
    starting: bool,
    rate: Rate,
    /// The most that rounds of the start delivered, and for how many it did not grow.
    best: u64,
    plateau: u32,
    /// Congestion was met here: grows back a packet a round, and faster the longer nothing happens.
    ceiling: u64,
    calm_rounds: u64,
    cut_at: Monotonic,
    in_flight: u64,
    refreshed: Monotonic,
    smoothed_us: u64,
    /// The shortest round trips of this half and of the one before.
    shortest_us: [u64; 2],
    half_began: Monotonic,
    lost_in_round: u64,
    was_limited: bool,
}

impl Window {
    /// The window of a new path with packets of so many bytes.
    #[must_use]
    pub fn new(now: Monotonic, packet_bytes: u16) -> Self {
        let packet_bytes = u64::from(packet_bytes);
        Self {
            packet_bytes,
            bytes: INITIAL_PACKETS * packet_bytes,
            starting: true,
            rate: Rate::new(now),
            best: 0,
            plateau: 0,
            ceiling: u64::MAX,
            calm_rounds: 0,
            cut_at: now,
            in_flight: 0,
            refreshed: now,
            smoothed_us: 0,
            shortest_us: [u64::MAX; 2],
            half_began: now,
            lost_in_round: 0,
            was_limited: false,
        }
    }

    /// Bytes that may be in flight.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that were sent and not heard of, as far as is known.
    #[must_use]
    pub const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// What the path was seen to deliver lately; a lower bound while less is sent.
    #[must_use]
    pub fn bytes_per_s(&self) -> u64 {
        self.rate.bytes_per_s()
    }

    /// The shortest round trip lately; 0: unknown.
    #[must_use]
    pub fn round_trip_us(&self) -> u64 {
        match self.shortest_us[0].min(self.shortest_us[1]) {
            u64::MAX => 0,
            shortest => shortest,
        }
    }

    /// A train of packets left.
    pub fn handle_sent(&mut self, now: Monotonic, bytes: u64) {
        // Packets that only acknowledge are never heard of.
        if now.since(self.refreshed) > self.smoothed_us * 2 + SLACK_US {
            self.in_flight = 0;
            self.refreshed = now;
        }
        self.in_flight += bytes;
    }

    /// A packet that left at `sent` arrived. `limited`: the window held packets back, not a lack of them.
    pub fn handle_ack(
        &mut self,
        now: Monotonic,
        sent: Monotonic,
        bytes: u64,
        limited: bool,
        smoothed_us: u64,
    ) {
        self.smoothed_us = smoothed_us;
        self.see_round_trip(now, now.since(sent));
        self.was_limited |= limited;
        if self.starting && limited {
            self.bytes = (self.bytes + bytes).min(self.ceiling);
        }
        if let Some(round) = self.rate.handle_ack(now, sent, bytes, limited, self.round_trip_us()) {
            self.end_round(round.bytes_per_s, round.limited);
        }
    }

    /// A batch of acknowledgements is over, `in_flight` is what is left.
    pub const fn handle_acks_end(&mut self, now: Monotonic, in_flight: u64) {
        self.in_flight = in_flight;
        self.refreshed = now;
    }

    /// So many bytes are lost, the last of which left at `sent`; none: a router marked packets instead of dropping them.
    pub fn handle_loss(&mut self, now: Monotonic, sent: Monotonic, bytes: u64, persistent: bool) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.lost_in_round += bytes;
        if persistent {
            // Nothing arrived for long: whatever was known is of another path.
            *self = Self { packet_bytes: self.packet_bytes, ..Self::new(now, self.packet_bytes as u16) };
            self.bytes = self.floor();
            return;
        }
        let told = bytes == 0;
        // One answer for all losses of a round.
        if sent > self.cut_at && (told || self.sees_queue() || self.loses_much()) {
            self.cut(now);
        }
    }

    /// Packets have this size from now on.
    pub fn handle_packet_bytes(&mut self, packet_bytes: u16) {
        self.packet_bytes = u64::from(packet_bytes);
        self.bytes = self.bytes.max(self.floor());
    }

    const fn floor(&self) -> u64 {
        FLOOR_PACKETS * self.packet_bytes
    }

    fn see_round_trip(&mut self, now: Monotonic, round_trip_us: u64) {
        if now.since(self.half_began) > ROUND_TRIP_AGE_US {
            self.shortest_us = [u64::MAX, self.shortest_us[0]];
            self.half_began = now;
        }
        self.shortest_us[0] = self.shortest_us[0].min(round_trip_us.max(1));
    }

    /// Packets wait in front of a link: the round trip is well above the shortest.
    fn sees_queue(&self) -> bool {
        let shortest = self.round_trip_us();
        self.smoothed_us > shortest + (shortest / 8).max(5_000)
    }

    fn loses_much(&self) -> bool {
        let seen = self.rate.round_bytes() + self.lost_in_round;
        self.lost_in_round > FLOOR_PACKETS * self.packet_bytes
            && self.lost_in_round * 100 > seen * LOSS_PERCENT_MAX
    }

    fn cut(&mut self, now: Monotonic) {
        self.starting = false;
        self.cut_at = now;
        self.calm_rounds = 0;
        self.ceiling = (self.bytes * CUT_TENTHS / 10).max(self.floor());
        self.bytes = self.ceiling;
    }

    fn end_round(&mut self, bytes_per_s: u64, limited: bool) {
        self.lost_in_round = 0;
        if std::mem::take(&mut self.was_limited) && self.ceiling != u64::MAX {
            self.calm_rounds += 1;
            self.ceiling = self.ceiling.saturating_add(self.packet_bytes * (1 + self.calm_rounds / 8));
        }
        if self.starting {
            if self.smoothed_us > self.round_trip_us() + SLACK_US {
                self.starting = false;
            } else if limited {
                if bytes_per_s > self.best + self.best / 4 {
                    self.best = bytes_per_s;
                    self.plateau = 0;
                } else {
                    self.plateau += 1;
                    self.starting = self.plateau < PLATEAU_ROUNDS;
                }
            }
        }
        if !self.starting {
            let drained = self.bytes_per_s() * (self.round_trip_us() + SLACK_US) / 1_000_000;
            self.bytes = drained.min(self.ceiling).max(self.floor());
        }
    }
}

#[cfg(test)]
mod tests;
