//! The shard as a part of a cluster: its links to other nodes, what passes through to and from them, and the lease. Shard view.
//!
//! Each node has one link to each other, on one of its shards; [`LinkTable`] says which. What another shard says to a node takes
//! the ring to that shard and waits there for the link, stream by stream; what comes is decoded there and takes the ring
//! to the shard that it is for. Nobody waits in a circle: requests from a node are taken as long as their shard takes requests, which
//! depends on no link; deliveries always. For a link that is behind the publishers of its node's own clients wait a little
//! ([`patience`]); a node that does not keep up is cut off, and asks for what it missed when it is back.

mod outward;
mod parcel;
mod patience;
mod relay;
mod table;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use ringway_core::{EdgeId, Edges, Monotonic, PeerId, ShardId, SlotWord, Target, Told};
use ringway_link::{Encoded, Frame, GoodbyeReason, Head, Kind, Notice as Word};
use ringway_mesh::Mailbox;
use ringway_protocol::NodeId;
use tokio::sync::mpsc::UnboundedSender;

pub(crate) use parcel::{Ask, Ending, Parcel, Tell};
pub(crate) use relay::Inward;
pub(crate) use table::LinkTable;

use super::clock::Clock;
use super::context::{Context, Rim};
use super::links::{LinkDown, LinkEvent, LinkSockets, LinkTarget, LinkView, Links};
use crate::cluster::Lease;
use crate::node::{LinkCounters, LinkUp, Notice, Order, Whom};
use crate::quic::datagram::Stray;
use crate::rt::{Bell, Io};
use patience::Patience;
use relay::{Outbound, Outward};

/// Frames taken from links in one turn.
const FRAMES_PER_TURN: usize = 2_048;
/// Without a lease, how soon it is looked at again.
const LEASE_LOOK_MS: u64 = 20;

/// What a shard says of a slot, on its way to the cluster's driver.
pub(crate) struct Said {
    pub(crate) slot: u16,
    pub(crate) term: ringway_cluster::Term,
    pub(crate) word: SlotWord,
}

/// What a shard's thread is given for its part in a cluster.
pub(crate) struct ClusterSetup {
    pub(crate) lease: Lease,
    pub(crate) table: Arc<LinkTable>,
    pub(crate) said: UnboundedSender<Said>,
    pub(crate) links: super::links::LinkSetup,
    pub(crate) sockets: Vec<std::net::UdpSocket>,
}

/// A node of the cluster, as shards are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownNode {
    pub(crate) peer: PeerId,
    pub(crate) node: NodeId,
    /// Where to dial it; empty if it dials.
    pub(crate) addresses: Vec<std::net::SocketAddr>,
}

/// The link of a node, as this shard was told.
#[derive(Clone, Copy, Debug, Default)]
struct PeerState {
    generation: u32,
    up: bool,
}

/// A shard's part in the cluster.
pub(crate) struct Cluster {
    id: ShardId,
    shards: u16,
    lease: Lease,
    /// The lease that the core was told.
    told: Monotonic,
    table: Arc<LinkTable>,
    said: UnboundedSender<Said>,
    peers: BTreeMap<PeerId, PeerState>,
    numbers: BTreeMap<NodeId, PeerId>,
    nodes: BTreeMap<PeerId, NodeId>,
    links: Links,
    sockets: LinkSockets,
    outward: BTreeMap<PeerId, Outbound>,
    /// With nodes that this shard has something to say to.
    patience: BTreeMap<PeerId, Patience>,
    /// Publishers wait for one of them on this shard's behalf.
    holds: bool,
    /// By shard of this node.
    pub(crate) inward: Vec<Inward>,
}

impl Cluster {
    /// With no node known yet.
    ///
    /// # Errors
    /// A socket or the credentials can't be used.
    pub(crate) fn new(setup: ClusterSetup, id: ShardId, shards: u16) -> std::io::Result<Self> {
        let ClusterSetup { lease, table, said, links, sockets } = setup;
        Ok(Self {
            id,
            shards,
            lease,
            told: Monotonic(0),
            table,
            said,
            peers: BTreeMap::new(),
            numbers: BTreeMap::new(),
            nodes: BTreeMap::new(),
            links: Links::new(links).map_err(std::io::Error::other)?,
            sockets: LinkSockets::new(sockets, usize::from(id.0), usize::from(shards))?,
            outward: BTreeMap::new(),
            patience: BTreeMap::new(),
            holds: false,
            inward: (0..shards).map(|_| Inward::default()).collect(),
        })
    }

    /// The sockets of links, for those who wait for them.
    pub(crate) fn sockets(&self) -> Vec<Rc<crate::quic::socket::Udp>> {
        self.sockets.sockets().to_vec()
    }

    /// The cluster's driver is to know.
    pub(crate) fn say(&self, slot: u16, term: ringway_cluster::Term, word: SlotWord) {
        // The driver ends only with the node.
        let _ = self.said.send(Said { slot, term, word });
    }

    /// The lease that the core goes by.
    pub(crate) const fn told(&self) -> Monotonic {
        self.told
    }

    /// Whether a turn that began then slept over the end of a lease that the core went by, `first` or the one since; by how many
    /// milliseconds.
    pub(crate) fn overslept(&self, begun: Monotonic, first: Monotonic, now: Monotonic) -> Option<u64> {
        let ends = [first, self.told];
        let end = ends.into_iter().find(|end| self.lease.is_overslept(begun, *end, now))?;
        Some(now.since(end) / 1_000)
    }

    /// When the lease ends, as it stands now.
    pub(crate) fn lease(&self) -> Monotonic {
        self.lease.valid_until()
    }

    /// The lease that the core goes by from now on, if it is another.
    pub(crate) fn renew(&mut self, until: Monotonic) -> bool {
        core::mem::replace(&mut self.told, until) != until
    }

    /// The cluster's nodes from now on.
    pub(crate) fn handle_nodes(&mut self, nodes: &[KnownNode]) {
        self.numbers = nodes.iter().map(|known| (known.node, known.peer)).collect();
        self.nodes = nodes.iter().map(|known| (known.peer, known.node)).collect();
        let mine = |known: &KnownNode| known.node.0 % u64::from(self.shards) == u64::from(self.id.0);
        let targets: Vec<_> = nodes
            .iter()
            .map(|known| LinkTarget {
                node: known.node,
                incarnation: 0,
                dial: if mine(known) { known.addresses.clone() } else { Vec::new() },
            })
            .collect();
        self.links.handle_targets(Instant::now(), &targets);
    }

    /// Other credentials for links to come.
    pub(crate) fn handle_credentials(&mut self, credentials: Arc<crate::pki::Credentials>) {
        // They were loaded by the same code as those before: a suite for QUIC is among theirs.
        let _ = self.links.handle_credentials(credentials);
    }

    /// Takes what a socket has; `pass_on` is given what is for another shard.
    pub(crate) fn receive(&mut self, socket: usize, pass_on: impl FnMut(usize, Stray)) {
        self.sockets.receive(socket, &mut self.links, Instant::now(), pass_on);
    }

    /// A datagram that another shard passed on.
    pub(crate) fn take_stray(&mut self, stray: &Stray) {
        self.links.handle_stray(Instant::now(), stray);
    }

    /// Whether what came over a link of this generation is still to be heard.
    pub(crate) fn hears(&self, peer: PeerId, generation: u32) -> bool {
        self.peers.get(&peer).is_none_or(|state| generation >= state.generation)
    }

    /// Nodes that can be reached.
    fn up(&self) -> Vec<PeerId> {
        self.peers.iter().filter(|(_, state)| state.up).map(|(peer, _)| *peer).collect()
    }

    /// The pump's part before rings are taken: events, and frames for shards that have room.
    pub(crate) fn work(&mut self, rim: &mut Rim) {
        self.links.work(Instant::now());
        while let Some(event) = self.links.poll_event() {
            self.handle_link(rim, event);
        }
        let cut: Vec<_> = self.outward.keys().copied().filter(|peer| self.table.is_cut(*peer)).collect();
        for peer in cut {
            if let Some(node) = self.nodes.get(&peer) {
                self.links.end(Instant::now(), *node, GoodbyeReason::Fault);
            }
        }
        for _ in 0..FRAMES_PER_TURN {
            if !self.take_frame(rim) {
                break;
            }
        }
    }

    /// Takes one frame that somebody here has room for; false if there is none.
    fn take_frame(&mut self, rim: &mut Rim) -> bool {
        let (shards, id) = (self.shards, self.id);
        let takes_requests = rim.core.takes_requests();
        let inward = &self.inward;
        let takes = |_: NodeId, head: &Head| {
            if !is_request(head) {
                return inward.iter().all(Inward::has_room);
            }
            let home = ShardId(head.room.slot() % shards);
            if home == id { takes_requests } else { inward[usize::from(home.0)].has_room() }
        };
        let Some((node, bytes)) = self.links.poll_frame(takes) else { return false };
        let Some(peer) = self.numbers.get(&node).copied() else { return true };
        let generation = self.peers.get(&peer).map_or(0, |state| state.generation);
        match ringway_link::decode(&bytes) {
            Ok(Frame::Request(shard, asked)) => {
                let from = EdgeId { peer, shard };
                let home = ShardId(asked.request.slot() % shards);
                if home == id {
                    rim.core.handle_request(rim.clock.now(), from, asked);
                } else {
                    let ask = Ask::In { from, generation, asked };
                    self.inward[usize::from(home.0)].asks.push_back(ask);
                }
            }
            Ok(Frame::Delivery(told)) => self.spread(rim, peer, generation, told),
            Ok(Frame::Notice(Word::Disconnect { whom, code, reason })) => {
                let whom = match whom {
                    Target::Session(session) => Whom::Session(session),
                    Target::User(user) => Whom::User(user.into()),
                };
                self.end_sessions(rim, Arc::new(Ending { whom, code, reason: reason.into() }));
            }
            Ok(Frame::Word(_) | Frame::Unknown(_)) => {}
            Err(error) => self.links.handle_fault(Instant::now(), node, error),
        }
        true
    }

    /// Another node's operator ends sessions: those of every shard here.
    fn end_sessions(&mut self, rim: &mut Rim, ending: Arc<Ending>) {
        for shard in (0..self.shards).filter(|shard| *shard != self.id.0) {
            self.inward[usize::from(shard)].tells.push_back(Tell::Ending(Arc::clone(&ending)));
        }
        ending.obey(rim);
    }

    /// This node's operator ends sessions: all other nodes with a link here are told.
    pub(crate) fn tell_nodes(&mut self, ending: &Arc<Ending>) {
        for outbound in self.outward.values_mut() {
            outbound.push(Outward::Ending(Arc::clone(ending)));
        }
    }

    /// Gives a delivery to the shards that it is for.
    fn spread(&mut self, rim: &mut Rim, from: PeerId, generation: u32, told: Told<Encoded<'_>>) {
        let home = ShardId(told.slot % self.shards);
        let is_meant = |shard: ShardId| match told.edges {
            Edges::Home => shard == home,
            edges => edges.holds(shard),
        };
        let mut shards = (0..self.shards).map(ShardId);
        if shards.all(|shard| is_meant(shard) == (shard == self.id)) {
            return rim.core.handle_told(rim.clock.now(), from, wire::own(told));
        }
        let shards: Vec<_> = (0..self.shards).map(ShardId).filter(|shard| is_meant(*shard)).collect();
        let mut rest = Some(wire::shared(told));
        for (index, shard) in shards.iter().enumerate() {
            let told = if index + 1 == shards.len() { rest.take() } else { rest.clone() };
            let Some(told) = told else { return };
            if *shard == self.id {
                rim.core.handle_delivery(rim.clock.now(), from, told);
            } else {
                self.inward[usize::from(shard.0)].tells.push_back(Tell::In { from, generation, told });
            }
        }
    }

    fn handle_link(&mut self, rim: &mut Rim, event: LinkEvent) {
        match event {
            LinkEvent::Up { node, .. } => {
                rim.reports.tell(Notice::LinkUp { node: node.0 });
                let Some(peer) = self.numbers.get(&node).copied() else { return };
                let Some((generation, before)) = self.table.up(peer, self.id) else { return };
                self.outward.insert(peer, Outbound::default());
                if let Some(before) = before.filter(|before| *before != self.id) {
                    self.inward[usize::from(before.0)].tells.push_back(Tell::Replaced(peer));
                }
                self.announce(rim, peer, generation, true);
            }
            LinkEvent::Down { node, why } => {
                rim.reports.tell(Notice::LinkDown { node: node.0, why: why.to_string() });
                let Some(peer) = self.numbers.get(&node).copied() else { return };
                self.outward.remove(&peer);
                if let Some(generation) = self.table.down(peer, self.id) {
                    self.announce(rim, peer, generation, false);
                }
            }
            LinkEvent::Failed { node, address, why } => {
                let node = node.map(|node| node.0);
                let refused = matches!(why, LinkDown::Refused { .. });
                rim.reports.tell(Notice::LinkFailed { node, address, why: why.to_string(), refused });
            }
        }
    }

    /// Tells every shard of a link.
    fn announce(&mut self, rim: &mut Rim, peer: PeerId, generation: u32, up: bool) {
        for shard in (0..self.shards).filter(|shard| *shard != self.id.0) {
            self.inward[usize::from(shard)].tells.push_back(Tell::Peer { peer, generation, up });
        }
        self.handle_peer(rim, peer, generation, up);
    }

    /// A link came up or went down, here or on another shard.
    pub(crate) fn handle_peer(&mut self, rim: &mut Rim, peer: PeerId, generation: u32, up: bool) {
        let state = self.peers.entry(peer).or_default();
        if generation < state.generation {
            return;
        }
        let was_up = core::mem::replace(state, PeerState { generation, up }).up;
        let now = rim.clock.now();
        if was_up {
            rim.core.handle_peer(now, peer, false);
        }
        if up {
            rim.core.handle_peer(now, peer, true);
        }
    }

    /// The node has a newer link on another shard.
    pub(crate) fn handle_replaced(&mut self, peer: PeerId) {
        if let Some(node) = self.nodes.get(&peer) {
            self.links.end(Instant::now(), *node, GoodbyeReason::Replaced);
        }
    }

    /// Whether publishers of this node wait for a link.
    pub(crate) fn holds_publishers(&self) -> bool {
        self.table.is_held()
    }

    /// Whether the next turn has something to do at once.
    pub(crate) fn has_work(&self) -> bool {
        self.links.has_work()
    }

    /// When a turn is due for the links' sake, or to look at the lease again.
    pub(crate) fn poll_timeout(&self) -> Option<Monotonic> {
        let now = Clock::monotonic();
        let wait = |due: Instant| due.saturating_duration_since(Instant::now()).as_micros() as u64;
        let links = self.links.poll_timeout().map(|due| Monotonic(now.0 + wait(due)));
        let lease = (self.told <= now).then(|| now.plus_ms(LEASE_LOOK_MS));
        [links, lease].into_iter().flatten().min()
    }

    /// Ends all links now.
    pub(crate) fn cut_all(&mut self) {
        let now = Instant::now();
        self.links.cut_all(now);
        self.sockets.flush(&mut self.links, now);
    }

    /// What the links here counted.
    pub(crate) fn counters(&self) -> LinkCounters {
        let figures = self.links.figures();
        let up = |view: LinkView| LinkUp {
            node: view.node.0,
            rtt_us: view.rtt.as_micros() as u64,
            packets_sent: view.packets_sent,
            packets_lost: view.packets_lost,
            unsent_bytes: view.unsent_bytes as u64,
            frames_held: view.frames_held as u64,
        };
        LinkCounters {
            up: self.links.views().map(up).collect(),
            frames_in: figures.frames_in,
            frames_out: figures.frames_out,
            bytes_in: figures.bytes_in,
            bytes_out: figures.bytes_out,
            dials: figures.dials,
            ups: figures.ups,
            downs: figures.downs,
            failed: figures.failed,
            refused: figures.refused,
            credit_stalls: figures.credit_stalls,
        }
    }
}

/// Requests wait for their shard, everything else is always taken.
fn is_request(head: &Head) -> bool {
    (Kind::Join as u8..Kind::Publication as u8).contains(&head.kind)
}

/// Reads a socket of links for as long as the shard runs.
pub(crate) async fn read(
    context: Rc<Context>,
    socket: usize,
    io: Rc<Io>,
    neighbours: Vec<Arc<Mailbox<Order, Bell>>>,
) {
    while io.readable().await.is_ok() {
        let mut state = context.state.borrow_mut();
        if let Some(cluster) = &mut state.rim.cluster {
            cluster.receive(socket, |shard, stray| {
                // A queue that is full loses it, as the network may.
                let _ = neighbours[shard].post(Order::LinkDatagram(Box::new(stray)));
            });
        }
        drop(state);
        context.wake_pump();
    }
}
