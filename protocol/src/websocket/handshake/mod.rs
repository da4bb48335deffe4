//! The upgrade from HTTP/1.1 to WebSocket (RFC 6455 §4), both ends, without I/O.
//!
//! Server: a [`HeadEnd`] per connection finds the end of the request's head in the bytes so far, looking at each
//! byte once however it dribbles in; [`Request::parse`] reads the head; the router looks at path and origin;
//! [`Request::upgrade`] applies the RFC and [`Upgrade::write_response`] answers. Every refusal is a [`Refusal`] with
//! an HTTP status and a sentence for people. Client: [`ClientHandshake`]. Bytes after a head belong to the WebSocket.
//!
//! Bounds: a head is at most [`crate::limit::HTTP_HEADER_BYTES_MAX`] bytes and [`HEADERS_MAX`] headers.

mod client;
mod forwarded;
mod head;
mod origin;
mod refusal;
mod request;
mod upgrade;

pub use client::{Accepted, ClientHandshake, HandshakeFault};
pub use forwarded::client_address;
pub use head::HeadEnd;
pub use origin::{BadOrigin, OriginPolicy};
pub use refusal::Refusal;
pub use request::Request;
pub use upgrade::{
    SUBPROTOCOL_BINARY, SUBPROTOCOL_JSON, Upgrade, format_of_subprotocol, subprotocol_of_format,
};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// Headers of one request or response.
pub const HEADERS_MAX: usize = 64;

/// The only version there is: that of RFC 6455.
const VERSION: &str = "13";

/// Appended to the key before hashing (RFC 6455 §1.3).
const ACCEPT_SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` that proves that the key was understood.
fn accept_of(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(ACCEPT_SALT);
    STANDARD.encode(hash.finalize())
}

/// The elements of a comma-separated header value, trimmed, empty ones left out (RFC 9110 §5.6.1).
fn list(value: &str) -> impl DoubleEndedIterator<Item = &str> {
    value.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_accept_value_of_rfc_6455_section_1_3_is_reproduced() {
        assert_eq!(super::accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
