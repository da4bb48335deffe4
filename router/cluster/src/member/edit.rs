//! Transactions on the map: one at a time for each chunk, built anew from what is seen whenever one is over.
//!
//! Each compares the chunk, our own record (a node that was declared dead writes nothing) and the records of nodes that it newly names (only who is
//! up is given anything). One without an answer may be committed later: the chunk is then written once more even if nothing is to change, so that its
//! revision moves on and decides.

use super::handover::Handover;
use super::{Member, Pending, RETRY_MS};
use crate::coordinator::{Compare, Event, Key, Revision};
use crate::map::{Chunk, ChunkId};
use crate::placement::State;
use crate::replication::Registration;
use crate::{Monotonic, NodeId, Slot, SlotOwner, Term};

/// What the owner of a slot wants its entry to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    InSync(NodeId, Registration),
    Alone,
}

/// A transaction on a chunk that is on its way, or was refused a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// What it compares the chunk with.
    pub(super) compared: Revision,
    /// When it may be built anew, once answered.
    pub(super) again_at: Option<Monotonic>,
}

/// In what capacity a part of the map is looked through.
#[derive(Clone, Copy, Debug)]
struct Pass {
    /// As the controller, if this node is it.
    plans: bool,
    /// Slots are on their way there: the controller gives slots of the dead away, and waits with the rest.
    moving: bool,
    /// As the owner of some of its slots.
    wants: bool,
}

impl Member {
    /// The standby of an owned slot has every committed publication. From this call on, commits of the slot wait for it; the map
    /// follows. Ignored if the slot is owned under another term, or the standby is another by now.
    pub fn request_in_sync(&mut self, slot: Slot, term: Term, standby: (NodeId, Registration)) {
        let Some(replication) = self.owned.get_mut(&slot).filter(|owned| owned.term() == term) else {
            return;
        };
        if replication.standby() == Some(standby) && !replication.waits() && replication.begin_set() {
            self.wants.insert(slot, Want::InSync(standby.0, standby.1));
            self.due = true;
        }
    }

    /// The standby of an owned slot does not keep up, or is gone: go on without it. Commits wait until [`super::Effect::Replicate`] says
    /// that they need not.
    pub fn request_alone(&mut self, slot: Slot, term: Term) {
        if self.owned.get(&slot).is_some_and(|owned| owned.term() == term && owned.waits()) {
            self.wants.insert(slot, Want::Alone);
            // A transaction that sets it may be on its way although the map does not say so.
            self.touch[ChunkId::of(slot).index()] = true;
            self.due = true;
        }
    }

    /// What is wanted of an entry of ours; `None` if it says so already or can't be had now.
    fn wanted(&self, slot: Slot, entry: &SlotOwner) -> Option<SlotOwner> {
        let us = Some(self.config.node);
        if entry.owner != us {
            return None;
        }
        // Who hands over has no other wish, but keeps it for when nothing comes of that.
        if let Some(to) = self.handovers.get(&slot).and_then(Handover::commits_to) {
            let stays = self.state() == Some(State::Up) && self.config.replicas > 1;
            return entry.handed_over(to, us.filter(|_| stays)).filter(|_| self.is_up(to));
        }
        match *self.wants.get(&slot)? {
            Want::Alone => Some(entry.in_sync_cleared()),
            Want::InSync(node, registration) => {
                let known = self.owned.get(&slot)?.standby();
                entry
                    .in_sync_set()
                    .filter(|_| entry.standby == Some(node) && known == Some((node, registration)))
            }
        }
    }

    /// Whether its record lets it own slots.
    fn owns(&self, node: NodeId) -> bool {
        self.view.nodes.get(&node).is_some_and(|seen| seen.record.state.owns())
    }

    pub(super) fn is_up(&self, node: NodeId) -> bool {
        self.view.nodes.get(&node).is_some_and(|seen| seen.record.state == State::Up)
    }

    pub(super) fn drive_edits(&mut self, now: Monotonic) {
        let mine = !self.wants.is_empty() || !self.handovers.is_empty() || self.touch.contains(&true);
        let plans = self.plans(now);
        if !plans && !mine {
            return;
        }
        let mut moves = self.moves_allowed(now);
        let allowed = moves;
        for id in ChunkId::all() {
            let index = id.index();
            match self.flights[index] {
                Some(Flight { again_at: Some(at), .. }) if now >= at => self.flights[index] = None,
                Some(_) => continue,
                None => {}
            }
            let wants = self.touch[index] || self.wants_in(now, id);
            let plans = plans && !self.is_settled_in(id, moves);
            if !plans && !wants {
                continue;
            }
            let moving = plans && self.is_moving(now, id);
            let pass = Pass { plans, moving, wants };
            if let Some((chunk, compare)) = self.edited(id, pass, &mut moves) {
                let compared = self.view.chunk_revision(id);
                self.flights[index] = Some(Flight { compared, again_at: None });
                self.transact(Pending::Chunk(id), compare, vec![(Key::Chunk(id), Some(chunk.encode()))]);
            } else if plans && !wants && !moving {
                self.settle_in(id, moves);
            }
        }
        self.spend_moves(allowed - moves);
    }

    /// Whether the owner of one of the chunk's slots wants something.
    fn wants_in(&self, now: Monotonic, id: ChunkId) -> bool {
        let Some((first, last)) = id.ends() else { return false };
        self.wants.range(first..=last).next().is_some() || self.hands_over_in(now, (first, last))
    }

    /// The chunk as it should be, and what must hold for that; `None` if it is as it should be.
    fn edited(&self, id: ChunkId, pass: Pass, moves: &mut u64) -> Option<(Chunk, Vec<Compare>)> {
        let old = self.view.map.chunk(id);
        let mut chunk = None;
        let mut named = Vec::new();
        for (slot, entry) in old.entries() {
            let plans = pass.plans && !(pass.moving && entry.owner.is_some_and(|owner| self.owns(owner)));
            let planned = |moves| if plans { self.improved(slot, entry, moves) } else { None };
            let wanted = if pass.wants { self.wanted(slot, entry) } else { None };
            let new = wanted.or_else(|| planned(moves));
            let Some(new) = new.filter(|new| new != entry) else { continue };
            let given = [(entry.owner, new.owner), (entry.standby, new.standby), (entry.next, new.next)];
            named.extend(
                given.iter().filter(|(before, after)| before != after).filter_map(|(_, after)| *after),
            );
            chunk.get_or_insert_with(|| old.clone()).set(slot, new);
        }
        let chunk = chunk.or_else(|| self.touch[id.index()].then(|| old.clone()))?;
        named.push(self.config.node);
        named.sort_unstable();
        named.dedup();
        let mut compare = vec![Compare { key: Key::Chunk(id), revision: self.view.chunk_revision(id) }];
        compare.extend(named.into_iter().map(|node| self.compare_node(node)));
        Some((chunk, compare))
    }

    /// An answer decides nothing about the map: that comes by the watch. It only says when to build the next one.
    pub(super) fn handle_chunk_written(&mut self, now: Monotonic, id: ChunkId, event: Event) {
        let index = id.index();
        let Some(flight) = &mut self.flights[index] else { return };
        match event {
            // The watch will bring it, and end the flight.
            Event::Committed(_) => {}
            Event::Refused(_) => flight.again_at = Some(now.plus_ms(RETRY_MS)),
            _ => {
                flight.again_at = Some(now.plus_ms(RETRY_MS));
                self.touch[index] = true;
            }
        }
    }

    /// A newer revision of a chunk was seen: whatever compared an older one is over.
    pub(super) fn land(&mut self, id: ChunkId, revision: Revision) {
        let index = id.index();
        if self.flights[index].is_some_and(|flight| flight.compared < revision) {
            self.flights[index] = None;
        }
        self.touch[index] = false;
    }
}
