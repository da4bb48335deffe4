//! Values of the `latest` and `unreliable` lanes on ways of their own: a datagram for what may be lost, else a short
//! stream for each update. Nothing that was lost holds them up, and what the path can't take now stays in the outbox,
//! where newer values replace it.
//!
//! What left the outbox is finished: a stream is reset only when a newer value of its key has *arrived*, which makes its
//! lost packets pointless. Were it reset as soon as a newer one is due, a path that takes less than is published would
//! carry beginnings and no values.

use std::collections::BTreeMap;

use bytes::Bytes;
use quinn_proto::{SendDatagramError, StreamId};
use ringway_core::Taken;
use ringway_protocol::Format;

use super::peer::Peer;
use super::{QUIC, Quic};
use crate::node::RimCounters;
use crate::quic::settings::DATAGRAM_BYTES;
use crate::quic::write::write_shared;
use crate::shard::context::Rim;

/// Why a stream is reset: a newer value has arrived.
pub(super) const SUPERSEDED: u32 = 0x101;
/// Values go before what the control stream has.
const PRIORITY: i32 = 1;
/// Bytes of values handed over at a time, however large the window.
const HAND_OVER_BYTES: u64 = 48 * 1024;
/// Send window for values on top of what the control stream may fill.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// Streams of one value each that are not acknowledged yet.
#[derive(Default)]
pub(super) struct Values {
    under_way: BTreeMap<StreamId, UnderWay>,
    /// By key.
    newest: BTreeMap<u64, StreamId>,
    /// What the peer's flow control did not take.
    unwritten: BTreeMap<StreamId, Bytes>,
    /// Bytes of all that are under way.
    bytes: u64,
}

/// A value that has not arrived whole, as far as is known.
struct UnderWay {
    tag: u64,
    bytes: u64,
    /// The value of its key that left before it; it may be over by now.
    older: Option<StreamId>,
}

impl Values {
    fn begin(&mut self, id: StreamId, tag: u64, bytes: u64) {
        let older = self.newest.insert(tag, id);
        self.under_way.insert(id, UnderWay { tag, bytes, older });
        self.bytes += bytes;
    }

    /// It has arrived whole or never will; what of its key left before it, if anything did.
    fn end(&mut self, id: StreamId) -> Option<StreamId> {
        let UnderWay { tag, bytes, older } = self.under_way.remove(&id)?;
        self.unwritten.remove(&id);
        self.bytes -= bytes;
        if self.newest.get(&tag) == Some(&id) {
            self.newest.remove(&tag);
        }
        older
    }

    /// What the peer takes no more of: the newest value of a key, if that is stuck.
    fn stuck(&self, tag: u64) -> Option<StreamId> {
        self.newest.get(&tag).copied().filter(|id| self.unwritten.contains_key(id))
    }
}

/// Frames of a turn that share a datagram.
#[derive(Default)]
pub(super) struct Bundle {
    head: usize,
    /// The only one so far: it needs no copy.
    first: Option<Bytes>,
    joined: Vec<u8>,
    frames: u64,
}

impl Bundle {
    fn begin(&mut self, head: &[u8]) {
        self.first = None;
        self.frames = 0;
        self.joined.clear();
        self.joined.extend_from_slice(head);
        self.head = head.len();
    }

    const fn bytes(&self) -> usize {
        match &self.first {
            Some(first) => self.head + first.len(),
            None => self.joined.len(),
        }
    }

    fn add(&mut self, frame: Bytes) {
        self.frames += 1;
        if self.frames == 1 && self.head == 0 {
            self.first = Some(frame);
            return;
        }
        if let Some(first) = self.first.take() {
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&frame);
    }

    /// The datagram, if there is anything in it, and how many frames; what follows goes into the next.
    fn take(&mut self) -> Option<(Bytes, u64)> {
        let frames = std::mem::take(&mut self.frames);
        if frames == 0 {
            return None;
        }
        let datagram = self.first.take().unwrap_or_else(|| Bytes::copy_from_slice(&self.joined));
        self.joined.truncate(self.head);
        Some((datagram, frames))
    }
}

impl Quic {
    /// Hands over the values that the path takes now.
    pub(super) fn fill_values(&mut self, index: u32, room: u64, rim: &mut Rim) {
        let Self { peers, bundle, .. } = self;
        let Some(Some(peer)) = peers.get_mut((index & !QUIC) as usize) else { return };
        let Some(session) = peer.session.filter(|_| peer.values_apart) else { return };
        let now = rim.clock.now();
        let mut room = room.min(HAND_OVER_BYTES).min(peer.room_for_values());
        let window = peer.stream_window;
        peer.connection.set_send_window(window + WINDOW_BYTES);
        bundle.begin(peer.datagram_head());
        // What was handed over before and has not left would only make the new ones wait.
        let datagrams = peer.connection.datagrams();
        let idle = DATAGRAM_BYTES - datagrams.send_buffer_space() <= 2 * size_of::<Bytes>();
        let bytes_max = datagrams.max_size().unwrap_or(0);
        let Rim { core, figures, .. } = rim;
        let mut sent = 0;
        core.poll_values(now, session, &mut |frame, tag, may_be_lost| {
            if room == 0 {
                return Taken::NotNow;
            }
            let bytes = frame.without_header_shared(Format::Binary);
            let size = bytes.len();
            let taken = if may_be_lost && size + bundle.head <= bytes_max {
                if !idle {
                    return Taken::NotNow;
                }
                if bundle.bytes() + size > bytes_max {
                    peer.send_bundle(bundle, &mut figures.rim);
                }
                bundle.add(bytes);
                Taken::Sent
            } else {
                let taken = peer.send_value(tag, bytes, &mut figures.rim.quic_values_reset);
                figures.rim.quic_values_out += u64::from(taken == Taken::Sent);
                taken
            };
            if taken == Taken::Sent {
                room = room.saturating_sub(size as u64);
                sent += 1;
            }
            taken
        });
        peer.send_bundle(bundle, &mut figures.rim);
        peer.connection.set_send_window(window);
        if sent > 0 {
            figures.rim.writes += 1;
            figures.note_deliveries(1);
        }
    }
}

impl Peer {
    /// Sends what is bundled as one datagram.
    fn send_bundle(&mut self, bundle: &mut Bundle, figures: &mut RimCounters) {
        let Some((datagram, frames)) = bundle.take() else { return };
        match self.connection.datagrams().send(datagram, true) {
            Ok(()) => figures.quic_messages_out += frames,
            // The path has shrunk in between, or the peer never said that it takes any: they may be lost.
            Err(SendDatagramError::TooLarge | SendDatagramError::UnsupportedByPeer)
            | Err(SendDatagramError::Disabled | SendDatagramError::Blocked(_)) => {
                figures.quic_messages_dropped += frames;
            }
        }
    }

    /// Bytes of values that the window takes beside those under way: whether they left already or wait for their turn.
    fn room_for_values(&self) -> u64 {
        let under_way = self.values.as_ref().map_or(0, |values| values.bytes);
        self.connection.congestion_state().window().saturating_sub(under_way)
    }

    /// Sends a value on a stream of its own.
    fn send_value(&mut self, tag: u64, bytes: Bytes, resets: &mut u64) -> Taken {
        let Some(id) = self.open_stream() else {
            return if self.takes_streams { Taken::NotNow } else { Taken::WithStream };
        };
        let values = self.values.get_or_insert_default();
        let stuck = values.stuck(tag);
        values.begin(id, tag, bytes.len() as u64);
        if let Some(stuck) = stuck {
            self.reset_value(stuck, resets);
        }
        let _ = self.connection.send_stream(id).set_priority(PRIORITY);
        if !self.write_stream_head(id) {
            self.end_value(id);
            return Taken::NotNow;
        }
        self.write_value(id, bytes);
        Taken::Sent
    }

    /// Writes what is left of a value, and its end.
    fn write_value(&mut self, id: StreamId, mut bytes: Bytes) {
        let mut stream = self.connection.send_stream(id);
        match write_shared(&mut stream, &mut bytes) {
            Ok(()) if bytes.is_empty() => {
                let _ = stream.finish();
            }
            Ok(()) => {
                if let Some(values) = &mut self.values {
                    values.unwritten.insert(id, bytes);
                }
            }
            Err(_) => {
                self.end_value(id);
            }
        }
    }

    /// The stream of a value takes more.
    pub(super) fn go_on_with_value(&mut self, id: StreamId) {
        if let Some(bytes) = self.values.as_mut().and_then(|values| values.unwritten.remove(&id)) {
            self.write_value(id, bytes);
        }
    }

    /// The peer does not want the rest of a value.
    pub(super) fn stop_value(&mut self, id: StreamId) {
        let code = self.stream_code(SUPERSEDED);
        let _ = self.connection.send_stream(id).reset(code);
        self.end_value(id);
    }

    /// A value has arrived whole: nobody needs what was lost of older ones.
    pub(super) fn value_arrived(&mut self, id: StreamId, resets: &mut u64) {
        let mut older = self.end_value(id);
        while let Some(id) = older {
            older = self.reset_value(id, resets);
        }
    }

    /// Gives a superseded value up; what of its key left before it.
    fn reset_value(&mut self, id: StreamId, resets: &mut u64) -> Option<StreamId> {
        let values = self.values.as_mut().filter(|values| values.under_way.contains_key(&id))?;
        let older = values.end(id);
        let code = self.stream_code(SUPERSEDED);
        *resets += u64::from(self.connection.send_stream(id).reset(code).is_ok());
        older
    }

    fn end_value(&mut self, id: StreamId) -> Option<StreamId> {
        self.values.as_mut().and_then(|values| values.end(id))
    }
}

#[cfg(test)]
mod tests {
    use quinn_proto::{Dir, Side};

    use super::*;

    fn stream(index: u64) -> StreamId {
        StreamId::new(Side::Server, Dir::Uni, index)
    }

    #[test]
    fn a_value_that_arrived_names_what_left_before_it() {
        let mut values = Values::default();
        for (index, tag) in [(0, 7), (1, 8), (2, 7), (3, 7)] {
            values.begin(stream(index), tag, 10);
        }
        assert_eq!(values.bytes, 40);
        assert_eq!(values.end(stream(2)), Some(stream(0)));
        assert_eq!(values.end(stream(0)), None);
        assert_eq!(values.end(stream(0)), None, "over already");
        // The newest is under way still, and what it followed is no more.
        assert_eq!(values.end(stream(3)), Some(stream(2)));
        assert_eq!((values.bytes, values.newest.len()), (10, 1));
    }

    #[test]
    fn only_a_value_that_the_peer_takes_no_more_of_is_stuck() {
        let mut values = Values::default();
        values.begin(stream(0), 7, 10);
        assert_eq!(values.stuck(7), None);
        values.unwritten.insert(stream(0), Bytes::from_static(b"rest"));
        assert_eq!((values.stuck(7), values.stuck(8)), (Some(stream(0)), None));
    }

    #[test]
    fn frames_share_a_datagram_behind_its_head() {
        let mut bundle = Bundle::default();
        bundle.begin(b"");
        assert!(bundle.take().is_none());
        bundle.add(Bytes::from_static(b"one"));
        assert_eq!((bundle.bytes(), bundle.take()), (3, Some((Bytes::from_static(b"one"), 1))));
        bundle.add(Bytes::from_static(b"two"));
        bundle.add(Bytes::from_static(b"three"));
        assert_eq!((bundle.bytes(), bundle.take()), (8, Some((Bytes::from_static(b"twothree"), 2))));
        bundle.begin(b"#");
        bundle.add(Bytes::from_static(b"one"));
        assert_eq!((bundle.bytes(), bundle.take()), (4, Some((Bytes::from_static(b"#one"), 1))));
        bundle.add(Bytes::from_static(b"two"));
        assert_eq!(bundle.take(), Some((Bytes::from_static(b"#two"), 1)));
    }
}
