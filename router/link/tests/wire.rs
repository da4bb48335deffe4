//! The wire itself: what goes in comes out, the bytes are those of `golden.txt`, and they are few.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringway_core::message::PublishRequest;
use ringway_core::{Delivery, Request};
use ringway_link::{
    Address, EncodeError, Fault, Frame, HEAD_BYTES, Head, Kind, Notice, Term, Word, Writer, decode, limit,
};
use ringway_protocol::{BodyKind, Lane};
use samples::{AT, encoded, except, publication, publish};

mod golden;
mod samples;

#[test]
fn every_frame_comes_out_as_it_went_in() {
    for (what, frame) in samples::all() {
        assert_eq!(decode(&encoded(&frame)).as_ref(), Ok(&frame), "{what}");
    }
}

#[test]
fn the_samples_have_every_kind() {
    let found: BTreeSet<u8> =
        samples::all().iter().map(|(_, frame)| Head::of(&encoded(frame)).unwrap().kind).collect();
    for kind in Kind::ALL {
        assert!(found.contains(&(*kind as u8)), "{kind:?} has no sample");
    }
}

/// A change of these bytes is a change of the wire: it needs a new version of the link.
#[test]
fn the_bytes_are_the_golden_ones() {
    let golden = golden::all();
    let samples = samples::all();
    assert_eq!(
        golden.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
        samples.iter().map(|(what, _)| *what).collect::<Vec<_>>(),
        "golden.txt has other frames than the samples"
    );
    for ((what, bytes), (_, frame)) in golden.iter().zip(&samples) {
        assert_eq!(&encoded(frame), bytes, "{what}");
        assert_eq!(decode(bytes).as_ref(), Ok(frame), "{what}");
    }
}

/// `cargo test -p ringway-link --test wire -- --ignored --nocapture` prints what `golden.txt` would be.
#[test]
#[ignore = "prints golden.txt"]
fn print_golden_bytes() {
    let mut text = String::new();
    for (what, frame) in samples::all() {
        writeln!(text, "\n# {what}").unwrap();
        let bytes = encoded(&frame);
        let (head, body) = bytes.split_at(HEAD_BYTES);
        for part in [&head[..4], &head[4..6], &head[6..8], &head[8..12], &head[12..], body] {
            part.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text.push(' ');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    println!("{text}");
}

#[test]
fn a_publication_of_200_bytes_costs_at_most_48_more() {
    for lane in [Lane::Reliable, Lane::Latest, Lane::Unreliable] {
        for except in [None, except()] {
            let frame = Frame::Delivery(AT, publication(lane, except, &[7; 200]));
            let cost = encoded(&frame).len() - 200;
            let keyed = lane != Lane::Reliable;
            assert_eq!(cost, 32 + if keyed { 8 } else { 0 } + if except.is_some() { 8 } else { 0 });
            assert!(cost <= 48);
        }
    }
}

#[test]
fn a_publication_s_frame_is_borrowed() {
    let bytes = encoded(&Frame::Delivery(AT, publication(Lane::Latest, except(), &[7; 200])));
    let Ok(Frame::Delivery(_, Delivery::Publication { frame, .. })) = decode(&bytes) else {
        panic!("no publication");
    };
    assert!(bytes.as_ptr_range().contains(&frame.bytes.as_ptr()));
}

fn refusal(frame: &Frame<'_>) -> EncodeError {
    let mut writer = Writer::new(4096);
    writer.push(&Frame::Word(Word::Ping { token: 1 })).unwrap();
    let before = writer.as_bytes().to_vec();
    let error = writer.push(frame).expect_err("it was written");
    assert_eq!(writer.as_bytes(), before, "a refused frame left bytes");
    error
}

#[test]
fn what_the_peer_would_refuse_is_not_written() {
    let published = |change: fn(PublishRequest) -> PublishRequest| {
        Frame::Request(AT, Request::Publish(Box::new(change(publish()))))
    };
    let cases = [
        (published(|it| PublishRequest { room: "r".repeat(129).into(), ..it }), Fault::BadText, "room"),
        (published(|it| PublishRequest { room: "a\nb".into(), ..it }), Fault::BadText, "room"),
        (published(|it| PublishRequest { user: "u".repeat(129).into(), ..it }), Fault::TooLong, "user"),
        (published(|it| PublishRequest { key: "k".repeat(65).into(), ..it }), Fault::TooLong, "key"),
        (published(|it| PublishRequest { msg_id: Some([0; 33].into()), ..it }), Fault::TooLong, "msg_id"),
        (published(|it| PublishRequest { msg_id: Some([].into()), ..it }), Fault::BadValue, "msg_id"),
        (published(|it| PublishRequest { body_kind: BodyKind::None, ..it }), Fault::BadValue, "body"),
        (published(|it| PublishRequest { body: vec![0; 4096].into(), ..it }), Fault::TooLarge, "frame"),
        (
            Frame::Request(Address { slot: 1, ..AT }, Request::Publish(Box::new(publish()))),
            Fault::BadAddress,
            "room",
        ),
        (
            Frame::Notice(
                Address { term: Term(limit::TERM_MAX + 1), ..AT },
                Notice::Disinterest { handle: samples::ROOM },
            ),
            Fault::BadValue,
            "term",
        ),
    ];
    for (frame, fault, field) in cases {
        assert_eq!(refusal(&frame), EncodeError { fault, field });
    }
}

#[test]
fn a_list_beyond_its_bound_is_not_written() {
    let Delivery::Publication { frame, .. } = publication(Lane::Reliable, None, &[]) else { unreachable!() };
    let Some(session) = except() else { unreachable!() };
    let frames = vec![frame; limit::FRAMES_MAX + 1];
    let reply = Delivery::Reply { session, room: None, last: false, frames };
    assert_eq!(refusal(&Frame::Delivery(AT, reply)).fault, Fault::TooMany);
}
