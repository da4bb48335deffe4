//! What control and shards say to each other. Orders go down a bounded queue per shard, reports come up one queue.

use std::sync::Arc;

use ringway_core::ClusterUpdate;
use ringway_core::message::ApiPublished;
use ringway_protocol::{BodyKind, ErrorCode, Lane, Position, SessionId};

use super::{NodeSettings, Notice, ShardSnapshot};
use crate::pki::Credentials;
use crate::quic::datagram::Stray;
use crate::shard::KnownNode;

/// A publish of the node's own API.
#[derive(Clone, Debug)]
pub struct PublishOrder {
    /// Full room name.
    pub room: String,
    /// In whose name; subscribers see it.
    pub user: Arc<str>,
    /// How it travels.
    pub lane: Lane,
    /// Key of the latest and unreliable lanes.
    pub key: Option<String>,
    /// Makes it idempotent.
    pub msg_id: Option<Vec<u8>>,
    /// The publisher's position when it first sent this.
    pub retry: Option<Position>,
    /// What the body is; checked where it enters, by the caller.
    pub body_kind: BodyKind,
    /// The body.
    pub body: Vec<u8>,
}

/// How an API publish ended.
pub type PublishOutcome = Result<ApiPublished, ErrorCode>;

/// Which sessions an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// One session.
    Session(SessionId),
    /// All of a user.
    User(Arc<str>),
}

/// From control to one shard.
pub(crate) enum Order {
    /// Settings from now on.
    Reload(Box<NodeSettings>),
    /// Publish; answered by [`Report::Published`].
    Publish { ticket: u64, order: Box<PublishOrder> },
    /// Close sessions; answered by [`Report::Disconnected`].
    Disconnect { ticket: u64, whom: Whom, code: u16, reason: Arc<str> },
    /// Stop listening.
    StopListening,
    /// Tell sessions to go, spread over this time; answered by [`Report::Drained`] when the last is gone.
    Drain { ticket: u64, spread_ms: u64 },
    /// Tell the figures; answered by [`Report::Snapshot`].
    Snapshot { ticket: u64 },
    /// A datagram that came to another shard's socket.
    Datagram(Box<Stray>),
    /// The cluster's map, or this node's part in it, changed.
    Cluster(Arc<ClusterUpdate>),
    /// The cluster's nodes, and who of them is dialled.
    Nodes(Arc<Vec<KnownNode>>),
    /// Other credentials for links.
    LinkCredentials(Arc<Credentials>),
    /// A datagram of a link that came to another shard's socket.
    LinkDatagram(Box<Stray>),
    /// End the thread.
    Stop,
}

/// From a shard to control.
pub(crate) enum Report {
    Published { ticket: u64, outcome: PublishOutcome },
    Disconnected { ticket: u64, count: u32 },
    Drained { ticket: u64 },
    Snapshot { ticket: u64, snapshot: Box<ShardSnapshot> },
    Notice(Notice),
}
