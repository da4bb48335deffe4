//! The controller: whoever holds the key computes the map. Safety does not rest on there being one: every write compares what it changes.

use super::{Member, Pending, RETRY_MS};
use crate::coordinator::{Compare, Key, Revision};
use crate::map::{CHUNKS, ChunkId};
use crate::placement::{MoveRate, Plan, Standing, State, hold_ms, plan};
use crate::record::Control;
use crate::{Monotonic, SlotOwner};

/// How often the controller looks through a map that does not change.
const LOOK_MS: u64 = 100;
/// How long the controller leaves a part of the map alone after a change, while slots are on their way there: what it writes would refuse what their
/// owners write, and they stand still until that is done.
const MOVING_MS: u64 = 100;
/// How often the controller says that it is at it.
const SIGN_MS: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Controller {
    claiming: bool,
    again_at: Monotonic,
    plan: Option<Plan>,
    rate: MoveRate,
    count: u64,
    /// When the map was last looked through, and as of what.
    looked: Option<(Revision, Monotonic)>,
    /// Parts of the map in which the plan wants nothing, as of their revision: nothing at all, or nothing that is free.
    settled: [Option<(Revision, Wanted)>; CHUNKS],
}

/// What a look through a part of the map found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    /// Perhaps moves, which could not be paid.
    NothingFree,
}

impl Controller {
    pub(super) const fn new(now: Monotonic) -> Self {
        let rate = MoveRate::new(now);
        let settled = [None; CHUNKS];
        Self { claiming: false, again_at: now, plan: None, rate, count: 0, looked: None, settled }
    }

    pub(super) fn handle_claimed(&mut self) {
        self.claiming = false;
    }

    pub(super) fn reset(&mut self) {
        (self.claiming, self.plan) = (false, None);
    }
}

impl Member {
    fn is_controller(&self) -> bool {
        let us = (self.config.node, self.registration);
        self.view.control.is_some_and(|control| (control.node, control.registration) == us)
    }

    /// Nobody holds the key, or one that is dead, draining, or of an earlier life.
    fn is_vacant(&self) -> bool {
        self.view.control.is_none_or(|control| {
            let seen = self.view.nodes.get(&control.node);
            seen.is_none_or(|seen| {
                seen.record.registration != control.registration
                    || matches!(seen.record.state, State::Dead | State::Draining)
            })
        })
    }

    pub(super) fn drive_controller(&mut self, now: Monotonic) {
        // A claim compares our record: not while that changes.
        let may = matches!(self.state(), Some(State::Joining | State::Up))
            && self.lease.may_ack(now)
            && !self.turning;
        if may
            && !self.controller.claiming
            && now >= self.controller.again_at
            && (self.is_vacant() || self.is_controller())
        {
            let wait_ms = if self.is_controller() { SIGN_MS } else { RETRY_MS };
            self.controller.again_at = now.plus_ms(wait_ms);
            self.controller.claiming = true;
            self.controller.count += 1;
            let control = Control {
                node: self.config.node,
                registration: self.registration,
                count: self.controller.count,
            };
            let compare = vec![
                Compare { key: Key::Control, revision: self.view.control_revision },
                self.compare_node(self.config.node),
            ];
            self.transact(Pending::Control, compare, vec![(Key::Control, Some(control.encode()))]);
        }
        if !may || !self.is_controller() || !self.is_settled(now) {
            self.controller.plan = None;
            return;
        }
        let nodes = self.standings(now);
        if !self.controller.plan.as_ref().is_some_and(|plan| plan.is_for(&nodes, self.config.replicas)) {
            self.controller.plan = Some(plan(&nodes, self.config.replicas));
            self.controller.settled = [None; CHUNKS];
        }
    }

    /// Nobody gets anything before every lease that this coordinator may have forgotten is over.
    fn is_settled(&self, now: Monotonic) -> bool {
        self.config.alone || now.since(self.registered) >= self.config.timing.silent_ms() * 1_000
    }

    fn standings(&self, now: Monotonic) -> Vec<Standing> {
        let standing = |(id, seen): (&crate::NodeId, &super::view::Seen)| Standing {
            id: *id,
            weight: seen.record.weight,
            state: seen.record.state,
            stable: now.since(seen.since) >= hold_ms(seen.record.flaps) * 1_000,
        };
        self.view.nodes.iter().map(standing).collect()
    }

    /// Whether the map is to be looked through now: it or the nodes have changed, or moves have become affordable.
    pub(super) fn plans(&mut self, now: Monotonic) -> bool {
        let news = self
            .controller
            .looked
            .is_none_or(|(revision, at)| revision != self.view.revision || now.since(at) >= LOOK_MS * 1_000);
        let plans = self.controller.plan.is_some() && news;
        if plans {
            self.controller.looked = Some((self.view.revision, now));
        }
        plans
    }

    /// Whether the plan wants nothing of this part of the map that so many moves could pay.
    pub(super) fn is_settled_in(&self, id: ChunkId, moves: u64) -> bool {
        self.controller.settled[id.index()].is_some_and(|(revision, wanted)| {
            revision == self.view.chunk_revision(id) && (wanted == Wanted::Nothing || moves == 0)
        })
    }

    /// Every entry was looked at as the controller, with so many moves to spend: nothing is to change.
    pub(super) fn settle_in(&mut self, id: ChunkId, moves: u64) {
        let wanted = if moves > 0 { Wanted::Nothing } else { Wanted::NothingFree };
        self.controller.settled[id.index()] = Some((self.view.chunk_revision(id), wanted));
    }

    /// Whether slots of this part of the map are being handed over, and it changed a moment ago.
    pub(super) fn is_moving(&self, now: Monotonic, id: ChunkId) -> bool {
        let changed = self.view.chunks_seen[id.index()];
        let moves = |entry: &SlotOwner| entry.next.is_some_and(|next| self.is_up(next));
        now.since(changed) < MOVING_MS * 1_000
            && self.view.map.chunk(id).entries().any(|(_, entry)| moves(entry))
    }

    pub(super) fn moves_allowed(&mut self, now: Monotonic) -> u64 {
        self.controller.rate.allowed(now)
    }

    pub(super) fn spend_moves(&mut self, moves: u64) {
        self.controller.rate.spend(moves);
    }

    /// What the controller would make of an entry; nothing if we are not it.
    pub(super) fn improved(
        &self,
        slot: crate::Slot,
        entry: &SlotOwner,
        moves: &mut u64,
    ) -> Option<SlotOwner> {
        self.controller.plan.as_ref()?.improve(slot, entry, moves)
    }
}
