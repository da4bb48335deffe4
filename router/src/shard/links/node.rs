//! Whom this node may link with: the cluster's nodes as the caller names them, and whom of them this shard dials.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use ringway_link::GoodbyeReason;
use ringway_protocol::NodeId;

use super::Links;
use super::backoff::{delay, next_random};
use super::event::LinkDown;
use super::link::{Link, Stage};
use crate::pki::{NodeNumber, Peer};

/// A node of the cluster's map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkTarget {
    pub(crate) node: NodeId,
    /// The latest start of it that is known: earlier ones are refused. 0: none.
    pub(crate) incarnation: u64,
    /// Where this shard dials it, one after the other; empty: this shard does not. Of two nodes the one with the lower id
    /// dials, from one of its shards.
    pub(crate) dial: Vec<SocketAddr>,
}

/// A node that may be linked with.
#[derive(Default)]
pub(super) struct Node {
    /// The latest start that is known.
    pub(super) incarnation: u64,
    /// The link that is up.
    pub(super) link: Option<usize>,
    pub(super) dial: Option<Dial>,
}

/// How a node is dialled.
pub(super) struct Dial {
    addresses: Vec<SocketAddr>,
    /// Which of them is next.
    next: usize,
    /// In a row.
    failures: u32,
    /// Not before this.
    at: Instant,
    /// The link that does not stand yet.
    pub(super) under_way: Option<usize>,
}

impl Dial {
    /// Whether it is to be dialled, and when.
    fn due(&self, linked: bool) -> Option<Instant> {
        (!linked && self.under_way.is_none()).then_some(self.at)
    }
}

impl Links {
    /// The cluster's nodes from now on. Links to nodes that are not among them end with a goodbye, and such nodes are
    /// refused.
    pub(crate) fn handle_targets(&mut self, now: Instant, targets: &[LinkTarget]) {
        let mut nodes = BTreeMap::new();
        for target in targets.iter().filter(|target| target.node != self.identity.node) {
            let known = self.nodes.remove(&target.node).or_else(|| nodes.remove(&target.node));
            let mut node: Node = known.unwrap_or_default();
            node.incarnation = node.incarnation.max(target.incarnation);
            node.dial = dial_of(node.dial, &target.dial, now);
            nodes.insert(target.node, node);
        }
        self.nodes = nodes;
        for index in 0..self.links.len() {
            let Some(link) = self.links[index].as_deref() else { continue };
            let node = link.node();
            let is_known = node.is_none_or(|node| self.nodes.contains_key(&node));
            // Nobody asks for this one any more.
            let is_dialled = link.dialled.is_none_or(|node| {
                self.nodes.get(&node).is_some_and(|node| node.dial.is_some() || node.link == Some(index))
            });
            if !is_known || !is_dialled {
                self.goodbye(index, GoodbyeReason::Removed, now);
            }
        }
        self.renew_due();
    }

    /// Ends the link with a node, if there is one; whom this shard dials is dialled again. For links to the same node that
    /// came up on other shards, with [`GoodbyeReason::Replaced`].
    pub(crate) fn end(&mut self, now: Instant, node: NodeId, reason: GoodbyeReason) {
        if let Some(index) = self.nodes.get(&node).and_then(|node| node.link) {
            self.goodbye(index, reason, now);
        }
    }

    /// Dials whom it is time to dial.
    pub(super) fn dial_due(&mut self, now: Instant) {
        if self.newcomers.is_closed() {
            return;
        }
        let due = |node: &Node| node.dial.as_ref().and_then(|dial| dial.due(node.link.is_some()));
        let nodes = self.nodes.iter().filter(|(_, node)| due(node).is_some_and(|at| at <= now));
        let nodes: Vec<NodeId> = nodes.map(|(id, _)| *id).collect();
        for node in nodes {
            self.dial(node, now);
        }
    }

    /// When the next node is to be dialled.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        if self.newcomers.is_closed() {
            return None;
        }
        self.nodes.values().filter_map(|node| node.dial.as_ref()?.due(node.link.is_some())).min()
    }

    fn dial(&mut self, node: NodeId, now: Instant) {
        let Some(dial) = self.nodes.get_mut(&node).and_then(|node| node.dial.as_mut()) else { return };
        let address = dial.addresses[dial.next % dial.addresses.len()];
        dial.next = dial.next.wrapping_add(1);
        self.figures.dials += 1;
        let socket = self.addresses.iter().position(|ours| ours.is_ipv4() == address.is_ipv4());
        let cluster = self.credentials.identity.cluster.clone();
        let name = Peer { cluster, node: NodeNumber(node.0) }.name();
        let connected = match socket {
            None => Err("no socket of this node has an address of that kind".to_owned()),
            Some(socket) => {
                let connected = self.endpoint.connect(now, self.client.clone(), address, &name);
                connected.map(|connected| (socket, connected)).map_err(|error| error.to_string())
            }
        };
        match connected {
            Ok((socket, (handle, connection))) => {
                dial.under_way = Some(handle.0);
                let until = now + self.times.hello;
                self.seat(handle, Link::new(connection, socket, Some(node), until, self.bounds.span));
            }
            Err(text) => {
                self.put_off(node, false, now);
                self.tell_failure(Some(node), address, LinkDown::Broken(text));
            }
        }
    }

    /// A link with this node is gone, or did not come up: whom this shard dials is dialled again, later.
    pub(super) fn put_off(&mut self, node: NodeId, stood: bool, now: Instant) {
        let random = next_random(&mut self.random);
        let Some(dial) = self.nodes.get_mut(&node).and_then(|node| node.dial.as_mut()) else { return };
        if stood {
            dial.failures = 0;
        }
        dial.at = now + delay(&self.times, dial.failures, random);
        dial.failures = dial.failures.saturating_add(1);
    }

    /// This link stands for the node from now on.
    pub(super) fn stand(&mut self, index: usize, node: NodeId) {
        let Some(node) = self.nodes.get_mut(&node) else { return };
        node.link = Some(index);
        if let Some(dial) = &mut node.dial {
            dial.under_way = dial.under_way.filter(|link| *link != index);
        }
    }

    /// Forgets a link that does not count any more; false if it did not before.
    pub(super) fn unlink(&mut self, index: usize, node: NodeId) -> bool {
        let Some(node) = self.nodes.get_mut(&node) else { return false };
        let mut counted = node.link.take_if(|link| *link == index).is_some();
        if let Some(dial) = &mut node.dial {
            counted |= dial.under_way.take_if(|link| *link == index).is_some();
        }
        counted
    }

    /// The link with a node that is up.
    pub(super) fn link_of(&mut self, node: NodeId) -> Option<(usize, &mut Link)> {
        let index = self.nodes.get(&node)?.link?;
        let link = self.links.get_mut(index)?.as_deref_mut()?;
        (link.stage == Stage::Up).then_some((index, link))
    }
}

/// How a node is dialled from now on; what is known of earlier dials stays.
fn dial_of(dial: Option<Dial>, addresses: &[SocketAddr], now: Instant) -> Option<Dial> {
    if addresses.is_empty() {
        return None;
    }
    let mut dial =
        dial.unwrap_or(Dial { addresses: Vec::new(), next: 0, failures: 0, at: now, under_way: None });
    if dial.addresses != addresses {
        // A new address deserves a dial of its own.
        (dial.addresses, dial.next, dial.failures, dial.at) = (addresses.to_vec(), 0, 0, now);
    }
    Some(dial)
}
