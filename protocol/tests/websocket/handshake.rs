//! The upgrade against the oracle, each end with each.

use ringway_protocol::websocket::handshake::{
    Accepted, ClientHandshake, HandshakeFault, HeadEnd, Refusal, Request, SUBPROTOCOL_BINARY,
    SUBPROTOCOL_JSON,
};
use std::io::{Cursor, Read, Write};
use tungstenite::client::{ClientRequestBuilder, IntoClientRequest};
use tungstenite::handshake::server::{ErrorResponse, Request as OracleRequest, Response};

/// A connection to our server: answers as soon as the request is whole.
#[derive(Default)]
struct OurServer {
    received: Vec<u8>,
    head: HeadEnd,
    sent: Cursor<Vec<u8>>,
}

impl Write for OurServer {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        // Byte by byte, as the worst network would.
        for byte in buffer {
            self.received.push(*byte);
            let Some(head) = self.head.find(&self.received).unwrap() else { continue };
            let mut out = Vec::new();
            let request = Request::parse(&self.received[..head]).unwrap();
            match request.upgrade() {
                Ok(upgrade) if request.path() == "/v1" => {
                    let subprotocol = request.subprotocols().find(|name| *name == SUBPROTOCOL_JSON);
                    upgrade.write_response(subprotocol, &mut out);
                }
                Ok(_) => Refusal::NotFound.write_response(&mut out),
                Err(refusal) => refusal.write_response(&mut out),
            }
            self.sent = Cursor::new(out);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Read for OurServer {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.sent.read(buffer)
    }
}

fn request(path: &str) -> ClientRequestBuilder {
    ClientRequestBuilder::new(format!("ws://127.0.0.1:7400{path}").parse().unwrap())
}

#[test]
fn the_oracle_s_client_is_let_in_with_its_subprotocol() {
    let builder = request("/v1?a=b").with_sub_protocol("other").with_sub_protocol(SUBPROTOCOL_JSON);
    let (_, response) =
        tungstenite::client(builder.into_client_request().unwrap(), OurServer::default()).unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL_JSON);
}

#[test]
fn the_oracle_s_client_understands_a_refusal() {
    let error = tungstenite::client(request("/nowhere").into_client_request().unwrap(), OurServer::default())
        .err()
        .expect("a refusal");
    assert!(error.to_string().contains("404"), "{error}");
}

/// A connection from our client to the oracle's server.
struct OurClient {
    request: Cursor<Vec<u8>>,
    received: Vec<u8>,
}

impl Read for OurClient {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.request.read(buffer)
    }
}

impl Write for OurClient {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.received.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn asked() -> (ClientHandshake, OurClient) {
    let mut handshake = ClientHandshake::new([3; 16]);
    let mut out = Vec::new();
    handshake.write_request("127.0.0.1:7400", "/v1", &[SUBPROTOCOL_BINARY, SUBPROTOCOL_JSON], &[], &mut out);
    (handshake, OurClient { request: Cursor::new(out), received: Vec::new() })
}

#[test]
#[expect(clippy::result_large_err, reason = "the oracle's callback type")]
fn the_oracle_s_server_lets_our_client_in() {
    let (mut handshake, wire) = asked();
    let choose = |request: &OracleRequest, mut response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/v1");
        response.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL_BINARY.parse().unwrap());
        Ok(response)
    };
    let socket = tungstenite::accept_hdr(wire, choose).unwrap();
    let received = &socket.get_ref().received;
    let accepted = Accepted { consumed: received.len(), subprotocol: Some(SUBPROTOCOL_BINARY.to_owned()) };
    assert_eq!(handshake.handle_response(received), Ok(Some(accepted)));
}

#[test]
fn an_answer_to_another_key_is_refused() {
    let (_, wire) = asked();
    let socket = tungstenite::accept(wire).unwrap();
    let mut other = ClientHandshake::new([4; 16]);
    assert_eq!(
        other.handle_response(&socket.get_ref().received),
        Err(HandshakeFault::Header("Sec-WebSocket-Accept"))
    );
}
