//! `wss://` and `mqtts://`: the same over TLS, and no trust without a reason.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use ringway_protocol::websocket::handshake::Request;
use ringway_protocol::websocket::{Decoder, Item, Role, write_frame};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::{listen, load_at, plan_at};

const SHORT: &str = "echo --connections 3 --duration 1s --warmup 50ms --size 40000";

/// A server whose connections are under TLS.
fn tls_server(serve: fn(StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()>) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of this build")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("key and certificate belong together");
    let config = Arc::new(config);
    listen(move |stream| {
        let connection = ServerConnection::new(config.clone()).expect("a valid configuration");
        let _ = serve(StreamOwned::new(connection, stream));
    })
}

fn tls_echo_server() -> String {
    format!("wss://{}/echo", tls_server(echo))
}

/// Accepts every client, and waits until it goes.
fn accept_mqtt(mut stream: impl Read + Write) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    assert!(stream.read(&mut buffer)? > 0);
    stream.write_all(&[0x20, 2, 0, 0])?;
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn echo(mut stream: impl Read + Write) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let bytes = stream.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..bytes]);
    }
    let mut answer = Vec::new();
    let request = Request::parse(&head).map_err(|_| std::io::ErrorKind::InvalidData)?;
    request.upgrade().map_err(|_| std::io::ErrorKind::InvalidData)?.write_response(None, &mut answer);
    stream.write_all(&answer)?;
    let mut decoder = Decoder::new(Role::Server, 1 << 20);
    loop {
        let bytes = stream.read(&mut buffer)?;
        let mut input = &mut buffer[..bytes];
        if bytes == 0 {
            return Ok(());
        }
        answer.clear();
        loop {
            let decoded = decoder.decode(input).map_err(|_| std::io::ErrorKind::InvalidData)?;
            match decoded.item {
                None => break,
                Some(Item::Binary(message)) => {
                    write_frame(&mut answer, ringway_protocol::websocket::Opcode::Binary, message);
                }
                Some(_) => return Ok(()),
            }
            let consumed = decoded.consumed;
            input = &mut input[consumed..];
        }
        stream.write_all(&answer)?;
        stream.flush()?;
    }
}

#[test]
fn messages_larger_than_a_record_come_back_over_tls() {
    let summary = load_at(&tls_echo_server(), &format!("{SHORT} --insecure"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert!(summary.value("messages_per_s").as_f64().unwrap() > 0.0);
}

#[test]
fn an_unknown_certificate_is_refused_without_insecure() {
    match ringway_load::scenario::run(&plan_at(&tls_echo_server(), SHORT)) {
        Ok(summary) => assert_eq!(summary.value("connect_failures"), 3, "{:?}", summary.failures()),
        // A host without trusted certificates can't check anything, and says so.
        Err(fault) => assert!(fault.to_string().contains("--insecure"), "{fault}"),
    }
}

#[test]
fn mqtt_clients_are_accepted_over_tls() {
    let url = format!("mqtts://{}", tls_server(accept_mqtt));
    let arguments = "connect --connections 5 --no-join --hold 0s";
    let summary = load_at(&url, &format!("{arguments} --insecure"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("connections"), 5);
    match ringway_load::scenario::run(&plan_at(&url, arguments)) {
        Ok(summary) => assert_eq!(summary.value("connect_failures"), 5, "{:?}", summary.failures()),
        Err(fault) => assert!(fault.to_string().contains("--insecure"), "{fault}"),
    }
}
