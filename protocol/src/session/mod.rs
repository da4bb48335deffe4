//! What each end of a conversation must remember, as pure machines: no socket, no clock, no random source.
//!
//! [`client`] is what SDKs, the load generator, the simulator and tests run, [`server`] what the router runs. Both
//! take decoded [`Event`](crate::Event)s or [`Command`](crate::Command)s and the time as arguments, so that neither
//! knows which format or transport carried them.

pub mod client;
pub mod server;
