//! tungstenite writes what we read, and reads what we write.

use super::support::{Owned, Random, offer};
use ringway_protocol::websocket::{
    Decoder, FrameHeader, Opcode, Role, SERVER_HEADER_BYTES_MAX, prepend_header, write_close,
    write_close_masked, write_fragment_masked, write_frame, write_frame_masked,
};
use std::io::{Cursor, Read, Write};
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role as OracleRole, WebSocket};
use tungstenite::{Error, Message};

/// What the oracle reads from, and writes to.
struct Wire {
    input: Cursor<Vec<u8>>,
    output: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.input.read(buffer)? {
            0 => Err(std::io::ErrorKind::WouldBlock.into()),
            bytes => Ok(bytes),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.output.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn oracle(role: OracleRole, input: Vec<u8>) -> WebSocket<Wire> {
    WebSocket::from_raw_socket(Wire { input: Cursor::new(input), output: Vec::new() }, role, None)
}

/// Everything that the oracle makes of these bytes.
fn read_by_oracle(role: OracleRole, bytes: Vec<u8>) -> Vec<Owned> {
    let mut oracle = oracle(role, bytes);
    let mut items = Vec::new();
    loop {
        items.push(match oracle.read() {
            Ok(Message::Text(text)) => Owned::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Owned::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Owned::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Owned::Pong(payload.to_vec()),
            Ok(Message::Close(None)) => Owned::Close(None, String::new()),
            Ok(Message::Close(Some(frame))) => {
                Owned::Close(Some(frame.code.into()), frame.reason.as_str().to_owned())
            }
            Ok(Message::Frame(_)) => panic!("a raw frame was read"),
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => return items,
            Err(Error::ConnectionClosed) => return items,
            Err(error) => panic!("the oracle refused what we wrote after {} items: {error}", items.len()),
        });
    }
}

/// A conversation, ended by a close frame.
fn conversation(random: &mut Random) -> Vec<Owned> {
    let mut items: Vec<_> = (0..random.below(12))
        .map(|_| match random.below(6) {
            0 => {
                let length = random.below(126);
                Owned::Ping(random.bytes(length))
            }
            1 => {
                let length = random.below(126);
                Owned::Pong(random.bytes(length))
            }
            2 | 3 => {
                let length = random.length();
                Owned::Text(random.text(length))
            }
            _ => {
                let length = random.length();
                Owned::Binary(random.bytes(length))
            }
        })
        .collect();
    let code = [1000, 1001, 1008, 3000, 3502, 4000, 4999][random.below(7)];
    let reason = random.text(20);
    items.push(if random.below(4) == 0 {
        Owned::Close(None, String::new())
    } else {
        Owned::Close(Some(code), reason)
    });
    items
}

/// Opcode and payload of an item.
fn raw(item: &Owned) -> (Opcode, Vec<u8>) {
    match item {
        Owned::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
        Owned::Binary(bytes) => (Opcode::Binary, bytes.clone()),
        Owned::Ping(payload) => (Opcode::Ping, payload.clone()),
        Owned::Pong(payload) => (Opcode::Pong, payload.clone()),
        Owned::Close(None, _) => (Opcode::Close, Vec::new()),
        Owned::Close(Some(code), reason) => {
            (Opcode::Close, [&code.to_be_bytes(), reason.as_bytes()].concat())
        }
    }
}

/// Cuts a payload into up to four fragments, some perhaps empty.
fn fragments(random: &mut Random, payload: &[u8]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = (0..random.below(4)).map(|_| random.below(payload.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(payload.len());
    let mut from = 0;
    cuts.into_iter().map(|to| payload[std::mem::replace(&mut from, to)..to].to_vec()).collect()
}

/// What the oracle makes of a conversation, with messages in fragments and pings between these.
fn written_by_oracle(random: &mut Random, role: OracleRole, items: &[Owned]) -> (Vec<u8>, Vec<Owned>) {
    let mut oracle = oracle(role, Vec::new());
    let mut expected = Vec::new();
    for item in items {
        match item {
            Owned::Ping(payload) => oracle.write(Message::Ping(payload.clone().into())).unwrap(),
            Owned::Pong(payload) => oracle.write(Message::Pong(payload.clone().into())).unwrap(),
            Owned::Close(code, reason) => {
                let frame = code.map(|code| CloseFrame { code: code.into(), reason: reason.as_str().into() });
                oracle.write(Message::Close(frame)).unwrap();
            }
            Owned::Text(_) | Owned::Binary(_) => {
                let (opcode, payload) = raw(item);
                let fragments = fragments(random, &payload);
                let last = fragments.len() - 1;
                for (index, fragment) in fragments.into_iter().enumerate() {
                    if index > 0 && random.below(3) == 0 {
                        oracle.write(Message::Ping(vec![7].into())).unwrap();
                        expected.push(Owned::Ping(vec![7]));
                    }
                    let data = match (index, opcode) {
                        (0, Opcode::Text) => Data::Text,
                        (0, _) => Data::Binary,
                        _ => Data::Continue,
                    };
                    let frame = Frame::message(fragment, OpCode::Data(data), index == last);
                    oracle.write(Message::Frame(frame)).unwrap();
                }
            }
        }
        expected.push(item.clone());
    }
    // A server that sent its close frame waits for the client's: only the bytes matter here.
    let _ = oracle.flush();
    (std::mem::take(&mut oracle.get_mut().output), expected)
}

fn reads_the_oracle(ours: Role, theirs: OracleRole) {
    for seed in 0..120 {
        let mut random = Random(seed);
        let items = conversation(&mut random);
        let (bytes, expected) = written_by_oracle(&mut random, theirs, &items);
        let mut decoder = Decoder::new(ours, 1 << 20);
        let mut read = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let length = 1 + random.below(20_000).min(bytes.len() - at - 1);
            offer(&mut decoder, &bytes[at..at + length], &mut read).unwrap();
            at += length;
        }
        assert!(read == expected, "seed {seed}");
        assert!(decoder.has_ended());
    }
}

#[test]
fn a_server_reads_what_the_oracle_writes_as_a_client() {
    reads_the_oracle(Role::Server, OracleRole::Client);
}

#[test]
fn a_client_reads_what_the_oracle_writes_as_a_server() {
    reads_the_oracle(Role::Client, OracleRole::Server);
}

#[test]
fn the_oracle_reads_what_a_client_writes() {
    for seed in 0..120 {
        let mut random = Random(seed);
        let items = conversation(&mut random);
        let mut out = Vec::new();
        for item in &items {
            let (opcode, payload) = raw(item);
            match item {
                Owned::Close(Some(code), reason) => {
                    write_close_masked(&mut out, *code, reason, random.key());
                }
                Owned::Text(_) | Owned::Binary(_) if random.below(2) == 0 => {
                    let fragments = fragments(&mut random, &payload);
                    let last = fragments.len() - 1;
                    for (index, fragment) in fragments.iter().enumerate() {
                        let opcode = if index == 0 { opcode } else { Opcode::Continuation };
                        write_fragment_masked(&mut out, opcode, fragment, index == last, random.key());
                    }
                }
                _ => write_frame_masked(&mut out, opcode, &payload, random.key()),
            }
        }
        assert!(read_by_oracle(OracleRole::Server, out) == items, "seed {seed}");
    }
}

#[test]
fn the_oracle_reads_what_a_server_writes() {
    for seed in 0..120 {
        let mut random = Random(seed);
        let items = conversation(&mut random);
        let mut out = Vec::new();
        for item in &items {
            let (opcode, payload) = raw(item);
            match item {
                Owned::Close(Some(code), reason) => write_close(&mut out, *code, reason),
                Owned::Text(_) | Owned::Binary(_) if random.below(2) == 0 => {
                    let fragments = fragments(&mut random, &payload);
                    let last = fragments.len() - 1;
                    for (index, fragment) in fragments.iter().enumerate() {
                        let opcode = if index == 0 { opcode } else { Opcode::Continuation };
                        let header = FrameHeader::new(opcode, fragment.len(), index == last);
                        out.extend_from_slice(header.as_bytes());
                        out.extend_from_slice(fragment);
                    }
                }
                Owned::Binary(_) => {
                    let mut frame = vec![0xee; SERVER_HEADER_BYTES_MAX + 3];
                    let payload_start = frame.len();
                    frame.extend_from_slice(&payload);
                    let start = prepend_header(&mut frame, payload_start, opcode);
                    out.extend_from_slice(&frame[start..]);
                }
                _ => write_frame(&mut out, opcode, &payload),
            }
        }
        assert!(read_by_oracle(OracleRole::Client, out) == items, "seed {seed}");
    }
}
