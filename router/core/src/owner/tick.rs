//! What time does to rooms: detached members go, merged presence is told, keys and the past expire, idle rooms end.

use ringway_protocol::{Epoch, Event, Offset, Position, RoomHandle};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::Delivery;
use crate::route::slot_of;
use crate::time::{Monotonic, Now};

/// When to look again after an idle room that waits for a commit.
const COMMIT_LOOK_MS: u64 = 100;

impl<E: Encoder> Shard<E> {
    /// Looks after every room that is due.
    pub(crate) fn owner_tick(&mut self, now: Now) {
        self.tick_duties(now);
        if !self.owner.may_speak(now.monotonic) {
            // Nothing that happens to rooms may be told.
            return;
        }
        while let Some(handle) = self.owner.timers.pop(now.monotonic) {
            if let Some(room) = self.owner.rooms.find(handle) {
                room.tick_at = None;
            }
            self.look_at_room(now, handle);
        }
    }

    fn look_at_room(&mut self, now: Now, handle: RoomHandle) {
        self.trim_history(now, handle);
        let member = self.expire_members(now, handle);
        let key = self.expire_keys(now, handle);
        let presence = self.tell_presence_if_due(now, handle);
        let dedup = self.expire_dedup(now, handle);
        let idle = self.end_idle_room(now, handle);
        // Never at once again: what is due was done.
        let soonest = now.monotonic.plus_ms(1);
        if let Some(next) = [member, key, presence, dedup, idle].into_iter().flatten().min() {
            self.look_after(handle, next.max(soonest));
        }
    }

    fn expire_dedup(&mut self, now: Now, handle: RoomHandle) -> Option<Monotonic> {
        let room = self.owner.rooms.find(handle)?;
        let dedup = room.dedup.as_mut()?;
        dedup.expire(now.monotonic);
        dedup.oldest_at().map(|at| at.plus_ms(crate::room::DEDUP_KEPT_MS))
    }

    /// Ends a room that nobody has been in for a while; when it will, if not now.
    fn end_idle_room(&mut self, now: Now, handle: RoomHandle) -> Option<Monotonic> {
        let room = self.owner.rooms.get(handle)?;
        let ends_at = room.idle_since?.plus_ms(self.namespaces.policy(room.namespace).idle_ms);
        if ends_at > now.monotonic {
            return Some(ends_at);
        }
        if room.given > room.last {
            // Somebody waits for what is not committed yet.
            return Some(now.monotonic.plus_ms(COMMIT_LOOK_MS));
        }
        let mut room = self.owner.rooms.remove(handle)?;
        self.owner.timers.set(handle, &mut room.tick_at, None);
        let keys = room.keys.as_ref().map_or(0, |keys| keys.bytes());
        self.owner.held_bytes -= room.history.bytes() + keys;
        self.owner.raise_floor(slot_of(handle), room.version);
        self.replicate_end(handle);
        self.namespace_counters(room.namespace).rooms -= 1;
        None
    }

    /// Starts a room's order anew: its past, its positions and its versions are void, and everybody is told. Versions go
    /// on rising: values travel apart from the order, and only so can a client tell old from new.
    /// False if there is no such room here.
    pub fn handle_reset(&mut self, now: Now, handle: RoomHandle, reason: &str) -> bool {
        let reset = self.owner.may_speak(now.monotonic) && self.reset_room(now, handle, reason);
        self.settle(now);
        reset
    }

    pub(super) fn reset_room(&mut self, now: Now, handle: RoomHandle, reason: &str) -> bool {
        let epoch = Epoch(self.random.next_u64().max(1));
        let Some(room) = self.owner.rooms.find(handle) else { return false };
        room.epoch = epoch;
        room.last = Offset(0);
        room.given = Offset(0);
        self.owner.held_bytes -= room.history.clear() + room.keys.take().map_or(0, |keys| keys.bytes());
        room.dedup = None;
        self.replicate_anew(now, handle);
        let Some(room) = self.owner.rooms.find(handle) else { return false };
        let (position, version) = (Position { epoch, offset: room.last }, room.version);
        let frame = self.encoder.broadcast(&Event::Reset { room: &room.name, position, version, reason });
        self.tell_audience(handle, &frame, |_, frame| Delivery::Reset { handle, position, frame });
        true
    }
}
