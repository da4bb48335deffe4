//! Native clients over QUIC, in the same rooms as everybody.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use ringway_protocol::codec::{BinaryEncoder, FrameReader, binary};
use ringway_protocol::command::{Command, Hello, Join, Publish};
use ringway_protocol::{Body, BodyKind, CloseCode, Format, Lane, RoomName};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::client::{Client, as_json, id};
use crate::support::{Node, PATIENCE, start};
use crate::tls::certificate;

/// Where all clients' endpoints are driven, whatever their tests wait for.
static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

/// A QUIC client that blocks.
struct Quic {
    endpoint: Endpoint,
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    reader: FrameReader,
    encoder: BinaryEncoder,
    waiting: Vec<Value>,
    welcome: Value,
}

/// A node with QUIC, and what its clients need to trust it.
struct Server {
    node: Node,
    trust: ClientConfig,
}

fn server(shards: usize) -> Server {
    let (certificate, config) = certificate();
    let node = start(shards, |options| {
        options.settings.tls = Some(config);
        options.quic = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    });
    Server { node, trust: trusting(&certificate, b"ringway/1") }
}

fn trusting(certificate: &rustls::pki_types::CertificateDer<'static>, protocol: &[u8]) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    ClientConfig::new(Arc::new(quinn::crypto::rustls::QuicClientConfig::try_from(config).unwrap()))
}

impl Quic {
    fn connect(server: &Server) -> Self {
        let address = server.node.handle.quic_addresses()[0];
        let (endpoint, connection, send, receive) = RUNTIME.block_on(async {
            let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            let connecting = endpoint.connect_with(server.trust.clone(), address, "localhost").unwrap();
            let connection = tokio::time::timeout(PATIENCE, connecting).await.unwrap().unwrap();
            let (send, receive) = connection.open_bi().await.unwrap();
            (endpoint, connection, send, receive)
        });
        Self {
            endpoint,
            connection,
            send,
            receive,
            reader: FrameReader::new(16 << 20),
            encoder: BinaryEncoder::new(),
            waiting: Vec::new(),
            welcome: Value::Null,
        }
    }

    fn open(server: &Server) -> Self {
        let mut client = Self::connect(server);
        client.hello(None);
        assert_eq!(client.welcome["type"], "welcome");
        client
    }

    fn hello(&mut self, resume: Option<&str>) {
        self.say(&Command::Hello(Hello { id: id(1), protocol: 1, resume, ..Hello::default() }));
        self.welcome = self.read();
    }

    fn say(&mut self, command: &Command<'_>) {
        let frame = self.encoder.command(command).to_vec();
        self.write(&frame);
    }

    fn write(&mut self, bytes: &[u8]) {
        let Self { send, .. } = self;
        RUNTIME.block_on(async {
            tokio::time::timeout(PATIENCE, send.write_all(bytes)).await.unwrap().unwrap()
        });
    }

    fn read(&mut self) -> Value {
        while self.waiting.is_empty() {
            let Self { receive, reader, waiting, .. } = self;
            let mut bytes = [0; 4096];
            let count = RUNTIME
                .block_on(async { tokio::time::timeout(PATIENCE, receive.read(&mut bytes)).await.unwrap() })
                .unwrap()
                .expect("the stream goes on");
            let mut input = &bytes[..count];
            while let Some(frame) = reader.next(&mut input).unwrap() {
                waiting.push(as_json(&binary::decode_event(frame).unwrap()));
            }
        }
        self.waiting.remove(0)
    }

    fn read_type(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.read();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    fn text(&mut self) -> String {
        self.read_type("message")["text"].as_str().unwrap().to_owned()
    }

    fn join(&mut self, room: &str) -> Value {
        let room = RoomName::new(room).unwrap();
        self.say(&Command::Join(Join {
            id: id(2),
            room,
            since: None,
            versions: Vec::new(),
            presence: false,
        }));
        self.read_type("joined")
    }

    fn publish(&mut self, room: &str, text: &str, lane: Lane) {
        let publish = publication(room, text, lane);
        self.say(&publish);
    }

    /// How the connection ended.
    fn closed(&mut self) -> ConnectionError {
        let Self { connection, .. } = self;
        RUNTIME.block_on(async { tokio::time::timeout(PATIENCE, connection.closed()).await.unwrap() })
    }
}

fn publication<'a>(room: &'a str, text: &'a str, lane: Lane) -> Command<'a> {
    Command::Publish(Publish {
        id: None,
        room: RoomName::new(room).unwrap(),
        body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
        lane,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    })
}

fn code(error: &ConnectionError) -> u64 {
    match error {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("{other} instead of a close"),
    }
}

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
    let server = server(2);
    let mut moving: Vec<_> = (0..6).map(|_| Quic::open(&server)).collect();
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
fn what_may_be_lost_travels_as_datagrams_both_ways() {
    let server = server(1);
    let mut listener = Quic::open(&server);
    listener.join("room");
    let mut sender = Quic::open(&server);
    let frame = sender.encoder.command(&publication("room", "unreliable", Lane::Unreliable)).to_vec();
    sender.connection.send_datagram(frame.into()).unwrap();
    let datagram = RUNTIME
        .block_on(async {
            tokio::time::timeout(PATIENCE, listener.connection.read_datagram()).await.unwrap()
        })
        .unwrap();
    assert_eq!(as_json(&binary::decode_event(&datagram).unwrap())["text"], "unreliable");
    // What does not fit a packet takes the stream, where nothing is lost.
    let long = "x".repeat(3_000);
    sender.publish("room", &long, Lane::Unreliable);
    assert_eq!(listener.text(), long);
    // One that is no frame ends the connection, as on the stream: it came from this client and no other.
    sender.connection.send_datagram(vec![0xff; 50].into()).unwrap();
    assert_eq!(sender.read_type("error")["name"], "frame_too_large");
    assert_eq!(code(&sender.closed()), u64::from(CloseCode::FrameTooLarge.number()));
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

    let (certificate, _) = certificate();
    let stranger = Server { trust: trusting(&certificate, b"h3"), ..server };
    let refused = RUNTIME.block_on(async {
        let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = stranger.node.handle.quic_addresses()[0];
        endpoint.connect_with(stranger.trust, address, "localhost").unwrap().await
    });
    assert!(matches!(refused, Err(ConnectionError::ConnectionClosed(_))), "{refused:?}");
}
