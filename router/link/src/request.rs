//! [`Request`]s as bytes: the arguments of each kind in order, behind the head. The room's handle stands in the head.

use ringway_core::Request;
use ringway_core::message::{
    HistoryRequest, JoinRequest, KnownKey, LeaveRequest, Origin, PresenceRequest, PublishRequest,
    PullRequest, SessionRef,
};
use ringway_protocol::limit::{
    INFO_BYTES_MAX, KEY_BYTES_MAX, KEYS_PER_ROOM_MAX, MSG_ID_BYTES_MAX, USER_BYTES_MAX,
};
use ringway_protocol::{BodyKind, RoomHandle};

use crate::field::Field;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Kind};

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
    }
}

pub(crate) fn room(request: &Request) -> RoomHandle {
    match request {
        Request::Join(join) => join.handle,
        Request::Leave(leave) => leave.handle,
        Request::Publish(publish) => publish.handle,
        Request::Pull(pull) => pull.handle,
        Request::History(history) => history.handle,
        Request::Presence(presence) => presence.handle,
    }
}

pub(crate) fn put(request: &Request, sink: &mut Sink<'_>) {
    match request {
        Request::Join(join) => put_join(join, sink),
        Request::Leave(leave) => put_leave(leave, sink),
        Request::Publish(publish) => put_publish(publish, sink),
        Request::Pull(pull) => put_pull(pull, sink),
        Request::History(history) => put_history(history, sink),
        Request::Presence(presence) => put_presence(presence, sink),
    }
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

pub(crate) fn take_join(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
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

pub(crate) fn take_leave(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Leave(LeaveRequest {
        handle,
        session: source.field("session")?,
        id: source.field("id")?,
        departure: source.field("departure")?,
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

fn put_publish(publish: &PublishRequest, sink: &mut Sink<'_>) {
    if publish.body_kind == BodyKind::None && !publish.body.is_empty() {
        sink.refuse(Fault::BadValue, "body");
    }
    if publish.msg_id.as_ref().is_some_and(|id| id.is_empty()) {
        sink.refuse(Fault::BadValue, "msg_id");
    }
    sink.field(publish.origin.clone());
    sink.field(publish.id);
    sink.field(publish.lane);
    sink.field(publish.echo);
    sink.field(publish.retry);
    sink.room(&publish.room);
    sink.user(&publish.user);
    sink.text("key", KEY_BYTES_MAX, &publish.key);
    sink.short_bytes("msg_id", MSG_ID_BYTES_MAX, publish.msg_id.as_deref().unwrap_or_default());
    sink.field(publish.body_kind);
    sink.bytes(&publish.body);
}

pub(crate) fn take_publish(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    let origin = source.field("origin")?;
    let id = source.field("id")?;
    let lane = source.field("lane")?;
    let echo = source.field("echo")?;
    let retry = source.field("retry")?;
    let room = source.room()?.into();
    let user = source.user()?.into();
    let key = source.text("key", KEY_BYTES_MAX)?.into();
    let msg_id = Some(source.short_bytes("msg_id", MSG_ID_BYTES_MAX)?);
    let msg_id = msg_id.filter(|id| !id.is_empty()).map(Into::into);
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

pub(crate) fn take_pull(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
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

pub(crate) fn take_history(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
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

pub(crate) fn take_presence(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Presence(PresenceRequest {
        handle,
        session: source.field("session")?,
        id: source.field("id")?,
        cursor: source.field("cursor")?,
        room: source.room()?.into(),
    }))
}
