//! What waits for the rings to other shards and for the links to other nodes, and who waits for room in them.
//!
//! Bounds: commands are admitted while fewer than [`REQUESTS_MAX`] requests wait for their owner (leaves and pulls
//! come on top: at most one each per membership); requests are handled while fewer than [`DELIVERIES_MAX`]
//! deliveries wait for every edge of this node, and one request makes at most a few per edge. A node that is behind holds
//! nobody up: the rim cuts its link when too much waits for it, and it asks for what it missed when it is back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::frame::Encoder;
use crate::message::{Acks, Asked, Delivery, Request, Told};
use crate::route::{PeerId, Way};
use crate::{SessionKey, ShardId};

/// Requests that may wait for one owner before commands are refused.
pub(crate) const REQUESTS_MAX: usize = 256;
/// Deliveries that may wait for one edge before requests are left in their ring.
pub(crate) const DELIVERIES_MAX: usize = 256;

/// What waits for one shard or node.
struct Lane<S> {
    requests: VecDeque<Asked>,
    deliveries: VecDeque<Told<S>>,
}

impl<S> Lane<S> {
    fn new() -> Self {
        Self { requests: VecDeque::new(), deliveries: VecDeque::new() }
    }
}

/// What waits for another node.
struct PeerLane<F> {
    lane: Lane<F>,
    /// How far this shard holds what owners there send of their slots, by slot and stream: coalesced.
    acks: Acks,
    up: bool,
}

/// Both directions.
pub(crate) struct Exchange<E: Encoder> {
    /// By shard number.
    shards: Vec<Lane<E::Shared>>,
    /// Frames are shared when they take a ring: the link may be this shard's own.
    peers: BTreeMap<PeerId, PeerLane<E::Frame>>,
    /// What the shard says to itself; empty between `handle_*` calls.
    pub(crate) own_requests: VecDeque<Asked>,
    pub(crate) own_deliveries: VecDeque<Told<E::Frame>>,
    /// Sessions whose command was refused.
    pub(crate) blocked: BTreeSet<SessionKey>,
    waiting: usize,
    waiting_peers: usize,
}

impl<E: Encoder> Exchange<E> {
    pub(crate) fn new(shards: u16) -> Self {
        Self {
            shards: (0..shards).map(|_| Lane::new()).collect(),
            peers: BTreeMap::new(),
            own_requests: VecDeque::new(),
            own_deliveries: VecDeque::new(),
            blocked: BTreeSet::new(),
            waiting: 0,
            waiting_peers: 0,
        }
    }

    pub(crate) fn takes_requests(&self) -> bool {
        self.waiting < DELIVERIES_MAX
            || self.shards.iter().all(|shard| shard.deliveries.len() < DELIVERIES_MAX)
    }

    pub(crate) fn has_request_room(&self, owner: Way) -> bool {
        self.requests(owner).is_none_or(|requests| requests.len() < REQUESTS_MAX)
    }

    /// Whether it is worth telling blocked sessions to try again.
    pub(crate) fn is_relieved(&self) -> bool {
        self.shards.iter().all(|shard| {
            shard.deliveries.len() <= DELIVERIES_MAX / 2 && shard.requests.len() <= REQUESTS_MAX / 2
        }) && self.peers.values().all(|peer| peer.lane.requests.len() <= REQUESTS_MAX / 2)
    }

    /// The link to a node came up, or went down with everything that waited for it.
    pub(crate) fn set_peer(&mut self, peer: PeerId, up: bool) {
        let entry =
            self.peers.entry(peer).or_insert_with(|| PeerLane { lane: Lane::new(), acks: Acks::new(), up });
        let gone = entry.lane.requests.len() + entry.lane.deliveries.len();
        self.waiting_peers -= gone + usize::from(!entry.acks.is_empty());
        *entry = PeerLane { lane: Lane::new(), acks: Acks::new(), up };
    }

    pub(crate) fn is_up(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.up)
    }

    pub(crate) fn push_request(&mut self, owner: Way, request: Asked) {
        match owner {
            Way::Shard(shard) => {
                self.waiting += 1;
                self.shards[shard.0 as usize].requests.push_back(request);
            }
            Way::Peer(peer) => {
                if let Some(peer) = self.peers.get_mut(&peer).filter(|peer| peer.up) {
                    self.waiting_peers += 1;
                    peer.lane.requests.push_back(request);
                }
            }
        }
    }

    pub(crate) fn push_delivery(&mut self, edge: Way, delivery: Told<E::Frame>) {
        match edge {
            Way::Shard(shard) => {
                self.waiting += 1;
                let delivery = delivery.map(|frame| E::share(&frame));
                self.shards[shard.0 as usize].deliveries.push_back(delivery);
            }
            Way::Peer(peer) => {
                if let Some(peer) = self.peers.get_mut(&peer).filter(|peer| peer.up) {
                    self.waiting_peers += 1;
                    peer.lane.deliveries.push_back(delivery);
                }
            }
        }
    }

    /// How far a stream of a slot is held: the newest word of each stream is the one that goes. A slot may have two to the same owner: as its standby,
    /// and as who is about to take it.
    pub(crate) fn push_ack(&mut self, peer: PeerId, slot: u16, ack: crate::message::Ack) {
        if let Some(peer) = self.peers.get_mut(&peer).filter(|peer| peer.up) {
            self.waiting_peers += usize::from(peer.acks.is_empty());
            peer.acks.insert((slot, ack.stream), ack);
        }
    }

    pub(crate) fn poll_request(&mut self, owner: Way) -> Option<Asked> {
        match owner {
            Way::Shard(shard) => {
                let request = self.shards[shard.0 as usize].requests.pop_front()?;
                self.waiting -= 1;
                Some(request)
            }
            Way::Peer(peer) => {
                let peer = self.peers.get_mut(&peer)?;
                if let Some(((slot, _), ack)) = peer.acks.pop_first() {
                    self.waiting_peers -= usize::from(peer.acks.is_empty());
                    return Some(Asked { term: ack.term, number: 0, request: Request::Ack { slot, ack } });
                }
                let request = peer.lane.requests.pop_front()?;
                self.waiting_peers -= 1;
                Some(request)
            }
        }
    }

    pub(crate) fn poll_delivery(&mut self, edge: Way) -> Option<Told<E::Shared>> {
        match edge {
            Way::Shard(shard) => {
                let delivery = self.shards[shard.0 as usize].deliveries.pop_front()?;
                self.waiting -= 1;
                Some(delivery)
            }
            Way::Peer(peer) => Some(self.poll_peer(peer)?.map(|frame| E::share(&frame))),
        }
    }

    /// The same for a node, with frames that this shard alone may have.
    pub(crate) fn poll_peer(&mut self, peer: PeerId) -> Option<Told<E::Frame>> {
        let delivery = self.peers.get_mut(&peer)?.lane.deliveries.pop_front()?;
        self.waiting_peers -= 1;
        Some(delivery)
    }

    /// Requests by owner and deliveries by edge, of this node.
    pub(crate) fn lengths(&self) -> (Vec<usize>, Vec<usize>) {
        (
            self.shards.iter().map(|shard| shard.requests.len()).collect(),
            self.shards.iter().map(|shard| shard.deliveries.len()).collect(),
        )
    }

    /// Something waits for a ring.
    pub(crate) const fn has_outbound(&self) -> bool {
        self.waiting > 0
    }

    /// Something waits for a link.
    pub(crate) const fn has_outbound_to_peers(&self) -> bool {
        self.waiting_peers > 0
    }

    /// Messages that wait for a node.
    pub(crate) fn waiting_for(&self, peer: PeerId) -> usize {
        self.peers
            .get(&peer)
            .map_or(0, |peer| peer.lane.requests.len() + peer.lane.deliveries.len() + peer.acks.len())
    }

    fn requests(&self, way: Way) -> Option<&VecDeque<Asked>> {
        match way {
            Way::Shard(ShardId(number)) => self.shards.get(usize::from(number)).map(|lane| &lane.requests),
            Way::Peer(peer) => self.peers.get(&peer).map(|peer| &peer.lane.requests),
        }
    }
}

impl<S> Told<S> {
    /// With other frames.
    #[must_use]
    pub fn map<T>(self, change: impl FnMut(S) -> T) -> Told<T> {
        let Self { slot, edges, term, answers, delivery } = self;
        Told { slot, edges, term, answers, delivery: Delivery::map(delivery, change) }
    }
}
