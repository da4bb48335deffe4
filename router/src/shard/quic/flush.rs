//! From outboxes into streams and datagrams, and from connections onto the wire.

use std::time::Instant;

use bytes::Bytes;
use ringway_core::Via;
use ringway_protocol::Format;

use super::{QUIC, Quic};
use crate::quic::socket::train;
use crate::quic::write::{write, write_shared};
use crate::shard::clock::Clock;
use crate::shard::context::Rim;

/// Bytes offered to one stream at a time.
const OFFER_BYTES: usize = 16 * 1024;
/// Connections served in one turn; the others are first in the next.
pub(super) const PEERS_PER_TURN: usize = 512;
/// Trains of packets of one connection in a turn: about what the largest windows let out at once.
const TRAINS_PER_TURN: usize = 32;

/// One frame on its way into the stream.
pub(super) struct Piece {
    /// What is left of it as the core counts: with the header that WebSocket puts before it.
    whole: usize,
    /// What is left of it in the stream.
    bare: Bytes,
    via: Via,
}

impl Quic {
    /// Writes what waits for the peers that something happened to, and sends their packets; true if some must wait for
    /// the next turn.
    pub(crate) fn flush(&mut self, rim: &mut Rim) -> bool {
        let now = Instant::now();
        let is_late = self.touched.len() > PEERS_PER_TURN;
        for _ in 0..self.touched.len().min(PEERS_PER_TURN) {
            let Some(index) = self.touched.pop_front() else { break };
            let Some(peer) = self.peer_mut(index) else { continue };
            peer.touched = false;
            let unread = peer.unread;
            if !peer.over {
                self.fill(index, now, rim);
                self.bury(index, rim);
            }
            if !self.transmit(index, now, rim) || unread {
                self.touch(index);
            }
            self.settle_endpoint(index);
            self.set_timer(index, now);
        }
        // Else the next flush of sockets would take these writes for its own, and as old as its own.
        if rim.figures.deliveries_unread() > 0 {
            let age = Clock::monotonic().since(rim.clock.now().monotonic);
            rim.figures.read_deliveries(age);
        }
        is_late
    }

    /// Hands over what waits, as far as the path takes it; then ends what is to end.
    fn fill(&mut self, index: u32, now: Instant, rim: &mut Rim) {
        self.say(index, rim);
        let fresh = self.fresh;
        let Some(peer) = self.peer_mut(index) else { return };
        let waiting = peer.session.map(|session| rim.core.waiting(session)).unwrap_or_default();
        if waiting.bytes > 0 {
            let room = if fresh { peer.room(now) } else { u64::MAX };
            if fresh {
                let window = peer.stream_window;
                peer.connection.set_send_window(window);
            }
            if room > 0 {
                if waiting.latest {
                    self.fill_values(index, room, rim);
                }
                self.fill_streams(index, rim);
            }
        } else {
            peer.held_back = None;
        }
        self.finish(index, rim);
    }

    /// Puts frames into their streams, in order, until one is full or nothing waits.
    fn fill_streams(&mut self, index: u32, rim: &mut Rim) {
        let Self { peers, pieces, .. } = self;
        let Some(Some(peer)) = peers.get_mut((index & !QUIC) as usize) else { return };
        let Some(control) = peer.control else { return };
        while let Some(session) = peer.session.filter(|_| peer.full.is_none() && !peer.has_output()) {
            pieces.clear();
            let offered = rim.core.poll_transmit(session, OFFER_BYTES, &mut |frame, written, via| {
                let bare = frame.without_header_shared(Format::Binary);
                let whole = frame.bytes(Format::Binary).len();
                let bare = bare.slice(written.saturating_sub(whole - bare.len())..);
                pieces.push(Piece { whole: whole - written, bare, via });
            });
            if offered == 0 {
                break;
            }
            let mut taken = 0;
            for run in pieces.chunk_by(|one, next| one.via == next.via) {
                let mut bytes = joined(run);
                let whole = bytes.len();
                let stream = peer.stream_of(run[0].via, control);
                let mut stream_of_run = peer.connection.send_stream(stream);
                let written = match write_shared(&mut stream_of_run, &mut bytes) {
                    Ok(()) => whole - bytes.len(),
                    Err(_) => {
                        rim.core.on_written(rim.clock.now(), session, 0);
                        return peer.cut();
                    }
                };
                taken += written;
                if written < whole {
                    peer.full = Some(stream);
                    break;
                }
                if let Via::RoomEnd(room) = run[0].via {
                    peer.end_room_stream(room);
                }
            }
            rim.figures.rim.writes += 1;
            rim.figures.note_deliveries(1);
            let now = rim.clock.now();
            let written = settle(pieces, taken);
            rim.core.on_written(now, session, written);
            if written == offered && offered < OFFER_BYTES as u64 {
                // That was all.
                break;
            }
        }
    }

    /// Says what the rim itself has to say.
    fn say(&mut self, index: u32, rim: &Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        let Some(control) = peer.control else { return };
        if !peer.has_output() || peer.full.is_some() {
            return;
        }
        if peer.session.is_some_and(|session| rim.core.waiting(session).mid_frame) {
            return;
        }
        match write(peer.connection.send_stream(control), &peer.output[peer.said..]) {
            Ok(written) => peer.said += written,
            Err(_) => return peer.cut(),
        }
        if peer.has_output() {
            peer.full = Some(control);
        } else {
            peer.said = 0;
            peer.output = Vec::new();
        }
    }

    /// Ends what is to end, once everything is said.
    fn finish(&mut self, index: u32, rim: &Rim) {
        let Some(peer) = self.peer_mut(index) else { return };
        let Some(control) = peer.control else {
            if peer.ending.is_some() {
                peer.cut();
            }
            return;
        };
        if let Some(ending) = &mut peer.ending
            && !peer.session.is_some_and(|session| rim.core.waiting(session).stream)
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
        let segments = train(self.sockets[socket].segments_max(), peer.connection.current_mtu());
        for _ in 0..TRAINS_PER_TURN {
            self.packets.clear();
            let handle = (index & !QUIC) as usize;
            let Self { peers, packets, .. } = self;
            let Some(Some(peer)) = peers.get_mut(handle) else { return true };
            let Some(transmit) = peer.connection.poll_transmit(now, segments, packets) else { return true };
            rim.figures.rim.bytes_out += transmit.size as u64;
            let datagrams = transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size)) as u64;
            rim.figures.rim.quic_datagrams_out += datagrams;
            rim.figures.quic_train_datagrams.record(datagrams);
            self.send(socket, &transmit);
        }
        false
    }
}

/// Frames for one stream in one piece: the stream keeps a segment for each piece that it gets. A single one is shared.
fn joined(run: &[Piece]) -> Bytes {
    if let [only] = run {
        return only.bare.clone();
    }
    let mut bytes = Vec::with_capacity(run.iter().map(|piece| piece.bare.len()).sum());
    run.iter().for_each(|piece| bytes.extend_from_slice(&piece.bare));
    bytes.into()
}

/// What the core is to be told when the stream took so many bytes.
fn settle(pieces: &[Piece], taken: usize) -> u64 {
    let (mut left, mut whole) = (taken, 0);
    for piece in pieces {
        let bare = piece.bare.len();
        if left < bare {
            whole += if left > 0 { piece.whole - bare + left } else { 0 };
            break;
        }
        left -= bare;
        whole += piece.whole;
    }
    whole as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(whole: usize, bare: usize) -> Piece {
        Piece { whole, bare: Bytes::from(vec![0; bare]), via: Via::Control }
    }

    #[test]
    fn what_a_stream_took_is_counted_as_the_core_counts() {
        // Two frames with headers of two bytes.
        for (taken, expected) in [(0, 0), (1, 3), (9, 11), (10, 12), (11, 12 + 3), (30, 12 + 22)] {
            assert_eq!(settle(&[piece(12, 10), piece(22, 20)], taken), expected, "{taken}");
        }
    }

    #[test]
    fn a_frame_that_was_begun_counts_from_where_it_stands() {
        // Seven bytes are left, and the header is long gone.
        assert_eq!(settle(&[piece(7, 7)], 3), 3);
        assert_eq!(settle(&[piece(7, 7)], 7), 7);
    }
}
