//! Links between nodes: streams that keep their order and overtake each other, connections that break on one side
//! first.
//!
//! World view. A connection has a number; what was sent on one never arrives on the next. Each node learns in its own
//! time that a link came up or went down, and each of its shards after that.

use std::collections::VecDeque;

use ringway_core::{Asked, Delivery, EdgeId, ShardId, Told};

use super::World;
use super::event::Event;
use super::lie::Lie;
use super::node::FromLink;
use crate::encoder::Shared;
use crate::trace::Mark;

/// Streams of one link in one direction.
pub(super) const STREAMS: usize = 16;
/// How often links are looked after, in microseconds.
const LOOK_US: u64 = 100_000;

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Request(ShardId, Asked),
    Delivery(Told<Shared>),
}

/// One direction between two nodes.
#[derive(Default)]
pub(super) struct Wire {
    /// Nothing gets through.
    pub(super) cut: bool,
    /// For how long nothing has got through.
    silent_us: u64,
    /// Which connection carries it.
    generation: u64,
    streams: [VecDeque<(u64, Frame)>; STREAMS],
    latest: [u64; STREAMS],
    under_way: usize,
}

/// What a node knows of its link to another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Side {
    pub(super) up: bool,
    pub(super) generation: u64,
}

impl Wire {
    pub(super) const fn has_room(&self, capacity: usize) -> bool {
        self.under_way < capacity
    }

    fn begin(&mut self, generation: u64) {
        self.generation = generation;
        self.clear();
        self.latest = [0; STREAMS];
    }

    fn clear(&mut self) {
        self.streams.iter_mut().for_each(VecDeque::clear);
        self.under_way = 0;
    }
}

impl World {
    /// Hands a frame to the link, if the shard still speaks of the connection that there is.
    pub(super) fn send(&mut self, from: usize, to: usize, known: u64, slot: u16, frame: Frame) {
        let side = self.nodes[from].sides[to];
        if !side.up || side.generation != known || self.wires[from][to].generation != known {
            self.tally.count("frame lost before its link");
            return;
        }
        self.trace.note(Mark::Link, &[from as u64, to as u64, u64::from(slot)]);
        let stream = usize::from(slot) % STREAMS;
        let (low, high) = self.plan.latency_us;
        let travel = self.random.within(low, high);
        let wire = &mut self.wires[from][to];
        let at = wire.latest[stream].max(self.now_us + travel);
        wire.latest[stream] = at;
        wire.streams[stream].push_back((at, frame));
        wire.under_way += 1;
        if wire.streams[stream].len() == 1 && !wire.cut {
            self.agenda.push(at, Event::Frames { from, to, stream, generation: known });
        }
    }

    /// Frames of a stream arrive.
    pub(super) fn arrive(&mut self, from: usize, to: usize, stream: usize, generation: u64) {
        let wire = &self.wires[from][to];
        if wire.generation != generation || wire.cut || !self.nodes[to].running {
            return;
        }
        let side = self.nodes[to].sides[from];
        if !side.up || side.generation != generation {
            if side.generation < generation {
                // The receiver is yet to learn of its link.
                self.agenda.push(self.now_us + 1_000, Event::Frames { from, to, stream, generation });
            }
            return;
        }
        while let Some((at, _)) = self.wires[from][to].streams[stream].front() {
            if *at > self.now_us {
                let at = *at;
                self.agenda.push(at, Event::Frames { from, to, stream, generation });
                break;
            }
            let wire = &mut self.wires[from][to];
            let Some((_, frame)) = wire.streams[stream].pop_front() else { break };
            wire.under_way -= 1;
            self.take_frame(from, to, frame);
        }
        self.wake_senders(from, to);
    }

    fn wake_senders(&mut self, from: usize, to: usize) {
        if self.plan.link_capacity > 1 << 16 {
            return;
        }
        if self.wires[from][to].has_room(self.plan.link_capacity) && self.nodes[from].running {
            for shard in 0..self.nodes[from].shards.len() {
                if self.nodes[from].shards[shard].core.has_outbound_to_peers() {
                    self.wake(from, shard);
                }
            }
        }
    }

    fn take_frame(&mut self, from: usize, to: usize, frame: Frame) {
        let peer = self.peer_of(to, from);
        let shards = self.nodes[to].shards.len();
        match frame {
            Frame::Request(shard, asked) => {
                if self.lie == Lie::NoRegistration
                    && matches!(asked.request, ringway_core::Request::Register(_))
                {
                    return;
                }
                let home = usize::from(asked.request.slot()) % shards;
                let twice = self.lie == Lie::Twice && self.random.chance(20);
                for _ in 0..=usize::from(twice) {
                    let from_link = FromLink::Request(EdgeId { peer, shard }, asked.clone());
                    self.nodes[to].shards[home].links[from].push_back(from_link);
                }
                self.wake(to, home);
            }
            Frame::Delivery(told) => {
                let dropped = matches!(
                    (&told.delivery, self.lie),
                    (Delivery::Reply { .. }, Lie::DropReply)
                        | (Delivery::Publication { .. }, Lie::DropPublication)
                );
                self.lies_seen += u64::from(dropped);
                if dropped && self.lies_seen.is_multiple_of(5) {
                    return;
                }
                for shard in 0..shards {
                    let home = usize::from(told.slot) % shards == shard;
                    let meant = told.edges.holds(ShardId(shard as u16))
                        || (home && told.edges == ringway_core::Edges::Home);
                    if !meant {
                        continue;
                    }
                    self.nodes[to].shards[shard].links[from].push_back(FromLink::Delivery(told.clone()));
                    self.wake(to, shard);
                }
            }
        }
    }

    /// Nothing gets from one node to another, or everything does again.
    pub(super) fn set_cut(&mut self, from: usize, to: usize, cut: bool) {
        let wire = &mut self.wires[from][to];
        if core::mem::replace(&mut wire.cut, cut) && !cut {
            let generation = wire.generation;
            let busy: Vec<usize> = (0..STREAMS).filter(|stream| !wire.streams[*stream].is_empty()).collect();
            for stream in busy {
                self.agenda.push(self.now_us + 1_000, Event::Frames { from, to, stream, generation });
            }
        }
    }

    /// One side gives the link up; the other learns it a little later.
    pub(super) fn break_link(&mut self, near: usize, far: usize) {
        let (generation, later) = (self.wires[near][far].generation, self.random.below(300_000));
        self.tell_link(near, far, generation, false, 0);
        self.tell_link(far, near, generation, false, later);
    }

    fn tell_link(&mut self, node: usize, peer: usize, generation: u64, up: bool, later_us: u64) {
        let life = self.nodes[node].life;
        self.agenda.push(self.now_us + later_us, Event::Link { node, life, peer, generation, up });
    }

    /// A node learns of its link.
    pub(super) fn learn_link(&mut self, node: usize, peer: usize, generation: u64, up: bool) {
        let side = self.nodes[node].sides[peer];
        let news = if up { side.generation < generation } else { side.up && side.generation == generation };
        if !news {
            return;
        }
        self.trace.line(|| format!("{} node {node}: link {generation} to {peer} up: {up}", self.now_us));
        if side.up && up {
            // A newer connection takes the place of the older one.
            self.learn_link(node, peer, side.generation, false);
        }
        self.tally.count(if up { "link up" } else { "link down" });
        self.nodes[node].sides[peer] = Side { up, generation };
        if !up && self.wires[peer][node].generation == generation {
            self.wires[peer][node].clear();
        }
        for shard in 0..self.nodes[node].shards.len() {
            let word = if up { FromLink::Up(generation) } else { FromLink::Down };
            self.nodes[node].shards[shard].links[peer].push_back(word);
            self.wake(node, shard);
        }
    }

    /// Silent links go down, links that are down are made anew.
    pub(super) fn look_after_links(&mut self) {
        self.agenda.push(self.now_us + LOOK_US, Event::Links);
        for low in 0..self.nodes.len() {
            for high in low + 1..self.nodes.len() {
                self.look_after_link(low, high);
            }
        }
    }

    fn look_after_link(&mut self, low: usize, high: usize) {
        let mut silent = [false; 2];
        for (index, (from, to)) in [(low, high), (high, low)].into_iter().enumerate() {
            let speaks = self.nodes[from].running && self.nodes[from].paused_until <= self.now_us;
            let wire = &mut self.wires[from][to];
            silent[index] = wire.cut || !speaks;
            wire.silent_us = if silent[index] { wire.silent_us + LOOK_US } else { 0 };
            let side = self.nodes[to].sides[from];
            if side.up && self.wires[from][to].silent_us >= self.plan.idle_us && self.nodes[to].running {
                self.break_link(to, from);
            }
        }
        let (one, two) = (self.nodes[low].sides[high], self.nodes[high].sides[low]);
        let whole = one.up && two.up && one.generation == two.generation;
        let running = self.nodes[low].running && self.nodes[high].running;
        let newest = self.wires[low][high].generation;
        let begun = running && one.generation.min(two.generation) < newest;
        if whole || !running || silent[0] || silent[1] || (begun && self.random.chance(900)) {
            return;
        }
        let generation = newest + 1;
        for (node, peer) in [(low, high), (high, low)] {
            self.wires[node][peer].begin(generation);
            let later = self.random.within(1_000, 200_000);
            self.tell_link(node, peer, generation, true, later);
        }
    }
}
