//! Groups 1 (framing), 2 (pings and pongs), 3 (reserved bits), 4 (opcodes) and 5 (fragmentation).

use super::harness::{BINARY, CLOSE, Case, PING, PONG, TEXT};
use ringway_protocol::websocket::RfcClose::ProtocolError;

const HELLO: &[u8] = b"Hello, world!";
const NOT_UTF8: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";

#[test]
fn group_1_text_and_binary_messages_of_every_length_encoding_are_echoed() {
    for (index, length) in [0, 125, 126, 127, 128, 65_535, 65_536, 65_536].into_iter().enumerate() {
        let chop = if index == 7 { 997 } else { usize::MAX };
        let text = vec![b'*'; length];
        let number = index + 1;
        Case::new(format!("1.1.{number}"))
            .frame(TEXT, true, &text)
            .chopped(chop)
            .text(&text)
            .closes_cleanly();
        let binary = vec![0xfe; length];
        Case::new(format!("1.2.{number}"))
            .frame(BINARY, true, &binary)
            .chopped(chop)
            .binary(&binary)
            .closes_cleanly();
    }
}

#[test]
fn group_2_pings_are_answered_and_pongs_ignored() {
    Case::new("2.1").frame(PING, true, b"").pong(b"").closes_cleanly();
    Case::new("2.2").frame(PING, true, HELLO).pong(HELLO).closes_cleanly();
    Case::new("2.3").frame(PING, true, NOT_UTF8).pong(NOT_UTF8).closes_cleanly();
    Case::new("2.4").frame(PING, true, [0xfe; 125]).pong([0xfe; 125]).closes_cleanly();
    Case::new("2.5").frame(PING, true, [0xfe; 126]).fails(ProtocolError);
    Case::new("2.6").frame(PING, true, [0xfe; 125]).chopped(1).pong([0xfe; 125]).closes_cleanly();
    Case::new("2.7").frame(PONG, true, b"").closes_cleanly();
    Case::new("2.8").frame(PONG, true, b"unsolicited pong payload").closes_cleanly();
    Case::new("2.9")
        .frame(PONG, true, b"unsolicited pong payload")
        .frame(PING, true, b"ping payload")
        .pong(b"ping payload")
        .closes_cleanly();
    for (id, chop) in [("2.10", usize::MAX), ("2.11", 1)] {
        (0..10)
            .map(|index| format!("payload-{index}"))
            .fold(Case::new(id), |case, payload| case.frame(PING, true, &payload).chopped(chop).pong(payload))
            .closes_cleanly();
    }
}

#[test]
fn group_3_reserved_bits_fail_the_connection() {
    Case::new("3.1").reserved(TEXT, 1, HELLO).fails(ProtocolError);
    for (id, rsv, chop) in [("3.2", 2, usize::MAX), ("3.3", 3, usize::MAX), ("3.4", 4, 1)] {
        Case::new(id)
            .frame(TEXT, true, HELLO)
            .chopped(chop)
            .text(HELLO)
            .reserved(TEXT, rsv, HELLO)
            .chopped(chop)
            .frame(PING, true, b"")
            .chopped(chop)
            .fails(ProtocolError);
    }
    Case::new("3.5").reserved(BINARY, 5, NOT_UTF8).fails(ProtocolError);
    Case::new("3.6").reserved(BINARY, 6, HELLO).fails(ProtocolError);
    Case::new("3.7").reserved(CLOSE, 7, b"").fails(ProtocolError);
}

#[test]
fn group_4_reserved_opcodes_fail_the_connection() {
    const RESERVED: &[u8] = b"reserved opcode payload";
    for (group, first) in [(1, 3), (2, 11)] {
        Case::new(format!("4.{group}.1")).frame(first, true, b"").fails(ProtocolError);
        Case::new(format!("4.{group}.2")).frame(first + 1, true, RESERVED).fails(ProtocolError);
        for (number, payload, chop) in [(3, &b""[..], usize::MAX), (4, HELLO, usize::MAX), (5, HELLO, 1)] {
            Case::new(format!("4.{group}.{number}"))
                .frame(TEXT, true, HELLO)
                .chopped(chop)
                .text(HELLO)
                .frame(first + number - 1, true, payload)
                .chopped(chop)
                .frame(PING, true, b"")
                .chopped(chop)
                .fails(ProtocolError);
        }
    }
}

#[test]
fn group_5_control_frames_are_never_fragmented() {
    for (id, opcode) in [("5.1", PING), ("5.2", PONG)] {
        Case::new(id).frame(opcode, false, b"fragment1").frame(0, true, b"fragment2").fails(ProtocolError);
    }
}

/// The suite sends 5.3 to 5.8 in one go, frame by frame and byte by byte; the harness plays each in all these ways.
#[test]
fn group_5_fragments_make_a_message_also_with_a_ping_between() {
    for (id, chop) in [("5.3", usize::MAX), ("5.4", usize::MAX), ("5.5", 1)] {
        Case::new(id)
            .frame(TEXT, false, b"fragment1")
            .chopped(chop)
            .frame(0, true, b"fragment2")
            .chopped(chop)
            .text(b"fragment1fragment2")
            .closes_cleanly();
    }
    for (id, chop) in [("5.6", usize::MAX), ("5.7", usize::MAX), ("5.8", 1)] {
        Case::new(id)
            .frame(TEXT, false, b"fragment1")
            .chopped(chop)
            .frame(PING, true, b"ping payload")
            .chopped(chop)
            .frame(0, true, b"fragment2")
            .chopped(chop)
            .pong(b"ping payload")
            .text(b"fragment1fragment2")
            .closes_cleanly();
    }
    for id in ["5.19", "5.20"] {
        Case::new(id)
            .frame(TEXT, false, b"fragment1")
            .frame(0, false, b"fragment2")
            .frame(PING, true, b"pongme 1!")
            .frame(0, false, b"fragment3")
            .frame(0, false, b"fragment4")
            .frame(PING, true, b"pongme 2!")
            .frame(0, true, b"fragment5")
            .pong(b"pongme 1!")
            .pong(b"pongme 2!")
            .text(b"fragment1fragment2fragment3fragment4fragment5")
            .closes_cleanly();
    }
}

#[test]
fn group_5_a_continuation_needs_a_beginning() {
    for (id, fin, chop) in [
        ("5.9", true, usize::MAX),
        ("5.10", true, usize::MAX),
        ("5.11", true, 1),
        ("5.12", false, usize::MAX),
        ("5.13", false, usize::MAX),
        ("5.14", false, 1),
    ] {
        Case::new(id)
            .frame(0, fin, b"non-continuation payload")
            .chopped(chop)
            .frame(TEXT, true, HELLO)
            .chopped(chop)
            .fails(ProtocolError);
    }
    Case::new("5.15")
        .frame(TEXT, false, b"fragment1")
        .frame(0, true, b"fragment2")
        .text(b"fragment1fragment2")
        .frame(0, false, b"fragment3")
        .frame(TEXT, true, b"fragment4")
        .fails(ProtocolError);
    for (id, fin) in [("5.16", false), ("5.17", true)] {
        let mut case = Case::new(id);
        for _ in 0..2 {
            case = case.frame(0, fin, b"fragment1").frame(TEXT, false, b"fragment2").frame(
                0,
                true,
                b"fragment3",
            );
        }
        case.fails(ProtocolError);
    }
}

#[test]
fn group_5_a_message_is_not_begun_within_another() {
    Case::new("5.18").frame(TEXT, false, b"fragment1").frame(TEXT, true, b"fragment2").fails(ProtocolError);
}
