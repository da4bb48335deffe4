//! The deterministic brain of a shard: rooms, sessions, interest, history, outboxes, presence, access and limits.
//!
//! No I/O, no clock, no randomness: time is an argument ([`Now`]), the only random input is the seed given to
//! [`Shard::new`], and the same inputs give the same outputs. The core never sees wire bytes: it moves the opaque
//! frames of an [`Encoder`], which the rim implements with the codecs and the simulator with plain records.
//!
//! One [`Shard`] plays two roles, and both speak only in messages, also with themselves:
//!
//! * **edge**: it holds the sessions accepted on this core, their outboxes, and which local sessions want which room;
//! * **owner**: it holds the rooms whose slots are its own, and gives their publications their order.
//!
//! An edge sends [`Request`]s to owners, an owner sends [`Delivery`]s to edges, each over its own FIFO per pair of
//! shards. Deliveries can always be taken; requests only while [`Shard::takes_requests`]: hence nobody waits in a circle.
//!
//! The drain contract, obeyed after every `handle_*` call: take [`Shard::poll_output`], [`Shard::poll_request`] and
//! [`Shard::poll_delivery`] until they are empty or their ring is full, then flush the sessions of
//! [`Shard::poll_dirty`], then sleep until [`Shard::poll_timeout`].

pub mod access;
pub mod audit;
mod bar;
mod bucket;
pub mod counters;
mod edge;
mod exchange;
pub mod frame;
mod map;
pub mod message;
mod namespaces;
mod outbox;
pub mod output;
mod owner;
pub mod part;
mod random;
mod recent;
pub mod record;
mod room;
pub mod route;
pub mod settings;
mod shard;
mod slots;
mod small;
pub mod time;
mod timers;

pub use access::{Grant, Identity};
pub use counters::Counters;
pub use edge::{Open, Target, Waiting};
pub use frame::Encoder;
pub use message::{Asked, Delivery, Departure, Request, Told};
pub use outbox::{Taken, Via};
pub use output::{Close, Output, SlotWord};
pub use owner::{ClusterUpdate, Task};
pub use part::Part;
pub use route::{Asker, EdgeId, Edges, Holder, PeerId, Route, Way};
pub use settings::{Namespace, Settings};
pub use shard::{Blocked, Shard, ShardConfig};
pub use time::{Monotonic, Now};

/// One shard of this node, by number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A session on this shard. Indices are reused, `reuse` tells the incarnations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Dense index, for tables beside the core.
    pub index: u32,
    /// How often the index was used before.
    pub reuse: u32,
}
