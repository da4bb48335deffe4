//! What happened, folded into one number, and told in words when somebody wants to read it.
//!
//! Everything that leaves the core goes through here: frames with their sizes, closes, answers, ring messages. Two runs
//! of one seed must end with the same number.

/// The fold (FNV-1a over 64-bit words), and whether to print.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    readable: bool,
}

/// What is folded. Numbers are part of the hash and never change their meaning within a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    /// A frame was offered to a transport.
    Offered = 1,
    /// Bytes were taken by a transport.
    Written = 2,
    /// A frame reached a client.
    Heard = 3,
    /// The core decided to close.
    Close = 4,
    /// An API publish was answered.
    Answered = 5,
    /// A blocked session may go on.
    Unblocked = 6,
    /// A request entered a ring.
    Request = 7,
    /// A delivery entered a ring.
    Delivery = 8,
    /// A step began.
    Step = 9,
    /// A session opened.
    Opened = 10,
    /// A connection ended.
    Gone = 11,
    /// A value was offered apart, and this became of it.
    Value = 12,
    /// A frame was handed to a link.
    Link = 13,
    /// A node's shards are told what changed in the cluster.
    Map = 14,
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub const fn new(readable: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, readable }
    }

    /// Folds a mark and what belongs to it.
    pub fn note(&mut self, mark: Mark, numbers: &[u64]) {
        self.fold(mark as u64);
        for number in numbers {
            self.fold(*number);
        }
    }

    /// Prints a line, made only when somebody reads.
    pub fn line(&self, sentence: impl FnOnce() -> String) {
        if self.readable {
            println!("{}", sentence());
        }
    }

    /// The fold so far.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    const fn fold(&mut self, word: u64) {
        let mixed = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash = mixed ^ (mixed >> 29);
    }
}
