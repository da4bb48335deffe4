//! For tests: a clock that stands, two nodes, and their handshake without a socket.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use super::credentials::{Credentials, Texts};
use super::fault::{Bad, Fault};
use super::issue::{Authority, Made, authority};
use super::name::{Cluster, NodeNumber, Peer};

/// A moment of 2026.
pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const DAY: u64 = 86_400;

#[derive(Debug)]
struct Standing(UnixTime);

impl TimeProvider for Standing {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

pub(crate) fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub(crate) fn clock(seconds: u64) -> Arc<dyn TimeProvider> {
    Arc::new(Standing(time(seconds)))
}

pub(crate) fn cluster(name: &str) -> Cluster {
    Cluster::new(name).expect("a name of a cluster")
}

pub(crate) fn node(name: &str, number: u64) -> Peer {
    Peer { cluster: cluster(name), node: NodeNumber(number) }
}

/// An authority of ten years.
pub(crate) fn made_authority(name: &str) -> Made {
    authority(&cluster(name), 3_650, time(NOW)).expect("random bytes")
}

/// A certificate of 90 days.
pub(crate) fn issued(by: &Made, number: u64) -> Made {
    let authority =
        Authority::read(by.certificate.as_bytes(), by.key.as_bytes(), time(NOW)).expect("its own");
    authority.issue(NodeNumber(number), 90, time(NOW)).expect("within the authority")
}

/// A node of this authority with what was issued.
pub(crate) fn credentials(authority: &Made, made: &Made, at: u64) -> Result<Credentials, Bad> {
    let texts = Texts {
        authority: authority.certificate.as_bytes(),
        certificate: made.certificate.as_bytes(),
        key: made.key.as_bytes(),
    };
    Credentials::new(texts, clock(at))
}

/// What each side says of the handshake: faults, or whom it meets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) dialler: Result<Peer, Fault>,
    pub(crate) listener: Result<Peer, Fault>,
}

/// A handshake between two nodes of which one wants to reach `whom`.
pub(crate) fn meet(dialler: &Credentials, listener: &Credentials, whom: &Peer) -> Met {
    let (client, server) = shake(&dialler.client, &listener.server, whom.server_name());
    Met {
        dialler: client.and_then(|client| dialler.peer(client.peer_certificates().unwrap_or_default())),
        listener: server.and_then(|server| listener.peer(server.peer_certificates().unwrap_or_default())),
    }
}

/// Pipes two connections into each other until both are done or one can't go on.
pub(crate) fn shake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: ServerName<'static>,
) -> (Result<ClientConnection, Fault>, Result<ServerConnection, Fault>) {
    let mut client = ClientConnection::new(Arc::clone(client), name).expect("a configuration that works");
    let mut server = ServerConnection::new(Arc::clone(server)).expect("a configuration that works");
    let (mut of_client, mut of_server) = (None, None);
    // A handshake of TLS 1.3 is over after two rounds; the rest is for alerts.
    for _ in 0..8 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).expect("memory takes it");
        }
        if !wire.is_empty() && of_server.is_none() {
            server.read_tls(&mut wire.as_slice()).expect("memory gives it");
            of_server = server.process_new_packets().err();
        }
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory takes it");
        }
        if !wire.is_empty() && of_client.is_none() {
            client.read_tls(&mut wire.as_slice()).expect("memory gives it");
            of_client = client.process_new_packets().err();
        }
    }
    let of = |error: Option<rustls::Error>, handshaking: bool| match error {
        Some(error) => Err(Fault::of_handshake(&error)),
        None if handshaking => Err(Fault::Refused("the handshake did not end".into())),
        None => Ok(()),
    };
    (
        of(of_client, client.is_handshaking()).map(|()| client),
        of(of_server, server.is_handshaking()).map(|()| server),
    )
}
