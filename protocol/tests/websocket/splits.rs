//! Any split of the same bytes gives the same items and the same end: for valid conversations cut at every byte, and
//! for valid, damaged and random bytes cut anywhere.

use super::support::{Owned, Random, offer};
use ringway_protocol::websocket::{
    Decoder, Opcode, Role, Violation, apply_mask, write_close_masked, write_fragment_masked,
    write_frame_masked,
};

const MESSAGE_BYTES_MAX: u32 = 4096;

/// The items, and the violation if there was one.
fn decode(role: Role, pieces: &[&[u8]]) -> (Vec<Owned>, Option<Violation>) {
    let mut decoder = Decoder::new(role, MESSAGE_BYTES_MAX);
    let mut items = Vec::new();
    for piece in pieces {
        if let Err(violation) = offer(&mut decoder, piece, &mut items) {
            assert!(decoder.has_ended());
            return (items, Some(violation));
        }
    }
    (items, None)
}

/// One of everything.
fn sample() -> Vec<u8> {
    let mut out = Vec::new();
    write_frame_masked(&mut out, Opcode::Text, "zürich €".as_bytes(), [1, 2, 3, 4]);
    write_frame_masked(&mut out, Opcode::Binary, &[], [5, 6, 7, 8]);
    write_fragment_masked(&mut out, Opcode::Text, "frag\u{20ac}".as_bytes(), false, [9, 1, 2, 3]);
    write_frame_masked(&mut out, Opcode::Ping, b"between", [4, 5, 6, 7]);
    write_fragment_masked(&mut out, Opcode::Continuation, &[], false, [0, 0, 0, 0]);
    write_fragment_masked(&mut out, Opcode::Continuation, "ment𤭢".as_bytes(), true, [8, 9, 1, 2]);
    write_frame_masked(&mut out, Opcode::Binary, &[7; 130], [3, 4, 5, 6]);
    write_frame_masked(&mut out, Opcode::Pong, &[], [7, 8, 9, 1]);
    write_close_masked(&mut out, 1001_u16, "bye", [2, 3, 4, 5]);
    out.extend_from_slice(b"whatever follows is ignored");
    out
}

#[test]
fn two_cuts_anywhere_change_nothing() {
    let bytes = sample();
    let whole = decode(Role::Server, &[&bytes]);
    assert_eq!(whole.0.len(), 7);
    assert_eq!(whole.1, None);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(decode(Role::Server, &pieces), whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn byte_by_byte_changes_nothing() {
    let bytes = sample();
    let pieces: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(Role::Server, &pieces), decode(Role::Server, &[&bytes]));
}

/// Mostly honest frames, so that the state behind them is reached, and now and then one that is not.
fn hostile(random: &mut Random, role: Role) -> Vec<u8> {
    let mut out = Vec::new();
    let mut in_message = false;
    for _ in 0..1 + random.below(8) {
        match random.below(40) {
            0 => {
                let length = random.below(40);
                out.extend_from_slice(&random.bytes(length));
            }
            1 => {
                // A length that may not be minimal, or far too large, and no payload that fits.
                let length = [random.next(), 125, 126, 65_535, 65_536, 1 << 63][random.below(6)];
                let mask = (random.below(2) as u8) << 7;
                out.extend_from_slice(&[0x82, mask | 127]);
                out.extend_from_slice(&length.to_be_bytes());
            }
            kind => {
                let odd = kind < 5;
                let control = random.below(3) == 0;
                let length = match control {
                    true => [0, 2, 30, 125][random.below(4)],
                    false => [0, 1, 2, 3, 30, 125, 126, 200, 1500, 4096, 4097][random.below(11)],
                };
                let mut payload =
                    if random.below(4) > 0 { random.text(length).into_bytes() } else { random.bytes(length) };
                if odd {
                    payload.truncate(length);
                }
                let opcode = match (odd, control) {
                    (true, _) => random.below(16) as u8,
                    (false, true) => [9, 9, 10, 10, 8][random.below(5)],
                    (false, false) if in_message => 0,
                    (false, false) => 1 + random.below(2) as u8,
                };
                let fin = control || random.below(2) > 0;
                in_message = if control { in_message } else { !fin };
                if opcode == 8 {
                    payload.splice(0..0, [1000_u16, 3001, 1005][random.below(3)].to_be_bytes());
                }
                payload.truncate(if control { 125 } else { 5000 });
                let masked = (role == Role::Server) != (odd && random.below(4) == 0);
                frame(random, opcode, fin, masked, payload, &mut out);
            }
        }
    }
    out
}

fn frame(random: &mut Random, opcode: u8, fin: bool, masked: bool, mut payload: Vec<u8>, out: &mut Vec<u8>) {
    out.push(u8::from(fin) << 7 | opcode);
    let mask = u8::from(masked) << 7;
    match payload.len() {
        length @ 0..=125 => out.push(mask | length as u8),
        length => {
            out.push(mask | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    if masked {
        let key = random.key();
        out.extend_from_slice(&key);
        apply_mask(&mut payload, key);
    }
    out.extend_from_slice(&payload);
}

#[test]
fn hostile_bytes_give_the_same_items_and_the_same_violation_however_they_arrive() {
    let (mut violations, mut items) = (0, 0);
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let role = if random.below(4) == 0 { Role::Client } else { Role::Server };
        let bytes = hostile(&mut random, role);
        let whole = decode(role, &[&bytes]);
        for _ in 0..3 {
            let mut pieces = Vec::new();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let length = if random.below(2) == 0 { 1 } else { 1 + random.below(50) };
                let (piece, after) = rest.split_at(length.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            assert_eq!(decode(role, &pieces), whole, "seed {seed}");
        }
        violations += usize::from(whole.1.is_some());
        items += whole.0.len();
    }
    assert!(violations > 500 && items > 2_000, "the bytes say something: {violations}, {items}");
}
