//! QUIC below the shards: sockets, connection IDs, steering, and the settings of endpoints. Node view; what a shard does
//! with them is in `shard::quic`.

pub(crate) mod cid;
pub(crate) mod settings;
pub(crate) mod socket;
pub(crate) mod steer;
