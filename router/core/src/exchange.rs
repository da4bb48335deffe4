//! What waits for the rings to other shards, and who waits for room in them.
//!
//! Bounds: commands are admitted while fewer than [`REQUESTS_MAX`] requests wait for their owner (leaves and pulls
//! come on top: at most one each per membership); requests are handled while fewer than [`DELIVERIES_MAX`]
//! deliveries wait for every edge, and one request makes at most a few per edge.

use std::collections::{BTreeSet, VecDeque};

use crate::frame::Encoder;
use crate::message::{Delivery, Request};
use crate::{SessionKey, ShardId};

/// Requests that may wait for one owner before commands are refused.
pub(crate) const REQUESTS_MAX: usize = 256;
/// Deliveries that may wait for one edge before requests are left in their ring.
pub(crate) const DELIVERIES_MAX: usize = 256;

/// Both directions, by shard number.
pub(crate) struct Exchange<E: Encoder> {
    requests: Vec<VecDeque<Request>>,
    deliveries: Vec<VecDeque<Delivery<E::Shared>>>,
    /// What the shard says to itself; empty between `handle_*` calls.
    pub(crate) own_requests: VecDeque<Request>,
    pub(crate) own_deliveries: VecDeque<Delivery<E::Frame>>,
    /// Sessions whose command was refused.
    pub(crate) blocked: BTreeSet<SessionKey>,
    waiting: usize,
}

impl<E: Encoder> Exchange<E> {
    pub(crate) fn new(shards: u16) -> Self {
        Self {
            requests: (0..shards).map(|_| VecDeque::new()).collect(),
            deliveries: (0..shards).map(|_| VecDeque::new()).collect(),
            own_requests: VecDeque::new(),
            own_deliveries: VecDeque::new(),
            blocked: BTreeSet::new(),
            waiting: 0,
        }
    }

    pub(crate) fn takes_requests(&self) -> bool {
        self.waiting < DELIVERIES_MAX || self.deliveries.iter().all(|queue| queue.len() < DELIVERIES_MAX)
    }

    pub(crate) fn has_request_room(&self, owner: ShardId) -> bool {
        self.requests[owner.0 as usize].len() < REQUESTS_MAX
    }

    /// Whether it is worth telling blocked sessions to try again.
    pub(crate) fn is_relieved(&self) -> bool {
        self.deliveries.iter().all(|queue| queue.len() <= DELIVERIES_MAX / 2)
            && self.requests.iter().all(|queue| queue.len() <= REQUESTS_MAX / 2)
    }

    pub(crate) fn push_request(&mut self, owner: ShardId, request: Request) {
        self.waiting += 1;
        self.requests[owner.0 as usize].push_back(request);
    }

    pub(crate) fn push_delivery(&mut self, edge: ShardId, delivery: Delivery<E::Shared>) {
        self.waiting += 1;
        self.deliveries[edge.0 as usize].push_back(delivery);
    }

    pub(crate) fn poll_request(&mut self, owner: ShardId) -> Option<Request> {
        let request = self.requests[owner.0 as usize].pop_front()?;
        self.waiting -= 1;
        Some(request)
    }

    pub(crate) fn poll_delivery(&mut self, edge: ShardId) -> Option<Delivery<E::Shared>> {
        let delivery = self.deliveries[edge.0 as usize].pop_front()?;
        self.waiting -= 1;
        Some(delivery)
    }

    /// Requests by owner and deliveries by edge.
    pub(crate) fn lengths(&self) -> (Vec<usize>, Vec<usize>) {
        (
            self.requests.iter().map(VecDeque::len).collect(),
            self.deliveries.iter().map(VecDeque::len).collect(),
        )
    }

    pub(crate) const fn has_outbound(&self) -> bool {
        self.waiting > 0
    }
}
