//! From datagrams to connections, and those that others dial.

use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::{ConnectionHandle, DatagramEvent, Transmit};

use super::Links;
use super::link::Link;
use crate::quic::datagram::Envelope;
use crate::quic::newcomers::{Knock, NewcomerBounds};

/// A cluster has a few hundred nodes, and few of them dial one shard at once.
pub(super) const BOUNDS: NewcomerBounds = NewcomerBounds { unvalidated: 16, waiting: 64 };
/// Links that others dial and that are not up yet.
const GREETING_MAX: usize = 64;
/// Handshakes begun in one turn: each costs as much as a hundred deliveries.
const ACCEPTS_PER_TURN: usize = 4;
/// Answers of the endpoint that wait for the flush; what is beyond is lost, as the network loses.
const RESPONSES_MAX: usize = 64;

impl Links {
    /// A datagram came to a socket of this shard, or to another shard that passed it on.
    pub(crate) fn handle_datagram(&mut self, now: Instant, envelope: Envelope, bytes: &[u8]) {
        let Envelope { socket, from, to, ecn } = envelope;
        self.figures.datagrams_in += 1;
        let mut packets = Vec::new();
        match self.endpoint.handle(now, from, to, ecn, BytesMut::from(bytes), &mut packets) {
            Some(DatagramEvent::ConnectionEvent(ConnectionHandle(index), event)) => {
                if let Some(link) = self.links.get_mut(index).and_then(|link| link.as_deref_mut()) {
                    link.connection.handle_event(event);
                    self.touch(index);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                let Self { endpoint, newcomers, greeting, .. } = self;
                let knock = newcomers.knock(endpoint, incoming, socket, *greeting, &mut packets);
                if let Knock::Retry(transmit) = knock {
                    self.figures.retries += 1;
                    self.respond(socket, transmit, packets);
                }
            }
            Some(DatagramEvent::Response(transmit)) => self.respond(socket, transmit, packets),
            None => {}
        }
    }

    /// Whether somebody waits to be let in, and may.
    pub(super) fn may_let_in(&self) -> bool {
        !self.newcomers.is_empty() && self.greeting < GREETING_MAX
    }

    /// Begins handshakes, a few a turn.
    pub(super) fn let_in(&mut self, now: Instant) {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.may_let_in() {
                return;
            }
            let Some((incoming, socket)) = self.newcomers.next() else { return };
            let mut packets = Vec::new();
            match self.endpoint.accept(incoming, now, &mut packets, None) {
                Ok((handle, connection)) => {
                    let until = now + self.times.hello;
                    self.seat(handle, Link::new(connection, socket, None, until, self.bounds.span));
                }
                Err(error) => {
                    if let Some(transmit) = error.response {
                        self.respond(socket, transmit, packets);
                    }
                }
            }
        }
    }

    /// Passed on: it came to the wrong shard.
    pub(super) const fn count_stray(&mut self) {
        self.figures.strays += 1;
    }

    fn respond(&mut self, socket: usize, transmit: Transmit, packets: Vec<u8>) {
        if self.responses.len() < RESPONSES_MAX {
            self.responses.push_back((socket, transmit, packets));
        }
    }
}
