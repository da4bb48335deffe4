//! A node: the shards of one process, started, spoken to and stopped as one. Node view, any thread.
//!
//! [`start`] binds the listeners, builds one pinned thread per shard and returns a [`NodeHandle`]. Whoever holds the
//! handle (the control thread) sends orders through a bounded queue per shard and gets an [`Answer`] for each; shards
//! never wait for it. What shards have to say unasked (closed sessions, refusals) goes to [`NodeOptions::observe`].

mod answer;
mod desk;
mod error;
mod handle;
mod notice;
mod options;
mod order;
mod snapshot;

pub use answer::{Answer, Gone};
pub(crate) use desk::Reports;
pub use error::StartError;
pub(crate) use handle::random_bytes;
pub use handle::{NodeHandle, start};
pub use notice::Notice;
pub use options::{
    ClusterOptions, Congestion, DoorSettings, FlushChoice, Listen, Network, NodeOptions, NodeSettings,
    QuicOptions, RuntimeChoice, RuntimeKind, ShardPlan, SpinChoice, TokenSettings,
};
pub(crate) use order::{Order, Report};
pub use order::{PublishOrder, PublishOutcome, Whom};
pub use ringway_mesh::Bounds;
pub use snapshot::{Histogram, LinkCounters, LinkUp, NodeSnapshot, RimCounters, ShardSnapshot};
