use std::io::{Read, Write};
use std::sync::Arc;

use ringway::node::{FlushChoice, NodeSettings, RuntimeChoice};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::client::Client;
use crate::patient::Patient;
use crate::support::{Node, PATIENCE, options, start};
use ringway_protocol::{Format, Lane};

type Secure = StreamOwned<ClientConnection, Patient>;

pub(crate) fn certificate() -> (CertificateDer<'static>, Arc<rustls::ServerConfig>) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let certificate = signed.cert.der().clone();
    let config = ringway::tls::server_config(vec![certificate.clone()], key).unwrap();
    (certificate, config)
}

/// A node whose second listener wants TLS.
fn secure_node(
    shards: usize,
    change: impl FnOnce(&mut ringway::node::NodeOptions),
) -> (Node, CertificateDer<'static>) {
    let (certificate, config) = certificate();
    let node = start(shards, |options| {
        let plain = options.listeners[0];
        options.listeners.push(ringway::node::Listen { tls: true, ..plain });
        options.settings.tls = Some(config);
        change(options);
    });
    (node, certificate)
}

fn secure_stream(node: &Node, certificate: &CertificateDer<'static>) -> Secure {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = Patient::connect(node.handle.addresses()[1], PATIENCE).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

fn open(node: &Node, certificate: &CertificateDer<'static>, path: &str) -> WebSocket<Secure> {
    tungstenite::client(format!("ws://localhost{path}"), secure_stream(node, certificate)).unwrap().0
}

fn read(socket: &mut WebSocket<Secure>, kind: &str) -> Value {
    loop {
        let Message::Text(text) = socket.read().unwrap() else { panic!("no text") };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["type"] == kind {
            return frame;
        }
    }
}

#[test]
fn a_session_over_tls_shares_a_room_with_a_plain_one() {
    for runtime in [RuntimeChoice::IoUring, RuntimeChoice::Epoll] {
        for flush in [FlushChoice::Send, FlushChoice::Ring] {
            let (node, certificate) = secure_node(2, |options| {
                options.runtime = runtime;
                options.flush = flush;
            });
            let mut plain = Client::open(&node, Format::Binary);
            plain.join("room");
            let mut secure = open(&node, &certificate, "/v1");
            let hello = json!({ "type": "hello", "id": 1, "protocol": 1 });
            secure.send(Message::text(hello.to_string())).unwrap();
            assert_eq!(read(&mut secure, "welcome")["id"], 1);
            let join = json!({ "type": "join", "id": 2, "room": "room" });
            secure.send(Message::text(join.to_string())).unwrap();
            read(&mut secure, "joined");
            for round in 0..50 {
                let text = format!("{round} {}", "x".repeat(round * 400));
                plain.publish("room", &text, Lane::Reliable, false);
                assert_eq!(read(&mut secure, "message")["text"], text);
                assert_eq!(plain.text(), text);
            }
        }
    }
}

#[test]
fn large_messages_cross_full_sockets_whole() {
    for flush in [FlushChoice::Send, FlushChoice::Ring] {
        let (node, certificate) = secure_node(1, |options| options.flush = flush);
        let mut socket = open(&node, &certificate, "/echo");
        let message = Message::binary((0..3_000_000_u32).map(|byte| byte as u8).collect::<Vec<_>>());
        socket.send(message.clone()).unwrap();
        assert!(socket.read().unwrap() == message);
        socket.close(None).unwrap();
        assert!(matches!(socket.read(), Ok(Message::Close(_))));
    }
}

#[test]
fn more_handshakes_at_once_than_a_turn_takes_all_end_well() {
    let (node, certificate) = secure_node(1, |_| {});
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let certificate = certificate.clone();
            let streams: Vec<_> = (0..10).map(|_| secure_stream(&node, &certificate)).collect();
            std::thread::spawn(move || {
                for mut stream in streams {
                    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                    let mut status = [0; 12];
                    stream.read_exact(&mut status).unwrap();
                    assert_eq!(&status, b"HTTP/1.1 404");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn plain_bytes_on_a_tls_port_get_an_alert_and_the_end() {
    let (node, _) = secure_node(1, |_| {});
    let mut stream = Patient::connect(node.handle.addresses()[1], PATIENCE).unwrap();
    stream.write_all(b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert record");
}

#[test]
fn after_a_reload_new_connections_get_the_new_certificate_and_old_ones_go_on() {
    let (node, first) = secure_node(1, |_| {});
    let mut old = open(&node, &first, "/echo");
    let (second, config) = certificate();
    let settings = NodeSettings { tls: Some(config), ..options(1).0.settings };
    node.reload(&settings);
    let mut new = open(&node, &second, "/echo");
    for socket in [&mut old, &mut new] {
        socket.send(Message::text("still here")).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("still here"));
    }
}
