//! Publishers do not run ahead of the flush: what a turn may put into outboxes is bounded.
//!
//! One read of a publisher can hold a thousand publications, and a room a thousand members: without a bound a turn
//! would queue a gigabyte before it writes the first byte. So a turn takes publications only until it has queued its
//! fill; the others stay where they are, in their publisher's socket or in a ring, and so push back on who sent them.
//! While the flush still has work from turns before, none is taken, so that the next write of each session holds much;
//! but nobody waits for ever behind others' backlog. Publications of this shard's clients and those that come over rings
//! have a budget each, so that neither starves the other. While a link to another node is behind, clients' publications wait
//! as well, as long as there is patience with it.

use std::collections::VecDeque;

use super::context::{Rim, State};

/// What one turn may queue for each of the two sources while the flush keeps up: sixteen publications for some thousands
/// of members, so that a burst still shares its writes.
const WORK_PER_TURN: u64 = 16 * 1024 * 1024;
/// Turns in a row that may take nothing: the flush walks once through as many sessions as a shard has.
const LATE_TURNS_MAX: u32 = 64;
/// A delivery costs as much as so many bytes, whatever its size.
const DELIVERY_BYTES: u64 = 64;

/// The budget of a turn, and who waits for the next.
#[derive(Debug)]
pub(crate) struct Fanout {
    /// What had been queued when the turn began, what came over rings left out.
    begun: u64,
    budget: u64,
    /// Turns in a row after which the flush had work left.
    late: u32,
    /// Publishers that wait are being served: they don't wait behind themselves.
    serving: bool,
    /// Connections (and their serials) that hold a publication back, in the order in which they came.
    waiting: VecDeque<(u32, u32)>,
}

impl Default for Fanout {
    fn default() -> Self {
        Self { begun: 0, budget: WORK_PER_TURN, late: 0, serving: false, waiting: VecDeque::new() }
    }
}

impl Fanout {
    /// Whether a publication of a client must wait for its turn.
    fn is_closed(&self, work: u64) -> bool {
        work - self.begun >= self.budget || (!self.serving && !self.waiting.is_empty())
    }

    fn end_turn(&mut self, work: u64, is_late: bool) {
        self.late = if is_late { (self.late + 1) % LATE_TURNS_MAX } else { 0 };
        self.begun = work;
        self.budget = if self.late == 0 { WORK_PER_TURN } else { 0 };
    }
}

impl Rim {
    /// All that was ever put into outboxes, in bytes with something for each frame.
    fn fanout_work(&self) -> u64 {
        let counters = self.core.counters();
        counters.queued_bytes + counters.deliveries * DELIVERY_BYTES
    }

    /// Whether a publication may be taken from this connection now; if not, it will be offered again in its turn.
    pub(crate) fn takes_publication(&mut self, index: u32, serial: u32) -> bool {
        let closed = self.fanout.is_closed(self.fanout_work()) || self.is_link_behind();
        if closed {
            self.figures.rim.publishers_held += 1;
            self.fanout.waiting.push_back((index, serial));
        }
        !closed
    }

    fn is_link_behind(&self) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.holds_publishers())
    }

    /// Whether this turn may obey more than one order: they may be publications, too.
    pub(crate) fn takes_orders(&self) -> bool {
        self.fanout_work() - self.fanout.begun < self.fanout.budget
    }

    /// Does what others' messages ask; `take` may ask its second argument whether the budget for them lasts still.
    pub(crate) fn take_from_rings(&mut self, take: impl FnOnce(&mut Self, &dyn Fn(&Self) -> bool)) {
        let (before, budget) = (self.fanout_work(), self.fanout.budget);
        take(self, &|rim| rim.fanout_work() - before < budget);
        self.fanout.begun += self.fanout_work() - before;
    }

    /// The turn has written what it can; some QUIC connections may have to wait for the next.
    pub(crate) fn end_fanout(&mut self, quic_is_late: bool) {
        let is_late = quic_is_late || !self.ready.is_empty() || self.core.has_dirty();
        self.fanout.end_turn(self.fanout_work(), is_late);
    }

    /// Whether publishers wait for the next turn.
    pub(crate) fn holds_publishers(&self) -> bool {
        !self.fanout.waiting.is_empty()
    }
}

impl State {
    /// Offers what publishers hold back, the longest waiting first, as far as the turn's budget goes.
    pub(crate) fn take_publishers(&mut self) {
        self.rim.fanout.serving = true;
        for _ in 0..self.rim.fanout.waiting.len() {
            if self.rim.fanout.is_closed(self.rim.fanout_work()) || self.rim.is_link_behind() {
                break;
            }
            let Some((index, serial)) = self.rim.fanout.waiting.pop_front() else { break };
            if self.is_current(index, serial) {
                self.go_on(index);
            }
        }
        self.rim.fanout.serving = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_closed_once_its_budget_is_spent_and_opens_with_the_next() {
        let mut fanout = Fanout::default();
        assert!(!fanout.is_closed(WORK_PER_TURN - 1));
        assert!(fanout.is_closed(WORK_PER_TURN));
        fanout.end_turn(WORK_PER_TURN, false);
        assert!(!fanout.is_closed(WORK_PER_TURN));
    }

    #[test]
    fn behind_a_backlog_nothing_is_taken_but_not_for_ever() {
        let mut fanout = Fanout::default();
        for _ in 1..LATE_TURNS_MAX {
            fanout.end_turn(0, true);
            assert!(fanout.is_closed(0));
        }
        fanout.end_turn(0, true);
        assert!(!fanout.is_closed(0));
        fanout.end_turn(0, true);
        assert!(fanout.is_closed(0));
        fanout.end_turn(0, false);
        assert!(!fanout.is_closed(0));
    }

    #[test]
    fn nobody_overtakes_who_waits() {
        let mut fanout = Fanout::default();
        fanout.waiting.push_back((1, 1));
        assert!(fanout.is_closed(0));
        fanout.serving = true;
        assert!(!fanout.is_closed(0));
    }
}
