//! WebTransport clients, made of the protocol's own client half over quinn.

use quinn::{ConnectionError, Endpoint};
use ringway_protocol::webtransport::client::{Ask, ConnectStep, ConnectStream};
use ringway_protocol::webtransport::{Connection, Role, Step, UniStream, write_close, write_control_stream};
use ringway_protocol::{CloseCode, Format, Lane};
use std::net::SocketAddr;

use super::client::{Quic, RUNTIME, Server, publication, server_with, trusting};
use crate::client::Client;
use crate::support::PATIENCE;

/// How a request was answered.
enum Asked {
    Session(Box<Quic>),
    Refused(u16),
}

fn web(shards: usize, change: impl FnOnce(&mut ringway::node::NodeOptions)) -> Server {
    let server = server_with(shards, change);
    Server { trust: trusting(&server.certificate, b"h3"), ..server }
}

/// Opens a connection and asks for a session.
fn ask(server: &Server, path: &str, origin: Option<&str>) -> Asked {
    let address = server.node.handle.quic_addresses()[0];
    RUNTIME.block_on(async {
        let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let connection =
            endpoint.connect_with(server.trust.clone(), address, "localhost").unwrap().await.unwrap();
        let mut web = Connection::new(Role::Client);
        let mut control = connection.open_uni().await.unwrap();
        let mut bytes = Vec::new();
        write_control_stream(Role::Client, &mut bytes);
        control.write_all(&bytes).await.unwrap();
        let mut settings = connection.accept_uni().await.unwrap();
        let mut reader = UniStream::new();
        loop {
            let mut buffer = [0; 512];
            let count = settings.read(&mut buffer).await.unwrap().unwrap();
            if matches!(reader.read(&mut web, &mut &buffer[..count]), Ok(Step::Settings)) {
                break;
            }
        }
        let (mut request, mut response) = connection.open_bi().await.unwrap();
        let id = quinn::VarInt::from(request.id()).into_inner();
        let what = Ask { authority: "localhost", target: path, origin, protocols: &["ringway.v1.fb"] };
        bytes.clear();
        let mut asking = ConnectStream::ask(&web, id, &what, &mut bytes).unwrap();
        request.write_all(&bytes).await.unwrap();
        loop {
            let mut buffer = [0; 512];
            let count = response.read(&mut buffer).await.unwrap().unwrap_or(0);
            match asking.read(&mut web, &mut &buffer[..count]).unwrap() {
                ConnectStep::More => assert_ne!(count, 0, "an answer"),
                ConnectStep::Refused(status) => return Asked::Refused(status.to_string().parse().unwrap()),
                ConnectStep::Accepted { protocol } => {
                    assert_eq!(protocol.as_deref(), Some("ringway.v1.fb"));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        let session = web.connect_id().unwrap();
        let (mut send, receive) = connection.open_bi().await.unwrap();
        bytes.clear();
        session.write_bidi_header(&mut bytes);
        send.write_all(&bytes).await.unwrap();
        let mut heads = (Vec::new(), Vec::new());
        session.write_uni_header(&mut heads.0);
        session.write_datagram_prefix(&mut heads.1);
        let mut client = Quic::over(endpoint, connection, send, receive);
        client.head = (heads.0.len(), heads.1.len());
        client.kept = vec![control, request];
        client.connect = Some(response);
        Asked::Session(Box::new(client))
    })
}

fn open(server: &Server) -> Box<Quic> {
    let Asked::Session(mut client) = ask(server, "/v1", Some("https://app.example")) else {
        panic!("refused")
    };
    client.hello(None);
    assert_eq!(client.welcome["type"], "welcome");
    client
}

#[test]
fn a_browsers_session_shares_the_room_on_every_way() {
    for shards in [1, 2] {
        let server = web(shards, |_| {});
        let mut listener = open(&server);
        listener.join("room");
        let mut other = Client::open(&server.node, Format::Json);
        other.join("room");
        other.publish("room", "reliable", Lane::Reliable, false);
        assert_eq!(listener.text(), "reliable");
        other.publish("room", "latest", Lane::Latest, false);
        assert_eq!(listener.stream()[0]["text"], "latest");
        other.publish("room", "unreliable", Lane::Unreliable, false);
        assert_eq!(listener.datagram()[0]["text"], "unreliable");
        let mut datagram = vec![0];
        datagram.extend_from_slice(listener.encoder.command(&publication(
            "room",
            "from below",
            Lane::Unreliable,
        )));
        listener.connection.send_datagram(datagram.into()).unwrap();
        while other.text() != "from below" {}
        assert_eq!(listener.datagram()[0]["text"], "from below");
        let snapshot = server.node.handle.snapshot().wait().unwrap();
        let by_web: u64 = snapshot.shards.iter().map(|shard| shard.rim.web_connections).sum();
        assert_eq!(by_web, 1);
    }
}

#[test]
fn who_asks_for_something_else_or_from_elsewhere_is_refused() {
    let server = web(1, |options| {
        let door = std::sync::Arc::make_mut(&mut options.settings.door);
        door.origins =
            ringway_protocol::websocket::handshake::OriginPolicy::new(["https://app.example"]).unwrap();
    });
    let refused = |path, origin| match ask(&server, path, origin) {
        Asked::Refused(status) => status,
        Asked::Session(_) => 200,
    };
    assert_eq!(refused("/v1", Some("https://evil.example")), 403);
    assert_eq!(refused("/v2", Some("https://app.example")), 404);
    assert_eq!(refused("/v1", Some("https://app.example")), 200);
    assert_eq!(refused("/v1", None), 200, "who is no browser has no origin");
}

#[test]
fn the_session_ends_with_its_code_on_either_side() {
    let server = web(1, |_| {});
    let mut first = open(&server);
    first.join("room");
    // The same session over WebSocket takes over.
    let mut second = Client::silent(&server.node, Format::Json);
    second.hello(first.welcome["resume"].as_str());
    second.join("room");
    assert_eq!(first.read_type("closing")["code"], CloseCode::TakenOver.number());
    let capsules = RUNTIME.block_on(async {
        let connect = first.connect.as_mut().unwrap();
        tokio::time::timeout(PATIENCE, connect.read_to_end(4096)).await.unwrap().unwrap()
    });
    let mut close = Vec::new();
    write_close(CloseCode::TakenOver.number().into(), CloseCode::TakenOver.text(), &mut close);
    assert_eq!(capsules, close);
    assert!(
        matches!(first.closed(), ConnectionError::ApplicationClosed(close) if close.error_code == 0x100_u32.into())
    );

    // A page that closes its session leaves.
    let mut leaving = open(&server);
    assert_eq!(leaving.join("room")["count"], 2);
    let mut close = Vec::new();
    write_close(0, "bye", &mut close);
    let mut request = leaving.kept.pop().unwrap();
    RUNTIME.block_on(async {
        request.write_all(&close).await.unwrap();
        request.finish().unwrap();
    });
    leaving.closed();
    let mut late = open(&server);
    assert_eq!(late.join("room")["count"], 2, "who leaves is gone at once");
}

#[test]
fn a_second_session_on_the_connection_is_refused_and_the_first_goes_on() {
    let server = web(1, |_| {});
    let mut client = open(&server);
    client.join("room");
    let reset = RUNTIME.block_on(async {
        let (mut request, mut response) = client.connection.open_bi().await.unwrap();
        let mut web = Connection::new(Role::Client);
        let mut settings = Vec::new();
        write_control_stream(Role::Server, &mut settings);
        let _ = UniStream::new().read(&mut web, &mut &settings[..]);
        let id = quinn::VarInt::from(request.id()).into_inner();
        let what = Ask { authority: "localhost", target: "/v1", origin: None, protocols: &[] };
        let mut bytes = Vec::new();
        ConnectStream::ask(&web, id, &what, &mut bytes).unwrap();
        request.write_all(&bytes).await.unwrap();
        tokio::time::timeout(PATIENCE, response.read_to_end(4096)).await.unwrap()
    });
    let rejected = quinn::VarInt::from_u32(0x10b);
    assert!(
        matches!(reset, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(code))) if code == rejected),
        "{reset:?}"
    );
    client.publish("room", "unharmed", Lane::Reliable);
    assert_eq!(client.text(), "unharmed");
}
