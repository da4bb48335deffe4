//! Who is there: changes told at once in small rooms and merged in large ones, lists page by page.

use ringway_protocol::event::{PresenceChanged, PresencePage};
use ringway_protocol::{ErrorCode, Event, RoomHandle, SessionId, limit};

use super::join::member_event;
use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Delivery, PresenceRequest};
use crate::room::{Member, PresenceChanges};
use crate::route::{Asker, slot_of};
use crate::settings::PresenceMode;
use crate::time::{Monotonic, Now};

/// Changes of large rooms are told together, once in this time.
const MERGE_MS: u64 = 1_000;
/// How long who is there may be more than an owner knows that began without what the one before it knew. Whoever has a member there says so as soon as
/// it sees the new map; a node that has not seen it by then has lost its lease, and its members hear nothing.
const PARTIAL_MS: u64 = 2_000;

/// A slot in whose rooms there may be members that have not said so yet.
pub(super) struct Partial {
    until: Monotonic,
    /// Rooms of which everything is known, in order.
    whole: Vec<RoomHandle>,
}

impl<E: Encoder> Shard<E> {
    pub(super) fn presence_joined(&mut self, now: Now, handle: RoomHandle, session: SessionId) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let Some(member) = room.members.find(session).cloned() else { return };
        self.change_presence(now, handle, |changes| {
            // Gone and back before it was told: nothing changed.
            let back = changes.left.iter().position(|left| left.session == member.session);
            match back {
                Some(index) => drop(changes.left.remove(index)),
                None if changes.joined.len() < limit::PRESENCE_NAMED_MAX => changes.joined.push(member),
                None => changes.truncated = true,
            }
        });
    }

    pub(super) fn presence_left(&mut self, now: Now, handle: RoomHandle, member: Member) {
        self.change_presence(now, handle, |changes| {
            let came = changes.joined.iter().position(|joined| joined.session == member.session);
            match came {
                Some(index) => drop(changes.joined.remove(index)),
                None if changes.left.len() < limit::PRESENCE_NAMED_MAX => changes.left.push(member),
                None => changes.truncated = true,
            }
        });
    }

    fn change_presence(&mut self, now: Now, handle: RoomHandle, note: impl FnOnce(&mut PresenceChanges)) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let mode = self.namespaces.policy(room.namespace).presence;
        if mode == PresenceMode::Off || room.audience.iter().all(|one| one.presence == 0) {
            // Nobody is to be told; whoever comes later gets the list as it is then.
            room.changes = None;
            return;
        }
        let at_once = room.members.len() <= limit::PRESENCE_IMMEDIATE_MEMBERS_MAX;
        let changes = room.changes.get_or_insert_with(|| {
            Box::new(PresenceChanges {
                tell_at: now.monotonic.plus_ms(MERGE_MS),
                ..PresenceChanges::default()
            })
        });
        note(changes);
        let tell_at = changes.tell_at;
        if at_once {
            self.tell_presence(handle);
        } else {
            self.look_after(handle, tell_at);
        }
    }

    fn tell_presence(&mut self, handle: RoomHandle) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let Some(changes) = room.changes.take() else { return };
        let policy = self.namespaces.policy(room.namespace);
        let named = |members: &[Member]| -> usize {
            if policy.presence == PresenceMode::List { members.len() } else { 0 }
        };
        let (joined, left) = (named(&changes.joined), named(&changes.left));
        let info = policy.member_info;
        let event = Event::PresenceChanged(PresenceChanged {
            room: &room.name,
            count: room.members.len() as u32,
            joined: changes.joined[..joined].iter().map(|member| member_event(member, info)).collect(),
            left: changes.left[..left].iter().map(|member| member_event(member, info)).collect(),
            truncated: changes.truncated,
        });
        let frame = self.encoder.broadcast(&event);
        self.tell_audience(handle, &frame, |_, frame| Delivery::PresenceChanged { handle, frame });
    }

    /// Tells merged changes that are due; when they will be, if they are not.
    pub(super) fn tell_presence_if_due(&mut self, now: Now, handle: RoomHandle) -> Option<Monotonic> {
        let tell_at = self.owner.rooms.get(handle)?.changes.as_ref()?.tell_at;
        if tell_at > now.monotonic {
            return Some(tell_at);
        }
        self.tell_presence(handle);
        None
    }

    /// The slot was another's, and of its rooms only these are known here. `whole`: in order.
    pub(super) fn begin_partial(&mut self, now: Now, slot: u16, whole: Vec<RoomHandle>) {
        let until = now.monotonic.plus_ms(PARTIAL_MS);
        self.owner.partial.insert(slot, Partial { until, whole });
    }

    fn is_partial(&self, now: Now, handle: RoomHandle) -> bool {
        self.owner.partial.get(&slot_of(handle)).is_some_and(|partial| {
            now.monotonic < partial.until && partial.whole.binary_search(&handle).is_err()
        })
    }

    /// Forgets what is partial no longer.
    pub(super) fn tick_partial(&mut self, now: Now) {
        self.owner.partial.retain(|_, partial| now.monotonic < partial.until);
    }

    pub(super) fn owner_presence(&mut self, now: Now, from: Asker, request: &PresenceRequest) {
        let session = request.session;
        let namespace = match self.owner.rooms.get(request.handle) {
            Some(room) if *room.name != *request.room => {
                return self.reply_error(from, session, request.handle, request.id, ErrorCode::HandleTaken);
            }
            Some(room) => Some(room.namespace),
            None => ringway_protocol::RoomName::new(&request.room)
                .and_then(|name| self.namespaces.find(name.namespace())),
        };
        let mode = namespace.map_or(PresenceMode::Off, |id| self.namespaces.policy(id).presence);
        if mode == PresenceMode::Off {
            return self.reply_error(from, session, request.handle, request.id, ErrorCode::PresenceDenied);
        }
        let partial = self.is_partial(now, request.handle);
        let room = self.owner.rooms.get(request.handle);
        let info = namespace.is_some_and(|id| self.namespaces.policy(id).member_info);
        let mut members = Vec::new();
        let mut cursor = None;
        if mode == PresenceMode::List
            && let Some(room) = room
        {
            let mut after = room.members.after(request.cursor.map(SessionId));
            members.extend(
                after.by_ref().take(limit::PRESENCE_PAGE_MAX).map(|member| member_event(member, info)),
            );
            if after.next().is_some() {
                cursor = members.last().map(|member| member.session.0);
            }
        }
        let page = Event::Presence(PresencePage {
            id: request.id,
            room: &request.room,
            count: room.map_or(0, |room| room.members.len() as u32),
            members,
            cursor,
            partial,
        });
        let frame = self.encoder.reply(&page, session.format);
        let (session, format, handle) = (session.key, session.format, request.handle);
        let reply = Delivery::Reply { session, room: Some(handle), last: false, format, frames: vec![frame] };
        self.answer_to(from, slot_of(handle), reply);
    }
}
