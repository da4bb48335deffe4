//! [`Record`]s as bytes: stream and number, which content, and the content. The room's handle stands in the head; what is of
//! no room has a head of the slot alone.

use ringway_core::Delivery;
use ringway_core::record::{Content, KeptKey, KeyRecord, KnownRecord, MemberRecord, Record, RoomRecord};
use ringway_protocol::limit::{INFO_BYTES_MAX, KEY_BYTES_MAX};
use ringway_protocol::{Offset, RoomHandle};

use crate::field::{Encoded, Forms};
use crate::head::BAD_ADDRESS;
use crate::limit::{KNOWN_BYTES_MAX, KNOWN_MAX, MEMBERS_MAX};
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Head};

/// Bytes of a member without user and info.
const MEMBER_BYTES_MIN: usize = 8 + 8 + 1 + 2 + 1;

/// Bytes of an id's place and length.
const KNOWN_BYTES_MIN: usize = 8 + 4 + 2;

const BEGIN: u8 = 0;
const ROOM: u8 = 1;
const PUBLICATION: u8 = 2;
const KNOWN: u8 = 3;
const KEY: u8 = 4;
const MEMBERS: u8 = 5;
const ENDED: u8 = 6;
const FLOOR: u8 = 7;
const FILLED: u8 = 8;

/// The room; `None`: the head names a slot alone.
pub(crate) fn room<S>(record: &Record<S>) -> Option<RoomHandle> {
    match &record.content {
        Content::Room(room) => Some(room.handle),
        Content::Key(key) => Some(key.handle),
        Content::Publication { handle, .. }
        | Content::Known { handle, .. }
        | Content::Members { handle, .. }
        | Content::Ended { handle } => Some(*handle),
        Content::Begin(_) | Content::Floor(_) | Content::Filled => None,
    }
}

const fn number<S>(content: &Content<S>) -> u8 {
    match content {
        Content::Begin(_) => BEGIN,
        Content::Room(_) => ROOM,
        Content::Publication { .. } => PUBLICATION,
        Content::Known { .. } => KNOWN,
        Content::Key(_) => KEY,
        Content::Members { .. } => MEMBERS,
        Content::Ended { .. } => ENDED,
        Content::Floor(_) => FLOOR,
        Content::Filled => FILLED,
    }
}

pub(crate) fn put<S: Forms>(record: &Record<S>, sink: &mut Sink<'_>) {
    sink.field(record.stream);
    sink.field(record.number);
    sink.field(number(&record.content));
    match &record.content {
        Content::Begin(purpose) => sink.field(*purpose),
        Content::Room(room) => put_room(room, sink),
        Content::Publication { offset, age_ms, known, frame, .. } => {
            if known.as_ref().is_some_and(|known| known.is_empty()) {
                sink.refuse(Fault::BadValue, "known");
            }
            sink.field(*offset);
            sink.field(*age_ms);
            sink.short_bytes("known", KNOWN_BYTES_MAX, known.as_deref().unwrap_or_default());
            sink.binary_to_end(frame);
        }
        Content::Known { known, .. } => sink.list("known", KNOWN_MAX, known, put_known),
        Content::Key(key) => put_key(key, sink),
        Content::Members { members, .. } => sink.list("members", MEMBERS_MAX, members, put_member),
        Content::Floor(version) => sink.field(*version),
        Content::Ended { .. } | Content::Filled => {}
    }
}

pub(crate) fn take<'a>(head: &Head, source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let handle = head.room;
    let (stream, number) = (source.field("stream")?, source.field("number")?);
    let content = match source.field("content")? {
        BEGIN => Content::Begin(source.field("purpose")?),
        ROOM => Content::Room(Box::new(take_room(handle, source)?)),
        PUBLICATION => Content::Publication {
            handle,
            offset: source.field("offset")?,
            age_ms: source.field("age_ms")?,
            known: take_known(source)?,
            frame: source.binary_to_end(),
        },
        KNOWN => Content::Known {
            handle,
            known: source.list("known", KNOWN_MAX, KNOWN_BYTES_MIN, take_known_record)?,
        },
        KEY => Content::Key(Box::new(take_key(handle, source)?)),
        MEMBERS => Content::Members {
            handle,
            members: source.list("members", MEMBERS_MAX, MEMBER_BYTES_MIN, take_member)?,
        },
        ENDED => Content::Ended { handle },
        FLOOR => Content::Floor(source.field("version")?),
        FILLED => Content::Filled,
        _ => return Err(source.error(Fault::BadValue)),
    };
    let record = Record { stream, number, content };
    if room(&record).is_none() && !head.is_of_slot() {
        return Err(BAD_ADDRESS);
    }
    Ok(Delivery::Record(record))
}

/// An id, or none where it is empty.
fn take_known(source: &mut Source<'_>) -> Result<Option<Box<[u8]>>, DecodeError> {
    let known = source.short_bytes("known", KNOWN_BYTES_MAX)?;
    Ok(Some(known).filter(|known| !known.is_empty()).map(Into::into))
}

fn put_known(sink: &mut Sink<'_>, record: &KnownRecord) {
    if record.known.is_empty() {
        sink.refuse(Fault::BadValue, "known");
    }
    sink.field(record.offset);
    sink.field(record.age_ms);
    sink.short_bytes("known", KNOWN_BYTES_MAX, &record.known);
}

fn take_known_record(source: &mut Source<'_>) -> Result<KnownRecord, DecodeError> {
    Ok(KnownRecord {
        offset: source.field("offset")?,
        age_ms: source.field("age_ms")?,
        known: take_known(source)?.ok_or(source.error(Fault::BadValue))?,
    })
}

/// A room's past begins with offset 1 or later.
fn put_room(room: &RoomRecord, sink: &mut Sink<'_>) {
    if room.first == Offset(0) {
        sink.refuse(Fault::BadValue, "first");
    }
    sink.room(&room.name);
    sink.field(room.epoch);
    sink.field(room.first);
    sink.field(room.version);
    sink.field(room.known_above);
}

fn take_room(handle: RoomHandle, source: &mut Source<'_>) -> Result<RoomRecord, DecodeError> {
    let (name, epoch) = (source.room()?.into(), source.field("epoch")?);
    let first = source.field("first")?;
    if first == Offset(0) {
        return Err(source.error(Fault::BadValue));
    }
    let (version, known_above) = (source.field("version")?, source.field("known_above")?);
    Ok(RoomRecord { handle, name, epoch, first, version, known_above })
}

fn put_key<S: Forms>(key: &KeyRecord<S>, sink: &mut Sink<'_>) {
    sink.user(&key.user);
    sink.text("key", KEY_BYTES_MAX, &key.key);
    sink.field(key.version);
    sink.field(key.value.is_some());
    if let Some(value) = &key.value {
        sink.field(value.session);
        sink.field(value.key_tag);
        sink.field(value.expires_ms);
        sink.binary_to_end(&value.frame);
    }
}

fn take_key<'a>(handle: RoomHandle, source: &mut Source<'a>) -> Result<KeyRecord<Encoded<'a>>, DecodeError> {
    let user = source.user()?.into();
    let key = source.text("key", KEY_BYTES_MAX)?.into();
    let version = source.field("version")?;
    let value = if source.field("value")? {
        Some(KeptKey {
            session: source.field("session")?,
            key_tag: source.field("key_tag")?,
            expires_ms: source.field("expires_ms")?,
            frame: source.binary_to_end(),
        })
    } else {
        None
    };
    Ok(KeyRecord { handle, user, key, version, value })
}

fn put_member(sink: &mut Sink<'_>, member: &MemberRecord) {
    sink.field(member.session);
    sink.field(member.generation);
    sink.field(member.has_keys);
    sink.user(&member.user);
    sink.text_if_any("info", INFO_BYTES_MAX, member.info.as_deref());
}

fn take_member(source: &mut Source<'_>) -> Result<MemberRecord, DecodeError> {
    Ok(MemberRecord {
        session: source.field("session")?,
        generation: source.field("generation")?,
        has_keys: source.field("has_keys")?,
        user: source.user()?.into(),
        info: source.text_if_any("info", INFO_BYTES_MAX)?.map(Into::into),
    })
}
