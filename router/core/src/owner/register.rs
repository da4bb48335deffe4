//! An edge says who of it is in a room, and how far it has heard: to an owner that is new, or was out of reach.

use ringway_protocol::{CloseCode, Event, Format, Offset, Position, RoomHandle};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Delivery, KeyValue, RegisterRequest, RegisteredDelivery, RegisteredMember};
use crate::room::{Member, MemberPlace, PresenceChanges};
use crate::route::{Asker, EdgeId, slot_of};
use crate::settings::PresenceMode;
use crate::time::Now;

/// Bytes of what was missed that go along with the answer; the rest is pulled.
const MISSED_BYTES_MAX: u64 = 64 * 1024;
/// Members whom the owner did not know are told of together, once so many others have said who is there.
const TELL_MS: u64 = 1_000;

impl<E: Encoder> Shard<E> {
    pub(super) fn owner_register(&mut self, now: Now, from: Asker, register: RegisterRequest) {
        let RegisterRequest { handle, room, held, last, members } = register;
        if let Err(code) = self.room_for(now, handle, &room) {
            // Another room has the handle, or this node lacks the namespace: joining again tells them why.
            self.count_error(code);
            for member in members {
                let (session, code) = (member.session.key, CloseCode::Internal);
                self.tell(from.edge, slot_of(handle), 0, Delivery::Displaced { session, code });
            }
            return;
        }
        self.rewind_forked(now, handle, held);
        // Nobody is forgotten for not being named: who was there when the link broke is detached since, and a join that this edge has not
        // had its answer to is newer than what it says here. Whoever asks for presence was told of no change while its edge was out of reach.
        let mut behind = members.iter().any(|member| member.presence);
        for member in members {
            behind |= self.register_member(now, handle, from.edge, member);
        }
        if behind {
            self.tell_of_unknown(now, handle);
        }
        if last {
            self.trim_history(now, handle);
            self.confirm_edge(from, handle, held);
        }
    }

    /// An edge that has heard more than there is proves that this is another order under the same name: it begins anew.
    fn rewind_forked(&mut self, now: Now, handle: RoomHandle, held: Position) {
        let Some(room) = self.owner.rooms.get(handle) else { return };
        if held.epoch == room.epoch && held.offset > room.last {
            self.counters.forks_prevented += 1;
            self.reset_room(now, handle, "failover");
        }
    }

    /// True if the member was not known.
    fn register_member(
        &mut self,
        now: Now,
        handle: RoomHandle,
        edge: EdgeId,
        member: RegisteredMember,
    ) -> bool {
        let RegisteredMember { session, user, info, presence } = member;
        let place = MemberPlace { edge, key: session.key, format: session.format };
        let Some(room) = self.owner.rooms.find(handle) else { return false };
        let has_keys = room.keys.is_some();
        let displaced = |place: MemberPlace| (place.edge, place.key);
        let (mut older, mut unknown) = (None, false);
        match room.members.find(session.id) {
            Some(known) if known.generation > session.generation => older = Some(displaced(place)),
            Some(known) => {
                let before = known.place.replace(place);
                let presence_before = core::mem::replace(&mut known.presence, presence);
                known.generation = session.generation;
                if let Some(before) = before {
                    room.detach(before, presence_before);
                    older = Some(displaced(before)).filter(|_| before != place);
                }
                room.attach(edge, session.format, presence);
            }
            None => {
                room.members.insert(Member {
                    session: session.id,
                    generation: session.generation,
                    user,
                    info,
                    place: Some(place),
                    leaves_at: now.monotonic,
                    presence,
                    has_keys,
                });
                room.attach(edge, session.format, presence);
                room.idle_since = None;
                unknown = true;
                let namespace = room.namespace;
                self.namespace_counters(namespace).members += 1;
            }
        }
        if let Some((edge, session)) = older {
            let code = CloseCode::TakenOver;
            self.tell(edge, slot_of(handle), 0, Delivery::Displaced { session, code });
        }
        unknown
    }

    /// Nobody came: they had been there. But who else was, and is not any more, only the count can tell.
    fn tell_of_unknown(&mut self, now: Now, handle: RoomHandle) {
        let Some(room) = self.owner.rooms.find(handle) else { return };
        let mode = self.namespaces.policy(room.namespace).presence;
        if mode == PresenceMode::Off || room.audience.iter().all(|one| one.presence == 0) {
            return;
        }
        let tell_at = now.monotonic.plus_ms(TELL_MS);
        let changes = room
            .changes
            .get_or_insert_with(|| Box::new(PresenceChanges { tell_at, ..PresenceChanges::default() }));
        changes.truncated = true;
        let tell_at = changes.tell_at;
        self.look_after(handle, tell_at);
    }

    /// Says where the order stands, and what of it the edge has missed.
    fn confirm_edge(&mut self, to: Asker, handle: RoomHandle, held: Position) {
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let (position, version) = (room.position(), room.version);
        let members = room.members.len() as u32;
        let (mut gone, mut missed, mut reset) = (None, Vec::new(), None);
        if held.epoch == position.epoch {
            let wanted = held.offset.next();
            let start = wanted.max(room.history.first());
            gone = (start > wanted && wanted <= position.offset).then(|| (wanted, Offset(start.0 - 1)));
            let mut bytes = 0;
            for (offset, kept) in room.history.from(start) {
                bytes += u64::from(kept.bytes);
                if bytes > MISSED_BYTES_MAX {
                    break;
                }
                missed.push((offset, kept.frame.clone()));
            }
        } else {
            let reason = "failover";
            let event = Event::Reset { room: &room.name, position, version, reason };
            reset = Some(self.encoder.broadcast(&event));
        }
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let keys: Vec<_> = room
            .keys
            .iter()
            .flat_map(|keys| keys.iter())
            .map(|(_, stored)| KeyValue { key_tag: stored.key_tag, frame: stored.frame.clone() })
            .collect();
        if to.edge.peer.is_here() && room.audience.iter().any(|one| one.edge == to.edge && one.json > 0) {
            let frames = missed.iter().map(|(_, frame)| frame).chain(keys.iter().map(|value| &value.frame));
            for frame in frames.chain(&reset) {
                self.encoder.prepare(frame, Format::Json, &room.name);
            }
        }
        let registered = RegisteredDelivery { handle, position, reset, gone, missed, keys, members };
        self.answer_to(to, slot_of(handle), Delivery::Registered(Box::new(registered)));
    }
}
