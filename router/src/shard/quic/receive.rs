//! From the sockets to the connections: datagrams, and those that came to the wrong shard.

use std::rc::Rc;
use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::{ConnectionHandle, DatagramEvent, Incoming, Transmit};

use super::{QUIC, Quic};
use crate::node::Order;
use crate::quic::cid;
use crate::quic::datagram::{Envelope, Stray};
use crate::quic::newcomers::Knock;
use crate::rt::Io;
use crate::shard::Context;
use crate::shard::context::{Rim, State};

/// Reads a UDP socket for as long as the shard runs.
pub(crate) async fn read(context: Rc<Context>, socket: usize, io: Rc<Io>) {
    while io.readable().await.is_ok() {
        context.receive(socket);
    }
}

impl Context {
    /// Takes what a UDP socket has, within bounds: the next readiness tells of the rest.
    fn receive(&self, socket: usize) {
        let mut state = self.state.borrow_mut();
        let State { quic, rim, .. } = &mut *state;
        let Some(quic) = quic else { return };
        let now = Instant::now();
        let Some(mut inbox) = quic.inbox.take() else { return };
        let udp = Rc::clone(&quic.sockets[socket]);
        let received = udp.receive_share(socket, &mut inbox, |envelope, bytes| {
            rim.figures.rim.bytes_in += bytes.len() as u64;
            quic.sort(now, envelope, bytes, rim);
        });
        rim.figures.rim.quic_datagrams_in += received as u64;
        quic.inbox = Some(inbox);
        self.wake_pump();
    }
}

impl Quic {
    /// One datagram: ours, or another shard's.
    fn sort(&mut self, now: Instant, envelope: Envelope, bytes: &[u8], rim: &mut Rim) {
        let shard = cid::shard_of(bytes, self.neighbours.len());
        if let Some(shard) = shard.filter(|shard| *shard != usize::from(rim.id.0)) {
            rim.figures.rim.quic_strays += 1;
            let stray = Stray { envelope, bytes: bytes.into() };
            // A queue that is full loses it, as the network may.
            let _ = self.neighbours[shard].post(Order::Datagram(Box::new(stray)));
            return;
        }
        self.handle(now, envelope, BytesMut::from(bytes), rim);
    }

    /// A datagram that another shard passed on.
    pub(crate) fn take_stray(&mut self, stray: Stray, rim: &mut Rim) {
        self.handle(Instant::now(), stray.envelope, BytesMut::from(&*stray.bytes), rim);
    }

    fn handle(&mut self, now: Instant, envelope: Envelope, bytes: BytesMut, rim: &mut Rim) {
        let Envelope { socket, from, to, ecn } = envelope;
        self.packets.clear();
        match self.endpoint.handle(now, from, to, ecn, bytes, &mut self.packets) {
            Some(DatagramEvent::ConnectionEvent(ConnectionHandle(handle), event)) => {
                let index = handle as u32 | QUIC;
                if let Some(peer) = self.peer_mut(index) {
                    let before = peer.connection.remote_address();
                    peer.connection.handle_event(event);
                    rim.figures.rim.quic_migrations += u64::from(peer.connection.remote_address() != before);
                    self.touch(index);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => self.knock(socket, incoming, rim),
            Some(DatagramEvent::Response(transmit)) => self.send(socket, &transmit),
            None => {}
        }
    }

    /// Somebody new.
    fn knock(&mut self, socket: usize, incoming: Incoming, rim: &mut Rim) {
        let Self { endpoint, newcomers, handshaking, packets, .. } = self;
        if let Knock::Retry(transmit) = newcomers.knock(endpoint, incoming, socket, *handshaking, packets) {
            rim.figures.rim.quic_retries += 1;
            self.send(socket, &transmit);
        }
    }

    /// Sends what is in `packets`.
    pub(super) fn send(&self, socket: usize, transmit: &Transmit) {
        self.sockets[socket].send(transmit, &self.packets);
    }
}
