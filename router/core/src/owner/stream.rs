//! What an owner sends to the node that stands by for a slot, or is about to own it: all that there is, then all that happens.

use std::collections::{BTreeMap, BTreeSet};

use ringway_protocol::{Offset, RoomHandle};

use super::publish::Publisher;
use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Ack, Delivery};
use crate::namespaces::NamespaceId;
use crate::output::{Output, SlotWord};
use crate::record::{Content, KeptKey, KeyRecord, KnownRecord, MemberRecord, Purpose, Record, RoomRecord};
use crate::room::{Id, KeyName};
use crate::route::{Edges, PeerId, slot_of};
use crate::time::{Monotonic, Now};

/// Records of the past that may be under way: live ones come on top.
const FILL_AHEAD: u64 = 256;
/// After a refusal.
const AGAIN_MS: u64 = 200;
/// Members in one record.
const MEMBERS_MAX: usize = 256;
/// Ids in one record: a window of them takes as many round trips as it has records, by [`FILL_AHEAD`].
const KNOWN_MAX: usize = 256;

/// Which of a slot's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Standby,
    Transfer,
}

/// One stream.
pub(super) struct Stream {
    to: PeerId,
    id: u32,
    purpose: Purpose,
    sent: u64,
    held: u64,
    /// Rooms whose past was not sent yet.
    fill: BTreeSet<RoomHandle>,
    /// The number of [`Content::Filled`], once sent.
    filled_by: Option<u64>,
    /// The past is held: commits wait from here on.
    filled: bool,
    /// The newest record of what was committed without waiting, once the past is held.
    synced_by: u64,
    /// The standby was said to be in sync.
    said_in_sync: bool,
}

impl Stream {
    pub(super) const fn is_filled(&self) -> bool {
        self.filled
    }

    pub(super) fn goes_to(&self, peer: PeerId) -> bool {
        self.to == peer
    }

    pub(super) const fn held(&self) -> u64 {
        self.held
    }
}

impl<E: Encoder> Shard<E> {
    /// Who stands by for the slot, and whether commits wait for it.
    pub(super) fn replicate_to(&mut self, now: Now, slot: u16, standby: Option<(PeerId, u64)>, waits: bool) {
        let term = self.routes.term(slot);
        let duty = self.duty(slot);
        if duty.standby != standby {
            duty.standby = standby;
            duty.stream = None;
        }
        // Whoever has begun to wait waits until it loses the standby: what the map says now may be older than that.
        duty.waits = waits || duty.stream.as_ref().is_some_and(Stream::is_filled);
        if waits && duty.stream.as_ref().is_none_or(|stream| !stream.filled) {
            duty.stream = None;
            self.outputs.push_back(Output::Slot { slot, term, word: SlotWord::StandbyLost });
        }
        self.commit_ready(now, slot);
        self.begin_standby(now, slot);
    }

    /// Begins to replicate, if there is somebody to replicate to and nothing waits for an earlier attempt.
    pub(super) fn begin_standby(&mut self, now: Now, slot: u16) {
        let Some(duty) = self.owner.duties.get_mut(slot) else { return };
        // What waits was sent on an earlier stream, and is not in the past that this one begins with: committed first.
        let free = duty.stream.is_none() && !duty.waits && duty.pending.is_empty();
        let Some((to, _)) = duty.standby.filter(|_| free) else { return };
        self.owner.again.remove(&slot);
        if self.exchange.is_up(to) && self.may_fill(slot, to) {
            self.begin_stream(now, slot, Which::Standby, to, Purpose::Standby);
        }
    }

    pub(super) fn begin_stream(&mut self, now: Now, slot: u16, which: Which, to: PeerId, purpose: Purpose) {
        let term = self.routes.term(slot);
        if !self.exchange.is_up(to) {
            if which == Which::Transfer {
                self.outputs.push_back(Output::Slot {
                    slot,
                    term,
                    word: SlotWord::Transferred { done: false },
                });
            }
            return;
        }
        self.owner.streams += 1;
        let id = self.owner.streams;
        let fill = self.owner.rooms.handles_where(|handle| handle.slot() == slot).into_iter().collect();
        let stream = Stream {
            to,
            id,
            purpose,
            sent: 0,
            held: 0,
            fill,
            filled_by: None,
            filled: false,
            synced_by: 0,
            said_in_sync: false,
        };
        let duty = self.duty(slot);
        match which {
            Which::Standby => duty.stream = Some(stream),
            Which::Transfer => duty.transfer = Some(stream),
        }
        self.send(slot, which, Content::Begin(purpose));
        self.fill(now, slot, which);
    }

    fn stream_mut(&mut self, slot: u16, which: Which) -> Option<&mut Stream> {
        let duty = self.owner.duties.get_mut(slot)?;
        match which {
            Which::Standby => duty.stream.as_mut(),
            Which::Transfer => duty.transfer.as_mut(),
        }
    }

    /// Sends one record; its number.
    fn send(&mut self, slot: u16, which: Which, content: Content<E::Frame>) -> u64 {
        let Some(stream) = self.stream_mut(slot, which) else { return 0 };
        stream.sent += 1;
        let (to, record) = (stream.to, Record { stream: stream.id, number: stream.sent, content });
        let number = record.number;
        self.counters.records_sent += 1;
        self.tell_peer(to, Edges::Home, slot, Delivery::Record(record));
        number
    }

    /// Sends rooms' pasts as far as they may be ahead.
    fn fill(&mut self, now: Now, slot: u16, which: Which) {
        loop {
            let Some(stream) = self.stream_mut(slot, which) else { return };
            if stream.filled_by.is_some() || stream.sent - stream.held >= FILL_AHEAD {
                return;
            }
            let purpose = stream.purpose;
            match stream.fill.pop_first() {
                Some(handle) if self.wants_room(purpose, handle) => self.send_room(now, slot, which, handle),
                Some(_) => {}
                None => {
                    if let Some(floor) = self.owner.floors.get(&slot).copied() {
                        self.send(slot, which, Content::Floor(floor));
                    }
                    let number = self.send(slot, which, Content::Filled);
                    if let Some(stream) = self.stream_mut(slot, which) {
                        stream.filled_by = Some(number);
                    }
                }
            }
        }
    }

    fn wants_room(&self, purpose: Purpose, handle: RoomHandle) -> bool {
        let Some(room) = self.owner.rooms.get(handle) else { return false };
        purpose == Purpose::Handover || self.namespaces.policy(room.namespace).replicas > 1
    }

    /// A room with its past, its window of ids and its keys, and in a handover its members.
    fn send_room(&mut self, now: Now, slot: u16, which: Which, handle: RoomHandle) {
        let age_ms = |at: Monotonic| u32::try_from(now.monotonic.since(at) / 1_000).unwrap_or(u32::MAX);
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let first = room.history.first();
        let record = RoomRecord {
            handle,
            name: (*room.name).into(),
            epoch: room.epoch,
            first,
            version: room.version,
            known_above: room.dedup.as_ref().map(|dedup| dedup.floor()),
        };
        let mut known: BTreeMap<Offset, (Monotonic, Box<[u8]>)> = room
            .dedup
            .iter()
            .flat_map(|dedup| dedup.iter())
            .map(|(at, key, offset)| (offset, (at, key.into())))
            .collect();
        let later = known.split_off(&first);
        let mut contents = vec![Content::Room(Box::new(record))];
        let known: Vec<KnownRecord> = known
            .into_iter()
            .map(|(offset, (at, known))| KnownRecord { offset, age_ms: age_ms(at), known })
            .collect();
        for known in known.chunks(KNOWN_MAX) {
            contents.push(Content::Known { handle, known: known.to_vec() });
        }
        for (offset, kept) in room.history.from(first) {
            let known = later.get(&offset).map(|(_, known)| known.clone());
            let (age_ms, frame) = (age_ms(kept.at), kept.frame.clone());
            contents.push(Content::Publication { handle, offset, age_ms, known, frame });
        }
        let names: Vec<KeyName> =
            room.keys.iter().flat_map(|keys| keys.iter().map(|(name, _)| name.clone())).collect();
        if which == Which::Transfer {
            let members: Vec<_> = room
                .members
                .after(None)
                .map(|member| MemberRecord {
                    session: member.session,
                    generation: member.generation,
                    user: member.user.clone(),
                    info: member.info.clone(),
                    has_keys: member.has_keys,
                })
                .collect();
            for members in members.chunks(MEMBERS_MAX) {
                contents.push(Content::Members { handle, members: members.to_vec() });
            }
        }
        for content in contents {
            self.send(slot, which, content);
        }
        for name in names {
            self.send_key(now, slot, which, handle, &name);
        }
    }

    fn send_key(&mut self, now: Now, slot: u16, which: Which, handle: RoomHandle, name: &KeyName) {
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let stored = room.keys.as_ref().and_then(|keys| keys.find(name));
        let value = stored.map(|stored| KeptKey {
            session: stored.session,
            key_tag: stored.key_tag,
            expires_ms: stored
                .expires
                .map(|at| u32::try_from(at.since(now.monotonic) / 1_000).unwrap_or(u32::MAX)),
            frame: stored.frame.clone(),
        });
        let version = stored.map_or(room.version, |stored| stored.version);
        let (user, key) = (name.user.clone(), name.key.clone());
        self.send(slot, which, Content::Key(Box::new(KeyRecord { handle, user, key, version, value })));
    }

    /// Whether publications of the namespace in this slot go to a standby, or wait for one.
    pub(super) fn replicates(&self, handle: RoomHandle, namespace: NamespaceId) -> bool {
        self.owner.duties.get(slot_of(handle)).is_some_and(|duty| duty.stream.is_some() || duty.waits)
            && self.namespaces.policy(namespace).replicas > 1
    }

    /// Sends a publication that got its offset; true if it is not committed before the standby has it.
    pub(super) fn replicate(
        &mut self,
        to: Publisher,
        offset: Offset,
        id: Option<&Id<'_>>,
        frame: &E::Frame,
    ) -> bool {
        let (slot, handle) = (slot_of(to.handle), to.handle);
        let Some(duty) = self.owner.duties.get(slot) else { return false };
        let waits = duty.waits;
        // A room whose past was not sent yet takes this one along; where commits wait, there is none of those.
        let live = duty.stream.as_ref().is_some_and(|stream| !stream.fill.contains(&handle));
        // Without a stream it is committed when the map says that nobody waits.
        let mut number = u64::MAX;
        if live {
            let (known, frame) = (id.map(Id::kept), frame.clone());
            let content = Content::Publication { handle, offset, age_ms: 0, known, frame };
            number = self.send(slot, Which::Standby, content);
        }
        if waits {
            self.push_pending(number, to, offset, Some(frame.clone()));
        }
        waits
    }

    /// A key of a room that was sent has another value, or none.
    pub(super) fn replicate_key(&mut self, now: Now, handle: RoomHandle, name: &KeyName) {
        if self.is_streamed(handle) {
            self.send_key(now, slot_of(handle), Which::Standby, handle, name);
        }
    }

    /// A room came to be, or begins anew.
    pub(super) fn replicate_anew(&mut self, now: Now, handle: RoomHandle) {
        self.fail_pending_of(now, handle);
        if self.is_streamed(handle) {
            self.send_room(now, slot_of(handle), Which::Standby, handle);
        }
    }

    /// A room ended.
    pub(super) fn replicate_end(&mut self, handle: RoomHandle) {
        let slot = slot_of(handle);
        let Some(stream) = self.stream_mut(slot, Which::Standby) else { return };
        if !stream.fill.remove(&handle) {
            self.send(slot, Which::Standby, Content::Ended { handle });
        }
    }

    /// Whether the standby was sent the room, and hears what becomes of it.
    fn is_streamed(&mut self, handle: RoomHandle) -> bool {
        let slot = slot_of(handle);
        if !self.routes.is_watched(slot) {
            return false;
        }
        let live = self.stream_mut(slot, Which::Standby).is_some_and(|stream| !stream.fill.contains(&handle));
        live && self.wants_room(Purpose::Standby, handle)
    }

    /// How far a stream is held at the other end.
    pub(super) fn owner_ack(&mut self, now: Now, from: PeerId, slot: u16, ack: Ack) {
        let which = [Which::Standby, Which::Transfer].into_iter().find(|which| {
            self.stream_mut(slot, *which).is_some_and(|stream| stream.id == ack.stream && stream.to == from)
        });
        let term = self.routes.term(slot);
        let Some(which) = which.filter(|_| ack.term == term) else { return };
        let Some(held) = ack.held else { return self.stream_refused(now, slot, which) };
        let Some(stream) = self.stream_mut(slot, which) else { return };
        stream.held = held.max(stream.held).min(stream.sent);
        let filled = stream.filled_by.is_some_and(|number| number <= stream.held);
        let newly = filled && !core::mem::replace(&mut stream.filled, filled);
        if newly {
            stream.synced_by = stream.sent;
        }
        let synced = which == Which::Standby && stream.filled && stream.held >= stream.synced_by;
        let in_sync = synced && !core::mem::replace(&mut stream.said_in_sync, true);
        if newly {
            match which {
                // It waits before it asks: what is committed from here on, the standby has; and it asks only when the
                // standby has what was committed before.
                Which::Standby => self.duty(slot).waits = true,
                Which::Transfer => self.outputs.push_back(Output::Slot {
                    slot,
                    term,
                    word: SlotWord::Transferred { done: true },
                }),
            }
        }
        if in_sync && let Some((standby, registration)) = self.duty(slot).standby {
            let word = SlotWord::InSync { standby, registration };
            self.outputs.push_back(Output::Slot { slot, term, word });
        }
        self.commit_ready(now, slot);
        self.fill(now, slot, which);
        if newly {
            self.fill_next(now);
        }
    }

    fn stream_refused(&mut self, now: Now, slot: u16, which: Which) {
        let term = self.routes.term(slot);
        match which {
            Which::Standby => {
                self.lose_standby(now, slot);
                self.owner.again.insert(slot, now.monotonic.plus_ms(AGAIN_MS));
                self.fill_next(now);
            }
            Which::Transfer => {
                self.duty(slot).transfer = None;
                self.outputs.push_back(Output::Slot {
                    slot,
                    term,
                    word: SlotWord::Transferred { done: false },
                });
            }
        }
    }

    /// The stream to the standby is over. Nobody was told of one that was not in sync yet: nothing waits for it.
    fn lose_standby(&mut self, now: Now, slot: u16) {
        let term = self.routes.term(slot);
        let duty = self.duty(slot);
        let Some(stream) = duty.stream.take() else { return };
        if stream.filled && !stream.said_in_sync {
            duty.waits = false;
            self.commit_ready(now, slot);
        } else if duty.waits {
            self.outputs.push_back(Output::Slot { slot, term, word: SlotWord::StandbyLost });
        }
    }

    /// The node at the other end is out of reach.
    pub(super) fn lose_streams(&mut self, now: Now, slot: u16, peer: PeerId) {
        let term = self.routes.term(slot);
        let Some(duty) = self.owner.duties.get_mut(slot) else { return };
        if duty.stream.as_ref().is_some_and(|stream| stream.to == peer) {
            self.lose_standby(now, slot);
        }
        let Some(duty) = self.owner.duties.get_mut(slot) else { return };
        if duty.transfer.as_ref().is_some_and(|stream| stream.to == peer) {
            duty.transfer = None;
            self.outputs.push_back(Output::Slot { slot, term, word: SlotWord::Transferred { done: false } });
        }
    }

    /// Streams that were refused begin again.
    pub(super) fn tick_duties(&mut self, now: Now) {
        self.owner.refused.forget(now.monotonic);
        self.tick_partial(now);
        let due = |at: &Monotonic| *at <= now.monotonic;
        let due: Vec<u16> =
            self.owner.again.iter().filter(|(_, at)| due(at)).map(|(slot, _)| *slot).collect();
        for slot in due {
            self.owner.again.remove(&slot);
            self.begin_standby(now, slot);
        }
    }
}
