use std::io::{Read, Write};

use ringway::node::{FlushChoice, RuntimeChoice};
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{next, start};

#[test]
fn echo_gives_every_message_back_on_every_runtime_and_by_every_way_of_writing() {
    for runtime in [RuntimeChoice::IoUring, RuntimeChoice::Epoll] {
        for flush in [FlushChoice::Send, FlushChoice::Ring] {
            let node = start(1, |options| {
                options.runtime = runtime;
                options.flush = flush;
            });
            let mut socket = node.open("/echo");
            for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
                let message = Message::binary(vec![7; size]);
                socket.send(message.clone()).unwrap();
                assert_eq!(next(&mut socket), message, "{size} bytes, {runtime:?}, {flush:?}");
            }
            socket.send(Message::text("grüße")).unwrap();
            assert_eq!(next(&mut socket), Message::text("grüße"));
        }
    }
}

#[test]
fn a_reader_that_falls_behind_still_gets_every_byte() {
    for flush in [FlushChoice::Send, FlushChoice::Ring] {
        let node = start(1, |options| options.flush = flush);
        let mut socket = node.open("/echo");
        let message = Message::binary((0..4_000_000_u32).map(|byte| byte as u8).collect::<Vec<_>>());
        // The echo can't be written whole before we read: partial writes and a full socket.
        socket.send(message.clone()).unwrap();
        assert!(next(&mut socket) == message);
    }
}

#[test]
fn a_close_frame_is_answered_with_its_code_and_the_end() {
    let node = start(1, |_| {});
    let mut socket = node.open("/echo");
    let frame = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    socket.close(Some(frame.clone())).unwrap();
    assert_eq!(next(&mut socket), Message::Close(Some(frame)));
    assert!(matches!(socket.read(), Err(tungstenite::Error::ConnectionClosed)));
}

#[test]
fn a_frame_that_breaks_the_rules_is_closed_with_the_rfc_s_code() {
    let node = start(1, |_| {});
    let mut socket = node.open("/echo");
    // Not masked.
    socket.get_mut().write_all(&[0x82, 0x01, 0x00]).unwrap();
    let Message::Close(Some(frame)) = next(&mut socket) else { panic!("no close frame") };
    assert_eq!(frame.code, CloseCode::Protocol);
}

#[test]
fn a_request_that_is_no_upgrade_gets_an_answer_and_the_end() {
    let node = start(1, |_| {});
    for (request, status) in [
        ("GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426"),
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404"),
        ("\x16\x03\x01", "HTTP/1.1 400"),
    ] {
        let mut stream = node.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(status), "{request:?}: {answer}");
    }
}

#[test]
fn a_head_that_dribbles_in_is_understood() {
    let node = start(1, |_| {});
    let mut stream = node.connect();
    let head = "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for byte in head.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
}

#[test]
fn an_echo_that_nobody_reads_is_not_read_on_without_bound() {
    let node = start(1, |_| {});
    let mut socket = node.open("/echo");
    let stream = socket.get_mut();
    stream.set_nonblocking(true).unwrap();
    let mut frame = Vec::new();
    let opcode = ringway_protocol::websocket::Opcode::Binary;
    ringway_protocol::websocket::write_frame_masked(&mut frame, opcode, &[7; 60_000], [1, 2, 3, 4]);
    let (mut sent, mut idle) = (0, std::time::Instant::now());
    // It takes what fits into the kernel's buffers and its own bound; a second without progress means that it stopped.
    while idle.elapsed() < std::time::Duration::from_secs(1) {
        match stream.write(&frame[sent % frame.len()..]) {
            Ok(bytes) => {
                sent += bytes;
                idle = std::time::Instant::now();
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(sent < 256 << 20, "it swallows everything");
    }
    // And it goes on once somebody reads.
    let mut other = node.open("/echo");
    other.send(Message::text("other")).unwrap();
    assert_eq!(next(&mut other), Message::text("other"));
    stream.set_nonblocking(false).unwrap();
    for _ in 0..sent / frame.len() {
        assert_eq!(next(&mut socket).len(), 60_000);
    }
}
