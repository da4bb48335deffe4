//! What happened on a shard, as plain numbers that only rise (but for the gauges). The rim publishes them.

use ringway_protocol::ErrorCode;

/// Counters of one shard.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Gauge: sessions open.
    pub sessions: u64,
    /// Gauge: rooms owned.
    pub rooms: u64,
    /// Gauge: bytes of histories and keys held.
    pub held_bytes: u64,
    /// Sessions ever opened.
    pub sessions_opened: u64,
    /// Publications given a place, by lane.
    pub publications: [u64; 3],
    /// Frames put into outboxes.
    pub deliveries: u64,
    /// Bytes of those frames.
    pub queued_bytes: u64,
    /// Bytes reported as written.
    pub written_bytes: u64,
    /// Publications dropped from outboxes because they overflowed.
    pub dropped_overflow: u64,
    /// Values of the latest lane replaced by newer ones before they were sent.
    pub conflated: u64,
    /// Frames of the unreliable lane dropped because the session lagged.
    pub dropped_unreliable: u64,
    /// Sessions closed as slow consumers.
    pub slow_consumers: u64,
    /// Joins that recovered exactly what was missed.
    pub recovered: u64,
    /// Joins with a position that could not be recovered.
    pub not_recovered: u64,
    /// Publishes found to be retries.
    pub duplicates: u64,
    /// What owners said under a term that was over, or too late to whom had been told otherwise.
    pub stale_deliveries: u64,
    /// Publications that came without the one before: asked for again. Never, if all is right.
    pub holes: u64,
    /// Rooms that began anew because an edge had heard more of them than there was. Never, if all is right.
    pub forks_prevented: u64,
    /// Slots that were to go on here, of which nothing was here. Never, if all is right.
    pub heirs_without_order: u64,
    /// Records sent to standbys and next owners.
    pub records_sent: u64,
    /// Records taken as standby or next owner.
    pub records_taken: u64,
    /// Errors told, by `ErrorCode` in the order of `ErrorCode::ALL`.
    pub errors: Vec<u64>,
    /// By namespace, in the order in which the shard first saw them.
    pub namespaces: Vec<NamespaceCounters>,
}

/// Counters of one namespace on one shard.
#[derive(Clone, Debug, Default)]
pub struct NamespaceCounters {
    /// Its name.
    pub name: String,
    /// Gauge: rooms owned.
    pub rooms: u64,
    /// Gauge: members of those rooms.
    pub members: u64,
    /// Publications given a place.
    pub publications: u64,
    /// Frames put into outboxes of this shard's sessions.
    pub deliveries: u64,
}

impl Counters {
    pub(crate) fn error(&mut self, code: ErrorCode) {
        if self.errors.is_empty() {
            self.errors.resize(ErrorCode::ALL.len(), 0);
        }
        if let Ok(index) = ErrorCode::ALL.binary_search(&code) {
            self.errors[index] += 1;
        }
    }
}
