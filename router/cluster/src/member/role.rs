//! What a newly seen chunk means to this node: slots to acquire, to step down from, to stand by for.

use super::edit::Want;
use super::{Effect, Member};
use crate::coordinator::Revision;
use crate::map::Chunk;
use crate::placement::State;
use crate::replication::{Registration, Replication};
use crate::{Monotonic, NodeId, Slot, SlotOwner};

impl Member {
    /// Takes a chunk that is newer than the one held.
    pub(super) fn handle_chunk(&mut self, now: Monotonic, chunk: Chunk, revision: Revision) {
        let id = chunk.id();
        let old = self.view.map.replace(chunk);
        self.view.chunk_revisions[id.index()] = revision;
        self.view.chunks_seen[id.index()] = now;
        self.land(id, revision);
        // While joining, the map can only name an earlier registration of ours.
        if !self.state().is_some_and(State::owns) {
            return;
        }
        let us = Some(self.config.node);
        for (slot, before) in old.entries() {
            let entry = *self.view.map.entry(slot);
            // What was owned, the map said.
            if entry != *before || (before.owner == us && self.owned.contains_key(&slot)) {
                self.handle_entry(slot, before, &entry);
            }
        }
    }

    fn handle_entry(&mut self, slot: Slot, before: &SlotOwner, entry: &SlotOwner) {
        let us = Some(self.config.node);
        if entry.owner == us && entry.next.is_some() {
            self.asked.insert(slot);
        } else {
            self.asked.remove(&slot);
        }
        let held = self.owned.get(&slot).copied();
        match held {
            Some(replication) if entry.owner == us && replication.term() == entry.term => {
                self.keep(slot, replication, entry);
            }
            Some(replication) => {
                self.owned.remove(&slot);
                self.wants.remove(&slot);
                let given =
                    self.handovers.remove(&slot).is_some_and(|handover| entry.owner == Some(handover.to()));
                let effect = match entry.owner.filter(|_| given && entry.continues) {
                    Some(to) => Effect::Release { slot, to, term: entry.term },
                    None => Effect::StepDown { slot, term: replication.term() },
                };
                self.effects.push_back(effect);
                if entry.owner == us {
                    self.acquire(slot, before, entry);
                }
            }
            None if entry.owner == us => self.acquire(slot, before, entry),
            None => {}
        }
        self.stand_by(slot, before, entry);
    }

    fn acquire(&mut self, slot: Slot, before: &SlotOwner, entry: &SlotOwner) {
        let replication = Replication::new(entry, self.registration_of(entry.standby));
        self.owned.insert(slot, replication);
        let (term, continues, given) = (entry.term, entry.continues, entry.given);
        self.effects.push_back(Effect::Acquire { slot, term, from: before.owner, continues, given });
        self.replicate(slot, replication);
    }

    /// Still ours: every newly seen revision decides anew whether commits wait.
    fn keep(&mut self, slot: Slot, before: Replication, entry: &SlotOwner) {
        let registration = self.registration_of(entry.standby);
        let Some(replication) = self.owned.get_mut(&slot) else { return };
        replication.handle_entry(entry, registration);
        let mut after = *replication;
        match self.wants.get(&slot) {
            Some(Want::Alone) if !entry.in_sync => drop(self.wants.remove(&slot)),
            Some(Want::InSync(node, wanted)) => {
                if entry.in_sync || after.standby() != Some((*node, *wanted)) {
                    self.wants.remove(&slot);
                } else {
                    // Some other change of the chunk came first; ours follows, and commits go on waiting for it.
                    after.begin_set();
                    self.owned.insert(slot, after);
                }
            }
            _ => {}
        }
        if after != before {
            self.replicate(slot, after);
        }
    }

    fn replicate(&mut self, slot: Slot, replication: Replication) {
        let (term, standby, waits) = (replication.term(), replication.standby(), replication.waits());
        self.effects.push_back(Effect::Replicate { slot, term, standby, waits });
    }

    fn stand_by(&mut self, slot: Slot, before: &SlotOwner, entry: &SlotOwner) {
        let us = Some(self.config.node);
        let role =
            |entry: &SlotOwner| entry.owner.filter(|_| entry.standby == us).map(|owner| (owner, entry.term));
        let (was, is) = (role(before), role(entry));
        if was == is {
            return;
        }
        match is {
            Some((owner, term)) => self.effects.push_back(Effect::Standby { slot, term, of: Some(owner) }),
            // An heir keeps what it has: it was told to acquire.
            None if entry.owner != us => {
                self.effects.push_back(Effect::Standby { slot, term: entry.term, of: None });
            }
            None => {}
        }
    }

    fn registration_of(&self, node: Option<NodeId>) -> Option<Registration> {
        Some(self.view.nodes.get(&node?)?.record.registration)
    }
}
