//! A turn that was stopped in its middle for longer than this node's lease. What it did after it woke, it did by the clock of before:
//! its clients must not hear of it, as others may own its slots by now.
//!
//! What is said of rooms can't be told from what else a turn says: who was to hear something is cut off, and resumes. What is on its way to
//! other shards and nodes is not taken back: they may hear that one turn late, unless they know a higher term.

use ringway_core::Monotonic;

use super::clock::Clock;
use super::context::State;
use super::quic::QUIC;
use crate::node::Notice;

impl State {
    /// Looks at the lease with a fresh clock, right before acks go out: at the one with which the turn began, and at the newest. True if the
    /// turn slept over one of them: what it said is gone, and what follows goes by the time that it is.
    pub(crate) fn check_lease(&mut self, begun: Monotonic, first: Option<Monotonic>) -> bool {
        let Some((cluster, first)) = self.rim.cluster.as_ref().zip(first) else { return false };
        let Some(late_ms) = cluster.overslept(begun, first, Clock::monotonic()) else { return false };
        let cut = self.cut_unsaid();
        let rim = &mut self.rim;
        rim.clock.end_turn();
        rim.figures.rim.overslept += 1;
        rim.reports.tell(Notice::Overslept { shard: rim.id, late_ms, cut });
        true
    }

    /// Cuts the connections of sessions that were to hear something of this turn; how many.
    fn cut_unsaid(&mut self) -> u64 {
        let Self { connections, quic, rim, .. } = self;
        let mut cut = 0;
        while let Some(session) = rim.core.poll_dirty() {
            let Some(index) = rim.core.connection_of(session) else { continue };
            if index & QUIC != 0 {
                cut += quic.as_mut().map_or(0, |quic| quic.cut(index, rim).into());
            } else if let Some(connection) =
                connections.get_mut(index as usize).filter(|connection| !connection.dead)
            {
                connection.cut();
                cut += 1;
            }
        }
        cut
    }
}
