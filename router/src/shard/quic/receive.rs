//! From the sockets to the connections: datagrams, and those that came to the wrong shard.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::{ConnectionHandle, DatagramEvent, EcnCodepoint, Incoming, Transmit};

use super::{QUIC, Quic, UNVALIDATED_MAX, WAITING_MAX};
use crate::node::Order;
use crate::quic::cid;
use crate::rt::Io;
use crate::shard::Context;
use crate::shard::context::{Rim, State};

/// Receives of one socket in a turn, a batch of trains each.
const RECEIVES_PER_TURN: usize = 4;
/// Datagrams beyond which a turn receives no further batch: trains of one sender may be long.
const DATAGRAMS_PER_TURN: usize = 512;

/// What the kernel tells of a datagram.
#[derive(Clone, Copy)]
struct Envelope {
    /// Which of the shard's sockets it came to.
    socket: usize,
    from: SocketAddr,
    to: Option<IpAddr>,
    ecn: Option<EcnCodepoint>,
}

/// A datagram that came to the wrong shard.
pub(crate) struct Stray {
    envelope: Envelope,
    bytes: Box<[u8]>,
}

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
        let mut received = 0;
        for _ in 0..RECEIVES_PER_TURN {
            let count = udp.receive(&mut inbox, |meta, bytes| {
                rim.figures.rim.bytes_in += bytes.len() as u64;
                let ecn = meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
                let envelope = Envelope { socket, from: meta.addr, to: meta.dst_ip, ecn };
                quic.sort(now, envelope, bytes, rim);
            });
            received += count;
            if count == 0 || received >= DATAGRAMS_PER_TURN {
                break;
            }
        }
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

    /// Somebody new: waits for its turn, or must first show that it can be reached. That is asked for at once and nothing
    /// is kept of it, so that a flood from addresses that don't answer leaves room in the queue for those that do.
    fn knock(&mut self, socket: usize, incoming: Incoming, rim: &mut Rim) {
        let unproven =
            self.handshaking + self.waiting.len() >= UNVALIDATED_MAX && !incoming.remote_address_validated();
        if unproven && !self.closed {
            rim.figures.rim.quic_retries += 1;
            match self.endpoint.retry(incoming, &mut self.packets) {
                Ok(transmit) => self.send(socket, &transmit),
                Err(error) => self.endpoint.ignore(error.into_incoming()),
            }
        } else if self.waiting.len() < WAITING_MAX && !self.closed {
            self.waiting.push_back((incoming, socket));
        } else {
            self.endpoint.ignore(incoming);
        }
    }

    /// Sends what is in `packets`. What the system does not take is lost, as the network loses.
    pub(super) fn send(&self, socket: usize, transmit: &Transmit) {
        let _ = self.sockets[socket].send(&quinn_udp::Transmit {
            destination: transmit.destination,
            ecn: transmit.ecn.and_then(|ecn| quinn_udp::EcnCodepoint::from_bits(ecn as u8)),
            contents: &self.packets[..transmit.size],
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        });
    }
}
