//! Native clients over QUIC, in the same rooms as everybody.

mod client;
mod hostile;
mod ways;
mod web;

use std::net::SocketAddr;

use quinn::{ConnectionError, Endpoint};
use ringway_protocol::{CloseCode, Format, Lane};

use crate::client::Client;
use client::{Quic, RUNTIME, Server, code, server, server_with, trusting};

#[test]
fn quic_and_websocket_clients_share_a_room_in_the_same_order() {
    for shards in [1, 2] {
        let server = server(shards);
        let mut quic: Vec<_> = (0..4).map(|_| Quic::open(&server)).collect();
        let mut web = Client::open(&server.node, Format::Json);
        quic.iter_mut().for_each(|client| drop(client.join("room")));
        web.join("room");
        for round in 0..100 {
            if round % 5 == 4 {
                web.publish("room", &round.to_string(), Lane::Reliable, false);
            } else {
                quic[round % 5].publish("room", &round.to_string(), Lane::Reliable);
            }
            // The next is said only after everybody saw this one.
            for client in &mut quic {
                assert_eq!(client.text(), round.to_string());
            }
            assert_eq!(web.text(), round.to_string());
        }
        let snapshot = server.node.handle.snapshot().wait().unwrap();
        let open: u64 = snapshot.shards.iter().map(|shard| shard.rim.quic_connections).sum();
        assert_eq!(open, 4);
        let strays: u64 = snapshot.shards.iter().map(|shard| shard.rim.quic_strays).sum();
        assert_eq!(strays, 0, "the kernel steers every packet to its shard");
    }
}

#[test]
fn a_client_that_changes_its_address_in_mid_conversation_keeps_its_session() {
    let strays = move_in_mid_conversation(&server(2));
    assert_eq!(strays, 0, "the kernel steers every packet to its shard");
}

#[test]
fn shards_pass_on_what_the_kernel_does_not_steer() {
    let strays = move_in_mid_conversation(&server_with(2, |options| options.quic.steering = false));
    assert!(strays > 0, "some packets came to the wrong shard");
}

/// Six clients that change their address before each of five rounds; how many packets came to the wrong shard.
fn move_in_mid_conversation(server: &Server) -> u64 {
    let mut moving: Vec<_> = (0..6).map(|_| Quic::open(server)).collect();
    let mut web = Client::open(&server.node, Format::Binary);
    web.join("room");
    moving.iter_mut().for_each(|client| drop(client.join("room")));
    for round in 0..5 {
        for client in &mut moving {
            let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
            let _inside = RUNTIME.enter();
            client.endpoint.rebind(socket).unwrap();
        }
        for (number, client) in moving.iter_mut().enumerate() {
            client.publish("room", &format!("{round} {number}"), Lane::Reliable);
        }
        let mut heard: Vec<_> = moving.iter().map(|_| web.text()).collect();
        for client in &mut moving {
            let mut texts: Vec<_> = heard.iter().map(|_| client.text()).collect();
            assert_eq!(texts, heard, "everybody hears the same order");
            texts.sort_unstable();
            assert_eq!(texts, (0..6).map(|number| format!("{round} {number}")).collect::<Vec<_>>());
        }
        heard.clear();
    }
    let snapshot = server.node.handle.snapshot().wait().unwrap();
    let migrations: u64 = snapshot.shards.iter().map(|shard| shard.rim.quic_migrations).sum();
    assert_eq!(migrations, 30);
    snapshot.shards.iter().map(|shard| shard.rim.quic_strays).sum()
}

#[test]
fn a_session_goes_from_quic_to_websocket_and_back() {
    let server = server(2);
    let mut first = Quic::open(&server);
    first.join("room");
    let mut second = Client::silent(&server.node, Format::Json);
    second.hello(first.welcome["resume"].as_str());
    assert_eq!(second.welcome["session"], first.welcome["session"]);
    second.join("room");
    assert_eq!(first.read_type("closing")["code"], CloseCode::TakenOver.number());
    assert_eq!(code(&first.closed()), u64::from(CloseCode::TakenOver.number()));
    let mut third = Quic::connect(&server);
    third.hello(second.welcome["resume"].as_str());
    assert_eq!(third.join("room")["count"], 1);
    assert_eq!(second.close_code(), CloseCode::TakenOver.number());
    third.publish("room", "back", Lane::Reliable);
    assert_eq!(third.text(), "back");
}

#[test]
fn garbage_on_the_stream_is_told_and_closed() {
    let server = server(1);
    let mut client = Quic::open(&server);
    client.write(&[0xff; 64]);
    assert_eq!(client.read_type("error")["name"], "frame_too_large");
    assert_eq!(code(&client.closed()), u64::from(CloseCode::FrameTooLarge.number()));
    let mut other = Quic::open(&server);
    other.join("room");
    other.publish("room", "unharmed", Lane::Reliable);
    assert_eq!(other.text(), "unharmed");
}

#[test]
fn a_client_that_leaves_says_so_and_one_that_speaks_another_protocol_does_not_get_in() {
    let server = server(1);
    let mut watcher = Client::open(&server.node, Format::Json);
    assert_eq!(watcher.join("room")["count"], 1);
    let mut leaving = Quic::open(&server);
    assert_eq!(leaving.join("room")["count"], 2);
    leaving.connection.close(1_000_u32.into(), b"bye");
    RUNTIME.block_on(leaving.endpoint.wait_idle());
    let mut late = Quic::open(&server);
    assert_eq!(late.join("room")["count"], 2, "who leaves is gone at once");

    let stranger = Server { trust: trusting(&server.certificate, b"h2"), ..server };
    let refused = RUNTIME.block_on(async {
        let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = stranger.node.handle.quic_addresses()[0];
        endpoint.connect_with(stranger.trust, address, "localhost").unwrap().await
    });
    assert!(matches!(refused, Err(ConnectionError::ConnectionClosed(_))), "{refused:?}");
}
