//! Everything a server can say, borrowed.
//!
//! Numbers are the values of `FrameKind` in `schema/ringway.fbs`. The same type is written by the router and read by
//! clients.

use crate::{
    Body, Epoch, ErrorCode, Lane, Offset, Position, RequestId, RoomHandle, SessionId, UnixMicros, Version,
};

/// One frame of a server.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// Answers `hello`.
    Welcome(Welcome<'a>),
    /// Answers `refresh`.
    Refreshed {
        /// The request's.
        id: Option<RequestId>,
        /// When the token ends.
        expires: UnixMicros,
    },
    /// Answers `join`.
    Joined(Joined<'a>),
    /// Answers `leave`.
    Left {
        /// The request's; absent when the server ended the membership.
        id: Option<RequestId>,
        /// Which room.
        room: &'a str,
    },
    /// Answers `publish`.
    Published(Published<'a>),
    /// Answers `history`; that many messages follow.
    History(HistoryPage<'a>),
    /// Answers `presence`.
    Presence(PresencePage<'a>),
    /// Answers `ping`.
    Pong {
        /// The request's.
        id: Option<RequestId>,
        /// The server's time when it answered.
        time: UnixMicros,
    },
    /// One publication.
    Message(Message<'a>),
    /// Who came and went.
    PresenceChanged(PresenceChanged<'a>),
    /// Publications that this session will not get.
    Gap {
        /// Which room.
        room: &'a str,
        /// First offset missed.
        from: Offset,
        /// Last offset missed.
        to: Offset,
    },
    /// The room's order starts anew: positions held are void, and versions up to `version`.
    Reset {
        /// Which room.
        room: &'a str,
        /// The new order and where it stands.
        position: Position,
        /// The newest version of the older orders: those of the new one are above. 0: not told.
        version: Version,
        /// Why, for people.
        reason: &'a str,
    },
    /// Answers a request that failed, or tells of a fault without one.
    Error(ErrorEvent<'a>),
    /// The connection is about to end.
    Closing {
        /// Why: a [`CloseCode`](crate::CloseCode) or the operator's own; its range says whether to come back.
        code: u16,
        /// For people.
        reason: &'a str,
        /// When to come back.
        reconnect_after_ms: Option<u32>,
    },
}

/// What the server allows a session; in `welcome`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionLimits {
    /// Largest frame from a client.
    pub frame_bytes: u32,
    /// Rooms at once.
    pub rooms: u32,
    /// Longest key.
    pub key_bytes: u32,
    /// Publications in one history page.
    pub history_page: u32,
    /// Rooms in one `join_many`.
    pub join_many: u32,
}

/// `welcome`.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome<'a> {
    /// The request's.
    pub id: Option<RequestId>,
    /// The session's public id.
    pub session: SessionId,
    /// The secret with which to re-make the session.
    pub resume: &'a str,
    /// Who the server takes the client for.
    pub user: &'a str,
    /// Which node answered.
    pub node: &'a str,
    /// The server's time.
    pub time: UnixMicros,
    /// The client says something at least this often; the server closes after twice that.
    pub heartbeat_ms: u32,
    /// Bounds of this session.
    pub limits: SessionLimits,
    /// Names of optional things the server can do.
    pub features: Vec<&'a str>,
    /// When the token ends, if it does.
    pub expires: Option<UnixMicros>,
}

/// One member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Whose.
    pub user: &'a str,
    /// Which session.
    pub session: SessionId,
    /// What the token says about the user (JSON), if the namespace shows it.
    pub info: Option<&'a str>,
}

/// `joined`.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined<'a> {
    /// The request's.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: &'a str,
    /// What binary messages call it.
    pub handle: RoomHandle,
    /// Where the order stands: the newest offset given.
    pub position: Position,
    /// The newest version given: what comes apart and is not above is of an older membership or order. 0: not told.
    pub version: Version,
    /// With `since`: true when the replay is exactly what was missed. Without: true.
    pub recovered: bool,
    /// How many messages follow as replay.
    pub replay: u32,
    /// Members in all (0 where presence is off).
    pub count: u32,
    /// The first members, at most 64 (empty unless the namespace lists them).
    pub members: Vec<Member<'a>>,
}

/// `published`.
#[derive(Clone, Debug, PartialEq)]
pub struct Published<'a> {
    /// The request's.
    pub id: RequestId,
    /// Which room.
    pub room: &'a str,
    /// The room's epoch.
    pub epoch: Epoch,
    /// The place it took: an offset, or on the other lanes a version.
    pub place: Place,
    /// The owner's time of it.
    pub time: UnixMicros,
    /// It had been published before; nothing was published now.
    pub duplicate: bool,
}

/// Where a publication stands: in the reliable order, or newest-wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Reliable lane.
    Offset(Offset),
    /// Latest and unreliable lanes.
    Version(Version),
}

impl Place {
    /// The number as it stands in the binary head.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Offset(offset) => offset.0,
            Self::Version(version) => version.0,
        }
    }

    /// The lane decides what the number means.
    #[must_use]
    pub const fn of(lane: Lane, number: u64) -> Self {
        match lane {
            Lane::Reliable => Self::Offset(Offset(number)),
            Lane::Latest | Lane::Unreliable => Self::Version(Version(number)),
        }
    }
}

/// `history`.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage<'a> {
    /// The request's.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: &'a str,
    /// The order the offsets belong to.
    pub epoch: Epoch,
    /// How many messages follow.
    pub replay: u32,
    /// Whether there is more that way.
    pub more: bool,
}

/// `presence`.
#[derive(Clone, Debug, PartialEq)]
pub struct PresencePage<'a> {
    /// The request's.
    pub id: Option<RequestId>,
    /// Which room.
    pub room: &'a str,
    /// Members in all.
    pub count: u32,
    /// This page.
    pub members: Vec<Member<'a>>,
    /// Ask with it for the next page; absent: this was the last.
    pub cursor: Option<u64>,
    /// The owner does not yet know of every member.
    pub partial: bool,
}

/// Who published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender<'a> {
    /// Present unless the namespace says `sender = session`.
    pub user: Option<&'a str>,
    /// Which session; 0: the server's own API.
    pub session: SessionId,
}

/// `message`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The room's name: JSON only, binary frames carry the handle.
    pub room: Option<&'a str>,
    /// The room's handle: binary only, 0 when read from JSON.
    pub handle: RoomHandle,
    /// How it travelled.
    pub lane: Lane,
    /// Its offset or version.
    pub place: Place,
    /// The owner's time of it.
    pub time: UnixMicros,
    /// Who published.
    pub from: Sender<'a>,
    /// Key of the latest and unreliable lanes.
    pub key: Option<&'a str>,
    /// What.
    pub body: Body<'a>,
}

/// `presence_changed`.
#[derive(Clone, Debug, PartialEq)]
pub struct PresenceChanged<'a> {
    /// Which room.
    pub room: &'a str,
    /// Members now.
    pub count: u32,
    /// Who came, at most 16.
    pub joined: Vec<Member<'a>>,
    /// Who went, at most 16.
    pub left: Vec<Member<'a>>,
    /// More came or went than are named.
    pub truncated: bool,
}

/// `error`.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorEvent<'a> {
    /// The request's, where one failed.
    pub id: Option<RequestId>,
    /// The room it was about: present in answers to `join_many`.
    pub room: Option<&'a str>,
    /// What; number, name and whether retrying helps.
    pub code: ErrorCode,
    /// Earliest useful retry.
    pub retry_after_ms: Option<u32>,
    /// For people; says what, where and how to mend it.
    pub message: &'a str,
}
