//! Clients against a server made of quinn and the protocol's codecs: what no real server lets happen on demand.

mod calm;
mod door;
mod probe;
mod server;
mod ways;
mod web;
