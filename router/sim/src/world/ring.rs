//! The rings between shards: bounded FIFOs, of capacity 1 or 2 as a standing fault.

use std::collections::VecDeque;

/// One direction between two shards.
#[derive(Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T> Ring<T> {
    /// An empty ring.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { items: VecDeque::new(), capacity }
    }

    /// Whether one more fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.items.len() < self.capacity
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Puts one at the end.
    ///
    /// # Panics
    /// If it does not fit: a fault of the caller.
    pub fn push(&mut self, item: T) {
        assert!(self.has_room(), "the ring is full");
        self.items.push_back(item);
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }
}
