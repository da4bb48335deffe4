//! One shard: a pinned thread with its runtime, its sessions and its rooms. Shard view.
//!
//! Tasks: one per listening socket ([`crate::transport::accept`]), one reader per connection, one [`pump`]; a writer
//! only while a socket is full. All of them call into one [`Context`] synchronously. A panic in any of them ends the
//! process, for a shard's state can't be trusted after one.

mod client;
pub(crate) mod clock;
pub(crate) mod cluster;
mod connection;
mod context;
mod deadlines;
mod doorman;
mod exchange;
mod fanout;
mod figures;
mod flush;
mod fuse;
mod ingest;
pub(crate) mod links;
mod orders;
mod oversleep;
mod pace;
mod pump;
mod quic;
mod reader;
mod spin;
mod start;
mod wheel;

pub(crate) use cluster::{ClusterSetup, KnownNode, LinkTable, Said};
pub(crate) use context::Context;
pub(crate) use links::{LinkBounds, LinkIdentity, LinkSetup, LinkTimes};
pub(crate) use quic::QuicSetup;
pub(crate) use start::{Setup, run};
