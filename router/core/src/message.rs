//! What edges and owners say to each other. Each pair of shards has one FIFO for requests and one for deliveries; so has, slot by
//! slot, each pair of nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringway_cluster::Term;

use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    BodyKind, CloseCode, ErrorCode, Format, Generation, Lane, Offset, Position, RequestId, RoomHandle,
    SessionId, Version,
};

use crate::record::Record;
use crate::route::Edges;
use crate::{SessionKey, ShardId};

/// A request on its way, with what was known where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Under which term of the slot the edge believes the owner to be.
    pub term: Term,
    /// The edge's own number, which the answer carries; 0: none is awaited.
    pub number: u32,
    /// What is asked.
    pub request: Request,
}

/// A delivery on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<S> {
    /// The slot it is about.
    pub slot: u16,
    /// Which shards of the receiving node it is for.
    pub edges: Edges,
    /// Under which term of the slot it is said.
    pub term: Term,
    /// Which request it answers; 0: none.
    pub answers: u32,
    /// What is said.
    pub delivery: Delivery<S>,
}

/// How far records of a slot are held ([`Record`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The records' term.
    pub term: Term,
    /// The stream's number.
    pub stream: u32,
    /// All records up to this number are held; `None`: they are not wanted, begin again.
    pub held: Option<u64>,
}

/// Acks by slot and stream.
pub(crate) type Acks = BTreeMap<(u16, u32), Ack>;

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
    /// Who of this edge is in a room, and how far it has heard: said to an owner that is new, or was out of reach.
    Register(Box<RegisterRequest>),
    /// Say [`Delivery::Flushed`] when everything before this was answered or returned.
    Flush {
        /// Of which slot.
        slot: u16,
    },
    /// From a node that stands by for the slot, or is about to own it.
    Ack {
        /// Of which slot.
        slot: u16,
        /// How far.
        ack: Ack,
    },
}

impl Request {
    /// The slot it is about.
    #[must_use]
    pub fn slot(&self) -> u16 {
        let handle = match self {
            Self::Join(join) => join.handle,
            Self::Leave(leave) => leave.handle,
            Self::Publish(publish) => publish.handle,
            Self::Pull(pull) => pull.handle,
            Self::History(history) => history.handle,
            Self::Presence(presence) => presence.handle,
            Self::Register(register) => register.handle,
            Self::Flush { slot } | Self::Ack { slot, .. } => return *slot,
        };
        handle.slot()
    }
}

/// A room's members on one edge, in one or more pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterRequest {
    /// Which room.
    pub handle: RoomHandle,
    /// Its name.
    pub room: Box<str>,
    /// How far the edge has heard.
    pub held: Position,
    /// The last page, answered by [`Delivery::Registered`].
    pub last: bool,
    /// Some of them.
    pub members: Vec<RegisteredMember>,
}

/// One member, as its edge knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredMember {
    /// Whose.
    pub session: SessionRef,
    /// Their user.
    pub user: Arc<str>,
    /// What member lists show of them.
    pub info: Option<Arc<str>>,
    /// Whether `presence_changed` is wanted.
    pub presence: bool,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveRequest {
    /// Whose.
    pub session: SessionRef,
    /// The command's id, if an answer is wanted.
    pub id: Option<RequestId>,
    /// Which room.
    pub handle: RoomHandle,
    /// How.
    pub departure: Departure,
    /// The room's name, for the edge itself: it may have to answer when it has forgotten the room. It stays on the node.
    pub room: Option<Box<str>>,
}

/// Who publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A session; answered if the request carries an id.
    Session(SessionRef),
    /// The node's own API; answered by [`crate::Output::Answered`] with the ticket.
    Api {
        /// Matches the answer.
        ticket: u64,
    },
}

/// When an edge sent a publication, as far as the order of its session's ones in the room matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many of them it knew to be refused by then.
    pub refusals: u32,
    /// Rises with each that it sent, of any session.
    pub ordinal: u64,
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
    /// When its edge sent it.
    pub sent: Sent,
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
    /// A publication is refused and may be repeated: none of the session in the room is taken until its edge knows of so
    /// many refusals, for what was sent before must not overtake the repetition.
    PublishRefused {
        /// Whose.
        session: SessionKey,
        /// Which room.
        handle: RoomHandle,
        /// How many.
        refusals: u32,
        /// The refused one's, among those of its edge.
        ordinal: u64,
        /// By which its repetition will be known.
        msg_id: Option<Box<[u8]>>,
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
        /// The format of the frames.
        format: Format,
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
        /// Who must not get it (`echo: false`): on which shard of the node that it goes to, and which session.
        except: Option<(ShardId, SessionKey)>,
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
    /// The edge is known, and what it missed.
    Registered(Box<RegisteredDelivery<S>>),
    /// The owner does not own the slot, or no longer: ask whoever does. Requests come back in the order in which they were sent.
    Returned(Box<Request>),
    /// Everything that was asked before [`Request::Flush`] was answered or returned.
    Flushed,
    /// To the node that stands by for the slot, or is about to own it.
    Record(Record<S>),
}

/// The answer to [`Request::Register`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredDelivery<S> {
    /// Which room.
    pub handle: RoomHandle,
    /// Where the order stands: publications above follow on this FIFO. Of another epoch than the edge's, everything held is void.
    pub position: Position,
    /// For another epoch: the `reset` frame.
    pub reset: Option<S>,
    /// What the edge missed and the history no longer has.
    pub gone: Option<(Offset, Offset)>,
    /// What it missed, contiguous from the first that is there; what is not in here up to the position is to be pulled.
    pub missed: Vec<(Offset, S)>,
    /// Current values of the latest lane.
    pub keys: Vec<KeyValue<S>>,
    /// Members of the room now.
    pub members: u32,
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
    /// Whether it moves what an edge knows of a room: only the room's owner may.
    #[must_use]
    pub const fn is_of_room(&self) -> bool {
        match self {
            Self::Joined(_)
            | Self::PublishedInPlace { .. }
            | Self::Publication { .. }
            | Self::Page(_)
            | Self::PresenceChanged { .. }
            | Self::Reset { .. }
            | Self::Registered(_)
            | Self::Reply { room: Some(_), .. } => true,
            Self::JoinRefused { .. }
            | Self::PublishRefused { .. }
            | Self::Displaced { .. }
            | Self::Reply { room: None, .. }
            | Self::ApiAnswer { .. }
            | Self::Returned(_)
            | Self::Flushed
            | Self::Record(_) => false,
        }
    }

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
            Self::PublishRefused { session, handle, refusals, ordinal, msg_id, frame } => {
                Delivery::PublishRefused { session, handle, refusals, ordinal, msg_id, frame: change(frame) }
            }
            Self::Displaced { session, code } => Delivery::Displaced { session, code },
            Self::Reply { session, room, last, format, frames } => {
                let frames = frames.into_iter().map(change).collect();
                Delivery::Reply { session, room, last, format, frames }
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
            Self::Registered(registered) => {
                let RegisteredDelivery { handle, position, reset, gone, missed, keys, members } = *registered;
                Delivery::Registered(Box::new(RegisteredDelivery {
                    handle,
                    position,
                    reset: reset.map(&mut change),
                    gone,
                    missed: missed.into_iter().map(|(offset, frame)| (offset, change(frame))).collect(),
                    keys: keys
                        .into_iter()
                        .map(|value| KeyValue { key_tag: value.key_tag, frame: change(value.frame) })
                        .collect(),
                    members,
                }))
            }
            Self::Returned(request) => Delivery::Returned(request),
            Self::Flushed => Delivery::Flushed,
            Self::Record(record) => Delivery::Record(record.map(change)),
        }
    }
}
