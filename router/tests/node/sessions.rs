use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringway::node::{DoorSettings, NodeOptions, TokenSettings};
use ringway_core::Settings;
use ringway_protocol::codec::json;
use ringway_protocol::command::{Command, Hello};
use ringway_protocol::{CloseCode, Format, Lane};
use tungstenite::{Message, WebSocket};

use crate::client::{Client, id};
use crate::patient::Patient;
use crate::support::{Node, next, start};

/// Changes the door before the start.
pub(crate) fn door(options: &mut NodeOptions, change: impl FnOnce(&mut DoorSettings)) {
    change(Arc::make_mut(&mut options.settings.door));
}

/// Changes the core's settings before the start.
pub(crate) fn core(options: &mut NodeOptions, change: impl FnOnce(&mut Settings)) {
    change(Arc::make_mut(&mut options.settings.core));
}

#[test]
fn clients_of_both_formats_share_a_room_in_the_same_order() {
    let node = start(1, |_| {});
    let mut clients = [Client::open(&node, Format::Binary), Client::open(&node, Format::Json)];
    for client in &mut clients {
        assert_eq!(client.join("lobby")["room"], "lobby");
    }
    for round in 0..100 {
        clients[round % 2].publish("lobby", &round.to_string(), Lane::Reliable, false);
        // The other one says the next only after it saw this one, so that one order is the only right one.
        for client in &mut clients {
            let message = client.read_type("message");
            assert_eq!(
                (&message["text"], &message["offset"]),
                (&round.to_string().into(), &(round + 1).into())
            );
        }
    }
}

#[test]
fn several_frames_in_one_message_are_all_handled() {
    let node = start(1, |_| {});
    let mut client = Client::open(&node, Format::Binary);
    let mut encoder = ringway_protocol::codec::BinaryEncoder::new();
    let mut message = Vec::new();
    for number in 1..=5 {
        message.extend_from_slice(encoder.command(&Command::Ping { id: id(number) }));
    }
    client.socket.send(Message::binary(message)).unwrap();
    for number in 1..=5 {
        assert_eq!(client.read()["id"], number);
    }
}

#[test]
fn hello_must_come_first_and_only_in_one_format() {
    let node = start(1, |_| {});
    let mut client = Client::silent(&node, Format::Json);
    client.say(&Command::Ping { id: id(7) });
    let error = client.read();
    assert_eq!((&error["type"], &error["id"], &error["code"]), (&"error".into(), &7.into(), &103.into()));
    client.hello(None);
    assert_eq!(client.welcome["type"], "welcome");
    client.socket.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(client.read()["code"], 106);
    assert_eq!(client.read()["code"], CloseCode::ProtocolError.number());
    assert_eq!(client.close_code(), CloseCode::ProtocolError.number());
}

#[test]
fn garbage_is_told_and_closed_and_nobody_else_notices() {
    let node = start(1, |_| {});
    let mut other = Client::open(&node, Format::Json);
    other.join("room");
    for garbage in [Message::binary(vec![0xff; 100]), Message::binary(vec![]), Message::text("{\"type\":")] {
        let mut socket = node.open("/v1");
        socket.send(garbage.clone()).unwrap();
        let answer = next(&mut socket);
        assert!(matches!(answer, Message::Binary(_) | Message::Text(_)), "{garbage}: {answer}");
        assert!(matches!(next(&mut socket), Message::Close(Some(_))), "{garbage}");
    }
    other.publish("room", "still here", Lane::Reliable, false);
    assert_eq!(other.text(), "still here");
}

#[test]
fn a_frame_over_the_limit_is_closed_as_too_large() {
    let node = start(1, |options| core(options, |settings| settings.limits.frame_bytes_max = 1_000));
    let mut client = Client::open(&node, Format::Binary);
    client.socket.send(Message::binary(vec![0; 1_001])).unwrap();
    assert_eq!(client.close_code(), CloseCode::FrameTooLarge.number());
}

#[test]
fn who_says_no_hello_in_time_is_closed() {
    let node = start(1, |options| door(options, |door| door.handshake_ms = 300));
    let mut silent = Client::over(node.open_in_time("/v1"), Format::Json);
    assert_eq!(silent.close_code(), CloseCode::HandshakeTimeout.number());
}

#[test]
fn who_is_silent_for_two_heartbeats_is_closed_and_who_is_not_stays() {
    // A host may be too busy to let the lively one speak in time; hardly for ten seconds.
    let told = [200, 1_000, 5_000].into_iter().any(only_the_silent_one_is_closed);
    assert!(told, "this host lets nobody speak in time");
}

/// Whether it could be seen: not where the host itself kept the lively one silent for two heartbeats.
fn only_the_silent_one_is_closed(heartbeat_ms: u32) -> bool {
    let node = start(1, |options| core(options, |settings| settings.heartbeat_ms = heartbeat_ms));
    let heartbeats = |count| Duration::from_millis(count * u64::from(heartbeat_ms));
    let mut silent = Client::open(&node, Format::Binary);
    let mut lively = node.open("/v1");
    let (begun, mut spoke) = (Instant::now(), Instant::now());
    let mut text = r#"{"type":"hello","id":1,"protocol":1}"#;
    while begun.elapsed() < heartbeats(4) {
        let speaks = Instant::now();
        if !is_answered(&mut lively, text) {
            // Nothing that it said has been on its way for longer.
            let ago = spoke.elapsed();
            assert!(ago >= heartbeats(2), "it was closed though it spoke {ago:?} ago");
            return false;
        }
        (spoke, text) = (speaks, r#"{"type":"ping","id":2}"#);
        std::thread::sleep(heartbeats(1) / 10);
    }
    assert_eq!(silent.read_type("closing")["code"], CloseCode::HeartbeatTimeout.number());
    assert_eq!(silent.close_code(), CloseCode::HeartbeatTimeout.number());
    true
}

/// Whether this is answered by anything but the end.
fn is_answered(socket: &mut WebSocket<Patient>, text: &str) -> bool {
    let answer = socket.send(Message::text(text)).and_then(|()| socket.read());
    matches!(answer, Ok(Message::Text(text)) if !text.contains("closing"))
}

#[test]
fn a_session_is_resumed_by_its_secret_and_by_nothing_else() {
    let node = start(2, |_| {});
    let first = Client::open(&node, Format::Json);
    let secret = first.welcome["resume"].as_str().unwrap().to_owned();
    let (session, user) = (first.welcome["session"].clone(), first.welcome["user"].clone());
    drop(first);
    let mut again = Client::silent(&node, Format::Binary);
    again.hello(Some(&format!("{secret}AAAA")));
    assert_eq!(again.welcome["code"], 204);
    again.hello(Some(&secret));
    assert_eq!((&again.welcome["session"], &again.welcome["user"]), (&session, &user));
}

#[test]
fn without_anonymous_users_a_token_is_needed() {
    let node = start(1, |options| door(options, |door| door.tokens = TokenSettings::default()));
    let mut client = Client::silent(&node, Format::Json);
    client.hello(None);
    assert_eq!(client.welcome["code"], 200);
    assert_eq!(client.close_code(), CloseCode::Unauthorized.number());
}

#[test]
fn a_command_that_dribbles_in_is_understood_and_none_of_its_bytes_is_lost() {
    let node = start(1, |_| {});
    let mut client = Client::open(&node, Format::Json);
    for number in 1..=3 {
        let mut text = Vec::new();
        json::encode_command(&Command::Ping { id: id(number) }, &mut text);
        let mut bytes = Vec::new();
        let opcode = ringway_protocol::websocket::Opcode::Text;
        ringway_protocol::websocket::write_frame_masked(&mut bytes, opcode, &text, [1, 2, 3, 4]);
        for byte in bytes {
            client.socket.get_mut().write_all(&[byte]).unwrap();
        }
        assert_eq!(client.read()["id"], number);
    }
}

#[test]
fn more_hellos_at_once_than_tokens_are_checked_in_a_turn_are_all_answered() {
    let node = start(1, |_| {});
    let mut clients: Vec<_> = (0..200).map(|_| Client::silent(&node, Format::Json)).collect();
    for client in &mut clients {
        client.say(&Command::Hello(Hello { id: id(1), protocol: 1, ..Hello::default() }));
        // A second command in the same breath waits behind the hello.
        client.say(&Command::Ping { id: id(2) });
    }
    for client in &mut clients {
        assert_eq!(client.read()["type"], "welcome");
        assert_eq!(client.read()["id"], 2);
    }
}

#[test]
fn a_page_of_a_foreign_origin_is_turned_away() {
    let node = start(1, |options| {
        door(options, |door| {
            door.origins =
                ringway_protocol::websocket::handshake::OriginPolicy::new(["https://good.example"]).unwrap();
        });
    });
    for (origin, status) in
        [("https://evil.example", "HTTP/1.1 403"), ("https://good.example", "HTTP/1.1 101")]
    {
        assert_eq!(upgrade_status(&node, &format!("Origin: {origin}\r\n")), status);
    }
}

/// The first line's beginning of the answer to an upgrade of `/v1` with more headers.
pub(crate) fn upgrade_status(node: &Node, headers: &str) -> String {
    let mut stream = node.connect();
    write!(
        stream,
        "GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}
