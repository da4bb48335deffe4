use std::io::{Read, Write};

use ringway::node::{Network, Notice};
use ringway_protocol::{Format, Lane};

use crate::client::Client;
use crate::sessions::{door, upgrade_status};
use crate::support::{PATIENCE, options, start};

#[test]
fn half_open_connections_are_bounded_and_those_inside_go_on() {
    let node = start(1, |options| door(options, |door| door.half_open_max = 3));
    let mut inside = Client::open(&node, Format::Json);
    let waiting: Vec<_> = (0..3).map(|_| node.connect()).collect();
    let mut refused = node.connect();
    assert_eq!(refused.read(&mut [0; 1]).unwrap_or(0), 0, "closed at once");
    let notice = node.notices.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(notice, Notice::Refused { .. }), "{notice:?}");
    inside.join("room");
    inside.publish("room", "hello", Lane::Reliable, false);
    assert_eq!(inside.text(), "hello");
    drop(waiting);
}

#[test]
fn a_connection_that_ends_makes_room() {
    let node = start(1, |options| door(options, |door| door.connections_max = 2));
    let first = Client::open(&node, Format::Json);
    let _second = Client::open(&node, Format::Json);
    let mut third = node.connect();
    assert_eq!(third.read(&mut [0; 1]).unwrap_or(0), 0);
    drop(first);
    // The node notices the end in its own time; until then it refuses.
    let begun = std::time::Instant::now();
    loop {
        let mut stream = node.connect();
        let asked = stream.write_all(b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n");
        if asked.is_ok() && stream.read(&mut [0; 1]).is_ok_and(|bytes| bytes > 0) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn an_address_behind_a_trusted_proxy_has_its_own_limit() {
    let node = start(1, |options| {
        door(options, |door| {
            door.address_connections_max = 1;
            door.trusted_proxies = vec![Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 }];
        });
    });
    let mut held = node.connect();
    held.write_all(
        b"GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Forwarded-For: 192.0.2.7\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .unwrap();
    held.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(upgrade_status(&node, "X-Forwarded-For: 192.0.2.7\r\n"), "HTTP/1.1 429");
    assert_eq!(upgrade_status(&node, "X-Forwarded-For: 192.0.2.8\r\n"), "HTTP/1.1 101");
}

#[test]
fn a_proxy_s_header_says_whose_connection_it_is() {
    let node = start(1, |options| {
        door(options, |door| {
            door.address_connections_max = 1;
            door.trusted_proxies = vec![Network { address: "127.0.0.1".parse().unwrap(), prefix: 32 }];
        });
    });
    let header = |last: u8| {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
        bytes.extend_from_slice(&[192, 0, 2, last, 10, 0, 0, 1, 0x12, 0x34, 0, 80]);
        bytes
    };
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = node.connect();
    for byte in header(7) {
        first.write_all(&[byte]).unwrap();
    }
    first.write_all(b"GET / HT").unwrap();
    let mut other = node.connect();
    other.write_all(&[&header(8), request.as_slice()].concat()).unwrap();
    let mut status = [0; 12];
    other.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 404");
    // It can't be told when the first was counted, but from its answer on it was; it holds 192.0.2.7's only place.
    first.write_all(b"TP/1.1\r\nHost: a\r\n\r\n").unwrap();
    first.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 404");
    let mut same = node.connect();
    let _ = same.write_all(&[&header(7), request.as_slice()].concat());
    assert_eq!(same.read(&mut status).unwrap_or(0), 0, "refused");
    let mut broken = node.connect();
    let _ = broken.write_all(b"\r\n\r\n\0\r\nQUIT\n\xff\x11\x00\x00");
    assert_eq!(broken.read(&mut status).unwrap_or(0), 0, "refused");
}

#[test]
fn a_handshake_that_dribbles_is_cut_while_others_are_served() {
    let node = start(1, |_| {});
    let mut other = Client::open(&node, Format::Json);
    let (mut short, _) = options(1);
    door(&mut short, |door| door.handshake_ms = 300);
    node.reload(&short.settings);
    let mut dribbling = node.connect();
    let head = b"GET /v1 HTTP/1.1\r\nHost: a\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a'));
    let mut cut = false;
    for (number, byte) in head.take(20_000).enumerate() {
        if dribbling.write_all(&[*byte]).is_err() {
            cut = true;
            break;
        }
        if number % 10 == 0 {
            other.say(&ringway_protocol::Command::Ping { id: crate::client::id(5) });
            assert_eq!(other.read()["id"], 5);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    assert!(cut, "it was never cut");
}

#[test]
fn a_head_without_an_end_is_refused_at_the_bound() {
    let node = start(1, |_| {});
    let mut stream = node.connect();
    let mut head = b"GET /v1 HTTP/1.1\r\nHost: a\r\nX-Long: ".to_vec();
    head.resize(17_000, b'a');
    stream.write_all(&head).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[test]
fn ten_thousand_connections_that_come_and_go_leave_nothing_behind() {
    let node = start(2, |_| {});
    let mut steady = Client::open(&node, Format::Binary);
    steady.join("room");
    for round in 0..100 {
        let mut burst: Vec<_> = (0..100).map(|_| node.connect()).collect();
        for (number, stream) in burst.iter_mut().enumerate() {
            if number % 3 == 0 {
                let _ = stream.write_all(b"GET /v1 HTTP/1.1\r\nHost");
            }
        }
        drop(burst);
        steady.publish("room", &round.to_string(), Lane::Reliable, false);
        assert_eq!(steady.text(), round.to_string());
    }
    let begun = std::time::Instant::now();
    loop {
        let snapshot = node.handle.snapshot().wait().unwrap();
        let connections: u64 = snapshot.shards.iter().map(|shard| shard.rim.connections).sum();
        let half_open: u64 = snapshot.shards.iter().map(|shard| shard.rim.half_open).sum();
        if (connections, half_open) == (1, 0) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{connections} connections, {half_open} half-open");
        std::thread::yield_now();
    }
}
