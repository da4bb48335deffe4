//! What passes through the shard that has a link: to other nodes, stream by stream, and to the shards of this one.

use std::collections::VecDeque;
use std::sync::Arc;

use ringway_core::{Asked, ShardId, Told};
use ringway_link::limit::STREAMS;
use ringway_link::{Frame, Notice};
use ringway_protocol::NodeId;

use super::parcel::{Ask, Ending, Tell};
use crate::frame::SharedFrame;
use crate::shard::links::{Links, PushError};

/// Parcels for one shard of this node that may wait here before links are read on.
const INWARD_MAX: usize = 1_024;

/// What goes to another node.
pub(super) enum Outward {
    /// Of an edge on this shard of ours.
    Ask(ShardId, Asked),
    Tell(Told<SharedFrame>),
    Ending(Arc<Ending>),
}

impl Outward {
    /// Says it to the node, whose link has room.
    pub(super) fn say(self, links: &mut Links, node: NodeId) {
        said(match self {
            Self::Ask(shard, asked) => links.push(node, &Frame::Request(shard, asked)),
            Self::Tell(told) => links.push_delivery(node, &told),
            Self::Ending(ending) => {
                let Ending { code, reason, .. } = &*ending;
                let whom = ending.target();
                links.push(node, &Frame::Notice(Notice::Disconnect { whom, code: *code, reason }))
            }
        });
    }

    pub(super) fn slot(&self) -> u16 {
        match self {
            Self::Ask(_, asked) => asked.request.slot(),
            Self::Tell(told) => told.slot,
            Self::Ending(_) => 0,
        }
    }
}

/// Something was said to a link that had room.
pub(super) fn said(outcome: Result<(), PushError>) {
    match outcome {
        // If it went down in this turn, the event follows.
        Ok(()) | Err(PushError::Down) => {}
        Err(error) => debug_assert!(false, "{error}"),
    }
}

/// What waits for the link to one node, by stream: each is one FIFO.
pub(super) struct Outbound {
    pub(super) streams: [VecDeque<Outward>; STREAMS as usize],
    pub(super) waiting: usize,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { streams: std::array::from_fn(|_| VecDeque::new()), waiting: 0 }
    }
}

impl Outbound {
    pub(super) fn push(&mut self, outward: Outward) {
        self.waiting += 1;
        self.streams[usize::from(outward.slot() % STREAMS)].push_back(outward);
    }
}

/// What waits for the rings to one shard of this node.
#[derive(Default)]
pub(crate) struct Inward {
    pub(crate) asks: VecDeque<Ask>,
    pub(crate) tells: VecDeque<Tell>,
}

impl Inward {
    /// Whether links may be read on for this shard's sake.
    pub(super) fn has_room(&self) -> bool {
        self.asks.len() < INWARD_MAX && self.tells.len() < INWARD_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.tells.is_empty()
    }
}
