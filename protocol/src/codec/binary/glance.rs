//! A look at a `message` without decoding it: for clients that take very many of them.
//!
//! [`decode_event`](super::decode_event) verifies the whole flatbuffer; at millions of deliveries a second on one core that
//! is most of what a client does. A glance reads the fields of a message at their places, checks every bound, and gives up
//! (`None`) at anything unusual, which is then decoded in full. Where it sees something, it is what the decoder sees.

use crate::event::{Message, Place, Sender};
use crate::{Body, BodyKind, Lane, RoomHandle, SessionId, UnixMicros};

/// `FrameKind::Message` of `schema/ringway.fbs`.
const KIND_MESSAGE: u8 = 80;
/// Bytes of the fixed struct `Head`.
const HEAD_BYTES: usize = 40;
/// Where the vtable says where the fields are.
const SLOT_HEAD: usize = 4;
const SLOT_BODY: usize = 6;
const SLOT_USER: usize = 10;
const SLOT_KEY: usize = 12;

/// Reads one whole frame, size prefix included, if it is a `message` as our servers write it; `None` says nothing about
/// the frame.
#[inline]
#[must_use]
pub fn glance(frame: &[u8]) -> Option<Message<'_>> {
    let table = 4 + u32_at(frame, 4)? as usize;
    let vtable = table.checked_add_signed(-(u32_at(frame, table)? as i32 as isize))?;
    let vtable_bytes = usize::from(u16_at(frame, vtable)?);
    let field = |slot: usize| match slot {
        slot if slot + 2 > vtable_bytes => Some(0),
        slot => u16_at(frame, vtable.checked_add(slot)?).map(usize::from),
    };
    let head = table.checked_add(field(SLOT_HEAD).filter(|head| *head != 0)?)?;
    let head: &[u8; HEAD_BYTES] = frame.get(head..head.checked_add(HEAD_BYTES)?)?.try_into().ok()?;
    if head[32] != KIND_MESSAGE {
        return None;
    }
    let lane = Lane::from_u8(head[33])?;
    let kind = BodyKind::from_u8(head[34])?;
    let vector = |slot| match field(slot)? {
        0 => Some(None),
        field => vector_at(frame, table.checked_add(field)?).map(Some),
    };
    let bytes = vector(SLOT_BODY)?.unwrap_or_default();
    if kind == BodyKind::None && !bytes.is_empty() {
        return None;
    }
    let [handle, place, time, session] =
        [0, 8, 16, 24].map(|at| u64::from_le_bytes(*head[at..].first_chunk().unwrap_or(&[0; 8])));
    Some(Message {
        room: None,
        handle: RoomHandle(handle),
        lane,
        place: Place::of(lane, place),
        time: UnixMicros(time),
        from: Sender { user: text(vector(SLOT_USER)?)?, session: SessionId(session) },
        key: text(vector(SLOT_KEY)?)?,
        body: Body { kind, bytes },
    })
}

/// What a field's offset points to: a length and that many bytes.
#[inline]
fn vector_at(frame: &[u8], field: usize) -> Option<&[u8]> {
    let vector = field.checked_add(u32_at(frame, field)? as usize)?;
    frame.get(vector.checked_add(4)?..)?.get(..u32_at(frame, vector)? as usize)
}

#[inline]
fn text(bytes: Option<&[u8]>) -> Option<Option<&str>> {
    bytes.map_or(Some(None), |bytes| simdutf8::basic::from_utf8(bytes).ok().map(Some))
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
    use super::super::{BinaryEncoder, decode_event};
    use super::*;
    use crate::Event;

    fn message<'a>(lane: Lane, body: Body<'a>, user: Option<&'a str>, key: Option<&'a str>) -> Message<'a> {
        Message {
            room: None,
            handle: RoomHandle(0x1234_5678_9abc_def0),
            lane,
            place: Place::of(lane, 77),
            time: UnixMicros(5),
            from: Sender { user, session: SessionId(9) },
            key,
            body,
        }
    }

    fn samples() -> Vec<Vec<u8>> {
        let mut encoder = BinaryEncoder::new();
        let mut samples = Vec::new();
        for lane in [Lane::Reliable, Lane::Latest, Lane::Unreliable] {
            for (kind, bytes) in
                [(BodyKind::Json, &b"{\"a\":1}"[..]), (BodyKind::Bytes, b""), (BodyKind::None, b"")]
            {
                for (user, key) in
                    [(None, None), (Some("somebody"), None), (None, Some("k")), (Some("ü"), Some("key"))]
                {
                    let event = Event::Message(message(lane, Body { kind, bytes }, user, key));
                    samples.push(encoder.event(&event).to_vec());
                }
            }
        }
        samples
    }

    #[test]
    fn a_glance_sees_what_the_decoder_sees() {
        for frame in samples() {
            let seen = glance(&frame).expect("as our encoder writes it");
            assert_eq!(decode_event(&frame), Ok(Event::Message(seen)));
        }
    }

    #[test]
    fn everything_else_is_left_to_the_decoder() {
        let mut encoder = BinaryEncoder::new();
        assert_eq!(glance(encoder.event(&Event::Pong { id: None, time: UnixMicros(1) })), None);
    }

    #[test]
    fn cut_and_hostile_frames_are_no_panic_and_nothing_else_than_decoded() {
        for frame in samples() {
            for end in 0..frame.len() {
                let _ = glance(&frame[..end]);
            }
            for at in 0..frame.len() {
                for byte in [0, 1, 0x7f, 0xff] {
                    let mut bad = frame.clone();
                    bad[at] = byte;
                    if let (Some(seen), Ok(event)) = (glance(&bad), decode_event(&bad)) {
                        assert_eq!(event, Event::Message(seen), "byte {at} is {byte}");
                    }
                }
            }
        }
    }
}
