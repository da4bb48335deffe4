//! What a client is told: where, as whom, and how much it may hold.

use std::net::SocketAddr;
use std::time::Duration;

use crate::{Socket, Trust};

/// How to reach a server, and as whom.
///
/// ```
/// use ringway_client::{Config, Trust};
///
/// let mut config = Config::new("quic://127.0.0.1:7400");
/// config.trust = Some(Trust::Insecure);
/// config.client = Some("my-game 1.0".into());
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// `quic://host:port`, `ws://host:port/v1`, `wss://host:port/v1`, or `https://host:port/v1` for WebTransport.
    pub url: Box<str>,
    /// Which certificates to believe; needed unless the URL begins with `ws://`.
    pub trust: Option<Trust>,
    /// The name for which the certificate must be, if not the URL's host.
    pub server_name: Option<Box<str>>,
    /// A signed token; without one the client asks to be anonymous.
    pub token: Option<Box<str>>,
    /// Name and version of the client, for the server's logs; at most 128 bytes.
    pub client: Option<Box<str>>,
    /// Tell the server after a reconnect which values of the latest lane are held, so that they are not sent again.
    pub versions: bool,
    /// Local address of TCP connections, and of the UDP socket where none is given.
    pub local_address: Option<SocketAddr>,
    /// A UDP socket to share with other clients; without one, all sessions of a
    /// [`Connector`](crate::Connector) share one of their own.
    pub socket: Option<Socket>,
    /// From the first packet to `welcome`, at most.
    pub handshake_timeout: Duration,
    /// What a connection may hold.
    pub bounds: Bounds,
}

impl Config {
    /// The defaults for a URL.
    #[must_use]
    pub fn new(url: impl Into<Box<str>>) -> Self {
        Self {
            url: url.into(),
            trust: None,
            server_name: None,
            token: None,
            client: None,
            versions: true,
            local_address: None,
            socket: None,
            handshake_timeout: Duration::from_secs(10),
            bounds: Bounds::default(),
        }
    }
}

/// Bounds of one connection and of one session's queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of commands that wait for the connection before reliable publishes have to.
    pub send_bytes: usize,
    /// Values of the latest and unreliable lanes that wait for the connection, one of each room and key.
    pub values: usize,
    /// Bytes of them.
    pub value_bytes: usize,
    /// Largest frame taken from the server, prefix included.
    pub frame_bytes: usize,
    /// Receive buffer of a TCP socket (`SO_RCVBUF`), in bytes; none leaves it to the system.
    pub receive_buffer_bytes: Option<u32>,
    /// Events of a [`Session`](crate::Session) that wait to be read before the connection is read no further.
    pub events: usize,
    /// Bytes of the bodies of its events, by lane: reliable ones stop the reading, others push out what waited longest.
    pub event_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            send_bytes: 64 * 1024,
            values: 1_024,
            value_bytes: 1024 * 1024,
            frame_bytes: ringway_protocol::limit::SERVER_FRAME_BYTES_MAX,
            receive_buffer_bytes: None,
            events: 1_024,
            event_bytes: 4 * 1024 * 1024,
        }
    }
}
