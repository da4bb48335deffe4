//! Reader and writer: a batch is one buffer, and a stream cut anywhere gives the same frames.

use ringway_link::{Fault, Frame, HEAD_BYTES, Reader, Word, Writer, decode, limit};
use samples::encoded;

mod samples;

fn batch() -> Vec<u8> {
    let mut writer = Writer::new(limit::FRAME_BYTES_MAX);
    let mut bytes = 0;
    for (_, frame) in samples::all() {
        bytes += writer.push(&frame).unwrap();
    }
    assert_eq!(writer.as_bytes().len(), bytes);
    writer.as_bytes().to_vec()
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_frames() {
    let stream = batch();
    let sent = samples::all();
    for piece in (1..200).chain([1000, stream.len()]) {
        let mut reader = Reader::new(limit::FRAME_BYTES_MAX);
        let mut found = 0;
        for mut input in stream.chunks(piece) {
            while let Some(bytes) = reader.next(&mut input).unwrap() {
                assert_eq!(decode(bytes).as_ref(), Ok(&sent[found].1));
                found += 1;
            }
            assert!(input.is_empty());
        }
        assert_eq!(found, sent.len(), "pieces of {piece}");
        assert!(!reader.is_partial());
    }
}

#[test]
fn a_stream_that_ends_within_a_frame_is_partial() {
    let ping = encoded(&Frame::Word(Word::Ping { token: 1 }));
    let mut reader = Reader::new(limit::HELLO_BYTES_MAX);
    assert_eq!(reader.next(&mut &ping[..ping.len() - 1]), Ok(None));
    assert!(reader.is_partial());
    assert_eq!(reader.next(&mut &ping[ping.len() - 1..]), Ok(Some(&ping[..])));
    assert!(!reader.is_partial());
}

#[test]
fn a_frame_larger_than_the_bound_is_refused_by_its_prefix() {
    let mut reader = Reader::new(limit::HELLO_BYTES_MAX);
    let prefix = (limit::HELLO_BYTES_MAX as u32 - 3).to_le_bytes();
    let error = reader.next(&mut &prefix[..]).unwrap_err();
    assert_eq!((error.fault, error.field, error.offset), (Fault::TooLarge, "length", 0));

    let mut reader = Reader::new(limit::HELLO_BYTES_MAX);
    reader.set_frame_bytes_max(limit::FRAME_BYTES_MAX);
    assert_eq!(reader.next(&mut &prefix[..]), Ok(None));
}

#[test]
fn a_frame_shorter_than_a_head_is_refused_by_its_prefix() {
    let mut reader = Reader::new(limit::HELLO_BYTES_MAX);
    let prefix = (HEAD_BYTES as u32 - 5).to_le_bytes();
    assert_eq!(reader.next(&mut &prefix[..]).unwrap_err().fault, Fault::TooShort);
}

#[test]
fn a_writer_is_used_again() {
    let mut writer = Writer::new(limit::HELLO_BYTES_MAX);
    let ping = Frame::Word(Word::Ping { token: 1 });
    writer.push(&ping).unwrap();
    writer.clear();
    writer.push(&ping).unwrap();
    assert_eq!(writer.as_bytes(), encoded(&ping));
}

/// However much a stream takes at a time, what it gets is the frames in order, and the memory does not grow with them.
#[test]
fn a_writer_goes_on_where_the_stream_stopped() {
    let frame = Frame::Word(Word::Ping { token: 7 });
    let bytes = encoded(&frame);
    for taken_at_once in [1, 27, 28, 29, 100, 1000] {
        let mut writer = Writer::new(limit::FRAME_BYTES_MAX);
        let mut stream = Vec::new();
        for _ in 0..40 {
            for _ in 0..5 {
                writer.push(&frame).unwrap();
            }
            // The stream takes as much as is added, in the long run.
            let mut left = 5 * bytes.len();
            while left > 0 {
                let taken = writer.as_bytes().len().min(taken_at_once).min(left);
                stream.extend_from_slice(&writer.as_bytes()[..taken]);
                writer.handle_written(taken);
                left -= taken;
            }
        }
        assert!(writer.as_bytes().is_empty());
        assert_eq!(stream, bytes.repeat(200));
    }
}

#[test]
fn a_writer_that_never_gets_empty_keeps_its_order() {
    let mut writer = Writer::new(limit::FRAME_BYTES_MAX);
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    for token in 0..200 {
        let frame = Frame::Word(Word::Ping { token });
        writer.push(&frame).unwrap();
        expected.extend(encoded(&frame));
        let taken = writer.as_bytes().len().saturating_sub(9).min(28);
        stream.extend_from_slice(&writer.as_bytes()[..taken]);
        writer.handle_written(taken);
        assert_eq!(writer.as_bytes().len(), expected.len() - stream.len());
    }
    stream.extend_from_slice(writer.as_bytes());
    assert_eq!(stream, expected);
}
