//! A node as the world runs it: shards with their rings and inboxes, the member and its part, and a clock of its own.
//!
//! Node view. What arrives waits in inboxes, also while the node stands still; a turn takes from them. A turn may be
//! interrupted: between a core call and the next, or between a core call and the delivery of what it said.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::disk::Disk;
use ringway_cluster::coordinator::{Event as Word, Token};
use ringway_cluster::lease::Timing;
use ringway_cluster::member::{Config, Member};
use ringway_cluster::record::{ClusterId, Remembered};
use ringway_cluster::{NodeId, Term};
use ringway_core::output::SlotWord;
use ringway_core::{
    Asked, ClusterUpdate, EdgeId, Monotonic, Now, Output, Part, PeerId, Shard, ShardConfig, ShardId, Told,
    Way,
};
use ringway_protocol::UnixMicros;

use super::event::Event;
use super::lie::Lie;
use super::link::{Frame, Side};
use super::{UNIX_START_US, World};
use crate::encoder::{Shared, SimEncoder};
use crate::trace::Mark;
use crate::world::Ring;

/// What the link's shard hands to another.
#[derive(Debug)]
pub(super) enum FromLink {
    Up(u64),
    Down,
    Request(EdgeId, Asked),
    Delivery(Told<Shared>),
}

/// What the control thread hands to a shard.
#[derive(Debug)]
pub(super) enum Order {
    Update(Rc<ClusterUpdate>),
    Lease(Monotonic),
    Drain,
}

/// What the member is told.
#[derive(Debug)]
pub(super) enum Input {
    Answer(Token, Word),
    Word { slot: u16, term: Term, word: SlotWord },
    Drain,
}

/// One shard.
pub(super) struct Place {
    pub(super) core: Shard<SimEncoder>,
    pub(super) orders: VecDeque<Order>,
    /// By node.
    pub(super) links: Vec<VecDeque<FromLink>>,
    /// By node, the connection that the shard was told of.
    known: Vec<Option<u64>>,
    /// By sending shard.
    requests: Vec<Ring<Asked>>,
    deliveries: Vec<Ring<Told<Shared>>>,
    /// Connections that are not gone.
    pub(super) conns: Vec<usize>,
    pub(super) wake_at: u64,
    /// In the middle of a turn.
    busy: bool,
}

/// One node.
pub(super) struct Node {
    pub(super) id: NodeId,
    /// How often it was started.
    pub(super) life: u64,
    pub(super) running: bool,
    pub(super) draining: bool,
    pub(super) paused_until: u64,
    drift_ppm: i64,
    clock_start: u64,
    pub(super) shards: Vec<Place>,
    pub(super) member: Member,
    pub(super) part: Part,
    pub(super) disk: Disk,
    pub(super) sides: Vec<Side>,
    pub(super) inputs: VecDeque<Input>,
    pub(super) control_at: u64,
    pub(super) lease_told: Option<Monotonic>,
    pub(super) asks_at: u64,
    pub(super) answers_at: u64,
    pub(super) deaf: bool,
}

impl Node {
    /// The node's own clock.
    pub(super) fn clock(&self, world_us: u64) -> Monotonic {
        let drift = (world_us as i64 * self.drift_ppm) / 1_000_000;
        Monotonic((self.clock_start + world_us).saturating_add_signed(drift))
    }

    /// When the node's clock shows that, or a moment later.
    pub(super) fn world_time(&self, clock: Monotonic) -> u64 {
        let passed = clock.0.saturating_sub(self.clock_start);
        let world = i128::from(passed) * 1_000_000 / i128::from(1_000_000 + self.drift_ppm);
        world as u64 + 2
    }
}

impl World {
    pub(super) fn new_node(&mut self, index: usize) -> Node {
        let id = NodeId(index as u64 + 1);
        let clock_start = self.random.within(1_000_000, 1 << 40);
        let drift_ppm = self.plan.drift_ppm[index];
        let count = self.plan.shards.len();
        Node {
            id,
            life: 0,
            running: false,
            draining: false,
            paused_until: 0,
            drift_ppm,
            clock_start,
            shards: Vec::new(),
            member: Member::new(self.config(id, None), Monotonic(0)),
            part: Part::new(id),
            disk: Disk::default(),
            sides: vec![Side::default(); count],
            inputs: VecDeque::new(),
            control_at: u64::MAX,
            lease_told: None,
            asks_at: 0,
            answers_at: 0,
            deaf: false,
        }
    }

    fn config(&self, node: NodeId, remembered: Option<Remembered>) -> Config {
        Config {
            node,
            cluster: ClusterId(1),
            weight: 1,
            addresses: String::new(),
            replicas: self.plan.replicas,
            timing: Timing::DEFAULT,
            alone: false,
            remembered,
            raise_terms: false,
        }
    }

    /// A process begins.
    pub(super) fn start(&mut self, index: usize) {
        if self.nodes[index].running {
            return;
        }
        let count = self.nodes.len();
        let shards = self.plan.shards[index];
        self.trace.line(|| format!("{} node {index} starts", self.now_us));
        let ring = |_: u16| Ring::new(self.plan.ring_capacity);
        let mut settings = self.plan.settings.clone();
        if self.lie == Lie::AckAlone {
            let alone = |policy: &mut ringway_core::Namespace| policy.replicas = 1;
            Arc::make_mut(&mut settings).namespaces.values_mut().for_each(alone);
        }
        let mut places = Vec::new();
        for id in 0..shards {
            let config = ShardConfig {
                id: ShardId(id),
                shards,
                key: self.key,
                seed: self.random.next_u64(),
                route: Part::UNKNOWN,
            };
            let mut core = Shard::new(config, settings.clone(), SimEncoder::new(self.tap.clone()));
            core.handle_lease(self.now_of(index), Monotonic(0));
            places.push(Place {
                core,
                orders: VecDeque::new(),
                links: (0..count).map(|_| VecDeque::new()).collect(),
                known: vec![None; count],
                requests: (0..shards).map(ring).collect(),
                deliveries: (0..shards).map(|_| Ring::new(self.plan.ring_capacity)).collect(),
                conns: Vec::new(),
                wake_at: u64::MAX,
                busy: false,
            });
        }
        let (id, now) = (self.nodes[index].id, self.nodes[index].clock(self.now_us));
        let member = Member::new(self.config(id, self.nodes[index].disk.kept.clone()), now);
        let node = &mut self.nodes[index];
        node.life += 1;
        (node.running, node.draining, node.paused_until) = (true, false, 0);
        (node.shards, node.member, node.part) = (places, member, Part::new(id));
        node.sides = vec![Side::default(); count];
        node.inputs.clear();
        node.disk.begin();
        (node.control_at, node.lease_told, node.asks_at, node.answers_at) = (u64::MAX, None, 0, 0);
        self.tally.count("node started");
        self.wake_control(index, 0);
    }

    /// A process ends, as if by a power cut.
    pub(super) fn crash(&mut self, index: usize) {
        if !self.nodes[index].running {
            return;
        }
        self.trace.line(|| format!("{} node {index} crashes", self.now_us));
        self.tally.count("node crashed");
        if !self.plan.faults.slow_disks {
            self.nodes[index].disk.kept = Some(self.nodes[index].member.remembered());
        }
        self.nodes[index].running = false;
        let conns: Vec<usize> =
            self.nodes[index].shards.iter().flat_map(|place| place.conns.clone()).collect();
        for conn in conns {
            self.conns[conn].gone = true;
            let later = self.random.within(1_000, 500_000);
            self.agenda.push(self.now_us + later, Event::Ends { conn });
        }
        self.nodes[index].shards.clear();
        let client = self.coordinator_client(index);
        self.memory.set_cut(client, true);
        if self.random.chance(500) {
            // Its host says so at once: links need not fall silent first.
            for peer in 0..self.nodes.len() {
                if peer != index && self.nodes[peer].sides[index].up && !self.wires[index][peer].cut {
                    let generation = self.nodes[peer].sides[index].generation;
                    let life = self.nodes[peer].life;
                    let event = Event::Link { node: peer, life, peer: index, generation, up: false };
                    self.agenda.push(self.now_us + 20_000, event);
                }
            }
        }
    }

    /// Both clocks of a node.
    pub(super) fn now_of(&self, node: usize) -> Now {
        Now { monotonic: self.nodes[node].clock(self.now_us), unix: UnixMicros(UNIX_START_US + self.now_us) }
    }

    pub(super) fn peer_of(&mut self, node: usize, other: usize) -> PeerId {
        let id = self.nodes[other].id;
        self.nodes[node].part.peer(id).unwrap_or(PeerId(u16::MAX - 1))
    }

    /// A shard takes a turn soon.
    pub(super) fn wake(&mut self, node: usize, shard: usize) {
        let late = self.plan.faults.late_turns && self.random.chance(50);
        let later = if late { self.random.within(1_000, 80_000) } else { self.random.within(5, 200) };
        self.wake_at(node, shard, self.now_us + later);
    }

    fn wake_at(&mut self, node: usize, shard: usize, at: u64) {
        let life = self.nodes[node].life;
        let place = &mut self.nodes[node].shards[shard];
        if at < place.wake_at {
            place.wake_at = at;
            self.agenda.push(at, Event::Turn { node, life, shard });
        }
    }

    /// A turn begins.
    pub(super) fn turn(&mut self, node: usize, shard: usize) {
        let place = &mut self.nodes[node].shards[shard];
        if place.wake_at > self.now_us {
            return;
        }
        place.wake_at = u64::MAX;
        if place.busy {
            // It looks for more when it has gone on.
            return;
        }
        let now = self.now_of(node);
        self.take_orders(node, shard, now);
        let most = self.random.pick(&[1, 8, 1_000, 1_000]);
        if self.stands_still(node, shard, Some(now)) {
            return;
        }
        self.take_inboxes(node, shard, now, most);
        self.go_on(node, shard, Some(now));
    }

    /// Now and then the node stands still here, long enough to lose its lease.
    fn stands_still(&mut self, node: usize, shard: usize, read: Option<Now>) -> bool {
        let still = self.plan.faults.turn_pauses
            && self.faulty
            && self.random.chance(1)
            && self.random.chance(self.plan.fault_us / 20_000);
        if still {
            let until = self.now_us + self.random.pick(&[100_000, 1_500_000, 2_500_000, 6_000_000]);
            self.trace
                .line(|| format!("{} node {node} stands still within a turn until {until}", self.now_us));
            self.tally.count("node paused within a turn");
            self.nodes[node].paused_until = until;
            self.nodes[node].shards[shard].busy = true;
            self.stale_turn |= read.is_some();
            let life = self.nodes[node].life;
            self.agenda.push(until, Event::GoOn { node, life, shard, read });
        }
        still
    }

    /// The rest of a turn: with what was read of the clock, or only the delivery of what was said.
    pub(super) fn go_on(&mut self, node: usize, shard: usize, read: Option<Now>) {
        let stale = core::mem::replace(&mut self.nodes[node].shards[shard].busy, false);
        if let Some(now) = read {
            self.stale_turn = stale;
            if stale {
                self.take_inboxes(node, shard, now, 1_000);
            }
            self.take_commands(node, shard, now);
            if self.nodes[node].shards[shard].core.poll_timeout().is_some_and(|at| at <= now.monotonic) {
                self.nodes[node].shards[shard].core.handle_timeout(now);
            }
            self.watch(node, shard);
            self.stale_turn = false;
            if self.stands_still(node, shard, None) {
                return;
            }
        }
        self.finish_turn(node, shard);
    }

    fn take_orders(&mut self, node: usize, shard: usize, now: Now) {
        while let Some(order) = self.nodes[node].shards[shard].orders.pop_front() {
            let core = &mut self.nodes[node].shards[shard].core;
            match order {
                Order::Update(update) => core.handle_cluster(now, &update),
                Order::Lease(until) => core.handle_lease(now, until),
                Order::Drain => core.handle_drain(now, 1_000),
            }
            self.watch(node, shard);
        }
    }

    fn take_inboxes(&mut self, node: usize, shard: usize, now: Now, most: usize) {
        let count = self.nodes.len();
        let first = self.random.index(count);
        for turn in 0..count {
            let peer = (first + turn) % count;
            self.take_from_link(node, shard, peer, now, most);
        }
        let shards = self.nodes[node].shards.len();
        let first = self.random.index(shards);
        for turn in 0..shards {
            let from = (first + turn) % shards;
            for _ in 0..most {
                let place = &mut self.nodes[node].shards[shard];
                if !place.core.takes_requests() {
                    break;
                }
                let Some(asked) = place.requests[from].pop() else { break };
                self.trace.line(|| format!("{} {node}/{shard} takes of shard {from} {asked:?}", self.now_us));
                let place = &mut self.nodes[node].shards[shard];
                place.core.handle_request(now, EdgeId::here(ShardId(from as u16)), asked);
                self.watch(node, shard);
            }
            for _ in 0..most {
                let place = &mut self.nodes[node].shards[shard];
                let Some(told) = place.deliveries[from].pop() else { break };
                self.trace.line(|| format!("{} {node}/{shard} hears of shard {from} {told:?}", self.now_us));
                self.nodes[node].shards[shard].core.handle_delivery(now, PeerId::HERE, told);
                self.watch(node, shard);
            }
        }
    }

    fn take_from_link(&mut self, node: usize, shard: usize, peer: usize, now: Now, most: usize) {
        if self.nodes[node].shards[shard].links[peer].is_empty() {
            return;
        }
        let id = self.peer_of(node, peer);
        for _ in 0..most {
            let place = &mut self.nodes[node].shards[shard];
            let takes = place.core.takes_requests();
            if matches!(place.links[peer].front(), Some(FromLink::Request(..))) && !takes {
                break;
            }
            let Some(word) = place.links[peer].pop_front() else { break };
            if self.is_told_of(&word) {
                self.trace.line(|| format!("{} {node}/{shard} takes of node {peer} {word:?}", self.now_us));
            }
            let lie = self.lie;
            let place = &mut self.nodes[node].shards[shard];
            match word {
                FromLink::Up(generation) => {
                    place.known[peer] = Some(generation);
                    place.core.handle_peer(now, id, true);
                }
                FromLink::Down => {
                    place.known[peer] = None;
                    place.core.handle_peer(now, id, false);
                }
                FromLink::Request(from, asked) => place.core.handle_request(now, from, asked),
                FromLink::Delivery(mut told) => {
                    let (slot, term) = (told.slot, told.term);
                    let stale =
                        told.answers == 0 && told.delivery.is_of_room() && !place.core.hears(slot, term);
                    if lie == Lie::NoTerms {
                        told.term = place.core.route(slot).term;
                    }
                    let before = place.core.counters().stale_deliveries;
                    place.core.handle_delivery(now, id, told);
                    if stale && place.core.counters().stale_deliveries == before {
                        let known = place.core.route(slot).term;
                        self.fail(format!(
                            "{node}/{shard} heard of slot {slot} under {term}, though it knows {known}"
                        ));
                    }
                }
            }
            self.watch(node, shard);
        }
    }

    /// Slots without rooms say much and mean nothing.
    fn is_told_of(&self, word: &FromLink) -> bool {
        let slot = match word {
            FromLink::Request(_, asked) => asked.request.slot(),
            FromLink::Delivery(told) => told.slot,
            FromLink::Up(_) | FromLink::Down => return true,
        };
        self.handles.iter().any(|handle| handle.slot() == slot)
    }

    fn finish_turn(&mut self, node: usize, shard: usize) {
        self.take_outputs(node, shard);
        self.fill_rings(node, shard);
        self.fill_links(node, shard);
        self.flush(node, shard);
        // A write may have made room for the next page of a replay.
        self.fill_rings(node, shard);
        self.fill_links(node, shard);
        self.take_outputs(node, shard);
        self.end_closing(node, shard);
        let count = self.nodes[node].shards.len();
        for other in 0..count {
            if self.nodes[node].shards[other].core.has_outbound() {
                self.wake(node, other);
            }
        }
        let place = &self.nodes[node].shards[shard];
        let waits = !place.orders.is_empty()
            || place.links.iter().any(|link| !link.is_empty())
            || place.requests.iter().any(|ring| !ring.is_empty())
            || place.deliveries.iter().any(|ring| !ring.is_empty())
            || place.conns.iter().any(|conn| self.conns[*conn].has_commands())
            || place.core.has_dirty();
        if waits {
            self.wake(node, shard);
        }
        if let Some(at) = self.nodes[node].shards[shard].core.poll_timeout() {
            let at = self.nodes[node].world_time(at).max(self.now_us + 1);
            self.wake_at(node, shard, at);
        }
        if let Err(sentence) = self.nodes[node].shards[shard].core.settled() {
            self.fail(format!("shard {node}/{shard}: {sentence}"));
        }
    }

    fn take_outputs(&mut self, node: usize, shard: usize) {
        while let Some(output) = self.nodes[node].shards[shard].core.poll_output() {
            match output {
                Output::Close(close) => {
                    let conn = self.nodes[node].shards[shard].core.connection_of(close.session);
                    if let Some(conn) = conn {
                        self.conns[conn as usize].closing = true;
                    }
                }
                Output::Unblocked(session) => {
                    if let Some(conn) = self.nodes[node].shards[shard].core.connection_of(session) {
                        self.conns[conn as usize].blocked = false;
                    }
                }
                Output::Answered { ticket, .. } => self.fail(format!("nobody asked with ticket {ticket}")),
                Output::Slot { slot, term, word } => {
                    self.nodes[node].inputs.push_back(Input::Word { slot, term, word });
                    self.wake_control(node, 100);
                }
            }
        }
    }

    fn fill_rings(&mut self, node: usize, shard: usize) {
        for to in 0..self.nodes[node].shards.len() {
            if to == shard {
                continue;
            }
            let way = Way::Shard(ShardId(to as u16));
            let mut filled = false;
            while self.nodes[node].shards[to].requests[shard].has_room() {
                let Some(asked) = self.nodes[node].shards[shard].core.poll_request(way) else { break };
                self.trace.note(Mark::Request, &[node as u64, shard as u64, to as u64]);
                self.nodes[node].shards[to].requests[shard].push(asked);
                filled = true;
            }
            while self.nodes[node].shards[to].deliveries[shard].has_room() {
                let Some(told) = self.nodes[node].shards[shard].core.poll_delivery(way) else { break };
                self.trace.note(Mark::Delivery, &[node as u64, shard as u64, to as u64]);
                self.nodes[node].shards[to].deliveries[shard].push(told);
                filled = true;
            }
            if filled {
                self.wake(node, to);
            }
        }
    }

    fn fill_links(&mut self, node: usize, shard: usize) {
        if !self.nodes[node].shards[shard].core.has_outbound_to_peers() {
            return;
        }
        for to in 0..self.nodes.len() {
            let Some(known) = self.nodes[node].shards[shard].known[to].filter(|_| to != node) else {
                continue;
            };
            let way = Way::Peer(self.peer_of(node, to));
            let from = ShardId(shard as u16);
            while self.wires[node][to].has_room(self.plan.link_capacity) {
                let Some(asked) = self.nodes[node].shards[shard].core.poll_request(way) else { break };
                self.send(node, to, known, asked.request.slot(), Frame::Request(from, asked));
            }
            while self.wires[node][to].has_room(self.plan.link_capacity) {
                let Some(told) = self.nodes[node].shards[shard].core.poll_delivery(way) else { break };
                self.send(node, to, known, told.slot, Frame::Delivery(told));
            }
        }
    }
}
