//! The ways that values take: datagrams, streams of their own, the control stream.

use quinn::TransportConfig;
use ringway_protocol::command::{Command, Leave, Publish};
use ringway_protocol::{CloseCode, Lane, RoomName};

use super::client::{Quic, code, publication, read_stream, server};
use crate::client::id;

#[test]
fn what_may_be_lost_travels_as_datagrams_both_ways() {
    let server = server(1);
    let mut listener = Quic::open(&server);
    listener.join("room");
    let mut sender = Quic::open(&server);
    let frame = sender.encoder.command(&publication("room", "unreliable", Lane::Unreliable)).to_vec();
    sender.connection.send_datagram(frame.into()).unwrap();
    assert_eq!(listener.datagram()[0]["text"], "unreliable");
    // What does not fit a packet takes a stream of its own.
    let long = "x".repeat(3_000);
    sender.publish("room", &long, Lane::Unreliable);
    assert_eq!(listener.stream()[0]["text"], *long);
    // One that is no frame ends the connection, as on the stream: it came from this client and no other.
    sender.connection.send_datagram(vec![0xff; 50].into()).unwrap();
    assert_eq!(sender.read_type("error")["name"], "frame_too_large");
    assert_eq!(code(&sender.closed()), u64::from(CloseCode::FrameTooLarge.number()));
}

/// Allows so many streams that the server opens, and datagrams or not.
fn ways(streams: u32, datagrams: bool) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport.max_concurrent_uni_streams(streams.into());
    if !datagrams {
        transport.datagram_receive_buffer_size(None);
    }
    transport
}

#[test]
fn a_value_of_the_latest_lane_comes_on_a_stream_of_its_own() {
    let server = server(1);
    let mut listener = Quic::open(&server);
    listener.join("room");
    let mut sender = Quic::open(&server);
    sender.join("room");
    for round in 0..20 {
        let text = round.to_string();
        sender.publish("room", &text, Lane::Latest);
        let frames = listener.stream();
        assert_eq!(frames.len(), 1);
        assert_eq!((&frames[0]["text"], &frames[0]["lane"]), (&text.into(), &"latest".into()));
    }
    // Who comes later gets the value behind its `joined`.
    let mut late = Quic::open(&server);
    late.join("room");
    assert_eq!(late.text(), "19");
}

#[test]
fn while_a_client_lets_no_stream_be_opened_only_the_newest_value_waits() {
    let server = server(1);
    let mut listener = Quic::open_with(&server, ways(1, true));
    listener.join("room");
    let mut sender = Quic::open(&server);
    sender.join("room");
    for round in 0..=100 {
        sender.publish("room", &round.to_string(), Lane::Latest);
    }
    // All of it has been through the shard once this is back.
    sender.publish("room", "done", Lane::Reliable);
    assert_eq!(sender.text(), "done");
    assert_eq!(listener.text(), "done");
    let mut texts = vec![listener.stream()[0]["text"].clone()];
    while texts.last() != Some(&"100".into()) {
        texts.push(listener.stream()[0]["text"].clone());
    }
    assert!(texts.len() <= 3, "{texts:?}: what was superseded is not sent");
}

#[test]
fn a_client_without_streams_of_the_server_gets_values_on_the_control_stream() {
    let server = server(1);
    for datagrams in [true, false] {
        let mut listener = Quic::open_with(&server, ways(0, datagrams));
        listener.join("room");
        let mut sender = Quic::open(&server);
        sender.join("room");
        sender.publish("room", "latest", Lane::Latest);
        assert_eq!(listener.text(), "latest");
        sender.publish("room", "unreliable", Lane::Unreliable);
        if datagrams {
            assert_eq!(listener.datagram()[0]["text"], "unreliable");
        } else {
            assert_eq!(listener.text(), "unreliable");
        }
    }
}

#[test]
fn values_of_one_turn_share_a_datagram() {
    let server = server(1);
    let mut listener = Quic::open(&server);
    listener.join("room");
    let mut sender = Quic::open(&server);
    let mut frames = Vec::new();
    for key in ["a", "b", "c", "d"] {
        let Command::Publish(publish) = publication("room", key, Lane::Unreliable) else { unreachable!() };
        let publish = Command::Publish(Publish { key: Some(key), ..publish });
        frames.extend_from_slice(sender.encoder.command(&publish));
    }
    sender.connection.send_datagram(frames.into()).unwrap();
    let texts: Vec<_> = listener.datagram().iter().map(|frame| frame["text"].clone()).collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
}

#[test]
fn a_room_that_was_asked_for_comes_on_a_stream_of_its_own_until_it_is_left() {
    for shards in [1, 2] {
        let server = server(shards);
        let mut listener = Quic::open(&server);
        listener.join("control");
        let mut sender = Quic::open(&server);
        // Twice, to see that the second membership begins anew.
        for _ in 0..2 {
            listener.ask_to_join("room", true);
            let mut room = listener.accept_stream();
            assert_eq!(read_stream(&mut room)[0]["type"], "joined");
            for round in 0..3 {
                sender.publish("room", &round.to_string(), Lane::Reliable);
                assert_eq!(read_stream(&mut room)[0]["text"], *round.to_string());
                sender.publish("control", "there", Lane::Reliable);
                assert_eq!(listener.text(), "there");
            }
            let leave = Leave { id: id(9), room: RoomName::new("room").unwrap() };
            listener.say(&Command::Leave(leave));
            assert_eq!(read_stream(&mut room)[0]["type"], "left");
            assert!(read_stream(&mut room).is_empty(), "the stream ends behind `left`");
        }
        // A client that lets no stream be opened gets the room all the same.
        let mut narrow = Quic::open_with(&server, ways(0, true));
        narrow.ask_to_join("room", true);
        assert_eq!(narrow.read_type("joined")["room"], "room");
        sender.publish("room", "narrow", Lane::Reliable);
        assert_eq!(narrow.text(), "narrow");
    }
}
