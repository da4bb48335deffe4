//! What the rim of a shard counts: plain cells of its own, copied out when control asks. Shard view.

use ringway_core::{Counters, ShardId};
use ringway_protocol::ErrorCode;

use crate::node::{Histogram, RimCounters, ShardSnapshot};

/// The cells.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) rim: RimCounters,
    pub(crate) turn_us: Histogram,
    pub(crate) flush_bytes: Histogram,
    pub(crate) ring_depth: Histogram,
    pub(crate) delivery_us: Histogram,
    pub(crate) quic_train_datagrams: Histogram,
    pub(crate) quic_rtt_us: Histogram,
    pub(crate) quic_loss_permille: Histogram,
    /// Writes whose latency is not in the histogram yet.
    deliveries_unread: u64,
    /// Errors told to connections without a session, in the order of `ErrorCode::ALL`.
    errors: Vec<u64>,
}

impl Figures {
    /// So many more sessions were written to.
    pub(crate) const fn note_deliveries(&mut self, writes: u64) {
        self.deliveries_unread += writes;
    }

    /// Writes since the clock was read last.
    pub(crate) const fn deliveries_unread(&self) -> u64 {
        self.deliveries_unread
    }

    /// The clock was read: this is how old the turn is by now.
    pub(crate) fn read_deliveries(&mut self, age_us: u64) {
        let writes = std::mem::take(&mut self.deliveries_unread);
        self.delivery_us.record_many(age_us, writes);
    }

    /// An `error` was told outside of the core.
    pub(crate) fn count_error(&mut self, code: ErrorCode) {
        if self.errors.is_empty() {
            self.errors.resize(ErrorCode::ALL.len(), 0);
        }
        if let Ok(index) = ErrorCode::ALL.binary_search(&code) {
            self.errors[index] += 1;
        }
    }

    /// A copy, with the core's counters and the errors of both.
    pub(crate) fn snapshot(&self, shard: ShardId, core: &Counters) -> ShardSnapshot {
        let mut core = core.clone();
        if core.errors.is_empty() {
            core.errors.resize(ErrorCode::ALL.len(), 0);
        }
        for (sum, ours) in core.errors.iter_mut().zip(&self.errors) {
            *sum += ours;
        }
        ShardSnapshot {
            shard,
            core,
            rim: self.rim.clone(),
            links: None,
            turn_us: self.turn_us.clone(),
            flush_bytes: self.flush_bytes.clone(),
            ring_depth: self.ring_depth.clone(),
            delivery_us: self.delivery_us.clone(),
            quic_train_datagrams: self.quic_train_datagrams.clone(),
            quic_rtt_us: self.quic_rtt_us.clone(),
            quic_loss_permille: self.quic_loss_permille.clone(),
        }
    }
}
