//! Events as the simulator's frames carry them: owned, whole, never turned into bytes.

use ringway_protocol::event;
use ringway_protocol::{
    BodyKind, Epoch, ErrorCode, Event, Lane, Offset, Position, RoomHandle, SessionId, UnixMicros, Version,
};

/// One server frame, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// `welcome`.
    Welcome {
        /// The request's.
        id: Option<u32>,
        /// The session.
        session: SessionId,
        /// Its secret.
        resume: String,
        /// How often something must be said.
        heartbeat_ms: u32,
        /// Bounds of the session.
        limits: event::SessionLimits,
    },
    /// `refreshed`.
    Refreshed {
        /// The request's.
        id: Option<u32>,
    },
    /// `joined`.
    Joined(Joined),
    /// `left`.
    Left {
        /// The request's.
        id: Option<u32>,
        /// Which room.
        room: String,
    },
    /// `published`.
    Published(Published),
    /// `history`.
    History(Page),
    /// `presence`.
    Presence(Members),
    /// `pong`.
    Pong {
        /// The request's.
        id: Option<u32>,
    },
    /// `message`.
    Message(Said),
    /// `presence_changed`.
    PresenceChanged(Changed),
    /// `gap`.
    Gap {
        /// Which room.
        room: String,
        /// First offset missed.
        from: Offset,
        /// Last offset missed.
        to: Offset,
    },
    /// `reset`.
    Reset {
        /// Which room.
        room: String,
        /// The new order.
        position: Position,
        /// The room's newest version.
        version: Version,
    },
    /// `error`.
    Error {
        /// The request's.
        id: Option<u32>,
        /// The room, in answers to `join_many`.
        room: Option<String>,
        /// What.
        code: ErrorCode,
        /// Earliest useful retry.
        retry_after_ms: Option<u32>,
    },
    /// `closing`.
    Closing {
        /// Why.
        code: u16,
        /// When to come back.
        reconnect_after_ms: Option<u32>,
    },
}

/// `joined`.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The request's.
    pub id: Option<u32>,
    /// Which room.
    pub room: String,
    /// Its handle.
    pub handle: RoomHandle,
    /// Where the order stands.
    pub position: Position,
    /// The room's newest version.
    pub version: Version,
    /// Whether nothing is missing.
    pub recovered: bool,
    /// Messages that follow.
    pub replay: u32,
    /// Members.
    pub count: u32,
    /// The first of them.
    pub members: Vec<SessionId>,
}

/// `published`.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The request's.
    pub id: u32,
    /// Which room.
    pub room: String,
    /// Its order.
    pub epoch: Epoch,
    /// The place.
    pub place: event::Place,
    /// Nothing was published now.
    pub duplicate: bool,
}

/// `history`.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The request's.
    pub id: Option<u32>,
    /// Which room.
    pub room: String,
    /// Its order.
    pub epoch: Epoch,
    /// Messages that follow.
    pub replay: u32,
    /// Whether there is more.
    pub more: bool,
}

/// `presence`.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// The request's.
    pub id: Option<u32>,
    /// Which room.
    pub room: String,
    /// Members in all.
    pub count: u32,
    /// This page.
    pub members: Vec<SessionId>,
    /// The next page's.
    pub cursor: Option<u64>,
}

/// `message`.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Which room.
    pub handle: RoomHandle,
    /// How it travels.
    pub lane: Lane,
    /// Its place.
    pub place: event::Place,
    /// The owner's time.
    pub time: UnixMicros,
    /// Whose.
    pub user: Option<String>,
    /// Which session's.
    pub session: SessionId,
    /// Its key.
    pub key: Option<String>,
    /// What the body is.
    pub kind: BodyKind,
    /// The body.
    pub body: Box<[u8]>,
}

/// `presence_changed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Which room.
    pub room: String,
    /// Members now.
    pub count: u32,
    /// Who came.
    pub joined: Vec<SessionId>,
    /// Who went.
    pub left: Vec<SessionId>,
    /// Not all are named.
    pub truncated: bool,
}

fn sessions(members: &[event::Member<'_>]) -> Vec<SessionId> {
    members.iter().map(|member| member.session).collect()
}

impl From<&Event<'_>> for Heard {
    fn from(event: &Event<'_>) -> Self {
        let number = |id: &Option<ringway_protocol::RequestId>| id.map(ringway_protocol::RequestId::get);
        match event {
            Event::Welcome(welcome) => Self::Welcome {
                id: number(&welcome.id),
                session: welcome.session,
                resume: welcome.resume.into(),
                heartbeat_ms: welcome.heartbeat_ms,
                limits: welcome.limits,
            },
            Event::Refreshed { id, .. } => Self::Refreshed { id: number(id) },
            Event::Joined(joined) => Self::Joined(Joined {
                id: number(&joined.id),
                room: joined.room.into(),
                handle: joined.handle,
                position: joined.position,
                version: joined.version,
                recovered: joined.recovered,
                replay: joined.replay,
                count: joined.count,
                members: sessions(&joined.members),
            }),
            Event::Left { id, room } => Self::Left { id: number(id), room: (*room).into() },
            Event::Published(published) => Self::Published(Published {
                id: published.id.get(),
                room: published.room.into(),
                epoch: published.epoch,
                place: published.place,
                duplicate: published.duplicate,
            }),
            Event::History(page) => Self::History(Page {
                id: number(&page.id),
                room: page.room.into(),
                epoch: page.epoch,
                replay: page.replay,
                more: page.more,
            }),
            Event::Presence(page) => Self::Presence(Members {
                id: number(&page.id),
                room: page.room.into(),
                count: page.count,
                members: sessions(&page.members),
                cursor: page.cursor,
            }),
            Event::Pong { id, .. } => Self::Pong { id: number(id) },
            Event::Message(message) => Self::Message(Said {
                handle: message.handle,
                lane: message.lane,
                place: message.place,
                time: message.time,
                user: message.from.user.map(Into::into),
                session: message.from.session,
                key: message.key.map(Into::into),
                kind: message.body.kind,
                body: message.body.bytes.into(),
            }),
            Event::PresenceChanged(changed) => Self::PresenceChanged(Changed {
                room: changed.room.into(),
                count: changed.count,
                joined: sessions(&changed.joined),
                left: sessions(&changed.left),
                truncated: changed.truncated,
            }),
            Event::Gap { room, from, to } => Self::Gap { room: (*room).into(), from: *from, to: *to },
            Event::Reset { room, position, version, .. } => {
                Self::Reset { room: (*room).into(), position: *position, version: *version }
            }
            Event::Error(error) => Self::Error {
                id: number(&error.id),
                room: error.room.map(Into::into),
                code: error.code,
                retry_after_ms: error.retry_after_ms,
            },
            Event::Closing { code, reconnect_after_ms, .. } => {
                Self::Closing { code: *code, reconnect_after_ms: *reconnect_after_ms }
            }
        }
    }
}
