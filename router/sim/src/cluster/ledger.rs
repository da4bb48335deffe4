//! What was decided, learned from owners as they decide it and from clients as they hear it; and what must never differ.
//!
//! World view. Same (room, epoch, offset): same publication, for ever. A publication has one place. An order goes on
//! where the map says that it does, with everything that was committed. Nobody commits under a term that is over.

use std::collections::BTreeMap;

use ringway_cluster::coordinator::{Key, Memory, Revision};
use ringway_cluster::map::{CHUNKS, Chunk, ChunkId};
use ringway_cluster::placement::State;
use ringway_cluster::record::NodeRecord;
use ringway_cluster::slot::SLOTS;
use ringway_cluster::{SlotOwner, Term};
use ringway_protocol::{Epoch, Offset, Position};

use crate::encoder::Said;

/// Ids that an owner remembers in a room.
const IDS_MAX: u64 = 1_024;

/// How a slot came to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succession {
    /// Given by a living owner.
    Handover,
    /// By its in-sync standby.
    Heir,
    /// From nothing.
    Anew,
}

/// A slot has another owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    slot: u16,
    term: Term,
    succession: Succession,
    lost_heir: bool,
}

/// The map as the coordinator stores it.
pub(super) struct MapWatch {
    revisions: [Revision; CHUNKS],
    entries: Vec<SlotOwner>,
}

impl MapWatch {
    pub(super) fn new() -> Self {
        Self { revisions: [Revision(0); CHUNKS], entries: vec![SlotOwner::vacant(Term(0)); SLOTS] }
    }

    pub(super) fn entry(&self, slot: u16) -> SlotOwner {
        self.entries[usize::from(slot)]
    }

    /// What changed since the last look.
    pub(super) fn look(&mut self, memory: &Memory) -> Vec<Change> {
        let mut changes = Vec::new();
        for id in ChunkId::all() {
            let revision = memory.revision_of(Key::Chunk(id));
            if revision == self.revisions[id.index()] {
                continue;
            }
            self.revisions[id.index()] = revision;
            let Some(chunk) = memory.value(Key::Chunk(id)).and_then(|bytes| Chunk::decode(bytes).ok()) else {
                continue;
            };
            for (slot, new) in chunk.entries() {
                let old = core::mem::replace(&mut self.entries[slot.index()], *new);
                if old.term == new.term {
                    continue;
                }
                let state = |node| {
                    let record =
                        memory.value(Key::Node(node)).and_then(|bytes| NodeRecord::decode(bytes).ok());
                    record.map(|record| record.state)
                };
                let succession = match (new.continues, new.given) {
                    (true, true) => Succession::Handover,
                    (true, false) => Succession::Heir,
                    (false, _) => Succession::Anew,
                };
                let heir = old.standby.filter(|_| old.in_sync).and_then(state) == Some(State::Up);
                let lost_heir = succession == Succession::Anew && heir;
                changes.push(Change { slot: slot.number(), term: new.term, succession, lost_heir });
            }
        }
        changes
    }
}

/// A publish that a client meant.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) room: usize,
    pub(super) client: usize,
    /// Where it is, once known.
    pub(super) place: Option<(Epoch, Offset)>,
    pub(super) acked: bool,
    /// The connections on which it was said: the first, and whether there was another.
    pub(super) conn: Option<usize>,
    pub(super) said_anew: bool,
}

/// One room.
#[derive(Debug, Default)]
struct Order {
    /// The term under which an owner last spoke, and its epoch.
    spoke: Option<(Term, Epoch)>,
    said: BTreeMap<(Epoch, Offset), usize>,
    /// What was heard of each, to the last byte.
    heard: BTreeMap<(Epoch, Offset), Said>,
    /// The newest offset that an owner answered for, by epoch.
    committed: BTreeMap<Epoch, Offset>,
    /// By client, the place of its newest acked intent.
    acked: BTreeMap<usize, (usize, Epoch, Offset)>,
}

/// All rooms.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) intents: Vec<Intent>,
    orders: Vec<Order>,
    replicas: Vec<u8>,
    terms: BTreeMap<u16, BTreeMap<Term, Succession>>,
    pub(super) fault: Option<String>,
}

impl Ledger {
    pub(super) fn new(replicas: Vec<u8>) -> Self {
        Self { orders: replicas.iter().map(|_| Order::default()).collect(), replicas, ..Self::default() }
    }

    fn fail(&mut self, sentence: String) {
        self.fault.get_or_insert(sentence);
    }

    pub(super) fn map_changed(&mut self, change: &Change) {
        let Change { slot, term, succession, lost_heir } = *change;
        if lost_heir {
            self.fail(format!("slot {slot} begins anew under {term}, though its standby is up and in sync"));
        }
        self.terms.entry(slot).or_default().insert(term, succession);
    }

    /// A node owns a slot from now on: the coordinator must have said so.
    pub(super) fn acquired(&mut self, slot: u16, term: Term) {
        if self.term(slot) < term {
            self.fail(format!("slot {slot} is acquired under {term}, which the map never said"));
        }
    }

    fn term(&self, slot: u16) -> Term {
        self.terms.get(&slot).and_then(|terms| terms.keys().next_back()).copied().unwrap_or_default()
    }

    /// An owner says under a term where a room's order stands. `stale`: in a turn that began before its node stood still.
    pub(super) fn stands(&mut self, room: usize, slot: u16, term: Term, position: Position, stale: bool) {
        let newest = self.term(slot);
        if newest > term && !stale {
            self.fail(format!(
                "room {room}: an owner under {term} says {position:?}, though {newest} has begun"
            ));
        }
        let order = &mut self.orders[room];
        if let Some((before, epoch)) = order.spoke
            && term >= before
            && epoch != position.epoch
        {
            let told = order.committed.contains_key(&epoch);
            let replicas = self.replicas[room];
            let went_on = self.terms.get(&slot).is_some_and(|terms| {
                terms.range((core::ops::Bound::Excluded(before), core::ops::Bound::Included(term))).all(
                    |(_, how)| match how {
                        Succession::Handover => true,
                        Succession::Heir => replicas > 1,
                        Succession::Anew => false,
                    },
                )
            });
            if told && went_on {
                let sentence = format!(
                    "room {room} begins anew as {} under {term}, though {epoch} under {before} went on: {:?}",
                    position.epoch,
                    self.terms.get(&slot)
                );
                self.fail(sentence);
                return;
            }
        }
        let order = &mut self.orders[room];
        if order.spoke.is_none_or(|(before, _)| term >= before) {
            order.spoke = Some((term, position.epoch));
        }
        let committed = order.committed.get(&position.epoch).copied().unwrap_or_default();
        if position.offset < committed && !stale {
            self.fail(format!(
                "room {room}: the owner under {term} stands at {position:?}, but {committed} was committed"
            ));
        }
    }

    /// An owner answers for a publication.
    pub(super) fn commits(&mut self, room: usize, slot: u16, term: Term, position: Position, stale: bool) {
        let newest = self.term(slot);
        if newest > term && !stale {
            self.fail(format!(
                "room {room}: {position:?} is committed under {term}, though {newest} has begun"
            ));
        }
        // Of a turn that is over by the clock, only a standby's word counts.
        if stale && newest > term && self.replicas[room] == 1 {
            return;
        }
        let committed = self.orders[room].committed.entry(position.epoch).or_default();
        *committed = position.offset.max(*committed);
    }

    /// Somebody hears that a publication is at this place.
    pub(super) fn place(
        &mut self,
        room: usize,
        epoch: Epoch,
        offset: Offset,
        intent: usize,
    ) -> Result<(), String> {
        let meant = self.intents.get_mut(intent).ok_or_else(|| format!("nobody meant {intent}"))?;
        if meant.room != room {
            return Err(format!("intent {intent} for room {} is in room {room}", meant.room));
        }
        let known = *meant.place.get_or_insert((epoch, offset));
        // The owner remembers so many ids: a first sending that comes later than that can't be told from a new one.
        // So can one that an old connection's node was late with, once the order is lost in which its repetition stands: ids are
        // remembered with their order.
        let late = known.0 != epoch && meant.said_anew;
        let forgotten = late || (known.0 == epoch && known.1.0.abs_diff(offset.0) > IDS_MAX);
        if known != (epoch, offset) && !forgotten {
            return Err(format!("intent {intent} is at {known:?} and at {:?}", (epoch, offset)));
        }
        let other = *self.orders[room].said.entry((epoch, offset)).or_insert(intent);
        if other != intent {
            return Err(format!("room {room} {epoch} {offset} is intent {other} and intent {intent}"));
        }
        Ok(())
    }

    /// Somebody hears this at this place: so does everybody else.
    pub(super) fn hear(
        &mut self,
        room: usize,
        epoch: Epoch,
        offset: Offset,
        said: &Said,
    ) -> Result<(), String> {
        let first = self.orders[room].heard.entry((epoch, offset)).or_insert_with(|| said.clone());
        if first == said {
            Ok(())
        } else {
            Err(format!("room {room} {epoch} {offset} is {first:?} and {said:?}"))
        }
    }

    /// A client hears that its publication is safe.
    pub(super) fn ack(
        &mut self,
        room: usize,
        epoch: Epoch,
        offset: Offset,
        intent: usize,
    ) -> Result<(), String> {
        self.place(room, epoch, offset, intent)?;
        self.intents[intent].acked = true;
        let client = self.intents[intent].client;
        let order = &mut self.orders[room];
        if let Some((earlier, there, at)) = order.acked.get(&client).copied()
            && there == epoch
            && (earlier < intent) != (at < offset)
            && earlier != intent
        {
            return Err(format!(
                "client {client} meant intent {earlier} and {intent} for room {room}; they are at {at} and {offset}"
            ));
        }
        let newest = order.acked.entry(client).or_insert((intent, epoch, offset));
        if newest.1 != epoch || newest.0 < intent {
            *newest = (intent, epoch, offset);
        }
        Ok(())
    }

    /// The newest offset of an epoch that an owner answered for.
    pub(super) fn committed(&self, room: usize, epoch: Epoch) -> Offset {
        self.orders[room].committed.get(&epoch).copied().unwrap_or_default()
    }
}

impl Ledger {
    /// The newest offsets that clients have heard to be safe, by epoch.
    pub(super) fn floors(&self, room: usize) -> BTreeMap<Epoch, Offset> {
        let mut floors = BTreeMap::new();
        for (epoch, offset) in self.orders[room].said.keys() {
            floors.insert(*epoch, *offset);
        }
        floors
    }
}
