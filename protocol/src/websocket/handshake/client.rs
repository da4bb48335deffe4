//! The client's side of the upgrade, for the load generator, the Rust client and tests.

use super::{HEADERS_MAX, HeadEnd, VERSION, accept_of, list};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;

/// One upgrade from the client's side: write the request, then offer what the server sends until it is answered.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    key: String,
    head: HeadEnd,
    offered: Vec<String>,
}

/// The server answered 101 and kept the RFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Length of the response; what follows are frames.
    pub consumed: usize,
    /// The subprotocol that the server chose from those offered.
    pub subprotocol: Option<String>,
}

/// The server did not accept, or not properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// Another status than 101.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Not an HTTP response, or a larger one than is taken.
    Malformed,
    /// A header of the response is missing or wrong: its name.
    Header(&'static str),
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status } => {
                write!(formatter, "the server refused the upgrade with status {status}")
            }
            Self::Malformed => formatter.write_str("the answer to the upgrade is not HTTP"),
            Self::Header(name) => write!(formatter, "the answer to the upgrade has no valid {name}"),
        }
    }
}

impl core::error::Error for HandshakeFault {}

impl ClientHandshake {
    /// A handshake with 16 random bytes of the caller's.
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: STANDARD.encode(nonce), head: HeadEnd::default(), offered: Vec::new() }
    }

    /// Appends the request for `target` (path and query) to `host` (name and, unless it is the scheme's, port),
    /// offering subprotocols in order of preference, with further header lines such as `Origin`.
    ///
    /// The caller vouches that none of the texts contains line breaks.
    pub fn write_request(
        &mut self,
        host: &str,
        target: &str,
        subprotocols: &[&str],
        headers: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) {
        self.offered = subprotocols.iter().map(|&name| name.to_owned()).collect();
        let mut head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: {VERSION}\r\nSec-WebSocket-Key: {}\r\n",
            self.key
        );
        if !subprotocols.is_empty() {
            head += &format!("Sec-WebSocket-Protocol: {}\r\n", subprotocols.join(", "));
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        out.extend_from_slice(head.as_bytes());
    }

    /// Looks at everything received so far; `None` while the response is incomplete.
    ///
    /// # Errors
    /// [`HandshakeFault`]: the connection is of no use.
    pub fn handle_response(&mut self, received: &[u8]) -> Result<Option<Accepted>, HandshakeFault> {
        let Some(consumed) = self.head.find(received).map_err(|_| HandshakeFault::Malformed)? else {
            return Ok(None);
        };
        let mut slots = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut slots);
        match response.parse(&received[..consumed]) {
            Ok(httparse::Status::Complete(bytes)) if bytes == consumed => {}
            _ => return Err(HandshakeFault::Malformed),
        }
        match response.code {
            Some(101) => {}
            Some(status) => return Err(HandshakeFault::Refused { status }),
            None => return Err(HandshakeFault::Malformed),
        }
        let values = |name: &'static str| {
            response
                .headers
                .iter()
                .filter(move |header| header.name.eq_ignore_ascii_case(name))
                .map(|header| core::str::from_utf8(header.value).unwrap_or(""))
        };
        let lists = |name, element: &str| {
            values(name).flat_map(list).any(|candidate| candidate.eq_ignore_ascii_case(element))
        };
        if !lists("upgrade", "websocket") {
            return Err(HandshakeFault::Header("Upgrade"));
        }
        if !lists("connection", "upgrade") {
            return Err(HandshakeFault::Header("Connection"));
        }
        if !values("sec-websocket-accept").eq([accept_of(&self.key).as_str()]) {
            return Err(HandshakeFault::Header("Sec-WebSocket-Accept"));
        }
        // None was offered, so none may be used (RFC 6455 §4.1).
        if values("sec-websocket-extensions").flat_map(list).next().is_some() {
            return Err(HandshakeFault::Header("Sec-WebSocket-Extensions"));
        }
        let mut chosen = values("sec-websocket-protocol");
        let subprotocol = match (chosen.next(), chosen.next()) {
            (None, _) => None,
            (Some(name), None) if self.offered.iter().any(|offered| offered == name) => Some(name.to_owned()),
            _ => return Err(HandshakeFault::Header("Sec-WebSocket-Protocol")),
        };
        Ok(Some(Accepted { consumed, subprotocol }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, SUBPROTOCOL_BINARY, SUBPROTOCOL_JSON};
    use super::*;

    fn asked() -> (ClientHandshake, Vec<u8>) {
        let mut handshake = ClientHandshake::new([7; 16]);
        let mut out = Vec::new();
        handshake.write_request(
            "127.0.0.1:7400",
            "/v1?x=y",
            &[SUBPROTOCOL_BINARY, SUBPROTOCOL_JSON],
            &[("Origin", "http://127.0.0.1")],
            &mut out,
        );
        (handshake, out)
    }

    fn answer() -> Vec<u8> {
        let (_, request) = asked();
        let mut response = Vec::new();
        let request = Request::parse(&request).unwrap();
        request.upgrade().unwrap().write_response(Some(SUBPROTOCOL_BINARY), &mut response);
        response
    }

    #[test]
    fn both_ends_agree() {
        let (mut handshake, request) = asked();
        let parsed = Request::parse(&request).unwrap();
        assert_eq!((parsed.path(), parsed.origin()), ("/v1", Some("http://127.0.0.1")));
        let mut response = answer();
        let whole = response.len();
        response.extend_from_slice(&[0x82, 0]);
        for received in 0..whole {
            assert_eq!(handshake.handle_response(&response[..received]), Ok(None), "{received} bytes");
        }
        let accepted = handshake.handle_response(&response).unwrap().unwrap();
        assert_eq!(accepted, Accepted { consumed: whole, subprotocol: Some(SUBPROTOCOL_BINARY.to_owned()) });
    }

    #[test]
    fn an_answer_that_breaks_the_rfc_is_refused() {
        let answer = String::from_utf8(answer()).unwrap();
        for (from, to, header) in [
            ("Upgrade: websocket", "Upgrade: other", "Upgrade"),
            ("Connection: Upgrade", "Connection: close", "Connection"),
            ("Accept: ", "Accept: x", "Sec-WebSocket-Accept"),
            ("ringway.v1.fb", "ringway.v2.fb", "Sec-WebSocket-Protocol"),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                "Sec-WebSocket-Extensions",
            ),
            ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: ringway.v1.json\r\n\r\n", "Sec-WebSocket-Protocol"),
        ] {
            let broken = answer.replacen(from, to, 1);
            assert_ne!(broken, answer, "{from}");
            let outcome = asked().0.handle_response(broken.as_bytes());
            assert_eq!(outcome, Err(HandshakeFault::Header(header)), "{broken}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_status_and_noise_is_not_http() {
        let mut response = Vec::new();
        super::super::Refusal::NotFound.write_response(&mut response);
        let outcome = asked().0.handle_response(&response);
        assert_eq!(outcome, Err(HandshakeFault::Refused { status: 404 }));
        assert_eq!(asked().0.handle_response(b"\x16\x03\x01"), Err(HandshakeFault::Malformed));
        assert_eq!(asked().0.handle_response(b"HELLO\r\n\r\n"), Err(HandshakeFault::Malformed));
    }
}
