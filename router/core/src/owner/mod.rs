//! The owner: rooms whose slots are this shard's. It gives publications their order and says to every interested
//! shard what happened, each over one FIFO.
//!
//! Shard view of the rooms it owns. Invariants: a publication is told to each interested shard once; a shard's first
//! delivery of a room is the `joined` of its first member, with the position from which it follows.

mod history;
mod join;
mod keys;
mod leave;
mod presence;
mod publish;
mod tick;

use ringway_protocol::{Epoch, ErrorCode, Event, Format, RequestId, RoomHandle, RoomName, Version};

use crate::frame::Encoder;
use crate::map::HandleMap;
use crate::message::{Delivery, Request, SessionRef};
use crate::room::Room;
use crate::time::{Monotonic, Now};
use crate::timers::Timers;
use crate::{Shard, ShardId};

pub(crate) use publish::PublishView;

/// The owner's state.
pub(crate) struct Owner<F> {
    pub(crate) rooms: HandleMap<Box<Room<F>>>,
    pub(crate) timers: Timers<RoomHandle>,
    /// Bytes of all histories and keys.
    pub(crate) held_bytes: u64,
    /// The newest version of any room that ended: all rooms begin there, so that one that comes back goes on above what
    /// is still under way of its earlier life. It rises no faster than the versions of the busiest room.
    pub(crate) version_ended: Version,
}

impl<F> Owner<F> {
    pub(crate) fn new() -> Self {
        Self { rooms: HandleMap::new(), timers: Timers::new(), held_bytes: 0, version_ended: Version(0) }
    }
}

impl<E: Encoder> Shard<E> {
    pub(crate) fn owner_handle(&mut self, now: Now, from: ShardId, request: Request) {
        match request {
            Request::Join(join) => self.owner_join(now, from, *join),
            Request::Leave(leave) => self.owner_leave(now, from, leave),
            Request::Publish(publish) => {
                let view = PublishView::of(&publish);
                self.owner_publish(now, from, &view);
            }
            Request::Pull(pull) => self.owner_pull(from, pull),
            Request::History(history) => self.owner_history(now, from, &history),
            Request::Presence(presence) => self.owner_presence(from, &presence),
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
            let room = Room::new(name, namespace, epoch, self.owner.version_ended, now.monotonic);
            self.owner.rooms.insert(handle, Box::new(room));
            self.namespace_counters(namespace).rooms += 1;
            self.look_after(handle, now.monotonic);
        }
        self.owner.rooms.find(handle).map(Box::as_mut).ok_or(ErrorCode::Internal)
    }

    pub(super) fn reply_error(
        &mut self,
        to: ShardId,
        session: SessionRef,
        id: Option<RequestId>,
        code: ErrorCode,
    ) {
        self.count_error(code);
        let frame = self.error_frame(id, None, code, session.format);
        self.deliver(
            to,
            Delivery::Reply { session: session.key, room: None, last: false, frames: vec![frame] },
        );
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

    /// Sends a broadcast frame to every interested shard, in the forms that somebody there reads.
    pub(super) fn tell_audience(
        &mut self,
        handle: RoomHandle,
        frame: &E::Frame,
        make: impl Fn(ShardId, E::Frame) -> Delivery<E::Frame>,
    ) {
        let Some(room) = self.owner.rooms.get(handle) else { return };
        if room.has_json() {
            self.encoder.prepare(frame, Format::Json, &room.name);
        }
        let audience = |shard: &Self, index: usize| {
            shard.owner.rooms.get(handle)?.audience.get(index).map(|one| ShardId(one.shard))
        };
        let mut index = 0;
        while let Some(shard) = audience(self, index) {
            index += 1;
            self.deliver(shard, make(shard, frame.clone()));
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
