//! From a client's streams and datagrams to commands.

use std::time::Instant;

use bytes::Bytes;
use quinn_proto::ReadError;
use ringway_core::Departure;
use ringway_protocol::CloseCode;
use ringway_protocol::webtransport::Datagram;

use super::Quic;
use super::peer::Peer;
use super::web::number;
use crate::shard::context::Rim;

/// Bytes of one connection handled in a turn: the others get theirs before the rest.
const BYTES_PER_TURN: usize = 64 * 1024;

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    All,
    /// The rest is held until it can be handled.
    Held,
}

impl Quic {
    /// Reads the control stream as far as it goes.
    pub(super) fn read_control(&mut self, index: u32, rim: &mut Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        let Some(control) = peer.control else { return };
        if peer.held.is_some() || peer.over {
            return;
        }
        let mut read = 0;
        while read < BYTES_PER_TURN {
            let chunk = {
                let mut stream = peer.connection.recv_stream(control);
                let Ok(mut chunks) = stream.read(true) else { return };
                let chunk = chunks.next(BYTES_PER_TURN);
                // Credit for the client goes out with the turn's packets.
                let _ = chunks.finalize();
                chunk
            };
            match chunk {
                Ok(Some(chunk)) => {
                    read += chunk.bytes.len();
                    peer.hear_of(rim);
                    if peer.feed(index, chunk.bytes, rim) == Fed::Held {
                        break;
                    }
                }
                Err(ReadError::Blocked) => break,
                // It has nothing more to say, and a session without commands is of no use.
                Ok(None) | Err(ReadError::Reset(_)) => {
                    peer.conclude(index, rim);
                    break;
                }
            }
        }
        if read >= BYTES_PER_TURN {
            // What is left is read in the next turn.
            peer.unread = true;
        }
        let due = peer.due(&rim.times);
        rim.set_alarm_of(index, due, &mut peer.alarm);
        self.touch(index);
    }

    /// Commands that came as datagrams: whole frames, which may be lost or come twice.
    pub(super) fn read_datagrams(&mut self, index: u32, rim: &mut Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        while let Some(bytes) = peer.connection.datagrams().recv() {
            rim.figures.rim.quic_messages_in += 1;
            let message = match &peer.web {
                None => &bytes[..],
                Some(web) => match web.connection().handle_datagram(&bytes) {
                    Ok(Datagram::Data(message)) => message,
                    Ok(Datagram::Early | Datagram::Stray) => continue,
                    Err(fault) => {
                        peer.connection.close(
                            Instant::now(),
                            number(fault.code),
                            Bytes::from_static(fault.text.as_bytes()),
                        );
                        return self.gone(index, Departure::Detached, rim);
                    }
                },
            };
            // Before the session stands nothing that may be lost is said, and nobody waits for a datagram.
            if peer.server.is_open() && peer.held.is_none() {
                peer.hear_of(rim);
                let message = bytes.slice_ref(message);
                let _ = peer.speaker(index).binary(&message, rim);
            }
        }
        self.touch(index);
    }

    /// Offers held input again.
    pub(crate) fn go_on(&mut self, index: u32, rim: &mut Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        let Some(held) = peer.held.take() else { return };
        let (frame, rest) = *held;
        if let Err(blocked) = peer.speaker(index).binary(&frame, rim) {
            peer.held = Some(Box::new((frame[blocked.at..].to_vec(), rest)));
            return;
        }
        if peer.feed(index, rest, rim) == Fed::All {
            self.read_control(index, rim);
        }
    }
}

impl Peer {
    /// Something came from this client.
    pub(super) fn hear_of(&mut self, rim: &mut Rim) {
        self.server.handle_heard(rim.clock.now().monotonic);
    }

    /// Bytes of the control stream.
    pub(super) fn feed(&mut self, index: u32, bytes: Bytes, rim: &mut Rim) -> Fed {
        let mut reader = std::mem::replace(&mut self.reader, ringway_protocol::codec::FrameReader::new(0));
        let mut input = &bytes[..];
        let fed = loop {
            match reader.next(&mut input) {
                Ok(Some(frame)) => {
                    if let Err(blocked) = self.speaker(index).binary(frame, rim) {
                        let frame = frame[blocked.at..].to_vec();
                        self.held = Some(Box::new((frame, bytes.slice_ref(input))));
                        break Fed::Held;
                    }
                }
                Ok(None) => break Fed::All,
                Err(error) => {
                    self.speaker(index).undecodable(&error, rim);
                    break Fed::All;
                }
            }
        };
        self.reader = reader;
        fed
    }

    /// The client's side of the control stream is over.
    fn conclude(&mut self, index: u32, rim: &mut Rim) {
        if self.server.has_ended() {
            return;
        }
        self.server.handle_end();
        self.speaker(index).end(CloseCode::ProtocolError, "The control stream ended.", rim);
    }
}
