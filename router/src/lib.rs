//! The machine room: shards on monoio, rings, transports, TLS and the node that holds them together.
//!
//! The pure parts live below (`ringway-protocol`, `ringway-core`); here is everything that touches a socket, a clock,
//! a thread or a random source, kept thin. [`node::start`] is the one door: it gives a [`node::NodeHandle`], through
//! which the control thread speaks to the shards in orders and gets answers back.

pub mod alone;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod control;
pub mod demo;
mod frame;
pub mod logs;
pub mod node;
pub mod pki;
mod quic;
pub mod rt;
mod shard;
pub mod tls;
mod transport;
