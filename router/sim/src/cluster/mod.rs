//! The cluster's wind tunnel: nodes, shards, links, a coordinator and clients on virtual time, from one seed.
//!
//! World view. Everything that happens is an event at a moment; what happens next is drawn from the seed, so that one
//! seed replays exactly. A run has three parts: faults, then a healed world that must converge within a bound of time,
//! then everybody leaves and nothing may be left over. A step is a millisecond of the first part.
//!
//! * [`plan`]: what a seed makes of the world; `event`: what happens next;
//! * `node`, `control`, `disk`, `link`, `conn`: the rim around the core, as thin as it can be;
//! * `client`: what clients say, and what they must hear; `ledger`: what must never differ;
//! * `fault`: what goes wrong; `end`: what must hold when it no longer does;
//! * [`Lie`]: what the world does wrong on purpose.

mod client;
mod conn;
mod control;
mod disk;
mod end;
mod event;
mod fault;
mod ledger;
mod lie;
mod link;
mod node;
pub mod plan;

use std::cell::RefCell;
use std::rc::Rc;

use ringway_cluster::coordinator::Memory;
use ringway_core::Route;
use ringway_protocol::event::Place;
use ringway_protocol::{ClusterKey, Format, Position, RoomHandle};

use crate::encoder::{Heard, Tap};
use crate::random::Random;
use crate::tally::Tally;
use crate::trace::{Mark, Trace};
use crate::world::Violation;
use client::Client;
use conn::Conn;
use event::{Agenda, Event};
use ledger::{Ledger, MapWatch};
pub use lie::Lie;
use link::Wire;
use node::Node;
use plan::Plan;

/// Unix time at the world's beginning, in microseconds.
const UNIX_START_US: u64 = 1_800_000_000_000_000;

/// Steps of a run, unless somebody says otherwise: milliseconds of the part with faults.
pub const STEPS: u64 = 12_000;

/// The cluster of one seed.
pub struct World {
    plan: Plan,
    random: Random,
    /// Choices that were thought of later.
    extra: Random,
    now_us: u64,
    agenda: Agenda,
    key: ClusterKey,
    names: Vec<String>,
    handles: Vec<RoomHandle>,
    nodes: Vec<Node>,
    /// By sender, then receiver.
    wires: Vec<Vec<Wire>>,
    memory: Memory,
    memory_map: MapWatch,
    clients: Vec<Client>,
    conns: Vec<Conn>,
    tap: Rc<RefCell<Tap>>,
    ledger: Ledger,
    /// When which life of a node is to be followed by the next.
    restarts: Vec<(u64, usize, u64)>,
    /// Things go wrong.
    faulty: bool,
    /// Clients begin nothing new.
    quiet: bool,
    /// Clients are gone, and stay so.
    farewell: bool,
    /// The turn goes on by a clock read before its node stood still.
    stale_turn: bool,
    lie: Lie,
    lies_seen: u64,
    trace: Trace,
    tally: Tally,
    violation: Option<String>,
}

/// Runs one seed with so many steps of faults; its trace hash if nothing was violated.
///
/// # Errors
/// The first violation.
pub fn run(seed: u64, steps: u64, lie: Lie) -> Result<u64, Violation> {
    World::new(seed, lie, false).run(steps)
}

/// The shortest run of a seed that still violates something, bisected by steps.
#[must_use]
pub fn shrink(seed: u64, violation: &Violation, lie: Lie) -> (u64, Violation) {
    let mut best = (violation.step, violation.clone());
    let (mut low, mut high) = (0, violation.step);
    while low < high {
        let steps = low + (high - low) / 2;
        match run(seed, steps, lie) {
            Err(found) => {
                best = (steps, found);
                high = steps;
            }
            Ok(_) => low = steps + 1,
        }
    }
    best
}

impl World {
    /// The world of a seed, before anything happens.
    #[must_use]
    pub fn new(seed: u64, lie: Lie, readable: bool) -> Self {
        let mut random = Random::new(seed);
        let mut extra = Random::new(seed.rotate_left(32));
        let plan = Plan::new(&mut random, &mut extra);
        let key = ClusterKey(random.next_u64().to_le_bytes().repeat(2).try_into().unwrap_or([0; 16]));
        let names: Vec<String> = plan.rooms.iter().map(|room| room.name.clone()).collect();
        let count = plan.shards.len();
        let trace = Trace::new(readable);
        trace.line(|| format!("{plan:#?}"));
        let clients = (0..plan.clients)
            .map(|_| {
                let format = random.pick(&[Format::Binary, Format::Binary, Format::Json]);
                Client::new(names.len(), format, random.pick(&[1_500_000, 6_000_000, 30_000_000]))
            })
            .collect();
        let mut world = Self {
            handles: names.iter().map(|name| RoomHandle::of(&key, name)).collect(),
            ledger: Ledger::new(plan.rooms.iter().map(|room| room.replicas.min(plan.replicas)).collect()),
            names,
            plan,
            random,
            extra,
            now_us: 1_000_000,
            agenda: Agenda::default(),
            key,
            nodes: Vec::new(),
            wires: (0..count).map(|_| (0..count).map(|_| Wire::default()).collect()).collect(),
            memory: Memory::new(),
            memory_map: MapWatch::new(),
            clients,
            conns: Vec::new(),
            tap: Rc::new(RefCell::new(Tap::default())),
            restarts: Vec::new(),
            faulty: true,
            quiet: false,
            farewell: false,
            stale_turn: false,
            lie,
            lies_seen: 0,
            trace,
            tally: Tally::default(),
            violation: None,
        };
        for node in 0..count {
            let made = world.new_node(node);
            world.nodes.push(made);
        }
        world.set_out();
        world
    }

    fn set_out(&mut self) {
        for node in 0..self.nodes.len() {
            let late = node > 1 && self.plan.faults.late_starts;
            let at = if late { self.random.within(0, 15_000_000) } else { self.random.within(0, 300_000) };
            self.agenda.push(self.now_us + at, Event::Start(node));
        }
        for client in 0..self.clients.len() {
            for room in 0..self.names.len() {
                self.clients[client].stands[room].wanted = self.random.chance(800);
            }
            let at = self.now_us + self.random.within(0, 3_000_000);
            self.agenda.push(at, Event::Act(client));
        }
        self.agenda.push(self.now_us, Event::Links);
        let first = self.now_us + self.random.within(1_000_000, 4_000_000);
        self.agenda.push(first, Event::Fault);
        if self.plan.faults.partitions {
            let first = self.now_us + self.extra.within(2_000_000, 8_000_000);
            self.agenda.push(first, Event::Partition);
        }
    }

    /// Runs so many steps of faults, then heals the world and ends it.
    ///
    /// # Errors
    /// The first violation; its step is the moment, at most the number of steps.
    pub fn run(&mut self, steps: u64) -> Result<u64, Violation> {
        let end = self.now_us + steps * 1_000;
        let result = self.run_until(end).and_then(|()| self.end());
        let step = (self.now_us / 1_000).saturating_sub(1_000).min(steps);
        result.map_err(|sentence| Violation { step, sentence })?;
        Ok(self.trace.hash())
    }

    /// How often what happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for counters in self.nodes.iter().flat_map(|node| &node.shards).map(|place| place.core.counters()) {
            tally.core(counters);
            tally.add("core stale deliveries", counters.stale_deliveries);
            tally.add("core records taken", counters.records_taken);
        }
        tally.add("seeds", 1);
        tally
    }

    fn run_until(&mut self, until: u64) -> Result<(), String> {
        while let Some((at, event)) = self.agenda.pop(until) {
            self.now_us = self.now_us.max(at);
            self.handle(event);
            if let Some(sentence) = self.violation.take().or_else(|| self.ledger.fault.take()) {
                self.trace.line(|| format!("{} violation: {sentence}", self.now_us));
                return Err(sentence);
            }
        }
        self.now_us = until;
        Ok(())
    }

    fn fail(&mut self, sentence: String) {
        self.violation.get_or_insert(sentence);
    }

    fn handle(&mut self, event: Event) {
        // A node that stands still takes part in nothing; what is said to it waits.
        let of = match &event {
            Event::Turn { node, life, .. }
            | Event::GoOn { node, life, .. }
            | Event::Control { node, life }
            | Event::Written { node, life }
            | Event::Link { node, life, .. } => Some((*node, *life)),
            _ => None,
        };
        if let Some((node, life)) = of {
            if !self.nodes[node].running || self.nodes[node].life != life {
                return;
            }
            let until = self.nodes[node].paused_until;
            if until > self.now_us {
                self.agenda.push(until, event);
                return;
            }
        }
        match event {
            Event::Start(node) => self.start(node),
            Event::Turn { node, shard, .. } => self.turn(node, shard),
            Event::GoOn { node, shard, read, .. } => self.go_on(node, shard, read),
            Event::Control { node, .. } => self.control(node),
            Event::Written { node, .. } => self.written(node),
            Event::Ask { node, life, token, request } => {
                if self.nodes[node].life == life && self.nodes[node].running {
                    self.coordinator_takes(node, token, request);
                }
            }
            Event::Answer { node, life, token, word } => {
                if self.nodes[node].life == life && self.nodes[node].running {
                    self.nodes[node].inputs.push_back(node::Input::Answer(token, word));
                    let later = self.random.pick(&[10, 2_000, 10_000]);
                    self.wake_control(node, later);
                }
            }
            Event::Frames { from, to, stream, generation } => self.arrive(from, to, stream, generation),
            Event::Link { node, peer, generation, up, .. } => self.learn_link(node, peer, generation, up),
            Event::Links => self.look_after_links(),
            Event::Hears { conn, records } => {
                for record in records {
                    self.trace.note(Mark::Heard, &[conn as u64, record.serial]);
                    self.trace.line(|| {
                        format!("{} conn {conn} hears #{} {:?}", self.now_us, record.serial, record.event)
                    });
                    if let Err(sentence) = self.hear(conn, &record.event) {
                        let client = self.conns[conn].client;
                        self.fail(format!("client {client} on conn {conn}: {sentence}"));
                        return;
                    }
                }
            }
            Event::Ends { conn } => self.learn_end(conn),
            Event::Says { conn, ask } => self.reach(conn, ask),
            Event::Gone { conn, goodbye } => self.learn_gone(conn, goodbye),
            Event::Act(client) => self.act(client),
            Event::Fault => self.fault(),
            Event::Partition => self.partition(),
            Event::Mend(mend) => self.mend(mend),
        }
    }

    /// Learns from a shard what it has just decided as an owner.
    fn watch(&mut self, node: usize, shard: usize) {
        let made = {
            let mut tap = self.tap.borrow_mut();
            if let Some(fault) = tap.fault.take() {
                drop(tap);
                return self.fail(fault);
            }
            core::mem::take(&mut tap.made)
        };
        for record in made {
            let (room, position, commits) = match &record.event {
                Heard::Published(published) => match published.place {
                    Place::Offset(offset) => {
                        (&published.room, Position { epoch: published.epoch, offset }, true)
                    }
                    Place::Version(_) => continue,
                },
                Heard::Joined(joined) => (&joined.room, joined.position, false),
                Heard::Reset { room, position, .. } => (room, *position, false),
                _ => continue,
            };
            let Some(room) = self.names.iter().position(|name| name == room) else { continue };
            let slot = self.handles[room].slot();
            let Route { term, .. } = self.nodes[node].shards[shard].core.route(slot);
            let stale = self.stale_turn;
            if commits {
                self.ledger.commits(room, slot, term, position, stale);
            } else {
                self.ledger.stands(room, slot, term, position, stale);
            }
        }
        let counters = self.nodes[node].shards[shard].core.counters();
        let never = [
            ("holes", counters.holes),
            ("forks_prevented", counters.forks_prevented),
            ("heirs_without_order", counters.heirs_without_order),
        ];
        if let Some((name, _)) = never.iter().find(|(_, count)| *count > 0) {
            self.fail(format!("{node}/{shard} counts {name}"));
        }
    }
}
