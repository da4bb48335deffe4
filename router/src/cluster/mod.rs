//! The node as a member of a cluster of machines: what of it lives on the control thread (a node's view).
//!
//! The rules are all in the crate `ringway-cluster`; here are its clock, its network and its disk:
//!
//! * [`etcd`]: the coordinator's engine;
//! * [`driver`]: the member's events, requests, effects and its disk;
//! * [`Setup`]: from the configuration to a running driver;
//! * [`Consumer`]: whoever acts on the effects; [`Lease`]: the right to ack, for shards.

mod consumer;
pub mod driver;
pub mod etcd;
mod lease;
mod shards;
mod start;

pub use consumer::{Consumer, Roomless};
pub use driver::Handle;
pub use lease::Lease;
pub use shards::Shards;
pub use start::{Setup, cluster_id};
