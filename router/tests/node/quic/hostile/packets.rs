//! UDP datagrams that no QUIC implementation would send, or that nobody answers for.

use ringway_protocol::Lane;

use super::raw::{INITIAL_BYTES, NO_VERSION, Raw, Seeded, first_datagram, long_header};
use super::{Quic, Server, left, server, server_with, sum, until};
use crate::sessions::door;

/// Somebody gets in and is served.
fn serves(server: &Server) {
    let mut client = Quic::open(server);
    client.join("room");
    client.publish("room", "served", Lane::Reliable);
    assert_eq!(client.text(), "served");
    left(server, 1);
}

#[test]
fn an_unknown_version_is_answered_by_those_we_speak_and_never_with_more_bytes() {
    let server = server(1);
    let mut raw = Raw::to(server.address());
    for bytes in [INITIAL_BYTES, 1_472, 9_000] {
        raw.send(&long_header(0xc0, NO_VERSION, b"whoareyou?", b"me", bytes));
        let answers = raw.settle();
        assert_eq!(answers.len(), 1);
        // RFC 9000 §17.2.1: version 0, the IDs the other way round, then versions.
        let [_, 0, 0, 0, 0, ids @ ..] = &answers[0][..] else { panic!("{answers:x?}") };
        let versions = ids.strip_prefix(b"\x02me\x0awhoareyou?").unwrap();
        assert!(versions.chunks(4).any(|version| version == [0, 0, 0, 1]), "{versions:x?}");
        assert!(answers[0].len() < bytes);
    }
    // Smaller ones may come from anybody in somebody's name (RFC 9000 §5.2.2); one of version 0 is such an answer itself.
    for bytes in [7, 25, 600, INITIAL_BYTES - 1] {
        raw.send(&long_header(0xc0, NO_VERSION, b"a", b"b", bytes));
    }
    raw.send(&long_header(0xc0, 0, b"whoareyou?", b"me", INITIAL_BYTES));
    // A draft of QUIC is not QUIC.
    raw.send(&long_header(0xc0, 0xff00_001d, b"whoareyou?", b"me", INITIAL_BYTES));
    let answers = raw.settle();
    assert_eq!(answers.len(), 1, "{answers:x?}");
    assert!(answers[0].starts_with(&long_header(answers[0][0], 0, b"me", b"whoareyou?", 18)));
    serves(&server);
}

#[test]
fn garbage_of_every_size_is_answered_with_less_than_it_brought() {
    let server = server(1);
    let mut raw = Raw::to(server.address());
    let mut seeded = Seeded(20_261_120);
    let (mut sent, mut answered) = (0, 0);
    for bytes in (1..=1_600).chain([4_096, 9_000, 65_507]) {
        let mut garbage = seeded.bytes(bytes);
        // Of all kinds: short headers, long ones of our version, of any version.
        match bytes % 4 {
            0 => garbage[0] = garbage[0] & 0x3f | 0x40,
            1 | 2 => {
                garbage[0] |= 0xc0;
                let version = bytes.min(5);
                garbage[1..version].copy_from_slice(&[0, 0, 0, 1][..version - 1]);
            }
            _ => {}
        }
        raw.send(&garbage);
        let answer: usize = raw.settle().iter().map(Vec::len).sum();
        (sent, answered) = (sent + bytes, answered + answer);
        // What is large enough to begin a connection is looked at later: its answer may come with the next.
        assert!(
            if bytes < INITIAL_BYTES { answer < bytes } else { answered < sent / 4 },
            "{bytes}: {answer}"
        );
    }
    serves(&server);
}

#[test]
fn an_initial_that_is_cut_or_damaged_begins_nothing() {
    let server = server(1);
    let mut raw = Raw::to(server.address());
    let first = first_datagram(&server);
    for cut in (1..100).chain((100..INITIAL_BYTES).step_by(37)) {
        raw.send(&first[..cut]);
        assert_eq!(raw.settle(), Vec::<Vec<u8>>::new(), "cut at {cut}");
    }
    let mut seeded = Seeded(1);
    for _ in 0..300 {
        // In what is encrypted, or in the header that is authenticated with it, but not in the version.
        let place = (5 + seeded.next() % (INITIAL_BYTES as u64 - 5)) as usize;
        let mut damaged = first.clone();
        damaged[place] ^= 1 << (seeded.next() % 8);
        raw.send(&damaged);
        let answer: usize = raw.settle().iter().map(Vec::len).sum();
        assert!(answer < 100, "byte {place}: {answer} bytes came back");
    }
    assert_eq!(sum(&server, |rim| rim.quic_connections + rim.half_open), 0);
    // And it was a good one all the time.
    raw.send(&first);
    assert!(raw.receive(super::PATIENCE).unwrap().len() > 100);
    drop(server);
}

#[test]
fn an_address_that_never_answers_gets_at_most_three_times_what_came_from_it() {
    let server = server_with(1, |options| door(options, |door| door.handshake_ms = 4_000));
    let mut raw = Raw::to(server.address());
    let first = first_datagram(&server);
    raw.send(&first);
    // Several times the server tries again, and at last it says goodbye.
    until(&server, "a handshake that failed", |rims| rims[0].quic_handshakes_failed == 1);
    let answers = raw.settle();
    let (answered, datagrams) = (answers.iter().map(Vec::len).sum::<usize>(), answers.len());
    assert!(datagrams > 2, "it tried {datagrams} times");
    assert!(answered <= 3 * first.len(), "{answered} bytes for {}", first.len());
    left(&server, 0);
    assert_eq!(sum(&server, |rim| rim.quic_handshakes), 0);
}
