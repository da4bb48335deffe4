//! Sessions that another node would serve better: a room of theirs is owned by a node that this one does not reach, though
//! the map says that it lives.
//!
//! Shard view. An owner that is lost is replaced within a lease, so who waits for longer waits for a link. The session is
//! told to go, and finds by its client's list of nodes, or by a load balancer, one that has the link.

use std::collections::BTreeSet;

use ringway_protocol::CloseCode;

use crate::frame::Encoder;
use crate::route::{Holder, slot_of};
use crate::time::Now;
use crate::{SessionKey, Shard};

/// How long an owner may be out of reach: longer than it takes to replace one that is lost.
const PATIENCE_MS: u64 = 3_000;
/// How often to look.
const LOOK_MS: u64 = 1_000;
/// Sessions go one after the other within this time.
const SPREAD_MS: u64 = 2_000;

impl<E: Encoder> Shard<E> {
    /// Somebody can't be asked now: look later whether that lasts.
    pub(super) fn look_elsewhere_later(&mut self, now: Now) {
        self.edge.elsewhere_at.get_or_insert(now.monotonic.plus_ms(LOOK_MS));
    }

    /// Tells sessions to go whose owners are out of reach for too long.
    pub(super) fn look_elsewhere(&mut self, now: Now) {
        self.edge.elsewhere_at = None;
        if self.edge.crossings.is_empty() {
            return;
        }
        self.look_elsewhere_later(now);
        let lasting: BTreeSet<u16> = self
            .edge
            .crossings
            .iter()
            .filter(|(_, crossing)| crossing.began().plus_ms(PATIENCE_MS) <= now.monotonic)
            .map(|(slot, _)| *slot)
            .filter(|slot| self.is_cut_off(*slot))
            .collect();
        if lasting.is_empty() {
            return;
        }
        let rooms = self.edge.interests.handles_where(|handle| lasting.contains(&handle.slot()));
        let sessions: BTreeSet<SessionKey> = rooms
            .into_iter()
            .filter_map(|handle| self.edge.interests.get(handle))
            .flat_map(|interest| interest.seats.iter().map(|seat| seat.session))
            .collect();
        for session in sessions {
            let at = now.monotonic.plus_ms(self.random.below(SPREAD_MS));
            if let Some(open) = self.edge.session_mut(session).filter(|open| open.go.is_none()) {
                open.go = Some((at, CloseCode::Unreachable));
                self.schedule_session(now, session);
            }
        }
    }

    /// Whether a room of the session is still owned by somebody out of reach.
    pub(super) fn needs_another_node(&self, session: SessionKey) -> bool {
        let rooms = self.edge.session(session).map(|open| open.memberships.as_slice()).unwrap_or_default();
        rooms.iter().any(|membership| self.is_cut_off(slot_of(membership.handle)))
    }

    /// The slot's owner is a node without a link.
    fn is_cut_off(&self, slot: u16) -> bool {
        matches!(self.routes.get(slot).holder, Holder::Peer(peer) if !self.exchange.is_up(peer))
    }
}
