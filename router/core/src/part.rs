//! This node's part in the cluster, translated: what the member decides becomes updates for shards, and what shards say becomes
//! words for the member. Node view; it lives where the member does.

use std::collections::BTreeMap;

use ringway_cluster::coordinator::Revision;
use ringway_cluster::map::CHUNKS;
use ringway_cluster::member::{Effect, Member};
use ringway_cluster::replication::Registration;
use ringway_cluster::{ChunkId, Monotonic, NodeId, Slot, Term};

use crate::output::SlotWord;
use crate::owner::{ClusterUpdate, Task};
use crate::route::{Holder, PeerId, Route};

/// Numbers for nodes, and which routes the shards were told.
#[derive(Debug)]
pub struct Part {
    here: NodeId,
    nodes: Vec<NodeId>,
    numbers: BTreeMap<NodeId, PeerId>,
    told: Vec<Route>,
    /// As of when routes of each part of the map were told.
    looked: [Revision; CHUNKS],
    /// Slots that this node has acquired, as far as effects were taken.
    owned: BTreeMap<Slot, Term>,
}

impl Part {
    /// Of this node, whose shards were made with [`Part::UNKNOWN`].
    #[must_use]
    pub fn new(here: NodeId) -> Self {
        let told = vec![Self::UNKNOWN; ringway_cluster::slot::SLOTS];
        Self {
            here,
            nodes: vec![here],
            numbers: BTreeMap::from([(here, PeerId::HERE)]),
            told,
            looked: [Revision(0); CHUNKS],
            owned: BTreeMap::new(),
        }
    }

    /// The route of all slots before the map is known.
    pub const UNKNOWN: Route = Route { holder: Holder::Nobody, term: Term(0) };

    /// The number of a node, given at the first question. After 65,534 of them others are nobody.
    pub fn peer(&mut self, node: NodeId) -> Option<PeerId> {
        if let Some(peer) = self.numbers.get(&node) {
            return Some(*peer);
        }
        let number = u16::try_from(self.nodes.len()).ok().filter(|number| *number < u16::MAX)?;
        self.nodes.push(node);
        self.numbers.insert(node, PeerId(number));
        Some(PeerId(number))
    }

    /// Whose number it is.
    #[must_use]
    pub fn node(&self, peer: PeerId) -> Option<NodeId> {
        self.nodes.get(usize::from(peer.0)).copied()
    }

    /// Takes what the member decided, in its order, and makes one update of it. Effects that follow
    /// [`Effect::MapChanged`] must not be given before what the member remembers is durable; the member may be ahead of them.
    pub fn update(&mut self, member: &Member, effects: impl IntoIterator<Item = Effect>) -> ClusterUpdate {
        let mut tasks = Vec::new();
        for effect in effects {
            if let Effect::Acquire { slot, .. }
            | Effect::StepDown { slot, .. }
            | Effect::Release { slot, .. } = &effect
            {
                self.looked[ChunkId::of(*slot).index()] = Revision(0);
            }
            tasks.extend(self.task(effect));
        }
        let (mut routes, mut drops) = (Vec::new(), Vec::new());
        for slot in self.moved(member) {
            let route = self.route(member, slot);
            let told = core::mem::replace(&mut self.told[slot.index()], route);
            if told != route {
                routes.push((slot, route));
                if told.holder == Holder::Here {
                    // The map may be ahead of the effect that says so.
                    drops.push(Task::Drop { slot });
                }
            }
        }
        drops.append(&mut tasks);
        ClusterUpdate { routes, tasks: drops }
    }

    /// The slots of those parts of the map that may say something else than shards were told.
    fn moved(&mut self, member: &Member) -> Vec<Slot> {
        let mut slots = Vec::new();
        for id in ChunkId::all() {
            let revision = member.chunk_revision(id);
            if core::mem::replace(&mut self.looked[id.index()], revision) != revision {
                slots.extend(id.slots());
            }
        }
        slots
    }

    /// Who owns a slot, as far as shards are concerned: this node only once it has acquired it. Until then they don't know of
    /// its term, and keep what they are asked under it: given back it would be overtaken by what comes a moment later.
    fn route(&mut self, member: &Member, slot: Slot) -> Route {
        let entry = member.map().entry(slot);
        let told = self.told[slot.index()];
        let holder = match entry.owner {
            Some(owner) if owner == self.here => match self.owned.get(&slot) {
                Some(term) if *term == entry.term => Holder::Here,
                // It was, and has stepped down.
                _ if told.term == entry.term => Holder::Nobody,
                _ if told.holder == Holder::Here => return Route { holder: Holder::Nobody, ..told },
                _ => return told,
            },
            Some(owner) => self.peer(owner).map_or(Holder::Nobody, Holder::Peer),
            None => Holder::Nobody,
        };
        Route { holder, term: entry.term }
    }

    fn task(&mut self, effect: Effect) -> Option<Task> {
        Some(match effect {
            Effect::Acquire { slot, term, from, continues, given } => {
                self.owned.insert(slot, term);
                let taken = from.is_some_and(|node| node != self.here);
                Task::Acquire { slot, term, continues, given, taken }
            }
            Effect::StepDown { slot, .. } | Effect::Release { slot, .. } => {
                self.owned.remove(&slot);
                Task::Drop { slot }
            }
            Effect::Replicate { slot, term, standby, waits } => {
                let standby = standby
                    .and_then(|(node, Registration(number))| self.peer(node).map(|peer| (peer, number)));
                Task::Replicate { slot, term, standby, waits }
            }
            Effect::Standby { slot, term, of } => {
                Task::Standby { slot, term, of: of.and_then(|node| self.peer(node)) }
            }
            Effect::Freeze { slot, term } => Task::Freeze { slot, term },
            Effect::Transfer { slot, to, .. } => Task::Transfer { slot, to: self.peer(to)? },
            Effect::Thaw { slot, term } => Task::Thaw { slot, term },
            Effect::MapChanged(_)
            | Effect::Ready
            | Effect::NotReady(_)
            | Effect::Renewed
            | Effect::Drained => return None,
        })
    }

    /// Tells the member what a shard said of one of its slots. Call [`Member::handle_timeout`] after it.
    pub fn word(&self, member: &mut Member, now: Monotonic, slot: u16, term: Term, word: SlotWord) {
        let Some(slot) = Slot::new(slot) else { return };
        match word {
            SlotWord::Frozen => member.handle_frozen(slot, term),
            SlotWord::Transferred { done } => member.handle_transferred(now, slot, term, done),
            SlotWord::InSync { standby, registration } => {
                if let Some(node) = self.node(standby) {
                    member.request_in_sync(slot, term, (node, Registration(registration)));
                }
            }
            SlotWord::StandbyLost => member.request_alone(slot, term),
        }
    }
}
