//! WebTransport on the fake server: the protocol's server half on quinn. And what only WebTransport has.

use quinn::{Connection, RecvStream, SendStream, VarInt};
use ringway_client::{ConnectFault, Ending};
use ringway_protocol::CloseCode;
use ringway_protocol::webtransport::server::{BidiStep, BidiStream};
use ringway_protocol::webtransport::{ConnectId, Role, Step, UniStream, write_close, write_control_stream};

use crate::probe::Probe;
use crate::server::{Over, Peer, Server, soon};

/// The server's end of a session.
pub(crate) struct Session {
    pub(crate) id: ConnectId,
    state: ringway_protocol::webtransport::Connection,
    asked: BidiStream,
    send: SendStream,
    receive: RecvStream,
    _control: SendStream,
}

/// The next bytes of a stream.
async fn read(stream: &mut RecvStream) -> Vec<u8> {
    stream.read_chunk(4096, true).await.unwrap().expect("it goes on").bytes.to_vec()
}

/// Up to where frames come.
pub(crate) async fn accept(connection: Connection) -> Peer {
    let mut state = ringway_protocol::webtransport::Connection::new(Role::Server);
    let mut bytes = Vec::new();
    write_control_stream(Role::Server, &mut bytes);
    let mut control = connection.open_uni().await.unwrap();
    control.write_all(&bytes).await.unwrap();

    let mut theirs = connection.accept_uni().await.unwrap();
    let mut head = UniStream::new();
    loop {
        let bytes = read(&mut theirs).await;
        let mut input = &bytes[..];
        if head.read(&mut state, &mut input).unwrap() == Step::Settings {
            break;
        }
    }
    let (mut send, mut receive) = connection.accept_bi().await.unwrap();
    let mut asked = BidiStream::new(VarInt::from(receive.id()).into());
    loop {
        let bytes = read(&mut receive).await;
        let mut input = &bytes[..];
        if let BidiStep::Request(request) = asked.read(&mut state, &mut input).unwrap() {
            assert_eq!(request.path(), "/v1");
            break;
        }
    }
    let mut answer = Vec::new();
    let id = asked.accept(&mut state, Some("ringway.v1.fb"), &mut answer);
    send.write_all(&answer).await.unwrap();

    let (data_send, mut data_receive) = connection.accept_bi().await.unwrap();
    let mut head = BidiStream::new(VarInt::from(data_receive.id()).into());
    let unread = loop {
        let bytes = read(&mut data_receive).await;
        let mut input = &bytes[..];
        if head.read(&mut state, &mut input).unwrap() == BidiStep::Data {
            break input.to_vec();
        }
    };
    let session = Session { id, state, asked, send, receive, _control: control };
    Peer::new(connection, data_send, data_receive, Some(session), unread)
}

impl Session {
    /// The code with which the client ends the session.
    async fn closed(&mut self) -> u32 {
        loop {
            let bytes = read(&mut self.receive).await;
            let mut input = &bytes[..];
            if let BidiStep::Closed(ended) = self.asked.read(&mut self.state, &mut input).unwrap() {
                return ended.code;
            }
        }
    }
}

#[tokio::test]
async fn a_session_s_close_code_comes_as_a_capsule() {
    let server = Server::start(Over::Web);
    let mut client = Probe::start(server.config());
    let mut peer = server.joined().await;
    let web = peer.web.as_mut().unwrap();
    let mut capsule = Vec::new();
    write_close(CloseCode::Disconnected.number().into(), "out", &mut capsule);
    web.send.write_all(&capsule).await.unwrap();
    web.send.finish().unwrap();
    let (ending, returns) = client.ended().await;
    assert!(matches!(&ending, Ending::Closed { code: 4000, reason } if &**reason == "out"), "{ending}");
    assert!(!returns);
}

#[tokio::test]
async fn who_leaves_says_so_in_a_capsule() {
    let server = Server::start(Over::Web);
    let client = Probe::start(server.config());
    let mut peer = server.joined().await;
    client.act(|outlet| outlet.close());
    assert_eq!(soon(peer.web.as_mut().unwrap().closed()).await, 0);
}

#[tokio::test]
async fn a_server_without_webtransport_is_named_as_one() {
    let server = Server::start(Over::Quic);
    let mut config = server.config();
    config.url = config.url.replace("quic://", "https://").into();
    let fault = server.fault_of(config).await;
    assert!(matches!(&fault, ConnectFault::Protocol(reason) if reason.contains("ALPN")), "{fault}");
}
