//! Giving away a slot that lives: freeze, transfer, commit under a higher term, release (the owner's view).
//!
//! | phase | ends by | then |
//! |---|---|---|
//! | freezing | `handle_frozen` | `Transfer` |
//! | transferring | `handle_transferred(ok)` | the transaction; `false`: `Thaw`, again after a second |
//! | committing | the map says so | `Release` |
//! | freezing, transferring | ten seconds | `Thaw`, again after a second |
//! | any | the map no longer asks for it | `Thaw` |
//!
//! Slots of one part of the map that are given away at a time are written down together, as one transaction: the first of them that is transferred
//! waits a moment for the others. Each transaction costs a round to the coordinator, in which the slots of the next one would wait.
//!
//! A frozen slot acks nothing new, so that what was transferred is all there is. Once the transaction is handed over, only a newer revision of the chunk
//! thaws the slot: until then it may still be committed.

use super::{Effect, Member};
use crate::map::ChunkId;
use crate::{Monotonic, NodeId, Slot, Term};

/// How many slots one node gives away at a time.
pub const HANDOVERS_MAX: usize = 64;
/// How long after one that failed.
const AGAIN_MS: u64 = 1_000;
/// How long a slot may take nothing before it is to be written into the map.
const FROZEN_MAX_MS: u64 = 10_000;
/// How long a slot that is transferred waits for others in its part of the map.
const TOGETHER_MS: u64 = 20;

/// One slot being given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    to: NodeId,
    began: Monotonic,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Freezing,
    Transferring,
    /// Transferred, since when.
    Committing(Monotonic),
    /// Thawed: not tried again before.
    Failed(Monotonic),
}

impl Handover {
    pub(super) const fn to(&self) -> NodeId {
        self.to
    }

    /// To whom, once the map is to say so.
    pub(super) fn commits_to(&self) -> Option<NodeId> {
        matches!(self.phase, Phase::Committing(_)).then_some(self.to)
    }

    /// When it is written down, whatever becomes of others.
    fn commits_at(&self) -> Option<Monotonic> {
        match self.phase {
            Phase::Committing(since) => Some(since.plus_ms(TOGETHER_MS)),
            _ => None,
        }
    }
}

impl Member {
    /// The slot takes nothing more, and everything in it is committed.
    pub fn handle_frozen(&mut self, slot: Slot, term: Term) {
        let Some(next) =
            self.owned.get(&slot).filter(|owned| owned.term() == term).and_then(|_| term.raised())
        else {
            return;
        };
        if let Some(handover) =
            self.handovers.get_mut(&slot).filter(|handover| handover.phase == Phase::Freezing)
        {
            handover.phase = Phase::Transferring;
            let to = handover.to;
            self.effects.push_back(Effect::Transfer { slot, to, term: next });
        }
        self.due = true;
    }

    /// The other node has all of the slot and knows that it came from `term`; or it has not.
    pub fn handle_transferred(&mut self, now: Monotonic, slot: Slot, term: Term, done: bool) {
        if self.owned.get(&slot).is_none_or(|owned| owned.term() != term) {
            return;
        }
        if let Some(handover) =
            self.handovers.get_mut(&slot).filter(|handover| handover.phase == Phase::Transferring)
        {
            if done {
                handover.phase = Phase::Committing(now);
            } else {
                handover.phase = Phase::Failed(now.plus_ms(AGAIN_MS));
                self.effects.push_back(Effect::Thaw { slot, term });
            }
        }
        self.due = true;
    }

    /// Whether slots of this part of the map are to be written down as given away: all that are on their way there are transferred, or one has
    /// waited for the others long enough.
    pub(super) fn hands_over_in(&self, now: Monotonic, (first, last): (Slot, Slot)) -> bool {
        let here = || self.handovers.range(first..=last).map(|(_, handover)| handover);
        let whole = !here().any(|handover| matches!(handover.phase, Phase::Freezing | Phase::Transferring));
        here().filter_map(Handover::commits_at).any(|at| whole || now >= at)
    }

    /// When a slot that is transferred waits for others no longer.
    pub(super) fn handovers_at(&self) -> Option<Monotonic> {
        let free = |slot: Slot| self.flights[ChunkId::of(slot).index()].is_none();
        let waiting = self.handovers.iter().filter(|(slot, _)| free(**slot));
        waiting.filter_map(|(_, handover)| handover.commits_at()).min()
    }

    /// Begins what the map asks for, ends what it no longer asks for.
    pub(super) fn drive_handovers(&mut self, now: Monotonic) {
        let (view, effects) = (&self.view, &mut self.effects);
        self.handovers.retain(|slot, handover| {
            let entry = view.map.entry(*slot);
            let asked = entry.next == Some(handover.to);
            let late = now.since(handover.began) >= FROZEN_MAX_MS * 1_000;
            match handover.phase {
                Phase::Failed(until) => asked && now < until,
                Phase::Freezing | Phase::Transferring if asked && late => {
                    handover.phase = Phase::Failed(now.plus_ms(AGAIN_MS));
                    effects.push_back(Effect::Thaw { slot: *slot, term: entry.term });
                    true
                }
                _ if asked => true,
                // `next` is gone: the chunk has a newer revision than any transaction of ours compared.
                _ => {
                    effects.push_back(Effect::Thaw { slot: *slot, term: entry.term });
                    false
                }
            }
        });
        if !self.lease.may_ack(now) {
            return;
        }
        for slot in &self.asked {
            if self.handovers.len() >= HANDOVERS_MAX {
                break;
            }
            let Some(owned) = self.owned.get(slot) else { continue };
            let next = self.view.map.entry(*slot).next.filter(|next| self.is_up(*next));
            if let Some(to) =
                next.filter(|_| !self.handovers.contains_key(slot) && !self.wants.contains_key(slot))
            {
                self.handovers.insert(*slot, Handover { to, began: now, phase: Phase::Freezing });
                self.effects.push_back(Effect::Freeze { slot: *slot, term: owned.term() });
            }
        }
    }
}
