//! One shard: its edge, its owner, what it says to others, and the loop that settles what it says to itself.

use std::collections::VecDeque;
use std::sync::Arc;

use ringway_cluster::Term;
use ringway_protocol::{ClusterKey, ErrorCode, RoomHandle};

use crate::counters::{Counters, NamespaceCounters};
use crate::edge::Edge;
use crate::exchange::Exchange;
use crate::frame::Encoder;
use crate::message::{Asked, Delivery, Told};
use crate::namespaces::{NamespaceId, Namespaces};
use crate::output::Output;
use crate::owner::Owner;
use crate::random::Random;
use crate::route::{Asker, EdgeId, Edges, Holder, PeerId, Route, Routes, Way};
use crate::settings::Settings;
use crate::time::{Monotonic, Now};
use crate::{SessionKey, ShardId};

/// What a shard is told once.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Which shard this is.
    pub id: ShardId,
    /// How many there are on this node.
    pub shards: u16,
    /// Keys room handles.
    pub key: ClusterKey,
    /// Feeds the core's own generator.
    pub seed: u64,
    /// Who owns all slots until the map says otherwise: this node if it is alone.
    pub route: Route,
}

impl ShardConfig {
    /// The route of a node that is alone: all slots are its own.
    pub const ALONE: Route = Route { holder: Holder::Here, term: Term(1) };
}

/// The command was not taken and nothing happened: offer it again after [`Output::Unblocked`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked;

/// One shard's brain. See the crate's documentation for its contract.
pub struct Shard<E: Encoder> {
    pub(crate) config: ShardConfig,
    pub(crate) settings: Arc<Settings>,
    pub(crate) namespaces: Namespaces,
    pub(crate) encoder: E,
    pub(crate) edge: Edge<E::Frame>,
    pub(crate) owner: Owner<E::Frame>,
    pub(crate) exchange: Exchange<E>,
    pub(crate) routes: Routes,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) counters: Counters,
    pub(crate) random: Random,
}

impl<E: Encoder> Shard<E> {
    /// A shard without sessions and rooms.
    ///
    /// # Panics
    /// If `shards` is 0 or `id` is not below it: a fault of the caller.
    #[must_use]
    pub fn new(config: ShardConfig, settings: Arc<Settings>, encoder: E) -> Self {
        assert!(config.id.0 < config.shards, "shard {} of {}", config.id.0, config.shards);
        let mut shard = Self {
            namespaces: Namespaces::new(&settings),
            encoder,
            edge: Edge::new(),
            owner: Owner::new(),
            exchange: Exchange::new(config.shards),
            routes: Routes::new(config.route),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            random: Random::new(config.seed),
            config,
            settings,
        };
        shard.name_counters();
        shard
    }

    /// The shard of this node that owns a room if this node does: arithmetic on its slot.
    #[must_use]
    pub const fn home_of(&self, handle: RoomHandle) -> ShardId {
        self.home(handle.slot())
    }

    pub(crate) const fn home(&self, slot: u16) -> ShardId {
        ShardId(slot % self.config.shards)
    }

    /// New settings, valid as a whole. Rooms and sessions go on under them.
    pub fn handle_settings(&mut self, settings: Arc<Settings>) {
        self.namespaces.update(&settings);
        self.settings = settings;
        self.name_counters();
    }

    /// An owner's answer or publication from another shard of this node, or of another node. Always taken.
    pub fn handle_delivery(&mut self, now: Now, from: PeerId, told: Told<E::Shared>) {
        self.handle_told(now, from, told.map(E::adopt));
    }

    /// [`Shard::handle_delivery`] with frames that were made on this very shard.
    pub fn handle_told(&mut self, now: Now, from: PeerId, told: Told<E::Frame>) {
        self.edge_take(now, from, told);
        self.settle(now);
    }

    /// An edge's request from another shard; offer it only while [`Shard::takes_requests`].
    pub fn handle_request(&mut self, now: Now, from: EdgeId, asked: Asked) {
        self.owner_take(now, from, asked);
        self.settle(now);
    }

    /// Whether the owner has room for the worst that one more request makes it say.
    #[must_use]
    pub fn takes_requests(&self) -> bool {
        self.exchange.takes_requests()
    }

    /// The next request for that owner; call only if its ring or link has room.
    pub fn poll_request(&mut self, to: Way) -> Option<Asked> {
        let request = self.exchange.poll_request(to);
        self.unblock();
        request
    }

    /// The next delivery for that edge; call only if its ring or link has room.
    pub fn poll_delivery(&mut self, to: Way) -> Option<Told<E::Shared>> {
        let delivery = self.exchange.poll_delivery(to);
        self.unblock();
        delivery
    }

    /// [`Shard::poll_delivery`] for a node whose link is on this very shard: with frames that only this shard may have.
    pub fn poll_told(&mut self, to: PeerId) -> Option<Told<E::Frame>> {
        let delivery = self.exchange.poll_peer(to);
        self.unblock();
        delivery
    }

    /// Whether [`Shard::poll_request`] or [`Shard::poll_delivery`] has something for another shard of this node.
    #[must_use]
    pub fn has_outbound(&self) -> bool {
        self.exchange.has_outbound()
    }

    /// The same for other nodes.
    #[must_use]
    pub fn has_outbound_to_peers(&self) -> bool {
        self.exchange.has_outbound_to_peers()
    }

    /// Messages that wait for the link to a node: when they are too many, cut it.
    #[must_use]
    pub fn waiting_for(&self, peer: PeerId) -> usize {
        self.exchange.waiting_for(peer)
    }

    /// The next side effect.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether [`Shard::poll_output`] has something.
    #[must_use]
    pub fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// When [`Shard::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        [
            self.owner.timers.next().filter(|at| self.owner.may_speak(*at)),
            self.owner.duties_at(),
            self.edge.timers.next(),
            self.edge.sweep_at,
            self.edge.crossings_at(),
            self.edge.elsewhere_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.owner_tick(now);
        self.edge_tick(now);
        self.settle(now);
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Handles what the shard said to itself until it has nothing more to say.
    pub(crate) fn settle(&mut self, now: Now) {
        loop {
            if let Some(told) = self.exchange.own_deliveries.pop_front() {
                self.edge_take(now, PeerId::HERE, told);
            } else if let Some(asked) = self.exchange.own_requests.pop_front() {
                self.owner_take(now, EdgeId::here(self.config.id), asked);
            } else {
                break;
            }
        }
        self.counters.sessions = self.edge.sessions.len() as u64;
        self.counters.rooms = self.owner.rooms.len() as u64;
        self.counters.held_bytes = self.owner.held_bytes;
    }

    /// Owner → the edge that asked.
    pub(crate) fn answer_to(&mut self, to: Asker, slot: u16, delivery: Delivery<E::Frame>) {
        self.tell(to.edge, slot, to.number, delivery);
    }

    /// Owner → one edge.
    pub(crate) fn tell(&mut self, to: EdgeId, slot: u16, answers: u32, delivery: Delivery<E::Frame>) {
        let told =
            Told { slot, edges: Edges::One(to.shard), term: self.routes.term(slot), answers, delivery };
        if to == EdgeId::here(self.config.id) {
            self.exchange.own_deliveries.push_back(told);
        } else {
            let way = if to.peer.is_here() { Way::Shard(to.shard) } else { Way::Peer(to.peer) };
            self.exchange.push_delivery(way, told);
        }
    }

    /// Owner → several edges of another node, or the slot's home there: one copy.
    pub(crate) fn tell_peer(&mut self, to: PeerId, edges: Edges, slot: u16, delivery: Delivery<E::Frame>) {
        let told = Told { slot, edges, term: self.routes.term(slot), answers: 0, delivery };
        self.exchange.push_delivery(Way::Peer(to), told);
    }

    /// Whether a command for that room can be taken now; if not, the session is told when it can.
    pub(crate) fn admit(&mut self, session: SessionKey, handle: RoomHandle) -> Result<(), Blocked> {
        if !self.has_room_to_ask(handle) {
            self.exchange.blocked.insert(session);
            return Err(Blocked);
        }
        Ok(())
    }

    /// Whether the way to a room's owner has room for one more request.
    pub(crate) fn has_room_to_ask(&self, handle: RoomHandle) -> bool {
        match self.routes.get(handle.slot()).holder {
            Holder::Here => {
                let home = self.home_of(handle);
                if home == self.config.id {
                    self.exchange.takes_requests()
                } else {
                    self.exchange.has_request_room(Way::Shard(home))
                }
            }
            Holder::Peer(peer) => self.exchange.has_request_room(Way::Peer(peer)),
            Holder::Nobody => true,
        }
    }

    fn unblock(&mut self) {
        if !self.exchange.blocked.is_empty() && self.exchange.is_relieved() {
            let sessions = core::mem::take(&mut self.exchange.blocked);
            self.outputs.extend(sessions.into_iter().map(Output::Unblocked));
        }
    }

    pub(crate) fn namespace_counters(&mut self, id: NamespaceId) -> &mut NamespaceCounters {
        &mut self.counters.namespaces[id.0 as usize]
    }

    pub(crate) fn count_error(&mut self, code: ErrorCode) {
        self.counters.error(code);
    }

    fn name_counters(&mut self) {
        for name in self.namespaces.names().into_iter().skip(self.counters.namespaces.len()) {
            let name = name.to_owned();
            self.counters.namespaces.push(NamespaceCounters { name, ..NamespaceCounters::default() });
        }
    }
}
