//! [`Request`]s as bytes: the arguments of each kind in order, behind the head. The room's handle stands in the head; so do
//! the term and the number that a request is asked under, and the shard that asks.

use ringway_cluster::Term;
use ringway_core::Request;
use ringway_core::message::{
    Ack, HistoryRequest, JoinRequest, KnownKey, LeaveRequest, Origin, PresenceRequest, PublishRequest,
    PullRequest, Sent, SessionRef,
};
use ringway_protocol::limit::{
    INFO_BYTES_MAX, KEY_BYTES_MAX, KEYS_PER_ROOM_MAX, MSG_ID_BYTES_MAX, USER_BYTES_MAX,
};
use ringway_protocol::{BodyKind, RoomHandle};

use crate::field::Field;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Head, Kind, register};

/// Bytes of a [`KnownKey`] without user and with an empty key.
const KNOWN_BYTES_MIN: usize = 1 + 2 + 8;

pub(crate) const fn kind(request: &Request) -> Kind {
    match request {
        Request::Join(_) => Kind::Join,
        Request::Leave(_) => Kind::Leave,
        Request::Publish(_) => Kind::Publish,
        Request::Pull(_) => Kind::Pull,
        Request::History(_) => Kind::History,
        Request::Presence(_) => Kind::Presence,
        Request::Register(_) => Kind::Register,
        Request::Flush { .. } => Kind::Flush,
        Request::Ack { .. } => Kind::Ack,
    }
}

/// The room; `None`: the head names a slot alone.
pub(crate) fn room(request: &Request) -> Option<RoomHandle> {
    match request {
        Request::Join(join) => Some(join.handle),
        Request::Leave(leave) => Some(leave.handle),
        Request::Publish(publish) => Some(publish.handle),
        Request::Pull(pull) => Some(pull.handle),
        Request::History(history) => Some(history.handle),
        Request::Presence(presence) => Some(presence.handle),
        Request::Register(register) => Some(register.handle),
        Request::Flush { .. } | Request::Ack { .. } => None,
    }
}

/// What is asked, behind a head of this term.
pub(crate) fn put(term: Term, request: &Request, sink: &mut Sink<'_>) {
    match request {
        Request::Join(join) => put_join(join, sink),
        Request::Leave(leave) => put_leave(leave, sink),
        Request::Publish(publish) => put_publish(publish, sink),
        Request::Pull(pull) => put_pull(pull, sink),
        Request::History(history) => put_history(history, sink),
        Request::Presence(presence) => put_presence(presence, sink),
        Request::Register(register) => register::put_request(register, sink),
        Request::Flush { .. } => {}
        Request::Ack { ack, .. } => put_ack(term, *ack, sink),
    }
}

/// Reads a request of this kind; no other kinds are.
pub(crate) fn take(kind: Kind, head: &Head, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    let room = head.room;
    match kind {
        Kind::Join => take_join(room, source),
        Kind::Leave => take_leave(room, source),
        Kind::Publish => take_publish(room, source),
        Kind::Pull => take_pull(room, source),
        Kind::History => take_history(room, source),
        Kind::Presence => take_presence(room, source),
        Kind::Register => register::take_request(room, source),
        Kind::Flush => Ok(Request::Flush { slot: room.slot() }),
        Kind::Ack => take_ack(head, source),
        _ => Err(source.error(Fault::BadValue)),
    }
}

/// A request that comes back: its kind, and what it says.
pub(crate) fn put_returned(request: &Request, sink: &mut Sink<'_>) {
    let kind = kind(request);
    if !comes_back(kind) {
        return sink.refuse(Fault::BadValue, "request");
    }
    sink.field(kind as u8);
    // Only acks hold a term, and they don't come back.
    put(Term::default(), request, sink);
}

pub(crate) fn take_returned(head: &Head, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    let kind = Kind::from_u8(source.field("request")?).filter(|kind| comes_back(*kind));
    take(kind.ok_or(source.error(Fault::BadValue))?, head, source)
}

/// Flushes are answered, and nobody waits for an ack.
const fn comes_back(kind: Kind) -> bool {
    Kind::Join as u8 <= kind as u8 && kind as u8 <= Kind::Register as u8
}

/// The acks' term is that of the head.
fn put_ack(term: Term, ack: Ack, sink: &mut Sink<'_>) {
    if ack.term != term {
        sink.refuse(Fault::BadValue, "term");
    }
    sink.field(ack.stream);
    sink.field(ack.held);
}

fn take_ack(head: &Head, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    let ack = Ack { term: head.term, stream: source.field("stream")?, held: source.field("held")? };
    Ok(Request::Ack { slot: head.room.slot(), ack })
}

fn put_join(join: &JoinRequest, sink: &mut Sink<'_>) {
    sink.field(join.session);
    sink.field(join.seat);
    sink.field(join.id);
    sink.field(join.many);
    sink.field(join.presence);
    sink.field(join.since);
    sink.room(&join.room);
    sink.user(&join.user);
    sink.text_if_any("info", INFO_BYTES_MAX, join.info.as_deref());
    sink.list("versions", KEYS_PER_ROOM_MAX, &join.versions, |sink, known| {
        sink.text_if_any("versions", USER_BYTES_MAX, known.user.as_deref());
        sink.text("versions", KEY_BYTES_MAX, &known.key);
        sink.field(known.version);
    });
}

fn take_join(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Join(Box::new(JoinRequest {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        id: source.field("id")?,
        many: source.field("many")?,
        presence: source.field("presence")?,
        since: source.field("since")?,
        room: source.room()?.into(),
        user: source.user()?.into(),
        info: source.text_if_any("info", INFO_BYTES_MAX)?.map(Into::into),
        versions: source.list("versions", KEYS_PER_ROOM_MAX, KNOWN_BYTES_MIN, |source| {
            Ok(KnownKey {
                user: source.text_if_any("versions", USER_BYTES_MAX)?.map(Into::into),
                key: source.text("versions", KEY_BYTES_MAX)?.into(),
                version: source.field("versions")?,
            })
        })?,
    })))
}

fn put_leave(leave: &LeaveRequest, sink: &mut Sink<'_>) {
    sink.field(leave.session);
    sink.field(leave.id);
    sink.field(leave.departure);
}

fn take_leave(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Leave(LeaveRequest {
        handle,
        session: source.field("session")?,
        id: source.field("id")?,
        departure: source.field("departure")?,
        room: None,
    }))
}

impl Field<'_> for Origin {
    fn put(self, sink: &mut Sink<'_>) {
        match self {
            Self::Session(session) => {
                sink.field(0u8);
                sink.field(session);
            }
            Self::Api { ticket } => {
                sink.field(1u8);
                sink.field(ticket);
            }
        }
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        match u8::take(source)? {
            0 => SessionRef::take(source).map(Self::Session),
            1 => u64::take(source).map(|ticket| Self::Api { ticket }),
            _ => Err(source.error(Fault::BadValue)),
        }
    }
}

/// An empty one is none.
pub(crate) fn put_msg_id(msg_id: Option<&[u8]>, sink: &mut Sink<'_>) {
    if msg_id.is_some_and(<[u8]>::is_empty) {
        sink.refuse(Fault::BadValue, "msg_id");
    }
    sink.short_bytes("msg_id", MSG_ID_BYTES_MAX, msg_id.unwrap_or_default());
}

pub(crate) fn take_msg_id(source: &mut Source<'_>) -> Result<Option<Box<[u8]>>, DecodeError> {
    let msg_id = source.short_bytes("msg_id", MSG_ID_BYTES_MAX)?;
    Ok(Some(msg_id).filter(|id| !id.is_empty()).map(Into::into))
}

fn put_publish(publish: &PublishRequest, sink: &mut Sink<'_>) {
    if publish.body_kind == BodyKind::None && !publish.body.is_empty() {
        sink.refuse(Fault::BadValue, "body");
    }
    sink.field(publish.origin);
    sink.field(publish.id);
    sink.field(publish.lane);
    sink.field(publish.echo);
    sink.field(publish.retry);
    sink.field(publish.sent.refusals);
    sink.field(publish.sent.ordinal);
    sink.room(&publish.room);
    sink.user(&publish.user);
    sink.text("key", KEY_BYTES_MAX, &publish.key);
    put_msg_id(publish.msg_id.as_deref(), sink);
    sink.field(publish.body_kind);
    sink.bytes(&publish.body);
}

fn take_publish(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    let origin = source.field("origin")?;
    let id = source.field("id")?;
    let lane = source.field("lane")?;
    let echo = source.field("echo")?;
    let retry = source.field("retry")?;
    let sent = Sent { refusals: source.field("refusals")?, ordinal: source.field("ordinal")? };
    let room = source.room()?.into();
    let user = source.user()?.into();
    let key = source.text("key", KEY_BYTES_MAX)?.into();
    let msg_id = take_msg_id(source)?;
    let body_kind = source.field("body_kind")?;
    let body = source.rest();
    if body_kind == BodyKind::None && !body.is_empty() {
        return Err(source.error(Fault::BadValue));
    }
    let body = body.into();
    Ok(Request::Publish(Box::new(PublishRequest {
        origin,
        user,
        id,
        handle,
        room,
        lane,
        key,
        msg_id,
        retry,
        echo,
        sent,
        body_kind,
        body,
    })))
}

fn put_pull(pull: &PullRequest, sink: &mut Sink<'_>) {
    sink.field(pull.session);
    sink.field(pull.seat);
    sink.field(pull.from);
    sink.field(pull.bytes_max);
}

fn take_pull(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Pull(PullRequest {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        from: source.field("from")?,
        bytes_max: source.field("bytes_max")?,
    }))
}

fn put_history(history: &HistoryRequest, sink: &mut Sink<'_>) {
    sink.field(history.session);
    sink.field(history.id);
    sink.field(history.from);
    sink.field(history.limit);
    sink.room(&history.room);
}

fn take_history(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::History(HistoryRequest {
        handle,
        session: source.field("session")?,
        id: source.field("id")?,
        from: source.field("from")?,
        limit: source.field("limit")?,
        room: source.room()?.into(),
    }))
}

fn put_presence(presence: &PresenceRequest, sink: &mut Sink<'_>) {
    sink.field(presence.session);
    sink.field(presence.id);
    sink.field(presence.cursor);
    sink.room(&presence.room);
}

fn take_presence(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Presence(PresenceRequest {
        handle,
        session: source.field("session")?,
        id: source.field("id")?,
        cursor: source.field("cursor")?,
        room: source.room()?.into(),
    }))
}
