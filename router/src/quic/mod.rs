//! QUIC below the shards: sockets, connection IDs, steering, and the settings of endpoints. Node view; what a shard does
//! with them is in `shard::quic` for clients and in `shard::links` for nodes.

pub(crate) mod cid;
pub(crate) mod datagram;
pub(crate) mod newcomers;
pub(crate) mod settings;
mod settle;
pub(crate) mod socket;
pub(crate) mod steer;
pub(crate) mod write;

pub(crate) use settle::settle;
