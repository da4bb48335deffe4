//! What the cluster asks of an owner: to take a slot, to let go of one, to replicate it, to hand it over.
//!
//! Most slots have no duty: they are owned, and that is all. A duty exists while there is more to think of.

use std::collections::VecDeque;

use ringway_cluster::{Slot, Term};
use ringway_protocol::RoomHandle;

use super::commit::Pending;
use super::stream::{Stream, Which};
use crate::Shard;
use crate::frame::Encoder;
use crate::message::Asked;
use crate::output::{Output, SlotWord};
use crate::record::Purpose;
use crate::route::{EdgeId, Holder, PeerId, Route};
use crate::time::{Monotonic, Now};

/// What changed in the cluster, applied as one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterUpdate {
    /// Slots with another owner or term; every shard takes all.
    pub routes: Vec<(Slot, Route)>,
    /// What the owner, or standby, of a slot is to do; a shard takes those whose home it is.
    pub tasks: Vec<Task>,
}

/// What one slot's owner, or standby, is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Own it; with the order that was replicated or handed over to this node if it `continues`.
    Acquire {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// Whether the order goes on.
        continues: bool,
        /// It was handed over by its living owner: what came by replication is less.
        given: bool,
        /// It was another node's before.
        taken: bool,
    },
    /// Own it no more; what was asked and not done is given back.
    Drop {
        /// Which.
        slot: Slot,
    },
    /// Replicate it to this node, of this registration.
    Replicate {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// To whom.
        standby: Option<(PeerId, u64)>,
        /// Commit nothing without it.
        waits: bool,
    },
    /// Take what this owner replicates; `None`: no more.
    Standby {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
        /// Whose.
        of: Option<PeerId>,
    },
    /// Take nothing more, commit what is there, and say [`SlotWord::Frozen`].
    Freeze {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
    },
    /// Bring the frozen slot to this node and say [`SlotWord::Transferred`].
    Transfer {
        /// Which.
        slot: Slot,
        /// To whom.
        to: PeerId,
    },
    /// Go on.
    Thaw {
        /// Which.
        slot: Slot,
        /// Under what.
        term: Term,
    },
}

impl Task {
    /// Whose it is.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Acquire { slot, .. }
            | Self::Drop { slot }
            | Self::Replicate { slot, .. }
            | Self::Standby { slot, .. }
            | Self::Freeze { slot, .. }
            | Self::Transfer { slot, .. }
            | Self::Thaw { slot, .. } => *slot,
        }
    }
}

/// More than the plain way, for one slot.
pub(crate) struct Duty<F> {
    /// Being handed over: requests wait.
    pub(super) frozen: bool,
    said_frozen: bool,
    /// Who shall have everything, and of which registration.
    pub(super) standby: Option<(PeerId, u64)>,
    /// Nothing is committed without it.
    pub(super) waits: bool,
    /// What goes to the standby.
    pub(super) stream: Option<Stream>,
    /// What goes to the next owner.
    pub(super) transfer: Option<Stream>,
    /// Publications that wait for the standby.
    pub(super) pending: VecDeque<Pending<F>>,
    /// Requests that wait for the end of the handover.
    pub(super) waiting: VecDeque<(EdgeId, Asked)>,
    /// Requests under a term that this shard does not know yet.
    pub(super) early: VecDeque<(EdgeId, Asked)>,
}

impl<F> Duty<F> {
    const fn new() -> Self {
        Self {
            frozen: false,
            said_frozen: false,
            standby: None,
            waits: false,
            stream: None,
            transfer: None,
            pending: VecDeque::new(),
            waiting: VecDeque::new(),
            early: VecDeque::new(),
        }
    }

    fn is_idle(&self) -> bool {
        !self.frozen
            && !self.waits
            && self.standby.is_none()
            && self.transfer.is_none()
            && self.pending.is_empty()
            && self.waiting.is_empty()
            && self.early.is_empty()
    }
}

impl<F> super::Owner<F> {
    /// When a stream begins again, or refusals are forgotten.
    pub(crate) fn duties_at(&self) -> Option<Monotonic> {
        self.again.values().copied().chain(self.refused.next()).min()
    }

    /// Requests that wait for the map, or for the end of a handover.
    pub(crate) fn duties_kept(&self) -> usize {
        self.duties.values().map(|duty| duty.waiting.len() + duty.early.len()).sum()
    }

    /// Publications that wait for a standby.
    pub(crate) fn duties_pending(&self) -> usize {
        self.duties.values().map(|duty| duty.pending.len()).sum()
    }

    /// Slots that are being handed over.
    pub(crate) fn duties_frozen(&self) -> usize {
        self.duties.values().filter(|duty| duty.frozen).count()
    }
}

impl<E: Encoder> Shard<E> {
    /// The cluster's map or this node's part in it changed.
    pub fn handle_cluster(&mut self, now: Now, update: &ClusterUpdate) {
        let mine = |shard: &Self, task: &&Task| shard.home(task.slot().number()) == shard.config.id;
        let dropped: Vec<u16> = update
            .tasks
            .iter()
            .filter(|task| mine(self, task))
            .filter_map(|task| match task {
                Task::Drop { slot } => Some(slot.number()),
                _ => None,
            })
            .collect();
        self.drop_slots(now, &dropped);
        let mut changed = Vec::new();
        for (slot, route) in &update.routes {
            let before = self.routes.get(slot.number());
            if before != *route {
                self.routes.set(*slot, *route);
                changed.push((slot.number(), before));
            }
        }
        let tasks: Vec<_> = update.tasks.iter().filter(|task| mine(self, task)).copied().collect();
        for task in tasks {
            self.handle_task(now, task);
        }
        for (slot, _) in &changed {
            self.take_kept(now, *slot);
        }
        self.fill_next(now);
        self.edge_rerouted(now, &changed);
        self.settle(now);
    }

    /// Until when this node may speak for its slots, by the clock that [`Now`] has.
    pub fn handle_lease(&mut self, now: Now, until: Monotonic) {
        let before = self.owner.lease_until;
        self.owner.lease_until = until;
        if before <= now.monotonic && until > now.monotonic {
            let slots: Vec<u16> = self.owner.duties.slots();
            for slot in slots {
                self.commit_ready(now, slot);
                self.begin_standby(now, slot);
            }
            self.settle(now);
        }
    }

    fn handle_task(&mut self, now: Now, task: Task) {
        let slot = task.slot().number();
        let route = self.routes.get(slot);
        let holds = |term: Term| route == Route { holder: Holder::Here, term };
        match task {
            Task::Drop { .. } => {}
            Task::Acquire { term, continues, given, taken, .. } => {
                let replicas = self.owner.replicas.remove(slot);
                // Otherwise it is another's again: one update may hold several turns of the map.
                if holds(term) {
                    let heir = replicas.filter(|_| continues).and_then(|them| them.heir(term, given));
                    self.counters.heirs_without_order += u64::from(continues && heir.is_none());
                    // Whoever gives a slot away gives all of it; a standby has the rooms that are replicated.
                    if taken && !given {
                        self.begin_partial(
                            now,
                            slot,
                            heir.as_ref().map_or(Vec::new(), |heir| heir.handles()),
                        );
                    }
                    if let Some(heir) = heir {
                        self.inherit(now, slot, heir);
                    }
                }
            }
            Task::Replicate { term, standby, waits, .. } if holds(term) => {
                self.replicate_to(now, slot, standby, waits);
            }
            Task::Standby { term, of, .. } => self.stand_by(slot, term, of),
            Task::Freeze { term, .. } if holds(term) => {
                let duty = self.duty(slot);
                (duty.frozen, duty.said_frozen) = (true, false);
                self.say_frozen(slot);
            }
            Task::Transfer { to, .. } if route.holder == Holder::Here => {
                if self.owner.duties.get(slot).is_some_and(|duty| duty.frozen) {
                    self.begin_stream(now, slot, Which::Transfer, to, Purpose::Handover);
                }
            }
            Task::Thaw { term, .. } if holds(term) => {
                let duty = self.duty(slot);
                duty.frozen = false;
                duty.transfer = None;
                self.take_kept(now, slot);
            }
            // Overtaken by a newer map.
            Task::Replicate { .. } | Task::Freeze { .. } | Task::Transfer { .. } | Task::Thaw { .. } => {}
        }
        self.settle_duty(slot);
    }

    /// The slot's duty, made if it has none.
    pub(super) fn duty(&mut self, slot: u16) -> &mut Duty<E::Frame> {
        self.routes.watch(slot, true);
        self.owner.duties.get_or_insert_with(slot, Duty::new)
    }

    /// Forgets a duty that asks for nothing.
    pub(super) fn settle_duty(&mut self, slot: u16) {
        if self.owner.duties.get(slot).is_some_and(|duty| duty.is_idle()) {
            self.owner.duties.remove(slot);
        }
        self.rewatch(slot);
    }

    /// The slot takes the plain way if nobody has more to think of.
    pub(crate) fn rewatch(&mut self, slot: u16) {
        let watched = self.owner.duties.get(slot).is_some() || self.edge.crossings.contains_key(&slot);
        self.routes.watch(slot, watched);
    }

    /// The frozen slot has nothing left that is not committed.
    pub(super) fn say_frozen(&mut self, slot: u16) {
        let term = self.routes.term(slot);
        if let Some(duty) = self.owner.duties.get_mut(slot)
            && duty.frozen
            && !duty.said_frozen
            && duty.pending.is_empty()
        {
            duty.said_frozen = true;
            self.outputs.push_back(Output::Slot { slot, term, word: SlotWord::Frozen });
        }
    }

    /// These slots are another's now, or nobody's: their rooms go, and what was asked is given back.
    fn drop_slots(&mut self, now: Now, slots: &[u16]) {
        if slots.is_empty() {
            return;
        }
        for slot in slots {
            let Some(mut duty) = self.owner.duties.remove(*slot) else { continue };
            for pending in core::mem::take(&mut duty.pending) {
                self.fail_pending(now, &pending);
            }
            // Given back once the new route stands, so that the edge learns the term.
            let keeps = core::mem::take(&mut duty.waiting);
            let early = core::mem::take(&mut duty.early);
            if !keeps.is_empty() || !early.is_empty() {
                let duty = self.duty(*slot);
                (duty.waiting, duty.early) = (keeps, early);
            }
        }
        let gone = self.owner.rooms.handles_where(|handle| slots.contains(&handle.slot()));
        for handle in gone {
            self.drop_room(handle);
        }
        for slot in slots {
            self.owner.floors.remove(slot);
            self.owner.partial.remove(slot);
        }
    }

    fn drop_room(&mut self, handle: RoomHandle) {
        let Some(mut room) = self.owner.rooms.remove(handle) else { return };
        self.owner.timers.set(handle, &mut room.tick_at, None);
        self.owner.held_bytes -= room.history.bytes() + room.keys.as_ref().map_or(0, |keys| keys.bytes());
        let counters = self.namespace_counters(room.namespace);
        counters.rooms -= 1;
        counters.members -= room.members.len() as u64;
    }

    /// The link to a node came up or went down.
    pub fn handle_peer(&mut self, now: Now, peer: PeerId, up: bool) {
        self.exchange.set_peer(peer, up);
        self.owner_peer(now, peer, up);
        self.edge_peer(now, peer, up);
        self.settle(now);
    }

    fn owner_peer(&mut self, now: Now, peer: PeerId, up: bool) {
        let slots: Vec<u16> = self.owner.duties.slots();
        for slot in slots {
            if up {
                self.begin_standby(now, slot);
                continue;
            }
            if let Some(duty) = self.owner.duties.get_mut(slot) {
                // Their edge asks again when it is back.
                duty.waiting.retain(|(from, _)| from.peer != peer);
                duty.early.retain(|(from, _)| from.peer != peer);
            }
            self.lose_streams(now, slot, peer);
            self.settle_duty(slot);
        }
        if !up {
            self.owner.filling.remove(&peer);
            self.detach_peer(now, peer);
        }
    }

    /// Members on a node out of reach are as those whose connection broke.
    fn detach_peer(&mut self, now: Now, peer: PeerId) {
        let affected =
            self.owner.rooms.handles_with(|room| room.audience.iter().any(|one| one.edge.peer == peer));
        for handle in affected {
            let Some(room) = self.owner.rooms.find(handle) else { continue };
            let leaves_at = now.monotonic.plus_ms(self.namespaces.policy(room.namespace).detach_ms);
            room.detach_where(leaves_at, |place| place.edge.peer == peer);
            self.look_after(handle, leaves_at);
        }
    }
}
