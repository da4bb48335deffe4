//! What the links of a shard count.

use std::time::Duration;

use ringway_protocol::NodeId;

/// Totals of all links of a shard since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkFigures {
    /// Frames about rooms, and the bytes of their frames.
    pub(crate) frames_in: u64,
    pub(crate) frames_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Frames of kinds that this version does not know.
    pub(crate) frames_skipped: u64,
    pub(crate) datagrams_in: u64,
    pub(crate) datagrams_out: u64,
    /// Datagrams that came to the wrong shard and were passed on.
    pub(crate) strays: u64,
    pub(crate) dials: u64,
    pub(crate) retries: u64,
    pub(crate) ups: u64,
    pub(crate) downs: u64,
    /// Links that did not come up, but for those refused.
    pub(crate) failed: u64,
    /// Links that did not come up since a hello was refused.
    pub(crate) refused: u64,
    /// How often a stream ran out of credit.
    pub(crate) credit_stalls: u64,
    /// Failures that were not told, since nobody listened.
    pub(crate) untold: u64,
}

/// One link that is up, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkView {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
    pub(crate) rtt: Duration,
    pub(crate) packets_sent: u64,
    pub(crate) packets_lost: u64,
    /// Bytes that wait for QUIC to take them.
    pub(crate) unsent_bytes: usize,
    /// Frames that wait to be polled.
    pub(crate) frames_held: usize,
}
