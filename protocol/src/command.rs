//! Everything a client can say, borrowed from the bytes it was read from.

use crate::{Body, Lane, Position, RequestId, RoomName, Version};

/// One request of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Command<'a> {
    /// The first command of a connection.
    Hello(Hello<'a>),
    /// A newer token for the same user.
    Refresh(Refresh<'a>),
    /// Become a member of a room.
    Join(Join<'a>),
    /// Several rooms at once; each answered on its own under the one id.
    JoinMany(JoinMany<'a>),
    /// Stop being a member.
    Leave(Leave<'a>),
    /// One event for a room.
    Publish(Publish<'a>),
    /// A page of a room's past.
    History(History<'a>),
    /// A page of a room's members.
    Presence(Presence<'a>),
    /// Answered by `pong`.
    Ping {
        /// Matches the `pong`.
        id: Option<RequestId>,
    },
}

impl Command<'_> {
    /// The request's id, whatever it is.
    #[must_use]
    pub const fn id(&self) -> Option<RequestId> {
        match self {
            Self::Hello(hello) => hello.id,
            Self::Refresh(refresh) => refresh.id,
            Self::Join(join) => join.id,
            Self::JoinMany(many) => many.id,
            Self::Leave(leave) => leave.id,
            Self::Publish(publish) => publish.id,
            Self::History(history) => history.id,
            Self::Presence(presence) => presence.id,
            Self::Ping { id } => *id,
        }
    }
}

/// `hello`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hello<'a> {
    /// Matches the `welcome`.
    pub id: Option<RequestId>,
    /// Protocol version the client speaks; this release: 1.
    pub protocol: u32,
    /// A signed token (JWT); absent asks to be anonymous.
    pub token: Option<&'a str>,
    /// What the client is, for logs: name and version, at most 128 bytes.
    pub client: Option<&'a str>,
    /// The secret of an earlier `welcome`: re-make that session.
    pub resume: Option<&'a str>,
}

/// `refresh`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh<'a> {
    /// Matches the `refreshed`.
    pub id: Option<RequestId>,
    /// The newer token; its `sub` must be the session's user.
    pub token: &'a str,
}

/// From where a joiner wants the reliable order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Everything after this position.
    Position(Position),
    /// The newest `n` publications.
    Last(u32),
}

/// A key's value that a joiner already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownVersion<'a> {
    /// Whose key it is, where keys belong to users.
    pub user: Option<&'a str>,
    /// The key.
    pub key: &'a str,
    /// The version held.
    pub version: Version,
}

/// `join`, and each room of `join_many` (whose id it then carries).
#[derive(Clone, Debug, PartialEq)]
pub struct Join<'a> {
    /// Matches the `joined`.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: RoomName<'a>,
    /// Where to recover from; absent: live only.
    pub since: Option<Since>,
    /// Values of the latest lane already held; empty: all are sent.
    pub versions: Vec<KnownVersion<'a>>,
    /// Whether `presence_changed` is wanted.
    pub presence: bool,
    /// Whether the room's order is wanted on a stream of its own, where the transport has streams.
    pub stream: bool,
}

/// `join_many`.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinMany<'a> {
    /// Carried by each answer.
    pub id: Option<RequestId>,
    /// The rooms; each one's own `id` equals this `id`.
    pub rooms: Vec<Join<'a>>,
}

/// `leave`.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave<'a> {
    /// Matches the `left`.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: RoomName<'a>,
}

/// `publish`.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish<'a> {
    /// Matches the `published`; absent: no answer wanted.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: RoomName<'a>,
    /// What.
    pub body: Body<'a>,
    /// How it travels.
    pub lane: Lane,
    /// Key of the latest and unreliable lanes, at most 64 bytes; absent is the empty key.
    pub key: Option<&'a str>,
    /// Makes the publish idempotent: 1 to 32 bytes, scope (room, user).
    pub msg_id: Option<&'a [u8]>,
    /// Set on a retry: the publisher's position in the room when it first sent this.
    pub retry: Option<Position>,
    /// Whether the publisher, as a member, receives its own publication.
    pub echo: bool,
}

/// Which way a page of history goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryFrom {
    /// The newest publications below this offset.
    Before(crate::Offset),
    /// The oldest publications above this offset.
    After(crate::Offset),
}

/// `history`.
#[derive(Clone, Debug, PartialEq)]
pub struct History<'a> {
    /// Matches the `history` answer.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: RoomName<'a>,
    /// From where and which way.
    pub from: HistoryFrom,
    /// At most this many.
    pub limit: u32,
}

/// `presence`.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence<'a> {
    /// Matches the `presence` answer.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: RoomName<'a>,
    /// The last page's cursor; absent: from the start.
    pub cursor: Option<u64>,
}
