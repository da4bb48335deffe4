//! Peers that say too little: no hello, half a frame, no acknowledgement; and that read nothing.

use quinn::{TransportConfig, VarInt};
use ringway::node::{NodeOptions, NodeSettings, Notice};
use ringway_protocol::command::{Command, Hello};
use ringway_protocol::{CloseCode, Lane};

use super::gate::Gate;
use super::{Quic, RUNTIME, code, left, server_with};
use crate::client::id;
use crate::sessions::{core, door};
use crate::support::{PATIENCE, options};

#[test]
fn who_never_says_a_whole_hello_is_closed_and_leaves_nothing_behind() {
    let server = server_with(1, |options| {
        door(options, |door| {
            door.handshake_ms = 400;
            door.half_open_max = 4;
        });
    });
    // More than may be half-open at once: each must make room for those behind it.
    for _ in 0..2 {
        let mut mute = Quic::connect_in_time(&server);
        let mut halfway = Quic::connect_in_time(&server);
        RUNTIME.block_on(async {
            // On a busy host its time may be over by now.
            let _ = halfway.send.write_all(&[80, 0, 0, 0, 1, 2, 3]).await;
        });
        let timeout = u64::from(CloseCode::HandshakeTimeout.number());
        assert_eq!(code(&mute.closed()), timeout);
        assert_eq!(code(&halfway.closed()), timeout);
        left(&server, 0);
    }
    let patient = NodeSettings { tls: None, ..options(1).0.settings };
    server.node.reload(&patient);
    // A stream that ends before it said anything.
    let mut other = Quic::connect(&server);
    other.send.finish().unwrap();
    assert_eq!(code(&other.closed()), u64::from(CloseCode::ProtocolError.number()));
    left(&server, 0);
    let mut after = Quic::open(&server);
    after.join("room");
    left(&server, 1);
}

#[test]
fn a_frame_that_never_ends_is_closed_for_silence() {
    let server = server_with(1, |options| core(options, |settings| settings.heartbeat_ms = 200));
    let mut client = Quic::connect(&server);
    let hello = Command::Hello(Hello { id: id(1), protocol: 1, ..Hello::default() });
    let bytes = [client.encoder.command(&hello), &[80, 0, 0, 0, 1, 2, 3]].concat();
    client.write(&bytes);
    assert_eq!(client.read()["type"], "welcome");
    assert_eq!(client.read_type("closing")["code"], CloseCode::HeartbeatTimeout.number());
    assert_eq!(code(&client.closed()), u64::from(CloseCode::HeartbeatTimeout.number()));
    left(&server, 0);
}

/// A small outbox, and no limit on what clients publish.
fn small(options: &mut NodeOptions) {
    core(options, |settings| {
        settings.limits.outbox_bytes_max = 128 * 1024;
        settings.limits.work_per_s = u32::MAX;
        settings.limits.work_burst = u32::MAX;
    });
}

#[test]
fn a_client_that_never_acknowledges_is_closed_and_the_others_lose_nothing() {
    let server = server_with(1, small);
    let gate = Gate::before(server.address());
    let mut asleep = Quic::connect_to(gate.address, server.trust.clone(), TransportConfig::default());
    asleep.hello(None);
    asleep.join("room");
    let mut awake = Quic::open(&server);
    awake.join("room");
    gate.shut();
    flood(&mut awake, &server.node.notices);
    // Nobody answers its goodbye.
    left(&server, 1);
    awake.publish("room", "still here", Lane::Reliable);
    assert_eq!(awake.text(), "still here");
}

#[test]
fn a_client_that_never_reads_is_closed_and_the_others_lose_nothing() {
    let server = server_with(1, small);
    let mut narrow = TransportConfig::default();
    narrow.stream_receive_window(VarInt::from_u32(16 * 1024));
    let mut asleep = Quic::open_with(&server, narrow);
    asleep.join("room");
    let mut awake = Quic::open(&server);
    awake.join("room");
    flood(&mut awake, &server.node.notices);
    // What was on its way waits for a reader until the connection is cut.
    assert_eq!(code(&asleep.closed()), u64::from(CloseCode::SlowConsumer.number()));
    left(&server, 1);
    awake.publish("room", "still here", Lane::Reliable);
    assert_eq!(awake.text(), "still here");
}

/// Publishes until another member is closed as a slow consumer.
fn flood(publisher: &mut Quic, notices: &std::sync::mpsc::Receiver<Notice>) {
    let body = "x".repeat(8_000);
    let begun = std::time::Instant::now();
    loop {
        publisher.publish("room", &body, Lane::Reliable);
        assert_eq!(publisher.text(), body);
        match notices.try_recv() {
            Ok(Notice::Closing { close, .. }) => {
                assert_eq!(close.code, CloseCode::SlowConsumer.number());
                return;
            }
            _ => assert!(begun.elapsed() < PATIENCE, "nobody is closed"),
        }
    }
}
