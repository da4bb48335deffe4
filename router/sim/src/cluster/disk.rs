//! A node's disk, and what the member says that waits for it: as the router's driver does it.
//!
//! Node view. Who acts on a changed map has it on its disk; nothing overtakes what waits. A lease that was revoked comes back
//! only when all that was said before has gone out.

use std::collections::VecDeque;

use ringway_cluster::coordinator::Revision;
use ringway_cluster::member::Effect;
use ringway_cluster::record::Remembered;

/// What is kept, and what waits for that.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// What a next life finds.
    pub(super) kept: Option<Remembered>,
    writing: Option<Remembered>,
    /// Written by this life.
    durable: Revision,
    waiting: VecDeque<Effect>,
    holds: bool,
    said: u64,
    gone: u64,
    /// The lease stays down until so many effects have gone out.
    barrier: u64,
}

impl Disk {
    /// A process begins with what an earlier one kept.
    pub(super) fn begin(&mut self) {
        *self = Self { kept: self.kept.take(), ..Self::default() };
    }

    /// The member said something.
    pub(super) fn push(&mut self, effect: Effect) {
        self.said += 1;
        self.waiting.push_back(effect);
    }

    /// The member holds its lease, or not; all that it said was pushed.
    pub(super) fn handle_lease(&mut self, holds: bool) {
        if self.holds && !holds {
            self.barrier = self.said;
        }
        self.holds = holds;
    }

    /// Whether a lease may be shown to shards.
    pub(super) const fn may_hold_lease(&self) -> bool {
        self.gone >= self.barrier
    }

    /// The next effect, unless it waits for the disk; a disk that is quick never lets one wait.
    pub(super) fn pop(&mut self, slow: bool) -> Option<Effect> {
        if slow && self.wants_write() {
            return None;
        }
        let effect = self.waiting.pop_front()?;
        self.gone += 1;
        Some(effect)
    }

    /// Whether the next effect waits for the disk.
    fn wants_write(&self) -> bool {
        matches!(self.waiting.front(), Some(Effect::MapChanged(revision)) if *revision > self.durable)
    }

    /// Begins to write what is to be kept, if that is wanted and nothing is being written.
    pub(super) fn write(&mut self, slow: bool, remembered: impl FnOnce() -> Remembered) -> bool {
        let begins = slow && self.writing.is_none() && self.wants_write();
        if begins {
            self.writing = Some(remembered());
        }
        begins
    }

    /// It is written.
    pub(super) fn handle_written(&mut self) {
        if let Some(written) = self.writing.take() {
            self.durable = written.revision;
            self.kept = Some(written);
        }
    }
}
