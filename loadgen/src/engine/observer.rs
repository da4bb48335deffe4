//! What happens to clients, as scenarios see it: the same words for every engine. Client view.

use std::time::Duration;

use ringway_protocol::event::{ErrorEvent, Message, Published};
use ringway_protocol::session::client::{
    Client, Fault, Phase, Reaction, Reconnect, Request, RoomIndex, Violation,
};
use ringway_protocol::{BodyKind, Epoch, Event, Lane, Offset, SessionId};

use super::{Ending, Nanos};

/// A client of this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// A message as a scenario wants it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Where.
    pub room: RoomIndex,
    /// How it travelled.
    pub lane: Lane,
    /// Offset or version.
    pub place: u64,
    /// The body; of a `json` body the JSON text.
    pub body: &'a [u8],
    /// Live, replay or page; `None`: it broke a promise.
    pub phase: Option<Phase>,
    /// It is the last one of a replay.
    pub ends_replay: bool,
}

/// A broken promise, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Breach<'a> {
    /// What.
    pub fault: &'a Fault,
    /// The session that saw it.
    pub session: SessionId,
    /// The room, or the first one of the client if it is about none; empty without any.
    pub room: &'a str,
}

/// What happened to a client.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// Its connection's upgrade is done.
    Opened {
        /// From the first packet on.
        took: Duration,
        /// The client had no session before.
        first: bool,
    },
    /// The session stands.
    Welcomed {
        /// It is the session of the connection before.
        resumed: bool,
    },
    /// It is a member.
    Joined {
        /// Where.
        room: RoomIndex,
        /// As `joined` says.
        recovered: bool,
        /// Messages that follow as replay.
        replay: u32,
        /// Members in all, where the server says.
        count: u32,
        /// Of the room's order.
        epoch: Epoch,
    },
    /// It is no member any more, as it wished.
    Left,
    /// Others came or went: so many members there are now.
    Presence {
        /// Members in all.
        count: u32,
    },
    /// A publication came.
    Message(Arrival<'a>),
    /// A publish was answered.
    Published(&'a Published<'a>),
    /// A publication that was taken over from the scenario could not be sent after all.
    Unsent,
    /// A request failed.
    Refused(Request, &'a ErrorEvent<'a>),
    /// The server told of a fault without a request.
    Faulted(&'a ErrorEvent<'a>),
    /// Publications will not come, and the server said so.
    Gap {
        /// How many.
        missed: u64,
    },
    /// A room's order began anew.
    Reset {
        /// The new one.
        epoch: Epoch,
    },
    /// A promise was broken.
    Violation(Breach<'a>),
    /// Bytes that are no frame.
    Undecodable(&'a str),
    /// The connection ended.
    Ended(&'a Ending, Reconnect),
}

/// A scenario, as far as one thread's clients concern it.
pub trait Observer {
    /// Something happened to a client.
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>);
}

impl<'a> Seen<'a> {
    /// What an event and the session machine's reaction to it are to a scenario; most are nothing.
    pub(super) fn of(client: &Client, reaction: Reaction, event: &'a Event<'a>) -> Option<Self> {
        Some(match (reaction, event) {
            // A key that is removed, as its publisher left: no publication.
            (Reaction::Message { .. }, Event::Message(message)) if message.body.kind == BodyKind::None => {
                return None;
            }
            (Reaction::Message { room, phase }, Event::Message(message)) => {
                Self::Message(Arrival::of(client, room, phase, message))
            }
            (Reaction::Published { .. }, Event::Published(published)) => Self::Published(published),
            (Reaction::Refused { request }, Event::Error(error)) => Self::Refused(request, error),
            (Reaction::Faulted, Event::Error(error)) => Self::Faulted(error),
            (Reaction::Welcomed { resumed }, _) => Self::Welcomed { resumed },
            (Reaction::Joined { room, recovered, replay }, Event::Joined(joined)) => {
                Self::Joined { room, recovered, replay, count: joined.count, epoch: joined.position.epoch }
            }
            (Reaction::Left { .. }, _) => Self::Left,
            (Reaction::Told, Event::PresenceChanged(changed)) => Self::Presence { count: changed.count },
            (Reaction::Gap { missed, .. }, _) => Self::Gap { missed },
            (Reaction::Reset { .. }, Event::Reset { position, .. }) => Self::Reset { epoch: position.epoch },
            _ => return None,
        })
    }
}

impl<'a> Arrival<'a> {
    /// The next live message of the reliable lane.
    pub(super) const fn next(room: RoomIndex, offset: Offset, body: &'a [u8]) -> Self {
        let (lane, phase) = (Lane::Reliable, Some(Phase::Live));
        Self { room, lane, place: offset.0, body, phase, ends_replay: false }
    }

    fn of(client: &Client, room: RoomIndex, phase: Option<Phase>, message: &Message<'a>) -> Self {
        let replaying = || client.room(room).is_some_and(|room| room.verifier().replaying());
        Self {
            room,
            lane: message.lane,
            place: message.place.number(),
            body: message.body.bytes,
            phase,
            ends_replay: phase == Some(Phase::Replay) && !replaying(),
        }
    }
}

impl<'a> Breach<'a> {
    pub(super) fn of(client: &'a Client, violation: &'a Violation) -> Self {
        let room = client.room(violation.room.unwrap_or(RoomIndex(0)));
        let room = room.map_or("", |room| room.name());
        Self { fault: &violation.fault, session: client.session(), room }
    }
}
