//! Where to connect and how: a URL, resolved once, with the socket options of every connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use ringway_client::{Config, Trust};
use ringway_protocol::Format;
use rustls::pki_types::ServerName;

use super::tls;
use crate::args::{Protocol, TransportChoice};

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
    /// What the clients speak.
    pub protocol: Protocol,
    /// MQTT's quality of service, 0 or 1.
    pub qos: u8,
    /// User and password of the URL, for MQTT.
    pub login: Option<(String, String)>,
    /// Any certificate will do.
    insecure: bool,
    /// TLS, for `wss://` and `mqtts://`.
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    /// Source addresses to spread over: 127.0.0.2 and up; 0 leaves the choice to the system.
    pub sources: u8,
    /// Other doors of the same server: its nodes. Clients are dealt to all in turn, and go on to the next one when a
    /// connection ends.
    others: Vec<Arc<Self>>,
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
    /// Parses and resolves `scheme://[user[:password]@]host[:port][/path]` with one of the schemes ws, wss, quic,
    /// https, mqtt, mqtts; `transport` overrides the scheme but the last two, which alone take a user; `insecure` takes
    /// any certificate.
    ///
    /// # Errors
    /// When the URL is not of that form or the host is not known.
    pub fn new(url: &str, transport: Option<TransportChoice>, insecure: bool) -> Result<Self, BadUrl> {
        let fault = |text: String| BadUrl(format!("{url}: {text}"));
        let schemes =
            || fault("must begin with ws://, wss://, quic://, https://, mqtt:// or mqtts://".into());
        let (scheme, rest) = url.split_once("://").ok_or_else(schemes)?;
        let said = match scheme {
            "ws" | "wss" => TransportChoice::Ws,
            "quic" => TransportChoice::Quic,
            "https" => TransportChoice::Wt,
            "mqtt" | "mqtts" => TransportChoice::Tcp,
            _ => return Err(schemes()),
        };
        let is_mqtt = said == TransportChoice::Tcp;
        if is_mqtt && transport.is_some() {
            return Err(fault("MQTT goes over TCP: leave --transport away".into()));
        }
        let transport = transport.unwrap_or(said);
        let secure = !matches!(scheme, "ws" | "mqtt");
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (login, host) = match host.rsplit_once('@').filter(|_| is_mqtt) {
            Some((login, host)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                let decode =
                    |text| percent_decoded(text).ok_or_else(|| fault("a bad %-escape before `@`".into()));
                (Some((decode(user)?, decode(password)?)), host)
            }
            None => (None, host),
        };
        let bare = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let (name, port) = match bare {
            Some((name, port)) => (name, port.parse().unwrap_or(0)),
            None if is_mqtt => (host, if secure { 8883 } else { 1883 }),
            None => (host, if secure { 443 } else { 80 }),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address = (name, port)
            .to_socket_addrs()
            .map_err(|reason| fault(reason.to_string()))?
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(|| fault("the host has no address".into()))?;
        let tls = if secure && matches!(transport, TransportChoice::Ws | TransportChoice::Tcp) {
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
            protocol: if is_mqtt { Protocol::Mqtt } else { Protocol::Ringway },
            qos: 0,
            login,
            insecure,
            tls,
            sources: 0,
            others: Vec::new(),
            receive_buffer_bytes: None,
        })
    }

    /// The same server with more doors: the nodes of a cluster, each reached as this one is.
    ///
    /// # Errors
    /// When another scheme or path is asked for there.
    pub fn with_others(mut self, others: Vec<Self>) -> Result<Self, BadUrl> {
        if let Some(other) = others.iter().find(|other| {
            other.transport != self.transport
                || other.tls.is_some() != self.tls.is_some()
                || other.path != self.path
        }) {
            return Err(BadUrl(format!("{}: several URLs must have one scheme and one path", other.host)));
        }
        self.others = others.into_iter().map(Arc::new).collect();
        Ok(self)
    }

    /// The door of a client's connection, by the sum of its number and the connections that it had before.
    #[must_use]
    pub fn door(&self, turn: u32) -> &Self {
        match turn as usize % (self.others.len() + 1) {
            0 => self,
            other => &self.others[other - 1],
        }
    }

    /// How many doors there are.
    #[must_use]
    pub const fn doors(&self) -> usize {
        self.others.len() + 1
    }

    /// The same for clients that speak `protocol`, in MQTT with this quality of service.
    ///
    /// # Errors
    /// When the URL's scheme or path is none of that protocol's.
    pub fn speaking(mut self, protocol: Protocol, qos: u8) -> Result<Self, BadUrl> {
        let want = match (protocol, self.transport) {
            (Protocol::Mqtt, TransportChoice::Tcp) if self.path != "/" => {
                "an mqtt:// URL ends with the port: rooms are topics"
            }
            (Protocol::Mqtt, TransportChoice::Tcp) | (Protocol::RawWs, TransportChoice::Ws) => "",
            (Protocol::Mqtt, _) => "--protocol mqtt wants mqtt:// or mqtts://",
            (_, TransportChoice::Tcp) => "mqtt:// and mqtts:// are for --protocol mqtt",
            (Protocol::RawWs, _) => "--protocol raw-ws wants ws:// or wss://, and no other --transport",
            (Protocol::Ringway, _) => "",
        };
        if !want.is_empty() {
            return Err(BadUrl(want.to_owned()));
        }
        (self.protocol, self.qos) = (protocol, qos);
        Ok(self)
    }

    /// The path with a room's name in the place of each `{room}`.
    #[must_use]
    pub fn path_of(&self, room: &str) -> String {
        self.path.replace("{room}", room)
    }

    /// The same target for clients of `ringway-client`.
    #[must_use]
    pub fn config(&self, token: Option<&str>) -> Config {
        let scheme = match (self.transport, &self.tls) {
            // Those clients do not speak straight on TCP; nothing asks them to.
            (TransportChoice::Ws | TransportChoice::Tcp, None) => "ws",
            (TransportChoice::Ws | TransportChoice::Tcp, Some(_)) => "wss",
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
            TransportChoice::Tcp => "tcp",
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

/// `%41` as `A`; none if an escape is cut or gives no UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let byte = if *byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            rest = after;
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
        } else {
            *byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
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
    fn several_doors_are_taken_in_turn() {
        let target = |port: u16| Target::new(&format!("ws://127.0.0.1:{port}/v1"), None, false).unwrap();
        let target = target(1).with_others(vec![target(2), target(3)]).unwrap();
        let ports: Vec<_> = (0..4).map(|turn| target.door(turn).address.port()).collect();
        assert_eq!((ports, target.doors()), (vec![1, 2, 3, 1], 3));
        let other = Target::new("ws://127.0.0.1:4/other", None, false).unwrap();
        assert!(target.with_others(vec![other]).is_err());
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
    fn mqtt_urls_may_hold_a_user_and_nothing_after_the_port() {
        let target = Target::new("mqtt://a%40b:p%3aw@127.0.0.1", None, false).unwrap();
        assert_eq!(target.address, "127.0.0.1:1883".parse().unwrap());
        assert_eq!(target.login, Some(("a@b".to_owned(), "p:w".to_owned())));
        assert!(Target::new("mqtt://a%4@127.0.0.1", None, false).is_err());
        let secure = Target::new("mqtts://127.0.0.1", None, true).unwrap();
        assert_eq!((secure.address.port(), secure.tls.is_some()), (8883, true));
        let path = Target::new("mqtt://127.0.0.1/x", None, false).unwrap();
        assert!(path.speaking(Protocol::Mqtt, 0).is_err_and(|fault| fault.to_string().contains("topics")));
    }

    #[test]
    fn a_protocol_wants_its_own_scheme() {
        let speaking = |url, protocol| Target::new(url, None, false).unwrap().speaking(protocol, 0);
        assert!(speaking("ws://127.0.0.1:1", Protocol::Mqtt).is_err());
        assert!(speaking("mqtt://127.0.0.1:1", Protocol::Ringway).is_err());
        assert!(speaking("quic://127.0.0.1:1", Protocol::RawWs).is_err());
        let target = speaking("ws://127.0.0.1:1/a/{room}?x", Protocol::RawWs).unwrap();
        assert_eq!(target.path_of("r"), "/a/r?x");
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
