//! A session becomes a member: new, or moved here from an older connection.

use std::collections::BTreeMap;

use ringway_protocol::command::Since;
use ringway_protocol::event::{self, Joined};
use ringway_protocol::{CloseCode, ErrorCode, Event, Format, Offset, RoomHandle, Version, limit};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Delivery, JoinRequest, JoinedDelivery, KeyValue};
use crate::room::{KeyName, Member, MemberPlace, Room};
use crate::route::{Asker, slot_of};
use crate::settings::{KeyScope, PresenceMode, SenderMode};
use crate::time::Now;

/// What a joiner gets of the past.
struct Recovery {
    recovered: bool,
    replay_from: Option<Offset>,
    replay: u32,
    gap: Option<(Offset, Offset)>,
}

/// What became of the member's record.
enum Arrival {
    New,
    /// The session was a member already; its older connection, if it still has one, is to be closed.
    Moved(Option<MemberPlace>),
}

impl<E: Encoder> Shard<E> {
    pub(super) fn owner_join(&mut self, now: Now, from: Asker, join: JoinRequest) {
        let arrival = match self.admit_member(now, from, &join) {
            Ok(arrival) => arrival,
            Err(code) => {
                self.refuse_join(from, &join, code);
                return;
            }
        };
        match arrival {
            Arrival::Moved(Some(older)) => {
                let code = CloseCode::TakenOver;
                let slot = slot_of(join.handle);
                self.tell(older.edge, slot, 0, Delivery::Displaced { session: older.key, code });
            }
            Arrival::Moved(None) => {}
            Arrival::New => self.presence_joined(now, join.handle, join.session.id),
        }
        self.trim_history(now, join.handle);
        self.confirm(from, &join);
        // Counted in only now, so that what was told before did not go to a shard that was not yet interested.
        if let Some(room) = self.owner.rooms.find(join.handle) {
            room.attach(from.edge, join.session.format, join.presence);
        }
    }

    pub(super) fn refuse_join(&mut self, from: Asker, join: &JoinRequest, code: ErrorCode) {
        self.count_error(code);
        let room = join.many.then_some(&*join.room);
        let frame = self.error_frame(join.id, room, code, join.session.format);
        let (session, handle, seat) = (join.session.key, join.handle, join.seat);
        self.answer_to(from, slot_of(handle), Delivery::JoinRefused { session, handle, seat, frame });
    }

    fn admit_member(&mut self, now: Now, from: Asker, join: &JoinRequest) -> Result<Arrival, ErrorCode> {
        let members_max = {
            let namespace = self.room_for(now, join.handle, &join.room)?.namespace;
            self.namespaces.policy(namespace).members_max
        };
        let room = self.room_for(now, join.handle, &join.room)?;
        let place = MemberPlace { edge: from.edge, key: join.session.key, format: join.session.format };
        let members = room.members.len();
        if let Some(member) = room.members.find(join.session.id) {
            let same_connection = member.place == Some(place);
            let newer = join.session.generation > member.generation;
            let returned = member.place.is_none() && join.session.generation == member.generation;
            if !newer && !same_connection && !returned {
                return Err(ErrorCode::ResumeStale);
            }
            let older = member.place.replace(place);
            let older_presence = member.presence;
            member.generation = join.session.generation;
            member.presence = join.presence;
            if let Some(older) = older {
                room.detach(older, older_presence);
            }
            return Ok(Arrival::Moved(older.filter(|_| !same_connection)));
        }
        if members >= members_max as usize {
            return Err(ErrorCode::RoomFull);
        }
        room.members.insert(Member {
            session: join.session.id,
            generation: join.session.generation,
            user: join.user.clone(),
            info: join.info.clone(),
            place: Some(place),
            leaves_at: now.monotonic,
            presence: join.presence,
            has_keys: false,
        });
        room.idle_since = None;
        let namespace = room.namespace;
        self.namespace_counters(namespace).members += 1;
        Ok(Arrival::New)
    }

    /// Sends `joined` with the position, the replay's start and the current keys.
    fn confirm(&mut self, to: Asker, join: &JoinRequest) {
        let Some(room) = self.owner.rooms.get(join.handle) else { return };
        let policy = self.namespaces.policy(room.namespace);
        let recovery = recover(room, join.since);
        let names = match policy.presence {
            PresenceMode::List => room.members.after(None).take(limit::JOINED_MEMBERS_MAX).collect(),
            PresenceMode::Count | PresenceMode::Off => Vec::new(),
        };
        let count = match policy.presence {
            PresenceMode::Off => 0,
            PresenceMode::Count | PresenceMode::List => room.members.len() as u32,
        };
        let joined = Event::Joined(Joined {
            id: join.id,
            room: &join.room,
            handle: join.handle,
            position: room.position(),
            version: room.version,
            recovered: recovery.recovered,
            replay: recovery.replay,
            count,
            members: names.into_iter().map(|member| member_event(member, policy.member_info)).collect(),
        });
        let frame = self.encoder.reply(&joined, join.session.format);
        let position = room.position();
        if join.since.is_some() {
            if recovery.recovered {
                self.counters.recovered += 1;
            } else {
                self.counters.not_recovered += 1;
            }
        }
        let after = recovery.gap.map_or(Vec::new(), |(from, to)| {
            vec![self.encoder.reply(&Event::Gap { room: &join.room, from, to }, join.session.format)]
        });
        let keys = self.current_keys(join);
        let delivery = JoinedDelivery {
            session: join.session.key,
            handle: join.handle,
            seat: join.seat,
            position,
            replay_from: recovery.replay_from,
            frame,
            after,
            keys,
        };
        self.answer_to(to, slot_of(join.handle), Delivery::Joined(Box::new(delivery)));
    }

    /// The values of the latest lane that the joiner does not hold yet, and removals of those that are gone.
    fn current_keys(&mut self, join: &JoinRequest) -> Vec<KeyValue<E::Frame>> {
        let Some(room) = self.owner.rooms.get(join.handle) else { return Vec::new() };
        // Versions count within one order: of another one, what the joiner holds says nothing.
        let comparable =
            matches!(join.since, Some(Since::Position(position)) if position.epoch == room.epoch);
        // Where keys are the room's, whose value it was does not matter.
        let scope = self.namespaces.policy(room.namespace).key_scope;
        let mut held: BTreeMap<KeyName, Version> = BTreeMap::new();
        for known in &join.versions {
            let user = known.user.as_deref().filter(|_| scope == KeyScope::User).unwrap_or("");
            let newest = held.entry(KeyName { user: user.into(), key: known.key.clone() }).or_default();
            *newest = known.version.max(*newest);
        }
        let mut values = Vec::new();
        let mut gone: Vec<_> = Vec::new();
        if let Some(keys) = &room.keys {
            for (name, stored) in keys.iter() {
                let current = comparable && held.get(name).is_some_and(|version| *version >= stored.version);
                if !current {
                    values.push(KeyValue { key_tag: stored.key_tag, frame: stored.frame.clone() });
                }
            }
            gone.extend(held.keys().filter(|name| keys.bytes_of(name).is_none()));
        } else {
            gone.extend(held.keys());
        }
        let name = room.name.clone();
        for gone in gone {
            values.extend(self.removal(join.handle, &gone.user, &gone.key));
        }
        if join.session.format == Format::Json {
            for value in &values {
                self.encoder.prepare(&value.frame, Format::Json, &name);
            }
        }
        values
    }

    /// A removal told to one joiner, at the room's current version.
    fn removal(&mut self, handle: RoomHandle, user: &str, key: &str) -> Option<KeyValue<E::Frame>> {
        let room = self.owner.rooms.get(handle)?;
        let policy = self.namespaces.policy(room.namespace);
        let sender = (policy.sender == SenderMode::User && !user.is_empty()).then_some(user);
        let key_tag = self.key_tag(handle, ringway_protocol::Lane::Latest, user, key);
        let room = self.owner.rooms.get(handle)?;
        let frame = self.encoder.broadcast(&Event::Message(event::Message {
            room: Some(&room.name),
            handle,
            lane: ringway_protocol::Lane::Latest,
            place: event::Place::Version(room.version),
            time: ringway_protocol::UnixMicros(0),
            from: event::Sender { user: sender, session: ringway_protocol::SessionId(0) },
            key: (!key.is_empty()).then_some(key),
            body: ringway_protocol::Body::default(),
        }));
        Some(KeyValue { key_tag, frame })
    }
}

/// What the history still holds of what the joiner asks for.
fn recover<F>(room: &Room<F>, since: Option<Since>) -> Recovery {
    let nothing = Recovery { recovered: true, replay_from: None, replay: 0, gap: None };
    let first = room.history.first();
    let count_from = |from: Offset| (room.last.0 + 1).saturating_sub(from.0) as u32;
    match since {
        None => nothing,
        Some(Since::Last(count)) => {
            let wanted = (room.last.0 + 1).saturating_sub(u64::from(count)).max(1);
            let from = Offset(wanted).max(first);
            let replay = count_from(from);
            Recovery { recovered: true, replay_from: (replay > 0).then_some(from), replay, gap: None }
        }
        // Another incarnation of the order: the position says nothing here, the new epoch tells.
        Some(Since::Position(position)) if position.epoch != room.epoch => {
            Recovery { recovered: false, ..nothing }
        }
        // A position from the future of this very order can't be: nobody was told of it.
        Some(Since::Position(position)) if position.offset > room.last => {
            Recovery { recovered: false, ..nothing }
        }
        Some(Since::Position(position)) => {
            let wanted = position.offset.next();
            let from = wanted.max(first);
            let replay = count_from(from);
            let gap = (from > wanted).then(|| (wanted, Offset(from.0 - 1)));
            let recovered = gap.is_none();
            Recovery { recovered, replay_from: (replay > 0).then_some(from), replay, gap }
        }
    }
}

pub(super) fn member_event(member: &Member, info: bool) -> event::Member<'_> {
    let info = member.info.as_deref().filter(|_| info);
    event::Member { user: &member.user, session: member.session, info }
}
