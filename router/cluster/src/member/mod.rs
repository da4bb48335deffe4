//! One node's part in the cluster (a node's view; it lives on the control thread).
//!
//! Events of the coordinator and answers of the rim come in by `handle_*`; requests and effects go out by `poll_*`; time is an argument. After every
//! call: take [`Member::poll_request`] and [`Member::poll_effect`] until they are empty, then sleep until [`Member::poll_timeout`], which may be
//! over already: what the rim says is acted on together, at the next [`Member::handle_timeout`].
//!
//! ```text
//! reading ──► probing (its id has a living record) ──► registering ──► joining ──► up ──► draining ──► left
//!    ▲  the beat moves: duplicate_node                                    │        │         │
//!    └──────────────────────── declared dead: everything dropped ─────────┴────────┴─────────┘
//! ```
//!
//! * `register.rs`: reading, checking, probing, registering; getting up once the map names no earlier registration of it.
//! * `beat.rs`: the lease. `judge.rs`: the leases of others.
//! * `control.rs`: the controller. `edit.rs`: transactions on the map, one at a time for each chunk.
//! * `look.rs`: what may be asked of it.
//! * `role.rs`: what a changed map means to this node. `handover.rs`: giving away a living slot.
//!
//! What is written is learned from the watch like anything else. A transaction without an answer may yet be committed: nothing is concluded
//! from silence, only from a newer revision of what it compared.

mod beat;
mod control;
mod edit;
mod effect;
mod handover;
mod judge;
mod look;
mod register;
mod role;
#[cfg(test)]
mod tests;
mod view;

pub use effect::{Config, Effect, NotReady};
pub use handover::HANDOVERS_MAX;

use crate::coordinator::{Compare, Event, Key, Prefix, Put, Request, Revision, Token, Transaction};
use crate::error::MemberError;
use crate::lease::{Contact, Holder};
use crate::map::{CHUNKS, ChunkId};
use crate::placement::State;
use crate::record::Remembered;
use crate::replication::{Registration, Replication};
use crate::{Monotonic, NodeId, Slot, SlotMap};
use control::Controller;
use edit::{Flight, Want};
use handover::Handover;
use judge::Judge;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use view::View;

/// Between two tries of what was refused or not answered.
const RETRY_MS: u64 = 50;
/// Between two tries to reach a coordinator that does not answer at start.
const RECONNECT_MS: u64 = 500;

/// One node of the cluster.
#[derive(Debug)]
pub struct Member {
    config: Config,
    phase: Phase,
    registration: Registration,
    registered: Monotonic,
    view: View,
    lease: Holder,
    contact: Contact,
    beat: beat::Beating,
    judge: Judge,
    controller: Controller,
    /// Slots owned under the term that stands in the map.
    owned: BTreeMap<Slot, Replication>,
    handovers: BTreeMap<Slot, Handover>,
    wants: BTreeMap<Slot, Want>,
    flights: [Option<Flight>; CHUNKS],
    /// Chunks that must be written although nothing is to change: a transaction on them got no answer.
    touch: [bool; CHUNKS],
    /// A change of our own record on its way.
    turning: bool,
    draining: bool,
    ready: Option<NotReady>,
    said_ready: bool,
    /// The rim has said something that is not acted on yet.
    due: bool,
    /// Slots of ours that the map wants to be given away.
    asked: BTreeSet<Slot>,
    /// Nothing that was refused is tried before.
    retry_at: Monotonic,
    watch: Option<Token>,
    watch_at: Monotonic,
    requests: VecDeque<(Token, Request)>,
    effects: VecDeque<Effect>,
    pending: BTreeMap<Token, Pending>,
    next_token: u64,
}

/// How far the node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Will read at the given time.
    Idle(Monotonic),
    /// Waits for the cluster's rows, then for the beats.
    Reading,
    ReadingBeats,
    /// Its id has a living record: waits whether its beat moves.
    Probing {
        until: Monotonic,
        beat: Revision,
    },
    Registering,
    /// Joining, up or draining, as its record says.
    Registered,
    Left,
    Refused,
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    ReadCluster,
    ReadBeats,
    Create,
    Register { sent: Monotonic },
    Beat { sent: Monotonic },
    Recover { seen: Revision },
    RecoverBeats,
    Turn(State),
    Chunk(ChunkId),
    Declare(NodeId),
    Control,
    Watch,
    Judge,
    WatchBeats,
}

impl Member {
    /// Begins to join at `now`.
    #[must_use]
    pub fn new(config: Config, now: Monotonic) -> Self {
        let timing = config.timing;
        Self {
            phase: Phase::Idle(now),
            registration: Registration(0),
            registered: now,
            view: View::new(),
            lease: Holder::new(timing),
            contact: Contact::new(timing, now),
            beat: beat::Beating::default(),
            judge: Judge::default(),
            controller: Controller::new(now),
            owned: BTreeMap::new(),
            handovers: BTreeMap::new(),
            wants: BTreeMap::new(),
            flights: [const { None }; CHUNKS],
            touch: [false; CHUNKS],
            turning: false,
            draining: false,
            ready: Some(NotReady::Joining),
            said_ready: false,
            due: false,
            asked: BTreeSet::new(),
            retry_at: now,
            watch: None,
            watch_at: now,
            requests: VecDeque::new(),
            effects: VecDeque::new(),
            pending: BTreeMap::new(),
            next_token: 1,
            config,
        }
    }

    /// Something the coordinator said. Events with tokens that are over are ignored.
    pub fn handle_event(&mut self, now: Monotonic, token: Token, event: Event) {
        let Some(pending) = self.pending.get(&token).copied() else { return };
        if !matches!(pending, Pending::Watch | Pending::WatchBeats) || !matches!(event, Event::Changed(..)) {
            self.pending.remove(&token);
        }
        if matches!(self.phase, Phase::Left | Phase::Refused) {
            return;
        }
        let handled = self.dispatch(now, pending, event);
        self.conclude(now, handled);
    }

    fn dispatch(&mut self, now: Monotonic, pending: Pending, event: Event) -> Result<(), MemberError> {
        match pending {
            Pending::ReadCluster => self.handle_read(now, event)?,
            Pending::ReadBeats => self.handle_beats_read(now, event)?,
            Pending::Create => self.phase = Phase::Idle(now),
            Pending::Register { sent } => self.handle_registered(now, sent, event),
            Pending::Beat { sent } => self.handle_beat(now, sent, event),
            Pending::Recover { seen } => self.handle_recovered(now, seen, event)?,
            Pending::RecoverBeats => self.handle_beats_recovered(now, event)?,
            Pending::Turn(state) => self.handle_turned(now, state, event),
            Pending::Chunk(chunk) => self.handle_chunk_written(now, chunk, event),
            Pending::Declare(node) => self.judge.handle_declared(node),
            Pending::Control => self.controller.handle_claimed(),
            Pending::Watch => self.handle_watch(now, event)?,
            Pending::Judge => self.handle_judge_read(now, event)?,
            Pending::WatchBeats => self.handle_watch_beats(now, event)?,
        }
        Ok(())
    }

    /// Time has come: call it at [`Member::poll_timeout`], and as often as one likes.
    pub fn handle_timeout(&mut self, now: Monotonic) {
        self.conclude(now, Ok(()));
    }

    /// Begins to hand over all slots; [`Effect::Drained`] follows. A last node has nobody to hand over to, and keeps them.
    pub fn drain(&mut self, now: Monotonic) {
        self.draining = true;
        self.conclude(now, Ok(()));
    }

    /// Leaves now: acks nothing more; what it still owns is taken over.
    pub fn leave(&mut self, now: Monotonic) {
        if self.phase == Phase::Registered {
            self.drop_everything();
            self.turn(State::Dead);
        }
        self.phase = Phase::Left;
        self.lease.revoke();
        self.say_not_ready(NotReady::Left);
        self.conclude(now, Ok(()));
    }

    /// Does what has become due, or stops for good.
    fn conclude(&mut self, now: Monotonic, handled: Result<(), MemberError>) {
        if let Err(error) = handled {
            self.lease.revoke();
            self.drop_everything();
            self.phase = Phase::Refused;
            self.say_not_ready(NotReady::Refused(error));
            return;
        }
        match self.phase {
            Phase::Idle(at) if now >= at => {
                self.phase = Phase::Reading;
                self.request(Pending::ReadCluster, Request::Read(Prefix::Cluster));
            }
            Phase::Probing { until, .. } if now >= until => {
                self.phase = Phase::Reading;
                self.request(Pending::ReadCluster, Request::Read(Prefix::Cluster));
                self.beat.probed = true;
            }
            Phase::Registered => self.drive(now),
            _ => {}
        }
    }

    /// Everything that a registered node does from time to time.
    fn drive(&mut self, now: Monotonic) {
        self.due = false;
        self.drive_watch(now);
        self.drive_beat(now);
        self.drive_state(now);
        self.drive_judge(now);
        self.drive_controller(now);
        self.drive_handovers(now);
        self.drive_edits(now);
        self.drive_ready(now);
    }

    /// The next request for the coordinator. If it has no room, give it back by [`Member::handle_event`] as
    /// [`Event::Unknown`].
    pub fn poll_request(&mut self) -> Option<(Token, Request)> {
        self.requests.pop_front()
    }

    /// What the rim is to do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Member::handle_timeout`] is due; `None` if the node has stopped.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        match self.phase {
            Phase::Registered if self.due => Some(Monotonic(0)),
            Phase::Idle(at) => Some(at),
            Phase::Probing { until, .. } => Some(until),
            // Beats set the pace of everything else, a few times over.
            Phase::Registered => {
                let beat = self.beat.sent.plus_ms(self.config.timing.beat_ms);
                let again = self.retry_at.max(self.beat.sent.plus_ms(RETRY_MS));
                [Some(beat), Some(again), self.handovers_at()].into_iter().flatten().min()
            }
            Phase::Reading | Phase::ReadingBeats | Phase::Registering => None,
            Phase::Left | Phase::Refused => None,
        }
    }

    /// The right to ack, for the shards to copy and to ask with a fresh clock.
    #[must_use]
    pub const fn lease(&self) -> Holder {
        self.lease
    }

    /// The map as this node knows it.
    #[must_use]
    pub const fn map(&self) -> &SlotMap {
        &self.view.map
    }

    /// As of when a part of the map is known.
    #[must_use]
    pub fn chunk_revision(&self, id: ChunkId) -> Revision {
        self.view.chunk_revision(id)
    }

    /// The commit rule of a slot that this node owns.
    #[must_use]
    pub fn replication(&self, slot: Slot) -> Option<Replication> {
        self.owned.get(&slot).copied()
    }

    /// What to keep on disk.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        Remembered::of(self.config.cluster, self.view.revision, &self.view.map)
    }

    fn token(&mut self) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        token
    }

    fn request(&mut self, pending: Pending, request: Request) -> Token {
        let token = self.token();
        self.pending.insert(token, pending);
        self.requests.push_back((token, request));
        token
    }

    fn transact(&mut self, pending: Pending, compare: Vec<Compare>, put: Vec<(Key, Option<Vec<u8>>)>) {
        let put = put.into_iter().map(|(key, value)| Put { key, value }).collect();
        self.request(pending, Request::Transact(Transaction { compare, put }));
    }

    /// A comparison with a node's record as it was seen.
    fn compare_node(&self, node: NodeId) -> Compare {
        Compare {
            key: Key::Node(node),
            revision: self.view.nodes.get(&node).map_or(Revision(0), |seen| seen.revision),
        }
    }

    /// What our own record says, if it is of this registration.
    fn state(&self) -> Option<State> {
        let seen = self.view.nodes.get(&self.config.node)?;
        Some(seen.record.state).filter(|_| seen.record.registration == self.registration)
    }

    fn drop_everything(&mut self) {
        self.lease.revoke();
        for (slot, replication) in core::mem::take(&mut self.owned) {
            self.effects.push_back(Effect::StepDown { slot, term: replication.term() });
        }
        let node = self.config.node;
        for (slot, entry) in self.view.map.entries().filter(|(_, entry)| entry.standby == Some(node)) {
            self.effects.push_back(Effect::Standby { slot, term: entry.term, of: None });
        }
        self.asked.clear();
        self.handovers.clear();
        self.wants.clear();
        self.flights = [const { None }; CHUNKS];
        self.touch = [false; CHUNKS];
        self.turning = false;
        self.judge = Judge::default();
        self.controller.reset();
        self.pending.clear();
        if let Some(token) = self.watch.take() {
            self.requests.push_back((token, Request::Unwatch));
        }
    }

    fn say_not_ready(&mut self, why: NotReady) {
        if self.ready != Some(why) || !self.said_ready {
            (self.ready, self.said_ready) = (Some(why), true);
            self.effects.push_back(Effect::NotReady(why));
        }
    }

    fn drive_ready(&mut self, now: Monotonic) {
        let why = match self.state() {
            Some(State::Up | State::Draining) if self.lease.may_ack(now) => None,
            Some(State::Up | State::Draining) => Some(NotReady::LeaseOver),
            _ => Some(NotReady::Joining),
        };
        match why {
            Some(why) => self.say_not_ready(why),
            None if self.ready.take().is_some() => self.effects.push_back(Effect::Ready),
            None => {}
        }
    }
}
