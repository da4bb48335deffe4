//! Where to connect and how: a `ws://` or `wss://` URL, resolved once, with the socket options of every connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use ringway_client::{Config, Trust};
use ringway_protocol::Format;
use rustls::pki_types::ServerName;

use super::tls;
use crate::args::TransportChoice;

/// Connections from one source address before the next one is used, where the server is on this host.
const CONNECTIONS_PER_SOURCE: u32 = 20_000;

/// A server, and how each connection to it is made.
#[derive(Clone)]
pub struct Target {
    /// The server's address.
    pub address: SocketAddr,
    /// `Host` of the upgrade.
    pub host: String,
    /// Path and query of the upgrade.
    pub path: String,
    /// What carries the frames.
    pub transport: TransportChoice,
    /// Any certificate will do.
    insecure: bool,
    /// TLS, for `wss://`.
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    /// Source addresses to spread over: 127.0.0.2 and up; 0 leaves the choice to the system.
    pub sources: u8,
    /// `SO_RCVBUF`, if not the system's; the QUIC clients of a thread then share a line that can be slowed down.
    pub receive_buffer_bytes: Option<usize>,
}

/// Why a URL is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "--url: {}", self.0)
    }
}

impl std::error::Error for BadUrl {}

impl Target {
    /// Parses and resolves `scheme://host[:port][/path]` with one of the schemes ws, wss, quic, https; `transport` overrides the scheme, `insecure` takes any certificate.
    ///
    /// # Errors
    /// When the URL is not of that form or the host is not known.
    pub fn new(url: &str, transport: Option<TransportChoice>, insecure: bool) -> Result<Self, BadUrl> {
        let fault = |text: String| BadUrl(format!("{url}: {text}"));
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| fault("must begin with ws://, wss://, quic:// or https://".into()))?;
        let said = match scheme {
            "ws" | "wss" => TransportChoice::Ws,
            "quic" => TransportChoice::Quic,
            "https" => TransportChoice::Wt,
            _ => return Err(fault("must begin with ws://, wss://, quic:// or https://".into())),
        };
        let transport = transport.unwrap_or(said);
        let secure = scheme != "ws";
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let bare = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let (name, port) = match bare {
            Some((name, port)) => (name, port.parse().unwrap_or(0)),
            None => (host, if secure { 443 } else { 80 }),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address = (name, port)
            .to_socket_addrs()
            .map_err(|reason| fault(reason.to_string()))?
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(|| fault("the host has no address".into()))?;
        let tls = if secure && transport == TransportChoice::Ws {
            let server = ServerName::try_from(name.to_owned()).map_err(|reason| fault(reason.to_string()))?;
            Some((tls::config(insecure).map_err(fault)?, server))
        } else {
            None
        };
        Ok(Self {
            address,
            host: host.to_owned(),
            path: path.to_owned(),
            transport,
            insecure,
            tls,
            sources: 0,
            receive_buffer_bytes: None,
        })
    }

    /// The same target for clients of `ringway-client`.
    #[must_use]
    pub fn config(&self, token: Option<&str>) -> Config {
        let scheme = match (self.transport, &self.tls) {
            (TransportChoice::Ws, None) => "ws",
            (TransportChoice::Ws, Some(_)) => "wss",
            (TransportChoice::Quic, _) => "quic",
            (TransportChoice::Wt, _) => "https",
        };
        let path = if self.transport == TransportChoice::Quic { "" } else { self.path.as_str() };
        let mut config = Config::new(format!("{scheme}://{}{path}", self.host));
        let trusted = self.insecure || (scheme != "wss" && self.address.ip().is_loopback());
        config.trust = trusted.then_some(Trust::Insecure);
        config.token = token.map(Into::into);
        config.client = Some("ringway-load".into());
        config.bounds.receive_buffer_bytes = self.receive_buffer_bytes.map(|bytes| bytes as u32);
        config
    }

    /// What carries the frames, for reports.
    #[must_use]
    pub const fn transport_name(&self) -> &'static str {
        match self.transport {
            TransportChoice::Ws => "websocket",
            TransportChoice::Quic => "quic",
            TransportChoice::Wt => "webtransport",
        }
    }

    /// The source address of a connection by its number over all threads.
    #[must_use]
    pub fn source_of(&self, connection: u32) -> Option<IpAddr> {
        let last = 2 + connection.checked_rem(u32::from(self.sources))?;
        Some(Ipv4Addr::new(127, 0, 0, last as u8).into())
    }

    /// Enough source addresses for so many connections to a server on this host.
    #[must_use]
    pub fn sources_for(&self, connections: u32) -> u8 {
        if !self.address.ip().is_loopback() || self.address.is_ipv6() || connections <= CONNECTIONS_PER_SOURCE
        {
            return 0;
        }
        connections.div_ceil(CONNECTIONS_PER_SOURCE).min(250) as u8
    }
}

/// The subprotocols that a connection offers for a format.
#[must_use]
pub const fn subprotocols(format: Format) -> &'static [&'static str] {
    match format {
        Format::Binary => &["ringway.v1.fb"],
        Format::Json => &["ringway.v1.json"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_into_address_host_and_path() {
        let target = Target::new("ws://127.0.0.1:7400/v1?x=1", None, false).unwrap();
        assert_eq!(target.address, "127.0.0.1:7400".parse().unwrap());
        assert_eq!((target.host.as_str(), target.path.as_str()), ("127.0.0.1:7400", "/v1?x=1"));
        assert!(target.tls.is_none());
        assert_eq!(
            Target::new("ws://[::1]:7400", None, false).unwrap().address,
            "[::1]:7400".parse().unwrap()
        );
        assert!(Target::new("wss://127.0.0.1/", None, true).unwrap().tls.is_some());
    }

    #[test]
    fn the_transport_is_the_schemes_or_the_one_that_was_asked_for() {
        let target = |url, transport| Target::new(url, transport, false).unwrap();
        assert_eq!(target("https://127.0.0.1:1/v1", None).transport, TransportChoice::Wt);
        let quic = target("ws://127.0.0.1:7400/v1", Some(TransportChoice::Quic));
        assert_eq!(&*quic.config(None).url, "quic://127.0.0.1:7400");
    }

    #[test]
    fn bad_urls_say_why() {
        assert!(Target::new("http://x", None, false).is_err_and(|fault| fault.to_string().contains("ws://")));
        assert!(Target::new("ws://127.0.0.1:99999/", None, false).is_err());
    }

    #[test]
    fn many_connections_to_this_host_use_several_sources() {
        let mut target = Target::new("ws://127.0.0.1:7400/v1", None, false).unwrap();
        assert_eq!(target.sources_for(20_000), 0);
        assert_eq!(target.sources_for(20_001), 2);
        assert_eq!(target.source_of(5), None);
        target.sources = 2;
        assert_eq!(target.source_of(3), Some("127.0.0.3".parse().unwrap()));
    }
}
