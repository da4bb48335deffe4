//! What the load generator must know of most messages, read without decoding them: where they belong and their body.
//!
//! A decoded [`Event`](ringway_protocol::Event) costs a verified flatbuffer or a JSON scan each; at millions of
//! deliveries a second on one core that would be what is measured. A glance reads a few fields at their fixed places,
//! checks every bound, and gives up (`None`) at anything unusual, which is then decoded in full. It is right only about
//! messages of the reliable lane.

use ringway_protocol::{Offset, RoomHandle};

/// `FrameKind::Message` of `schema/ringway.fbs`.
const KIND_MESSAGE: u8 = 80;
/// Bytes of the fixed struct `Head`.
const HEAD_BYTES: usize = 40;

/// A reliable message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glance<'a, R> {
    pub(super) room: R,
    pub(super) offset: Offset,
    pub(super) body: &'a [u8],
}

/// Takes one size-prefixed frame off the front.
#[inline]
pub(super) fn split_frame<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32_at(message, 0)? as usize + 4;
    let (frame, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(frame)
}

/// A frame with its size prefix.
#[inline]
pub(super) fn binary(frame: &[u8]) -> Option<Glance<'_, RoomHandle>> {
    let table = 4 + u32_at(frame, 4)? as usize;
    let vtable = table.checked_add_signed(-(u32_at(frame, table)? as i32 as isize))?;
    let vtable_bytes = u16_at(frame, vtable)?;
    if vtable_bytes < 8 {
        return None;
    }
    let head = table + usize::from(u16_at(frame, vtable + 4)?);
    let head: &[u8; HEAD_BYTES] = frame.get(head..head + HEAD_BYTES)?.try_into().ok()?;
    if head[32] != KIND_MESSAGE || head[33] != 0 {
        return None;
    }
    let vector = match u16_at(frame, vtable + 6)? {
        0 => return None,
        field => table + usize::from(field),
    };
    let vector = vector + u32_at(frame, vector)? as usize;
    let body = frame.get(vector + 4..)?.get(..u32_at(frame, vector)? as usize)?;
    let [handle, offset] = [0, 8].map(|at| u64::from_le_bytes(*head[at..].first_chunk().unwrap_or(&[0; 8])));
    Some(Glance { room: RoomHandle(handle), offset: Offset(offset), body })
}

/// A text message as our servers write it: fields in this order, without spaces, the body in `data`.
#[inline]
pub(super) fn json(text: &str) -> Option<Glance<'_, &str>> {
    let rest = text.strip_prefix("{\"type\":\"message\",\"room\":\"")?;
    let (room, rest) = rest.split_at_checked(rest.find('"')?)?;
    if room.contains('\\') {
        return None;
    }
    let rest = rest.strip_prefix("\",\"lane\":\"reliable\",\"offset\":")?;
    let (digits, rest) = rest.split_at_checked(rest.find(',')?)?;
    let offset = digits.parse().ok()?;
    // Quotes within strings are escaped, so this can only be the field.
    let at = rest.find(",\"data\":")? + ",\"data\":".len();
    let body = rest.get(at..)?.strip_suffix('}')?;
    Some(Glance { room, offset: Offset(offset), body: body.as_bytes() })
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::codec::{BinaryEncoder, json::encode_event};
    use ringway_protocol::event::{Message, Place, Sender};
    use ringway_protocol::{Body, BodyKind, Event, Lane, SessionId, UnixMicros, Version};

    fn message<'a>(body: &'a [u8], user: Option<&'a str>, key: Option<&'a str>) -> Message<'a> {
        Message {
            room: Some("chat:a"),
            handle: RoomHandle(0x1234_5678_9abc_def0),
            lane: Lane::Reliable,
            place: Place::Offset(Offset(77)),
            time: UnixMicros(5),
            from: Sender { user, session: SessionId(9) },
            key,
            body: Body { kind: BodyKind::Json, bytes: body },
        }
    }

    #[test]
    fn a_glance_sees_what_the_codecs_wrote() {
        let mut encoder = BinaryEncoder::new();
        for (body, user, key) in [
            (&b"\"x\""[..], None, None),
            (b"{\"a\":[1,2,3]}", Some("somebody"), None),
            (b"12345678901234567890", Some("u,\"data\":"), Some("k")),
        ] {
            let event = Event::Message(message(body, user, key));
            let mut rest = encoder.event(&event);
            let seen = binary(split_frame(&mut rest).unwrap()).unwrap();
            let room = RoomHandle(0x1234_5678_9abc_def0);
            assert_eq!(seen, Glance { room, offset: Offset(77), body });
            assert!(rest.is_empty());
            let mut text = Vec::new();
            encode_event(&event, &mut text);
            let seen = json(std::str::from_utf8(&text).unwrap()).unwrap();
            assert_eq!(seen, Glance { room: "chat:a", offset: Offset(77), body });
        }
    }

    #[test]
    fn everything_else_is_left_to_the_decoder() {
        let mut encoder = BinaryEncoder::new();
        let mut other = message(b"1", None, None);
        (other.lane, other.place) = (Lane::Latest, Place::Version(Version(3)));
        let pong = Event::Pong { id: None, time: UnixMicros(1) };
        for event in [Event::Message(other), pong] {
            assert_eq!(binary(encoder.event(&event)), None);
            let mut text = Vec::new();
            encode_event(&event, &mut text);
            assert_eq!(json(std::str::from_utf8(&text).unwrap()), None);
        }
    }

    #[test]
    fn cut_and_hostile_frames_are_no_glance_and_no_panic() {
        let mut encoder = BinaryEncoder::new();
        let frame = encoder.event(&Event::Message(message(b"1234", None, None))).to_vec();
        for end in 0..frame.len() - 4 {
            let _ = binary(&frame[..end]);
            assert_eq!(split_frame(&mut &frame[..end]), None);
        }
        for at in 0..frame.len() {
            let mut bad = frame.clone();
            bad[at] = 0xff;
            let _ = binary(&bad);
        }
        assert_eq!(json("{\"type\":\"message\",\"room\":\""), None);
    }
}
