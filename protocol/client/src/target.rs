//! Where to connect and over what: a URL, taken apart.

use std::fmt;
use std::str::FromStr;

/// Port of `quic://` URLs that name none: the router's default.
const QUIC_PORT: u16 = 7400;
/// Path of URLs that name none.
const PATH: &str = "/v1";

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `quic://host:port`: QUIC with the application protocol `ringway/1`.
    Quic,
    /// `ws://host:port/v1`: WebSocket over TCP.
    WebSocket,
    /// `wss://host:port/v1`: WebSocket over TLS.
    SecureWebSocket,
    /// `https://host:port/v1`: WebTransport over HTTP/3.
    WebTransport,
}

impl Transport {
    /// Whether the server shows a certificate.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        !matches!(self, Self::WebSocket)
    }
}

/// A server as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// By the URL's scheme.
    pub transport: Transport,
    /// Name or address, without brackets.
    pub host: Box<str>,
    /// UDP or TCP port.
    pub port: u16,
    /// Path and query of the upgrade; unused with `quic://`.
    pub path: Box<str>,
}

/// Why a URL is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadUrl {}

impl Target {
    /// Host and port as `Host` and `:authority` want them.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Target {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let bad = |what: &str| BadUrl(format!("{url}: {what}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        let (transport, port) = match scheme {
            "quic" => (Transport::Quic, QUIC_PORT),
            "ws" => (Transport::WebSocket, 80),
            "wss" => (Transport::SecureWebSocket, 443),
            "https" => (Transport::WebTransport, 443),
            _ => return Err(bad("must begin with quic://, ws://, wss:// or https://")),
        };
        if rest.contains(|character: char| character.is_ascii_control() || character == ' ') {
            return Err(bad("has a space or a control character"));
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let path = if path.is_empty() { PATH } else { path };
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, port),
            Some((host, port)) => (
                host,
                port.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or_else(|| bad("bad port"))?,
            ),
            None => match authority.split_once(':') {
                Some((host, port)) => (host, port.parse().map_err(|_| bad("bad port"))?),
                None => (authority, port),
            },
        };
        if host.is_empty() {
            return Err(bad("has no host"));
        }
        Ok(Self { transport, host: host.into(), port, path: path.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Target {
        url.parse().unwrap()
    }

    #[test]
    fn urls_are_taken_apart() {
        let target = parse("quic://localhost");
        assert_eq!((target.transport, target.port), (Transport::Quic, 7400));
        assert_eq!(target.authority(), "localhost:7400");
        let target = parse("ws://127.0.0.1:7400");
        assert_eq!((target.transport, &*target.path), (Transport::WebSocket, "/v1"));
        let target = parse("wss://example.org/v1?a=b");
        assert_eq!((&*target.host, target.port, &*target.path), ("example.org", 443, "/v1?a=b"));
        let target = parse("https://[::1]:7400/v1");
        assert_eq!((target.transport, &*target.host), (Transport::WebTransport, "::1"));
        assert_eq!(target.authority(), "[::1]:7400");
    }

    #[test]
    fn bad_urls_say_why() {
        for (url, why) in [
            ("localhost:7400", "scheme"),
            ("ftp://localhost", "must begin with"),
            ("quic://", "host"),
            ("ws://host:99999/v1", "port"),
            ("ws://[::1]7400", "port"),
            ("ws://host/v1\r\nx: y", "control"),
        ] {
            let fault = url.parse::<Target>().unwrap_err().to_string();
            assert!(fault.contains(why), "{fault}");
        }
    }
}
