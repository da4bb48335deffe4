//! A binary `message` costs at most 72 bytes over its body plus padding to 4; user and key are counted extra.

use ringway_protocol::codec::{BinaryEncoder, binary};
use ringway_protocol::event::{Message, Place, Sender};
use ringway_protocol::{Body, BodyKind, Event, Lane, Offset, RoomHandle, SessionId, UnixMicros};

const BUDGET_BYTES: usize = 72;

fn message<'a>(user: Option<&'a str>, key: Option<&'a str>, body: &'a [u8]) -> Event<'a> {
    Event::Message(Message {
        room: None,
        handle: RoomHandle(u64::MAX),
        lane: Lane::Reliable,
        place: Place::Offset(Offset(u64::MAX)),
        time: UnixMicros(u64::MAX),
        from: Sender { user, session: SessionId(u64::MAX) },
        key,
        body: Body { kind: BodyKind::Bytes, bytes: body },
    })
}

const fn padded(bytes: usize, to: usize) -> usize {
    bytes.div_ceil(to) * to
}

#[test]
fn a_message_costs_at_most_72_bytes_over_its_body() {
    let mut encoder = BinaryEncoder::new();
    for length in 0..=300 {
        let body = vec![0xab; length];
        let event = message(None, None, &body);
        let frame = encoder.event(&event);
        assert!(frame.len() <= BUDGET_BYTES + padded(length, 4), "a body of {length} makes {}", frame.len());
        assert_eq!(frame.len(), padded(68 + length, 8), "a body of {length}");
        assert_eq!(binary::decode_event(frame), Ok(event));
    }
}

#[test]
fn user_and_key_cost_their_text_and_at_most_24_bytes_each() {
    let mut encoder = BinaryEncoder::new();
    let long = "x".repeat(64);
    for length in 0..=64 {
        for (user, key) in [
            (Some(&long[..length]), None),
            (None, Some(&long[..length])),
            (Some(&*long), Some(&long[..length])),
        ] {
            for body in 0..16 {
                let body = vec![0xab; body];
                let extra: usize = [user, key].iter().flatten().map(|text| 24 + text.len()).sum();
                let event = message(user, key, &body);
                let frame = encoder.event(&event);
                let most = BUDGET_BYTES + padded(body.len(), 4) + extra;
                assert!(frame.len() <= most, "{} bytes, at most {most}", frame.len());
                assert_eq!(binary::decode_event(frame), Ok(event));
            }
        }
    }
}
