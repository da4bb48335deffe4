//! The owner: rooms whose slots are this shard's. It gives publications their order and says to every interested
//! shard what happened, each over one FIFO.
//!
//! Shard view of the rooms it owns. Invariants: a publication is told to each interested shard once; a shard's first
//! delivery of a room is the `joined` of its first member, with the position from which it follows.

mod commit;
mod duty;
mod filling;
mod gate;
mod history;
mod join;
mod keys;
mod leave;
mod presence;
mod publish;
mod register;
mod replica;
mod stream;
mod tick;

use std::collections::BTreeMap;

use ringway_cluster::Term;
use ringway_protocol::{Epoch, ErrorCode, Event, Format, RequestId, RoomHandle, RoomName, Version};

use crate::frame::Encoder;
use crate::map::HandleMap;
use crate::message::{Delivery, Request, SessionRef};
use crate::recent::Recent;
use crate::room::Room;
use crate::route::{Asker, Edges, slot_of};
use crate::slots::SlotTable;
use crate::time::{Monotonic, Now};
use crate::timers::Timers;
use crate::{EdgeId, PeerId, SessionKey, Shard};

use duty::Duty;
pub use duty::{ClusterUpdate, Task};
use filling::Filling;
pub(crate) use gate::Answer;
pub(crate) use publish::PublishView;
use replica::Replicas;

/// For so long what was sent before its edge knew of a refusal may be on its way.
const REFUSED_MS: u64 = 10_000;

/// The owner's state.
pub(crate) struct Owner<F> {
    pub(crate) rooms: HandleMap<Box<Room<F>>>,
    pub(crate) timers: Timers<RoomHandle>,
    /// Bytes of all histories and keys.
    pub(crate) held_bytes: u64,
    /// By slot, the newest version of any room that ended: its rooms begin there, so that one that comes back goes on above
    /// what is still under way of its earlier life. It rises no faster than the versions of the busiest room.
    floors: BTreeMap<u16, Version>,
    /// Slots taken over a moment ago: in rooms that begin anew there may be more members than have said so.
    partial: BTreeMap<u16, presence::Partial>,
    /// Slots with more than the plain way: a standby, a handover, requests that came early.
    duties: SlotTable<Duty<F>>,
    /// Slots of other owners that are replicated to this shard, and imports of handovers.
    replicas: SlotTable<Replicas<F>>,
    /// When streams to standbys that were refused begin again, by slot.
    again: BTreeMap<u16, Monotonic>,
    /// Who is being brought up to date.
    filling: BTreeMap<PeerId, Filling>,
    /// How many publications were refused that will be repeated, by who sent them to which room.
    pub(crate) refused: Recent<(EdgeId, SessionKey, RoomHandle)>,
    /// Until when this node may speak for its slots.
    lease_until: Monotonic,
    /// Numbers of streams given.
    streams: u32,
}

impl<F> Owner<F> {
    pub(crate) fn new() -> Self {
        Self {
            rooms: HandleMap::new(),
            timers: Timers::new(),
            held_bytes: 0,
            floors: BTreeMap::new(),
            partial: BTreeMap::new(),
            duties: SlotTable::new(),
            replicas: SlotTable::new(),
            again: BTreeMap::new(),
            filling: BTreeMap::new(),
            refused: Recent::new(REFUSED_MS),
            lease_until: Monotonic(u64::MAX),
            streams: 0,
        }
    }

    /// Whether this node may ack and tell for its slots.
    pub(crate) const fn may_speak(&self, now: Monotonic) -> bool {
        now.0 < self.lease_until.0
    }

    /// Rooms of the slot begin above this version from now on.
    pub(crate) fn raise_floor(&mut self, slot: u16, version: Version) {
        let floor = self.floors.entry(slot).or_default();
        *floor = version.max(*floor);
    }

    /// The version that rooms of the slot begin with.
    fn floor(&self, slot: u16, term: Term) -> Version {
        // 24 bits of term, 40 of counter.
        Version(term.0 << 40).max(self.floors.get(&slot).copied().unwrap_or_default())
    }
}

impl<E: Encoder> Shard<E> {
    /// A request of a slot that is this shard's own, under its term.
    pub(crate) fn owner_handle(&mut self, now: Now, from: Asker, request: Request) {
        match request {
            Request::Join(join) => self.owner_join(now, from, *join),
            Request::Leave(leave) => self.owner_leave(now, from, leave),
            Request::Publish(publish) => {
                let view = PublishView::of(&publish);
                self.owner_publish(now, from, &view);
            }
            Request::Pull(pull) => self.owner_pull(from, pull),
            Request::History(history) => self.owner_history(now, from, &history),
            Request::Presence(presence) => self.owner_presence(now, from, &presence),
            Request::Register(register) => self.owner_register(now, from, *register),
            Request::Flush { slot } => self.answer_to(from, slot, Delivery::Flushed),
            Request::Ack { slot, ack } => self.owner_ack(now, from.edge.peer, slot, ack),
        }
    }

    /// Finds the room, or makes it.
    pub(super) fn room_for(
        &mut self,
        now: Now,
        handle: RoomHandle,
        name: &str,
    ) -> Result<&mut Room<E::Frame>, ErrorCode> {
        if let Some(room) = self.owner.rooms.get(handle) {
            if *room.name != *name {
                return Err(ErrorCode::HandleTaken);
            }
        } else {
            let namespace = RoomName::new(name)
                .and_then(|name| self.namespaces.find(name.namespace()))
                .ok_or(ErrorCode::UnknownNamespace)?;
            if self.owner.rooms.len() >= self.settings.limits.rooms_max as usize {
                return Err(ErrorCode::ShardFull);
            }
            let epoch = Epoch(self.random.next_u64().max(1));
            let floor = self.owner.floor(slot_of(handle), self.routes.term(slot_of(handle)));
            let room = Room::new(name, namespace, epoch, floor, now.monotonic);
            self.owner.rooms.insert(handle, Box::new(room));
            self.namespace_counters(namespace).rooms += 1;
            self.look_after(handle, now.monotonic);
            self.replicate_anew(now, handle);
        }
        self.owner.rooms.find(handle).map(Box::as_mut).ok_or(ErrorCode::Internal)
    }

    pub(super) fn reply_error(
        &mut self,
        to: Asker,
        session: SessionRef,
        handle: RoomHandle,
        id: Option<RequestId>,
        code: ErrorCode,
    ) {
        self.count_error(code);
        let frame = self.error_frame(id, None, code, session.format);
        let (format, session) = (session.format, session.key);
        let reply = Delivery::Reply { session, room: None, last: false, format, frames: vec![frame] };
        self.answer_to(to, slot_of(handle), reply);
    }

    pub(super) fn error_frame(
        &mut self,
        id: Option<RequestId>,
        room: Option<&str>,
        code: ErrorCode,
        format: Format,
    ) -> E::Frame {
        let message = code.text();
        let error = ringway_protocol::event::ErrorEvent { id, room, code, retry_after_ms: None, message };
        self.encoder.reply(&Event::Error(error), format)
    }

    /// Sends a broadcast frame to every interested shard of this node, and once to every other node with interested shards,
    /// in the forms that somebody here reads.
    pub(super) fn tell_audience(
        &mut self,
        handle: RoomHandle,
        frame: &E::Frame,
        make: impl Fn(PeerId, E::Frame) -> Delivery<E::Frame>,
    ) {
        let Some(room) = self.owner.rooms.get(handle) else { return };
        if room.has_json_here() {
            self.encoder.prepare(frame, Format::Json, &room.name);
        }
        let slot = slot_of(handle);
        let audience = |shard: &Self, index: usize| -> Option<EdgeId> {
            shard.owner.rooms.get(handle)?.audience.get(index).map(|one| one.edge)
        };
        let mut index = 0;
        while let Some(edge) = audience(self, index) {
            index += 1;
            if edge.peer.is_here() {
                self.tell(edge, slot, 0, make(PeerId::HERE, frame.clone()));
                continue;
            }
            // The audience is sorted: a node's shards follow each other.
            let mut bits = Edges::bit(edge.shard);
            while let Some(next) = audience(self, index).filter(|next| next.peer == edge.peer) {
                bits |= Edges::bit(next.shard);
                index += 1;
            }
            self.tell_peer(edge.peer, Edges::Many(bits), slot, make(edge.peer, frame.clone()));
        }
    }

    /// Sets the room's next look to no later than `at`.
    pub(super) fn look_after(&mut self, handle: RoomHandle, at: Monotonic) {
        if let Some(room) = self.owner.rooms.find(handle)
            && room.tick_at.is_none_or(|earlier| at < earlier)
        {
            self.owner.timers.set(handle, &mut room.tick_at, Some(at));
        }
    }
}
