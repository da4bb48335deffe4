//! What WebSocket adds: masks, headers, frames.

use std::hint::black_box;

use ringway_protocol::websocket::{Decoder, FrameHeader, Opcode, Role, apply_mask, write_frame_masked};

use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const MESSAGE_BYTES_MAX: u32 = 64 * 1024;

pub(super) const CASES: &[Case] = &[
    Case::new("websocket mask 64 bytes", |measure| mask(measure, 64)),
    Case::new("websocket mask 4 KiB", |measure| mask(measure, 4_096)),
    Case::new("websocket frame header", header),
    Case::new("websocket decode, 140 bytes binary", |measure| decode(measure, Opcode::Binary)),
    Case::new("websocket decode, 140 bytes text", |measure| decode(measure, Opcode::Text)),
];

fn mask(measure: &mut Measure, bytes: usize) {
    let mut payload = vec![b'x'; bytes];
    apply_mask(&mut payload, KEY);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            apply_mask(black_box(&mut payload), KEY);
        }
    });
}

fn header(measure: &mut Measure) {
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(FrameHeader::new(Opcode::Binary, black_box(140), true).as_bytes());
        }
    });
}

fn decode(measure: &mut Measure, opcode: Opcode) {
    let mut wire = Vec::new();
    for _ in 0..OPERATIONS {
        write_frame_masked(&mut wire, opcode, &[b'x'; 140], KEY);
    }
    let mut decoder = Decoder::new(Role::Server, MESSAGE_BYTES_MAX);
    // The first detection of the processor's features, for the check of UTF-8, is not part of the path.
    decoder.decode(&mut wire.clone()).expect("a valid frame");
    let mut decoder = Decoder::new(Role::Server, MESSAGE_BYTES_MAX);
    measure.run(OPERATIONS, || {
        let mut at = 0;
        while at < wire.len() {
            let decoded = decoder.decode(&mut wire[at..]).expect("valid frames");
            at += decoded.consumed;
            black_box(decoded.item.is_some());
        }
    });
}
