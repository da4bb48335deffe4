//! Where one client stands, as far as scenarios ask. Client view.

use ringway_protocol::Position;
use ringway_protocol::session::client::{Client, RoomIndex, Stage, State};

/// A look at a client and at the first room that it named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It has a session.
    pub is_ready: bool,
    /// It has a session and is a member.
    pub is_member: bool,
    /// The last position that it saw.
    pub position: Option<Position>,
    /// Requests without an answer yet, and publications that are not even on their way.
    pub outstanding: u32,
}

impl Standing {
    pub(super) fn of(client: &Client) -> Self {
        let room = client.room(RoomIndex(0));
        let is_ready = client.state() == State::Ready;
        Self {
            is_ready,
            is_member: is_ready && room.is_some_and(|room| room.stage() == Stage::In),
            position: room.and_then(|room| room.position()),
            outstanding: client.outstanding(),
        }
    }
}

/// Values that were not seen, and need not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// From the server: a newer one of their key had overtaken them on their way.
    pub overtaken: u64,
    /// Own ones: a newer one replaced them before they were sent, or the connection ended.
    pub replaced: u64,
}

impl Lost {
    pub(super) const fn and(self, other: Self) -> Self {
        Self { overtaken: self.overtaken + other.overtaken, replaced: self.replaced + other.replaced }
    }
}
