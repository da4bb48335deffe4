//! What edges and owners say to each other. Each pair of shards has one FIFO for requests and one for deliveries.

use std::sync::Arc;

use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    BodyKind, CloseCode, ErrorCode, Format, Generation, Lane, Offset, Position, RequestId, RoomHandle,
    SessionId, Version,
};

use crate::SessionKey;

/// The session a request speaks for, as its edge knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRef {
    /// Where the answer goes on that edge.
    pub key: SessionKey,
    /// The session's public id.
    pub id: SessionId,
    /// Its incarnation.
    pub generation: Generation,
    /// How it wants its answers encoded.
    pub format: Format,
}

/// From an edge to the owner of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Make the session a member.
    Join(Box<JoinRequest>),
    /// End or suspend a membership. Always taken: at most one per membership.
    Leave(LeaveRequest),
    /// Publish.
    Publish(Box<PublishRequest>),
    /// More of the replay that a session of this edge is in.
    Pull(PullRequest),
    /// A page of history.
    History(HistoryRequest),
    /// A page of members.
    Presence(PresenceRequest),
}

/// `join` on its way to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Who joins.
    pub session: SessionRef,
    /// Their user.
    pub user: Arc<str>,
    /// What member lists show of them.
    pub info: Option<Arc<str>>,
    /// The command's id.
    pub id: Option<RequestId>,
    /// Whether errors must name the room (answers to `join_many`).
    pub many: bool,
    /// The room's handle.
    pub handle: RoomHandle,
    /// The room's name.
    pub room: Box<str>,
    /// Where to recover from.
    pub since: Option<Since>,
    /// Values of the latest lane already held.
    pub versions: Vec<KnownKey>,
    /// Whether `presence_changed` is wanted.
    pub presence: bool,
    /// Which membership of that session, counted by the edge; echoed in the answer.
    pub seat: u32,
}

/// A key's value that a joiner already holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// Whose key, where keys belong to users.
    pub user: Option<Box<str>>,
    /// The key.
    pub key: Box<str>,
    /// The version held.
    pub version: Version,
}

/// How a membership ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The client left or said goodbye: at once.
    Left,
    /// The connection broke: the member stays for `detach_ms`, so that a resume moves it silently.
    Detached,
}

/// End or suspend a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaveRequest {
    /// Whose.
    pub session: SessionRef,
    /// The command's id, if an answer is wanted.
    pub id: Option<RequestId>,
    /// Which room.
    pub handle: RoomHandle,
    /// How.
    pub departure: Departure,
}

/// Who publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A session; answered if the request carries an id.
    Session(SessionRef),
    /// The node's own API; answered by [`crate::Output::Answered`] with the ticket.
    Api {
        /// Matches the answer.
        ticket: u64,
    },
}

/// `publish` on its way to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRequest {
    /// Who publishes.
    pub origin: Origin,
    /// Their user.
    pub user: Arc<str>,
    /// The command's id.
    pub id: Option<RequestId>,
    /// The room's handle.
    pub handle: RoomHandle,
    /// The room's name.
    pub room: Box<str>,
    /// How it travels.
    pub lane: Lane,
    /// The key, `""` without one.
    pub key: Box<str>,
    /// Idempotency.
    pub msg_id: Option<Box<[u8]>>,
    /// The publisher's position when it first sent this.
    pub retry: Option<Position>,
    /// Whether the publisher wants its own publication.
    pub echo: bool,
    /// What the body's bytes are.
    pub body_kind: BodyKind,
    /// The body.
    pub body: Box<[u8]>,
}

/// More of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// For whom.
    pub session: SessionRef,
    /// Which room.
    pub handle: RoomHandle,
    /// Which membership of that session in that room, counted by the edge: a late page of an earlier one is dropped.
    pub seat: u32,
    /// The first position wanted.
    pub from: Position,
    /// At most so many bytes, but at least one publication.
    pub bytes_max: u32,
}

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRequest {
    /// For whom.
    pub session: SessionRef,
    /// The command's id.
    pub id: Option<RequestId>,
    /// Which room.
    pub handle: RoomHandle,
    /// The room's name.
    pub room: Box<str>,
    /// From where and which way.
    pub from: HistoryFrom,
    /// At most this many.
    pub limit: u32,
}

/// A page of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceRequest {
    /// For whom.
    pub session: SessionRef,
    /// The command's id.
    pub id: Option<RequestId>,
    /// Which room.
    pub handle: RoomHandle,
    /// The room's name.
    pub room: Box<str>,
    /// The last page's cursor.
    pub cursor: Option<u64>,
}

/// From the owner of a room to an edge. Always taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery<S> {
    /// The session is a member; from here on the edge gets the room's publications.
    Joined(Box<JoinedDelivery<S>>),
    /// The join failed.
    JoinRefused {
        /// Whose.
        session: SessionKey,
        /// Which room.
        handle: RoomHandle,
        /// Which membership, as asked.
        seat: u32,
        /// The `error` frame.
        frame: S,
    },
    /// A newer incarnation of the session took this room over: close the older connection.
    Displaced {
        /// Which session on this edge.
        session: SessionKey,
        /// With which code.
        code: CloseCode,
    },
    /// An answer that moves nothing: `left`, errors, pages, `published` of those who get their own message too.
    Reply {
        /// Whose.
        session: SessionKey,
        /// The room that it is about: it keeps its place among what is said of that room.
        room: Option<RoomHandle>,
        /// It is `left`: the last that is said of this membership.
        last: bool,
        /// The answer.
        frames: Vec<S>,
    },
    /// `published` that takes its offset's place in the session's order (`echo: false`).
    PublishedInPlace {
        /// Whose.
        session: SessionKey,
        /// Which room.
        handle: RoomHandle,
        /// The offset whose message the session does not get.
        offset: Offset,
        /// The `published` frame.
        frame: S,
    },
    /// One publication for everybody on this edge.
    Publication {
        /// Which room.
        handle: RoomHandle,
        /// How it travels.
        lane: Lane,
        /// Its offset or version.
        place: Place,
        /// Identity of (room, lane, key); 0 on the reliable lane.
        key_tag: u64,
        /// Members of the room now, for charging work.
        members: u32,
        /// Who must not get it (`echo: false`).
        except: Option<SessionKey>,
        /// The `message` frame.
        frame: S,
    },
    /// More of a replay.
    Page(PageDelivery<S>),
    /// A `presence_changed` for the members who asked for it.
    PresenceChanged {
        /// Which room.
        handle: RoomHandle,
        /// The frame.
        frame: S,
    },
    /// The room's order starts anew.
    Reset {
        /// Which room.
        handle: RoomHandle,
        /// The new order.
        position: Position,
        /// The `reset` frame.
        frame: S,
    },
    /// The answer to the node's own API.
    ApiAnswer {
        /// Matches the request.
        ticket: u64,
        /// Where it was published, or why not.
        result: Result<ApiPublished, ErrorCode>,
    },
}

/// Where an API publish went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiPublished {
    /// The room's epoch.
    pub epoch: ringway_protocol::Epoch,
    /// Its offset or version.
    pub place: Place,
    /// It had been published before.
    pub duplicate: bool,
}

/// A confirmed membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedDelivery<S> {
    /// Whose.
    pub session: SessionKey,
    /// Which room.
    pub handle: RoomHandle,
    /// Which membership, as asked.
    pub seat: u32,
    /// Where the order stands: publications above follow on this FIFO.
    pub position: Position,
    /// The first offset of the replay, if any is due: pulled page by page from here up to the live order.
    pub replay_from: Option<Offset>,
    /// The `joined` frame.
    pub frame: S,
    /// Frames that follow it at once: a `gap`.
    pub after: Vec<S>,
    /// Current values of the latest lane.
    pub keys: Vec<KeyValue<S>>,
}

/// One value of the latest lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue<S> {
    /// Identity of (room, key).
    pub key_tag: u64,
    /// The `message` frame.
    pub frame: S,
}

/// A page of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageDelivery<S> {
    /// Whose.
    pub session: SessionKey,
    /// Which room.
    pub handle: RoomHandle,
    /// Which membership, as asked.
    pub seat: u32,
    /// The offsets asked for that are gone: told as a gap first.
    pub gone: Option<(Offset, Offset)>,
    /// The publications, contiguous from the first that is there.
    pub frames: Vec<(Offset, S)>,
    /// The order they belong to; another one than the edge expects means a reset came in between.
    pub position: Position,
}

impl<S> Delivery<S> {
    /// The same delivery with other frames: `share`d on the way out, `adopt`ed on the way in.
    #[must_use]
    pub fn map<T>(self, mut change: impl FnMut(S) -> T) -> Delivery<T> {
        match self {
            Self::Joined(joined) => {
                let JoinedDelivery { session, handle, seat, position, replay_from, frame, after, keys } =
                    *joined;
                Delivery::Joined(Box::new(JoinedDelivery {
                    session,
                    handle,
                    seat,
                    position,
                    replay_from,
                    frame: change(frame),
                    after: after.into_iter().map(&mut change).collect(),
                    keys: keys
                        .into_iter()
                        .map(|value| KeyValue { key_tag: value.key_tag, frame: change(value.frame) })
                        .collect(),
                }))
            }
            Self::JoinRefused { session, handle, seat, frame } => {
                Delivery::JoinRefused { session, handle, seat, frame: change(frame) }
            }
            Self::Displaced { session, code } => Delivery::Displaced { session, code },
            Self::Reply { session, room, last, frames } => {
                Delivery::Reply { session, room, last, frames: frames.into_iter().map(change).collect() }
            }
            Self::PublishedInPlace { session, handle, offset, frame } => {
                Delivery::PublishedInPlace { session, handle, offset, frame: change(frame) }
            }
            Self::Publication { handle, lane, place, key_tag, members, except, frame } => {
                Delivery::Publication { handle, lane, place, key_tag, members, except, frame: change(frame) }
            }
            Self::Page(page) => {
                let PageDelivery { session, handle, seat, gone, frames, position } = page;
                let frames = frames.into_iter().map(|(offset, frame)| (offset, change(frame))).collect();
                Delivery::Page(PageDelivery { session, handle, seat, gone, frames, position })
            }
            Self::PresenceChanged { handle, frame } => {
                Delivery::PresenceChanged { handle, frame: change(frame) }
            }
            Self::Reset { handle, position, frame } => {
                Delivery::Reset { handle, position, frame: change(frame) }
            }
            Self::ApiAnswer { ticket, result } => Delivery::ApiAnswer { ticket, result },
        }
    }
}
