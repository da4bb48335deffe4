//! What WebSocket adds: masks, headers, frames, and the request that begins it.

use std::hint::black_box;

use ringway_protocol::websocket::handshake::{HeadEnd, Request, SUBPROTOCOL_BINARY};
use ringway_protocol::websocket::{Decoder, FrameHeader, Opcode, Role, apply_mask, write_frame_masked};

use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const MESSAGE_BYTES_MAX: u32 = 64 * 1024;
/// What one `recv` gives of a message that is longer.
const PIECE_BYTES: usize = 100;
const UPGRADE: &[u8] = b"GET /v1 HTTP/1.1\r\nHost: rooms.example:7400\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Origin: https://play.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ringway.v1.fb\r\n\r\n";

pub(super) const CASES: &[Case] = &[
    Case::new("websocket mask 16 bytes", |measure| mask(measure, 16)),
    Case::new("websocket mask 64 bytes", |measure| mask(measure, 64)),
    Case::new("websocket mask 140 bytes", |measure| mask(measure, 140)),
    Case::new("websocket mask 1 KiB", |measure| mask(measure, 1_024)),
    Case::new("websocket mask 4 KiB", |measure| mask(measure, 4_096)),
    Case::new("websocket mask 64 KiB", |measure| mask(measure, 65_536)),
    Case::new("websocket frame header", header),
    Case::new("websocket decode, 140 bytes binary", |measure| decode(measure, Opcode::Binary, 140)),
    Case::new("websocket decode, 140 bytes text", |measure| decode(measure, Opcode::Text, 140)),
    Case::new("websocket decode, 4 KiB binary", |measure| decode(measure, Opcode::Binary, 4_096)),
    Case::new("websocket decode, 4 KiB text", |measure| decode(measure, Opcode::Text, 4_096)),
    Case::new("websocket decode, messages cut", decode_cut),
    Case::new("websocket upgrade", upgrade),
];

fn mask(measure: &mut Measure<'_>, bytes: usize) {
    let mut payload = vec![b'x'; bytes];
    apply_mask(&mut payload, KEY);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            apply_mask(black_box(&mut payload), KEY);
        }
    });
}

fn header(measure: &mut Measure<'_>) {
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(FrameHeader::new(Opcode::Binary, black_box(140), true).as_bytes());
        }
    });
}

fn wire(opcode: Opcode, bytes: usize) -> Vec<u8> {
    let (mut wire, payload) = (Vec::new(), vec![b'x'; bytes]);
    for _ in 0..OPERATIONS {
        write_frame_masked(&mut wire, opcode, &payload, KEY);
    }
    wire
}

fn decode(measure: &mut Measure<'_>, opcode: Opcode, bytes: usize) {
    let sent = wire(opcode, bytes);
    // The first detection of the processor's features, for the check of UTF-8, is not part of the path.
    decode_all(&mut decoder(), &mut sent.clone());
    let mut decoder = decoder();
    // Decoding unmasks in place: each round needs the bytes as they were sent.
    measure.run_prepared(
        OPERATIONS,
        &mut sent.clone(),
        |wire| wire.copy_from_slice(&sent),
        |wire| decode_all(&mut decoder, wire),
    );
}

fn decode_cut(measure: &mut Measure<'_>) {
    let sent = wire(Opcode::Binary, 140);
    let mut decoder = decoder();
    measure.run_prepared(
        OPERATIONS,
        &mut sent.clone(),
        |wire| wire.copy_from_slice(&sent),
        |wire| {
            for piece in wire.chunks_mut(PIECE_BYTES) {
                decode_all(&mut decoder, piece);
            }
        },
    );
}

fn decoder() -> Decoder {
    Decoder::new(Role::Server, MESSAGE_BYTES_MAX)
}

fn decode_all(decoder: &mut Decoder, wire: &mut [u8]) {
    let mut at = 0;
    while at < wire.len() {
        let decoded = decoder.decode(&mut wire[at..]).expect("valid frames");
        at += decoded.consumed;
        black_box(decoded.item.is_some());
    }
}

fn upgrade(measure: &mut Measure<'_>) {
    let mut response = Vec::with_capacity(1_024);
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            response.clear();
            let end = HeadEnd::default().find(black_box(UPGRADE)).ok().flatten().expect("a whole head");
            let request = Request::parse(&UPGRADE[..end]).expect("a valid head");
            let upgrade = request.upgrade().expect("a WebSocket upgrade");
            upgrade.write_response(Some(SUBPROTOCOL_BINARY), &mut response);
            black_box(&response);
        }
    });
}
