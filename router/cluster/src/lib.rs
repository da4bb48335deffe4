//! Who owns which slot, on many machines.
//!
//! Everything here is pure: no I/O, no clock, no randomness; time is an argument. The rim feeds events in and takes requests
//! and effects out, the simulator does the same with made-up time, and `tests/model` walks every order of the rules.
//!
//! * [`slot`], [`map`]: slots, terms, and the stored map;
//! * [`placement`]: which node should own what;
//! * [`lease`]: who may speak, and who may be declared dead;
//! * [`replication`]: what is committed;
//! * [`coordinator`], [`record`]: where nodes agree, and what stands there;
//! * [`member`], [`error`]: one node's part in all of it, and why it may have none.

mod codec;
pub mod coordinator;
pub mod error;
pub mod lease;
pub mod map;
pub mod member;
pub mod placement;
#[cfg(test)]
mod random;
pub mod record;
pub mod replication;
pub mod slot;

pub use codec::Malformed;
pub use map::{Chunk, ChunkId, SlotMap};
pub use ringway_protocol::NodeId;
pub use ringway_protocol::time::Monotonic;
pub use slot::{Slot, SlotOwner, Term};

/// How many nodes a cluster has at most: a transaction compares the record of each node that it gives something, and etcd
/// takes 128 comparisons.
pub const NODES_MAX: usize = 100;
