//! The RFC's demands on an upgrade request, and the answer 101.

use super::{Refusal, Request, VERSION, accept_of};
use crate::Format;

/// Subprotocol of the binary format.
pub const SUBPROTOCOL_BINARY: &str = "ringway.v1.fb";
/// Subprotocol of the JSON format.
pub const SUBPROTOCOL_JSON: &str = "ringway.v1.json";

/// The format that a subprotocol names.
#[must_use]
pub fn format_of_subprotocol(name: &str) -> Option<Format> {
    match name {
        SUBPROTOCOL_BINARY => Some(Format::Binary),
        SUBPROTOCOL_JSON => Some(Format::Json),
        _ => None,
    }
}

/// The subprotocol of a format.
#[must_use]
pub const fn subprotocol_of_format(format: Format) -> &'static str {
    match format {
        Format::Binary => SUBPROTOCOL_BINARY,
        Format::Json => SUBPROTOCOL_JSON,
    }
}

/// A request that keeps the RFC and may be answered with 101.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'h> {
    key: &'h str,
}

impl<'h> Request<'h> {
    /// Checks what RFC 6455 §4.2.1 demands.
    ///
    /// # Errors
    /// [`Refusal::MethodNotAllowed`], [`Refusal::UpgradeRequired`] (no WebSocket upgrade, or another version),
    /// [`Refusal::Malformed`] (no valid key).
    pub fn upgrade(&self) -> Result<Upgrade<'h>, Refusal> {
        if self.method() != "GET" {
            return Err(Refusal::MethodNotAllowed);
        }
        if !self.lists("upgrade", "websocket") || !self.lists("connection", "upgrade") {
            return Err(Refusal::UpgradeRequired);
        }
        if self.only("sec-websocket-version")? != Some(VERSION) {
            return Err(Refusal::UpgradeRequired);
        }
        let key = self.only("sec-websocket-key")?.filter(|key| is_key(key)).ok_or(Refusal::Malformed)?;
        Ok(Upgrade { key })
    }

    /// The format that the client prefers among those it offers by subprotocol; `None`: its first message decides.
    #[must_use]
    pub fn offered_format(&self) -> Option<Format> {
        self.subprotocols().find_map(format_of_subprotocol)
    }
}

impl Upgrade<'_> {
    /// Appends the response 101. A subprotocol may be named only if the client offered it.
    pub fn write_response(&self, subprotocol: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        out.extend_from_slice(accept_of(self.key).as_bytes());
        if let Some(subprotocol) = subprotocol {
            out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
            out.extend_from_slice(subprotocol.as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
    }
}

/// Whether the text is base64 of 16 bytes: 22 digits and two pads.
fn is_key(key: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix("==").is_some_and(|digits| digits.len() == 22 && digits.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 6] = [
        "GET /v1 HTTP/1.1",
        "Host: example.org",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ];

    fn outcome(lines: &[&str]) -> Result<(), Refusal> {
        let head = lines.join("\r\n") + "\r\n\r\n";
        Request::parse(head.as_bytes())?.upgrade().map(drop)
    }

    fn with(index: usize, line: &str) -> Result<(), Refusal> {
        let mut lines = LINES.to_vec();
        lines[index] = line;
        lines.retain(|line| !line.is_empty());
        outcome(&lines)
    }

    #[test]
    fn a_browser_s_request_is_answered_with_the_accept_value_and_the_subprotocol() {
        let head =
            LINES.join("\r\n") + "\r\nSec-WebSocket-Protocol: other, ringway.v1.json, ringway.v1.fb\r\n\r\n";
        let request = Request::parse(head.as_bytes()).unwrap();
        assert_eq!(request.offered_format(), Some(Format::Json));
        let mut out = Vec::new();
        request.upgrade().unwrap().write_response(Some(SUBPROTOCOL_JSON), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ringway.v1.json\r\n\r\n"
        );
    }

    #[test]
    fn names_and_tokens_are_compared_without_case() {
        assert_eq!(with(2, "uPGRADE: WebSocket"), Ok(()));
        assert_eq!(with(3, "CONNECTION: UPGRADE"), Ok(()));
    }

    #[test]
    fn each_missing_or_wrong_line_is_refused_with_its_status() {
        for (index, line, refusal) in [
            (0, "POST /v1 HTTP/1.1", Refusal::MethodNotAllowed),
            (0, "get /v1 HTTP/1.1", Refusal::MethodNotAllowed),
            (1, "", Refusal::Malformed),
            (2, "", Refusal::UpgradeRequired),
            (2, "Upgrade: h2c", Refusal::UpgradeRequired),
            (3, "", Refusal::UpgradeRequired),
            (3, "Connection: keep-alive", Refusal::UpgradeRequired),
            (4, "", Refusal::Malformed),
            (4, "Sec-WebSocket-Key: short==", Refusal::Malformed),
            (4, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", Refusal::Malformed),
            (4, "Sec-WebSocket-Key: dGhlIHNhbXBs*SBub25jZQ==", Refusal::Malformed),
            (5, "", Refusal::UpgradeRequired),
            (5, "Sec-WebSocket-Version: 8", Refusal::UpgradeRequired),
            (5, "Sec-WebSocket-Version: 13, 8", Refusal::UpgradeRequired),
        ] {
            assert_eq!(with(index, line), Err(refusal), "{line:?} for line {index}");
        }
    }

    #[test]
    fn a_second_key_or_version_is_refused() {
        for line in [LINES[4], LINES[5]] {
            let mut lines = LINES.to_vec();
            lines.push(line);
            assert_eq!(outcome(&lines), Err(Refusal::Malformed), "{line}");
        }
    }
}
