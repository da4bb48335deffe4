//! Why an upgrade is refused, and the HTTP response that says so.

use core::fmt;

/// A refused upgrade. The connection ends after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: not HTTP/1.1, or a header that is missing, double or malformed.
    Malformed,
    /// 403: the page that wants to connect is of an origin that the operator did not allow.
    OriginDenied,
    /// 404: no endpoint of this path.
    NotFound,
    /// 405: only GET can be upgraded.
    MethodNotAllowed,
    /// 426: an ordinary request where WebSocket is spoken, or another version than 13.
    UpgradeRequired,
    /// 429: the address holds as many connections, or opens them as fast, as it may.
    TooManyConnections,
    /// 431: the head is larger than 16 KiB or has more than 64 headers.
    HeadTooLarge,
    /// 503: the server is about to stop, or full.
    Unavailable,
}

impl Refusal {
    /// All, for counters and documentation.
    pub const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::OriginDenied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UpgradeRequired,
        Self::TooManyConnections,
        Self::HeadTooLarge,
        Self::Unavailable,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::OriginDenied => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::UpgradeRequired => 426,
            Self::TooManyConnections => 429,
            Self::HeadTooLarge => 431,
            Self::Unavailable => 503,
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Malformed => "Bad Request",
            Self::OriginDenied => "Forbidden",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::UpgradeRequired => "Upgrade Required",
            Self::TooManyConnections => "Too Many Requests",
            Self::HeadTooLarge => "Request Header Fields Too Large",
            Self::Unavailable => "Service Unavailable",
        }
    }

    /// One sentence for people: the response's body.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "This is not a valid WebSocket upgrade request.",
            Self::OriginDenied => "Pages of this origin may not connect: see the origin allow-list.",
            Self::NotFound => "There is no endpoint of this path; clients connect to /v1.",
            Self::MethodNotAllowed => "Only GET can be upgraded to WebSocket.",
            Self::UpgradeRequired => "This endpoint speaks WebSocket version 13 only.",
            Self::TooManyConnections => "Too many connections from this address: try again later.",
            Self::HeadTooLarge => "The request's headers are larger than the server takes.",
            Self::Unavailable => "The server takes no connections right now: try again.",
        }
    }

    /// Appends the whole response, which ends the connection.
    pub fn write_response(self, out: &mut Vec<u8>) {
        let more = match self {
            Self::MethodNotAllowed => "Allow: GET\r\n",
            Self::UpgradeRequired => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            Self::TooManyConnections | Self::Unavailable => "Retry-After: 1\r\n",
            _ => "",
        };
        let connection = if self == Self::UpgradeRequired { "Upgrade, close" } else { "close" };
        let (status, phrase, text) = (self.status(), self.phrase(), self.text());
        let head = format!(
            "HTTP/1.1 {status} {phrase}\r\nConnection: {connection}\r\n{more}Content-Type: text/plain\r\n\
             Content-Length: {}\r\n\r\n{text}\n",
            text.len() + 1,
        );
        out.extend_from_slice(head.as_bytes());
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.status(), self.text())
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_whole_http_response() {
        for refusal in Refusal::ALL {
            let mut out = Vec::new();
            refusal.write_response(&mut out);
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut response = httparse::Response::new(&mut headers);
            let head = response.parse(&out).unwrap().unwrap();
            assert_eq!(response.code, Some(refusal.status()));
            let length = response.headers.iter().find(|header| header.name == "Content-Length").unwrap();
            assert_eq!(core::str::from_utf8(length.value).unwrap(), (out.len() - head).to_string());
        }
    }

    #[test]
    fn upgrade_required_names_the_version() {
        let mut out = Vec::new();
        Refusal::UpgradeRequired.write_response(&mut out);
        assert!(String::from_utf8(out).unwrap().contains("\r\nSec-WebSocket-Version: 13\r\n"));
    }
}
