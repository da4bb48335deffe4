//! The queue from any thread to one shard, or from the shards to the control side: bounded, many writers, one reader.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;

use crate::doorbell::Wake;
use crate::inbound::Inbound;

/// A bounded queue behind a doorbell.
#[derive(Debug)]
pub struct Mailbox<T, W> {
    queue: ArrayQueue<T>,
    inbound: Arc<Inbound<W>>,
    writer: usize,
}

impl<T, W: Wake> Mailbox<T, W> {
    /// For at most `capacity` letters; `writer` is this mailbox's number at the reader's front.
    ///
    /// # Panics
    /// When the capacity is 0.
    pub fn new(capacity: usize, inbound: Arc<Inbound<W>>, writer: usize) -> Self {
        Self { queue: ArrayQueue::new(capacity), inbound, writer }
    }

    /// Writes a letter and wakes the reader if it sleeps.
    ///
    /// # Errors
    /// Gives the letter back when the box is full.
    pub fn post(&self, letter: T) -> Result<(), T> {
        self.queue.push(letter)?;
        self.inbound.announce(self.writer);
        Ok(())
    }

    /// Reader: takes the oldest letter.
    pub fn take(&self) -> Option<T> {
        self.queue.pop()
    }

    /// How many letters wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_full_box_gives_the_letter_back() {
        let mailbox = Mailbox::new(1, Arc::new(Inbound::new(1, Count::default())), 0);
        assert_eq!(mailbox.post(1), Ok(()));
        assert_eq!(mailbox.post(2), Err(2));
        assert_eq!(mailbox.take(), Some(1));
        assert_eq!(mailbox.post(3), Ok(()));
    }

    #[test]
    fn only_a_sleeper_is_woken_and_only_once() {
        let inbound = Arc::new(Inbound::new(1, Count::default()));
        let mailbox = Mailbox::new(8, Arc::clone(&inbound), 0);
        mailbox.post(1).unwrap();
        assert_eq!(inbound.waker().0.load(Ordering::Relaxed), 0);
        assert!(!inbound.doze(), "a marked front keeps its reader awake");
        inbound.take(|_| {});
        mailbox.take().unwrap();
        assert!(inbound.doze());
        mailbox.post(2).unwrap();
        mailbox.post(3).unwrap();
        assert_eq!(inbound.waker().0.load(Ordering::Relaxed), 1);
    }
}
