//! More handshakes than can be served: addresses must show that they can be reached, and those inside go on.

use std::time::{Duration, Instant};

use ringway_protocol::Lane;

use super::raw::{INITIAL_BYTES, Raw, first_datagram};
use super::{PATIENCE, Quic, left, rims, server_with, sum};
use crate::sessions::door;

/// First datagrams, each from a port of its own.
const FLOOD: usize = 1_000;
/// Sent at a time: less than the kernel would drop.
const AT_ONCE: usize = 40;
/// Handshakes under way beyond which an address must be validated.
const UNVALIDATED_MAX: u64 = 64;
/// Each of them lasts so long, since the strangers never answer.
const HANDSHAKE: Duration = Duration::from_secs(10);

#[test]
fn a_flood_of_initials_is_told_to_come_back_and_sessions_go_on() {
    let server = server_with(1, |options| {
        door(options, |door| door.handshake_ms = HANDSHAKE.as_millis() as u64);
    });
    let mut inside = Quic::open(&server);
    inside.join("room");
    let (mut retries, mut honest) = (0, Vec::new());
    let begun = Instant::now();
    for round in 0..FLOOD / AT_ONCE {
        let strangers: Vec<_> = (0..AT_ONCE).map(|_| Raw::to(server.address())).collect();
        strangers.iter().for_each(|stranger| stranger.send(&first_datagram(&server)));
        inside.publish("room", &round.to_string(), Lane::Reliable);
        assert_eq!(inside.text(), round.to_string());
        if round % 8 == 7 {
            // One that answers gets in, whoever else knocks.
            honest.push(Quic::open(&server));
        }
        for stranger in &strangers {
            let mut answers = vec![stranger.receive(PATIENCE).expect("an answer, if only to come back")];
            answers.extend(stranger.take());
            assert!(answers.iter().map(Vec::len).sum::<usize>() <= 3 * INITIAL_BYTES);
            // RFC 9000 §17.2.5: a long header of type 3.
            let is_retry = |answer: &Vec<u8>| answer[0] & 0xf0 == 0xf0 && answer.len() < 200;
            retries += usize::from(answers.iter().any(is_retry));
        }
        let open = sum(&server, |rim| rim.quic_connections);
        assert!(open <= UNVALIDATED_MAX + 1 + honest.len() as u64, "{open} connections");
    }
    let admitted = (FLOOD - retries) as u64;
    // Places become free again with time.
    let turns = 1 + begun.elapsed().as_secs() / HANDSHAKE.as_secs();
    assert!(admitted <= UNVALIDATED_MAX * turns, "{admitted} got a place within {:?}", begun.elapsed());
    assert!(rims(&server)[0].quic_retries >= retries as u64);
    for client in &mut honest {
        client.join("room");
    }
    inside.publish("room", "all here", Lane::Reliable);
    honest.iter_mut().for_each(|client| assert_eq!(client.text(), "all here"));
    // The strangers never say hello.
    left(&server, 1 + honest.len() as u64);
}
