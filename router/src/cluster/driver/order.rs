//! What waits for the disk, and what does not. Pure.
//!
//! Effects go out in the member's order. One that follows a changed map waits until what the node remembers of that map is on its
//! disk: a node that acts on a term must know of it after a crash. Beats and the lease wait for no disk, with one exception: a lease that was
//! revoked comes back only when everything said before has gone out. Otherwise a shard that has not heard yet that its slots
//! are gone would find itself holding a lease again.

use std::collections::VecDeque;

use ringway_cluster::coordinator::Revision;
use ringway_cluster::member::Effect;

/// Effects on their way out.
#[derive(Debug, Default)]
pub(super) struct Order {
    waiting: VecDeque<Effect>,
    /// Written by this run. What an earlier one wrote says nothing: an operator may have made the coordinator begin anew.
    durable: Revision,
    said: u64,
    gone: u64,
    /// The lease stays down until this many effects have gone out.
    barrier: u64,
}

impl Order {
    /// The member said something.
    pub(super) fn push(&mut self, effect: Effect) {
        self.said += 1;
        self.waiting.push_back(effect);
    }

    /// The member lost its lease; what it said because of that has been pushed.
    pub(super) fn handle_revoked(&mut self) {
        self.barrier = self.said;
    }

    /// A map up to this revision is on the disk.
    pub(super) fn handle_durable(&mut self, revision: Revision) {
        self.durable = self.durable.max(revision);
    }

    /// The next effect, unless it waits for the disk.
    pub(super) fn pop(&mut self) -> Option<Effect> {
        if self.wants_disk() {
            return None;
        }
        let effect = self.waiting.pop_front()?;
        self.gone += 1;
        Some(effect)
    }

    /// Whether the next effect waits for the disk.
    pub(super) fn wants_disk(&self) -> bool {
        matches!(self.waiting.front(), Some(Effect::MapChanged(revision)) if *revision > self.durable)
    }

    /// Whether a renewed lease may be shown to shards.
    pub(super) fn may_hold_lease(&self) -> bool {
        self.gone >= self.barrier
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_cluster::{Slot, Term};

    fn step_down() -> Effect {
        Effect::StepDown { slot: Slot::new(1).unwrap(), term: Term(1) }
    }

    #[test]
    fn what_follows_a_changed_map_waits_for_the_disk_and_what_comes_before_does_not() {
        let mut order = Order::default();
        order.handle_durable(Revision(4));
        order.push(Effect::MapChanged(Revision(4)));
        order.push(Effect::Ready);
        order.push(Effect::MapChanged(Revision(7)));
        order.push(step_down());
        assert_eq!(order.pop(), Some(Effect::MapChanged(Revision(4))));
        assert_eq!(order.pop(), Some(Effect::Ready));
        assert!(order.pop().is_none() && order.wants_disk());
        order.handle_durable(Revision(6));
        assert!(order.pop().is_none());
        // One write may cover several changes.
        order.handle_durable(Revision(9));
        assert_eq!(order.pop(), Some(Effect::MapChanged(Revision(7))));
        assert_eq!(order.pop(), Some(step_down()));
        assert!(order.pop().is_none() && !order.wants_disk());
    }

    #[test]
    fn a_revoked_lease_comes_back_only_after_its_slots_are_known_to_be_gone() {
        let mut order = Order::default();
        assert!(order.may_hold_lease());
        order.push(Effect::MapChanged(Revision(5)));
        order.push(step_down());
        order.handle_revoked();
        order.push(Effect::Ready);
        assert!(!order.may_hold_lease());
        order.handle_durable(Revision(5));
        order.pop();
        assert!(!order.may_hold_lease());
        order.pop();
        assert!(order.may_hold_lease());
    }
}
