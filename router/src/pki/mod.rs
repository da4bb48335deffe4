//! Who the nodes of a cluster are to each other: a private authority, one certificate for each node, and what links
//! make of them (mutual TLS 1.3, ALPN [`ALPN`]). Node view; the control thread owns it and hands the shards what is current.
//!
//! A certificate says one thing: this key is node N of cluster C. It says so in one DNS name ([`Peer::name`]), so that
//! rustls' own verifier checks whom a link has reached. Everything here takes bytes and a clock; only [`files`] and
//! [`held`] touch the disk.
//!
//! Invariants:
//! - Both sides show a certificate, and a link is never resumed: each handshake asks the authority in force.
//! - A certificate with no name of our form, or with a second name, is nobody's.
//! - A reload changes everything or nothing, and never who this node is.

pub mod certificate;
pub mod credentials;
pub mod fault;
pub mod files;
pub mod held;
pub mod issue;
pub mod name;
mod verify;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, Role};
pub use credentials::{ALPN, Credentials};
pub use fault::{Bad, Fault, Part};
pub use files::{Paths, Warning};
pub use held::Held;
pub use name::{Cluster, NodeNumber, Peer};
