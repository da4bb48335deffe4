//! What a session tells, owned: the same facts as the protocol's events, with room names instead of handles.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringway_protocol::event::{self, Place};
use ringway_protocol::session::client::Violation;
use ringway_protocol::{BodyKind, ErrorCode, Lane, Offset, Position, SessionId, UnixMicros, Version};

use crate::Ending;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// There is a session: the first one, or after a reconnect.
    Connected {
        /// It is the session of the connection before; others saw neither a leave nor a join.
        resumed: bool,
        /// Its public id.
        session: SessionId,
        /// Who the server takes the client for.
        user: Box<str>,
    },
    /// The connection ended.
    Disconnected {
        /// How.
        ending: Ending,
        /// Whether the session comes back by itself; if not, this is its last event.
        returns: bool,
    },
    /// A room was joined again after a reconnect.
    Rejoined {
        /// Which.
        room: Arc<str>,
        /// The messages that follow as replay are exactly what was missed; else a gap is told, or the order is new.
        recovered: bool,
    },
    /// The server ended a membership.
    Left {
        /// Which room's.
        room: Arc<str>,
    },
    /// One publication.
    Message(Message),
    /// Who came and went, in a room that was joined with `presence`.
    Presence {
        /// Where.
        room: Arc<str>,
        /// Members now.
        count: u32,
        /// Who came, at most 16.
        joined: Vec<Member>,
        /// Who went, at most 16.
        left: Vec<Member>,
        /// More came or went than are named.
        truncated: bool,
    },
    /// Reliable messages that will not come.
    Gap {
        /// Where.
        room: Arc<str>,
        /// The first one.
        from: Offset,
        /// The last one.
        to: Offset,
    },
    /// A room's order began anew; positions held are void.
    Reset {
        /// Which room's.
        room: Arc<str>,
        /// Where the new one stands.
        position: Position,
        /// Values held of this room up to this version are void; those above are of the new order and may have come
        /// before. 0: all are void.
        version: Version,
    },
    /// The server refused something of which nobody waits for the answer.
    Refused(Refusal),
    /// The server broke a promise; the session goes on.
    Violation(Violation),
}

/// One publication.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where.
    pub room: Arc<str>,
    /// How it travelled.
    pub lane: Lane,
    /// Its offset or version.
    pub place: Place,
    /// The server's time of it; [`Clock::age`](crate::Clock::age) says how old it is.
    pub time: UnixMicros,
    /// Who published, unless the namespace shows sessions only.
    pub user: Option<Box<str>>,
    /// Which session; 0: the server's own API.
    pub session: SessionId,
    /// Key of the latest and unreliable lanes.
    pub key: Option<Box<str>>,
    /// What the body is; `None`: the key was removed.
    pub kind: BodyKind,
    /// The body; of a JSON body its text.
    pub body: Bytes,
    /// It was missed and is told now.
    pub replay: bool,
}

impl Message {
    pub(super) fn of(room: Arc<str>, message: &event::Message<'_>, replay: bool) -> Self {
        Self {
            room,
            lane: message.lane,
            place: message.place,
            time: message.time,
            user: message.from.user.map(Box::from),
            session: message.from.session,
            key: message.key.map(Box::from),
            kind: message.body.kind,
            body: Bytes::copy_from_slice(message.body.bytes),
            replay,
        }
    }

    /// The body of a text or JSON message; none if it is another kind or no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            BodyKind::Text | BodyKind::Json => std::str::from_utf8(&self.body).ok(),
            BodyKind::Bytes | BodyKind::None => None,
        }
    }
}

/// One member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose session.
    pub user: Box<str>,
    /// Which session.
    pub session: SessionId,
    /// What the token says about the user (JSON), if the namespace shows it.
    pub info: Option<Box<str>>,
}

pub(super) fn members(members: &[event::Member<'_>]) -> Vec<Member> {
    let owned = |member: &event::Member<'_>| Member {
        user: member.user.into(),
        session: member.session,
        info: member.info.map(Box::from),
    };
    members.iter().map(owned).collect()
}

/// An error of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What; its [`retry`](ErrorCode::retry) says whether trying again helps.
    pub code: ErrorCode,
    /// Earliest useful retry.
    pub retry_after: Option<Duration>,
    /// For people.
    pub message: Box<str>,
}

impl Refusal {
    pub(super) fn of(error: &event::ErrorEvent<'_>) -> Self {
        let retry_after = error.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
        Self { code: error.code, retry_after, message: error.message.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({}): {}", self.code.name(), self.code.number(), self.message)
    }
}
