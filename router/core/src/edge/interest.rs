//! Who on this shard wants a room.

use ringway_protocol::{Epoch, Offset, Position};

use crate::SessionKey;
use crate::namespaces::NamespaceId;
use crate::small;

/// Interest of this shard's sessions in one room.
pub(crate) struct Interest {
    pub(crate) name: Box<str>,
    pub(crate) namespace: NamespaceId,
    /// The newest position that reached this shard; void until the first `joined`.
    pub(crate) position: Position,
    /// Members of the room, as the owner last said.
    pub(crate) members: u32,
    pub(crate) seats: Vec<Seat>,
    /// Memberships that wait for the owner's answer.
    pub(crate) joining: u32,
    pub(crate) json_seats: u32,
    /// The owner was told who is here and has not answered: what else it says of the room is part of that answer.
    pub(crate) registering: bool,
}

/// One session's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) session: SessionKey,
    pub(crate) seat: u32,
    pub(crate) presence: bool,
    pub(crate) json: bool,
    /// Its session gave the room a stream of its own.
    pub(crate) streamed: bool,
    /// Number in the outbox's FIFO of its `joined`: values may only follow it.
    pub(crate) joined_sequence: u64,
    /// The order that it was told of last.
    pub(crate) epoch: Epoch,
    pub(crate) catch_up: CatchUp,
}

/// How a seat gets its publications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// As they come.
    Live,
    /// From replay pages, from this offset on.
    From { next: Offset, asked: bool },
}

impl Interest {
    pub(crate) fn new(name: &str, namespace: NamespaceId) -> Self {
        Self {
            name: name.into(),
            namespace,
            position: Position { epoch: Epoch(0), offset: Offset(0) },
            members: 0,
            seats: Vec::new(),
            joining: 0,
            json_seats: 0,
            registering: false,
        }
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.seats.is_empty() && self.joining == 0
    }

    pub(crate) fn sit(&mut self, seat: Seat) -> u32 {
        self.json_seats += u32::from(seat.json);
        small::push(&mut self.seats, seat);
        self.seats.len() as u32 - 1
    }
}
