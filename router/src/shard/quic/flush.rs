//! From outboxes into streams, and from connections onto the wire.

use std::time::Instant;

use bytes::Bytes;
use quinn_proto::WriteError;
use ringway_protocol::Format;

use super::Quic;
use crate::shard::clock::Clock;
use crate::shard::context::Rim;

/// Bytes offered to one stream at a time.
const OFFER_BYTES: usize = 16 * 1024;
/// Trains of packets of one connection in a turn: about what the largest windows let out at once.
const TRAINS_PER_TURN: usize = 32;

/// One frame on its way out.
pub(super) struct Piece {
    /// What is left of it as the core counts: with the header that WebSocket puts before it.
    whole: usize,
    /// What is left of it in the stream; 0 if it goes alone.
    bare: usize,
    /// It may be lost, and goes as a datagram.
    alone: Option<Bytes>,
}

impl Quic {
    /// Writes what waits for the peers that something happened to, and sends their packets.
    pub(crate) fn flush(&mut self, rim: &mut Rim) {
        let now = Instant::now();
        for _ in 0..self.touched.len() {
            let Some(index) = self.touched.pop_front() else { break };
            let Some(peer) = self.peer_mut(index) else { continue };
            peer.touched = false;
            let unread = peer.unread;
            if !peer.over {
                self.fill(index, rim);
            }
            if !self.transmit(index, now, rim) || unread {
                self.touch(index);
            }
            self.settle_endpoint(index);
            self.set_timer(index);
        }
        // Else the next flush of sockets would take these writes for its own, and as old as its own.
        if rim.figures.deliveries_unread() > 0 {
            let age = Clock::monotonic().since(rim.clock.now().monotonic);
            rim.figures.read_deliveries(age);
        }
    }

    /// Puts frames into the control stream until it is full or nothing waits; then ends what is to end.
    fn fill(&mut self, index: u32, rim: &mut Rim) {
        let Self { peers, frames, pieces, .. } = self;
        let Some(Some(peer)) = peers.get_mut((index & !super::QUIC) as usize) else { return };
        let Some(control) = peer.control else {
            if peer.ending.is_some() {
                peer.cut();
            }
            return;
        };
        let mid_frame = peer.session.is_some_and(|session| rim.core.waiting(session).mid_frame);
        if peer.has_output() && !mid_frame && !peer.full {
            let mut stream = peer.connection.send_stream(control);
            match stream.write(&peer.output[peer.said..]) {
                Ok(written) => peer.said += written,
                Err(WriteError::Blocked) => peer.full = true,
                Err(WriteError::Stopped(_) | WriteError::ClosedStream) => return peer.cut(),
            }
            if !peer.has_output() {
                peer.said = 0;
                peer.output = Vec::new();
            }
        }
        while let Some(session) = peer.session.filter(|_| !peer.full && !peer.has_output()) {
            frames.clear();
            pieces.clear();
            let alone_bytes_max = peer.connection.datagrams().max_size().unwrap_or(0);
            let offered = rim.core.poll_transmit(session, OFFER_BYTES, &mut |frame, written, may_be_lost| {
                let (whole, bare) = (frame.bytes(Format::Binary), frame.without_header(Format::Binary));
                if may_be_lost && bare.len() <= alone_bytes_max {
                    let alone = Some(Bytes::copy_from_slice(bare));
                    pieces.push(Piece { whole: whole.len(), bare: 0, alone });
                    return;
                }
                let from = written.saturating_sub(whole.len() - bare.len());
                frames.extend_from_slice(&bare[from..]);
                pieces.push(Piece { whole: whole.len() - written, bare: bare.len() - from, alone: None });
            });
            if offered == 0 {
                break;
            }
            let mut stream = peer.connection.send_stream(control);
            let taken = match if frames.is_empty() { Ok(0) } else { stream.write(frames) } {
                Ok(taken) => taken,
                Err(WriteError::Blocked) => 0,
                Err(WriteError::Stopped(_) | WriteError::ClosedStream) => {
                    rim.core.on_written(rim.clock.now(), session, 0);
                    return peer.cut();
                }
            };
            peer.full = taken < frames.len();
            rim.figures.rim.writes += 1;
            rim.figures.note_deliveries(1);
            let whole = settle(pieces, taken, |alone| {
                rim.figures.rim.quic_messages_out += 1;
                // The oldest gives way where too many wait: they are about the past.
                let _ = peer.connection.datagrams().send(alone, true);
            });
            let now = rim.clock.now();
            rim.core.on_written(now, session, whole);
        }
        let waits = peer.session.is_some_and(|session| rim.core.waiting(session).bytes > 0);
        if let Some(ending) = &mut peer.ending
            && !waits
            && peer.said >= peer.output.len()
            && !std::mem::replace(&mut ending.finished, true)
            && peer.connection.send_stream(control).finish().is_err()
        {
            peer.cut();
        }
    }

    /// Sends the packets of a connection; false if it has more than a turn's share.
    fn transmit(&mut self, index: u32, now: Instant, rim: &mut Rim) -> bool {
        let Some(peer) = self.peer(index) else { return true };
        let socket = peer.socket;
        let segments = self.sockets[socket].segments_max();
        for _ in 0..TRAINS_PER_TURN {
            self.packets.clear();
            let handle = (index & !super::QUIC) as usize;
            let Self { peers, packets, .. } = self;
            let Some(Some(peer)) = peers.get_mut(handle) else { return true };
            let Some(transmit) = peer.connection.poll_transmit(now, segments, packets) else { return true };
            rim.figures.rim.bytes_out += transmit.size as u64;
            rim.figures.rim.quic_trains_out += 1;
            rim.figures.rim.quic_datagrams_out +=
                transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size)) as u64;
            self.send(socket, &transmit);
        }
        false
    }
}

/// What the core is to be told when the stream took so many bytes; gives away what goes alone and stands before the first
/// frame that was not taken.
fn settle(pieces: &mut Vec<Piece>, taken: usize, mut send: impl FnMut(Bytes)) -> u64 {
    let (mut left, mut whole) = (taken, 0);
    for piece in pieces.drain(..) {
        if left < piece.bare {
            whole += if left > 0 { piece.whole - piece.bare + left } else { 0 };
            break;
        }
        left -= piece.bare;
        whole += piece.whole;
        if let Some(alone) = piece.alone {
            send(alone);
        }
    }
    whole as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(whole: usize, bare: usize) -> Piece {
        Piece { whole, bare, alone: (bare == 0).then(|| Bytes::from_static(b"alone")) }
    }

    #[test]
    fn what_a_stream_took_is_counted_as_the_core_counts() {
        // Three frames with headers of two bytes, of which the middle one goes alone.
        for (taken, expected, alone) in
            [(0, 0, 0), (1, 3, 0), (9, 11, 0), (10, 12 + 22, 1), (11, 12 + 22 + 3, 1), (30, 12 + 22 + 22, 1)]
        {
            let mut pieces = vec![piece(12, 10), piece(22, 0), piece(22, 20)];
            let mut sent = 0;
            assert_eq!(settle(&mut pieces, taken, |_| sent += 1), expected, "{taken}");
            assert_eq!(sent, alone, "{taken}");
        }
    }

    #[test]
    fn a_frame_that_was_begun_counts_from_where_it_stands() {
        // Seven bytes are left, and the header is long gone.
        assert_eq!(settle(&mut vec![piece(7, 7)], 3, |_| {}), 3);
        assert_eq!(settle(&mut vec![piece(7, 7)], 7, |_| {}), 7);
    }
}
