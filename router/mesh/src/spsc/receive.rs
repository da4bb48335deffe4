//! The consumer's half.

use crate::spsc::state::State;
use crate::sync::{Arc, Ordering, fence};

/// Reads from a ring.
pub struct Receiver<T> {
    state: Arc<State<T>>,
    head: usize,
    /// The sender's tail as last seen: it is read again only when the ring looks empty.
    tail_seen: usize,
    lifted: usize,
}

impl<T> Receiver<T> {
    pub(super) fn new(state: Arc<State<T>>) -> Self {
        Self { state, head: 0, tail_seen: 0, lifted: 0 }
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: this is the only receiver (`&mut self`, not `Clone`), `head` is below the published tail, and it is
        // given back to the sender only by the store below.
        let entry = unsafe { self.state.read(self.head) };
        self.lifted = self.lifted.wrapping_add(entry.weight);
        self.head = self.head.wrapping_add(1);
        self.state.lifted.store(self.lifted, Ordering::Relaxed);
        self.state.head.store(self.head, Ordering::Release);
        Some(entry.item)
    }

    /// Whether nothing waits.
    pub fn is_empty(&mut self) -> bool {
        if self.head == self.tail_seen {
            self.tail_seen = self.state.tail.load(Ordering::Acquire);
        }
        self.head == self.tail_seen
    }

    /// How many items wait.
    pub fn len(&mut self) -> usize {
        self.tail_seen = self.state.tail.load(Ordering::Acquire);
        self.tail_seen.wrapping_sub(self.head)
    }

    /// After items were taken: whether the sender found no room before. Then its doorbell must ring. Clears the mark.
    pub fn was_starved(&mut self) -> bool {
        fence(Ordering::SeqCst);
        self.state.starved.load(Ordering::Relaxed) && self.state.starved.swap(false, Ordering::AcqRel)
    }
}
