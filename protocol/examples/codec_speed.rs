//! What the codecs cost: the best of several runs, in nanoseconds per call. For a look after a change, not for a table.
//!
//! ```text
//! cargo run --release -p ringway-protocol --example codec_speed
//! ```
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "an example may look at the clock")]

use std::hint::black_box;
use std::time::Instant;

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary, binary_to_json, json};
use ringway_protocol::command::Publish;
use ringway_protocol::event::{Message, Place, Published, Sender};
use ringway_protocol::{
    Body, BodyKind, Command, Epoch, Event, Lane, Offset, RequestId, RoomHandle, RoomName, SessionId,
    UnixMicros,
};

fn best(name: &str, mut call: impl FnMut()) {
    const CALLS: u32 = 200_000;
    const RUNS: u32 = 7;
    let mut least = f64::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        least = least.min(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    println!("{name:<44} {least:>8.1} ns");
}

fn main() {
    let mut encoder = BinaryEncoder::new();
    let mut decoder = JsonDecoder::new();
    for bytes in [64, 1024, 16 * 1024] {
        println!("body of {bytes} bytes");
        let text = format!("\"{}\"", "x".repeat(bytes - 2));
        let body = Body { kind: BodyKind::Json, bytes: text.as_bytes() };
        let message = Event::Message(Message {
            room: None,
            handle: RoomHandle(1),
            lane: Lane::Reliable,
            place: Place::Offset(Offset(42)),
            time: UnixMicros(1_790_000_000_123_456),
            from: Sender { user: Some("ada"), session: SessionId(7) },
            key: None,
            body,
        });
        let publish = |kind| {
            Command::Publish(Publish {
                id: RequestId::new(7),
                room: RoomName::new("chat:lobby").expect("valid"),
                body: Body { kind, bytes: text.as_bytes() },
                lane: Lane::Reliable,
                key: None,
                msg_id: None,
                retry: None,
                echo: true,
            })
        };
        best("encode message, binary", || {
            black_box(encoder.event(black_box(&message)));
        });
        let mut out = Vec::new();
        best("encode message, JSON", || {
            out.clear();
            json::encode_event(black_box(&message), &mut out);
        });
        let frame = encoder.event(&message).to_vec();
        best("binary message to JSON", || {
            out.clear();
            binary_to_json(black_box(&frame), "chat:lobby", &mut out).expect("valid");
        });
        for kind in [BodyKind::Bytes, BodyKind::Text, BodyKind::Json] {
            let frame = encoder.command(&publish(kind)).to_vec();
            best(&format!("decode publish, binary, {kind:?} body"), || {
                black_box(binary::decode_command(black_box(&frame))).expect("valid");
            });
            out.clear();
            json::encode_command(&publish(kind), &mut out);
            let text = out.clone();
            best(&format!("decode publish, JSON, {kind:?} body"), || {
                black_box(decoder.command(black_box(&text))).expect("valid");
            });
        }
    }
    let published = Event::Published(Published {
        id: RequestId::new(7).expect("not 0"),
        room: "chat:lobby",
        epoch: Epoch(1),
        place: Place::Offset(Offset(42)),
        time: UnixMicros(1),
        duplicate: false,
    });
    best("encode published, binary", || {
        black_box(encoder.event(black_box(&published)));
    });
}
