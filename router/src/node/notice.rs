//! What shards say unasked, for logs. Sampled at the source: a shard never waits for a reader.

use std::net::SocketAddr;

use ringway_core::ShardId;
use ringway_core::output::Close;
use ringway_protocol::SessionId;

/// Something an operator may want to read.
#[derive(Clone, Debug)]
pub enum Notice {
    /// io_uring was not to be had, the shards run on epoll. Said once, with the reason.
    Fallback(String),
    /// The kernel does not steer QUIC packets to their shard: shards pass them on, which costs. Said once, with the reason.
    Unsteered(String),
    /// A session was told to go.
    Closing {
        /// On which shard.
        shard: ShardId,
        /// Which session.
        session: SessionId,
        /// What the core decided and why: code, reason, bytes and age of what waited, the room that held most.
        close: Close,
    },
    /// A connection was refused at the door.
    Refused {
        /// On which shard.
        shard: ShardId,
        /// Who came.
        peer: SocketAddr,
        /// Why.
        reason: &'static str,
        /// How many like it were not told since the last one.
        suppressed: u64,
    },
    /// An accept failed (no more file descriptors): the shard tries again after a pause.
    AcceptFailed {
        /// On which shard.
        shard: ShardId,
        /// What the system said.
        error: String,
    },
    /// A turn was stopped in its middle beyond the end of this node's lease; clients of the shard that were to hear of it were cut.
    Overslept {
        /// On which shard.
        shard: ShardId,
        /// How long after the lease's end it woke.
        late_ms: u64,
        /// How many.
        cut: u64,
    },
    /// A link to another node of the cluster stands.
    LinkUp {
        /// Which node.
        node: u64,
    },
    /// It is gone.
    LinkDown {
        /// Which node.
        node: u64,
        /// Why.
        why: String,
    },
    /// A link did not come up.
    LinkFailed {
        /// Whom this node dialled, or who dialled it, if that is known.
        node: Option<u64>,
        /// Where.
        address: SocketAddr,
        /// Why.
        why: String,
        /// One of the two refused the other: it will not mend itself.
        refused: bool,
    },
    /// So many notices were dropped because nobody took them in time.
    Lost(u64),
}
