//! The rim of a shard's links: UDP sockets that bring datagrams to [`Links`] and take its packets.

use std::io;
use std::net::UdpSocket;
use std::rc::Rc;
use std::time::Instant;

use super::Links;
use crate::quic::cid;
use crate::quic::datagram::Stray;
use crate::quic::socket::{Inbox, Udp};

/// A shard's sockets for links.
pub(crate) struct LinkSockets {
    sockets: Vec<Rc<Udp>>,
    inbox: Inbox,
    /// Packets on their way out.
    packets: Vec<u8>,
    /// Datagrams in one train, at most.
    segments_max: usize,
    shard: usize,
    shards: usize,
}

impl LinkSockets {
    /// Takes the sockets of this shard into use, in the order of the addresses.
    ///
    /// # Errors
    /// A socket can't be used.
    pub(crate) fn new(sockets: Vec<UdpSocket>, shard: usize, shards: usize) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(|socket| Udp::new(socket).map(Rc::new));
        let sockets = sockets.collect::<io::Result<Vec<_>>>()?;
        let segments_max = sockets.iter().map(|socket| socket.segments_max()).min().unwrap_or(1);
        Ok(Self { sockets, inbox: Inbox::new(), packets: Vec::new(), segments_max, shard, shards })
    }

    /// The sockets, for those who wait for them.
    pub(crate) fn sockets(&self) -> &[Rc<Udp>] {
        &self.sockets
    }

    /// Takes what a socket has, within bounds: the next readiness tells of the rest. `pass_on` is given what is for
    /// another shard, which takes it by [`Links::handle_stray`].
    pub(crate) fn receive(
        &mut self,
        socket: usize,
        links: &mut Links,
        now: Instant,
        mut pass_on: impl FnMut(usize, Stray),
    ) {
        let (shard, shards) = (self.shard, self.shards);
        self.sockets[socket].receive_share(socket, &mut self.inbox, |envelope, bytes| {
            match cid::shard_of(bytes, shards).filter(|of| *of != shard) {
                Some(other) => {
                    links.count_stray();
                    pass_on(other, Stray { envelope, bytes: bytes.into() });
                }
                None => links.handle_datagram(now, envelope, bytes),
            }
        });
    }

    /// Sends the packets of this turn.
    pub(crate) fn flush(&mut self, links: &mut Links, now: Instant) {
        links.flush(now);
        while let Some((socket, transmit)) = links.poll_transmit(now, self.segments_max, &mut self.packets) {
            self.sockets[socket].send(&transmit, &self.packets);
        }
    }
}

impl Links {
    /// A datagram that another shard passed on.
    pub(crate) fn handle_stray(&mut self, now: Instant, stray: &Stray) {
        self.handle_datagram(now, stray.envelope, &stray.bytes);
    }
}
