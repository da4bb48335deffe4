//! [`Delivery`]s as bytes. What an owner says most, a publication, has fixed places:
//!
//! ```text
//! byte  5  flags    bits 0-1: the lane; bit 2: `except` is there
//!      12  u64      room
//!      20  u64      place: an offset, on the other lanes a version
//!      28  u32      members
//!      32  u64      key_tag, not on the reliable lane
//!       .  u32 u32  except: index and reuse of a session of the head's shard, if the flag says so
//!       .  ...      the `message` frame, binary, to the end
//! ```

use ringway_core::message::{JoinedDelivery, KeyValue, PageDelivery};
use ringway_core::{Delivery, SessionKey};
use ringway_protocol::event::Place;
use ringway_protocol::limit::KEYS_PER_ROOM_MAX;
use ringway_protocol::{Format, Lane, RoomHandle};

use crate::field::Encoded;
use crate::head::{BAD_ADDRESS, Head, UNKNOWN_FLAG};
use crate::limit::FRAMES_MAX;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Kind};

const LANE: u8 = 0x03;
const EXCEPT: u8 = 0x04;
/// Flag of a reply: the head names a room.
const IN_ROOM: u8 = 0x01;

pub(crate) const fn kind<S>(delivery: &Delivery<S>) -> Kind {
    match delivery {
        Delivery::Publication { .. } => Kind::Publication,
        Delivery::Joined(_) => Kind::Joined,
        Delivery::JoinRefused { .. } => Kind::JoinRefused,
        Delivery::Displaced { .. } => Kind::Displaced,
        Delivery::Reply { .. } => Kind::Reply,
        Delivery::PublishedInPlace { .. } => Kind::PublishedInPlace,
        Delivery::Page(_) => Kind::Page,
        Delivery::PresenceChanged { .. } => Kind::PresenceChanged,
        Delivery::Reset { .. } => Kind::Reset,
        Delivery::ApiAnswer { .. } => Kind::ApiAnswer,
    }
}

/// The flags that frames of this kind may have.
pub(crate) const fn flags_of(kind: u8) -> u8 {
    const PUBLICATION: u8 = Kind::Publication as u8;
    const REPLY: u8 = Kind::Reply as u8;
    match kind {
        PUBLICATION => LANE | EXCEPT,
        REPLY => IN_ROOM,
        _ => 0,
    }
}

pub(crate) const fn flags<S>(delivery: &Delivery<S>) -> u8 {
    match delivery {
        Delivery::Publication { lane, except, .. } => *lane as u8 | if except.is_some() { EXCEPT } else { 0 },
        Delivery::Reply { room: Some(_), .. } => IN_ROOM,
        _ => 0,
    }
}

/// The room; `None`: the head names a slot alone.
pub(crate) fn room<S>(delivery: &Delivery<S>) -> Option<RoomHandle> {
    match delivery {
        Delivery::Joined(joined) => Some(joined.handle),
        Delivery::Page(page) => Some(page.handle),
        Delivery::JoinRefused { handle, .. }
        | Delivery::PublishedInPlace { handle, .. }
        | Delivery::Publication { handle, .. }
        | Delivery::PresenceChanged { handle, .. }
        | Delivery::Reset { handle, .. } => Some(*handle),
        Delivery::Reply { room, .. } => *room,
        Delivery::Displaced { .. } | Delivery::ApiAnswer { .. } => None,
    }
}

pub(crate) fn put(delivery: &Delivery<Encoded<'_>>, sink: &mut Sink<'_>) {
    match delivery {
        Delivery::Publication { lane, place, key_tag, members, except, frame, .. } => {
            let reliable = *lane == Lane::Reliable;
            if Place::of(*lane, place.number()) != *place {
                sink.refuse(Fault::BadValue, "place");
            }
            if reliable && *key_tag != 0 {
                sink.refuse(Fault::BadValue, "key_tag");
            }
            if frame.format != Format::Binary {
                sink.refuse(Fault::BadValue, "frame");
            }
            sink.field(place.number());
            sink.field(*members);
            if !reliable {
                sink.field(*key_tag);
            }
            if let Some(except) = *except {
                sink.field(except);
            }
            sink.bytes(frame.bytes);
        }
        Delivery::Joined(joined) => put_joined(joined, sink),
        Delivery::JoinRefused { session, seat, frame, .. } => {
            sink.field(*session);
            sink.field(*seat);
            sink.field(*frame);
        }
        Delivery::Displaced { session, code } => {
            sink.field(*session);
            sink.field(*code);
        }
        Delivery::Reply { session, last, frames, .. } => {
            sink.field(*session);
            sink.field(*last);
            sink.list("frames", FRAMES_MAX, frames, |sink, frame| sink.field(*frame));
        }
        Delivery::PublishedInPlace { session, offset, frame, .. } => {
            sink.field(*session);
            sink.field(*offset);
            sink.field(*frame);
        }
        Delivery::Page(page) => put_page(page, sink),
        Delivery::PresenceChanged { frame, .. } => sink.field(*frame),
        Delivery::Reset { position, frame, .. } => {
            sink.field(*position);
            sink.field(*frame);
        }
        Delivery::ApiAnswer { ticket, result } => {
            sink.field(*ticket);
            sink.field(result.is_ok());
            match *result {
                Ok(published) => sink.field(published),
                Err(code) => sink.field(code),
            }
        }
    }
}

/// Reads a publication without an allocation: its frame is borrowed.
pub(crate) fn take_publication<'a>(
    head: &Head,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let (handle, flags) = (head.room, head.flags);
    let lane = Lane::from_u8(flags & LANE).ok_or(UNKNOWN_FLAG)?;
    let place = Place::of(lane, source.field("place")?);
    let members = source.field("members")?;
    let key_tag = if lane == Lane::Reliable { 0 } else { source.field("key_tag")? };
    let except = if flags & EXCEPT == 0 { None } else { Some(source.field::<SessionKey>("except")?) };
    let frame = Encoded { format: Format::Binary, bytes: source.rest() };
    Ok(Delivery::Publication { handle, lane, place, key_tag, members, except, frame })
}

fn put_joined(joined: &JoinedDelivery<Encoded<'_>>, sink: &mut Sink<'_>) {
    sink.field(joined.session);
    sink.field(joined.seat);
    sink.field(joined.position);
    sink.field(joined.replay_from);
    sink.field(joined.frame);
    sink.list("after", FRAMES_MAX, &joined.after, |sink, frame| sink.field(*frame));
    sink.list("keys", KEYS_PER_ROOM_MAX, &joined.keys, |sink, value| {
        sink.field(value.key_tag);
        sink.field(value.frame);
    });
}

pub(crate) fn take_joined<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    const VALUE_BYTES_MIN: usize = 8 + Encoded::BYTES_MIN;
    Ok(Delivery::Joined(Box::new(JoinedDelivery {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        position: source.field("position")?,
        replay_from: source.field("replay_from")?,
        frame: source.field("frame")?,
        after: source.list("after", FRAMES_MAX, Encoded::BYTES_MIN, |source| source.field("after"))?,
        keys: source.list("keys", KEYS_PER_ROOM_MAX, VALUE_BYTES_MIN, |source| {
            Ok(KeyValue { key_tag: source.field("keys")?, frame: source.field("keys")? })
        })?,
    })))
}

fn put_page(page: &PageDelivery<Encoded<'_>>, sink: &mut Sink<'_>) {
    sink.field(page.session);
    sink.field(page.seat);
    sink.field(page.gone);
    sink.field(page.position);
    sink.list("frames", FRAMES_MAX, &page.frames, |sink, frame| sink.field(*frame));
}

pub(crate) fn take_page<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Page(PageDelivery {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        gone: source.field("gone")?,
        position: source.field("position")?,
        frames: source.list("frames", FRAMES_MAX, 8 + Encoded::BYTES_MIN, |source| source.field("frames"))?,
    }))
}

pub(crate) fn take_join_refused<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::JoinRefused {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        frame: source.field("frame")?,
    })
}

pub(crate) fn take_displaced<'a>(source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Displaced { session: source.field("session")?, code: source.field("code")? })
}

pub(crate) fn take_reply<'a>(
    head: &Head,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let in_room = head.flags & IN_ROOM != 0;
    if !in_room && !head.is_of_slot() {
        return Err(BAD_ADDRESS);
    }
    Ok(Delivery::Reply {
        room: in_room.then_some(head.room),
        session: source.field("session")?,
        last: source.field("last")?,
        frames: source.list("frames", FRAMES_MAX, Encoded::BYTES_MIN, |source| source.field("frames"))?,
    })
}

pub(crate) fn take_published_in_place<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::PublishedInPlace {
        handle,
        session: source.field("session")?,
        offset: source.field("offset")?,
        frame: source.field("frame")?,
    })
}

pub(crate) fn take_presence_changed<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::PresenceChanged { handle, frame: source.field("frame")? })
}

pub(crate) fn take_reset<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Reset { handle, position: source.field("position")?, frame: source.field("frame")? })
}

pub(crate) fn take_api_answer<'a>(source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let ticket = source.field("ticket")?;
    let published = source.field("result")?;
    let result = if published { Ok(source.field("published")?) } else { Err(source.field("code")?) };
    Ok(Delivery::ApiAnswer { ticket, result })
}
