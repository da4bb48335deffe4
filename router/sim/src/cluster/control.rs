//! The control side of a node: the member, what it asks of the coordinator, and what it tells the shards.
//!
//! Node view. Requests and answers travel in order and take their time; either direction may be cut, the coordinator may
//! be away, answers may be lost.

use std::rc::Rc;

use ringway_cluster::coordinator::{ClientId, Coordinator, Event as Word, Request, Token};
use ringway_cluster::error::MemberError;
use ringway_cluster::member::{Effect, NotReady};
use ringway_core::{ClusterUpdate, Monotonic, Task};

use super::World;
use super::event::Event;
use super::lie::Lie;
use super::node::{Input, Node, Order};
use crate::trace::Mark;

/// After how long an engine gives up on an answer, in microseconds.
const TIMEOUT_US: u64 = 400_000;

impl World {
    pub(super) fn coordinator_client(&self, node: usize) -> ClientId {
        ClientId(node as u64 * 1_000_000 + self.nodes[node].life)
    }

    pub(super) fn wake_control(&mut self, node: usize, later_us: u64) {
        let at = self.now_us + later_us;
        if at < self.nodes[node].control_at {
            self.nodes[node].control_at = at;
            let life = self.nodes[node].life;
            self.agenda.push(at, Event::Control { node, life });
        }
    }

    /// The member takes what came, and time; its shards and the coordinator are told.
    pub(super) fn control(&mut self, node: usize) {
        if self.nodes[node].control_at > self.now_us {
            return;
        }
        self.nodes[node].control_at = u64::MAX;
        let now = self.nodes[node].clock(self.now_us);
        while let Some(input) = self.nodes[node].inputs.pop_front() {
            let this = &mut self.nodes[node];
            match input {
                Input::Answer(token, word) => this.member.handle_event(now, token, word),
                Input::Word { slot, term, word } => {
                    if self.handles.iter().any(|handle| handle.slot() == slot) {
                        self.trace.line(|| {
                            format!("{} node {node} hears of slot {slot} in {term:?}: {word:?}", self.now_us)
                        });
                    }
                    this.part.word(&mut this.member, now, slot, term, word);
                }
                Input::Drain => this.member.drain(now),
            }
        }
        let member = &mut self.nodes[node].member;
        while member.poll_timeout().is_some_and(|at| at <= now) {
            member.handle_timeout(now);
            if member.poll_timeout().is_some_and(|at| at <= now && at > Monotonic(0)) {
                break;
            }
        }
        self.tell_shards(node);
        if let Some(at) = self.nodes[node].member.poll_timeout() {
            let at = self.nodes[node].world_time(at).max(self.now_us + 5_000);
            self.wake_control(node, at - self.now_us);
        }
    }

    /// A node that was dead asks for nothing before its shards know that they have nothing any more: what is sent to the next
    /// registration must not find what is left of the one before.
    fn ask_coordinator(&mut self, node: usize) {
        let life = self.nodes[node].life;
        while self.nodes[node].disk.may_hold_lease()
            && let Some((token, request)) = self.nodes[node].member.poll_request()
        {
            let (low, high) = self.plan.coordinator_us;
            let at = (self.now_us + self.random.within(low, high)).max(self.nodes[node].asks_at);
            self.nodes[node].asks_at = at;
            self.agenda.push(at, Event::Ask { node, life, token, request });
        }
    }

    /// What the node wrote is on its disk.
    pub(super) fn written(&mut self, node: usize) {
        self.nodes[node].disk.handle_written();
        self.tell_shards(node);
    }

    /// What the member says, as far as it needs not wait for the disk.
    fn effects(&mut self, node: usize) -> Vec<Effect> {
        let slow = self.plan.faults.slow_disks;
        let Node { member, disk, life, .. } = &mut self.nodes[node];
        while let Some(effect) = member.poll_effect() {
            if effect != Effect::Renewed {
                disk.push(effect);
            }
        }
        disk.handle_lease(member.lease().valid_until().is_some());
        let effects = core::iter::from_fn(|| disk.pop(slow)).collect();
        if disk.write(slow, || member.remembered()) {
            let life = *life;
            let takes = self.extra.pick(&[100, 5_000, 50_000, 400_000]);
            self.agenda.push(self.now_us + takes, Event::Written { node, life });
        }
        effects
    }

    fn tell_shards(&mut self, node: usize) {
        let effects = self.effects(node);
        let mut drained = false;
        for effect in &effects {
            match effect {
                Effect::NotReady(NotReady::Refused(MemberError::DuplicateNode(_))) => {
                    // Its own past came late: somebody starts it again.
                    self.tally.count("node refused as a duplicate");
                    let (at, life) = (self.now_us + 1_000_000, self.nodes[node].life);
                    self.restarts.push((at, node, life));
                }
                Effect::NotReady(NotReady::Refused(error)) => {
                    self.fail(format!("node {node} may not be a member: {error}"));
                }
                Effect::NotReady(NotReady::DeclaredDead) => {
                    self.trace.line(|| format!("{} node {node} was declared dead", self.now_us));
                    self.tally.count("node declared dead");
                }
                Effect::Drained => drained = true,
                Effect::Acquire { slot, term, continues, .. } => {
                    self.ledger.acquired(slot.number(), *term);
                    self.tally.count(if *continues { "slot continued" } else { "slot begun anew" });
                }
                _ => {}
            }
        }
        let until = self.nodes[node].member.lease().valid_until();
        let until = until.filter(|_| self.nodes[node].disk.may_hold_lease());
        if self.nodes[node].lease_told != until {
            self.nodes[node].lease_told = until;
            let until = match until {
                Some(_) if self.lie == Lie::EndlessLease => Monotonic(u64::MAX),
                until => until.unwrap_or(Monotonic(0)),
            };
            self.order(node, |_| Order::Lease(until));
        }
        if !effects.is_empty() {
            let this = &mut self.nodes[node];
            let mut update = this.part.update(&this.member, effects);
            self.distort(&mut update);
            if !update.routes.is_empty() || !update.tasks.is_empty() {
                self.tell_of_rooms(node, &update);
                self.trace
                    .note(Mark::Map, &[node as u64, update.routes.len() as u64, update.tasks.len() as u64]);
                let update = Rc::new(update);
                self.order(node, |_| Order::Update(update.clone()));
            }
        }
        if drained {
            self.tally.count("node drained");
            self.trace.line(|| format!("{} node {node} is drained", self.now_us));
            let (at, life) = (self.now_us + self.random.within(0, 1_000_000), self.nodes[node].life);
            self.restarts.push((at, node, life));
        }
        self.ask_coordinator(node);
    }

    fn tell_of_rooms(&self, node: usize, update: &ClusterUpdate) {
        self.trace.line(|| {
            let ours = |slot: u16| self.handles.iter().any(|handle| handle.slot() == slot);
            let routes: Vec<_> = update.routes.iter().filter(|(slot, _)| ours(slot.number())).collect();
            let tasks: Vec<_> = update.tasks.iter().filter(|task| ours(task.slot().number())).collect();
            format!("{} node {node} learns {routes:?} {tasks:?}", self.now_us)
        });
    }

    fn distort(&self, update: &mut ClusterUpdate) {
        for task in &mut update.tasks {
            match task {
                Task::Acquire { continues, .. } if self.lie == Lie::Forgetful => *continues = false,
                _ => {}
            }
        }
    }

    fn order(&mut self, node: usize, order: impl Fn(usize) -> Order) {
        for shard in 0..self.nodes[node].shards.len() {
            self.nodes[node].shards[shard].orders.push_back(order(shard));
            self.wake(node, shard);
        }
    }

    /// A node is asked to go; its sessions are told as well.
    pub(super) fn drain(&mut self, node: usize) {
        if !self.nodes[node].running || core::mem::replace(&mut self.nodes[node].draining, true) {
            return;
        }
        self.trace.line(|| format!("{} node {node} drains", self.now_us));
        self.tally.count("node drains");
        self.nodes[node].inputs.push_back(Input::Drain);
        self.wake_control(node, 100);
        self.order(node, |_| Order::Drain);
    }

    /// A request reaches the coordinator, unless nothing gets there.
    pub(super) fn coordinator_takes(&mut self, node: usize, token: Token, request: Request) {
        let client = self.coordinator_client(node);
        self.trace.line(|| {
            format!("{} the coordinator takes of node {node} {token:?} {}", self.now_us, briefly(&request))
        });
        if self.memory.client(client).submit(token, request).is_err() {
            self.answer(node, token, Word::Unknown, TIMEOUT_US);
        }
        self.coordinator_turns();
    }

    /// The coordinator looks at everything, and answers.
    pub(super) fn coordinator_turns(&mut self) {
        self.memory.turn();
        let changed = self.memory_map.look(&self.memory);
        for change in changed {
            self.ledger.map_changed(&change);
        }
        for node in 0..self.nodes.len() {
            if !self.nodes[node].running {
                continue;
            }
            let client = self.coordinator_client(node);
            while let Some((token, word)) = self.memory.client(client).poll() {
                self.trace.line(|| {
                    format!(
                        "{} the coordinator tells node {node} {token:?} {}",
                        self.now_us,
                        brief_word(&word)
                    )
                });
                let lossy = self.plan.faults.lost_answers && self.faulty && self.random.chance(30);
                let watched = matches!(word, Word::Changed(..));
                if self.nodes[node].deaf && watched {
                    // What it would have heard is gone, and so is the watch.
                    drop(self.memory.client(client).submit(token, Request::Unwatch));
                    self.answer(node, token, Word::Broken, TIMEOUT_US);
                } else if (lossy && !watched) || self.nodes[node].deaf {
                    self.answer(node, token, Word::Unknown, TIMEOUT_US);
                } else {
                    let late = matches!(word, Word::Unknown | Word::Broken);
                    self.answer(node, token, word, if late { TIMEOUT_US } else { 0 });
                }
            }
        }
    }

    fn answer(&mut self, node: usize, token: Token, word: Word, later_us: u64) {
        let (low, high) = self.plan.coordinator_us;
        let travels = self.now_us + later_us + self.random.within(low, high);
        let at = if later_us > 0 { travels } else { travels.max(self.nodes[node].answers_at) };
        if later_us == 0 {
            self.nodes[node].answers_at = at;
        }
        let life = self.nodes[node].life;
        self.agenda.push(at, Event::Answer { node, life, token, word });
    }
}

/// Which keys it is about.
fn briefly(request: &Request) -> String {
    match request {
        Request::Transact(what) => {
            let compared: Vec<_> = what.compare.iter().map(|one| (one.key, one.revision.0)).collect();
            let put: Vec<_> = what.put.iter().map(|one| one.key).collect();
            format!("Transact {compared:?} {put:?}")
        }
        request => format!("{request:?}"),
    }
}

fn brief_word(word: &Word) -> String {
    match word {
        Word::Rows(revision, rows) => format!("{} rows as of {revision:?}", rows.len()),
        Word::Changed(revision, rows) => {
            let keys: Vec<_> = rows.iter().map(|row| (row.key, row.revision.0)).collect();
            format!("{revision:?} {keys:?}")
        }
        word => format!("{word:?}"),
    }
}
