//! Commands from JSON: what a server reads.

use super::arena::Arena;
use super::decode::{JsonDecoder, Required, body, flag, frame, lane, position, request_id};
use super::scan::Scanner;
use super::value::{Value, fields};
use crate::codec::{DecodeError, check};
use crate::command::{
    Command, Hello, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Presence, Publish, Refresh,
    Since,
};
use crate::{ErrorCode, Offset, Position, RequestId, RoomName, Version};

fields! {
    /// All fields of all commands.
    Fields {
        kind = b"type", id = b"id", room = b"room", lane = b"lane", key = b"key", data = b"data", text = b"text",
        bytes = b"bytes", msg_id = b"msg_id", msg_id_bytes = b"msg_id_bytes", retry = b"retry", echo = b"echo",
        since = b"since", versions = b"versions", presence = b"presence", rooms = b"rooms", protocol = b"protocol",
        token = b"token", client = b"client", resume = b"resume", before = b"before", after = b"after",
        limit = b"limit", cursor = b"cursor", stream = b"stream",
    }
}

fields! {
    /// One of `join_many`'s rooms.
    RoomFields { room = b"room", since = b"since", versions = b"versions", presence = b"presence", stream = b"stream" }
}

fields! {
    /// `since` and `retry`.
    SinceFields { epoch = b"epoch", offset = b"offset", last = b"last" }
}

fields! {
    /// One of a join's `versions`.
    VersionFields { user = b"user", key = b"key", version = b"version" }
}

impl JsonDecoder {
    /// Reads one text message as a command. The command borrows the text, and the decoder for what had escapes.
    ///
    /// # Errors
    /// `bad_frame` if it is not one JSON object, `unknown_type` if its type is not a command's, and what the rules of
    /// the vocabulary refuse; all but the first carry the request's id.
    pub fn command<'a>(&'a mut self, text: &'a [u8]) -> Result<Command<'a>, DecodeError> {
        let fields = frame(text, Fields::scan)?;
        let mut arena = Arena::new(&mut self.scratch, text.len());
        let id = request_id(fields.id())?;
        let command = command(&fields, id, &mut arena).map_err(|error| error.id(id))?;
        check::command(&command)?;
        Ok(command)
    }
}

fn command<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Command<'a>, DecodeError> {
    let kind = fields.kind().required("type")?;
    Ok(match kind.raw {
        "\"publish\"" => Command::Publish(publish(fields, id, arena)?),
        "\"ping\"" => Command::Ping { id },
        "\"hello\"" => Command::Hello(hello(fields, id, arena)?),
        "\"refresh\"" => {
            Command::Refresh(Refresh { id, token: fields.token().required("token")?.text(arena)? })
        }
        "\"join\"" => {
            let Fields { deep, room, since, versions, presence, stream, .. } = *fields;
            Command::Join(join(RoomFields { deep, room, since, versions, presence, stream }, id, arena)?)
        }
        "\"join_many\"" => Command::JoinMany(join_many(fields, id, arena)?),
        "\"leave\"" => Command::Leave(Leave { id, room: room(fields.room(), arena)? }),
        "\"history\"" => Command::History(history(fields, id, arena)?),
        "\"presence\"" => Command::Presence(Presence {
            id,
            room: room(fields.room(), arena)?,
            cursor: fields.cursor().map(Value::hex).transpose()?,
        }),
        name if name.starts_with('"') => {
            return Err(kind.error("is unknown to this end").code(ErrorCode::UnknownType));
        }
        _ => return Err(kind.error("must be a string")),
    })
}

fn hello<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Hello<'a>, DecodeError> {
    Ok(Hello {
        id,
        protocol: fields.protocol().required("protocol")?.u32()?,
        token: optional(fields.token(), arena)?,
        client: optional(fields.client(), arena)?,
        resume: optional(fields.resume(), arena)?,
    })
}

fn join_many<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<JoinMany<'a>, DecodeError> {
    let rooms = fields.rooms().required("rooms")?.elements(check::rooms)?;
    let rooms = rooms.into_iter().map(|element| {
        let fields = RoomFields::scan(&mut Scanner::new(element.raw));
        join(fields.map_err(|_| element.error("must be objects that name a room"))?, id, arena)
    });
    Ok(JoinMany { id, rooms: rooms.collect::<Result<_, _>>()? })
}

fn join<'a>(
    fields: RoomFields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Join<'a>, DecodeError> {
    let versions = match fields.versions() {
        Some(versions) => versions.elements(check::versions)?,
        None => Vec::new(),
    };
    Ok(Join {
        id,
        room: room(fields.room(), arena)?,
        since: fields.since().map(since).transpose()?,
        versions: versions
            .into_iter()
            .map(|element| known_version(element, arena))
            .collect::<Result<_, _>>()?,
        presence: flag(fields.presence())?,
        stream: flag(fields.stream())?,
    })
}

fn since(value: Value<'_>) -> Result<Since, DecodeError> {
    const MESSAGE: &str = "must be {epoch, offset} or {last}";
    let fields = SinceFields::scan(&mut Scanner::new(value.raw)).map_err(|_| value.error(MESSAGE))?;
    match (fields.epoch(), fields.last()) {
        (Some(epoch), None) => Ok(Since::Position(position(epoch, fields.offset())?)),
        (None, Some(last)) => Ok(Since::Last(last.u32()?)),
        _ => Err(value.error(MESSAGE)),
    }
}

fn retry(value: Value<'_>) -> Result<Position, DecodeError> {
    const MESSAGE: &str = "must be {epoch, offset}";
    let fields = SinceFields::scan(&mut Scanner::new(value.raw)).map_err(|_| value.error(MESSAGE))?;
    position(fields.epoch().ok_or(value.error(MESSAGE))?, fields.offset())
}

fn known_version<'a>(element: Value<'a>, arena: &mut Arena<'a>) -> Result<KnownVersion<'a>, DecodeError> {
    let fields = VersionFields::scan(&mut Scanner::new(element.raw));
    let fields = fields.map_err(|_| element.error("must be objects {user, key, version}"))?;
    Ok(KnownVersion {
        user: optional(fields.user(), arena)?,
        key: optional(fields.key(), arena)?.unwrap_or_default(),
        version: Version(fields.version().required("version")?.hex()?),
    })
}

fn publish<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<Publish<'a>, DecodeError> {
    let msg_id = match (fields.msg_id(), fields.msg_id_bytes()) {
        (None, None) => None,
        (Some(text), None) => Some(text.text(arena)?.as_bytes()),
        (None, Some(bytes)) => Some(bytes.base64(arena)?),
        (Some(text), Some(_)) => return Err(text.error("msg_id and msg_id_bytes exclude each other")),
    };
    Ok(Publish {
        id,
        room: room(fields.room(), arena)?,
        body: body(fields.deep, fields.data(), fields.text(), fields.bytes(), arena)?,
        lane: lane(fields.lane())?,
        key: optional(fields.key(), arena)?,
        msg_id,
        retry: fields.retry().map(retry).transpose()?,
        echo: fields.echo().map_or(Ok(true), Value::boolean)?,
    })
}

fn history<'a>(
    fields: &Fields<'a>,
    id: Option<RequestId>,
    arena: &mut Arena<'a>,
) -> Result<History<'a>, DecodeError> {
    let from = match (fields.before(), fields.after()) {
        (Some(before), None) => HistoryFrom::Before(Offset(before.u64()?)),
        (None, Some(after)) => HistoryFrom::After(Offset(after.u64()?)),
        _ => return Err(DecodeError::field("before", "either before or after must be there")),
    };
    Ok(History {
        id,
        room: room(fields.room(), arena)?,
        from,
        limit: fields.limit().required("limit")?.u32()?,
    })
}

fn room<'a>(value: Option<Value<'a>>, arena: &mut Arena<'a>) -> Result<RoomName<'a>, DecodeError> {
    check::room(value.required("room")?.text(arena)?)
}

fn optional<'a>(value: Option<Value<'a>>, arena: &mut Arena<'a>) -> Result<Option<&'a str>, DecodeError> {
    value.map(|value| value.text(arena)).transpose()
}
