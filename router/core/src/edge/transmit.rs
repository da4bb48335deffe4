//! From outboxes to the transport: the rim asks who has something, what it is, and says how much was taken.

use super::pressure::SWEEP_MS;
use super::session::Session;
use super::wrapping_ms;
use crate::frame::Encoder;
use crate::outbox::{Taken, Via};
use crate::time::Now;
use crate::{SessionKey, Shard};

/// What waits for a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Bytes in all.
    pub bytes: u64,
    /// Values of the latest or unreliable lane are among them.
    pub latest: bool,
    /// Some bytes of the next frame are written already: nothing else may come in between.
    pub mid_frame: bool,
    /// There is something for the stream.
    pub stream: bool,
}

impl<E: Encoder> Shard<E> {
    /// The next session with something new to send; each comes once until it gets something new again.
    pub fn poll_dirty(&mut self) -> Option<SessionKey> {
        while let Some(key) = self.edge.dirty.pop_front() {
            if let Some(session) = self.edge.session_mut(key) {
                session.dirty = false;
                return Some(key);
            }
        }
        None
    }

    /// Whether [`Shard::poll_dirty`] has somebody.
    #[must_use]
    pub fn has_dirty(&self) -> bool {
        !self.edge.dirty.is_empty()
    }

    /// Offers frames of a session to `take` until `bytes_max` is reached, at least one if any waits; the second
    /// argument of `take` is how many bytes of the frame were written before (0 for all but the first), the third which
    /// stream carries it: always the one where rooms have none of their own. Returns the bytes offered: 0 means that
    /// the transport has caught up, anything else is followed by [`Shard::on_written`] before anything else is
    /// handled.
    pub fn poll_transmit(
        &mut self,
        session: SessionKey,
        bytes_max: usize,
        take: &mut impl FnMut(&E::Frame, usize, Via),
    ) -> u64 {
        let offered = self.edge.session_mut(session).map_or(0, |open| open.outbox.poll(bytes_max, take));
        if offered == 0 && !self.edge.lagging.is_empty() {
            self.edge.lagging.remove(&session);
        }
        offered
    }

    /// Offers the values of a session that leave apart from its stream ([`Open::values_apart`](crate::Open)), each with
    /// what tells keys apart and whether it may be lost.
    pub fn poll_values(
        &mut self,
        now: Now,
        session: SessionKey,
        take: &mut impl FnMut(&E::Frame, u64, bool) -> Taken,
    ) {
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else { return };
        let before = open.outbox.bytes();
        let Session { outbox, room_streams, .. } = open;
        let streamed = |handle| room_streams.as_ref().is_some_and(|rooms| rooms.contains(&handle));
        outbox.poll_values(&mut self.edge.pool, wrapping_ms(now.monotonic), streamed, take);
        let left = before - open.outbox.bytes();
        self.counters.written_bytes += left;
        if left > 0 && open.catching_up > 0 {
            // What left may have been all that a replay waited for.
            self.pull(now, session);
            self.settle(now);
        }
    }

    /// How many bytes of the last offer the transport took; fewer than offered means that it is full.
    ///
    /// # Panics
    /// If it is more than was offered: a fault of the caller.
    pub fn on_written(&mut self, now: Now, session: SessionKey, bytes: u64) {
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else { return };
        self.counters.dropped_unreliable += open.outbox.on_written(&mut self.edge.pool, bytes);
        self.counters.written_bytes += bytes;
        let catching_up = open.catching_up > 0;
        if open.outbox.is_lagging() {
            self.edge.lagging.insert(session);
            self.edge.sweep_at.get_or_insert(now.monotonic.plus_ms(SWEEP_MS));
        } else if !self.edge.lagging.is_empty() {
            self.edge.lagging.remove(&session);
        }
        if catching_up {
            self.pull(now, session);
            self.settle(now);
        }
    }

    /// What waits for a session.
    #[must_use]
    pub fn waiting(&self, session: SessionKey) -> Waiting {
        self.edge.session(session).map_or(Waiting::default(), |open| Waiting {
            bytes: open.outbox.bytes(),
            latest: open.outbox.holds_values(),
            mid_frame: open.outbox.is_mid_frame(),
            stream: !open.outbox.stream_is_empty(),
        })
    }
}
