//! One shard: its edge, its owner, what it says to others, and the loop that settles what it says to itself.

use std::collections::VecDeque;
use std::sync::Arc;

use ringway_protocol::{ClusterKey, ErrorCode, RoomHandle};

use crate::counters::{Counters, NamespaceCounters};
use crate::edge::Edge;
use crate::exchange::Exchange;
use crate::frame::Encoder;
use crate::message::{Delivery, Request};
use crate::namespaces::{NamespaceId, Namespaces};
use crate::output::Output;
use crate::owner::Owner;
use crate::random::Random;
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
            outputs: VecDeque::new(),
            counters: Counters::default(),
            random: Random::new(config.seed),
            config,
            settings,
        };
        shard.name_counters();
        shard
    }

    /// The shard that owns a room: arithmetic on its slot.
    #[must_use]
    pub const fn owner_of(&self, handle: RoomHandle) -> ShardId {
        ShardId(handle.slot() % self.config.shards)
    }

    /// New settings, valid as a whole. Rooms and sessions go on under them.
    pub fn handle_settings(&mut self, settings: Arc<Settings>) {
        self.namespaces.update(&settings);
        self.settings = settings;
        self.name_counters();
    }

    /// An owner's answer or publication from another shard. Always taken.
    pub fn handle_delivery(&mut self, now: Now, from: ShardId, delivery: Delivery<E::Shared>) {
        debug_assert_ne!(from, self.config.id);
        let delivery = delivery.map(E::adopt);
        self.edge_deliver(now, delivery);
        self.settle(now);
    }

    /// An edge's request from another shard; offer it only while [`Shard::takes_requests`].
    pub fn handle_request(&mut self, now: Now, from: ShardId, request: Request) {
        self.owner_handle(now, from, request);
        self.settle(now);
    }

    /// Whether the owner has room for the worst that one more request makes it say.
    #[must_use]
    pub fn takes_requests(&self) -> bool {
        self.exchange.takes_requests()
    }

    /// The next request for that owner; call only if its ring has room.
    pub fn poll_request(&mut self, to: ShardId) -> Option<Request> {
        let request = self.exchange.poll_request(to);
        self.unblock();
        request
    }

    /// The next delivery for that edge; call only if its ring has room.
    pub fn poll_delivery(&mut self, to: ShardId) -> Option<Delivery<E::Shared>> {
        let delivery = self.exchange.poll_delivery(to);
        self.unblock();
        delivery
    }

    /// Whether [`Shard::poll_request`] or [`Shard::poll_delivery`] has something for anyone.
    #[must_use]
    pub fn has_outbound(&self) -> bool {
        self.exchange.has_outbound()
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
        [self.owner.timers.next(), self.edge.timers.next(), self.edge.sweep_at].into_iter().flatten().min()
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
            if let Some(delivery) = self.exchange.own_deliveries.pop_front() {
                self.edge_deliver(now, delivery);
            } else if let Some(request) = self.exchange.own_requests.pop_front() {
                self.owner_handle(now, self.config.id, request);
            } else {
                break;
            }
        }
        self.counters.sessions = self.edge.sessions.len() as u64;
        self.counters.rooms = self.owner.rooms.len() as u64;
        self.counters.held_bytes = self.owner.held_bytes;
    }

    /// Owner → edge.
    pub(crate) fn deliver(&mut self, to: ShardId, delivery: Delivery<E::Frame>) {
        if to == self.config.id {
            self.exchange.own_deliveries.push_back(delivery);
        } else {
            self.exchange.push_delivery(to, delivery.map(|frame| E::share(&frame)));
        }
    }

    /// Edge → owner.
    pub(crate) fn request(&mut self, to: ShardId, request: Request) {
        if to == self.config.id {
            self.exchange.own_requests.push_back(request);
        } else {
            self.exchange.push_request(to, request);
        }
    }

    /// Whether a command for that owner can be taken now; if not, the session is told when it can.
    pub(crate) fn admit(&mut self, session: SessionKey, owner: ShardId) -> Result<(), Blocked> {
        let free = if owner == self.config.id {
            self.exchange.takes_requests()
        } else {
            self.exchange.has_request_room(owner)
        };
        if !free {
            self.exchange.blocked.insert(session);
            return Err(Blocked);
        }
        Ok(())
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
