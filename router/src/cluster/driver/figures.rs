//! What the driver counts, for metrics.

use std::collections::{BTreeMap, BTreeSet};

use ringway_cluster::coordinator::{Event, Key, Request, Token};
use ringway_cluster::member::{Effect, Member};
use ringway_cluster::placement::State;
use ringway_cluster::{Monotonic, NodeId, Slot};

use crate::node::Histogram;

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Renewals of the lease that were committed, the first one too.
    pub renewals: u64,
    /// Renewals that were refused or not answered.
    pub renewals_failed: u64,
    /// Requests handed to the coordinator: transactions (renewals too), reads, watches.
    pub requests: [u64; 3],
    /// Those that got no answer, by the same kinds.
    pub unanswered: [u64; 3],
    /// Slots acquired that nobody owned.
    pub acquired_vacant: u64,
    /// Slots acquired from a living owner.
    pub acquired_handover: u64,
    /// Slots acquired from an owner that is dead, or that began anew.
    pub acquired_takeover: u64,
    /// Slots given to another owner.
    pub released: u64,
    /// Slots lost otherwise.
    pub stepped_down: u64,
    /// Handovers that came to nothing.
    pub thawed: u64,
    /// Milliseconds for which slots that were given away took nothing, as seen by who gave them.
    pub handovers_ms: Histogram,
    /// By how much the terms of all slots have risen, as seen from here.
    pub terms_raised: u64,
    /// Milliseconds from when a node's death was seen to when no slot was that node's any more.
    pub failovers_ms: Histogram,
    /// Effects handed on.
    pub effects: u64,
    /// Maps that the disk took, and refused.
    pub disk_writes: u64,
    /// Likewise.
    pub disk_faults: u64,
}

/// The names of the kinds of requests.
pub const KINDS: [&str; 3] = ["transaction", "read", "watch"];

/// Which requests are on their way, and which deaths are not made good yet.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) figures: Figures,
    asked: BTreeMap<Token, (usize, bool)>,
    states: BTreeMap<NodeId, State>,
    deaths: BTreeMap<NodeId, Monotonic>,
    terms: Option<u64>,
    /// Slots that their owners were to give to us, as of the last view.
    promised: BTreeSet<Slot>,
    /// Slots that take nothing, since when.
    frozen: BTreeMap<Slot, Monotonic>,
}

impl Ledger {
    /// A request is handed over.
    pub(super) fn handle_request(&mut self, us: NodeId, token: Token, request: &Request) {
        let kind = match request {
            Request::Transact(_) => 0,
            Request::Read(_) => 1,
            Request::Watch(..) => 2,
            Request::Unwatch => {
                self.asked.remove(&token);
                return;
            }
        };
        let beat = matches!(request, Request::Transact(transaction)
            if matches!(transaction.put.as_slice(), [put] if put.key == Key::Beat(us) && put.value.is_some()));
        self.figures.requests[kind] += 1;
        self.asked.insert(token, (kind, beat));
    }

    /// The coordinator said something.
    pub(super) fn handle_event(&mut self, token: Token, event: &Event) {
        if matches!(event, Event::Changed(..)) {
            return;
        }
        let Some((kind, beat)) = self.asked.remove(&token) else { return };
        self.figures.unanswered[kind] += u64::from(matches!(event, Event::Unknown | Event::Broken));
        self.figures.renewals_failed += u64::from(beat && !matches!(event, Event::Committed(_)));
    }

    /// Requests, other than watches, that have no answer yet.
    pub(super) fn pending(&self) -> usize {
        self.asked.values().filter(|(kind, _)| *kind != 2).count()
    }

    /// The member said something; it is handed on later. Call it before [`Ledger::handle_view`].
    ///
    /// An owner that gives its last slots away is dead a moment later, perhaps before we hear of either: what was promised to us came from it alive.
    pub(super) fn handle_said(&mut self, effect: &Effect, member: &Member) {
        let Effect::Acquire { slot, from, continues, .. } = effect else { return };
        let dead = |node: NodeId| {
            !member.nodes().any(|(id, record)| id == node && record.state != State::Dead)
                || node == member.node()
        };
        let given = |node: NodeId| *continues && (!dead(node) || self.promised.contains(slot));
        *match from {
            None => &mut self.figures.acquired_vacant,
            Some(node) if given(*node) => &mut self.figures.acquired_handover,
            Some(_) => &mut self.figures.acquired_takeover,
        } += 1;
    }

    /// An effect is handed on.
    pub(super) fn handle_effect(&mut self, now: Monotonic, effect: &Effect) {
        let figures = &mut self.figures;
        figures.effects += 1;
        match effect {
            Effect::Freeze { slot, .. } => drop(self.frozen.insert(*slot, now)),
            Effect::Release { slot, .. } => {
                figures.released += 1;
                if let Some(since) = self.frozen.remove(slot) {
                    figures.handovers_ms.record(now.since(since) / 1_000);
                }
            }
            Effect::StepDown { slot, .. } => {
                figures.stepped_down += 1;
                self.frozen.remove(slot);
            }
            Effect::Thaw { slot, .. } => {
                figures.thawed += 1;
                self.frozen.remove(slot);
            }
            _ => {}
        }
    }

    /// The member has seen changes: who died, whose slots are all given, how far terms rose.
    pub(super) fn handle_view(&mut self, now: Monotonic, member: &Member) {
        for (id, record) in member.nodes() {
            let was = self.states.insert(id, record.state);
            let owned = || member.map().entries().any(|(_, entry)| entry.owner == Some(id));
            if record.state != State::Dead {
                self.deaths.remove(&id);
            } else if was.is_some_and(|was| was != State::Dead) && owned() {
                self.deaths.insert(id, now);
            }
        }
        let us = Some(member.node());
        let ours = member.map().entries().filter(|(_, entry)| entry.next == us);
        self.promised = ours.map(|(slot, _)| slot).collect();
        let entries = || member.map().entries().map(|(_, entry)| entry);
        let figures = &mut self.figures;
        self.deaths.retain(|id, since| {
            let owns = entries().any(|entry| entry.owner == Some(*id));
            if !owns {
                figures.failovers_ms.record(now.since(*since) / 1_000);
            }
            owns
        });
        let terms = entries().map(|entry| entry.term.0).sum();
        let before = self.terms.replace(terms).unwrap_or(terms);
        figures.terms_raised += terms.saturating_sub(before);
    }
}
