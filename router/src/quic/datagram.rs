//! A datagram on its way from a socket to the connection that it is for.

use std::net::{IpAddr, SocketAddr};

use quinn_proto::EcnCodepoint;
use quinn_udp::RecvMeta;

/// What the kernel tells of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    /// Which of the shard's sockets it came to.
    pub(crate) socket: usize,
    pub(crate) from: SocketAddr,
    pub(crate) to: Option<IpAddr>,
    pub(crate) ecn: Option<EcnCodepoint>,
}

impl Envelope {
    pub(super) fn of(socket: usize, meta: &RecvMeta) -> Self {
        let ecn = meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
        Self { socket, from: meta.addr, to: meta.dst_ip, ecn }
    }
}

/// A datagram that came to the wrong shard.
pub(crate) struct Stray {
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Box<[u8]>,
}
