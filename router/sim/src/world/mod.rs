//! The world: shards, rings and connections around the core, driven by one seed.
//!
//! Node view. A step is one small thing that happens somewhere: a shard's turn, a client's act, a reader's appetite, a
//! fault. The order of everything is drawn from the seed, so that one seed replays exactly. Virtual time only moves
//! between steps.

mod connect;
mod control;
mod quiet;
mod ring;
mod step;
mod transport;
mod turn;
mod values;
mod ways;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use ringway_core::audit::Span;
use ringway_core::settings::{Namespace, Overflow, Settings};
use ringway_core::{Asked, Monotonic, Now, Output, Shard, ShardConfig, ShardId, Told};
use ringway_protocol::{
    CloseCode, ClusterKey, Format, Generation, RoomHandle, RoomName, SessionId, UnixMicros,
};

use crate::check::Watch;
use crate::client::{Client, Conn, Polite};
use crate::encoder::{Heard, Record, Shared, SimEncoder, Tap};
use crate::model::Ledger;
use crate::mutation::Mutation;
use crate::plan::Plan;
use crate::random::Random;
use crate::tally::Tally;
use crate::trace::{Mark, Trace};

pub use ring::Ring;
pub use transport::Pipe;
pub use ways::Ways;

/// Unix time at the world's beginning, in microseconds.
const UNIX_START_US: u64 = 1_800_000_000_000_000;

/// One shard and when it wakes.
struct Node {
    shard: Shard<SimEncoder>,
    asleep_until: u64,
    /// What the core put out and the rim has not taken yet.
    outputs: VecDeque<Output>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// At which step; the number of steps for what is found after them.
    pub step: u64,
    /// What is wrong.
    pub sentence: String,
}

/// The world of one seed.
pub struct World {
    plan: Plan,
    random: Random,
    now_us: u64,
    step: u64,
    nodes: Vec<Node>,
    /// Rings by receiver, then sender.
    requests: Vec<Vec<Ring<Asked>>>,
    deliveries: Vec<Vec<Ring<Told<Shared>>>>,
    tap: Rc<RefCell<Tap>>,
    ledger: Ledger,
    handles: Vec<RoomHandle>,
    settings: Arc<Settings>,
    clients: Vec<Client>,
    conns: Vec<Conn>,
    /// Connections that are not gone.
    open: Vec<usize>,
    /// The newest generation of every session.
    sessions: BTreeMap<SessionId, Generation>,
    /// API publishes without an answer, with their intent.
    tickets: BTreeMap<u64, usize>,
    next_ticket: u64,
    trace: Trace,
    mutation: Mutation,
    /// When settings last changed on the way: what was promised under which is not known any more.
    reloaded_us: Option<u64>,
    watch: Watch,
    tally: Tally,
    violation: Option<Violation>,
}

impl World {
    /// The world of a seed, before its first step.
    #[must_use]
    pub fn new(seed: u64, mutation: Mutation, readable: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::new(&mut random);
        let key = ClusterKey(random.next_u64().to_le_bytes().repeat(2).try_into().unwrap_or([0; 16]));
        let handles: Vec<_> = plan.rooms.iter().map(|name| RoomHandle::of(&key, name)).collect();
        let tap = Rc::new(RefCell::new(Tap::default()));
        let nodes = (0..plan.shards)
            .map(|id| {
                let config = ShardConfig {
                    id: ShardId(id),
                    shards: plan.shards,
                    key,
                    seed: random.next_u64(),
                    route: ShardConfig::ALONE,
                };
                let encoder = SimEncoder::new(tap.clone());
                Node {
                    shard: Shard::new(config, plan.settings.clone(), encoder),
                    asleep_until: 0,
                    outputs: VecDeque::new(),
                }
            })
            .collect();
        let shards = usize::from(plan.shards);
        let rings = |_| (0..shards).map(|_| Ring::new(plan.ring_capacity)).collect::<Vec<_>>();
        let requests = (0..shards).map(rings).collect();
        let deliveries =
            (0..shards).map(|_| (0..shards).map(|_| Ring::new(plan.ring_capacity)).collect()).collect();
        let clients = (0..plan.clients).map(|_| new_client(&plan, &mut random)).collect();
        let trace = Trace::new(readable);
        trace.line(|| format!("{plan:#?}"));
        Self {
            ledger: Ledger::new(&plan.rooms, &handles, &plan.settings),
            settings: plan.settings.clone(),
            random,
            now_us: 1_000_000,
            step: 0,
            nodes,
            requests,
            deliveries,
            tap,
            handles,
            clients,
            conns: Vec::new(),
            open: Vec::new(),
            sessions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            next_ticket: 1,
            trace,
            mutation,
            reloaded_us: None,
            watch: Watch::default(),
            tally: Tally::default(),
            violation: None,
            plan,
        }
    }

    /// Runs the steps, then lets everything come to rest and checks what must hold there.
    ///
    /// # Errors
    /// The first violation.
    pub fn run(&mut self, steps: u64) -> Result<u64, Violation> {
        while self.step < steps && self.violation.is_none() {
            self.step += 1;
            let (step, now) = (self.step, self.now_us);
            self.trace.note(Mark::Step, &[step, now]);
            self.one_step();
            self.check_step();
        }
        if self.violation.is_none() {
            self.come_to_rest();
        }
        match self.violation.take() {
            Some(violation) => Err(violation),
            None => Ok(self.trace.hash()),
        }
    }

    /// How often each thing happened so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for node in &self.nodes {
            tally.core(node.shard.counters());
        }
        for ways in self.conns.iter().filter_map(|conn| conn.ways.as_ref()) {
            tally.merge(&ways.tally);
        }
        tally.add("frames with a JSON form", self.tap.borrow().json_builds);
        tally
    }

    /// The step at which the world is.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.step
    }

    fn now(&self) -> Now {
        Now { monotonic: Monotonic(self.now_us), unix: UnixMicros(UNIX_START_US + self.now_us) }
    }

    fn fail(&mut self, sentence: impl Into<String>) {
        if self.violation.is_none() {
            let sentence = sentence.into();
            self.trace.line(|| format!("VIOLATION {sentence}"));
            self.violation = Some(Violation { step: self.step, sentence });
        }
    }

    /// Learns what a shard just decided. Called after every call into it.
    fn learn(&mut self, shard: usize) {
        let (made, fault) = {
            let mut tap = self.tap.borrow_mut();
            (core::mem::take(&mut tap.made), tap.fault.take())
        };
        if let Some(fault) = fault {
            self.fail(fault);
        }
        self.watch_outputs(shard);
        for record in made {
            self.watch_presence(&record);
            let owner = &self.nodes[shard].shard;
            let span = |room: usize| owner.room_span(self.handles[room]);
            let learnt = self.ledger.learn(&record, self.now_us, span);
            if let Err(sentence) = learnt {
                self.fail(format!("owner {shard}: {sentence}"));
            }
        }
    }

    /// Takes the core's outputs at once, so that it is known when they were decided; the rim gets them in its turn.
    fn watch_outputs(&mut self, shard: usize) {
        while let Some(output) = self.nodes[shard].shard.poll_output() {
            if let Output::Close(close) = &output
                && let Some(conn) = self.nodes[shard].shard.connection_of(close.session)
            {
                let session = self.conns[conn as usize].session;
                if close.code < 3500 || close.code == CloseCode::TakenOver.number() {
                    self.watch.broke(session, self.now_us);
                } else {
                    self.watch.went(session);
                }
            }
            self.nodes[shard].outputs.push_back(output);
        }
    }

    fn watch_presence(&mut self, record: &Record) {
        let Heard::PresenceChanged(changed) = &record.event else { return };
        let Some(room) = self.ledger.room_of(&changed.room).filter(|_| self.reloaded_us.is_none()) else {
            return;
        };
        let detach_ms = self.policy(room).map_or(0, |policy| policy.detach_ms);
        if let Err(sentence) = self.watch.presence(room, changed, detach_ms, self.now_us) {
            self.fail(sentence);
        }
    }

    fn policy(&self, room: usize) -> Option<&Namespace> {
        self.settings.namespaces.get(RoomName::new(&self.plan.rooms[room])?.namespace())
    }

    fn owner(&self, room: usize) -> usize {
        usize::from(self.nodes[0].shard.home_of(self.handles[room]).0)
    }

    fn span(&self, room: usize) -> Option<Span> {
        self.nodes[self.owner(room)].shard.room_span(self.handles[room])
    }

    fn overflow(&self, room: usize) -> Overflow {
        self.policy(room).map_or(Overflow::Close, |policy| policy.overflow)
    }
}

fn new_client(plan: &Plan, random: &mut Random) -> Client {
    let user = random.index(plan.users);
    let format = if random.below(100) < plan.json_percent { Format::Json } else { Format::Binary };
    let slow = plan.faults.slow_readers && random.chance(400);
    let rate = if slow { random.pick(&[1, 10, 100]) } else { 10_000_000 };
    let mut client = Client::new(user, format, rate, &plan.rooms, random);
    if random.below(100) < plan.polite_percent {
        client.polite = Some(Box::new(Polite::new(random.chance(500))));
    }
    client
}
