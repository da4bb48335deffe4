//! A stream cut anywhere gives the frames that the whole gives, and the same refusal at the end.
//!
//! The first byte says how large the pieces are, the rest is the stream.

use ringway_protocol::codec::{FrameReader, frames};

const FRAME_BYTES_MAX: usize = 1024;

pub(crate) fn run(data: &[u8]) {
    let Some((&size, stream)) = data.split_first() else { return };

    let mut whole = Vec::new();
    let mut refusal = None;
    for frame in frames(stream, FRAME_BYTES_MAX) {
        match frame {
            Ok(frame) => whole.push(frame.to_vec()),
            Err(error) => refusal = Some(error),
        }
    }

    let mut reader = FrameReader::new(FRAME_BYTES_MAX);
    let mut pieces = Vec::new();
    for mut input in stream.chunks(usize::from(size) + 1) {
        loop {
            match reader.next(&mut input) {
                Ok(Some(frame)) => pieces.push(frame.to_vec()),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(Some(error), refusal);
                    assert_eq!(pieces, whole);
                    return;
                }
            }
        }
        assert!(input.is_empty(), "the reader left bytes");
    }
    assert_eq!(pieces, whole);
    let complete = refusal.is_none() || stream.is_empty();
    assert_eq!(reader.is_partial(), !complete, "a stream that ends within a frame is partial, and no other");
}
