//! Sleeping without missing anything, and waking only who sleeps.
//!
//! The two sides are Dekker's: the consumer writes "sleeping" and then reads the rings, the producer writes a ring and
//! then reads "sleeping". A sequentially consistent fence between write and read on both sides makes it impossible
//! that both read the old value. Waking an idle core costs tens of microseconds, a fence and a load cost nanoseconds:
//! hence the question before the wake.

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicBool, Ordering, fence};

/// Wakes the thread that sleeps behind a doorbell.
pub trait Wake: Send + Sync {
    /// Must make a sleep that is under way, or the next one, end.
    fn wake(&self);
}

/// The consumer's flag and what wakes it.
#[derive(Debug)]
pub struct Doorbell<W> {
    sleeping: CachePadded<AtomicBool>,
    wake: W,
}

impl<W: Wake> Doorbell<W> {
    /// A doorbell whose consumer is awake.
    pub fn new(wake: W) -> Self {
        Self { sleeping: CachePadded::new(AtomicBool::new(false)), wake }
    }

    /// Consumer: about to sleep. It must look at everything that producers may have written after this call and before
    /// it sleeps.
    pub fn doze(&self) {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Consumer: up again, whatever woke it.
    pub fn rise(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Producer: has published something. Tells whether somebody slept and was woken.
    pub fn ring(&self) -> bool {
        fence(Ordering::SeqCst);
        self.ring_after_fence()
    }

    /// [`Doorbell::ring`] where the caller has fenced since its last write.
    pub(crate) fn ring_after_fence(&self) -> bool {
        // The load keeps producers from taking the line for writing while the consumer is awake; the swap lets one
        // of several producers do the waking.
        let sleeps = self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel);
        if sleeps {
            self.wake.wake();
        }
        sleeps
    }

    /// What wakes the consumer.
    pub fn waker(&self) -> &W {
        &self.wake
    }
}
