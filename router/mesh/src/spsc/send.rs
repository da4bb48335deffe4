//! The producer's half.

use crate::spsc::state::{Entry, State};
use crate::sync::{Arc, Ordering, fence};

/// Writes into a ring.
pub struct Sender<T> {
    state: Arc<State<T>>,
    tail: usize,
    /// The receiver's head as last seen: it is read again only when the ring looks full.
    head_seen: usize,
    /// Weight written so far, wrapping.
    loaded: usize,
    lifted_seen: usize,
}

impl<T> Sender<T> {
    pub(super) fn new(state: Arc<State<T>>) -> Self {
        Self { state, tail: 0, head_seen: 0, loaded: 0, lifted_seen: 0 }
    }

    /// Whether the next [`Sender::push`] will be taken. When not, the receiver will say so once there is room
    /// ([`crate::spsc::Receiver::was_starved`]).
    pub fn has_room(&mut self) -> bool {
        if self.looks_roomy() {
            return true;
        }
        self.look();
        if self.looks_roomy() {
            return true;
        }
        // Leave the mark, then look again: either the receiver sees the mark or we see the room it made.
        self.state.starved.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.look();
        let roomy = self.looks_roomy();
        if roomy {
            self.state.starved.store(false, Ordering::Relaxed);
        }
        roomy
    }

    /// Writes an item of this weight; the receiver can see it at once. Ringing its doorbell is the caller's.
    ///
    /// # Errors
    /// Gives the item back when there is no room.
    pub fn push(&mut self, item: T, weight: usize) -> Result<(), T> {
        if !self.has_room() {
            return Err(item);
        }
        // SAFETY: this is the only sender (`&mut self`, not `Clone`), and there is room: `tail` is below
        // `head + capacity` and not published before the store below.
        unsafe { self.state.write(self.tail, Entry { item, weight }) };
        self.loaded = self.loaded.wrapping_add(weight);
        self.tail = self.tail.wrapping_add(1);
        self.state.tail.store(self.tail, Ordering::Release);
        Ok(())
    }

    fn looks_roomy(&self) -> bool {
        self.tail.wrapping_sub(self.head_seen) < self.state.capacity
            && self.loaded.wrapping_sub(self.lifted_seen) < self.state.weight_max.max(1)
    }

    fn look(&mut self) {
        self.head_seen = self.state.head.load(Ordering::Acquire);
        self.lifted_seen = self.state.lifted.load(Ordering::Relaxed);
    }
}
