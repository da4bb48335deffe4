//! What must hold: at every step, at rest, and when everybody is gone.

mod rest;
mod step;
mod told;

use ringway_core::Shard;
use ringway_protocol::RoomHandle;

use crate::client::Conn;
use crate::encoder::SimEncoder;

pub use rest::{at_rest, empty};
pub use step::{bounds, dear_bounds};
pub use told::{Watch, may};

/// The shards as the checks see them.
pub struct Nodes<'a> {
    /// All shards.
    pub shards: Vec<&'a Shard<SimEncoder>>,
    /// Handles by room.
    pub handles: &'a [RoomHandle],
    /// Owning shards by room.
    pub owners: Vec<usize>,
    /// Connections that are not gone.
    pub open: Vec<&'a Conn>,
}
