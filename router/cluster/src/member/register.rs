//! Joining: read everything, refuse what is wrong, register, get up.
//!
//! A coordinator that knows less than we do was wiped or restored: terms would be used twice, so the node refuses. A living record under our
//! own id is either another process, whose beat moves, or our own past, whose beat does not. Registered, the node is `Joining` until the map names
//! it no more: what an earlier registration owned or stood by for is gone from memory, and the transaction that gets it up compares the whole map.

use super::{Effect, Member, NotReady, Pending, Phase, RECONNECT_MS, RETRY_MS};
use crate::coordinator::{Compare, Event, Key, Prefix, Request, Revision, Row};
use crate::error::MemberError;
use crate::lease::Holder;
use crate::map::{Chunk, ChunkId};
use crate::member::view::{News, View};
use crate::placement::State;
use crate::record::{Beat, NodeRecord, Root};
use crate::replication::Registration;
use crate::{Monotonic, NODES_MAX, Term};

/// By how much terms are raised when the coordinator lost data: other nodes may have seen this many more takeovers of a slot than the one
/// that raises them.
const RAISE: u64 = 1_000;

impl Member {
    pub(super) fn handle_read(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        let Event::Rows(revision, rows) = event else {
            self.say_not_ready(NotReady::NoCoordinator);
            self.phase = Phase::Idle(now.plus_ms(RECONNECT_MS));
            return Ok(());
        };
        let mut view = View::new();
        view.revision = revision;
        for row in rows {
            let (key, at) = (row.key, row.revision);
            if let (News::Chunk(chunk), Key::Chunk(id)) = (view.take(now, row)?, key) {
                view.map.replace(chunk);
                view.chunk_revisions[id.index()] = at;
            }
        }
        if view.root.is_none() {
            return self.found_nothing(view);
        }
        if let Err(error) = self.check(&view) {
            let others = view
                .nodes
                .iter()
                .any(|(id, seen)| *id != self.config.node && seen.record.state != State::Dead);
            let went_back =
                matches!(error, MemberError::CoordinatorWentBack { .. } | MemberError::TermsWentBack { .. });
            if went_back && self.config.raise_terms && !others {
                self.raise_terms(&view);
                return Ok(());
            }
            // Somebody has raised them already. Revisions began anew with the coordinator; only terms can tell.
            let raised = matches!(error, MemberError::CoordinatorWentBack { .. }) && self.config.raise_terms;
            if !raised {
                return Err(error);
            }
            self.config.remembered = None;
            self.config.raise_terms = false;
        }
        let living = view.nodes.values().filter(|seen| seen.record.state != State::Dead).count();
        if living >= NODES_MAX && !view.nodes.contains_key(&self.config.node) {
            return Err(MemberError::TooManyNodes);
        }
        self.view = view;
        self.phase = Phase::ReadingBeats;
        self.request(Pending::ReadBeats, Request::Read(Prefix::Beats));
        Ok(())
    }

    /// Against what this node knows: from its disk, and from before it was declared dead.
    fn check(&self, view: &View) -> Result<(), MemberError> {
        let found = view.root.ok_or(MemberError::CoordinatorWiped)?;
        if found != self.config.cluster {
            return Err(MemberError::WrongCluster { found, expected: self.config.cluster });
        }
        let kept = self.config.remembered.as_ref().filter(|kept| kept.cluster == found);
        let seen = kept.map_or(self.view.revision, |kept| kept.revision.max(self.view.revision));
        if let Some((slot, seen, found)) = kept.and_then(|kept| kept.went_back(&view.map)) {
            return Err(MemberError::TermsWentBack { slot, found, seen });
        }
        for chunk in ChunkId::all() {
            if view.chunk_revision(chunk) == Revision(0) {
                return Err(MemberError::CoordinatorWiped);
            }
            if let Some((slot, seen, found)) = self.view.map.went_back(view.map.chunk(chunk)) {
                return Err(MemberError::TermsWentBack { slot, found, seen });
            }
        }
        if view.revision < seen {
            Err(MemberError::CoordinatorWentBack { found: view.revision, seen })
        } else {
            Ok(())
        }
    }

    /// An empty coordinator: ours to fill, unless we have been here before.
    fn found_nothing(&mut self, view: View) -> Result<(), MemberError> {
        let been_here = self.view.root.is_some() || self.config.remembered.is_some();
        if been_here && !self.config.raise_terms {
            return Err(MemberError::CoordinatorWiped);
        }
        self.raise_terms(&view);
        Ok(())
    }

    /// Writes root and map anew: nobody's slots, at terms that nobody has seen. What is refused is read again.
    fn raise_terms(&mut self, view: &View) {
        let kept = self.config.remembered.as_ref().map(|kept| kept.terms.as_slice()).unwrap_or_default();
        let mut compare = vec![Compare { key: Key::Root, revision: view.root_revision }];
        let mut put = vec![(Key::Root, Some(Root { cluster: self.config.cluster }.encode()))];
        for id in ChunkId::all() {
            let seen = id.slots().flat_map(|slot| {
                [
                    view.map.entry(slot).term,
                    self.view.map.entry(slot).term,
                    kept.get(slot.index()).copied().unwrap_or_default(),
                ]
            });
            let seen = seen.max().unwrap_or_default();
            let term = if seen > Term(0) { Term(seen.0.saturating_add(RAISE)).min(Term::MAX) } else { seen };
            compare.push(Compare { key: Key::Chunk(id), revision: view.chunk_revision(id) });
            put.push((Key::Chunk(id), Some(Chunk::vacant(id, term).encode())));
        }
        // What was remembered has been answered: from here on what is stored counts.
        self.config.remembered = None;
        self.config.raise_terms = false;
        self.view = View::new();
        self.transact(Pending::Create, compare, put);
    }

    pub(super) fn handle_beats_read(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        let Event::Rows(_, rows) = event else {
            self.say_not_ready(NotReady::NoCoordinator);
            self.phase = Phase::Idle(now.plus_ms(RECONNECT_MS));
            return Ok(());
        };
        let node = self.config.node;
        let beat = rows.iter().find(|row| row.key == Key::Beat(node)).map_or(Revision(0), |row| row.revision);
        let probed = core::mem::take(&mut self.beat.probed);
        let living = self.view.nodes.get(&node).is_some_and(|seen| seen.record.state != State::Dead);
        if living && !self.config.alone {
            if probed && beat != self.beat.revision {
                return Err(MemberError::DuplicateNode(node));
            }
            if !probed {
                self.beat.revision = beat;
                self.phase = Phase::Probing { until: now.plus_ms(self.config.timing.silent_ms()), beat };
                return Ok(());
            }
        }
        self.register(now, beat);
        Ok(())
    }

    fn register(&mut self, now: Monotonic, beat: Revision) {
        let node = self.config.node;
        let old = self.view.nodes.get(&node).map(|seen| &seen.record);
        self.registration = Registration(old.map_or(0, |old| old.registration.0) + 1);
        let record = NodeRecord {
            registration: self.registration,
            state: State::Joining,
            weight: self.config.weight,
            flaps: old.map_or(0, |old| old.flaps),
            addresses: self.config.addresses.clone(),
        };
        let compare = vec![
            Compare { key: Key::Root, revision: self.view.root_revision },
            self.compare_node(node),
            Compare { key: Key::Beat(node), revision: beat },
        ];
        let first = Beat { registration: self.registration, count: 0 };
        let put = vec![(Key::Node(node), Some(record.encode())), (Key::Beat(node), Some(first.encode()))];
        self.phase = Phase::Registering;
        self.transact(Pending::Register { sent: now }, compare, put);
    }

    pub(super) fn handle_registered(&mut self, now: Monotonic, sent: Monotonic, event: Event) {
        let Event::Committed(revision) = event else {
            self.phase = Phase::Idle(now.plus_ms(RETRY_MS));
            return;
        };
        self.phase = Phase::Registered;
        self.registered = now;
        self.lease = if self.config.alone { Holder::unlimited() } else { Holder::new(self.config.timing) };
        self.lease.handle_renewed(sent);
        self.contact.handle_renewed(now);
        self.beat.handle_registered(sent, revision);
        self.view.control_seen = now;
        self.effects.push_back(Effect::Renewed);
        self.say_not_ready(NotReady::Joining);
    }

    /// `Joining` → `Up` once the map does not name us; `Up` → `Draining` when asked; `Draining` → `Dead` when it names us no more.
    pub(super) fn drive_state(&mut self, now: Monotonic) {
        if self.turning || now < self.retry_at {
            return;
        }
        let named = || self.view.map.entries().any(|(_, entry)| entry.names(self.config.node));
        match self.state() {
            Some(State::Joining) if !named() => self.turn(State::Up),
            Some(State::Up) if self.draining => self.turn(State::Draining),
            Some(State::Draining) if !named() => self.turn(State::Dead),
            _ => {}
        }
    }

    pub(super) fn turn(&mut self, state: State) {
        let node = self.config.node;
        let Some(seen) = self.view.nodes.get(&node) else { return };
        let mut record = NodeRecord { state, ..seen.record.clone() };
        if state == State::Dead {
            // Who says goodbye is well.
            record.flaps = 0;
        }
        let mut compare = vec![self.compare_node(node)];
        if state == State::Up {
            let chunks = ChunkId::all()
                .map(|id| Compare { key: Key::Chunk(id), revision: self.view.chunk_revision(id) });
            compare.extend(chunks);
        }
        let mut put = vec![(Key::Node(node), Some(record.encode()))];
        if state == State::Dead {
            put.push((Key::Beat(node), None));
        }
        self.turning = true;
        self.transact(Pending::Turn(state), compare, put);
    }

    pub(super) fn handle_turned(&mut self, now: Monotonic, state: State, event: Event) {
        if !matches!(event, Event::Committed(_)) {
            self.turning = false;
            self.retry_at = now.plus_ms(RETRY_MS);
        } else if state == State::Dead {
            self.drained();
        }
    }

    fn drained(&mut self) {
        self.drop_everything();
        self.phase = Phase::Left;
        self.effects.push_back(Effect::Drained);
        self.say_not_ready(NotReady::Left);
    }

    /// Our record says that we are dead, or is gone: forget everything, join again. Unless we were about to go: the watch may
    /// be faster than the answer to our own goodbye.
    pub(super) fn declared_dead(&mut self, now: Monotonic) {
        if self.draining {
            return self.drained();
        }
        self.drop_everything();
        self.phase = Phase::Idle(now);
        self.say_not_ready(NotReady::DeclaredDead);
    }

    /// Begins to watch where the view ends, if nothing is watched.
    pub(super) fn drive_watch(&mut self, now: Monotonic) {
        if self.watch.is_none() && now >= self.watch_at {
            let from = Revision(self.view.revision.0 + 1);
            self.watch = Some(self.request(Pending::Watch, Request::Watch(Prefix::Cluster, from)));
        }
    }

    pub(super) fn handle_watch(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        match event {
            // What a read has brought already is not taken twice.
            Event::Changed(revision, mut rows) => {
                rows.retain(|row| row.revision > self.view.revision);
                self.handle_rows(now, revision.max(self.view.revision), rows)
            }
            // A new read brings what was not told; what it says of us decides whether we go on.
            Event::Compacted => {
                (self.watch, self.watch_at) = (None, now.plus_ms(RETRY_MS));
                self.recover(now);
                Ok(())
            }
            _ => {
                (self.watch, self.watch_at) = (None, now.plus_ms(RETRY_MS));
                Ok(())
            }
        }
    }

    /// Rows in the order of their changes: each brings the view forward by one.
    pub(super) fn handle_rows(
        &mut self,
        now: Monotonic,
        revision: Revision,
        rows: Vec<Row>,
    ) -> Result<(), MemberError> {
        let mut mapped = false;
        for row in rows {
            let (key, at) = (row.key, row.revision);
            if key == Key::Node(self.config.node) {
                self.turning = false;
            }
            let news = self.view.take(now, row)?;
            if self.view.root != Some(self.config.cluster) {
                let found = self.view.root.ok_or(MemberError::CoordinatorWiped)?;
                return Err(MemberError::WrongCluster { found, expected: self.config.cluster });
            }
            if key == Key::Node(self.config.node) && !self.is_still_us()? {
                self.view.revision = revision;
                self.declared_dead(now);
                return Ok(());
            }
            if let News::Chunk(chunk) = news {
                if let Some((slot, seen, found)) = self.view.map.went_back(&chunk) {
                    return Err(MemberError::TermsWentBack { slot, found, seen });
                }
                if at > self.view.chunk_revision(chunk.id()) {
                    if !core::mem::replace(&mut mapped, true) {
                        self.effects.push_back(Effect::MapChanged(revision));
                    }
                    self.handle_chunk(now, chunk, at);
                }
            }
        }
        self.view.revision = revision;
        Ok(())
    }

    /// Whether our record is that of this registration, and alive. A later registration is another process's.
    fn is_still_us(&self) -> Result<bool, MemberError> {
        let Some(seen) = self.view.nodes.get(&self.config.node) else { return Ok(false) };
        // Rows of the time before we registered come first when the watch begins where the reading ended.
        if seen.record.registration < self.registration {
            return Ok(true);
        }
        if seen.record.registration > self.registration {
            return Err(MemberError::DuplicateNode(self.config.node));
        }
        Ok(seen.record.state != State::Dead || self.phase == Phase::Left)
    }
}
