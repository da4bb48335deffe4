//! What the model remembers: the coordinator's store, each node, what is on its way, and what clients were told.
//!
//! Only differences that matter are kept, so that equal worlds are equal states: times are ages in ticks and stop where they no
//! longer matter, a view is the entry it saw and whether that is still the stored one, and a transaction whose comparison can no
//! longer hold is gone.

use ringway_cluster::replication::{Registration, Replication};
use ringway_cluster::{NodeId, SlotOwner};

/// How many nodes there are.
pub(crate) const NODES: usize = 3;
/// How many slots there are.
pub(crate) const SLOTS: usize = 2;
/// Publications that one log can hold.
pub(crate) const LOG_MAX: usize = 3;

/// Node `index` as the map names it.
pub(crate) fn id(index: usize) -> NodeId {
    NodeId(index as u64 + 1)
}

/// The other way round.
pub(crate) fn index(node: NodeId) -> usize {
    node.0 as usize - 1
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) slots: [Slot; SLOTS],
    pub(crate) nodes: [Node; NODES],
    /// Something happened that never may.
    pub(crate) wrong: Option<Wrong>,
}

/// One slot in the coordinator's store, with what the model knows about it beside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) entry: SlotOwner,
    /// The epoch that the present term continues or began.
    pub(crate) epoch: u8,
    /// How many publications clients have sent: the last one's bytes, too.
    pub(crate) published: u8,
    /// What clients were told is committed, in order: of each what, where, and by which term.
    pub(crate) acked: Told,
    /// What each owner sent its standby last, until the owner knows that it came; it may come at any time.
    pub(crate) frames: [Option<Frame>; NODES],
    /// What each standby acked last, likewise.
    pub(crate) acks: [Option<Ack>; NODES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Acked {
    pub(crate) epoch: u8,
    pub(crate) offset: u8,
    pub(crate) bytes: u8,
    pub(crate) term: u8,
}

/// What was told, sorted; each publication is told at one place only, so that a log's length is room enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Told([Option<Acked>; LOG_MAX]);

impl Told {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Acked> {
        self.0.iter().flatten()
    }

    /// Keeps the first term that told it.
    pub(crate) fn add(&mut self, told: Acked) {
        if !self.iter().any(|old| Acked { term: told.term, ..*old } == told) {
            *self.0.iter_mut().find(|place| place.is_none()).expect("each publication has one place") =
                Some(told);
            self.0.sort_unstable_by_key(|told| (told.is_none(), *told));
        }
    }
}

/// All that an owner has, for its standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub(crate) to: u8,
    pub(crate) term: u8,
    pub(crate) log: Log,
}

/// A standby has so many publications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ack {
    pub(crate) to: u8,
    pub(crate) term: u8,
    pub(crate) registration: Registration,
    pub(crate) has: u8,
}

/// A room's history: bytes by offset, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Log {
    pub(crate) epoch: u8,
    pub(crate) length: u8,
    pub(crate) bytes: [u8; LOG_MAX],
}

impl Log {
    pub(crate) fn new(epoch: u8) -> Self {
        Self { epoch, ..Self::default() }
    }

    pub(crate) fn push(&mut self, bytes: u8) {
        self.bytes[usize::from(self.length)] = bytes;
        self.length += 1;
    }

    pub(crate) fn has(&self, acked: &Acked) -> bool {
        acked.offset <= self.length && self.bytes[usize::from(acked.offset) - 1] == acked.bytes
    }
}

/// A node: its record and beat in the store, and itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// Stored: whether its record says up (otherwise dead), and of which registration.
    pub(crate) up: bool,
    pub(crate) registration: Registration,
    /// Ticks of the fastest clock since the beat last changed.
    pub(crate) silent: u8,
    /// Itself: whether it knows of no reason to have stopped.
    pub(crate) running: bool,
    /// The renewal that its lease rests on, if it is not over.
    pub(crate) lease: Option<Renewal>,
    /// A renewal on its way.
    pub(crate) renewing: Option<Renewing>,
    /// The moment that a turn without a fresh clock goes by.
    pub(crate) turn: Option<Renewal>,
    pub(crate) roles: [Role; SLOTS],
}

/// When a renewal was sent, by the sender's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Renewal {
    /// Ticks since.
    pub(crate) age: u8,
    /// Whether the sender's clock has missed a tick since.
    pub(crate) slipped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Renewing {
    pub(crate) renewal: Renewal,
    /// Whether the coordinator has taken it.
    pub(crate) committed: bool,
}

/// What a node believes and keeps of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Role {
    /// The entry that it saw last.
    pub(crate) seen: SlotOwner,
    /// Whether that is what is stored.
    pub(crate) fresh: bool,
    /// The owner's or standby's copy.
    pub(crate) log: Option<Log>,
    /// As owner: the commit rule, how much is committed, and how much the standby has.
    pub(crate) owned: Option<Owned>,
    /// Transactions of the owner on their way, by what `in_sync` would become; both compare the stored revision.
    pub(crate) setting: bool,
    pub(crate) clearing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    pub(crate) replication: Replication,
    pub(crate) committed: u8,
    pub(crate) standby_has: u8,
}

/// What must never happen and is seen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    /// An ack by a node that was declared dead, or under a term that was over.
    AckedWithoutLease,
    /// A stored term fell, or did not rise with a new owner.
    TermWentBack,
}
