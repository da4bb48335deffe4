//! Why a node may not be, or stay, a member: each with a number, a name, and how to mend it. None of them is cured by waiting.

use crate::codec::Malformed;
use crate::coordinator::{Key, Revision};
use crate::record::ClusterId;
use crate::slot::{Slot, Term};
use crate::{NODES_MAX, NodeId};
use core::fmt;

/// The node stopped, and acks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberError {
    /// The coordinator is another cluster's.
    WrongCluster {
        /// Whose it is.
        found: ClusterId,
        /// Whose it should be.
        expected: ClusterId,
    },
    /// Another process is alive under this node's id.
    DuplicateNode(NodeId),
    /// The coordinator is empty, and this node has been in a cluster there.
    CoordinatorWiped,
    /// The coordinator is at an older revision than this node has seen.
    CoordinatorWentBack {
        /// What it says now.
        found: Revision,
        /// What it said before.
        seen: Revision,
    },
    /// A slot's stored term is below one that this node has seen.
    TermsWentBack {
        /// Which slot.
        slot: Slot,
        /// What is stored.
        found: Term,
        /// What was seen.
        seen: Term,
    },
    /// A stored value is not what any build writes.
    Malformed(Key, Malformed),
    /// There are [`NODES_MAX`] nodes already.
    TooManyNodes,
}

impl MemberError {
    /// For logs and metrics; never reused.
    #[must_use]
    pub const fn number(&self) -> u16 {
        match self {
            Self::WrongCluster { .. } => 1,
            Self::DuplicateNode(_) => 2,
            Self::CoordinatorWiped => 3,
            Self::CoordinatorWentBack { .. } => 4,
            Self::TermsWentBack { .. } => 5,
            Self::Malformed(..) => 6,
            Self::TooManyNodes => 7,
        }
    }

    /// Likewise.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WrongCluster { .. } => "wrong_cluster",
            Self::DuplicateNode(_) => "duplicate_node",
            Self::CoordinatorWiped => "coordinator_wiped",
            Self::CoordinatorWentBack { .. } => "coordinator_went_back",
            Self::TermsWentBack { .. } => "terms_went_back",
            Self::Malformed(..) => "malformed_record",
            Self::TooManyNodes => "too_many_nodes",
        }
    }
}

const RAISE: &str = "stop all nodes, restore a backup that is newer or none, and start one node first that is told to raise terms";

impl fmt::Display for MemberError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCluster { found, expected } => write!(
                formatter,
                "the coordinator belongs to cluster {found}, this node to {expected}: check the coordinator's address and prefix; the nodes of one cluster share one cluster key: copy it from a node that is in it"
            ),
            Self::DuplicateNode(node) => write!(
                formatter,
                "another process is running as node {node}: stop it, or give this one a data directory of its own (a copied one carries the copied id)"
            ),
            Self::CoordinatorWiped => {
                write!(
                    formatter,
                    "the coordinator is empty, but this node has been in a cluster there: check its address and prefix; if its data is lost, {RAISE}"
                )
            }
            Self::CoordinatorWentBack { found, seen } => write!(
                formatter,
                "the coordinator is at revision {}, this node has seen {}: it was restored from an old backup; {RAISE}",
                found.0, seen.0
            ),
            Self::TermsWentBack { slot, found, seen } => write!(
                formatter,
                "slot {slot} is stored with term {found}, this node has seen {seen}: the coordinator was restored from an old backup; {RAISE}"
            ),
            Self::Malformed(key, fault) => write!(
                formatter,
                "the coordinator's key {} can't be read: {fault}; if a newer build wrote it, start that build, otherwise restore the key",
                key.path()
            ),
            Self::TooManyNodes => write!(
                formatter,
                "the cluster has {NODES_MAX} nodes, which is all that it can have: drain one first"
            ),
        }
    }
}

impl core::error::Error for MemberError {}
