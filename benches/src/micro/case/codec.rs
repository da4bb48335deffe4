//! Commands and events to bytes and back, with a body of 64 bytes.

use std::hint::black_box;

use ringway_protocol::codec::{BinaryEncoder, FrameReader, JsonDecoder, binary, binary_to_json, json};
use ringway_protocol::command::Publish;
use ringway_protocol::event::{Message, Place, Sender};
use ringway_protocol::{
    Body, BodyKind, Command, Event, Lane, Offset, RequestId, RoomHandle, RoomName, SessionId, UnixMicros,
};

use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// A JSON value of 64 bytes.
const BODY: &[u8] = br#"{"text":"sixty-four bytes of a chat message, give or take none."}"#;

pub(super) const CASES: &[Case] = &[
    Case::new("binary encode message", binary_encode_message),
    Case::new("binary decode message", binary_decode_message),
    Case::new("binary decode publish", binary_decode_publish),
    Case::new("json encode message", json_encode_message),
    Case::new("json decode publish", json_decode_publish),
    Case::new("json from binary message", json_from_binary),
    Case::new("frame reader, whole frames", frame_reader),
];

fn message() -> Event<'static> {
    Event::Message(Message {
        room: Some("chat:lobby"),
        handle: RoomHandle(0x1234_5678_9abc_def0),
        lane: Lane::Reliable,
        place: Place::Offset(Offset(42)),
        time: UnixMicros(1_790_000_000_123_456),
        from: Sender { user: Some("ada"), session: SessionId(7) },
        key: None,
        body: Body { kind: BodyKind::Json, bytes: BODY },
    })
}

fn publish() -> Command<'static> {
    Command::Publish(Publish {
        id: RequestId::new(7),
        room: RoomName::new("chat:lobby").expect("a valid name"),
        body: Body { kind: BodyKind::Json, bytes: BODY },
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    })
}

fn binary_encode_message(measure: &mut Measure) {
    let (mut encoder, event) = (BinaryEncoder::new(), message());
    encoder.event(&event);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(encoder.event(black_box(&event)));
        }
    });
}

fn binary_decode_message(measure: &mut Measure) {
    let mut encoder = BinaryEncoder::new();
    let frame = encoder.event(&message()).to_vec();
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(binary::decode_event(black_box(&frame)).is_ok());
        }
    });
}

fn binary_decode_publish(measure: &mut Measure) {
    let mut encoder = BinaryEncoder::new();
    let frame = encoder.command(&publish()).to_vec();
    assert!(binary::decode_command(&frame).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(&binary::decode_command(black_box(&frame)));
        }
    });
}

fn json_encode_message(measure: &mut Measure) {
    let (mut text, event) = (Vec::with_capacity(4_096), message());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            text.clear();
            json::encode_event(black_box(&event), &mut text);
            black_box(&text);
        }
    });
}

fn json_decode_publish(measure: &mut Measure) {
    let (mut text, mut decoder) = (Vec::new(), JsonDecoder::new());
    json::encode_command(&publish(), &mut text);
    assert!(decoder.command(&text).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(&decoder.command(black_box(&text)));
        }
    });
}

fn json_from_binary(measure: &mut Measure) {
    let (mut encoder, mut text) = (BinaryEncoder::new(), Vec::with_capacity(4_096));
    let frame = encoder.event(&message()).to_vec();
    assert!(binary_to_json(&frame, "chat:lobby", &mut text).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            text.clear();
            black_box(binary_to_json(black_box(&frame), "chat:lobby", &mut text).is_ok());
        }
    });
}

fn frame_reader(measure: &mut Measure) {
    let mut encoder = BinaryEncoder::new();
    let stream = encoder.command(&publish()).repeat(OPERATIONS as usize);
    let mut reader = FrameReader::new(FRAME_BYTES_MAX);
    measure.run(OPERATIONS, || {
        let mut input = stream.as_slice();
        while let Ok(Some(frame)) = reader.next(&mut input) {
            black_box(frame);
        }
    });
    assert!(!reader.is_partial());
}
