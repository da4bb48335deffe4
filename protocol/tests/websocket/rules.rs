//! One rule per test: what earns which violation, how early, and what an idle or busy decoder holds.

use super::support::{Owned, offer};
use ringway_protocol::websocket::{
    Decoder, Opcode, RfcClose, Role, Violation, write_fragment_masked, write_frame, write_frame_masked,
};

const MAX: u32 = 64 * 1024;
const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

fn fault(role: Role, bytes: &[u8]) -> Option<Violation> {
    offer(&mut Decoder::new(role, MAX), bytes, &mut Vec::new()).err()
}

/// Each row ends with the very byte that must be refused: all before it must pass.
#[test]
fn a_broken_header_is_refused_at_the_byte_that_breaks_it() {
    let long = |second: u8, length: u64| {
        let mut bytes = vec![0x82, second];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes
    };
    let rows: Vec<(Role, Vec<u8>, Violation)> = vec![
        (Role::Server, vec![0xc1], Violation::ReservedBits),
        (Role::Server, vec![0xa1], Violation::ReservedBits),
        (Role::Server, vec![0x91], Violation::ReservedBits),
        (Role::Server, vec![0x83], Violation::ReservedOpcode),
        (Role::Server, vec![0x8f], Violation::ReservedOpcode),
        (Role::Server, vec![0x08], Violation::ControlFragmented),
        (Role::Server, vec![0x09], Violation::ControlFragmented),
        (Role::Server, vec![0x0a], Violation::ControlFragmented),
        (Role::Server, vec![0x81, 0x05], Violation::Unmasked),
        (Role::Server, vec![0x88, 0x00], Violation::Unmasked),
        (Role::Client, vec![0x81, 0x85], Violation::Masked),
        (Role::Server, vec![0x89, 0xfe], Violation::ControlTooLong),
        (Role::Server, vec![0x88, 0xff], Violation::ControlTooLong),
        (Role::Client, vec![0x8a, 0x7e], Violation::ControlTooLong),
        (Role::Server, vec![0x82, 0xfe, 0, 125], Violation::LengthNotMinimal),
        (Role::Client, vec![0x82, 0x7e, 0, 0], Violation::LengthNotMinimal),
        (Role::Client, long(0x7f, 65_535), Violation::LengthNotMinimal),
        (Role::Client, long(0x7f, 125), Violation::LengthNotMinimal),
        (Role::Server, long(0xff, 1 << 63), Violation::LengthTopBit),
        (Role::Client, long(0x7f, u64::MAX), Violation::LengthTopBit),
        (Role::Client, long(0x7f, u64::from(MAX) + 1), Violation::MessageTooBig),
        (Role::Client, long(0x7f, u64::MAX >> 1), Violation::MessageTooBig),
        (Role::Client, vec![0x80, 0x00], Violation::NothingToContinue),
        (Role::Server, vec![0x00, 0x80, 0, 0, 0, 0], Violation::NothingToContinue),
        (Role::Client, vec![0x01, 0x00, 0x81, 0x00], Violation::Interleaved),
        (Role::Client, vec![0x02, 0x01, 7, 0x02, 0x00], Violation::Interleaved),
        (Role::Client, vec![0x88, 0x01, 0x03], Violation::CloseTruncated),
        (Role::Client, vec![0x88, 0x02, 0x03, 0xed], Violation::CloseCode),
        (Role::Client, vec![0x88, 0x03, 0x03, 0xe8, 0xff], Violation::InvalidUtf8),
        (Role::Client, vec![0x81, 0x01, 0xff], Violation::InvalidUtf8),
        (Role::Client, vec![0x01, 0x02, 0xed, 0xa0], Violation::InvalidUtf8),
        (Role::Client, vec![0x01, 0x01, 0xe2, 0x80, 0x00], Violation::InvalidUtf8),
    ];
    for (role, bytes, violation) in rows {
        let before = &bytes[..bytes.len() - 1];
        assert_eq!(fault(role, before), None, "{violation:?} too early: {bytes:02x?}");
        assert_eq!(fault(role, &bytes), Some(violation), "{bytes:02x?}");
    }
}

#[test]
fn every_violation_has_the_close_code_of_the_rfc() {
    assert_eq!(Violation::MessageTooBig.close(), RfcClose::MessageTooBig);
    assert_eq!(Violation::InvalidUtf8.close(), RfcClose::InvalidPayload);
    for violation in [Violation::ReservedBits, Violation::Unmasked, Violation::CloseCode] {
        assert_eq!(violation.close(), RfcClose::ProtocolError);
    }
}

#[test]
fn fragments_together_may_not_exceed_the_bound() {
    let mut decoder = Decoder::new(Role::Server, 10);
    let mut bytes = Vec::new();
    write_fragment_masked(&mut bytes, Opcode::Binary, &[1; 6], false, KEY);
    write_fragment_masked(&mut bytes, Opcode::Continuation, &[1; 4], false, KEY);
    assert_eq!(offer(&mut decoder, &bytes, &mut Vec::new()), Ok(()));
    let mut more = Vec::new();
    write_fragment_masked(&mut more, Opcode::Continuation, &[1; 1], true, KEY);
    let header = more.len() - 1;
    assert_eq!(
        offer(&mut decoder, &more[..header], &mut Vec::new()),
        Err(Violation::MessageTooBig),
        "by its header alone"
    );
}

#[test]
fn nothing_is_read_after_a_violation_or_a_close_frame() {
    let mut ping = Vec::new();
    write_frame_masked(&mut ping, Opcode::Ping, b"hello?", KEY);
    for end in [&[0xc1][..], &[0x88, 0x80, 0, 0, 0, 0]] {
        let mut decoder = Decoder::new(Role::Server, MAX);
        let _ = offer(&mut decoder, end, &mut Vec::new());
        assert!(decoder.has_ended());
        let mut items = Vec::new();
        assert_eq!(offer(&mut decoder, &ping, &mut items), Ok(()));
        assert_eq!(items, []);
    }
}

#[test]
fn whole_messages_are_given_out_from_where_they_lie_and_hold_no_memory() {
    let mut bytes = Vec::new();
    write_frame_masked(&mut bytes, Opcode::Text, b"text", KEY);
    write_frame_masked(&mut bytes, Opcode::Binary, &[5; 1000], KEY);
    write_frame_masked(&mut bytes, Opcode::Ping, b"ping", KEY);
    let range = bytes.as_ptr_range();
    let mut decoder = Decoder::new(Role::Server, MAX);
    let mut at = 0;
    for _ in 0..3 {
        let decoded = decoder.decode(&mut bytes[at..]).unwrap();
        let payload = match decoded.item.unwrap() {
            ringway_protocol::websocket::Item::Text(text) => text.as_bytes(),
            ringway_protocol::websocket::Item::Binary(bytes)
            | ringway_protocol::websocket::Item::Ping(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        assert!(range.contains(&payload.as_ptr()), "borrowed from the input");
        at += decoded.consumed;
        assert_eq!(decoder.bytes_held(), 0);
    }
    assert_eq!(at, bytes.len());
}

#[test]
fn a_message_of_which_only_the_header_came_holds_no_memory() {
    let mut bytes = Vec::new();
    write_frame_masked(&mut bytes, Opcode::Binary, &[5; 60_000], KEY);
    let mut decoder = Decoder::new(Role::Server, MAX);
    let mut items = Vec::new();
    offer(&mut decoder, &bytes[..8], &mut items).unwrap();
    assert_eq!(decoder.bytes_held(), 0);
    offer(&mut decoder, &bytes[8..9], &mut items).unwrap();
    assert!(decoder.bytes_held() < 20_000, "the announced size is not believed");
    offer(&mut decoder, &bytes[9..], &mut items).unwrap();
    assert_eq!(items, [Owned::Binary(vec![5; 60_000])]);
    assert_eq!(decoder.bytes_held(), 0, "given back by the call that found no more items");
}

#[test]
fn a_cut_control_frame_leaves_the_message_around_it_alone() {
    let mut bytes = Vec::new();
    write_fragment_masked(&mut bytes, Opcode::Text, b"one ", false, KEY);
    write_frame_masked(&mut bytes, Opcode::Ping, b"first", KEY);
    write_frame_masked(&mut bytes, Opcode::Ping, b"second", KEY);
    write_fragment_masked(&mut bytes, Opcode::Continuation, b"message", true, KEY);
    let mut decoder = Decoder::new(Role::Server, MAX);
    let mut items = Vec::new();
    for piece in bytes.chunks(3) {
        offer(&mut decoder, piece, &mut items).unwrap();
    }
    assert_eq!(
        items,
        [
            Owned::Ping(b"first".to_vec()),
            Owned::Ping(b"second".to_vec()),
            Owned::Text("one message".to_owned())
        ]
    );
    assert_eq!(decoder.bytes_held(), 0);
}

#[test]
fn a_message_in_one_byte_fragments_is_one_message() {
    let text = "ä".repeat(32 * 1024);
    let mut bytes = Vec::new();
    let last = text.len() - 1;
    for (index, byte) in text.bytes().enumerate() {
        let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
        write_fragment_masked(&mut bytes, opcode, &[byte], index == last, KEY);
    }
    let mut items = Vec::new();
    offer(&mut Decoder::new(Role::Server, MAX), &bytes, &mut items).unwrap();
    assert!(items == [Owned::Text(text)]);
}

#[test]
fn a_client_reads_a_server_s_frames_unmasked() {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, Opcode::Text, b"hello");
    let mut items = Vec::new();
    offer(&mut Decoder::new(Role::Client, MAX), &bytes, &mut items).unwrap();
    assert_eq!(items, [Owned::Text("hello".to_owned())]);
}

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 48);
}
