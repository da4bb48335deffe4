//! The wire itself: what goes in comes out, the bytes are those of `golden.txt`, and they are few.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringway_cluster::Term;
use ringway_core::message::{Ack, PublishRequest, RegisterRequest};
use ringway_core::record::{Content, KnownRecord, RoomRecord};
use ringway_core::{Asked, Delivery, Edges, Request, SessionKey, ShardId, Target, Told};
use ringway_link::{
    EncodeError, Encoded, Fault, Forms, Frame, HEAD_BYTES, Head, Kind, Notice, Word, Writer, decode, limit,
};
use ringway_protocol::{BodyKind, Format, Lane, Offset, RoomHandle};
use samples::{EXCEPT, ROOM, answer, asked, encoded, many, publication, publish, record, register, told};

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
        for part in [&head[..4], &head[4..6], &head[6..8], &head[8..12], &head[12..20], &head[20..], body] {
            part.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text.push(' ');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    println!("{text}");
}

#[test]
fn a_publication_of_200_bytes_costs_at_most_60_more() {
    for lane in [Lane::Reliable, Lane::Latest, Lane::Unreliable] {
        for except in [None, EXCEPT] {
            let cost = encoded(&many(publication(lane, except, &[7; 200]))).len() - 200;
            let keyed = lane != Lane::Reliable;
            assert_eq!(cost, 44 + if keyed { 8 } else { 0 } + if except.is_some() { 8 } else { 0 });
            assert!(cost <= 60);
        }
    }
}

#[test]
fn a_publication_s_frame_is_borrowed() {
    let bytes = encoded(&many(publication(Lane::Latest, EXCEPT, &[7; 200])));
    let Ok(Frame::Delivery(Told { delivery: Delivery::Publication { frame, .. }, .. })) = decode(&bytes)
    else {
        panic!("no publication");
    };
    assert!(bytes.as_ptr_range().contains(&frame.bytes.as_ptr()));
}

#[test]
fn the_head_says_whom_a_delivery_is_for_and_which_stream_it_takes() {
    for (what, frame) in samples::all() {
        let bytes = encoded(&frame);
        let head = Head::of(&bytes).unwrap();
        let expected = if let Frame::Delivery(told) = &frame { Some(told.edges) } else { None };
        assert_eq!(head.edges(&bytes), Ok(expected), "{what}");
        let address = frame.address();
        assert_eq!(address.is_none(), matches!(frame, Frame::Word(_)), "{what}");
        assert_eq!(head.address(), address.unwrap_or_default(), "{what}");
    }
}

/// A frame as the core shares it: in both formats, or in one.
struct Both {
    binary: Option<&'static [u8]>,
    json: Option<&'static [u8]>,
}

impl Forms for Both {
    fn form(&self, format: Option<Format>) -> Encoded<'_> {
        let format = format.unwrap_or(if self.binary.is_some() { Format::Binary } else { Format::Json });
        let form = if format == Format::Binary { self.binary } else { self.json };
        Encoded { format, bytes: form.expect("that form was made") }
    }
}

#[test]
fn of_a_frame_with_two_forms_the_one_crosses_that_the_delivery_needs() {
    const BINARY: &[u8] = b"binary";
    const JSON: &[u8] = b"json";
    let both = || Both { binary: Some(BINARY), json: Some(JSON) };
    let only = |format| match format {
        Format::Binary => Both { binary: Some(BINARY), json: None },
        Format::Json => Both { binary: None, json: Some(JSON) },
    };
    let written = |told: &Told<Both>| {
        let mut writer = Writer::new(4096);
        let bytes = writer.push_delivery(told).unwrap();
        assert_eq!(writer.as_bytes().len(), bytes);
        writer.as_bytes().to_vec()
    };
    let at = |edges, delivery| Told { slot: ROOM.slot(), edges, term: Term(7), answers: 0, delivery };
    let one = Edges::One(ShardId(3));
    let session = EXCEPT.unwrap().1;

    let changed = Delivery::PresenceChanged { handle: ROOM, frame: both() };
    let bytes = written(&at(Edges::Many(1), changed));
    assert!(bytes.ends_with(BINARY), "what is for many crosses as binary");
    for (format, form) in [(Format::Binary, BINARY), (Format::Json, JSON)] {
        let reply = Delivery::Reply {
            session,
            room: Some(ROOM),
            last: false,
            format,
            frames: vec![only(format), both()],
        };
        let bytes = written(&at(one, reply));
        let Ok(Frame::Delivery(Told { delivery: Delivery::Reply { frames, .. }, .. })) = decode(&bytes)
        else {
            panic!("no reply");
        };
        assert_eq!(frames, [Encoded { format, bytes: form }; 2]);

        let refused = Delivery::JoinRefused { session, handle: ROOM, seat: 1, frame: only(format) };
        assert!(written(&at(one, refused)).ends_with(form), "what has one form crosses in it");
    }
}

/// What [`Writer::push`] writes of a delivery, [`Writer::push_delivery`] writes.
#[test]
fn both_ways_to_write_a_delivery_give_the_same_bytes() {
    for (what, frame) in samples::all() {
        if let Frame::Delivery(told) = &frame {
            let mut writer = Writer::new(64 * 1024);
            writer.push_delivery(told).unwrap();
            assert_eq!(writer.as_bytes(), encoded(&frame), "{what}");
        }
    }
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
fn a_request_that_the_peer_would_refuse_is_not_written() {
    let published =
        |change: fn(PublishRequest) -> PublishRequest| asked(Request::Publish(Box::new(change(publish()))));
    let flush =
        |term, slot| Frame::Request(ShardId(0), Asked { term, number: 1, request: Request::Flush { slot } });
    let ack = Ack { term: Term(8), stream: 1, held: None };
    let crowd = vec![register().members[0].clone(); limit::MEMBERS_MAX + 1];
    let crowded = RegisterRequest { members: crowd, ..register() };
    let cases = [
        (published(|it| PublishRequest { room: "r".repeat(129).into(), ..it }), Fault::BadText, "room"),
        (published(|it| PublishRequest { room: "a\nb".into(), ..it }), Fault::BadText, "room"),
        (published(|it| PublishRequest { user: "u".repeat(129).into(), ..it }), Fault::TooLong, "user"),
        (published(|it| PublishRequest { key: "k".repeat(65).into(), ..it }), Fault::TooLong, "key"),
        (published(|it| PublishRequest { msg_id: Some([0; 33].into()), ..it }), Fault::TooLong, "msg_id"),
        (published(|it| PublishRequest { msg_id: Some([].into()), ..it }), Fault::BadValue, "msg_id"),
        (published(|it| PublishRequest { body_kind: BodyKind::None, ..it }), Fault::BadValue, "body"),
        (published(|it| PublishRequest { body: vec![0; 4096].into(), ..it }), Fault::TooLarge, "frame"),
        (flush(Term(Term::MAX.0 + 1), 1), Fault::BadValue, "term"),
        (flush(Term(u64::MAX), 1), Fault::BadValue, "term"),
        (flush(Term(1), 4096), Fault::BadAddress, "room"),
        (asked(Request::Ack { slot: 1, ack }), Fault::BadValue, "term"),
        (asked(Request::Register(Box::new(crowded))), Fault::TooMany, "members"),
    ];
    for (frame, fault, field) in cases {
        assert_eq!(refusal(&frame), EncodeError { fault, field });
    }
}

#[test]
fn a_delivery_that_the_peer_would_refuse_is_not_written() {
    let session: SessionKey = EXCEPT.unwrap().1;
    let (one, home) = (Edges::One(ShardId(3)), Edges::Home);
    let json = Encoded { format: Format::Json, bytes: b"{}" };
    let reliable = || publication(Lane::Reliable, None, &[7; 8]);
    let to = |edges, delivery| Frame::Delivery(told(edges, delivery));
    let frames = vec![json; limit::FRAMES_MAX + 1];
    let reply = |format, frames| Delivery::Reply { session, room: None, last: false, format, frames };
    let known = |known: Vec<u8>| {
        let record = KnownRecord { offset: Offset(1), age_ms: 0, known: known.into() };
        Content::Known { handle: ROOM, known: vec![record] }
    };
    let anonymous = Content::Publication {
        handle: ROOM,
        offset: Offset(1),
        age_ms: 0,
        known: Some([].into()),
        frame: Encoded { format: Format::Binary, bytes: &[] },
    };
    let unborn = RoomRecord { first: Offset(0), ..samples::records::room_record() };
    let numbered = Told { answers: 1, ..told(Edges::Many(1), reliable()) };
    let moved = Told { slot: 1, ..told(Edges::Many(1), reliable()) };
    let elsewhere = RoomHandle(ROOM.0 ^ 1 << 52);
    let flush = Request::Flush { slot: ROOM.slot() };
    let ack = Request::Ack { slot: ROOM.slot(), ack: Ack { term: Term(0), stream: 1, held: None } };
    let cases = [
        (to(one, reliable()), Fault::BadAddress, "edges"),
        (to(home, reliable()), Fault::BadAddress, "edges"),
        (to(Edges::Many(0), reliable()), Fault::BadAddress, "edges"),
        (to(home, Delivery::Flushed), Fault::BadAddress, "edges"),
        (to(Edges::Many(1), Delivery::Flushed), Fault::BadAddress, "edges"),
        (Frame::Delivery(numbered), Fault::BadAddress, "number"),
        (Frame::Delivery(moved), Fault::BadAddress, "room"),
        (many(Delivery::PresenceChanged { handle: elsewhere, frame: json }), Fault::BadAddress, "room"),
        (many(Delivery::PresenceChanged { handle: ROOM, frame: json }), Fault::BadValue, "frame"),
        (answer(reply(Format::Binary, vec![json])), Fault::BadValue, "frames"),
        (answer(reply(Format::Json, frames)), Fault::TooMany, "frames"),
        (answer(Delivery::Returned(Box::new(flush))), Fault::BadValue, "request"),
        (answer(Delivery::Returned(Box::new(ack))), Fault::BadValue, "request"),
        (record(known(vec![])), Fault::BadValue, "known"),
        (record(known(vec![1; limit::KNOWN_BYTES_MAX + 1])), Fault::TooLong, "known"),
        (record(anonymous), Fault::BadValue, "known"),
        (record(Content::Room(Box::new(unborn))), Fault::BadValue, "first"),
    ];
    for (frame, fault, field) in cases {
        assert_eq!(refusal(&frame), EncodeError { fault, field });
    }
}

#[test]
fn a_notice_that_the_peer_would_refuse_is_not_written() {
    let long = "x".repeat(limit::REASON_BYTES_MAX + 1);
    let user = "u".repeat(129);
    let disconnect =
        |user, code, reason| Frame::Notice(Notice::Disconnect { whom: Target::User(user), code, reason });
    let cases = [
        (disconnect("ann", 2999, ""), Fault::BadValue, "code"),
        (disconnect("ann", 5000, ""), Fault::BadValue, "code"),
        (disconnect("ann", 4000, &long), Fault::TooLong, "reason"),
        (disconnect(&user, 4000, ""), Fault::TooLong, "user"),
    ];
    for (frame, fault, field) in cases {
        assert_eq!(refusal(&frame), EncodeError { fault, field });
    }
}
