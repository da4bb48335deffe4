//! A stream cut anywhere gives the frames that the whole gives, and the same refusal at the end.
//!
//! The first byte says how large the pieces are, the rest is the stream.

use ringway_link::{DecodeError, Reader};

const FRAME_BYTES_MAX: usize = 1024;

pub(crate) fn run(data: &[u8]) {
    let Some((&size, stream)) = data.split_first() else { return };
    let whole = read(stream, stream.len().max(1));
    assert_eq!(read(stream, usize::from(size) + 1), whole);
    let (frames, refusal) = whole;
    let framed: usize = frames.iter().map(Vec::len).sum();
    assert!(framed <= stream.len());
    assert_eq!(frames.concat(), stream[..framed], "the frames are not the stream");
    if refusal.is_none() {
        assert!(stream.len() - framed < FRAME_BYTES_MAX, "a whole frame was held back");
    }
}

fn read(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<DecodeError>) {
    let mut reader = Reader::new(FRAME_BYTES_MAX);
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for mut input in stream.chunks(piece) {
        loop {
            match reader.next(&mut input) {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(input.is_empty(), "the reader left bytes");
    }
    let framed: usize = frames.iter().map(Vec::len).sum();
    assert_eq!(reader.is_partial(), framed < stream.len());
    (frames, None)
}
