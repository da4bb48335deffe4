//! Peers that say what is not to be said. What node 1 says here is put into its streams as bytes.

use ringway_link::{Fault, GoodbyeReason, Head, Kind, Unknown, Window, Word};

use super::*;
use crate::quic::write::write;
use link::id_of;

/// Node 1 says these bytes on a stream of the link.
fn say(net: &mut Net, stream: StreamNumber, bytes: &[u8]) {
    let links = net.links(1);
    let (index, link) = links.link_of(NodeId(2)).expect("a link that is up");
    assert_eq!(write(link.connection.send_stream(id_of(stream)), bytes), Ok(bytes.len()));
    links.touch(index);
}

fn word(word: Word<'_>) -> Vec<u8> {
    encoded(&Frame::Word(word))
}

/// Node 2 ends the link for what node 1 says, tells node 1 why, and takes it back later.
#[track_caller]
fn assert_fault(stream: StreamNumber, bytes: &[u8], fault: Fault) {
    let mut net = linked(1);
    say(&mut net, stream, bytes);
    net.run_until(10, |net| !net.is_up(2, 1));
    net.run_until(100, |net| !net.is_up(1, 2));
    let of_two = match net.events_of(2)[..] {
        [LinkEvent::Down { node: NodeId(1), why: LinkDown::Fault(error) }] => *error,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(of_two.fault, fault);
    let text = of_two.to_string();
    let why = LinkDown::Goodbye { reason: GoodbyeReason::Fault, number: fault.number(), text };
    assert_eq!(net.events_of(1), [&LinkEvent::Down { node: NodeId(2), why }]);
    net.run_until(1_000, |net| net.is_up(1, 2) && net.is_up(2, 1));
}

#[test]
fn bytes_that_are_no_frame_end_the_link_with_their_number() {
    assert_fault(5, &u32::MAX.to_le_bytes(), Fault::TooLarge);
    assert_fault(5, &15_u32.to_le_bytes(), Fault::TooShort);
    let mut unknown = encoded(&frame(5, 1, &[]));
    unknown[4] = 0x7f;
    assert_fault(5, &unknown, Fault::UnknownKind);
    let mut flagged = encoded(&frame(5, 1, &[]));
    flagged[5] = 0x01;
    assert_fault(5, &flagged, Fault::UnknownFlag);
    let mut addressed = word(Word::Ping { token: 1 });
    addressed[6] = 1;
    assert_fault(5, &addressed, Fault::BadAddress);
}

#[test]
fn words_out_of_turn_end_the_link() {
    assert_fault(5, &encoded(&frame(6, 1, &[])), Fault::OutOfTurn);
    let goodbye = word(Word::Goodbye { reason: GoodbyeReason::Stopping, number: 0, text: "" });
    assert_fault(5, &goodbye, Fault::OutOfTurn);
    assert_fault(0, &word(Word::Accepted { version: 1, features: 0 }), Fault::OutOfTurn);
    assert_fault(0, &word(Word::Refusal { number: 200, text: "" }), Fault::OutOfTurn);
    let authority = made_authority(CLUSTER);
    let identity = setup(shown(&authority, 1), 1).identity;
    assert_fault(0, &word(Word::Hello(identity.hello())), Fault::OutOfTurn);
}

#[test]
fn credit_that_is_taken_back_ends_the_link() {
    assert_fault(3, &word(Word::Window(Window { bytes: 1, frames: 1 })), Fault::WindowFell);
}

#[test]
fn more_than_the_credit_ends_the_link() {
    // Nobody polls, and the bound of frames is met first.
    let mut net = linked(1);
    net.machine(2).polls = false;
    let span = LinkBounds::default().span;
    say(&mut net, 5, &encoded(&frame(5, 1, &[])).repeat(span.frames as usize));
    net.run(100);
    assert_eq!(net.links(2).views().next().map(|view| view.frames_held), Some(span.frames as usize));
    say(&mut net, 5, &encoded(&frame(5, 1, &[])));
    net.run_until(100, |net| !net.is_up(1, 2));
    let number = Fault::BeyondCredit.number();
    assert!(matches!(net.events_of(1)[..], [LinkEvent::Down { why, .. }] if why.number() == number));
    assert_eq!(net.links(2).poll_frame(|_, _| true), None, "what is left of a link that is gone");
}

#[test]
fn a_frame_that_the_caller_can_not_read_ends_the_link() {
    let mut net = linked(1);
    let mut bytes = encoded(&frame(5, 1, &[]));
    // A content that there is not, behind the number of the stream and of the record.
    bytes[ringway_link::HEAD_BYTES + 4 + 8] = 99;
    say(&mut net, 5, &bytes);
    net.run_until(10, |net| net.machines[&2].frames.len() == 1);
    let error = decode(&net.machines[&2].frames[0].1).expect_err("no frame");
    let now = net.now;
    net.links(2).handle_fault(now, NodeId(1), error);
    net.run_until(100, |net| !net.is_up(1, 2));
    let number = Fault::BadValue.number();
    assert!(matches!(net.events_of(1)[..], [LinkEvent::Down { why, .. }] if why.number() == number));
    assert_eq!(net.events_of(2), [&LinkEvent::Down { node: NodeId(1), why: LinkDown::Fault(error) }]);
}

#[test]
fn kinds_of_a_newer_version_are_skipped_if_they_may_be() {
    let mut net = linked(1);
    let known = encoded(&frame(5, 1, &[]));
    let mut head = Head::of(&known).unwrap();
    (head.kind, head.flags) = (0x7f, 0x80);
    assert!(Kind::from_u8(head.kind).is_none());
    let span = LinkBounds::default().span;
    // They cost credit, which comes back though nobody polls them.
    for _ in 0..2 * span.frames {
        net.run_until(100, |net| net.links(1).room(NodeId(2), 5) > 0);
        net.links(1).push(NodeId(2), &Frame::Unknown(Unknown { head, body: b"new" })).unwrap();
    }
    net.links(1).push(NodeId(2), &frame(5, 2, &[])).unwrap();
    net.run_until(100, |net| net.machines[&2].frames.len() == 1);
    assert_eq!(told(&net.machines[&2].frames[0].1), (5, 2));
    assert_eq!(net.links(2).figures().frames_skipped, 2 * span.frames);
    assert_eq!(net.events, []);
}

#[test]
fn pings_are_answered_and_a_flood_of_them_is_no_burden() {
    let mut net = linked(1);
    let before = net.links(2).figures().datagrams_out;
    say(&mut net, 7, &word(Word::Ping { token: 1 }).repeat(10_000));
    net.run(100);
    assert!(net.is_up(1, 2) && net.is_up(2, 1));
    assert!(net.links(2).figures().datagrams_out - before < 200);
    assert!(net.links(2).views().all(|view| view.unsent_bytes == 0));
}

#[test]
fn who_ends_a_stream_has_ended_the_link() {
    let mut net = linked(1);
    let links = net.links(1);
    let (index, link) = links.link_of(NodeId(2)).unwrap();
    link.connection.send_stream(id_of(9)).finish().unwrap();
    links.touch(index);
    net.run_until(100, |net| !net.is_up(2, 1) && !net.is_up(1, 2));
    assert!(matches!(net.events_of(2)[..], [LinkEvent::Down { why: LinkDown::Broken(_), .. }]));
}

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let mut net = linked(1);
    let mut random = 3;
    for length in 0..1_500 {
        let bytes: Vec<u8> = (0..length).map(|_| backoff::next_random(&mut random) as u8).collect();
        let envelope = crate::quic::datagram::Envelope { socket: 0, from: address(9), to: None, ecn: None };
        let now = net.now;
        net.links(2).handle_datagram(now, envelope, &bytes);
    }
    net.run(3_000);
    assert!(net.is_up(1, 2) && net.is_up(2, 1));
    assert_eq!(net.events, []);
}
