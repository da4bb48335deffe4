//! Registrations as bytes: what an edge says to an owner that is new to it, and what that one answers.

use ringway_core::message::{KeyValue, RegisterRequest, RegisteredDelivery, RegisteredMember, SessionRef};
use ringway_core::{Delivery, Request};
use ringway_protocol::limit::INFO_BYTES_MAX;
use ringway_protocol::{Offset, RoomHandle};

use crate::field::{Encoded, Field, Forms};
use crate::limit::{FRAMES_MAX, MEMBERS_MAX};
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Head};

/// Bytes of a member without user and info.
const MEMBER_BYTES_MIN: usize = 25 + 2 + 1 + 1;
/// Bytes of an offset or tag with an empty frame.
pub(crate) const PLACED_BYTES_MIN: usize = 8 + Encoded::KNOWN_BYTES_MIN;

pub(crate) fn put_request(register: &RegisterRequest, sink: &mut Sink<'_>) {
    sink.field(register.held);
    sink.field(register.last);
    sink.room(&register.room);
    sink.list("members", MEMBERS_MAX, &register.members, |sink, member| {
        sink.field(member.session);
        sink.field(member.presence);
        sink.user(&member.user);
        sink.text_if_any("info", INFO_BYTES_MAX, member.info.as_deref());
    });
}

pub(crate) fn take_request(handle: RoomHandle, source: &mut Source<'_>) -> Result<Request, DecodeError> {
    Ok(Request::Register(Box::new(RegisterRequest {
        handle,
        held: source.field("held")?,
        last: source.field("last")?,
        room: source.room()?.into(),
        members: source.list("members", MEMBERS_MAX, MEMBER_BYTES_MIN, |source| {
            Ok(RegisteredMember {
                session: source.field::<SessionRef>("session")?,
                presence: source.field("presence")?,
                user: source.user()?.into(),
                info: source.text_if_any("info", INFO_BYTES_MAX)?.map(Into::into),
            })
        })?,
    })))
}

pub(crate) fn put_answer<S: Forms>(registered: &RegisteredDelivery<S>, sink: &mut Sink<'_>) {
    sink.field(registered.position);
    sink.field(registered.members);
    sink.field(registered.gone);
    sink.field(registered.reset.is_some());
    if let Some(reset) = &registered.reset {
        sink.binary("reset", reset);
    }
    put_missed("missed", &registered.missed, sink);
    put_values(&registered.keys, sink);
}

pub(crate) fn take_answer<'a>(
    head: &Head,
    source: &mut Source<'a>,
) -> Result<Delivery<Encoded<'a>>, DecodeError> {
    Ok(Delivery::Registered(Box::new(RegisteredDelivery {
        handle: head.room,
        position: source.field("position")?,
        members: source.field("members")?,
        gone: source.field("gone")?,
        reset: if source.field("reset")? { Some(source.binary("reset")?) } else { None },
        missed: take_missed("missed", source)?,
        keys: take_values(source)?,
    })))
}

/// Publications with their offsets.
pub(crate) fn put_missed<S: Forms>(field: &'static str, frames: &[(Offset, S)], sink: &mut Sink<'_>) {
    sink.list(field, FRAMES_MAX, frames, |sink, (offset, frame)| {
        sink.field(*offset);
        sink.binary(field, frame);
    });
}

pub(crate) fn take_missed<'a>(
    field: &'static str,
    source: &mut Source<'a>,
) -> Result<Vec<(Offset, Encoded<'a>)>, DecodeError> {
    source.list(field, FRAMES_MAX, PLACED_BYTES_MIN, |source| {
        Ok((Offset::take(source)?, source.binary(field)?))
    })
}

/// Values of the latest lane.
pub(crate) fn put_values<S: Forms>(values: &[KeyValue<S>], sink: &mut Sink<'_>) {
    sink.list("keys", FRAMES_MAX, values, |sink, value| {
        sink.field(value.key_tag);
        sink.binary("keys", &value.frame);
    });
}

pub(crate) fn take_values<'a>(source: &mut Source<'a>) -> Result<Vec<KeyValue<Encoded<'a>>>, DecodeError> {
    source.list("keys", FRAMES_MAX, PLACED_BYTES_MIN, |source| {
        Ok(KeyValue { key_tag: source.field("keys")?, frame: source.binary("keys")? })
    })
}
