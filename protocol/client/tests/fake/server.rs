//! A server that says what a test wants it to say, over QUIC or WebTransport.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, VarInt};
use ringway_client::{Config, ConnectFault, Trust};
use ringway_protocol::codec::{BinaryEncoder, FrameReader, binary};
use ringway_protocol::event::{Joined, Message, Place, Sender, SessionLimits, Welcome};
use ringway_protocol::webtransport::ConnectId;
use ringway_protocol::{
    Body, BodyKind, Command, Epoch, Event, Lane, Offset, Position, RequestId, RoomHandle, SessionId,
    UnixMicros, Version,
};

use crate::web;

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a future gives, if it gives it in time.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Quic,
    Web,
}

pub(crate) const EVERY_WAY: [Over; 2] = [Over::Quic, Over::Web];

pub(crate) struct Server {
    endpoint: Endpoint,
    certificate: rustls::pki_types::CertificateDer<'static>,
    over: Over,
}

impl Server {
    pub(crate) fn start(over: Over) -> Self {
        let protocol: &[u8] = if over == Over::Web { b"h3" } else { b"ringway/1" };
        Self::speaking(over, protocol, 1 << 20)
    }

    /// One that takes only so many unread bytes of a stream.
    pub(crate) fn speaking(over: Over, protocol: &[u8], stream_bytes: u32) -> Self {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let certificate = signed.cert.der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![protocol.to_vec()];
        let tls = QuicServerConfig::try_from(tls).unwrap();
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
        let mut transport = quinn::TransportConfig::default();
        // A test may have to wait for something else for long.
        transport.max_idle_timeout(None);
        transport.stream_receive_window(VarInt::from_u32(stream_bytes));
        config.transport_config(Arc::new(transport));
        let endpoint = Endpoint::server(config, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { endpoint, certificate, over }
    }

    pub(crate) fn config(&self) -> Config {
        let port = self.endpoint.local_addr().unwrap().port();
        let mut config = Config::new(match self.over {
            Over::Quic => format!("quic://localhost:{port}"),
            Over::Web => format!("https://localhost:{port}/v1"),
        });
        config.handshake_timeout = PATIENCE;
        config.trust = Some(Trust::Roots([self.certificate.clone()].into()));
        config
    }

    /// The next client, up to where frames come.
    pub(crate) async fn accept(&self) -> Peer {
        let connection = soon(self.endpoint.accept()).await.unwrap().await.unwrap();
        match self.over {
            Over::Quic => {
                let (send, receive) = soon(connection.accept_bi()).await.unwrap();
                Peer::new(connection, send, receive, None, Vec::new())
            }
            Over::Web => soon(web::accept(connection)).await,
        }
    }

    /// Why this client gets no session, while the server takes whoever comes.
    pub(crate) async fn fault_of(&self, config: Config) -> ConnectFault {
        let taking = async {
            while let Some(incoming) = self.endpoint.accept().await {
                let _ = incoming.await;
            }
        };
        tokio::select! {
            result = soon(ringway_client::connect(config)) => result.err().expect("no session"),
            () = taking => panic!("the endpoint goes on"),
        }
    }

    /// The next client, welcomed and in the room "room", whose handle is 1, at offset 0.
    pub(crate) async fn joined(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome().await;
        let id = peer.asked_to_join().await;
        peer.say(&joined(id)).await;
        peer
    }
}

/// A client as the server sees it.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    receive: RecvStream,
    reader: FrameReader,
    /// Read and not decoded.
    unread: Vec<u8>,
    encoder: BinaryEncoder,
    /// On WebTransport.
    pub(crate) web: Option<web::Session>,
}

impl Peer {
    pub(crate) fn new(
        connection: Connection,
        send: SendStream,
        receive: RecvStream,
        web: Option<web::Session>,
        unread: Vec<u8>,
    ) -> Self {
        let (reader, encoder) = (FrameReader::new(1 << 20), BinaryEncoder::new());
        Self { connection, send, receive, reader, unread, encoder, web }
    }

    fn session(&self) -> Option<ConnectId> {
        self.web.as_ref().map(|web| web.id)
    }

    /// The next command, as far as `take` wants it; others are passed over.
    pub(crate) async fn until<T>(&mut self, mut take: impl FnMut(&Command<'_>) -> Option<T>) -> T {
        loop {
            let unread = std::mem::take(&mut self.unread);
            let mut input = &unread[..];
            while let Some(frame) = self.reader.next(&mut input).unwrap() {
                if let Some(taken) = take(&binary::decode_command(frame).unwrap()) {
                    self.unread = input.to_vec();
                    return taken;
                }
            }
            let chunk = soon(self.receive.read_chunk(4096, true)).await.unwrap().expect("the client goes on");
            self.unread = chunk.bytes.to_vec();
        }
    }

    pub(crate) async fn welcome(&mut self) {
        let id = self.until(|command| matches!(command, Command::Hello(_)).then(|| command.id())).await;
        let welcome = Welcome {
            id,
            session: SessionId(5),
            resume: "secret",
            user: "ada",
            node: "fake",
            time: UnixMicros(1),
            heartbeat_ms: 25_000,
            limits: SessionLimits { frame_bytes: 65_536, join_many: 64, ..SessionLimits::default() },
            features: Vec::new(),
            expires: None,
        };
        self.say(&Event::Welcome(welcome)).await;
    }

    pub(crate) async fn asked_to_join(&mut self) -> Option<RequestId> {
        self.until(|command| matches!(command, Command::Join(_)).then(|| command.id())).await
    }

    /// The text of the next publish.
    pub(crate) async fn published(&mut self) -> String {
        self.until(|command| match command {
            Command::Publish(publish) => Some(String::from_utf8_lossy(publish.body.bytes).into_owned()),
            _ => None,
        })
        .await
    }

    /// On the control stream.
    pub(crate) async fn say(&mut self, event: &Event<'_>) {
        let frame = self.encoder.event(event).to_vec();
        soon(self.send.write_all(&frame)).await.unwrap();
    }

    /// A stream with these frames, open still.
    pub(crate) async fn open(&mut self, events: &[Event<'_>]) -> SendStream {
        let mut bytes = Vec::new();
        if let Some(session) = self.session() {
            session.write_uni_header(&mut bytes);
        }
        for event in events {
            bytes.extend_from_slice(self.encoder.event(event));
        }
        let mut stream = soon(self.connection.open_uni()).await.unwrap();
        soon(stream.write_all(&bytes)).await.unwrap();
        stream
    }

    /// A value on a stream of its own, whole, and taken by the client's transport.
    pub(crate) async fn stream(&mut self, event: &Event<'_>) {
        let mut stream = self.open(std::slice::from_ref(event)).await;
        stream.finish().unwrap();
        soon(stream.stopped()).await.unwrap();
    }

    pub(crate) fn datagram(&mut self, events: &[Event<'_>]) {
        let mut bytes = Vec::new();
        if let Some(session) = self.session() {
            session.write_datagram_prefix(&mut bytes);
        }
        for event in events {
            bytes.extend_from_slice(self.encoder.event(event));
        }
        self.connection.send_datagram(bytes.into()).unwrap();
    }

    /// The text of the publish in the next datagram.
    pub(crate) async fn published_as_datagram(&mut self) -> String {
        let bytes = soon(self.connection.read_datagram()).await.unwrap();
        let mut prefix = Vec::new();
        if let Some(session) = self.session() {
            session.write_datagram_prefix(&mut prefix);
        }
        let frame = bytes.strip_prefix(&prefix[..]).expect("the session's");
        let Command::Publish(publish) = binary::decode_command(frame).unwrap() else { panic!("no publish") };
        String::from_utf8_lossy(publish.body.bytes).into_owned()
    }
}

const EPOCH: Epoch = Epoch(7);

pub(crate) fn joined(id: Option<RequestId>) -> Event<'static> {
    Event::Joined(Joined {
        id,
        room: "room",
        handle: RoomHandle(1),
        position: Position { epoch: EPOCH, offset: Offset(0) },
        version: Version(0),
        recovered: true,
        replay: 0,
        count: 1,
        members: Vec::new(),
    })
}

fn message<'a>(lane: Lane, place: u64, text: &'a str) -> Event<'a> {
    Event::Message(Message {
        room: None,
        handle: RoomHandle(1),
        lane,
        place: Place::of(lane, place),
        time: UnixMicros(9),
        from: Sender { user: Some("bob"), session: SessionId(9) },
        key: (lane != Lane::Reliable).then_some("key"),
        body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
    })
}

pub(crate) fn reliable(offset: u64, text: &str) -> Event<'_> {
    message(Lane::Reliable, offset, text)
}

pub(crate) fn latest(version: u64, text: &str) -> Event<'_> {
    message(Lane::Latest, version, text)
}

pub(crate) fn unreliable(version: u64, text: &str) -> Event<'_> {
    message(Lane::Unreliable, version, text)
}
