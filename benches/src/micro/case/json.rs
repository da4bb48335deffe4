//! The JSON format, both ways, and from the binary one.

use std::hint::black_box;

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary_to_json, json};

use super::sample::{message, publish};
use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;

pub(super) const CASES: &[Case] = &[
    Case::new("json encode publish", encode_publish),
    Case::new("json decode publish", decode_publish),
    Case::new("json encode message", encode_message),
    Case::new("json decode message", decode_message),
    Case::new("json from binary message", from_binary),
];

fn encode_publish(measure: &mut Measure<'_>) {
    let (mut text, command) = (Vec::with_capacity(4_096), publish());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            text.clear();
            json::encode_command(black_box(&command), &mut text);
            black_box(&text);
        }
    });
}

fn decode_publish(measure: &mut Measure<'_>) {
    let (mut text, mut decoder) = (Vec::new(), JsonDecoder::new());
    json::encode_command(&publish(), &mut text);
    assert!(decoder.command(&text).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(&decoder.command(black_box(&text)));
        }
    });
}

fn encode_message(measure: &mut Measure<'_>) {
    let (mut text, event) = (Vec::with_capacity(4_096), message());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            text.clear();
            json::encode_event(black_box(&event), &mut text);
            black_box(&text);
        }
    });
}

fn decode_message(measure: &mut Measure<'_>) {
    let (mut text, mut decoder) = (Vec::new(), JsonDecoder::new());
    json::encode_event(&message(), &mut text);
    assert!(decoder.event(&text).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(&decoder.event(black_box(&text)));
        }
    });
}

fn from_binary(measure: &mut Measure<'_>) {
    let mut text = Vec::with_capacity(4_096);
    let frame = BinaryEncoder::new().event(&message()).to_vec();
    assert!(binary_to_json(&frame, "chat:lobby", &mut text).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            text.clear();
            black_box(binary_to_json(black_box(&frame), "chat:lobby", &mut text).is_ok());
        }
    });
}
