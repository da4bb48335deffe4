//! Groups 9 (sizes) and 10 (a client that fragments by itself).
//!
//! Sizes are a sixteenth of the suite's, fragments and chops are not scaled; that the server's own bound is where it
//! should be is tested beside it.

use super::harness::{Answer, BINARY, Case, EchoServer, TEXT, frame};
use ringway_protocol::websocket::RfcClose::MessageTooBig;

const SCALE: usize = 16;
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn repeated(pattern: &[u8], length: usize) -> Vec<u8> {
    pattern.iter().copied().cycle().take(length).collect()
}

#[test]
fn groups_9_1_and_9_2_large_messages_in_one_frame_are_echoed() {
    for (index, length) in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].into_iter().enumerate() {
        let number = index + 1;
        let text = repeated(b"BAsd7&jh23", length / SCALE);
        Case::new(format!("9.1.{number}")).frame(TEXT, true, &text).text(&text).closes_cleanly();
        let binary = repeated(b"\x00\xfe\x23\xfa\xf0", length / SCALE);
        Case::new(format!("9.2.{number}")).frame(BINARY, true, &binary).binary(&binary).closes_cleanly();
    }
}

#[test]
fn groups_9_3_and_9_4_large_messages_in_fragments_of_any_size_are_echoed() {
    let text = repeated(b"*", 4 * MIB / SCALE);
    let binary = repeated(b"\xfe", 4 * MIB / SCALE);
    let sizes = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
    for (index, size) in sizes.into_iter().enumerate() {
        let number = index + 1;
        Case::new(format!("9.3.{number}")).fragmented(TEXT, &text, size).text(&text).closes_cleanly();
        Case::new(format!("9.4.{number}")).fragmented(BINARY, &binary, size).binary(&binary).closes_cleanly();
    }
}

#[test]
fn groups_9_5_and_9_6_large_frames_that_arrive_in_chops_are_echoed() {
    let text = repeated(b"BAsd7&jh23", MIB / SCALE);
    let binary = repeated(b"\x00\xfe\x23\xfa\xf0", MIB / SCALE);
    for (index, chop) in [64, 128, 256, 512, 1024, 2048].into_iter().enumerate() {
        let number = index + 1;
        Case::new(format!("9.5.{number}"))
            .frame(TEXT, true, &text)
            .chopped(chop)
            .text(&text)
            .closes_cleanly();
        Case::new(format!("9.6.{number}"))
            .frame(BINARY, true, &binary)
            .chopped(chop)
            .binary(&binary)
            .closes_cleanly();
    }
}

#[test]
fn groups_9_7_and_9_8_a_thousand_messages_are_echoed_one_after_the_other() {
    for length in [0, 16, 64, 256, 1024, 4096] {
        let mut server = EchoServer::new(super::harness::ECHO_BYTES_MAX);
        for (opcode, byte) in [(TEXT, b'*'), (BINARY, 0xfe)] {
            let payload = vec![byte; length];
            let sent = frame(opcode, true, 0, &payload);
            let expected = if opcode == TEXT { Answer::Text(payload) } else { Answer::Binary(payload) };
            for count in 0..1000 {
                server.receive(&sent);
                assert!(server.answers() == [expected.clone()], "message {count} of {length} bytes");
            }
        }
    }
}

#[test]
fn group_9_9_a_message_of_endless_frames_ends_at_the_bound() {
    const BOUND: u32 = 64 * 1024;
    let mut server = EchoServer::new(BOUND);
    let fragment = vec![b'*'; 4 * KIB];
    server.receive(&frame(TEXT, false, 0, &fragment));
    let mut count = 1;
    while !server.is_closed() {
        server.receive(&frame(0, false, 0, &fragment));
        count += 1;
        assert!(count <= 17, "the seventeenth fragment of 4 KiB is over the bound of 64 KiB");
    }
    assert_eq!(count, 17);
    assert_eq!(server.answers(), [Answer::Close(Some(MessageTooBig.number()))]);
}

#[test]
fn group_10_a_message_in_fragments_of_1300_bytes_is_echoed() {
    let text = repeated(b"*", 65_536);
    Case::new("10.1.1").fragmented(TEXT, &text, 1300).text(&text).closes_cleanly();
}

#[test]
fn a_message_of_exactly_the_bound_passes_and_one_byte_more_does_not() {
    for (length, fits) in [(1000, true), (1001, false)] {
        let payload = vec![7; length];
        for size in [1, 10, 999, 1000, 1001] {
            let mut server = EchoServer::new(1000);
            for (index, fragment) in payload.chunks(size).enumerate() {
                let last = (index + 1) * size >= length;
                server.receive(&frame(if index == 0 { BINARY } else { 0 }, last, 0, fragment));
            }
            let expected = if fits {
                Answer::Binary(payload.clone())
            } else {
                Answer::Close(Some(MessageTooBig.number()))
            };
            assert_eq!(server.answers(), [expected], "{length} bytes in fragments of {size}");
        }
    }
}
