//! Deadlines of clients: at most one is armed per client, later ones are found when it fires. Thread view.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{MemberId, Nanos};

/// A heap with one live entry per client; entries overtaken by an earlier one are skipped when they come up.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Nanos, MemberId)>>,
    armed: Vec<Option<Nanos>>,
}

impl Timers {
    /// Wakes the client at this time at the latest. An earlier time that is armed stays: when it fires, the client's
    /// own deadline decides.
    pub(super) fn arm(&mut self, member: MemberId, at: Option<Nanos>) {
        let Some(at) = at else { return };
        let index = member.0 as usize;
        if self.armed.len() <= index {
            self.armed.resize(index + 1, None);
        }
        if self.armed[index].is_none_or(|armed| at < armed) {
            self.armed[index] = Some(at);
            self.heap.push(Reverse((at, member)));
        }
    }

    /// The next client whose time has come.
    pub(super) fn due(&mut self, now: Nanos) -> Option<MemberId> {
        loop {
            let Reverse((at, member)) = *self.heap.peek()?;
            if at > now {
                return None;
            }
            self.heap.pop();
            if let Some(armed) = self.armed.get_mut(member.0 as usize).filter(|armed| **armed == Some(at)) {
                *armed = None;
                return Some(member);
            }
        }
    }

    /// When the next may be due.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_of_a_client_fires_once() {
        let mut timers = Timers::default();
        timers.arm(MemberId(1), Some(Nanos(50)));
        timers.arm(MemberId(1), Some(Nanos(20)));
        timers.arm(MemberId(1), Some(Nanos(90)));
        timers.arm(MemberId(0), Some(Nanos(30)));
        assert_eq!(timers.next(), Some(Nanos(20)));
        assert_eq!(timers.due(Nanos(10)), None);
        assert_eq!(timers.due(Nanos(100)), Some(MemberId(1)));
        assert_eq!(timers.due(Nanos(100)), Some(MemberId(0)));
        assert_eq!(timers.due(Nanos(100)), None);
    }
}
