//! What is told of the cluster: plain structures for the API, the command line and the metrics. Numbers of nodes are decimal, as in their
//! certificates, and text in JSON: not every reader has integers of 64 bits.

use ringway_cluster::member::{Member, NotReady};
use ringway_cluster::placement::State;
use ringway_cluster::{Monotonic, NodeId, SlotOwner};
use serde::{Deserialize, Serialize};

use super::figures::Figures;

/// How a node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The cluster's id, 16 hex digits.
    pub cluster: String,
    /// This node.
    pub node: String,
    /// `connecting`, `joining`, `up`, `draining`, `left` or `refused`.
    pub state: String,
    /// Why it serves nothing now, if it does not.
    pub not_ready: Option<String>,
    /// The number and name of the fault for which it may not be a member.
    pub fault: Option<Fault>,
    /// Who computes the map.
    pub controller: Option<String>,
    /// Up to where it has seen the coordinator's changes.
    pub revision: u64,
    /// What is left of its lease, in milliseconds; 0: nothing.
    pub lease_left_ms: u64,
    /// Nodes that are up, this one too.
    pub nodes_up: usize,
    /// Slots that it owns.
    pub slots_owned: usize,
    /// Those of them whose standby is in sync.
    pub slots_in_sync: usize,
    /// Slots for which it stands by.
    pub slots_standby: usize,
    /// Slots that nobody owns.
    pub slots_vacant: usize,
    /// Slots that it is giving away now.
    pub handovers: usize,
    /// Requests that the coordinator has not answered yet.
    pub requests_pending: usize,
    /// Effects that wait for the disk.
    pub effects_waiting: usize,
    /// What is wrong with the disk, if anything.
    pub disk_fault: Option<String>,
}

/// A fault of membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// What it says and how to mend it.
    pub what: String,
}

/// One entry of the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapEntry {
    /// Which slot.
    pub slot: u16,
    /// Whose it is.
    pub owner: Option<String>,
    /// Incarnation of that ownership.
    pub term: u64,
    /// Who stands by.
    pub standby: Option<String>,
    /// Whether the standby has everything.
    pub in_sync: bool,
    /// To whom it is being given.
    pub next: Option<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLook {
    /// Which.
    pub node: String,
    /// `joining`, `up`, `draining` or `dead`.
    pub state: String,
    /// Where its links are reached.
    pub addresses: String,
    /// Its share of slots.
    pub weight: u16,
    /// How often it has joined.
    pub registration: u64,
    /// How often in a row it was declared dead.
    pub flaps: u8,
    /// Slots that it owns.
    pub slots_owned: usize,
    /// Slots for which it stands by.
    pub slots_standby: usize,
    /// Whether it computes the map.
    pub controller: bool,
}

/// Status and figures of one moment.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// How the node stands.
    pub status: Status,
    /// What was counted.
    pub figures: Figures,
}

/// The status of a member, without what only its driver knows.
pub(super) fn status(member: &Member, now: Monotonic, lease_until: Monotonic) -> Status {
    let us = Some(member.node());
    let count =
        |is: &dyn Fn(&SlotOwner) -> bool| member.map().entries().filter(|(_, entry)| is(entry)).count();
    let fault = match member.not_ready() {
        Some(NotReady::Refused(error)) => {
            Some(Fault { number: error.number(), name: error.name().into(), what: error.to_string() })
        }
        _ => None,
    };
    Status {
        cluster: member.cluster().to_string(),
        node: decimal(member.node()),
        state: state(member).into(),
        not_ready: member.not_ready().map(|why| reason(&why)),
        fault,
        controller: member.controller().map(decimal),
        revision: member.revision().0,
        lease_left_ms: lease_until.since(now) / 1_000,
        nodes_up: member.nodes().filter(|(_, record)| record.state == State::Up).count(),
        slots_owned: member.owned().count(),
        slots_in_sync: count(&|entry| entry.owner == us && entry.in_sync),
        slots_standby: count(&|entry| entry.standby == us),
        slots_vacant: count(&|entry| entry.owner.is_none()),
        handovers: member.handovers(),
        requests_pending: 0,
        effects_waiting: 0,
        disk_fault: None,
    }
}

fn state(member: &Member) -> &'static str {
    match (member.not_ready(), member.standing()) {
        (Some(NotReady::Refused(_)), _) => "refused",
        (Some(NotReady::Left), _) => "left",
        (_, Some(State::Up)) => "up",
        (_, Some(State::Draining)) => "draining",
        (Some(NotReady::NoCoordinator), None) => "connecting",
        _ => "joining",
    }
}

/// Why a node serves nothing, as one line.
pub(super) fn reason(why: &NotReady) -> String {
    match why {
        NotReady::Joining => {
            "joining: registering, or waiting for the slots of an earlier run to be taken over".into()
        }
        NotReady::NoCoordinator => {
            "the coordinator does not answer: check cluster.endpoints and the coordinator".into()
        }
        NotReady::LeaseOver => {
            "its lease is over: nothing is acked until the coordinator takes a renewal".into()
        }
        NotReady::DeclaredDead => "it was declared dead and joins again".into(),
        NotReady::Left => "it left the cluster".into(),
        NotReady::Refused(error) => format!("{} ({}): {error}", error.name(), error.number()),
    }
}

/// The map of a member.
pub(super) fn map(member: &Member) -> Vec<MapEntry> {
    let entry = |(slot, entry): (ringway_cluster::Slot, &SlotOwner)| MapEntry {
        slot: slot.number(),
        owner: entry.owner.map(decimal),
        term: entry.term.0,
        standby: entry.standby.map(decimal),
        in_sync: entry.in_sync,
        next: entry.next.map(decimal),
    };
    member.map().entries().map(entry).collect()
}

/// The nodes that a member knows.
pub(super) fn nodes(member: &Member) -> Vec<NodeLook> {
    let look = |(id, record): (NodeId, &ringway_cluster::record::NodeRecord)| {
        let count = |role: &dyn Fn(&SlotOwner) -> Option<NodeId>| {
            member.map().entries().filter(|(_, entry)| role(entry) == Some(id)).count()
        };
        NodeLook {
            node: decimal(id),
            state: match record.state {
                State::Joining => "joining",
                State::Up => "up",
                State::Draining => "draining",
                State::Dead => "dead",
            }
            .into(),
            addresses: record.addresses.clone(),
            weight: record.weight,
            registration: record.registration.0,
            flaps: record.flaps,
            slots_owned: count(&|entry| entry.owner),
            slots_standby: count(&|entry| entry.standby),
            controller: member.controller() == Some(id),
        }
    };
    member.nodes().map(look).collect()
}

fn decimal(node: NodeId) -> String {
    node.0.to_string()
}
