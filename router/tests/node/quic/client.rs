//! A QUIC client that blocks, and the node that it talks to.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream, TransportConfig};
use ringway::node::NodeOptions;
use ringway_protocol::codec::{BinaryEncoder, FrameReader, binary};
use ringway_protocol::command::{Command, Hello, Join, Publish};
use ringway_protocol::{Body, BodyKind, Lane, RoomName};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::client::{as_json, id};
use crate::support::{Node, PATIENCE, start};
use crate::tls::certificate;

/// Where all clients' endpoints are driven, whatever their tests wait for.
pub(super) static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

/// A QUIC client that blocks.
pub(super) struct Quic {
    pub(super) endpoint: Endpoint,
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    pub(super) receive: RecvStream,
    pub(super) reader: FrameReader,
    pub(super) encoder: BinaryEncoder,
    pub(super) waiting: Vec<Value>,
    pub(super) welcome: Value,
    /// Bytes before what the server sends on a stream or in a datagram of its own.
    pub(super) head: (usize, usize),
    /// Streams that must stay open.
    pub(super) kept: Vec<SendStream>,
    /// The stream of the session that WebTransport made.
    pub(super) connect: Option<RecvStream>,
}

/// A node with QUIC, and what its clients need to trust it.
pub(super) struct Server {
    pub(super) node: Node,
    pub(super) trust: ClientConfig,
    pub(super) certificate: rustls::pki_types::CertificateDer<'static>,
}

impl Server {
    pub(super) fn address(&self) -> SocketAddr {
        self.node.handle.quic_addresses()[0]
    }
}

pub(super) fn server(shards: usize) -> Server {
    server_with(shards, |_| {})
}

pub(super) fn server_with(shards: usize, change: impl FnOnce(&mut NodeOptions)) -> Server {
    let (certificate, config) = certificate();
    let node = start(shards, |options| {
        options.settings.tls = Some(config);
        options.quic.addresses = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        change(options);
    });
    Server { node, trust: trusting(&certificate, b"ringway/1"), certificate }
}

pub(super) fn trusting(
    certificate: &rustls::pki_types::CertificateDer<'static>,
    protocol: &[u8],
) -> ClientConfig {
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
    pub(super) fn connect(server: &Server) -> Self {
        Self::connect_with(server, TransportConfig::default())
    }

    pub(super) fn connect_with(server: &Server, transport: TransportConfig) -> Self {
        Self::connect_to(server.address(), server.trust.clone(), transport)
    }

    /// Connects to this address, which is that of a server or of something before it.
    pub(super) fn connect_to(address: SocketAddr, trust: ClientConfig, transport: TransportConfig) -> Self {
        Self::try_connect(address, trust, transport).unwrap()
    }

    /// Connects where the time for handshakes is short: a host may be too busy for that once, but not always.
    pub(super) fn connect_in_time(server: &Server) -> Self {
        let begun = Instant::now();
        loop {
            match Self::try_connect(server.address(), server.trust.clone(), TransportConfig::default()) {
                Ok(client) => return client,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
        }
    }

    fn try_connect(
        address: SocketAddr,
        trust: ClientConfig,
        mut transport: TransportConfig,
    ) -> Result<Self, ConnectionError> {
        let mut config = trust;
        // A test may have to wait for something else for long.
        transport.max_idle_timeout(None);
        config.transport_config(Arc::new(transport));
        let (endpoint, connection, send, receive) = RUNTIME.block_on(async {
            let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            let connecting = endpoint.connect_with(config, address, "localhost").unwrap();
            let connection = tokio::time::timeout(PATIENCE, connecting).await.unwrap()?;
            let (send, receive) = connection.open_bi().await?;
            Ok::<_, ConnectionError>((endpoint, connection, send, receive))
        })?;
        Ok(Self::over(endpoint, connection, send, receive))
    }

    /// A client whose control stream is open.
    pub(super) fn over(
        endpoint: Endpoint,
        connection: Connection,
        send: SendStream,
        receive: RecvStream,
    ) -> Self {
        Self {
            endpoint,
            connection,
            send,
            receive,
            reader: FrameReader::new(16 << 20),
            encoder: BinaryEncoder::new(),
            waiting: Vec::new(),
            welcome: Value::Null,
            head: (0, 0),
            kept: Vec::new(),
            connect: None,
        }
    }

    pub(super) fn open(server: &Server) -> Self {
        Self::open_with(server, TransportConfig::default())
    }

    pub(super) fn open_with(server: &Server, transport: TransportConfig) -> Self {
        let mut client = Self::connect_with(server, transport);
        client.hello(None);
        assert_eq!(client.welcome["type"], "welcome");
        client
    }

    pub(super) fn hello(&mut self, resume: Option<&str>) {
        self.say(&Command::Hello(Hello { id: id(1), protocol: 1, resume, ..Hello::default() }));
        self.welcome = self.read();
    }

    pub(super) fn say(&mut self, command: &Command<'_>) {
        let frame = self.encoder.command(command).to_vec();
        self.write(&frame);
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let Self { send, .. } = self;
        RUNTIME.block_on(async {
            tokio::time::timeout(PATIENCE, send.write_all(bytes)).await.unwrap().unwrap()
        });
    }

    pub(super) fn read(&mut self) -> Value {
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

    /// The frames of the next datagram.
    pub(super) fn datagram(&mut self) -> Vec<Value> {
        let Self { connection, .. } = self;
        let datagram = RUNTIME
            .block_on(async { tokio::time::timeout(PATIENCE, connection.read_datagram()).await.unwrap() })
            .unwrap();
        events(&datagram[self.head.1..])
    }

    /// The frames of the next stream that the server opens, up to its end.
    pub(super) fn stream(&mut self) -> Vec<Value> {
        let Self { connection, .. } = self;
        let bytes = RUNTIME.block_on(async {
            let whole = async { connection.accept_uni().await.unwrap().read_to_end(1 << 20).await.unwrap() };
            tokio::time::timeout(PATIENCE, whole).await.unwrap()
        });
        events(&bytes[self.head.0..])
    }

    /// The next stream that the server opens, with what comes on it.
    pub(super) fn accept_stream(&mut self) -> (RecvStream, FrameReader) {
        let Self { connection, .. } = self;
        let stream = RUNTIME
            .block_on(async { tokio::time::timeout(PATIENCE, connection.accept_uni()).await.unwrap() })
            .unwrap();
        (stream, FrameReader::new(16 << 20))
    }

    pub(super) fn read_type(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.read();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    pub(super) fn text(&mut self) -> String {
        self.read_type("message")["text"].as_str().unwrap().to_owned()
    }

    pub(super) fn join(&mut self, room: &str) -> Value {
        self.ask_to_join(room, false);
        self.read_type("joined")
    }

    pub(super) fn ask_to_join(&mut self, room: &str, stream: bool) {
        let room = RoomName::new(room).unwrap();
        self.say(&Command::Join(Join {
            id: id(2),
            room,
            since: None,
            versions: Vec::new(),
            presence: false,
            stream,
        }));
    }

    pub(super) fn publish(&mut self, room: &str, text: &str, lane: Lane) {
        let publish = publication(room, text, lane);
        self.say(&publish);
    }

    /// How the connection ended.
    pub(super) fn closed(&mut self) -> ConnectionError {
        let Self { connection, .. } = self;
        RUNTIME.block_on(async { tokio::time::timeout(PATIENCE, connection.closed()).await.unwrap() })
    }
}

pub(super) fn publication<'a>(room: &'a str, text: &'a str, lane: Lane) -> Command<'a> {
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

pub(super) fn code(error: &ConnectionError) -> u64 {
    match error {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("{other} instead of a close"),
    }
}

/// The next frames of a stream; none at its end.
pub(super) fn read_stream((stream, reader): &mut (RecvStream, FrameReader)) -> Vec<Value> {
    let mut events = Vec::new();
    while events.is_empty() {
        let mut bytes = [0; 4096];
        let read = async { tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await.unwrap().unwrap() };
        let Some(count) = RUNTIME.block_on(read) else { break };
        let mut input = &bytes[..count];
        while let Some(frame) = reader.next(&mut input).unwrap() {
            events.push(as_json(&binary::decode_event(frame).unwrap()));
        }
    }
    events
}

fn events(mut bytes: &[u8]) -> Vec<Value> {
    let mut reader = FrameReader::new(16 << 20);
    let mut events = Vec::new();
    while let Some(frame) = reader.next(&mut bytes).unwrap() {
        events.push(as_json(&binary::decode_event(frame).unwrap()));
    }
    events
}
