//! A WebSocket stream cut anywhere gives the items that the whole gives, and the same violation at the end; what was
//! read can be written, and reads the same again.
//!
//! The first byte says which end reads and how large messages may be, the second how the stream is cut.

use ringway_protocol::websocket::{
    CLOSE_REASON_BYTES_MAX, CONTROL_PAYLOAD_BYTES_MAX, Decoder, Item, Opcode, Role, Violation,
    close_code_is_sendable, write_close, write_close_masked, write_frame, write_frame_masked,
};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

pub(crate) fn run(data: &[u8]) {
    let [setting, cut, stream @ ..] = data else { return };
    let role = if setting & 1 == 0 { Role::Server } else { Role::Client };
    let message_bytes_max = [64, 1024, 70_000][usize::from(setting >> 1) % 3];

    let (whole, violation) = decode(role, message_bytes_max, &[stream]);
    let pieces: Vec<&[u8]> = pieces(stream, *cut).collect();
    assert_eq!(decode(role, message_bytes_max, &pieces), (whole.clone(), violation));

    let mut written = Vec::new();
    for item in &whole {
        check(item, message_bytes_max);
        write(item, role, &mut written);
    }
    assert_eq!(decode(role, message_bytes_max, &[&written]), (whole, None));
}

/// Pieces of 1 to 8 bytes, or now and then more, by a small generator.
fn pieces(stream: &[u8], cut: u8) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (stream, u32::from(cut));
    core::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = if state >> 29 == 0 { (state >> 20 & 0xff) as usize } else { (state >> 24 & 7) as usize };
        let (piece, after) = rest.split_at_checked(size + 1).unwrap_or((rest, &[]));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn decode(role: Role, message_bytes_max: u32, pieces: &[&[u8]]) -> (Vec<Owned>, Option<Violation>) {
    let mut decoder = Decoder::new(role, message_bytes_max);
    let mut items = Vec::new();
    for piece in pieces {
        let mut scratch = piece.to_vec();
        let mut at = 0;
        loop {
            let decoded = match decoder.decode(&mut scratch[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => {
                    assert!(decoder.has_ended());
                    return (items, Some(violation));
                }
            };
            at += decoded.consumed;
            match decoded.item {
                Some(Item::Text(text)) => items.push(Owned::Text(text.to_owned())),
                Some(Item::Binary(bytes)) => items.push(Owned::Binary(bytes.to_vec())),
                Some(Item::Ping(payload)) => items.push(Owned::Ping(payload.to_vec())),
                Some(Item::Pong(payload)) => items.push(Owned::Pong(payload.to_vec())),
                Some(Item::Close { code, reason }) => items.push(Owned::Close(code, reason.to_owned())),
                None => break,
            }
        }
        assert_eq!(at, scratch.len(), "without an item all bytes are consumed");
        assert!(decoder.bytes_held() <= 3 * message_bytes_max as usize + 20_000);
    }
    (items, None)
}

fn check(item: &Owned, message_bytes_max: u32) {
    match item {
        Owned::Text(text) => assert!(text.len() <= message_bytes_max as usize),
        Owned::Binary(bytes) => assert!(bytes.len() <= message_bytes_max as usize),
        Owned::Ping(payload) | Owned::Pong(payload) => assert!(payload.len() <= CONTROL_PAYLOAD_BYTES_MAX),
        Owned::Close(code, reason) => {
            assert!(reason.len() <= CLOSE_REASON_BYTES_MAX);
            assert!(code.is_none_or(close_code_is_sendable));
        }
    }
}

fn write(item: &Owned, role: Role, out: &mut Vec<u8>) {
    const KEY: [u8; 4] = [0xfe, 0x00, 0x10, 0x81];
    let (opcode, payload) = match item {
        Owned::Text(text) => (Opcode::Text, text.as_bytes()),
        Owned::Binary(bytes) => (Opcode::Binary, bytes.as_slice()),
        Owned::Ping(payload) => (Opcode::Ping, payload.as_slice()),
        Owned::Pong(payload) => (Opcode::Pong, payload.as_slice()),
        Owned::Close(None, _) => (Opcode::Close, &[][..]),
        Owned::Close(Some(code), reason) => {
            return match role {
                Role::Server => write_close_masked(out, *code, reason, KEY),
                Role::Client => write_close(out, *code, reason),
            };
        }
    };
    match role {
        Role::Server => write_frame_masked(out, opcode, payload, KEY),
        Role::Client => write_frame(out, opcode, payload),
    }
}
