//! What the rings between shards carry: what shards say to each other, and what passes through on its way from or to another node.

use std::sync::Arc;

use ringway_core::message::{JoinedDelivery, PageDelivery, RegisteredDelivery, RegisteredMember};
use ringway_core::{Asked, Delivery, EdgeId, PeerId, Request, Target, Told};

use crate::frame::SharedFrame;
use crate::node::Whom;
use crate::shard::context::Rim;

/// What a message without variable parts holds, roughly: its slot and what it points to.
const MESSAGE_BYTES: usize = 192;

/// On the ring of requests.
pub(crate) enum Ask {
    /// To an owner on the receiving shard.
    Own(Asked),
    /// To a node whose link the receiving shard has.
    Out(PeerId, Asked),
    /// From a node, over the link of this generation.
    In { from: EdgeId, generation: u32, asked: Asked },
}

/// On the ring of deliveries.
pub(crate) enum Tell {
    /// To an edge on the receiving shard.
    Own(Told<SharedFrame>),
    /// To a node whose link the receiving shard has.
    Out(PeerId, Told<SharedFrame>),
    /// From a node, over the link of this generation.
    In { from: PeerId, generation: u32, told: Told<SharedFrame> },
    /// A link came up, of this generation, or went down.
    Peer { peer: PeerId, generation: u32, up: bool },
    /// A node came up on another shard's link: the older one is to end.
    Replaced(PeerId),
    /// A link takes more again.
    Room,
    /// Another node's operator ends sessions.
    Ending(Arc<Ending>),
}

/// For either ring.
pub(crate) enum Parcel {
    Ask(Ask),
    Tell(Tell),
}

/// Sessions that an operator ends, wherever they are.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) whom: Whom,
    pub(crate) code: u16,
    pub(crate) reason: Arc<str>,
}

impl Ending {
    /// Ends those of this shard; how many.
    pub(crate) fn obey(&self, rim: &mut Rim) -> u32 {
        rim.core.handle_disconnect(rim.clock.now(), self.target(), self.code, &self.reason)
    }

    pub(super) fn target(&self) -> Target<'_> {
        match &self.whom {
            Whom::Session(session) => Target::Session(*session),
            Whom::User(user) => Target::User(user),
        }
    }
}

impl Ask {
    /// What it holds, for the ring's bounds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Own(asked) | Self::Out(_, asked) | Self::In { asked, .. } => request_bytes(&asked.request),
        }
    }
}

impl Tell {
    /// What it holds, for the ring's bounds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Own(told) | Self::Out(_, told) | Self::In { told, .. } => delivery_bytes(&told.delivery),
            Self::Peer { .. } | Self::Replaced(_) | Self::Room | Self::Ending(_) => MESSAGE_BYTES,
        }
    }
}

fn request_bytes(request: &Request) -> usize {
    MESSAGE_BYTES
        + match request {
            Request::Publish(publish) => publish.body.len() + publish.room.len() + publish.key.len(),
            Request::Join(join) => {
                join.room.len() + join.versions.iter().map(|known| 32 + known.key.len()).sum::<usize>()
            }
            Request::Register(register) => {
                register.room.len() + register.members.len() * size_of::<RegisteredMember>()
            }
            Request::Leave(_)
            | Request::Pull(_)
            | Request::History(_)
            | Request::Presence(_)
            | Request::Flush { .. }
            | Request::Ack { .. } => 0,
        }
}

fn delivery_bytes(delivery: &Delivery<SharedFrame>) -> usize {
    let sum = |frames: &[SharedFrame]| frames.iter().map(SharedFrame::bytes_held).sum::<usize>();
    MESSAGE_BYTES
        + match delivery {
            Delivery::Joined(joined) => {
                let JoinedDelivery { frame, after, keys, .. } = &**joined;
                let keys = keys.iter().map(|value| value.frame.bytes_held()).sum::<usize>();
                frame.bytes_held() + sum(after) + keys
            }
            Delivery::Page(PageDelivery { frames, .. }) => {
                frames.iter().map(|(_, frame)| frame.bytes_held()).sum()
            }
            Delivery::Reply { frames, .. } => sum(frames),
            Delivery::JoinRefused { frame, .. }
            | Delivery::PublishRefused { frame, .. }
            | Delivery::PublishedInPlace { frame, .. }
            | Delivery::Publication { frame, .. }
            | Delivery::PresenceChanged { frame, .. }
            | Delivery::Reset { frame, .. } => frame.bytes_held(),
            Delivery::Registered(registered) => {
                let RegisteredDelivery { reset, missed, keys, .. } = &**registered;
                let missed = missed.iter().map(|(_, frame)| frame.bytes_held()).sum::<usize>();
                let keys = keys.iter().map(|value| value.frame.bytes_held()).sum::<usize>();
                missed + keys + reset.as_ref().map_or(0, SharedFrame::bytes_held)
            }
            Delivery::Returned(request) => request_bytes(request),
            Delivery::Record(record) => record.frame().map_or(0, SharedFrame::bytes_held),
            Delivery::Displaced { .. } | Delivery::ApiAnswer { .. } | Delivery::Flushed => 0,
        }
}
