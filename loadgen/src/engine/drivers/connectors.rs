//! How the drivers of a thread reach the server: UDP sockets and TLS, shared as far as can be. Thread view.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ringway_client::{Connector, Socket};
use ringway_protocol::session::client::Options;

use super::line::Line;
use crate::engine::Target;

/// Sessions that share a socket: what comes for all of them between two turns must fit its buffer.
const SESSIONS_PER_SOCKET: u32 = 2_048;

/// Gives each client its connector.
pub(super) struct Connectors {
    target: Arc<Target>,
    /// Number of this thread's first connection over all threads, which picks source addresses.
    first: u32,
    given: u32,
    sockets: BTreeMap<(Option<IpAddr>, u32), Bound>,
    line: Option<Arc<Line>>,
}

/// A socket, and the connector on it for those who say the same of themselves.
struct Bound {
    socket: Socket,
    last: Option<(Arc<Options>, Connector)>,
}

impl Connectors {
    pub(super) const fn new(target: Arc<Target>, first: u32) -> Self {
        Self { target, first, given: 0, sockets: BTreeMap::new(), line: None }
    }

    /// The next client's; to be called on the runtime.
    pub(super) fn next(&mut self, options: &Arc<Options>) -> io::Result<Connector> {
        let number = self.given;
        self.given += 1;
        let source = self.target.source_of(self.first.wrapping_add(number));
        let sources = u32::from(self.target.sources).max(1);
        let place = (source, number / sources / SESSIONS_PER_SOCKET);
        if !self.sockets.contains_key(&place) {
            let bound = Bound { socket: self.bind(source)?, last: None };
            self.sockets.insert(place, bound);
        }
        let Some(bound) = self.sockets.get_mut(&place) else {
            return Err(io::Error::other("a socket that was just bound is gone"));
        };
        let shared =
            bound.last.as_ref().filter(|(last, _)| self.target.doors() == 1 && Arc::ptr_eq(last, options));
        if let Some((_, connector)) = shared {
            return Ok(connector.clone());
        }
        let mut config = self.target.door(number).config(options.token.as_deref());
        config.client.clone_from(&options.client);
        config.versions = options.versions;
        config.socket = Some(bound.socket.clone());
        let connector = Connector::new(config).map_err(io::Error::other)?;
        bound.last = Some((Arc::clone(options), connector.clone()));
        Ok(connector)
    }

    /// The slow line, if the target is reached over one.
    pub(super) const fn line(&self) -> Option<&Arc<Line>> {
        self.line.as_ref()
    }

    /// Until all connections are over and their farewells sent.
    pub(super) fn idle(&self) -> impl Future<Output = ()> + use<> {
        let sockets: Vec<_> = self.sockets.values().map(|bound| bound.socket.clone()).collect();
        async move {
            for socket in sockets {
                socket.idle().await;
            }
        }
    }

    fn bind(&mut self, source: Option<IpAddr>) -> io::Result<Socket> {
        let any = match self.target.address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let address = SocketAddr::new(source.unwrap_or(any), 0);
        match self.target.receive_buffer_bytes {
            None => Socket::bind(address),
            Some(bytes) => {
                let line = Line::bind(address, bytes)?;
                self.line = Some(Arc::clone(&line));
                line.socket()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::TransportChoice;

    fn sockets(sources: u8, sessions: u32) -> Connectors {
        let mut target = Target::new("quic://127.0.0.1:7400", Some(TransportChoice::Quic), true).unwrap();
        target.sources = sources;
        let mut connectors = Connectors::new(Arc::new(target), 0);
        let options = Arc::new(Options::default());
        for _ in 0..sessions {
            connectors.next(&options).unwrap();
        }
        connectors
    }

    #[test]
    fn many_sessions_share_a_socket_and_very_many_several() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        assert_eq!(sockets(0, SESSIONS_PER_SOCKET).sockets.len(), 1);
        assert_eq!(sockets(0, SESSIONS_PER_SOCKET + 1).sockets.len(), 2);
        let spread = sockets(3, 9);
        let sources: Vec<_> = spread.sockets.keys().filter_map(|(source, _)| *source).collect();
        assert_eq!(
            sources,
            ["127.0.0.2", "127.0.0.3", "127.0.0.4"].map(|text| text.parse::<IpAddr>().unwrap())
        );
    }
}
