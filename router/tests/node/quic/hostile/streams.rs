//! Streams and datagrams that a client should not open, fill or send.

use std::time::Duration;

use quinn::{ReadError, TransportConfig, VarInt, WriteError};
use ringway_protocol::{CloseCode, Lane};

use super::{PATIENCE, Quic, RUNTIME, code, left, publication, server, server_with, sum, until};
use crate::sessions::core;

/// What the server says to streams that mean nothing to it.
const STREAM_UNKNOWN: VarInt = VarInt::from_u32(0x100);

#[test]
fn streams_that_mean_nothing_are_refused_one_by_one_and_the_session_goes_on() {
    let server = server(1);
    let mut client = Quic::open(&server);
    client.join("room");
    // Many times what may be open at once: refused ones make room.
    for round in 0..100 {
        let connection = client.connection.clone();
        RUNTIME.block_on(async {
            let refused = async {
                let mut uni = connection.open_uni().await.unwrap();
                let _ = uni.write_all(&[0xff; 3_000]).await;
                assert_eq!(uni.stopped().await, Ok(Some(STREAM_UNKNOWN)));
                let (mut send, mut receive) = connection.open_bi().await.unwrap();
                let _ = send.write_all(b"hello?").await;
                assert_eq!(send.stopped().await, Ok(Some(STREAM_UNKNOWN)));
                assert_eq!(receive.read(&mut [0; 9]).await, Err(ReadError::Reset(STREAM_UNKNOWN)));
            };
            tokio::time::timeout(PATIENCE, refused).await.unwrap();
        });
        if round % 10 == 0 {
            client.publish("room", &round.to_string(), Lane::Reliable);
            assert_eq!(client.text(), round.to_string());
        }
    }
}

#[test]
fn a_client_may_hold_few_streams_open_and_can_t_fill_them() {
    let server = server(1);
    let mut client = Quic::open(&server);
    client.join("room");
    let connection = client.connection.clone();
    let mut held = Vec::new();
    let opened = RUNTIME.block_on(async {
        // It neither ends nor resets what it opened, though it is told to stop.
        while let Ok(opened) = tokio::time::timeout(Duration::from_millis(300), connection.open_uni()).await {
            let mut stream = opened.unwrap();
            stream.write_all(b"0").await.unwrap();
            held.push(stream);
        }
        held.len()
    });
    assert!((1..=16).contains(&opened), "{opened} streams");
    for stream in &mut held {
        let stopped = RUNTIME.block_on(async {
            let written = stream.write_all(&[0; 4 << 20]);
            tokio::time::timeout(PATIENCE, written).await.unwrap()
        });
        assert_eq!(stopped, Err(WriteError::Stopped(STREAM_UNKNOWN)));
    }
    client.publish("room", "still here", Lane::Reliable);
    assert_eq!(client.text(), "still here");
}

#[test]
fn a_frame_larger_than_allowed_ends_the_connection_however_it_comes() {
    let server = server_with(1, |options| core(options, |settings| settings.limits.frame_bytes_max = 512));
    let too_large = u64::from(CloseCode::FrameTooLarge.number());
    let mut streaming = Quic::open(&server);
    streaming.publish("room", &"x".repeat(600), Lane::Reliable);
    assert_eq!(streaming.read_type("error")["name"], "frame_too_large");
    assert_eq!(code(&streaming.closed()), too_large);
    let mut sending = Quic::open(&server);
    let frame = sending.encoder.command(&publication("room", &"x".repeat(600), Lane::Unreliable)).to_vec();
    sending.connection.send_datagram(frame.into()).unwrap();
    assert_eq!(sending.read_type("error")["name"], "frame_too_large");
    assert_eq!(code(&sending.closed()), too_large);
    left(&server, 0);
}

#[test]
fn datagrams_before_hello_mean_nothing() {
    let server = server(1);
    let mut client = Quic::connect(&server);
    for _ in 0..30 {
        client.connection.send_datagram(vec![0xff; 1_000].into()).unwrap();
    }
    // Behind `hello` they would end the connection.
    until(&server, "all have come", |rims| rims[0].quic_messages_in == 30);
    client.hello(None);
    assert_eq!(client.welcome["type"], "welcome");
    client.join("room");
    client.publish("room", "still here", Lane::Reliable);
    assert_eq!(client.text(), "still here");
}

#[test]
fn a_flood_of_datagrams_holds_up_nobody_else() {
    let server = server(1);
    let mut other = Quic::open(&server);
    other.join("room");
    let mut flooding = Quic::open(&server);
    let frame = flooding.encoder.command(&publication("elsewhere", "flood", Lane::Unreliable)).to_vec();
    for round in 0..50 {
        for _ in 0..200 {
            // It is told to slow down and at last that it is flooding.
            if flooding.connection.send_datagram(frame.clone().into()).is_err() {
                break;
            }
        }
        other.publish("room", &round.to_string(), Lane::Reliable);
        assert_eq!(other.text(), round.to_string());
    }
    assert!(sum(&server, |rim| rim.quic_messages_in) > 0);
}

#[test]
fn a_client_that_stops_the_control_stream_has_left() {
    let server = server(1);
    let mut watcher = Quic::open(&server);
    watcher.join("room");
    let mut leaving = Quic::open_with(&server, TransportConfig::default());
    leaving.join("room");
    leaving.receive.stop(VarInt::from_u32(7)).unwrap();
    watcher.publish("room", "anybody?", Lane::Reliable);
    assert_eq!(code(&leaving.closed()), 0);
    left(&server, 1);
    assert_eq!(Quic::open(&server).join("room")["count"], 2, "its place was free at once");
}

#[test]
fn a_client_that_takes_little_at_a_time_gets_all_of_it() {
    let server = server(1);
    // Of all streams together, so that each write is cut short somewhere.
    let mut narrow = TransportConfig::default();
    narrow.receive_window(VarInt::from_u32(3_000));
    let mut client = Quic::open_with(&server, narrow);
    client.join("room");
    let mut sender = Quic::open(&server);
    sender.join("room");
    for number in 0..20 {
        let text = format!("{number} {}", "x".repeat(8_000));
        sender.publish("room", &text, Lane::Reliable);
        assert_eq!(client.text(), text);
        sender.publish("room", &text, Lane::Latest);
        assert_eq!(client.stream()[0]["text"], text);
    }
}
