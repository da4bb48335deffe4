//! The binary format, both ways.

use std::hint::black_box;

use ringway_protocol::codec::{BinaryEncoder, binary};

use super::sample::{message, publish};
use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;

pub(super) const CASES: &[Case] = &[
    Case::new("binary encode publish", encode_publish),
    Case::new("binary decode publish", decode_publish),
    Case::new("binary encode message", encode_message),
    Case::new("binary decode message", decode_message),
    Case::new("binary glance at a message", glance),
];

fn encode_publish(measure: &mut Measure<'_>) {
    let (mut encoder, command) = (BinaryEncoder::new(), publish());
    encoder.command(&command);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(encoder.command(black_box(&command)));
        }
    });
}

fn decode_publish(measure: &mut Measure<'_>) {
    let mut encoder = BinaryEncoder::new();
    let frame = encoder.command(&publish()).to_vec();
    assert!(binary::decode_command(&frame).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(&binary::decode_command(black_box(&frame)));
        }
    });
}

fn encode_message(measure: &mut Measure<'_>) {
    let (mut encoder, event) = (BinaryEncoder::new(), message());
    encoder.event(&event);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(encoder.event(black_box(&event)));
        }
    });
}

fn decode_message(measure: &mut Measure<'_>) {
    let frame = BinaryEncoder::new().event(&message()).to_vec();
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(binary::decode_event(black_box(&frame)).is_ok());
        }
    });
}

/// What a load client does with most of what it gets.
fn glance(measure: &mut Measure<'_>) {
    let frame = BinaryEncoder::new().event(&message()).to_vec();
    assert!(binary::glance(&frame).is_some());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(binary::glance(black_box(&frame)).is_some());
        }
    });
}
