//! One shard's letter-box front: a bit for everyone who may have written, and the doorbell.

use crossbeam::utils::CachePadded;

use crate::doorbell::{Doorbell, Wake};
use crate::sync::{AtomicU64, Ordering, fence};

const WORD_BITS: usize = u64::BITS as usize;

/// Who may have written to a shard since it last looked. Writers are numbered; the shard owns the reading side.
#[derive(Debug)]
pub struct Inbound<W> {
    bell: Doorbell<W>,
    words: Box<[CachePadded<AtomicU64>]>,
}

impl<W: Wake> Inbound<W> {
    /// For this many writers.
    pub fn new(writers: usize, wake: W) -> Self {
        let words =
            (0..writers.div_ceil(WORD_BITS).max(1)).map(|_| CachePadded::new(AtomicU64::new(0))).collect();
        Self { bell: Doorbell::new(wake), words }
    }

    /// Writer: has published something. Marks it and wakes the shard if it sleeps; tells whether it slept.
    ///
    /// # Panics
    /// When the writer's number is out of range.
    pub fn announce(&self, writer: usize) -> bool {
        fence(Ordering::SeqCst);
        let (word, bit) = (&self.words[writer / WORD_BITS], 1 << (writer % WORD_BITS));
        // A bit that is still set after the fence will be cleared only by a `take` that then sees what was written.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::AcqRel);
            fence(Ordering::SeqCst);
        }
        self.bell.ring_after_fence()
    }

    /// Reader: takes the marks and gives each writer's number once. What a writer published before its mark is visible
    /// afterwards.
    pub fn take(&self, mut each: impl FnMut(usize)) {
        for (index, word) in self.words.iter().enumerate() {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::AcqRel);
            fence(Ordering::SeqCst);
            while bits != 0 {
                each(index * WORD_BITS + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }

    /// Reader: whether anybody left a mark.
    pub fn is_marked(&self) -> bool {
        self.words.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// Reader: about to sleep; false when somebody has written, and then it stays awake.
    pub fn doze(&self) -> bool {
        self.bell.doze();
        if self.is_marked() {
            self.bell.rise();
            return false;
        }
        true
    }

    /// Reader: up again.
    pub fn rise(&self) {
        self.bell.rise();
    }

    /// What wakes the reader.
    pub fn waker(&self) -> &W {
        self.bell.waker()
    }
}
