//! How the shards of a node speak to each other: bounded rings for one producer and one consumer, and doorbells that
//! ring only for sleepers. Node view; each end belongs to one thread.
//!
//! * [`spsc`] is one ring: bounded in items and in weight (bytes), split into a send half, a receive half and the state
//!   they share.
//! * [`Doorbell`] is how a consumer sleeps without missing anything: it says that it will sleep, fences, looks again; a
//!   producer publishes a batch, fences once, looks once, and wakes only a sleeper.
//! * [`Seat`] is one shard's place in the mesh: two rings to and two from every other shard (requests and deliveries,
//!   so that deliveries never wait behind requests), and a bitmap of who has written.
//! * [`Mailbox`] is the queue from the control thread, with the same doorbell.
//!
//! Nothing here knows a runtime: what wakes a thread is the caller's [`Wake`]. A crate of its own, so that
//! `RUSTFLAGS="--cfg loom" cargo test -p ringway-mesh` explores the interleavings with nothing else to compile.

mod doorbell;
mod inbound;
#[cfg(not(loom))]
mod mailbox;
mod seat;
pub mod spsc;
mod sync;

pub use doorbell::{Doorbell, Wake};
pub use inbound::Inbound;
#[cfg(not(loom))]
pub use mailbox::Mailbox;
pub use seat::{Bounds, Seat, seats};

#[cfg(all(test, loom))]
mod model;
