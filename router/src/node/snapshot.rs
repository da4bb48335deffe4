//! The figures of a node at one moment, copied out by the shards when asked: nothing is shared while they work.

use ringway_core::{Counters, ShardId};

/// Upper bounds of the buckets of every histogram here, in microseconds (or units): powers of two from 1 on.
const BUCKETS: usize = 32;

/// A histogram with power-of-two buckets: bucket `i` counts values in `[2^(i-1), 2^i)`, bucket 0 counts zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    sum: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: 0 }
    }
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts one value several times.
    pub fn record_many(&mut self, value: u64, times: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += times;
        self.sum += value.saturating_mul(times);
    }

    /// (exclusive upper bound, count) of each bucket; the last bound is `u64::MAX`.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().enumerate().map(|(index, count)| {
            let bound = if index == BUCKETS - 1 { u64::MAX } else { 1 << index };
            (bound, *count)
        })
    }

    /// Sum of all values.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
        self.sum += other.sum;
    }
}

/// What the rim of one shard counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RimCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections over TCP now, half-open ones included.
    pub connections: u64,
    /// Connections now that have not said a valid `hello`.
    pub half_open: u64,
    /// Connections refused at the door: address limit, half-open limit, connection limit.
    pub refused: u64,
    /// Upgrade requests refused (bad request, path, origin).
    pub upgrades_refused: u64,
    /// Connections that did not say a valid `hello` in time.
    pub handshake_timeouts: u64,
    /// Accepts that failed.
    pub accept_errors: u64,
    /// TLS handshakes that failed.
    pub tls_errors: u64,
    /// Sessions closed for silence.
    pub heartbeat_timeouts: u64,
    /// Bytes read from sockets.
    pub bytes_in: u64,
    /// Bytes written to sockets.
    pub bytes_out: u64,
    /// Reads from sockets.
    pub reads: u64,
    /// Writes to sockets.
    pub writes: u64,
    /// Writes that a full socket cut short.
    pub writes_short: u64,
    /// Commands taken from clients.
    pub commands: u64,
    /// Times a publication had to wait because the turn had queued its fill.
    pub publishers_held: u64,
    /// Turns that slept over the end of the node's lease.
    pub overslept: u64,
    /// Turns of the pump.
    pub turns: u64,
    /// Times the shard parked.
    pub parks: u64,
    /// QUIC connections now.
    pub quic_connections: u64,
    /// Gauge: of them, those that speak WebTransport.
    pub web_connections: u64,
    /// QUIC handshakes that were completed.
    pub quic_handshakes: u64,
    /// QUIC handshakes that were begun and never completed.
    pub quic_handshakes_failed: u64,
    /// Addresses that had to show that they can be reached.
    pub quic_retries: u64,
    /// UDP datagrams received.
    pub quic_datagrams_in: u64,
    /// UDP datagrams sent.
    pub quic_datagrams_out: u64,
    /// Packets that QUIC found to be lost.
    pub quic_packets_lost: u64,
    /// Times that a QUIC client's address changed.
    pub quic_migrations: u64,
    /// QUIC datagrams with commands.
    pub quic_messages_in: u64,
    /// Publications that went out as QUIC datagrams.
    pub quic_messages_out: u64,
    /// Publications that were to go out as QUIC datagrams when there was no way for them any more.
    pub quic_messages_dropped: u64,
    /// Values that went out on a QUIC stream of their own.
    pub quic_values_out: u64,
    /// Of them, those that were reset since a newer one followed.
    pub quic_values_reset: u64,
    /// UDP datagrams that came to the wrong shard.
    pub quic_strays: u64,
    /// Doorbells this shard rang for others.
    pub rings: u64,
    /// Messages taken from other shards.
    pub mesh_in: u64,
    /// Messages given to other shards.
    pub mesh_out: u64,
    /// Notices that nobody took in time.
    pub notices_lost: u64,
}

/// What one shard counted about its links to other nodes, since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Links that are up.
    pub up: Vec<LinkUp>,
    /// Frames about rooms that came.
    pub frames_in: u64,
    /// Frames about rooms that went out.
    pub frames_out: u64,
    /// Bytes of the frames that came.
    pub bytes_in: u64,
    /// Bytes of the frames that went out.
    pub bytes_out: u64,
    /// Links that this shard began.
    pub dials: u64,
    /// Links that stood.
    pub ups: u64,
    /// Of them, those that are gone.
    pub downs: u64,
    /// Links that did not come up.
    pub failed: u64,
    /// Links that one of the nodes refused.
    pub refused: u64,
    /// How often a stream had to wait for the other node.
    pub credit_stalls: u64,
}

/// One link that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkUp {
    /// To which node.
    pub node: u64,
    /// Its round trip, in microseconds.
    pub rtt_us: u64,
    /// Packets sent over it.
    pub packets_sent: u64,
    /// Of them, those that were lost.
    pub packets_lost: u64,
    /// Bytes that wait to be sent.
    pub unsent_bytes: u64,
    /// Frames that came and wait for their shard.
    pub frames_held: u64,
}

/// The figures of one shard.
#[derive(Clone, Debug)]
pub struct ShardSnapshot {
    /// Which shard.
    pub shard: ShardId,
    /// What the core counted.
    pub core: Counters,
    /// What the rim counted.
    pub rim: RimCounters,
    /// What its links counted; `None` on a node that is alone.
    pub links: Option<LinkCounters>,
    /// Microseconds of a pump's turn.
    pub turn_us: Histogram,
    /// Bytes of one write to one socket.
    pub flush_bytes: Histogram,
    /// Messages waiting in an inbound ring when it was drained.
    pub ring_depth: Histogram,
    /// Microseconds from when this shard first held a frame's cause to when the kernel had taken the write.
    pub delivery_us: Histogram,
    /// UDP datagrams of one train, which is one system call.
    pub quic_train_datagrams: Histogram,
    /// Microseconds of a QUIC connection's smoothed round trip, read off now and then and at its end.
    pub quic_rtt_us: Histogram,
    /// Lost packets per thousand of a QUIC connection, since the time before.
    pub quic_loss_permille: Histogram,
}

/// The figures of all shards, in their order.
#[derive(Clone, Debug, Default)]
pub struct NodeSnapshot {
    /// One entry per shard.
    pub shards: Vec<ShardSnapshot>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lands_below_its_bound_and_not_below_the_one_before() {
        for value in [0, 1, 2, 3, 4, 1_000, 1_000_000, u64::MAX / 2] {
            let mut histogram = Histogram::default();
            histogram.record(value);
            let (bound, _) = histogram.buckets().find(|(_, count)| *count == 1).unwrap();
            assert!(value < bound, "{value} {bound}");
            assert!(bound == u64::MAX || bound <= 1 || value >= bound / 2, "{value} {bound}");
        }
    }

    #[test]
    fn adding_keeps_counts_and_sum() {
        let (mut one, mut two) = (Histogram::default(), Histogram::default());
        one.record(5);
        two.record_many(7, 3);
        one.add(&two);
        assert_eq!((one.count(), one.sum()), (4, 26));
    }
}
