//! Events from JSON: what a client reads.

use super::arena::Arena;
use super::decode::{JsonDecoder, Required, body, flag, frame, lane, position, request_id};
use super::scan::Scanner;
use super::value::{Value, fields};
use crate::codec::DecodeError;
use crate::codec::error::error_code;
use crate::event::{
    ErrorEvent, Event, HistoryPage, Joined, Member, Message, Place, PresenceChanged, PresencePage, Published,
    Sender, SessionLimits, Welcome,
};
use crate::{Epoch, ErrorCode, Offset, RequestId, RoomHandle, SessionId, UnixMicros, Version};

fields! {
    /// All fields of all events.
    Fields {
        kind = b"type", id = b"id", room = b"room", lane = b"lane", offset = b"offset", version = b"version",
        time = b"time", from = b"from", key = b"key", data = b"data", text = b"text", bytes = b"bytes",
        epoch = b"epoch", duplicate = b"duplicate", session = b"session", resume = b"resume", user = b"user",
        node = b"node", heartbeat_ms = b"heartbeat_ms", limits = b"limits", features = b"features",
        expires = b"expires", handle = b"handle", recovered = b"recovered", replay = b"replay", count = b"count",
        members = b"members", more = b"more", cursor = b"cursor", partial = b"partial", joined = b"joined",
        left = b"left", truncated = b"truncated", to = b"to", reason = b"reason", code = b"code", retry = b"retry",
        retry_after_ms = b"retry_after_ms", message = b"message", reconnect_after_ms = b"reconnect_after_ms",
    }
}

fields! {
    /// A message's `from`.
    SenderFields { user = b"user", session = b"session" }
}

fields! {
    /// One member.
    MemberFields { user = b"user", session = b"session", info = b"info" }
}

fields! {
    /// `limits` of `welcome`.
    LimitFields {
        frame_bytes = b"frame_bytes", rooms = b"rooms", key_bytes = b"key_bytes", history_page = b"history_page",
        join_many = b"join_many",
    }
}

/// More elements than this in one array of an event are not a server's.
fn elements(count: usize) -> Result<(), DecodeError> {
    if count > 4096 { Err(DecodeError::frame("an array has more than 4096 elements")) } else { Ok(()) }
}

impl JsonDecoder {
    /// Reads one text message as an event. The event borrows the text, and the decoder for what had escapes. The
    /// `handle` of a `message` is 0: JSON messages name the room.
    ///
    /// # Errors
    /// `bad_frame` if it is not one JSON object, `unknown_type` if its type is not an event's (skip it: a newer
    /// server), `bad_field` if something is missing or wrong.
    pub fn event<'a>(&'a mut self, text: &'a [u8]) -> Result<Event<'a>, DecodeError> {
        let fields = frame(text, Fields::scan)?;
        let mut arena = Arena::new(&mut self.scratch, text.len());
        let id = request_id(fields.id())?;
        event(&fields, id, &mut arena).map_err(|error| error.id(id))
    }
}

fn event<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Event<'a>, DecodeError> {
    let kind = fields.kind().required("type")?;
    Ok(match kind.raw {
        "\"message\"" => Event::Message(message(fields, arena)?),
        "\"published\"" => Event::Published(published(fields, id, arena)?),
        "\"pong\"" => Event::Pong { id, time: time(fields.time(), "time")? },
        "\"welcome\"" => Event::Welcome(welcome(fields, id, arena)?),
        "\"refreshed\"" => Event::Refreshed { id, expires: time(fields.expires(), "expires")? },
        "\"joined\"" => Event::Joined(joined(fields, id, arena)?),
        "\"left\"" => Event::Left { id, room: room(fields, arena)? },
        "\"history\"" => Event::History(history(fields, id, arena)?),
        "\"presence\"" => Event::Presence(presence(fields, id, arena)?),
        "\"presence_changed\"" => Event::PresenceChanged(presence_changed(fields, arena)?),
        "\"gap\"" => Event::Gap {
            room: room(fields, arena)?,
            from: Offset(fields.from().required("from")?.u64()?),
            to: Offset(fields.to().required("to")?.u64()?),
        },
        "\"reset\"" => Event::Reset {
            room: room(fields, arena)?,
            position: position(fields.epoch().required("epoch")?, fields.offset())?,
            version: version(fields)?,
            reason: text(fields.reason(), arena)?,
        },
        "\"error\"" => Event::Error(error(fields, id, arena)?),
        "\"closing\"" => Event::Closing {
            code: fields.code().required("code")?.u16()?,
            reason: text(fields.reason(), arena)?,
            reconnect_after_ms: fields.reconnect_after_ms().map(Value::u32).transpose()?,
        },
        name if name.starts_with('"') => {
            return Err(kind.error("is unknown to this end").code(ErrorCode::UnknownType));
        }
        _ => return Err(kind.error("must be a string")),
    })
}

fn message<'a>(fields: &Fields<'a>, arena: &mut Arena<'a>) -> Result<Message<'a>, DecodeError> {
    let from = fields.from().required("from")?;
    let sender = SenderFields::scan(&mut Scanner::new(from.raw));
    let sender = sender.map_err(|_| from.error("must be {user, session}"))?;
    let lane = lane(fields.lane())?;
    let place = place(fields)?;
    if place != Place::of(lane, place.number()) {
        return Err(DecodeError::field("lane", "an offset belongs to reliable, a version to the others"));
    }
    Ok(Message {
        room: fields.room().map(|room| room.text(arena)).transpose()?,
        handle: RoomHandle(0),
        lane,
        place,
        time: time(fields.time(), "time")?,
        from: Sender {
            user: sender.user().map(|user| user.text(arena)).transpose()?,
            session: SessionId(sender.session().required("session")?.hex()?),
        },
        key: fields.key().map(|key| key.text(arena)).transpose()?,
        body: body(fields.deep, fields.data(), fields.text(), fields.bytes(), arena)?,
    })
}

fn published<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Published<'a>, DecodeError> {
    Ok(Published {
        id: id.ok_or(DecodeError::missing("id"))?,
        room: room(fields, arena)?,
        epoch: epoch(fields)?,
        place: place(fields)?,
        time: time(fields.time(), "time")?,
        duplicate: flag(fields.duplicate())?,
    })
}

fn welcome<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Welcome<'a>, DecodeError> {
    let limits = fields.limits().required("limits")?;
    let limit =
        LimitFields::scan(&mut Scanner::new(limits.raw)).map_err(|_| limits.error("must be an object"))?;
    let features = match fields.features() {
        Some(features) => features.elements(elements)?,
        None => Vec::new(),
    };
    Ok(Welcome {
        id,
        session: SessionId(fields.session().required("session")?.hex()?),
        resume: fields.resume().required("resume")?.text(arena)?,
        user: fields.user().required("user")?.text(arena)?,
        node: fields.node().required("node")?.text(arena)?,
        time: time(fields.time(), "time")?,
        heartbeat_ms: number(fields.heartbeat_ms())?,
        limits: SessionLimits {
            frame_bytes: number(limit.frame_bytes())?,
            rooms: number(limit.rooms())?,
            key_bytes: number(limit.key_bytes())?,
            history_page: number(limit.history_page())?,
            join_many: number(limit.join_many())?,
        },
        features: features.into_iter().map(|feature| feature.text(arena)).collect::<Result<_, _>>()?,
        expires: fields.expires().map(Value::u64).transpose()?.map(UnixMicros),
    })
}

fn joined<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Joined<'a>, DecodeError> {
    Ok(Joined {
        id,
        room: room(fields, arena)?,
        handle: RoomHandle(fields.handle().required("handle")?.hex()?),
        position: position(fields.epoch().required("epoch")?, fields.offset())?,
        version: version(fields)?,
        recovered: flag(fields.recovered())?,
        replay: number(fields.replay())?,
        count: number(fields.count())?,
        members: members(fields.members(), arena)?,
    })
}

fn history<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<HistoryPage<'a>, DecodeError> {
    Ok(HistoryPage {
        id,
        room: room(fields, arena)?,
        epoch: epoch(fields)?,
        replay: number(fields.replay())?,
        more: flag(fields.more())?,
    })
}

fn presence<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<PresencePage<'a>, DecodeError> {
    Ok(PresencePage {
        id,
        room: room(fields, arena)?,
        count: number(fields.count())?,
        members: members(fields.members(), arena)?,
        cursor: fields.cursor().map(Value::hex).transpose()?,
        partial: flag(fields.partial())?,
    })
}

fn presence_changed<'a>(
    fields: &Fields<'a>,
    arena: &mut Arena<'a>,
) -> Result<PresenceChanged<'a>, DecodeError> {
    Ok(PresenceChanged {
        room: room(fields, arena)?,
        count: number(fields.count())?,
        joined: members(fields.joined(), arena)?,
        left: members(fields.left(), arena)?,
        truncated: flag(fields.truncated())?,
    })
}

fn error<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<ErrorEvent<'a>, DecodeError> {
    let number = fields.code().required("code")?.u16()?;
    Ok(ErrorEvent {
        id,
        room: fields.room().map(|room| room.text(arena)).transpose()?,
        code: error_code(number, text(fields.retry(), arena)?),
        retry_after_ms: fields.retry_after_ms().map(Value::u32).transpose()?,
        message: text(fields.message(), arena)?,
    })
}

fn members<'a>(value: Option<Value<'a>>, arena: &mut Arena<'a>) -> Result<Vec<Member<'a>>, DecodeError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let elements = value.elements(elements)?.into_iter();
    elements.map(|element| member(element, arena)).collect()
}

fn member<'a>(element: Value<'a>, arena: &mut Arena<'a>) -> Result<Member<'a>, DecodeError> {
    let fields = MemberFields::scan(&mut Scanner::new(element.raw));
    let fields = fields.map_err(|_| element.error("must be objects {user, session}"))?;
    Ok(Member {
        user: fields.user().required("user")?.text(arena)?,
        session: SessionId(fields.session().required("session")?.hex()?),
        info: fields.info().map(|info| info.raw),
    })
}

fn place(fields: &Fields<'_>) -> Result<Place, DecodeError> {
    match (fields.offset(), fields.version()) {
        (Some(offset), None) => Ok(Place::Offset(Offset(offset.u64()?))),
        (None, Some(version)) => Ok(Place::Version(Version(version.hex()?))),
        _ => Err(DecodeError::field("offset", "either offset or version must be there")),
    }
}

/// Absent counts as 0.
fn version(fields: &Fields<'_>) -> Result<Version, DecodeError> {
    fields.version().map_or(Ok(Version(0)), |version| version.hex().map(Version))
}

fn epoch(fields: &Fields<'_>) -> Result<Epoch, DecodeError> {
    Ok(Epoch(fields.epoch().required("epoch")?.hex()?))
}

fn room<'a>(fields: &Fields<'a>, arena: &mut Arena<'a>) -> Result<&'a str, DecodeError> {
    fields.room().required("room")?.text(arena)
}

fn time(value: Option<Value<'_>>, name: &'static str) -> Result<UnixMicros, DecodeError> {
    Ok(UnixMicros(value.required(name)?.u64()?))
}

/// Absent counts as 0.
fn number(value: Option<Value<'_>>) -> Result<u32, DecodeError> {
    value.map_or(Ok(0), Value::u32)
}

/// Absent counts as empty.
fn text<'a>(value: Option<Value<'a>>, arena: &mut Arena<'a>) -> Result<&'a str, DecodeError> {
    value.map_or(Ok(""), |value| value.text(arena))
}
