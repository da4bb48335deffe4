//! A bounded ring for one producer and one consumer. Each half belongs to one thread; the state between them is three
//! words on cache lines of their own.
//!
//! A ring is bounded twice: in items (the slots) and in weight (bytes that the items hold elsewhere), so that a ring of
//! large messages can't hold more memory than one of small ones. The weight may be overshot by the last item.
//!
//! A producer that finds no room leaves a mark ([`Sender::has_room`]); the consumer sees it after it has made room
//! ([`Receiver::was_starved`]) and rings the producer's doorbell.

mod receive;
mod send;
mod state;

pub use receive::Receiver;
pub use send::Sender;

use crate::sync::Arc;
use state::State;

/// A ring of at most `capacity` items that weigh at most `weight_max` together.
///
/// # Panics
/// When the capacity is 0 or above 2^31.
pub fn ring<T>(capacity: usize, weight_max: usize) -> (Sender<T>, Receiver<T>) {
    assert!((1..=1 << 31).contains(&capacity), "a ring of {capacity} items");
    let state = Arc::new(State::new(capacity, weight_max));
    (Sender::new(Arc::clone(&state)), Receiver::new(state))
}

#[cfg(all(test, not(loom)))]
mod tests;
