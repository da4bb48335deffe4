//! Our client's half against our server's.

use ringway_protocol::websocket::handshake::Refusal;
use ringway_protocol::webtransport::client::{self, Ask, ConnectStep, ConnectStream};
use ringway_protocol::webtransport::server::{BidiStep, BidiStream};
use ringway_protocol::webtransport::{
    CLOSE_REASON_BYTES_MAX, Code, Connection, Datagram, End, Ended, Role, Step, UniStream, write_close,
    write_control_stream, write_drain,
};

use crate::support::{Server, Told, hex, record, told_however_cut};

const ASK: Ask<'_> = Ask {
    authority: "127.0.0.1:7400",
    target: "/v1?x=y",
    origin: Some("http://localhost:3000"),
    protocols: &["ringway.v1.fb", "with \"quotes\""],
};

/// A client that has the server's SETTINGS and asked on stream 0; its control stream, its request.
fn asking(ask: &Ask<'_>) -> (Connection, ConnectStream, Vec<u8>, Vec<u8>) {
    let mut connection = Connection::new(Role::Client);
    let (mut theirs, mut control, mut request) = (Vec::new(), Vec::new(), Vec::new());
    write_control_stream(Role::Server, &mut theirs);
    let mut input = &theirs[..];
    assert_eq!(UniStream::new().read(&mut connection, &mut input), Ok(Step::Settings));
    write_control_stream(Role::Client, &mut control);
    let stream = ConnectStream::ask(&connection, 0, ask, &mut request).unwrap();
    (connection, stream, control, request)
}

/// Both ends of a session.
fn session() -> (Server, Connection, ConnectStream) {
    let (mut connection, mut stream, control, request) = asking(&ASK);
    let mut server = Server::new();
    server.receive(2, &control).unwrap();
    server.receive(0, &request).unwrap();
    let accepted = stream.read(&mut connection, &mut &server.answer[..]).unwrap();
    assert_eq!(accepted, ConnectStep::Accepted { protocol: Some("ringway.v1.fb".into()) });
    server.told.clear();
    (server, connection, stream)
}

#[test]
fn a_session_stands_with_the_protocol_that_the_client_prefers() {
    let (_, _, control, request) = asking(&ASK);
    let (told, fault) = told_however_cut(&[(2, &control), (0, &request)]);
    assert_eq!(fault, None);
    let [Told::Settings, Told::Request(0, request)] = &told[..] else { panic!("{told:?}") };
    for part in ["127.0.0.1:7400", "/v1?x=y", "http://localhost:3000", "ringway.v1.fb", "with \\\"quotes\\\""]
    {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[test]
fn the_answer_is_read_however_it_is_cut() {
    let (server, ..) = session();
    for cut in 0..=server.answer.len() {
        let (mut connection, mut stream, ..) = asking(&ASK);
        let first = stream.read(&mut connection, &mut &server.answer[..cut]).unwrap();
        let second = stream.read(&mut connection, &mut &server.answer[cut..]).unwrap();
        let accepted = ConnectStep::Accepted { protocol: Some("ringway.v1.fb".into()) };
        let whole = cut == server.answer.len();
        assert_eq!(
            (first, second),
            if whole { (accepted, ConnectStep::More) } else { (ConnectStep::More, accepted) }
        );
        assert_eq!(connection.connect_id(), Some(stream.id()));
    }
}

#[test]
fn a_request_waits_for_the_settings_and_streams_wait_for_the_session() {
    let (_, stream, control, request) = asking(&ASK);
    let (mut uni, mut bidi) = (Vec::new(), Vec::new());
    stream.id().write_uni_header(&mut uni);
    uni.extend_from_slice(b"one");
    stream.id().write_bidi_header(&mut bidi);
    bidi.extend_from_slice(b"two");
    let (told, fault) = told_however_cut(&[(6, &uni), (4, &bidi), (0, &request), (2, &control)]);
    assert_eq!(fault, None);
    assert!(matches!(&told[..2], [Told::Settings, Told::Request(0, _)]), "{told:?}");
    for expected in [Told::Data(4, b"two".to_vec()), Told::Data(6, b"one".to_vec())] {
        assert!(told.contains(&expected), "{told:?}");
    }
}

#[test]
fn the_server_s_streams_reach_the_client() {
    let (server, mut connection, _) = session();
    let id = server.connection.connect_id().unwrap();
    let (mut uni, mut bidi) = (Vec::new(), Vec::new());
    id.write_uni_header(&mut uni);
    id.write_bidi_header(&mut bidi);
    assert_eq!((&uni[..], &bidi[..]), (&[0x40, 0x54, 0][..], &[0x40, 0x41, 0][..]));
    uni.extend_from_slice(b"raw");
    bidi.extend_from_slice(b"raw");
    let mut input = &uni[..];
    assert_eq!(UniStream::new().read(&mut connection, &mut input), Ok(Step::Data));
    assert_eq!(input, b"raw");
    let mut input = &bidi[..];
    assert_eq!(client::BidiStream::new().read(&connection, &mut input), Ok(Step::Data));
    assert_eq!(input, b"raw");
    // Before the answer is here they wait.
    let (mut early, ..) = asking(&ASK);
    assert_eq!(UniStream::new().read(&mut early, &mut &uni[..]), Ok(Step::Wait));
    assert_eq!(client::BidiStream::new().read(&early, &mut &bidi[..]), Ok(Step::Wait));
}

#[test]
fn datagrams_carry_the_session_and_strangers_are_dropped() {
    let (server, connection, _) = session();
    let mut datagram = Vec::new();
    connection.connect_id().unwrap().write_datagram_prefix(&mut datagram);
    datagram.extend_from_slice(b"now");
    assert_eq!(datagram, b"\0now");
    assert_eq!(server.connection.handle_datagram(&datagram), Ok(Datagram::Data(b"now")));
    assert_eq!(server.connection.handle_datagram(b"\x01now"), Ok(Datagram::Stray));
    assert_eq!(Connection::new(Role::Server).handle_datagram(&datagram), Ok(Datagram::Early));
    for wrong in [&[][..], &[0x40], &[0xff; 8]] {
        let fault = server.connection.handle_datagram(wrong).unwrap_err();
        assert_eq!(fault.code, Code::DatagramError);
    }
}

#[test]
fn either_end_closes_with_a_code_and_a_reason() {
    let (mut server, mut connection, mut stream) = session();
    let mut close = Vec::new();
    write_drain(&mut close);
    write_close(4_001, "geh'n wir schön", &mut close);
    server.receive(0, &close).unwrap();
    assert_eq!(server.told, [Told::Drain, Told::Closed(4_001, "geh'n wir schön".into())]);
    assert_eq!(server.connection.connect_id(), None);

    let mut input = &close[..];
    assert_eq!(stream.read(&mut connection, &mut input), Ok(ConnectStep::Drain));
    let closed = ConnectStep::Closed(Ended { code: 4_001, reason: "geh'n wir schön".into() });
    assert_eq!(stream.read(&mut connection, &mut input), Ok(closed));
    assert_eq!(stream.read(&mut connection, &mut input), Ok(ConnectStep::More));
    assert_eq!(stream.end(&mut connection, End::Finished), Ok(ConnectStep::More));
}

#[test]
fn a_close_is_read_however_it_is_cut_into_frames() {
    let (_, _, control, request) = asking(&ASK);
    let mut capsules = record(0x29 * 1_000 + 0x17, b"grease");
    capsules.extend_from_slice(&record(0x2843, b"\0\0\x0f\xa1bye"));
    for cut in 0..=capsules.len() {
        let (first, second) = capsules.split_at(cut);
        let stream = [&request[..], &record(0x21, b"grease"), &record(0, first), &record(0, second)].concat();
        let (told, fault) = told_however_cut(&[(2, &control), (0, &stream)]);
        let [.., last] = &told[..] else { panic!() };
        if cut == capsules.len() {
            // The second frame is behind the close.
            let [.., closed, Told::Reset(0, fault)] = &told[..] else { panic!("{told:?}") };
            assert_eq!((closed, fault.code), (&Told::Closed(4_001, "bye".into()), Code::MessageError));
        } else {
            assert_eq!((last, fault), (&Told::Closed(4_001, "bye".into()), None));
        }
    }
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut close = Vec::new();
    write_close(1, &"ö€".repeat(1_000), &mut close);
    let (mut server, ..) = session();
    server.receive(0, &close).unwrap();
    let [Told::Closed(1, reason)] = &server.told[..] else { panic!("{:?}", server.told) };
    assert!(reason.len() <= CLOSE_REASON_BYTES_MAX && reason.len() > CLOSE_REASON_BYTES_MAX - 3);
}

#[test]
fn the_end_of_the_stream_is_the_end_of_the_session() {
    for end in [End::Finished, End::Reset] {
        let (mut server, mut connection, mut stream) = session();
        server.end(0, end).unwrap();
        assert_eq!(server.told, [Told::Closed(0, String::new())]);
        assert_eq!(stream.end(&mut connection, end), Ok(ConnectStep::Closed(Ended::default())));
        assert_eq!((server.connection.connect_id(), connection.connect_id()), (None, None));
    }
}

#[test]
fn streams_of_a_session_that_is_over_are_refused() {
    let (mut server, ..) = session();
    server.connection.end_session();
    server.receive(6, &hex("405400")).unwrap();
    server.receive(4, &hex("404100")).unwrap();
    server.receive(10, &hex("405404")).unwrap();
    let codes: Vec<Code> = server
        .told
        .iter()
        .map(|told| match told {
            Told::Stop(_, fault) | Told::Reset(_, fault) => fault.code,
            told => panic!("{told:?}"),
        })
        .collect();
    assert_eq!(codes, [Code::SessionGone, Code::SessionGone, Code::BufferedStreamRejected]);
    assert_eq!(server.connection.handle_datagram(&[0]), Ok(Datagram::Stray));
}

#[test]
fn a_second_session_is_rejected_whether_the_first_stands_or_is_over() {
    let (_, _, _, request) = asking(&ASK);
    for over in [false, true] {
        let (mut server, ..) = session();
        if over {
            server.connection.end_session();
        }
        server.receive(4, &request).unwrap();
        let [Told::Reset(4, fault)] = &server.told[..] else { panic!("{:?}", server.told) };
        assert_eq!(fault.code, Code::RequestRejected);
    }
}

#[test]
fn while_a_request_waits_for_an_answer_there_is_no_other_and_after_a_refusal_there_is() {
    let (_, _, control, request) = asking(&ASK);
    let mut connection = Connection::new(Role::Server);
    UniStream::new().read(&mut connection, &mut &control[..]).unwrap();
    let step = |stream: &mut BidiStream, connection: &mut Connection| {
        stream.read(connection, &mut &request[..]).unwrap()
    };
    let mut first = BidiStream::new(0);
    assert!(matches!(step(&mut first, &mut connection), BidiStep::Request(_)));
    assert_eq!(first.read(&mut connection, &mut &[0][..]), Ok(BidiStep::Wait));
    let BidiStep::Reset(fault) = step(&mut BidiStream::new(4), &mut connection) else { panic!() };
    assert_eq!(fault.code, Code::RequestRejected);
    first.refuse(&mut connection, Refusal::OriginDenied.into(), &mut Vec::new());
    let mut third = BidiStream::new(8);
    assert!(matches!(step(&mut third, &mut connection), BidiStep::Request(_)));
    assert_eq!(third.end(&mut connection, End::Reset), Ok(BidiStep::More));
    let mut fourth = BidiStream::new(12);
    assert!(matches!(step(&mut fourth, &mut connection), BidiStep::Request(_)));
    assert_eq!(fourth.accept(&mut connection, None, &mut Vec::new()).stream(), 12);
}

#[test]
fn a_refusal_of_the_upgrade_is_one_of_the_session() {
    for refusal in Refusal::ALL {
        let (mut connection, mut stream, ..) = asking(&ASK);
        let mut answer = Vec::new();
        BidiStream::new(0).refuse(&mut Connection::new(Role::Server), (*refusal).into(), &mut answer);
        let step = stream.read(&mut connection, &mut &answer[..]);
        assert_eq!(step, Ok(ConnectStep::Refused((*refusal).into())));
    }
}

#[test]
fn a_client_refuses_what_it_did_not_offer_and_takes_no_for_an_answer() {
    let (server, ..) = session();
    let other = Ask { protocols: &["other"], ..ASK };
    let (mut connection, mut stream, ..) = asking(&other);
    let Ok(ConnectStep::Broken(fault)) = stream.read(&mut connection, &mut &server.answer[..]) else {
        panic!()
    };
    assert_eq!(fault.code, Code::ProtocolNotOffered);
    // Who offers nothing has nothing chosen.
    let (mut connection, mut stream, ..) = asking(&Ask { protocols: &[], ..ASK });
    let accepted = stream.read(&mut connection, &mut &server.answer[..]);
    assert_eq!(accepted, Ok(ConnectStep::Accepted { protocol: None }));

    let (mut server, mut connection, mut stream) = (Server::new(), asking(&ASK).0, asking(&ASK).1);
    server.receive(0, &hex("01 04 0000 d1 d7")).unwrap();
    let [Told::Reset(0, fault)] = &server.told[..] else { panic!("{:?}", server.told) };
    assert_eq!(fault.code, Code::MessageError);
    server.receive(4, &hex("01 05 0000 d1 d7 c1")).unwrap();
    let Ok(ConnectStep::Refused(status)) = stream.read(&mut connection, &mut &server.answer[..]) else {
        panic!()
    };
    assert_eq!(status.number(), 405);
}

#[test]
fn a_client_waits_out_what_is_only_announced() {
    let (server, ..) = session();
    // 103, then 100, then the answer.
    let answer = [hex("01 03 0000 d8"), hex("01 04 0000 ff00"), server.answer.clone()].concat();
    let (mut connection, mut stream, ..) = asking(&ASK);
    let accepted = stream.read(&mut connection, &mut &answer[..]).unwrap();
    assert!(matches!(accepted, ConnectStep::Accepted { .. }));
    // 101 does not exist here.
    let (mut connection, mut stream, ..) = asking(&ASK);
    let Ok(ConnectStep::Broken(_)) = stream.read(&mut connection, &mut &hex("01 08 0000 5f09 03 313031")[..])
    else {
        panic!()
    };
}

#[test]
fn a_client_asks_only_a_server_that_has_sessions() {
    let mut connection = Connection::new(Role::Client);
    let fault = ConnectStream::ask(&connection, 0, &ASK, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.code, Code::RequirementsNotMet);
    // HTTP/3 with datagrams alone.
    assert_eq!(UniStream::new().read(&mut connection, &mut &hex("00 04 02 3301")[..]), Ok(Step::Settings));
    assert!(ConnectStream::ask(&connection, 0, &ASK, &mut Vec::new()).is_err());
}
