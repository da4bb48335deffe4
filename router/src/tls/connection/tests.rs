//! Our half against rustls' own buffered client, over buffers cut anywhere.

use std::io::{Read, Write};

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;

fn pair() -> (ClientConnection, Tls) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let certificate = signed.cert.der().clone();
    let server = crate::tls::server_config(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    (ClientConnection::new(Arc::new(client), name).unwrap(), Tls::new(server).unwrap())
}

/// Gives the server what the client has to send, in pieces; what it decrypts is appended.
fn to_server(client: &mut ClientConnection, tls: &mut Tls, piece: usize, text: &mut Vec<u8>) -> Came {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    let mut came = Came::Text;
    for piece in bytes.chunks(piece) {
        let mut input = vec![0; tls.held_bytes()];
        input.extend_from_slice(piece);
        came = tls.read(&mut input, text).unwrap();
    }
    came
}

/// Gives the client what the server has to send, and what it decrypts back.
fn to_client(tls: &mut Tls, client: &mut ClientConnection) -> Vec<u8> {
    let bytes = tls.outgoing().to_vec();
    tls.on_written(bytes.len());
    let (mut rest, mut text) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        client.read_tls(&mut rest).unwrap();
        let came = client.process_new_packets().unwrap().plaintext_bytes_to_read();
        let start = text.len();
        text.resize(start + came, 0);
        client.reader().read_exact(&mut text[start..]).unwrap();
    }
    text
}

fn shake(client: &mut ClientConnection, tls: &mut Tls, piece: usize) {
    let mut text = Vec::new();
    while client.is_handshaking() || !tls.is_open() {
        to_server(client, tls, piece, &mut text);
        to_client(tls, client);
    }
    assert!(text.is_empty());
}

#[test]
fn text_goes_both_ways_however_the_bytes_are_cut() {
    for piece in [1, 7, 100, 20_000] {
        let (mut client, mut tls) = pair();
        shake(&mut client, &mut tls, piece);
        let sent: Vec<u8> = (0..50_000_u32).map(|byte| byte as u8).collect();
        let mut text = Vec::new();
        for part in sent.chunks(9_000) {
            client.writer().write_all(part).unwrap();
            to_server(&mut client, &mut tls, piece, &mut text);
        }
        assert!(text == sent, "pieces of {piece}");
        let mut encrypted = Vec::new();
        tls.encrypt(&sent, &mut encrypted).unwrap();
        tls.keep(&encrypted);
        assert!(to_client(&mut tls, &mut client) == sent);
    }
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let (mut client, mut tls) = pair();
    shake(&mut client, &mut tls, 20_000);
    assert_eq!((tls.incoming.capacity(), tls.outgoing.capacity()), (0, 0));
}

#[test]
fn both_ends_can_say_that_they_end() {
    let (mut client, mut tls) = pair();
    shake(&mut client, &mut tls, 20_000);
    tls.close();
    to_client(&mut tls, &mut client);
    assert_eq!(client.reader().read(&mut [0; 1]).unwrap(), 0, "a clean end");
    client.send_close_notify();
    assert_eq!(to_server(&mut client, &mut tls, 20_000, &mut Vec::new()), Came::End);
}

#[test]
fn what_is_no_tls_is_a_fault_with_an_alert() {
    let (_, mut tls) = pair();
    let mut input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    assert!(tls.read(&mut input, &mut Vec::new()).is_err());
    assert_eq!(tls.outgoing().first(), Some(&21), "an alert record");
}

#[test]
fn nothing_can_be_encrypted_before_the_handshake_is_done() {
    let (_, mut tls) = pair();
    assert!(tls.encrypt(b"early", &mut Vec::new()).is_err());
}
