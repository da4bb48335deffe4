//! The conflating queue: one value per key, in the order in which the keys first became due.

use std::collections::VecDeque;

use ringway_protocol::RoomHandle;

/// The newest value of a key.
pub(crate) struct Value<F> {
    /// Identity of (room, lane, key).
    pub(crate) key_tag: u64,
    pub(crate) handle: RoomHandle,
    /// It may leave once the FIFO's frame of this number has: the room's `joined` goes first.
    pub(crate) after: u64,
    pub(crate) frame: F,
    /// Size on the wire in the session's format.
    pub(crate) bytes: u32,
    /// Dropped when the session lags.
    pub(crate) unreliable: bool,
}

/// Values by key.
pub(crate) struct Conflating<F> {
    /// The tags beside the values: what a search walks over.
    tags: VecDeque<u64>,
    values: VecDeque<Value<F>>,
}

impl<F> Default for Conflating<F> {
    fn default() -> Self {
        Self { tags: VecDeque::new(), values: VecDeque::new() }
    }
}

impl<F> Conflating<F> {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.values.capacity()
    }

    pub(crate) fn at(&self, index: usize) -> Option<&Value<F>> {
        self.values.get(index)
    }

    /// Bytes of all values.
    pub(crate) fn bytes(&self) -> u64 {
        self.values.iter().map(|value| u64::from(value.bytes)).sum()
    }

    /// Takes the place of the older value, whose bytes are returned, or goes to the end.
    pub(crate) fn put(&mut self, value: Value<F>) -> Option<u32> {
        match self.tags.iter().position(|tag| *tag == value.key_tag) {
            Some(index) => {
                let older = &mut self.values[index];
                let bytes = older.bytes;
                let after = older.after.max(value.after);
                *older = Value { after, ..value };
                Some(bytes)
            }
            None => {
                self.tags.push_back(value.key_tag);
                self.values.push_back(value);
                None
            }
        }
    }

    /// Offers each value that may leave (`may`) to `take`, oldest first; those that it takes are gone. Returns their bytes.
    pub(crate) fn offer(
        &mut self,
        may: impl Fn(&Value<F>) -> bool,
        take: &mut impl FnMut(&Value<F>) -> bool,
    ) -> u64 {
        self.retain(|value| !may(value) || !take(value)).1
    }

    pub(crate) fn pop(&mut self) -> Option<Value<F>> {
        self.tags.pop_front();
        self.values.pop_front()
    }

    /// Drops a room's values; returns their bytes.
    pub(crate) fn forget(&mut self, handle: RoomHandle) -> u64 {
        self.retain(|value| value.handle != handle).1
    }

    /// Drops the unreliable values; returns how many and their bytes.
    pub(crate) fn drop_unreliable(&mut self) -> (u64, u64) {
        self.retain(|value| !value.unreliable)
    }

    fn retain(&mut self, mut keep: impl FnMut(&Value<F>) -> bool) -> (u64, u64) {
        let (mut count, mut bytes) = (0, 0);
        self.values.retain(|value| {
            let kept = keep(value);
            if !kept {
                count += 1;
                bytes += u64::from(value.bytes);
            }
            kept
        });
        if count > 0 {
            self.tags = self.values.iter().map(|value| value.key_tag).collect();
        }
        (count, bytes)
    }
}
