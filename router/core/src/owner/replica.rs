//! What this shard holds of slots that are another's: in case that owner is lost, or because it hands a slot over.

use std::collections::BTreeMap;

use ringway_cluster::Term;
use ringway_protocol::{Offset, RoomHandle, RoomName, Version};

use crate::Shard;
use crate::frame::Encoder;
use crate::message::Ack;
use crate::record::{Content, KeyRecord, KnownRecord, MemberRecord, Purpose, Record, RoomRecord};
use crate::room::{Dedup, History, KeyName, Keys, Member, Room, Stored};
use crate::route::PeerId;
use crate::time::{Monotonic, Now};

/// What there is of one slot.
pub(crate) struct Replicas<F> {
    /// Whose records are taken, and under which term.
    expected: Option<(Term, PeerId)>,
    standby: Option<Replica<F>>,
    import: Option<Replica<F>>,
}

/// The state of a slot as its owner sent it.
pub(crate) struct Replica<F> {
    from: PeerId,
    term: Term,
    stream: u32,
    purpose: Purpose,
    held: u64,
    complete: bool,
    floor: Version,
    rooms: BTreeMap<RoomHandle, Box<Room<F>>>,
}

impl<F> Replica<F> {
    /// Its rooms, in order.
    pub(super) fn handles(&self) -> Vec<RoomHandle> {
        self.rooms.keys().copied().collect()
    }
}

impl<F> Replicas<F> {
    const fn new() -> Self {
        Self { expected: None, standby: None, import: None }
    }

    /// What an owner under this term goes on with: only what was whole under the term before. What a handover brought that
    /// came to nothing is older than what was replicated since, or told to others.
    pub(super) fn heir(self, term: Term, given: bool) -> Option<Replica<F>> {
        let heir = if given { self.import } else { self.standby };
        heir.filter(|replica| replica.complete && replica.term.raised() == Some(term))
    }

    fn replica_mut(&mut self, from: PeerId, stream: u32) -> Option<&mut Replica<F>> {
        [&mut self.standby, &mut self.import]
            .into_iter()
            .flatten()
            .find(|replica| replica.from == from && replica.stream == stream)
    }

    const fn is_empty(&self) -> bool {
        self.expected.is_none() && self.standby.is_none() && self.import.is_none()
    }
}

impl<E: Encoder> Shard<E> {
    /// Whose slot this shard stands by for from now on.
    pub(super) fn stand_by(&mut self, slot: u16, term: Term, of: Option<PeerId>) {
        let replicas = self.owner.replicas.get_or_insert_with(slot, Replicas::new);
        let expected = of.map(|of| (term, of));
        if replicas.expected != expected {
            replicas.expected = expected;
            replicas.standby = None;
        }
        if replicas.is_empty() {
            self.owner.replicas.remove(slot);
        }
    }

    /// A record from the owner of a slot.
    pub(crate) fn take_record(
        &mut self,
        now: Now,
        from: PeerId,
        slot: u16,
        term: Term,
        record: Record<E::Frame>,
    ) {
        let Record { stream, number, content } = record;
        let held = self.keep_record(now, from, slot, term, stream, number, content).then_some(number);
        self.counters.records_taken += u64::from(held.is_some());
        self.exchange.push_ack(from, slot, Ack { term, stream, held });
    }

    #[expect(clippy::too_many_arguments, reason = "a record and where it came from")]
    fn keep_record(
        &mut self,
        now: Now,
        from: PeerId,
        slot: u16,
        term: Term,
        stream: u32,
        number: u64,
        content: Content<E::Frame>,
    ) -> bool {
        // Of an owner that was.
        if term < self.routes.term(slot) {
            return false;
        }
        let replicas = self.owner.replicas.get_or_insert_with(slot, Replicas::new);
        if let Content::Begin(purpose) = content {
            let begun = Replica {
                from,
                term,
                stream,
                purpose,
                held: number,
                complete: false,
                floor: Version(0),
                rooms: BTreeMap::new(),
            };
            let taken =
                number == 1 && (purpose == Purpose::Handover || replicas.expected == Some((term, from)));
            match purpose {
                _ if !taken => {}
                Purpose::Handover => replicas.import = Some(begun),
                Purpose::Standby => replicas.standby = Some(begun),
            }
            if replicas.is_empty() {
                self.owner.replicas.remove(slot);
            }
            return taken;
        }
        let Some(replica) = replicas.replica_mut(from, stream) else {
            if replicas.is_empty() {
                self.owner.replicas.remove(slot);
            }
            return false;
        };
        if number != replica.held + 1 || term != replica.term {
            return false;
        }
        replica.held = number;
        let purpose = replica.purpose;
        self.apply_record(now, slot, purpose, content);
        true
    }

    fn apply_record(&mut self, now: Now, slot: u16, purpose: Purpose, content: Content<E::Frame>) {
        let (key, namespaces) = (&self.config.key, &self.namespaces);
        let Some(replicas) = self.owner.replicas.get_mut(slot) else { return };
        let replica = match purpose {
            Purpose::Standby => replicas.standby.as_mut(),
            Purpose::Handover => replicas.import.as_mut(),
        };
        let Some(replica) = replica else { return };
        let since = |age_ms: u32| Monotonic(now.monotonic.0.saturating_sub(u64::from(age_ms) * 1_000));
        match content {
            Content::Begin(_) => {}
            Content::Room(record) => {
                let handle = record.handle;
                let namespace =
                    RoomName::new(&record.name).and_then(|name| namespaces.find(name.namespace()));
                // A namespace that this node does not have: who joins is told so.
                let Some(namespace) = namespace else { return };
                replica.rooms.insert(handle, Box::new(restored(*record, namespace, now.monotonic)));
            }
            Content::Publication { handle, offset, age_ms, known, frame } => {
                let Some(room) = replica.rooms.get_mut(&handle) else { return };
                room.last = offset;
                room.given = offset;
                let at = since(age_ms);
                if let Some(known) = known {
                    let dedup = room.dedup.get_or_insert_with(|| Box::new(Dedup::new()));
                    dedup.keep(key, known, offset, at);
                }
                let bytes = E::bytes_held(&frame);
                room.history.append(frame, bytes, at);
                let policy = namespaces.policy(room.namespace);
                let kept_since =
                    now.monotonic.0.saturating_sub(policy.history_age_ms_max.saturating_mul(1_000));
                room.history.trim(policy.history_count_max, policy.history_bytes_max, Monotonic(kept_since));
            }
            Content::Known { handle, known } => {
                let Some(room) = replica.rooms.get_mut(&handle) else { return };
                let dedup = room.dedup.get_or_insert_with(|| Box::new(Dedup::new()));
                for KnownRecord { offset, age_ms, known } in known {
                    dedup.keep(key, known, offset, since(age_ms));
                }
            }
            Content::Key(record) => {
                if let Some(room) = replica.rooms.get_mut(&record.handle) {
                    keep_key::<E>(room, *record, now.monotonic);
                }
            }
            Content::Members { handle, members } => {
                if let Some(room) = replica.rooms.get_mut(&handle) {
                    members.into_iter().for_each(|member| room.members.insert(detached(member)));
                }
            }
            Content::Ended { handle } => {
                if let Some(room) = replica.rooms.remove(&handle) {
                    replica.floor = replica.floor.max(room.version);
                }
            }
            Content::Floor(version) => replica.floor = replica.floor.max(version),
            Content::Filled => replica.complete = true,
        }
    }

    /// The slot goes on here: its rooms become this shard's own.
    pub(super) fn inherit(&mut self, now: Now, slot: u16, heir: Replica<E::Frame>) {
        self.owner.raise_floor(slot, heir.floor);
        let floor = self.owner.floor(slot, self.routes.term(slot));
        for (handle, mut room) in heir.rooms {
            room.version = room.version.max(floor);
            let (namespace, members) = (room.namespace, room.members.len());
            let policy = self.namespaces.policy(namespace);
            let leaves_at = now.monotonic.plus_ms(policy.detach_ms);
            room.members.for_each_mut(|member| member.leaves_at = leaves_at);
            room.idle_since = (members == 0).then_some(now.monotonic);
            let counters = self.namespace_counters(namespace);
            counters.rooms += 1;
            counters.members += members as u64;
            self.owner.held_bytes += room.history.bytes() + room.keys.as_ref().map_or(0, |keys| keys.bytes());
            self.owner.rooms.insert(handle, room);
            self.look_after(handle, now.monotonic.plus_ms(1));
        }
    }
}

fn restored<F>(record: RoomRecord, namespace: crate::namespaces::NamespaceId, now: Monotonic) -> Room<F> {
    let mut room = Room::new(&record.name, namespace, record.epoch, record.version, now);
    let start = record.start().offset;
    (room.last, room.given) = (start, start);
    room.history = History::starting(Offset(start.0 + 1));
    room.dedup = record.known_above.map(|floor| Box::new(Dedup::above(floor)));
    room
}

fn keep_key<E: Encoder>(room: &mut Room<E::Frame>, record: KeyRecord<E::Frame>, now: Monotonic) {
    let name = KeyName { user: record.user, key: record.key };
    room.version = room.version.max(record.version);
    let keys = room.keys.get_or_insert_with(|| Box::new(Keys::new()));
    match record.value {
        Some(value) => {
            let bytes = E::bytes_held(&value.frame) as u32;
            let expires = value.expires_ms.map(|ms| now.plus_ms(u64::from(ms)));
            let (frame, key_tag, session) = (value.frame, value.key_tag, value.session);
            keys.set(name, Stored { frame, bytes, version: record.version, key_tag, session, expires });
        }
        None => drop(keys.remove(&name)),
    }
    if keys.len() == 0 {
        room.keys = None;
    }
}

fn detached(member: MemberRecord) -> Member {
    let MemberRecord { session, generation, user, info, has_keys } = member;
    let leaves_at = Monotonic(u64::MAX);
    Member { session, generation, user, info, place: None, leaves_at, presence: false, has_keys }
}
