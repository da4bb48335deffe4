use super::*;
use crate::RoomName;
use crate::command::{Join, Leave};

const TIMES: Times = Times { handshake_ms: 5_000, heartbeat_ms: 25_000 };

fn at(ms: u64) -> Monotonic {
    Monotonic(ms * 1_000)
}

fn id(id: u32) -> Option<RequestId> {
    RequestId::new(id)
}

fn hello(protocol: u32) -> Command<'static> {
    Command::Hello(Hello { id: id(1), protocol, ..Hello::default() })
}

fn leave() -> Command<'static> {
    Command::Leave(Leave { id: id(2), room: RoomName::new("a").unwrap() })
}

fn open() -> Server {
    let mut server = Server::new(at(0), Some(Format::Binary));
    assert!(matches!(server.handle_command(hello(1)), Step::Hello(_)));
    server.handle_opened(at(10));
    server
}

fn code_of(step: &Step<'_>) -> Option<ErrorCode> {
    match step {
        Step::Fault(fault) | Step::End(_, Some(fault)) => Some(fault.code),
        _ => None,
    }
}

#[test]
fn hello_comes_first() {
    let mut server = Server::new(at(0), None);
    let step = server.handle_command(leave());
    assert_eq!(step, Step::Fault(Fault::of(id(2), ErrorCode::WrongState)));
    assert!(matches!(server.handle_command(hello(1)), Step::Hello(_)));
    server.handle_opened(at(1));
    assert_eq!(server.handle_command(leave()), Step::Command(leave()));
}

#[test]
fn hello_comes_once() {
    let mut server = open();
    assert_eq!(code_of(&server.handle_command(hello(1))), Some(ErrorCode::WrongState));
    assert!(server.is_open());
}

#[test]
fn another_protocol_version_is_told_and_closed() {
    let mut server = Server::new(at(0), None);
    let step = server.handle_command(hello(2));
    assert!(
        matches!(&step, Step::End(CloseCode::UnsupportedProtocol, Some(fault)) if fault.code == ErrorCode::UnsupportedProtocol)
    );
    assert_eq!(server.handle_command(hello(1)), Step::Ignore);
}

#[test]
fn the_first_message_decides_the_format_unless_it_was_agreed() {
    let mut server = Server::new(at(0), None);
    assert_eq!(server.handle_message(Format::Json), None);
    assert_eq!(server.format(), Some(Format::Json));
    assert_eq!(code_of(&server.handle_message(Format::Binary).unwrap()), Some(ErrorCode::WrongFormat));
    assert_eq!(server.handle_message(Format::Json), Some(Step::Ignore));

    let mut agreed = Server::new(at(0), Some(Format::Binary));
    assert!(matches!(agreed.handle_message(Format::Json), Some(Step::End(CloseCode::ProtocolError, _))));
}

#[test]
fn a_bad_field_is_survived_and_a_bad_frame_is_not() {
    let mut server = open();
    let bad_field =
        DecodeError { code: ErrorCode::BadField, id: id(3), field: "room", message: "is missing" };
    let Step::Fault(fault) = server.handle_undecodable(&bad_field) else { panic!("not survived") };
    assert_eq!((fault.id, fault.to_string()), (id(3), "room: is missing".to_owned()));
    let bad_frame = DecodeError { code: ErrorCode::BadFrame, id: None, field: "", message: "" };
    assert!(matches!(server.handle_undecodable(&bad_frame), Step::End(CloseCode::ProtocolError, Some(_))));
    assert_eq!(server.handle_undecodable(&bad_frame), Step::Ignore);
    let large = DecodeError { code: ErrorCode::FrameTooLarge, id: None, field: "", message: "" };
    assert!(matches!(open().handle_undecodable(&large), Step::End(CloseCode::FrameTooLarge, Some(_))));
}

#[test]
fn a_refused_resume_leaves_the_door_open_and_a_refused_token_does_not() {
    let mut server = Server::new(at(0), None);
    let _ = server.handle_command(hello(1));
    assert_eq!(
        code_of(&server.handle_refused(id(1), ErrorCode::ResumeExpired)),
        Some(ErrorCode::ResumeExpired)
    );
    assert!(matches!(server.handle_command(hello(1)), Step::Hello(_)));
    let step = server.handle_refused(id(1), ErrorCode::TokenInvalid);
    assert!(matches!(step, Step::End(CloseCode::Unauthorized, Some(_))));
    assert!(server.has_ended());
}

#[test]
fn guessing_ends_with_the_last_attempt() {
    let mut server = Server::new(at(0), None);
    for attempt in 1..=HELLO_ATTEMPTS_MAX {
        assert!(matches!(server.handle_command(hello(1)), Step::Hello(_)));
        let step = server.handle_refused(id(1), ErrorCode::ResumeInvalid);
        assert_eq!(matches!(step, Step::End(..)), attempt == HELLO_ATTEMPTS_MAX);
    }
    assert_eq!(server.handle_command(hello(1)), Step::Ignore);
}

#[test]
fn a_connection_that_does_not_greet_is_closed_however_much_it_says() {
    let mut server = Server::new(at(0), None);
    server.handle_heard(at(4_999));
    assert_eq!(server.poll_timeout(&TIMES), Some(at(5_000)));
    assert_eq!(server.handle_timeout(at(4_999), &TIMES), None);
    assert_eq!(server.handle_timeout(at(5_000), &TIMES), Some(CloseCode::HandshakeTimeout));
    assert_eq!(server.poll_timeout(&TIMES), None);
}

#[test]
fn silence_of_two_heartbeats_ends_a_session() {
    let mut server = open();
    server.handle_heard(at(30_000));
    assert_eq!(server.handle_timeout(at(79_999), &TIMES), None);
    assert_eq!(server.handle_timeout(at(80_000), &TIMES), Some(CloseCode::HeartbeatTimeout));
    assert_eq!(server.handle_command(leave()), Step::Ignore);
}

/// Bytes as a list of operations: whatever they are, the invariants of the module hold.
#[test]
fn no_list_of_operations_gets_a_command_through_a_closed_door() {
    let mut random = 1_u64;
    for _ in 0..2_000 {
        let mut server = Server::new(at(0), None);
        let (mut open, mut ended, mut refused) = (false, false, 0);
        for _ in 0..32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let room = RoomName::new("a").unwrap();
            let join =
                Join { id: None, room, since: None, versions: Vec::new(), presence: false, stream: false };
            let step = match random % 8 {
                0 => server.handle_command(hello(1)),
                1 => server.handle_command(Command::Join(join)),
                2 => server.handle_command(Command::Ping { id: None }),
                3 => server.handle_undecodable(&DecodeError {
                    code: ErrorCode::BadField,
                    id: None,
                    field: "",
                    message: "",
                }),
                4 => server.handle_message(Format::Json).unwrap_or(Step::Ignore),
                5 => server.handle_message(Format::Binary).unwrap_or(Step::Ignore),
                6 => server.handle_refused(None, ErrorCode::ResumeInvalid),
                _ => server.handle_command(Command::Refresh(Refresh { id: None, token: "" })),
            };
            match step {
                Step::Hello(_) => {
                    assert!(!open && !ended);
                    if random.is_multiple_of(3) {
                        server.handle_opened(at(1));
                        open = true;
                    } else {
                        refused += 1;
                        assert!(refused <= HELLO_ATTEMPTS_MAX);
                        ended =
                            matches!(server.handle_refused(None, ErrorCode::ResumeInvalid), Step::End(..));
                    }
                }
                Step::Command(_) | Step::Refresh(_) => assert!(open && !ended),
                Step::Fault(_) => assert!(!ended),
                Step::End(..) => {
                    assert!(!ended);
                    ended = true;
                }
                Step::Ignore => {}
            }
            assert_eq!(server.has_ended(), ended);
        }
    }
}
