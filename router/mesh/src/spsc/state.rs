//! What the halves share.

use std::mem::MaybeUninit;

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicBool, AtomicUsize, Ordering, UnsafeCell};

/// One item and its weight.
pub(super) struct Entry<T> {
    pub(super) item: T,
    pub(super) weight: usize,
}

/// Positions count up for ever and wrap with `usize`; a slot is the position modulo the (power-of-two) slots.
pub(super) struct State<T> {
    /// Positions below this were written. Only the sender writes it.
    pub(super) tail: CachePadded<AtomicUsize>,
    /// Positions below this were taken. Only the receiver writes it.
    pub(super) head: CachePadded<AtomicUsize>,
    /// Weight taken so far, wrapping. Only the receiver writes it, before `head`.
    pub(super) lifted: AtomicUsize,
    /// The sender found no room.
    pub(super) starved: CachePadded<AtomicBool>,
    pub(super) capacity: usize,
    pub(super) weight_max: usize,
    slots: Box<[UnsafeCell<MaybeUninit<Entry<T>>>]>,
}

// SAFETY: items move between the two halves, so they must be `Send`; a slot is touched only by the half that owns its
// position: the sender from `head + capacity` up, the receiver from `head` to `tail`, handed over by Release stores
// and Acquire loads of `tail` and `head`.
unsafe impl<T: Send> Send for State<T> {}
// SAFETY: as above; the halves are unique, and each takes `&mut self` for what touches slots.
unsafe impl<T: Send> Sync for State<T> {}

impl<T> State<T> {
    pub(super) fn new(capacity: usize, weight_max: usize) -> Self {
        let slots =
            (0..capacity.next_power_of_two()).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
        Self {
            tail: CachePadded::new(AtomicUsize::new(0)),
            head: CachePadded::new(AtomicUsize::new(0)),
            lifted: AtomicUsize::new(0),
            starved: CachePadded::new(AtomicBool::new(false)),
            capacity,
            weight_max,
            slots,
        }
    }

    /// # Safety
    /// The caller is the sender, the position is free and not yet published.
    pub(super) unsafe fn write(&self, position: usize, entry: Entry<T>) {
        let slot = &self.slots[position & (self.slots.len() - 1)];
        // SAFETY: by this function's contract nobody else touches the slot.
        slot.with_mut(|slot| unsafe { (*slot).write(entry) });
    }

    /// # Safety
    /// The caller is the receiver, the position is published and not yet taken.
    pub(super) unsafe fn read(&self, position: usize) -> Entry<T> {
        let slot = &self.slots[position & (self.slots.len() - 1)];
        // SAFETY: by this function's contract the slot holds an entry that nobody else touches, and it is read once.
        slot.with_mut(|slot| unsafe { (*slot).assume_init_read() })
    }
}

impl<T> Drop for State<T> {
    fn drop(&mut self) {
        let (mut head, tail) = (self.head.load(Ordering::Relaxed), self.tail.load(Ordering::Relaxed));
        while head != tail {
            // SAFETY: both halves are gone, so this is the only one left; every position from head to tail is
            // published and not taken.
            drop(unsafe { self.read(head) });
            head = head.wrapping_add(1);
        }
    }
}
