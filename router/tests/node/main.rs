//! A whole node in this process, spoken to over real sockets: what the machine room promises.

mod bounds;
mod client;
mod control;
mod echo;
mod faults;
#[path = "../patient/mod.rs"]
mod patient;
mod quic;
mod rings;
mod runtime;
mod sessions;
mod slow;
mod support;
mod tls;
