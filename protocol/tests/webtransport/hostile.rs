//! Bytes that no implementation would send: each is answered with the number that the documents ask for, whatever the cuts.

use ringway_protocol::webtransport::server::BidiStream;
use ringway_protocol::webtransport::{Code, Connection, End, Role, UniStream, client};

use crate::support::{Server, Told, hex, long, record, told_however_cut};

const SETTINGS: &str = "00 04 02 3301";
/// For a session at `https://a/v1`, without protocols.
const REQUEST: &str =
    "01 24 0000 cf 2702 3a70726f746f636f6c 0c 7765627472616e73706f7274 d7 5001 61 51 03 2f7631";

fn code(streams: &[(u64, &[u8])]) -> Option<Code> {
    told_however_cut(streams).1.map(|fault| fault.code)
}

/// A server's code for what stands behind SETTINGS on the control stream.
fn control(more: &[u8]) -> Option<Code> {
    code(&[(2, &[&hex(SETTINGS)[..], more].concat())])
}

#[test]
fn a_control_stream_begins_with_settings_and_has_them_once() {
    assert_eq!(code(&[(2, &hex("00 07 01 00"))]), Some(Code::MissingSettings));
    assert_eq!(code(&[(2, &hex("00 21 00"))]), Some(Code::MissingSettings));
    assert_eq!(control(&hex("04 00")), Some(Code::FrameUnexpected));
    assert_eq!(code(&[(2, &hex("00 04 04 3301 3301"))]), Some(Code::SettingsError));
    assert_eq!(code(&[(2, &hex("00 04 01 33"))]), Some(Code::FrameError));
    assert_eq!(code(&[(2, &[&hex("00 04")[..], &long(513)].concat())]), Some(Code::ExcessiveLoad));
    assert_eq!(code(&[(2, &[&hex("00 04")[..], &long((1 << 62) - 1)].concat())]), Some(Code::ExcessiveLoad));
}

#[test]
fn frames_that_do_not_belong_on_the_control_stream_end_the_connection() {
    for kind in [0x00, 0x01, 0x02, 0x05, 0x06, 0x08, 0x09] {
        assert_eq!(control(&[kind, 0]), Some(Code::FrameUnexpected), "{kind:#x}");
    }
    assert_eq!(control(&hex("4041 00")), Some(Code::FrameError));
    assert_eq!(control(&hex("07 00")), Some(Code::FrameError));
    assert_eq!(control(&hex("0d 09 000000000000000000")), Some(Code::FrameError));
    for allowed in ["07 01 00", "0d 01 08", "03 01 00", "40ff 03 010203"] {
        assert_eq!(control(&hex(allowed)), None, "{allowed}");
    }
}

#[test]
fn what_there_is_one_of_is_not_opened_twice_and_does_not_end() {
    let settings = hex(SETTINGS);
    assert_eq!(code(&[(2, &settings), (6, &[0x00])]), Some(Code::StreamCreationError));
    for kind in [0x02, 0x03] {
        assert_eq!(code(&[(2, &[kind]), (6, &[kind])]), Some(Code::StreamCreationError));
    }
    for bytes in [&settings[..], &[0x00], &[0x02, 0xff], &[0x03]] {
        for end in [End::Finished, End::Reset] {
            let mut server = Server::new();
            server.receive(2, bytes).unwrap();
            assert_eq!(server.end(2, end).unwrap_err().code, Code::ClosedCriticalStream);
        }
    }
}

#[test]
fn nobody_pushes() {
    assert_eq!(code(&[(2, &hex("01 00"))]), Some(Code::StreamCreationError));
    let fault = UniStream::new().read(&mut Connection::new(Role::Client), &mut &[0x01][..]).unwrap_err();
    assert_eq!(fault.code, Code::IdError);
}

#[test]
fn streams_of_unknown_types_are_stopped_and_nothing_else() {
    for kind in [0x21_u64, 0x40, 0x53, (1 << 62) - 1] {
        let (told, fault) = told_however_cut(&[(2, &long(kind))]);
        let [Told::Stop(2, stopped)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((stopped.code, fault), (Code::StreamCreationError, None));
    }
    // What a server opens is a session's.
    let connection = Connection::new(Role::Client);
    let fault = client::BidiStream::new().read(&connection, &mut &[0x01, 0x00][..]).unwrap_err();
    assert_eq!(fault.code, Code::StreamCreationError);
}

#[test]
fn a_session_that_can_not_be_ends_the_connection() {
    for id in [1, 2, 3, 5] {
        assert_eq!(code(&[(2, &[&hex("4054")[..], &long(id)].concat())]), Some(Code::IdError));
        assert_eq!(code(&[(4, &[&hex("4041")[..], &long(id)].concat())]), Some(Code::IdError));
    }
}

#[test]
fn a_request_stream_takes_no_other_frames_before_the_head() {
    for kind in [0x00, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0d] {
        assert_eq!(code(&[(0, &[kind, 0])]), Some(Code::FrameUnexpected), "{kind:#x}");
    }
    // A WebTransport stream begins at the beginning or not at all.
    assert_eq!(code(&[(0, &hex("21 00 4041 00"))]), Some(Code::FrameError));
}

#[test]
fn endless_grease_before_the_head_ends_the_connection() {
    let frame = record(0x21, &[0; 100]);
    let endless = frame.repeat(200);
    let mut server = Server::new();
    let fault = server.receive(0, &endless).unwrap_err();
    assert_eq!(fault.code, Code::ExcessiveLoad);
    assert_eq!(code(&[(0, &[&[0x21][..], &long(1 << 40)].concat())]), Some(Code::ExcessiveLoad));
    let empty = hex("21 00").repeat(16 * 1024 + 1);
    assert_eq!(Server::new().receive(0, &empty).unwrap_err().code, Code::ExcessiveLoad);
}

#[test]
fn a_section_that_is_not_qpack_ends_the_connection() {
    for section in
        ["01 01 00", "01 03 02 00 80", "01 03 00 00 80", "01 04 0000 5181", "01 05 0000 51 81 00", "01 00"]
    {
        assert_eq!(code(&[(0, &hex(section))]), Some(Code::DecompressionFailed), "{section}");
    }
}

#[test]
fn a_stream_that_ends_too_early_is_answered_by_where_it_ended() {
    for (bytes, expected) in [
        ("", Ok(Code::RequestIncomplete)),
        ("40", Ok(Code::RequestIncomplete)),
        ("4041", Ok(Code::RequestIncomplete)),
        ("21 00", Ok(Code::RequestIncomplete)),
        ("01 05 00", Err(Code::FrameError)),
        ("01", Err(Code::FrameError)),
    ] {
        let mut server = Server::new();
        server.receive(0, &hex(bytes)).unwrap();
        let told = server.end(0, End::Finished).map(|()| match &server.told[..] {
            [Told::Reset(0, fault)] => fault.code,
            told => panic!("{told:?}"),
        });
        assert_eq!(told.map_err(|fault| fault.code), expected, "{bytes}");
        // Who resets has said all there is.
        let mut server = Server::new();
        server.receive(0, &hex(bytes)).unwrap();
        assert_eq!((server.end(0, End::Reset), &server.told[..]), (Ok(()), &[][..]));
    }
}

/// A session of a client that offers nothing, then these bytes on its stream.
fn session(more: &[u8]) -> (Vec<Told>, Option<Code>) {
    let head = hex(REQUEST);
    let (mut told, fault) = told_however_cut(&[(2, &hex(SETTINGS)), (0, &[&head[..], more].concat())]);
    assert!(matches!(&told[..2], [Told::Settings, Told::Request(0, _)]), "{told:?} {fault:?}");
    (told.split_off(2), fault.map(|fault| fault.code))
}

#[test]
fn a_session_s_stream_takes_data_alone() {
    for kind in [0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x0d] {
        assert_eq!(session(&[kind, 0]), (Vec::new(), Some(Code::FrameUnexpected)), "{kind:#x}");
    }
    assert_eq!(session(&hex("4041 00")), (Vec::new(), Some(Code::FrameError)));
    assert_eq!(session(&hex("21 03 000000 00 00 00 00")), (Vec::new(), None));
}

#[test]
fn a_close_that_can_not_be_breaks_the_session() {
    let long_reason = [&[0; 4][..], &[b'x'; 1025]].concat();
    for capsule in [
        record(0x2843, &[0; 3]),
        record(0x2843, &[]),
        record(0x2843, &long_reason),
        record(0x2843, b"\0\0\0\0\xff"),
        record(0x78ae, &[0]),
        [long(0x2843), long((1 << 62) - 1)].concat(),
    ] {
        let (told, fault) = session(&record(0x0, &capsule));
        let [Told::Broken(broken)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((broken.code, fault), (Code::MessageError, None));
    }
    let close = record(0x0, &record(0x2843, &long_reason[..4 + 1024]));
    assert!(matches!(&session(&close).0[..], [Told::Closed(0, reason)] if reason.len() == 1024));
}

#[test]
fn nothing_follows_a_close() {
    let close = record(0x0, &record(0x2843, &[0, 0, 0, 7]));
    let (told, fault) = session(&[&close[..], &[0]].concat());
    let [Told::Closed(7, _), Told::Reset(0, after)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((after.code, fault), (Code::MessageError, None));
    // Nor in the same frame.
    let both = [record(0x2843, &[0, 0, 0, 7]), record(0x2843, &[0, 0, 0, 8])].concat();
    let (told, _) = session(&record(0x0, &both));
    assert!(matches!(&told[..], [Told::Closed(7, _), Told::Reset(0, _)]), "{told:?}");
}

#[test]
fn capsules_that_mean_nothing_are_skipped_whatever_their_size() {
    // Flow control of sessions, which was not agreed; datagrams as capsules; half the universe of grease.
    let capsules = [
        record(0x190b_4d3f, &[1]),
        record(0x190b_4d3d, &[1]),
        record(0x00, b"datagram"),
        record(0x2843, &[0, 0, 0, 9]),
    ];
    let (told, fault) = session(&record(0x0, &capsules.concat()));
    assert_eq!((told, fault), (vec![Told::Closed(9, String::new())], None));
    let endless = [long(0x17), long((1 << 62) - 1)].concat();
    let frame = [&long(0)[..], &long((1 << 62) - 1), &endless, &[0; 500]].concat();
    assert_eq!(session(&frame), (Vec::new(), None));
}

#[test]
fn a_session_s_stream_that_is_cut_is_broken() {
    for (more, expected) in [("00 02 80", Err(Code::FrameError)), ("00 01 80", Ok(Code::MessageError))] {
        let head = hex(REQUEST);
        let mut server = Server::new();
        server.receive(2, &hex(SETTINGS)).unwrap();
        server.receive(0, &[&head[..], &hex(more)].concat()).unwrap();
        let told = server.end(0, End::Finished).map(|()| match &server.told[2..] {
            [Told::Broken(fault)] => fault.code,
            told => panic!("{told:?}"),
        });
        assert_eq!(told.map_err(|fault| fault.code), expected, "{more}");
    }
}

#[test]
fn readers_are_small() {
    assert!(size_of::<Connection>() <= 32);
    assert!(size_of::<UniStream>() <= 64);
    assert!(size_of::<BidiStream>() <= 32);
}
