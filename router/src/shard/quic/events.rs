//! What a connection has to tell: that it stands, that it is lost, what its streams are ready for.

use std::time::Instant;

use bytes::Bytes;
use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Connection, ConnectionError, Dir, Event, StreamEvent, VarInt};
use ringway_core::Departure;
use ringway_protocol::{CloseCode, webtransport};

use super::{QUIC, Quic};
use crate::quic::settle;
use crate::shard::context::Rim;

/// Events of one connection in a turn; more wait for the next.
const EVENTS_PER_TURN: usize = 256;
/// For streams that mean nothing here (`ringway/1` has one client stream).
pub(super) const STREAM_UNKNOWN: u32 = 0x100;

impl Quic {
    /// Handles what happened to a connection.
    pub(super) fn hear(&mut self, index: u32, rim: &mut Rim, now: Instant) {
        if self.peer_mut(index).is_some_and(|peer| std::mem::take(&mut peer.unread)) {
            self.read_control(index, rim);
        }
        if let Some(id) = self.peer_mut(index).and_then(|peer| peer.unread_web.take()) {
            self.read_web(index, id, rim, now);
        }
        for _ in 0..EVENTS_PER_TURN {
            self.settle_endpoint(index);
            let Some(peer) = self.peer_mut(index) else { return };
            let Some(event) = peer.connection.poll() else { return };
            match event {
                Event::Connected => {
                    if is_http3(&peer.connection) {
                        peer.begin_web();
                    }
                    if std::mem::take(&mut peer.handshaking) {
                        self.handshaking -= 1;
                        rim.figures.rim.quic_handshakes += 1;
                    }
                }
                Event::ConnectionLost { reason } => self.gone(index, departure(&reason), rim),
                Event::Stream(event) => self.hear_stream(index, event, rim, now),
                Event::DatagramReceived => self.read_datagrams(index, rim),
                Event::HandshakeDataReady | Event::DatagramsUnblocked => {}
            }
        }
        if let Some(peer) = self.peer_mut(index) {
            // There may be more, and nothing else need ever happen to it.
            peer.unread = true;
        }
    }

    /// Lets endpoint and connection tell each other what they must. A connection that has nothing more to tell goes.
    pub(super) fn settle_endpoint(&mut self, index: u32) {
        let handle = quinn_proto::ConnectionHandle((index & !QUIC) as usize);
        let Self { endpoint, peers, .. } = self;
        let Some(Some(peer)) = peers.get_mut(handle.0) else { return };
        if settle(endpoint, handle, &mut peer.connection) {
            peers[handle.0] = None;
        }
    }

    fn hear_stream(&mut self, index: u32, event: StreamEvent, rim: &mut Rim, now: Instant) {
        let Some(peer) = self.peer_mut(index) else { return };
        match event {
            StreamEvent::Opened { dir } if peer.web.is_some() => self.accept_web(index, dir, rim, now),
            StreamEvent::Opened { dir } => {
                while let Some(id) = peer.connection.streams().accept(dir) {
                    if dir == Dir::Bi && peer.control.is_none() {
                        peer.control = Some(id);
                        peer.find_ways();
                        continue;
                    }
                    peer.give_up(id, VarInt::from_u32(STREAM_UNKNOWN));
                }
                self.read_control(index, rim);
            }
            StreamEvent::Readable { id } if peer.control == Some(id) => self.read_control(index, rim),
            StreamEvent::Readable { id } if peer.is_of_web(id) => self.read_web(index, id, rim, now),
            StreamEvent::Writable { id } if peer.full == Some(id) => peer.full = None,
            // All that was said is acknowledged: now the connection can go without taking anything along.
            StreamEvent::Finished { id } if peer.control == Some(id) || peer.is_connect(id) => peer.cut(),
            StreamEvent::Writable { id } => peer.go_on_with_value(id),
            StreamEvent::Finished { id } => peer.value_arrived(id, &mut rim.figures.rim.quic_values_reset),
            StreamEvent::Stopped { id, .. } if peer.control == Some(id) || peer.is_connect(id) => {
                // Who does not listen any more has left.
                peer.connection.close(now, VarInt::from_u32(0), Bytes::new());
                self.gone(index, Departure::Left, rim);
            }
            StreamEvent::Stopped { id, .. } if peer.is_of_room(id) => {
                peer.speaker(index).end(CloseCode::ProtocolError, "A room's stream was stopped.", rim);
            }
            StreamEvent::Stopped { id, .. } => peer.stop_value(id),
            // The flush that follows finds the new credit.
            StreamEvent::Available { .. } | StreamEvent::Readable { .. } => {}
        }
    }
}

/// Whether the client asked for HTTP/3.
fn is_http3(connection: &Connection) -> bool {
    let data = connection.crypto_session().handshake_data();
    let data = data.and_then(|data| data.downcast::<HandshakeData>().ok());
    data.is_some_and(|data| data.protocol.as_deref() == Some(webtransport::ALPN))
}

/// What the end of a connection says about its session.
fn departure(reason: &ConnectionError) -> Departure {
    match reason {
        ConnectionError::ApplicationClosed(close) => departure_by(close.error_code.into_inner()),
        _ => Departure::Detached,
    }
}

/// What the code with which a client closes says about its session.
pub(super) const fn departure_by(code: u64) -> Departure {
    if matches!(code, 0 | 1_000) { Departure::Left } else { Departure::Detached }
}
