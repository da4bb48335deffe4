//! A member goes: at once, or after its connection has been broken for a while.

use ringway_protocol::{ErrorCode, Event, RoomHandle, SessionId};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Delivery, LeaveRequest};
use crate::room::MemberPlace;
use crate::route::{Asker, slot_of};
use crate::time::Now;

impl<E: Encoder> Shard<E> {
    pub(super) fn owner_leave(&mut self, now: Now, from: Asker, leave: LeaveRequest) {
        let place = MemberPlace { edge: from.edge, key: leave.session.key, format: leave.session.format };
        let (handle, session) = (leave.handle, leave.session.id);
        let Some(room) = self.owner.rooms.find(handle) else {
            // Its join was refused while the leave was on its way.
            if leave.id.is_some() {
                self.reply_error(from, leave.session, handle, leave.id, ErrorCode::NotJoined);
            }
            return;
        };
        let name = room.name.clone();
        let policy = self.namespaces.policy(room.namespace);
        let detach_ms = policy.detach_ms;
        match room.members.find(session) {
            Some(member) if member.place == Some(place) => {
                let presence = member.presence;
                member.place = None;
                member.leaves_at = now.monotonic.plus_ms(detach_ms);
                let leaves_at = member.leaves_at;
                room.detach(place, presence);
                if leave.departure.is_final() || detach_ms == 0 {
                    self.remove_member(now, handle, session);
                } else {
                    self.look_after(handle, leaves_at);
                }
            }
            // A newer incarnation has the place, or the join was refused.
            Some(_) | None => {}
        }
        if let Some(id) = leave.id {
            let frame = self.encoder.reply(&Event::Left { id: Some(id), room: &name }, leave.session.format);
            let (session, format) = (leave.session.key, leave.session.format);
            let reply =
                Delivery::Reply { session, room: Some(handle), last: true, format, frames: vec![frame] };
            self.answer_to(from, slot_of(handle), reply);
        }
    }

    /// Takes a member without place out of the room and tells the others.
    pub(super) fn remove_member(&mut self, now: Now, handle: RoomHandle, session: SessionId) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let namespace = room.namespace;
        let Some(member) = room.members.remove(session) else { return };
        let empty = room.members.len() == 0;
        if empty {
            room.idle_since = Some(now.monotonic);
        }
        self.namespace_counters(namespace).members -= 1;
        let policy = self.namespaces.policy(namespace);
        let (key_ttl_ms, idle_ms) = (policy.key_ttl_ms, policy.idle_ms);
        if member.has_keys {
            self.release_keys(now, handle, session, key_ttl_ms);
        }
        self.presence_left(now, handle, member);
        if empty {
            self.look_after(handle, now.monotonic.plus_ms(idle_ms));
        }
    }

    /// Members whose connection has been broken for too long; when the next one is due.
    pub(super) fn expire_members(&mut self, now: Now, handle: RoomHandle) -> Option<crate::Monotonic> {
        let room = self.owner.rooms.get(handle)?;
        let detached = room.members.len() > room.audience.iter().map(|one| one.members as usize).sum();
        if !detached {
            return None;
        }
        let mut next = None;
        let mut gone = Vec::new();
        for member in room.members.after(None).filter(|member| member.place.is_none()) {
            if member.leaves_at <= now.monotonic {
                gone.push(member.session);
            } else if next.is_none_or(|next| member.leaves_at < next) {
                next = Some(member.leaves_at);
            }
        }
        for session in gone {
            self.remove_member(now, handle, session);
        }
        next
    }
}
