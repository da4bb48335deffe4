//! What a shard's links are made of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringway_link::{Hello, VersionRange, Window, limit};
use ringway_protocol::NodeId;

use crate::pki::{Credentials, Peer};

/// Everything that the links of a shard begin with.
pub(crate) struct LinkSetup {
    /// The shard, with which its connection IDs begin.
    pub(crate) shard: u8,
    pub(crate) identity: LinkIdentity,
    pub(crate) credentials: Arc<Credentials>,
    /// The addresses of the sockets, in their order.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Secrets of the node: they seal retry tokens and stateless resets.
    pub(crate) retry_secret: [u8; 32],
    pub(crate) reset_secret: [u8; 32],
    /// Of this shard alone.
    pub(crate) seed: [u8; 32],
    pub(crate) times: LinkTimes,
    pub(crate) bounds: LinkBounds,
}

/// Who this node is to others: what its hello says.
#[derive(Clone, Debug)]
pub(crate) struct LinkIdentity {
    pub(super) node: NodeId,
    pub(super) cluster: String,
    pub(super) incarnation: u64,
    pub(super) shards: u16,
    pub(super) versions: VersionRange,
}

impl LinkIdentity {
    /// The node that its certificate names, in this run of it: a later one has a higher `incarnation`.
    pub(crate) fn new(peer: &Peer, incarnation: u64, shards: u16) -> Self {
        let (node, cluster) = (NodeId(peer.node.0), peer.cluster.as_str().to_owned());
        Self { node, cluster, incarnation, shards, versions: VersionRange::OURS }
    }

    pub(super) fn hello(&self) -> Hello<'_> {
        Hello {
            versions: self.versions,
            cluster: &self.cluster,
            node: self.node,
            incarnation: self.incarnation,
            shards: self.shards,
            features: 0,
        }
    }
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkTimes {
    /// After so much silence the peer is gone.
    pub(crate) idle: Duration,
    /// So often something is said, at least.
    pub(crate) keep_alive: Duration,
    /// From the first packet until both hellos are accepted.
    pub(crate) hello: Duration,
    /// How long a last word may take to arrive.
    pub(crate) goodbye: Duration,
    /// The first wait before dialling again; doubles with each failure in a row.
    pub(crate) backoff_min: Duration,
    /// The longest.
    pub(crate) backoff_max: Duration,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self {
            idle: Duration::from_millis(1_000),
            keep_alive: Duration::from_millis(250),
            hello: Duration::from_millis(1_000),
            goodbye: Duration::from_millis(500),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(2_000),
        }
    }
}

/// How much a link holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkBounds {
    /// What a stream takes from the peer ahead of those who poll, and one frame more.
    pub(crate) span: Window,
    /// Bytes that wait to be sent on all streams of a link, and one frame more.
    pub(crate) unsent_bytes: usize,
}

/// 300,000 frames of 240 bytes a second on one stream are 14 ms of each span.
impl Default for LinkBounds {
    fn default() -> Self {
        let stream_bytes = 1024 * 1024;
        Self {
            span: Window { bytes: stream_bytes, frames: 4_096 },
            unsent_bytes: stream_bytes as usize * limit::STREAMS as usize,
        }
    }
}
