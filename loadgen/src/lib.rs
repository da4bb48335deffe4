//! `ringway-load`: open-loop load against a Ringway server, with every promise of the wire checked on the way.
//!
//! A scenario ([`scenario`]) opens a fleet of clients ([`engine`]: one lean epoll loop per thread, no runtime), lets
//! them do their thing on a schedule fixed in advance, and ends with a table and a JSON summary ([`report`]). Latency is
//! counted from the moment at which a publication was *meant* to be sent, so that a stall of either side can't hide.
//! What the clients may rely on is decided by `ringway_protocol::session::client`, not here.
//!
//! Several runs make a [`study`]: the highest rate that keeps a bound, or two [servers](server) side by side. Beside the
//! scenarios stands a network to run them through ([`relay`]): slow, lossy, and the same each time.

pub mod args;
pub mod body;
mod chance;
pub mod engine;
pub mod proc_stat;
pub mod relay;
pub mod report;
pub mod scenario;
pub mod server;
pub mod study;
