//! The session machines against any peer and any driver: a list of steps, each an operation, a length and so many
//! bytes, which are a frame where the operation takes one (without its prefix in binary, or a JSON text).
//!
//! The server: nothing passes before the session is open or after the end, and only so many tokens are checked. The
//! client: whatever the server says, what it says itself can be read, and what it keeps is bounded.

use std::sync::Arc;

use ringway_protocol::codec::{BinaryEncoder, DecodeError, JsonDecoder, binary, json};
use ringway_protocol::command::Command;
use ringway_protocol::event::Event;
use ringway_protocol::session::client::{
    Client, HELD_BYTES_MAX, JoinOptions, OUTSTANDING_MAX, Options, Publication, Reaction, RoomIndex, State,
    Way,
};
use ringway_protocol::session::server::{HELLO_ATTEMPTS_MAX, Server, Step, Times};
use ringway_protocol::time::Monotonic;
use ringway_protocol::{Body, BodyKind, ErrorCode, Format, Lane, RoomName};

const TIMES: Times = Times { handshake_ms: 5_000, heartbeat_ms: 25_000 };
/// Operations of one input: more show nothing new.
const STEPS_MAX: usize = 256;

pub(crate) fn run(data: &[u8]) {
    server(data);
    client(data);
}

/// Operations with their bytes.
fn steps(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let [operation, length, rest @ ..] = data else { return None };
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        data = rest;
        Some((*operation, bytes))
    })
    .take(STEPS_MAX)
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("at most 255");
    [&length.to_le_bytes(), bytes].concat()
}

fn server(data: &[u8]) {
    let mut server = Server::new(Monotonic(0), None);
    let mut decoder = JsonDecoder::new();
    let (mut now, mut attempts) = (Monotonic(0), 0);
    for (operation, bytes) in steps(data) {
        now = now.plus_ms(u64::from(operation));
        let (was_open, had_ended) = (server.is_open(), server.has_ended());
        let frame = framed(bytes);
        let format = if operation % 8 < 3 { Format::Binary } else { Format::Json };
        let command = match operation % 8 {
            0..3 => binary::decode_command(&frame),
            3..6 => decoder.command(bytes),
            6 => {
                server.handle_heard(now);
                continue;
            }
            _ if bytes.is_empty() => {
                server.handle_end();
                continue;
            }
            _ => {
                let ended = server.handle_timeout(now, &TIMES).is_some();
                assert_eq!(ended, !had_ended && server.has_ended());
                continue;
            }
        };
        let step = match server.handle_message(format) {
            Some(step) => step,
            None => step_of(&mut server, &command),
        };
        match step {
            Step::Hello(_) => {
                assert!(!was_open && !had_ended, "a second hello");
                attempts += 1;
                assert!(attempts <= HELLO_ATTEMPTS_MAX, "a token more than may be checked");
                if bytes.len().is_multiple_of(2) {
                    server.handle_opened(now);
                    assert!(server.is_open());
                } else {
                    let code = ErrorCode::ALL[bytes.len() % ErrorCode::ALL.len()];
                    let refused = server.handle_refused(None, code);
                    assert_eq!(matches!(refused, Step::End(..)), server.has_ended());
                }
            }
            Step::Command(command) => {
                assert!(was_open, "a command through a closed door");
                assert!(!matches!(command, Command::Hello(_) | Command::Refresh(_)));
            }
            Step::Refresh(_) => assert!(was_open, "a refresh through a closed door"),
            Step::Fault(_) => assert!(!had_ended && !server.has_ended()),
            Step::End(..) => assert!(!had_ended && server.has_ended()),
            Step::Ignore => assert!(had_ended),
        }
        assert_eq!(server.poll_timeout(&TIMES).is_none(), server.has_ended());
    }
}

fn step_of<'a>(server: &mut Server, command: &Result<Command<'a>, DecodeError>) -> Step<'a> {
    match command {
        Ok(command) => server.handle_command(command.clone()),
        Err(error) => server.handle_undecodable(error),
    }
}

fn client(data: &[u8]) {
    let options =
        Options { token: Some("token".into()), client: None, versions: data.len().is_multiple_of(2) };
    let mut client = Client::new(Arc::new(options));
    let mut decoder = JsonDecoder::new();
    let mut now = Monotonic(0);
    for (operation, bytes) in steps(data) {
        now = now.plus_ms(u64::from(operation));
        let first = bytes.first().copied().unwrap_or(0);
        let room = RoomIndex(u32::from(first % 4));
        let frame = framed(bytes);
        let way = match operation / 12 % 3 {
            0 => Way::Control,
            1 => Way::Stream(first.into()),
            _ => Way::Apart,
        };
        match operation % 12 {
            0..3 => {
                if let Ok(event) = binary::decode_event(&frame) {
                    hear(&mut client, now, way, &event, &frame);
                }
            }
            3..5 => {
                if let Ok(event) = decoder.event(bytes) {
                    hear(&mut client, now, way, &event, &frame);
                }
            }
            5 => client.handle_connected(now),
            6 => {
                let code = bytes.first_chunk().map(|code| u16::from_be_bytes(*code));
                client.handle_closed(now, code, u64::from(first));
            }
            7 => client.handle_timeout(now),
            8 => {
                let name = RoomName::new(["a", "b:c", "d", "e"][usize::from(first % 4)]).expect("good names");
                client.join(name, JoinOptions::default());
            }
            9 => client.leave(room),
            10 => publish(&mut client, now, bytes),
            _ if first == 0 => client.close(),
            _ => {
                client.ping();
                client.refresh("newer");
            }
        }
        speak(&mut client, now);
        let _ = client.poll_action();
        while client.poll_violation().is_some() {}
        assert!(client.outstanding() <= OUTSTANDING_MAX as u32);
        assert!(
            client.state() != State::Disconnected || client.outstanding() == 0,
            "requests outlive their connection"
        );
    }
}

fn hear(client: &mut Client, now: Monotonic, way: Way, event: &Event<'_>, frame: &[u8]) {
    if client.handle_event_on(now, way, event) == Reaction::UnknownRoom {
        client.hold(frame);
    }
    let mut held = 0;
    while let Some(frame) = client.poll_held() {
        held += frame.len();
        assert!(held <= HELD_BYTES_MAX, "more was held than may be");
        if let Ok(event) = binary::decode_event(&frame) {
            let _ = client.handle_apart(now, &event);
        }
    }
}

fn publish(client: &mut Client, now: Monotonic, bytes: &[u8]) {
    let first = bytes.first().copied().unwrap_or(0);
    let lane = [Lane::Reliable, Lane::Latest, Lane::Unreliable][usize::from(first % 3)];
    let publication = Publication {
        room: RoomName::new("a").expect("a good name"),
        body: Body { kind: BodyKind::Bytes, bytes },
        lane,
        key: None,
        msg_id: None,
        retry: None,
        echo: first.is_multiple_of(2),
        answer: first.is_multiple_of(5),
    };
    let ready = client.state() == State::Ready;
    let published = client.publish(now, &publication).map(|command| readable(&command));
    assert!(ready || published.is_err(), "published without a session");
}

/// Takes what the client has to say.
fn speak(client: &mut Client, now: Monotonic) {
    let mut said = 0;
    while let Some(command) = client.poll_command(now) {
        readable(&command);
        said += 1;
        assert!(said <= 1_000, "it never stops talking");
    }
}

/// What a client says can be read in both formats.
fn readable(command: &Command<'_>) {
    let mut encoder = BinaryEncoder::new();
    assert_eq!(binary::decode_command(encoder.command(command)).as_ref(), Ok(command));
    let mut text = Vec::new();
    json::encode_command(command, &mut text);
    assert_eq!(JsonDecoder::new().command(&text).as_ref(), Ok(command));
}
