//! A turn that was stopped in its middle for longer than this node's lease. What it says after it woke, it says by the clock of
//! before: that must not go out, as others may own its slots by now.
//!
//! What was said of rooms can't be told from what else waits: who has something waiting is cut off, and resumes. What goes to
//! other nodes says its term, and is refused by whoever knows a higher one.

use ringway_core::Monotonic;

use super::clock::Clock;
use super::context::State;
use super::quic::QUIC;
use crate::node::Notice;

impl State {
    /// Looks at the lease with a fresh clock, right before what was said goes out: at the one with which the turn began, and at the newest.
    pub(crate) fn check_lease(&mut self, begun: Monotonic, first: Option<Monotonic>) {
        let Some((cluster, first)) = self.rim.cluster.as_ref().zip(first) else { return };
        if let Some(late_ms) = cluster.overslept(begun, first, Clock::monotonic()) {
            let cut = self.cut_unsaid();
            let rim = &mut self.rim;
            rim.figures.rim.overslept += 1;
            rim.reports.tell(Notice::Overslept { shard: rim.id, late_ms, cut });
        }
    }

    /// Cuts the connections for which something waits; how many.
    fn cut_unsaid(&mut self) -> u64 {
        let Self { connections, quic, rim, .. } = self;
        let ready = rim.ready.drain(..).collect::<Vec<_>>();
        let mut cut = 0;
        let mut cut_socket = |index: u32| {
            if let Some(connection) = connections.get_mut(index as usize) {
                connection.queued = false;
                connection.cut();
                cut += 1;
            }
        };
        ready.into_iter().for_each(&mut cut_socket);
        let mut peers = std::mem::take(&mut rim.quic_dirty);
        while let Some(session) = rim.core.poll_dirty() {
            match rim.core.connection_of(session) {
                Some(index) if index & QUIC != 0 => peers.push(index),
                Some(index) => cut_socket(index),
                None => {}
            }
        }
        if let Some(quic) = quic {
            cut += quic.cut_unsaid(&peers, rim);
        }
        cut
    }
}
