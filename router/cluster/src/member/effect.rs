//! What a member tells the rim to do, in order; and what it is made of.

use crate::coordinator::Revision;
use crate::error::MemberError;
use crate::lease::Timing;
use crate::record::{ClusterId, Remembered};
use crate::replication::Registration;
use crate::{NodeId, Slot, Term};

/// What a member is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which node.
    pub node: NodeId,
    /// Which cluster.
    pub cluster: ClusterId,
    /// Its share of slots compared with the others' weights; 0 for none.
    pub weight: u16,
    /// Where its links are reached; at most [`crate::record::ADDRESSES_BYTES_MAX`].
    pub addresses: String,
    /// 1: no standbys; 2: one for each slot.
    pub replicas: u8,
    /// Times of leases.
    pub timing: Timing,
    /// Nobody else can be there (`Solo`): no lease, no waiting for others.
    pub alone: bool,
    /// What it kept from earlier runs.
    pub remembered: Option<Remembered>,
    /// An operator says: the coordinator lost data. Begin above all remembered terms, if no other node is registered; if one is, it has done
    /// so, and an older revision is taken as long as no term went back.
    pub raise_terms: bool,
}

/// Why the node serves nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// It is registering, or its earlier registration's slots have not been taken over yet.
    Joining,
    /// The coordinator does not answer; it keeps trying.
    NoCoordinator,
    /// Its lease ran out: no acks until it is renewed. It keeps its slots and what is in them.
    LeaseOver,
    /// It was declared dead, has dropped everything, and joins again.
    DeclaredDead,
    /// It left.
    Left,
    /// It may not be a member.
    Refused(MemberError),
}

/// What the rim is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The map changed, up to this revision. Make [`super::Member::remembered`] durable before acting on what follows.
    MapChanged(Revision),
    /// The node is up and holds its lease.
    Ready,
    /// It is not.
    NotReady(NotReady),
    /// The lease was renewed: shards take a copy of [`super::Member::lease`].
    Renewed,
    /// Own the slot under this term. `continues`: with the order that was imported or replicated; without one, or if there is none here,
    /// begin a new epoch in each room.
    Acquire {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// Whose it was.
        from: Option<NodeId>,
        /// Whether the order goes on.
        continues: bool,
        /// Whether a living owner handed it over: its order is what was transferred, not what was replicated.
        given: bool,
    },
    /// Somebody else owns the slot, or nobody: drop it, answer `retry`, ack nothing.
    StepDown {
        /// Which.
        slot: Slot,
        /// Under what it was owned.
        term: Term,
    },
    /// The owned slot has this standby. `waits`: nothing is committed without it. Always ask
    /// [`super::Member::replication`] before a commit.
    Replicate {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// To whom, and of which registration.
        standby: Option<(NodeId, Registration)>,
        /// Whether commits wait for it.
        waits: bool,
    },
    /// Be the slot's standby under an owner and term, from nothing; `None`: be it no more, drop it.
    Standby {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// Whose.
        of: Option<NodeId>,
    },
    /// Take no more publications into the slot, bring what it has to its commit, then say [`super::Member::handle_frozen`].
    Freeze {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
    },
    /// Bring the frozen slot to `to`, which is to own it under `term`, then say [`super::Member::handle_transferred`].
    Transfer {
        /// Which.
        slot: Slot,
        /// To whom.
        to: NodeId,
        /// Under what it will be owned.
        term: Term,
    },
    /// Nothing came of it: go on serving the slot.
    Thaw {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
    },
    /// The slot is another node's: forward what waited, drop it.
    Release {
        /// Which.
        slot: Slot,
        /// Whose it is.
        to: NodeId,
        /// Under what.
        term: Term,
    },
    /// The drain is over: the map names the node no more.
    Drained,
}
