//! What each kind of delivery says, read behind its head and edges. Frames are borrowed.

use ringway_core::Delivery;
use ringway_core::message::{JoinedDelivery, PageDelivery};
use ringway_protocol::event::Place;
use ringway_protocol::{Format, Lane, RoomHandle};

use super::{IN_ROOM, lane, take_except};
use crate::field::Encoded;
use crate::head::BAD_ADDRESS;
use crate::limit::FRAMES_MAX;
use crate::source::Source;
use crate::{DecodeError, Fault, Head, Kind, record, register, request};

/// Reads a delivery of this kind; no other kinds are.
pub(super) fn body<'a>(
    kind: Kind,
    head: &Head,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let handle = head.room;
    match kind {
        Kind::Publication => take_publication(head, source),
        Kind::Joined => take_joined(handle, source),
        Kind::JoinRefused => Ok(Delivery::JoinRefused {
            handle,
            session: source.field("session")?,
            seat: source.field("seat")?,
            frame: source.field("frame")?,
        }),
        Kind::PublishRefused => Ok(Delivery::PublishRefused {
            handle,
            session: source.field("session")?,
            refusals: source.field("refusals")?,
            ordinal: source.field("ordinal")?,
            msg_id: request::take_msg_id(source)?,
            frame: source.field("frame")?,
        }),
        Kind::Displaced => {
            Ok(Delivery::Displaced { session: source.field("session")?, code: source.field("code")? })
        }
        Kind::Reply => take_reply(head, source),
        Kind::PublishedInPlace => Ok(Delivery::PublishedInPlace {
            handle,
            session: source.field("session")?,
            offset: source.field("offset")?,
            frame: source.field("frame")?,
        }),
        Kind::Page => take_page(handle, source),
        Kind::PresenceChanged => Ok(Delivery::PresenceChanged { handle, frame: source.binary_to_end() }),
        Kind::Reset => {
            let position = source.field("position")?;
            Ok(Delivery::Reset { handle, position, frame: source.binary_to_end() })
        }
        Kind::ApiAnswer => take_api_answer(source),
        Kind::Registered => register::take_answer(head, source),
        Kind::Returned => {
            let request = request::take_returned(head, source)?;
            Ok(Delivery::Returned(Box::new(request)))
        }
        Kind::Flushed => Ok(Delivery::Flushed),
        Kind::Record => record::take(head, source),
        _ => Err(source.error(Fault::BadValue)),
    }
}

/// Reads a publication without an allocation: its frame is borrowed.
fn take_publication<'a>(head: &Head, source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let (handle, lane) = (head.room, lane(head)?);
    let place = Place::of(lane, source.field("place")?);
    let members = source.field("members")?;
    let key_tag = if lane == Lane::Reliable { 0 } else { source.field("key_tag")? };
    let except = take_except(head, source)?;
    let frame = source.binary_to_end();
    Ok(Delivery::Publication { handle, lane, place, key_tag, members, except, frame })
}

fn take_joined<'a>(
    handle: RoomHandle,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Joined(Box::new(JoinedDelivery {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        position: source.field("position")?,
        replay_from: source.field("replay_from")?,
        frame: source.field("frame")?,
        after: source.list("after", FRAMES_MAX, Encoded::BYTES_MIN, |source| source.field("after"))?,
        keys: register::take_values(source)?,
    })))
}

fn take_page<'a>(handle: RoomHandle, source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Page(PageDelivery {
        handle,
        session: source.field("session")?,
        seat: source.field("seat")?,
        gone: source.field("gone")?,
        position: source.field("position")?,
        frames: register::take_missed("frames", source)?,
    }))
}

fn take_reply<'a>(head: &Head, source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let in_room = head.flags & IN_ROOM != 0;
    if !in_room && !head.is_of_slot() {
        return Err(BAD_ADDRESS);
    }
    let (session, last) = (source.field("session")?, source.field("last")?);
    let format: Format = source.field("format")?;
    let frames = source
        .list("frames", FRAMES_MAX, Encoded::KNOWN_BYTES_MIN, |source| source.frame_in("frames", format))?;
    Ok(Delivery::Reply { room: in_room.then_some(head.room), session, last, format, frames })
}

fn take_api_answer<'a>(source: &mut Source<'a>) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    let ticket = source.field("ticket")?;
    let published = source.field("result")?;
    let result = if published { Ok(source.field("published")?) } else { Err(source.field("code")?) };
    Ok(Delivery::ApiAnswer { ticket, result })
}
