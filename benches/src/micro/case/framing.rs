//! Where one size-prefixed frame ends and the next begins.

use std::hint::black_box;

use ringway_protocol::codec::{BinaryEncoder, FrameReader, frames};

use super::sample::publish;
use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// A piece of a stream that cuts nearly every frame.
const PIECE_BYTES: usize = 100;

pub(super) const CASES: &[Case] = &[
    Case::new("frames of a message", message),
    Case::new("frame reader, whole frames", whole),
    Case::new("frame reader, frames cut", cut),
];

fn stream() -> Vec<u8> {
    BinaryEncoder::new().command(&publish()).repeat(OPERATIONS as usize)
}

fn message(measure: &mut Measure<'_>) {
    let message = stream();
    measure.run(OPERATIONS, || {
        for frame in frames(&message, FRAME_BYTES_MAX) {
            black_box(frame.is_ok());
        }
    });
}

fn whole(measure: &mut Measure<'_>) {
    let stream = stream();
    let mut reader = FrameReader::new(FRAME_BYTES_MAX);
    measure.run(OPERATIONS, || read(&mut reader, &stream));
    assert!(!reader.is_partial());
}

fn cut(measure: &mut Measure<'_>) {
    let stream = stream();
    let mut reader = FrameReader::new(FRAME_BYTES_MAX);
    measure.run(OPERATIONS, || {
        for piece in stream.chunks(PIECE_BYTES) {
            read(&mut reader, piece);
        }
    });
    assert!(!reader.is_partial());
}

fn read(reader: &mut FrameReader, mut input: &[u8]) {
    while let Ok(Some(frame)) = reader.next(&mut input) {
        black_box(frame);
    }
}
