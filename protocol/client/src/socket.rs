//! A UDP socket with a QUIC endpoint on it: any number of sessions share one.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use quinn::{Endpoint, EndpointConfig};
use socket2::{Domain, Protocol, Type};

/// Bytes that the system may buffer each way: one socket carries many sessions. The system may give less.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A UDP socket for many sessions; clones are the same socket. It is driven on the tokio runtime on which it was made.
#[derive(Clone, Debug)]
pub struct Socket {
    endpoint: Endpoint,
}

impl Socket {
    /// Binds a socket; port 0 takes any, and the unspecified IPv6 address takes IPv4, too, where the system can.
    ///
    /// # Errors
    /// The system's, or when this is not called on a tokio runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let runtime = quinn::default_runtime().ok_or_else(|| io::Error::other("no tokio runtime"))?;
        let endpoint = Endpoint::new(EndpointConfig::default(), None, open(address)?, runtime)?;
        Ok(Self { endpoint })
    }

    /// Goes on on another socket: the connections move to its address, as when a phone changes networks.
    ///
    /// # Errors
    /// The system's; the old socket stays.
    pub fn rebind(&self, address: SocketAddr) -> io::Result<()> {
        self.endpoint.rebind(open(address)?)
    }

    /// Where packets leave from.
    ///
    /// # Errors
    /// The system's.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Waits until all connections are over and their farewells are sent: do it before the runtime ends.
    pub async fn idle(&self) {
        self.endpoint.wait_idle().await;
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// An endpoint made elsewhere.
impl From<Endpoint> for Socket {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Where the system has only one of both, the other one is not missed.
        let _ = socket.set_only_v6(false);
    }
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}
