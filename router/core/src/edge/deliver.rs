//! What owners say, on its way into outboxes.

use ringway_protocol::event::{ErrorEvent, Place};
use ringway_protocol::{ErrorCode, Event, Format, Lane, Offset, Position, RoomHandle};

use super::{CatchUp, Interest, Phase, Seat, wrapping_ms};
use crate::bucket::answer_units;
use crate::frame::Encoder;
use crate::message::{Delivery, JoinRequest, JoinedDelivery, Told};
use crate::outbox::{Kind, Put, Value};
use crate::output::Output;
use crate::time::Now;
use crate::{PeerId, SessionKey, Shard};

/// One publication on its way to this shard's seats.
pub(super) struct Incoming<'a, F> {
    pub(super) handle: RoomHandle,
    pub(super) lane: Lane,
    pub(super) place: Place,
    pub(super) key_tag: u64,
    pub(super) except: Option<SessionKey>,
    pub(super) frame: &'a F,
}

impl<E: Encoder> Shard<E> {
    /// What an owner says, from this node or another: heard unless it was said under a term that is over.
    pub(crate) fn edge_take(&mut self, now: Now, from: PeerId, told: Told<E::Frame>) {
        let Told { slot, term, answers, delivery, edges: _ } = told;
        let asked = if answers == 0 { None } else { self.take_awaited(slot, answers) };
        if answers != 0 && asked.is_none() {
            // Whoever waited for it was told that nobody knows.
            self.counters.stale_deliveries += 1;
            if let Delivery::PublishedInPlace { session, handle, offset, .. } = delivery {
                self.tell_excepted_at(now, session, handle, offset);
            }
            return;
        }
        match delivery {
            Delivery::Record(record) => self.take_record(now, from, slot, term, record),
            Delivery::Returned(request) => self.edge_returned(now, slot, term, *request, asked),
            Delivery::Flushed => self.edge_flushed(now, slot, from),
            delivery => {
                if answers == 0 && delivery.is_of_room() && !self.hears(slot, term) {
                    self.counters.stale_deliveries += 1;
                    return;
                }
                self.edge_deliver(now, delivery);
            }
        }
    }

    fn edge_deliver(&mut self, now: Now, delivery: Delivery<E::Frame>) {
        match delivery {
            Delivery::Publication { handle, lane, place, key_tag, members, except, frame } => {
                let Some(interest) = self.edge.interests.find(handle) else { return };
                if interest.registering {
                    return;
                }
                interest.members = members;
                let except = except.filter(|(shard, _)| *shard == self.config.id).map(|(_, key)| key);
                self.fan_out(now, &Incoming { handle, lane, place, key_tag, except, frame: &frame });
            }
            Delivery::Joined(joined) => self.edge_joined(now, *joined),
            Delivery::JoinRefused { session, handle, seat, frame } => {
                self.end_join(session, handle, seat);
                self.push(now, session, frame, Kind::Control);
            }
            Delivery::PublishRefused { session, handle, refusals, ordinal, msg_id, frame } => {
                self.edge_publish_refused(now, (session, handle), refusals, msg_id.as_deref(), ordinal);
                self.push(now, session, frame, Kind::Control);
            }
            Delivery::Displaced { session, code } => self.end(now, session, code.number(), code.text(), None),
            Delivery::Reply { session, room, last, frames, format: _ } => {
                let kind = match room {
                    Some(handle) if last => Kind::Left { handle },
                    Some(handle) => Kind::InRoom { handle },
                    None => Kind::Control,
                };
                let mut bytes = 0;
                let several = frames.len() > 1;
                for frame in frames {
                    bytes += E::bytes_held(&frame);
                    self.push(now, session, frame, kind);
                }
                if let (Some(handle), true, Some(open)) = (room, last, self.edge.session_mut(session)) {
                    open.end_stream(handle);
                }
                if several && let Some(open) = self.edge.session_mut(session) {
                    open.bucket.take(answer_units(bytes));
                }
            }
            Delivery::PublishedInPlace { session, handle, offset, frame } => {
                self.published_in_place(now, session, handle, offset, frame);
            }
            Delivery::Page(page) => self.edge_page(now, page),
            Delivery::PresenceChanged { handle, .. } | Delivery::Reset { handle, .. }
                if self.edge.interests.get(handle).is_some_and(|interest| interest.registering) => {}
            Delivery::PresenceChanged { handle, frame } => {
                self.push_to_seats(now, handle, &frame, |seat| seat.presence);
            }
            Delivery::Reset { handle, position, frame } => self.edge_reset(now, handle, position, &frame),
            Delivery::ApiAnswer { ticket, result } => {
                self.outputs.push_back(Output::Answered { ticket, result });
            }
            Delivery::Registered(registered) => self.edge_registered(now, *registered),
            // Taken before.
            Delivery::Returned(_) | Delivery::Flushed | Delivery::Record(_) => {}
        }
    }

    /// Puts a publication into the outbox of every seat that takes it live: the hot loop.
    pub(super) fn fan_out(&mut self, now: Now, incoming: &Incoming<'_, E::Frame>) {
        let Some(interest) = self.edge.interests.find(incoming.handle) else { return };
        if let Place::Offset(offset) = incoming.place {
            if offset <= interest.position.offset {
                return;
            }
            if offset != interest.position.offset.next() && !interest.seats.is_empty() {
                // It can't be; if it is, what is missing is asked for.
                self.counters.holes += 1;
                self.register(now, incoming.handle);
                return;
            }
            interest.position.offset = offset;
        }
        if interest.json_seats > 0 {
            self.encoder.prepare(incoming.frame, Format::Json, &interest.name);
        }
        let binary_bytes = E::bytes(incoming.frame, Format::Binary);
        let json_bytes = E::bytes(incoming.frame, Format::Json);
        let now_ms = wrapping_ms(now.monotonic);
        let bytes_max = self.settings.limits.outbox_bytes_max;
        let mut overfull = Vec::new();
        let (mut delivered, mut queued_bytes) = (0, 0);
        let mut excepted = None;
        for seat in &interest.seats {
            if incoming.except == Some(seat.session) {
                excepted = Some(seat).filter(|seat| seat.catch_up == CatchUp::Live).map(|seat| seat.session);
                continue;
            }
            let Some(session) = self.edge.sessions.get_mut(seat.session.index as usize) else { continue };
            let bytes = if seat.json { json_bytes } else { binary_bytes };
            match incoming.place {
                Place::Offset(offset) => {
                    if seat.catch_up != CatchUp::Live {
                        continue;
                    }
                    let kind = Kind::Reliable { handle: incoming.handle, offset };
                    let (pool, frame) = (&mut self.edge.pool, incoming.frame.clone());
                    session.outbox.push(pool, frame, kind, bytes, now_ms, seat.streamed);
                }
                Place::Version(_) => {
                    let value = Value {
                        key_tag: incoming.key_tag,
                        handle: incoming.handle,
                        after: seat.joined_sequence,
                        frame: incoming.frame.clone(),
                        bytes: bytes as u32,
                        unreliable: incoming.lane == Lane::Unreliable,
                    };
                    match session.outbox.push_value(&mut self.edge.pool, value) {
                        Put::Queued => {}
                        Put::Replaced => self.counters.conflated += 1,
                        Put::Dropped => {
                            self.counters.dropped_unreliable += 1;
                            continue;
                        }
                    }
                }
            }
            delivered += 1;
            queued_bytes += bytes as u64;
            if !session.dirty {
                session.dirty = true;
                self.edge.dirty.push_back(seat.session);
            }
            if session.outbox.is_over(bytes_max) {
                overfull.push(seat.session);
            }
        }
        let namespace = interest.namespace;
        self.counters.deliveries += delivered;
        self.counters.queued_bytes += queued_bytes;
        self.namespace_counters(namespace).deliveries += delivered;
        if let (Some(session), Place::Offset(offset)) = (excepted, incoming.place) {
            self.edge.excepted.insert((session, incoming.handle), (offset, incoming.frame.clone()));
        }
        for session in overfull {
            self.relieve(now, session);
        }
    }

    fn edge_joined(&mut self, now: Now, joined: JoinedDelivery<E::Frame>) {
        let JoinedDelivery { session, handle, seat, position, replay_from, frame, after, keys } = joined;
        self.end_joining(handle);
        if let Some(open) = self.edge.session_mut(session) {
            open.begin_stream(handle, seat);
        }
        let Some(sequence) = self.push(now, session, frame, Kind::Start { handle }) else {
            self.edge.release_interest(handle);
            return;
        };
        for frame in after {
            self.push(now, session, frame, Kind::InRoom { handle });
        }
        // Others here are behind, and the owner is yet to say what they have missed: the room stands where they do until then, and who comes
        // now is ahead of it.
        let behind = |interest: &Interest| interest.registering && !interest.seats.is_empty();
        let ahead = self.edge.interests.get(handle).is_some_and(behind);
        let Some(open) = self.edge.session_mut(session) else { return };
        let (json, streamed) = (open.format == Format::Json, open.streams(handle));
        let Some(membership) = open.membership(handle).copied().filter(|membership| membership.seat == seat)
        else {
            // It left while the answer was on its way; `left` follows on the same FIFO.
            self.edge.release_interest(handle);
            return;
        };
        let catch_up = match replay_from {
            Some(next) if next <= position.offset => CatchUp::From { next, asked: false },
            _ if ahead => CatchUp::From { next: position.offset.next(), asked: false },
            _ => CatchUp::Live,
        };
        if catch_up != CatchUp::Live {
            open.catching_up += 1;
        }
        let Some(interest) = self.edge.interests.find(handle) else { return };
        if !ahead {
            interest.position = position;
        }
        interest.members = interest.members.max(1);
        let presence = membership.presence;
        let place = interest.sit(Seat {
            session,
            seat,
            presence,
            json,
            streamed,
            joined_sequence: sequence,
            epoch: position.epoch,
            catch_up,
        });
        let index = session.index as usize;
        if let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) {
            if let Some(membership) = open.membership_mut(handle) {
                membership.place = Some(place);
            }
            let name = self.edge.interests.get(handle).map_or("", |interest| &*interest.name);
            for value in keys {
                if json {
                    self.encoder.prepare(&value.frame, Format::Json, name);
                }
                let format = if json { Format::Json } else { Format::Binary };
                let bytes = E::bytes(&value.frame, format) as u32;
                let (key_tag, frame) = (value.key_tag, value.frame);
                if open.outbox.values_are_apart() {
                    // What a room holds at a join may be much: it follows on the stream.
                    let now_ms = wrapping_ms(now.monotonic);
                    let (pool, kind) = (&mut self.edge.pool, Kind::InRoom { handle });
                    open.outbox.push(pool, frame, kind, bytes as usize, now_ms, streamed);
                    continue;
                }
                let value = Value { key_tag, handle, after: sequence, frame, bytes, unreliable: false };
                open.outbox.push_value(&mut self.edge.pool, value);
            }
            if open.outbox.is_over(self.settings.limits.outbox_bytes_max) {
                self.relieve(now, session);
            }
        }
        self.pull(now, session);
    }

    /// A join came to nothing.
    fn end_join(&mut self, session: SessionKey, handle: RoomHandle, seat: u32) {
        self.end_joining(handle);
        if let Some(open) = self.edge.session_mut(session)
            && open.membership(handle).is_some_and(|membership| membership.seat == seat)
        {
            open.take_membership(handle);
        }
        self.edge.release_interest(handle);
    }

    /// The same, as decided here.
    pub(super) fn join_failed(&mut self, now: Now, join: &JoinRequest, code: ErrorCode) {
        self.end_join(join.session.key, join.handle, join.seat);
        self.count_error(code);
        let room = join.many.then_some(&*join.room);
        let error = ErrorEvent { id: join.id, room, code, retry_after_ms: None, message: code.text() };
        self.answer(now, join.session.key, &Event::Error(error));
    }

    fn end_joining(&mut self, handle: RoomHandle) {
        if let Some(interest) = self.edge.interests.find(handle) {
            interest.joining = interest.joining.saturating_sub(1);
        }
    }

    fn published_in_place(
        &mut self,
        now: Now,
        session: SessionKey,
        handle: RoomHandle,
        offset: Offset,
        frame: E::Frame,
    ) {
        self.edge.take_excepted((session, handle), offset);
        // What came before it is in the answer to a registration that is on its way.
        let behind = self
            .edge
            .interests
            .get(handle)
            .is_some_and(|one| one.registering && one.position.offset < offset);
        let waits = self.seat_mut(session, handle).is_some_and(|seat| match seat.catch_up {
            CatchUp::Live => behind,
            CatchUp::From { next, .. } => next <= offset,
        });
        if waits {
            self.edge.held.insert((session, handle, offset), frame);
        } else {
            self.push(now, session, frame, Kind::InRoom { handle });
        }
    }

    pub(super) fn edge_reset(&mut self, now: Now, handle: RoomHandle, position: Position, frame: &E::Frame) {
        let Some(interest) = self.edge.interests.find(handle) else { return };
        interest.position = position;
        let (mut caught_up, mut sessions) = (Vec::new(), Vec::new());
        for seat in &mut interest.seats {
            // Who has joined in the new order already is told of nothing.
            if core::mem::replace(&mut seat.epoch, position.epoch) == position.epoch {
                continue;
            }
            sessions.push(seat.session);
            if seat.catch_up != CatchUp::Live {
                seat.catch_up = CatchUp::Live;
                caught_up.push(seat.session);
            }
        }
        for session in caught_up {
            if let Some(open) = self.edge.session_mut(session) {
                open.catching_up -= 1;
            }
        }
        self.prepare_for_seats(handle, frame);
        for session in sessions {
            let index = session.index as usize;
            if let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) {
                open.outbox.forget_values(&mut self.edge.pool, handle);
            }
            // Values of the new order follow the `reset`, as those of a membership follow its `joined`.
            if let Some(sequence) = self.push(now, session, frame.clone(), Kind::Start { handle })
                && let Some(seat) = self.seat_mut(session, handle)
            {
                seat.joined_sequence = sequence;
            }
            // Answers that waited for their place in an order that is over.
            for held in self.edge.release_held(session, handle) {
                self.push(now, session, held, Kind::InRoom { handle });
            }
        }
    }

    fn push_to_seats(
        &mut self,
        now: Now,
        handle: RoomHandle,
        frame: &E::Frame,
        wanted: impl Fn(&Seat) -> bool,
    ) {
        self.prepare_for_seats(handle, frame);
        let sessions: Vec<_> =
            self.seats_of(handle).filter(|seat| wanted(seat)).map(|seat| seat.session).collect();
        for session in sessions {
            self.push(now, session, frame.clone(), Kind::InRoom { handle });
        }
    }

    fn prepare_for_seats(&mut self, handle: RoomHandle, frame: &E::Frame) {
        if let Some(interest) = self.edge.interests.get(handle)
            && interest.json_seats > 0
        {
            self.encoder.prepare(frame, Format::Json, &interest.name);
        }
    }

    pub(super) fn seats_of(&self, handle: RoomHandle) -> impl Iterator<Item = &Seat> {
        self.edge.interests.get(handle).map_or(&[][..], |interest: &Interest| &interest.seats).iter()
    }

    pub(super) fn seat_mut(&mut self, session: SessionKey, handle: RoomHandle) -> Option<&mut Seat> {
        let place = self.edge.session(session)?.membership(handle)?.place?;
        self.edge.interests.find(handle)?.seats.get_mut(place as usize)
    }

    /// Queues an answer made here.
    pub(super) fn answer(&mut self, now: Now, session: SessionKey, event: &Event<'_>) {
        let Some(open) = self.edge.session(session) else { return };
        let frame = self.encoder.reply(event, open.format);
        self.push(now, session, frame, Kind::Control);
    }

    /// Queues a frame for a session that is open; its number in the FIFO.
    pub(crate) fn push(&mut self, now: Now, session: SessionKey, frame: E::Frame, kind: Kind) -> Option<u64> {
        let bytes_max = self.settings.limits.outbox_bytes_max;
        let index = session.index as usize;
        let open = self.edge.sessions.get_mut(index).filter(|open| open.key == session)?;
        if open.phase == Phase::Closing {
            return None;
        }
        let bytes = E::bytes(&frame, open.format);
        let now_ms = wrapping_ms(now.monotonic);
        let streamed = kind.room().is_some_and(|handle| open.streams(handle));
        let sequence = open.outbox.push(&mut self.edge.pool, frame, kind, bytes, now_ms, streamed);
        self.counters.deliveries += 1;
        self.counters.queued_bytes += bytes as u64;
        if !open.dirty {
            open.dirty = true;
            self.edge.dirty.push_back(session);
        }
        if open.outbox.is_over(bytes_max) {
            self.relieve(now, session);
        }
        Some(sequence)
    }
}
