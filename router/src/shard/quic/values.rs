//! Values of the `latest` and `unreliable` lanes on ways of their own: a datagram for what may be lost, else a short
//! stream for each update, whose predecessor is reset. Nothing that was lost holds them up, and what the path can't take
//! now stays in the outbox, where newer values replace it.

use std::collections::BTreeMap;

use bytes::Bytes;
use quinn_proto::{Dir, SendDatagramError, StreamId};
use ringway_core::Taken;
use ringway_protocol::Format;

use super::peer::Peer;
use super::write::write_shared;
use super::{QUIC, Quic};
use crate::node::RimCounters;
use crate::quic::settings::DATAGRAM_BYTES;
use crate::shard::context::Rim;

/// Why a stream is reset: a newer value is on its way.
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
    by_tag: BTreeMap<u64, StreamId>,
    tags: BTreeMap<StreamId, u64>,
    /// What the peer's flow control did not take.
    unwritten: BTreeMap<StreamId, Bytes>,
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
        if !rim.core.waiting(session).latest {
            return;
        }
        let now = rim.clock.now();
        let mut room = room.min(HAND_OVER_BYTES);
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

    /// Sends a value on a stream of its own.
    fn send_value(&mut self, tag: u64, bytes: Bytes, resets: &mut u64) -> Taken {
        let opened = self.spare_stream.take().or_else(|| self.connection.streams().open(Dir::Uni));
        let Some(id) = opened else {
            return if self.takes_streams { Taken::NotNow } else { Taken::WithStream };
        };
        let code = self.stream_code(SUPERSEDED);
        let values = self.values.get_or_insert_default();
        if let Some(older) = values.by_tag.insert(tag, id) {
            values.tags.remove(&older);
            values.unwritten.remove(&older);
            if self.connection.send_stream(older).reset(code).is_ok() {
                *resets += 1;
            }
        }
        values.tags.insert(id, tag);
        let _ = self.connection.send_stream(id).set_priority(PRIORITY);
        if !self.write_stream_head(id) {
            self.value_is_over(id);
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
            Err(_) => self.value_is_over(id),
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
        self.value_is_over(id);
    }

    /// A value has arrived whole, or never will.
    pub(super) fn value_is_over(&mut self, id: StreamId) {
        let Some(values) = &mut self.values else { return };
        values.unwritten.remove(&id);
        if let Some(tag) = values.tags.remove(&id)
            && values.by_tag.get(&tag) == Some(&id)
        {
            values.by_tag.remove(&tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
