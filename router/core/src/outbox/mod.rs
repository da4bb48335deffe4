//! What waits for one session: pure, on the session's shard.
//!
//! Two queues share one byte stream. The FIFO holds answers and the reliable lane in order. The conflating queue
//! holds, per key of the latest and unreliable lanes, only the newest value. The stream takes from both in turn, so
//! that neither starves the other; a transport that can carry values apart from the stream (datagrams, streams of
//! their own) is offered them one by one instead ([`Outbox::poll_values`]).
//!
//! Invariants: a frame of which a byte was written is finished before any other and can't be dropped; a value never
//! leaves before the `joined` of its room; [`Outbox::on_written`] pops exactly what [`Outbox::poll`] offered, in the
//! same order, as nothing may enter between the two.

mod apart;
mod conflate;
mod overflow;

use std::collections::VecDeque;

use ringway_protocol::{Offset, RoomHandle};

pub use apart::Taken;
pub(crate) use conflate::{Conflating, Value};
pub(crate) use overflow::Gaps;

/// What a waiting frame is, for the overflow policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer or notice: never dropped.
    Control,
    /// The same, among what is said of a room.
    InRoom { handle: RoomHandle },
    /// `left`, the last that is said of a membership.
    Left { handle: RoomHandle },
    /// A `joined` or `reset`: never dropped, and what follows it belongs to another count of the room's offsets.
    Start { handle: RoomHandle },
    /// A publication of the reliable lane, or the answer that takes its place.
    Reliable { handle: RoomHandle, offset: Offset },
    /// Tells of so many dropped publications, from this offset on.
    Gap { handle: RoomHandle, from: Offset, count: u32 },
}

impl Kind {
    /// The room in whose order it stands.
    pub(crate) const fn room(self) -> Option<RoomHandle> {
        match self {
            Self::Control => None,
            Self::InRoom { handle }
            | Self::Left { handle }
            | Self::Start { handle }
            | Self::Reliable { handle, .. }
            | Self::Gap { handle, .. } => Some(handle),
        }
    }
}

/// Which stream of a session carries a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The one for everything.
    Control,
    /// The room's own, as its member asked at the join.
    Room(RoomHandle),
    /// The same, and nothing follows on it.
    RoomEnd(RoomHandle),
}

/// One waiting frame.
pub(crate) struct Item<F> {
    pub(crate) frame: F,
    pub(crate) kind: Kind,
    /// Number of the frame in this outbox's FIFO.
    pub(crate) sequence: u64,
    /// Size on the wire in the session's format.
    pub(crate) bytes: u32,
    /// Shard time in milliseconds, wrapping.
    pub(crate) queued_ms: u32,
    /// It goes on the stream of its room.
    pub(crate) streamed: bool,
}

impl<F> Item<F> {
    #[inline]
    const fn via(&self) -> Via {
        if !self.streamed {
            return Via::Control;
        }
        match self.kind {
            Kind::Left { handle } => Via::RoomEnd(handle),
            kind => match kind.room() {
                Some(handle) => Via::Room(handle),
                None => Via::Control,
            },
        }
    }
}

/// Empty queues kept for the next session that needs one: an idle session holds no buffer.
pub(crate) struct Pool<F> {
    queues: Vec<VecDeque<Item<F>>>,
    #[expect(clippy::vec_box, reason = "an outbox holds the box")]
    values: Vec<Box<Conflating<F>>>,
}

impl<F> Pool<F> {
    const QUEUES_MAX: usize = 16 * 1024;
    const CAPACITY_MAX: usize = 64;

    pub(crate) const fn new() -> Self {
        Self { queues: Vec::new(), values: Vec::new() }
    }

    fn take(&mut self) -> VecDeque<Item<F>> {
        self.queues.pop().unwrap_or_default()
    }

    fn give(&mut self, queue: VecDeque<Item<F>>) {
        if queue.capacity() <= Self::CAPACITY_MAX && self.queues.len() < Self::QUEUES_MAX {
            self.queues.push(queue);
        }
    }

    fn take_values(&mut self) -> Box<Conflating<F>> {
        self.values.pop().unwrap_or_default()
    }

    fn give_values(&mut self, values: Box<Conflating<F>>) {
        if values.capacity() <= Self::CAPACITY_MAX && self.values.len() < Self::QUEUES_MAX {
            self.values.push(values);
        }
    }
}

/// What waits for one session.
pub(crate) struct Outbox<F> {
    fifo: VecDeque<Item<F>>,
    conflating: Option<Box<Conflating<F>>>,
    /// A value of which some bytes are written. With `written` > 0 and none here, the FIFO's front is begun.
    begun: Option<(F, u32)>,
    /// Bytes already written of the frame that is begun.
    written: u32,
    /// Bytes waiting in all, begun frame's rest included.
    bytes: u64,
    /// Bytes offered by the last `poll`.
    offered: u64,
    /// Number of the newest frame that ever entered the FIFO.
    sequence: u64,
    /// Whose turn it is.
    value_next: bool,
    /// Values leave by [`Outbox::poll_values`] and not with the stream.
    apart: bool,
    /// The transport took less than it was offered: values of the unreliable lane are dropped until it catches up.
    lagging: bool,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Queued,
    /// It took the place of an older one.
    Replaced,
    /// It is unreliable and the session lags.
    Dropped,
}

/// A place in the walk over both queues.
struct Walk {
    fifo: usize,
    values: usize,
    value_next: bool,
}

enum Pick {
    Fifo(usize),
    Value(usize),
}

impl<F: Clone> Outbox<F> {
    pub(crate) const fn new() -> Self {
        Self {
            fifo: VecDeque::new(),
            conflating: None,
            begun: None,
            written: 0,
            bytes: 0,
            offered: 0,
            sequence: 0,
            value_next: false,
            apart: false,
            lagging: false,
        }
    }

    /// An outbox whose values leave apart from the stream, or with it.
    pub(crate) fn with_values_apart(apart: bool) -> Self {
        Self { apart, ..Self::new() }
    }

    pub(crate) const fn values_are_apart(&self) -> bool {
        self.apart
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Checks the sum of what waits.
    pub(crate) fn audit(&self) -> Result<(), String> {
        let fifo: u64 = self.fifo.iter().map(|item| u64::from(item.bytes)).sum();
        let values = self.conflating.as_ref().map_or(0, |values| values.bytes());
        let begun = self.begun.as_ref().map_or(0, |(_, bytes)| u64::from(*bytes));
        let whole = fifo + values + begun;
        if whole - u64::from(self.written) != self.bytes {
            return Err(format!(
                "{whole} bytes of which {} are written, counted {}",
                self.written, self.bytes
            ));
        }
        Ok(())
    }

    pub(crate) const fn is_lagging(&self) -> bool {
        self.lagging
    }

    /// Whether it holds more than it may. A transport that keeps up may be offered a burst of four times as much
    /// before it had a chance to take it.
    pub(crate) const fn is_over(&self, bytes_max: u64) -> bool {
        self.bytes > if self.lagging { bytes_max } else { bytes_max.saturating_mul(4) }
    }

    pub(crate) const fn is_mid_frame(&self) -> bool {
        self.written > 0
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.fifo.is_empty() && self.begun.is_none() && !self.holds_values()
    }

    pub(crate) fn holds_values(&self) -> bool {
        self.conflating.as_ref().is_some_and(|values| !values.is_empty())
    }

    /// Whether the stream has nothing more to carry.
    pub(crate) fn stream_is_empty(&self) -> bool {
        self.fifo.is_empty() && self.begun.is_none() && (self.apart || !self.holds_values())
    }

    /// Milliseconds the oldest frame of the FIFO has waited.
    pub(crate) fn age_ms(&self, now_ms: u32) -> u32 {
        self.fifo.front().map_or(0, |item| now_ms.wrapping_sub(item.queued_ms))
    }

    /// Puts a frame at the end of the FIFO; the number returned gates values ([`Outbox::push_value`]).
    pub(crate) fn push(
        &mut self,
        pool: &mut Pool<F>,
        frame: F,
        kind: Kind,
        bytes: usize,
        now_ms: u32,
        streamed: bool,
    ) -> u64 {
        if self.fifo.capacity() == 0 {
            self.fifo = pool.take();
        }
        self.bytes += bytes as u64;
        self.sequence += 1;
        let sequence = self.sequence;
        self.fifo.push_back(Item { frame, kind, sequence, bytes: bytes as u32, queued_ms: now_ms, streamed });
        sequence
    }

    /// Puts a value in the place of an older one of its key, or at the end.
    pub(crate) fn push_value(&mut self, pool: &mut Pool<F>, value: Value<F>) -> Put {
        if value.unreliable && self.lagging && !self.apart {
            return Put::Dropped;
        }
        self.bytes += u64::from(value.bytes);
        let replaced = self.conflating.get_or_insert_with(|| pool.take_values()).put(value);
        if let Some(bytes) = replaced {
            self.bytes -= u64::from(bytes);
        }
        if replaced.is_some() { Put::Replaced } else { Put::Queued }
    }

    /// Drops the values of a room that the session left.
    pub(crate) fn forget_values(&mut self, pool: &mut Pool<F>, handle: RoomHandle) {
        if let Some(values) = &mut self.conflating {
            self.bytes -= values.forget(handle);
            self.shrink_values(pool);
        }
    }

    /// Offers frames to `take` until `bytes_max` is reached, at least one if any waits. The second argument of
    /// `take` is how much of the frame was written before, the third which stream carries it. Returns the bytes offered.
    pub(crate) fn poll(&mut self, bytes_max: usize, take: &mut impl FnMut(&F, usize, Via)) -> u64 {
        let mut offered = 0;
        let mut walk = Walk { fifo: 0, values: 0, value_next: self.value_next };
        if let Some((frame, bytes)) = &self.begun {
            take(frame, self.written as usize, Via::Control);
            offered = u64::from(bytes - self.written);
        } else if self.written > 0
            && let Some(item) = self.fifo.front()
        {
            take(&item.frame, self.written as usize, item.via());
            offered = u64::from(item.bytes - self.written);
            walk.fifo = 1;
        }
        while offered < bytes_max as u64 {
            match self.pick(&mut walk) {
                Some(Pick::Fifo(index)) => {
                    take(&self.fifo[index].frame, 0, self.fifo[index].via());
                    offered += u64::from(self.fifo[index].bytes);
                }
                Some(Pick::Value(index)) => {
                    let Some(value) = self.conflating.as_ref().and_then(|values| values.at(index)) else {
                        break;
                    };
                    take(&value.frame, 0, Via::Control);
                    offered += u64::from(value.bytes);
                }
                None => break,
            }
        }
        self.offered = offered;
        if offered == 0 {
            // The transport asks for more than there is: it has caught up.
            self.lagging = false;
        }
        offered
    }

    /// Takes away what was written of the last offer. Returns how many unreliable values were dropped because the
    /// transport did not take the whole offer.
    ///
    /// # Panics
    /// If more was written than offered: a fault of the caller.
    pub(crate) fn on_written(&mut self, pool: &mut Pool<F>, bytes: u64) -> u64 {
        assert!(bytes <= self.offered, "wrote {bytes} of {} offered bytes", self.offered);
        let short = bytes < self.offered;
        self.offered = 0;
        self.bytes -= bytes;
        let mut left = bytes;
        self.finish_begun(&mut left);
        while left > 0 {
            let mut walk = Walk { fifo: 0, values: 0, value_next: self.value_next };
            let pick = self.pick(&mut walk);
            self.value_next = walk.value_next;
            match pick {
                Some(Pick::Fifo(_)) => {
                    let Some(item) = self.fifo.front() else { break };
                    if u64::from(item.bytes) > left {
                        self.written = left as u32;
                        break;
                    }
                    left -= u64::from(item.bytes);
                    self.pop_front();
                }
                Some(Pick::Value(_)) => {
                    let Some(value) = self.conflating.as_mut().and_then(|values| values.pop()) else { break };
                    if u64::from(value.bytes) > left {
                        self.begun = Some((value.frame, value.bytes));
                        self.written = left as u32;
                        break;
                    }
                    left -= u64::from(value.bytes);
                }
                None => break,
            }
        }
        self.lagging = short;
        let mut dropped = 0;
        if short
            && !self.apart
            && let Some(values) = &mut self.conflating
        {
            let (count, bytes) = values.drop_unreliable();
            dropped = count;
            self.bytes -= bytes;
        }
        if self.fifo.is_empty() && self.fifo.capacity() > 0 {
            pool.give(core::mem::take(&mut self.fifo));
        }
        self.shrink_values(pool);
        dropped
    }

    fn finish_begun(&mut self, left: &mut u64) {
        if self.written == 0 {
            return;
        }
        let whole = match (&self.begun, self.fifo.front()) {
            (Some((_, bytes)), _) => *bytes,
            (None, Some(item)) => item.bytes,
            (None, None) => return,
        };
        let rest = u64::from(whole - self.written);
        if *left < rest {
            self.written += *left as u32;
            *left = 0;
            return;
        }
        *left -= rest;
        self.written = 0;
        if self.begun.take().is_none() {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) -> Option<Item<F>> {
        self.fifo.pop_front()
    }

    fn pick(&self, walk: &mut Walk) -> Option<Pick> {
        let frame = walk.fifo < self.fifo.len();
        let next = self.fifo.get(walk.fifo).map_or(u64::MAX, |item| item.sequence);
        let value = !self.apart
            && self
                .conflating
                .as_ref()
                .and_then(|values| values.at(walk.values))
                .is_some_and(|value| value.after < next);
        if value && (!frame || walk.value_next) {
            walk.values += 1;
            walk.value_next = false;
            Some(Pick::Value(walk.values - 1))
        } else if frame {
            walk.fifo += 1;
            walk.value_next = true;
            Some(Pick::Fifo(walk.fifo - 1))
        } else {
            None
        }
    }

    fn shrink_values(&mut self, pool: &mut Pool<F>) {
        if self.conflating.as_ref().is_some_and(|values| values.is_empty())
            && let Some(values) = self.conflating.take()
        {
            pool.give_values(values);
        }
    }
}

#[cfg(test)]
mod tests;
