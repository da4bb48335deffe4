//! What may be asked of a member at any time: for status pages, metrics and whoever acts on effects.

use super::{Member, NotReady, Phase};
use crate::coordinator::Revision;
use crate::placement::State;
use crate::record::{ClusterId, NodeRecord};
use crate::replication::Registration;
use crate::{NodeId, Slot};

impl Member {
    /// Which node it is.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.config.node
    }

    /// Of which cluster.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        self.config.cluster
    }

    /// Which of its registrations this is; 0 before the first.
    #[must_use]
    pub const fn registration(&self) -> Registration {
        self.registration
    }

    /// Up to where it has seen the coordinator's changes.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.view.revision
    }

    /// Why it serves nothing now; `None` while it serves.
    #[must_use]
    pub const fn not_ready(&self) -> Option<NotReady> {
        self.ready
    }

    /// What its own record says; `None` before it is registered and after it has left.
    #[must_use]
    pub fn standing(&self) -> Option<State> {
        if self.phase == Phase::Registered { self.state() } else { None }
    }

    /// Whether a change of its own record is on its way: [`Member::leave`] compares that record, and is told to nobody if it is called now.
    #[must_use]
    pub const fn is_turning(&self) -> bool {
        self.turning
    }

    /// All nodes that it knows of, dead ones too, by their ids.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &NodeRecord)> {
        self.view.nodes.iter().map(|(id, seen)| (*id, &seen.record))
    }

    /// Who computes the map.
    #[must_use]
    pub fn controller(&self) -> Option<NodeId> {
        self.view.control.map(|control| control.node)
    }

    /// The slots that it owns, in order.
    pub fn owned(&self) -> impl Iterator<Item = Slot> {
        self.owned.keys().copied()
    }

    /// How many slots it is giving away now.
    #[must_use]
    pub fn handovers(&self) -> usize {
        self.handovers.len()
    }
}
