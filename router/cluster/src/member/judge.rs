//! Watching the beats of others: the controller and its two successors do, and everybody once the controller has been silent for long.
//!
//! So a cluster of n nodes tells of each renewal to three, not to n; and if those three die together, the others notice that nobody is left.

use super::{Member, Pending, RETRY_MS};
use crate::coordinator::{Compare, Event, Key, Prefix, Request, Revision, Row, Token};
use crate::error::MemberError;
use crate::lease::Watcher;
use crate::placement::State;
use crate::record::NodeRecord;
use crate::{Monotonic, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// How many nodes watch beside the controller.
const SUCCESSORS: usize = 2;
/// How long the controller may say nothing before everybody watches.
const SILENCE_MS: u64 = 5_000;
/// Who was up for so long and is dead then did not die in a row.
const CALM_MS: u64 = 600_000;

/// The beats of others, if we watch them.
#[derive(Debug, Default)]
pub(super) struct Judge {
    watch: Option<Token>,
    reading: bool,
    again_at: Monotonic,
    seen: BTreeMap<NodeId, (Revision, Watcher)>,
    declaring: BTreeSet<NodeId>,
}

impl Judge {
    pub(super) fn handle_declared(&mut self, node: NodeId) {
        self.declaring.remove(&node);
    }

    fn take(&mut self, now: Monotonic, rows: Vec<Row>) {
        for row in rows {
            let Key::Beat(node) = row.key else { continue };
            let revision = if row.value.is_some() { row.revision } else { Revision(0) };
            if self.seen.get(&node).is_none_or(|(known, _)| *known != revision) {
                self.seen.insert(node, (revision, Watcher::new(now)));
            }
        }
    }
}

impl Member {
    fn watches_beats(&self, now: Monotonic) -> bool {
        let living =
            self.view.nodes.iter().filter(|(_, seen)| seen.record.state != State::Dead).map(|(id, _)| *id);
        let controller = self.view.control.map(|control| control.node);
        let before_us = living.filter(|id| Some(*id) != controller && *id < self.config.node).count();
        let silent = now.since(self.view.control_seen) >= SILENCE_MS * 1_000;
        controller == Some(self.config.node) || before_us < SUCCESSORS || silent
    }

    pub(super) fn drive_judge(&mut self, now: Monotonic) {
        if self.config.alone || now < self.judge.again_at {
            return;
        }
        if !self.watches_beats(now) {
            if let Some(token) = self.judge.watch.take() {
                self.pending.remove(&token);
                self.requests.push_back((token, Request::Unwatch));
                self.judge.seen.clear();
            }
            return;
        }
        if self.judge.watch.is_none() {
            if !core::mem::replace(&mut self.judge.reading, true) {
                self.request(Pending::Judge, Request::Read(Prefix::Beats));
            }
            return;
        }
        self.declare_the_dead(now);
    }

    pub(super) fn handle_judge_read(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        self.judge.reading = false;
        if let Event::Rows(revision, rows) = event {
            self.judge.take(now, rows);
            let request = Request::Watch(Prefix::Beats, Revision(revision.0 + 1));
            self.judge.watch = Some(self.request(Pending::WatchBeats, request));
        } else {
            self.judge.again_at = now.plus_ms(RETRY_MS);
        }
        Ok(())
    }

    pub(super) fn handle_watch_beats(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        if let Event::Changed(_, rows) = event {
            self.judge.take(now, rows);
        } else {
            self.judge.watch = None;
            self.judge.again_at = now.plus_ms(RETRY_MS);
        }
        Ok(())
    }

    fn declare_the_dead(&mut self, now: Monotonic) {
        let timing = self.config.timing;
        if !self.lease.may_ack(now) || !self.contact.may_judge(now) {
            return;
        }
        let us = self.config.node;
        let mut dead = Vec::new();
        for (id, seen) in
            self.view.nodes.iter().filter(|(id, seen)| **id != us && seen.record.state != State::Dead)
        {
            // A record without a beat is watched from now on.
            let (revision, watcher) = self.judge.seen.entry(*id).or_insert((Revision(0), Watcher::new(now)));
            if watcher.expired(&timing, now) && self.judge.declaring.insert(*id) {
                let calm = now.since(seen.since) >= CALM_MS * 1_000;
                let flaps = if calm { 1 } else { seen.record.flaps.saturating_add(1) };
                let record = NodeRecord { state: State::Dead, flaps, ..seen.record.clone() };
                dead.push((*id, *revision, record));
            }
        }
        for (id, revision, record) in dead {
            let beat = Compare { key: Key::Beat(id), revision };
            let compare = vec![beat, self.compare_node(id), self.compare_node(us)];
            let put = vec![(Key::Node(id), Some(record.encode())), (Key::Beat(id), None)];
            self.transact(Pending::Declare(id), compare, put);
        }
    }
}
