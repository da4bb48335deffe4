//! A publication gets its place and goes to everybody.

use std::sync::Arc;

use ringway_protocol::event::{Message, Place, Published, Sender};
use ringway_protocol::{Body, ErrorCode, Event, Lane, Offset, Position, RequestId, RoomHandle, SessionId};

use crate::frame::Encoder;
use crate::message::{ApiPublished, Delivery, Origin, PublishRequest, Request, Sent};
use crate::room::{Dedup, Found, Id, Room, unseen};
use crate::route::{Asker, EdgeId, slot_of};
use crate::settings::SenderMode;
use crate::shard::Blocked;
use crate::time::Now;
use crate::{SessionKey, Shard};

/// A publish as the owner reads it: borrowed from the command when the room is owned here, so that nothing is
/// copied but into the frame.
pub(crate) struct PublishView<'a> {
    pub(crate) origin: Origin,
    pub(crate) user: Arc<str>,
    pub(crate) id: Option<RequestId>,
    pub(crate) handle: RoomHandle,
    pub(crate) room: &'a str,
    pub(crate) lane: Lane,
    pub(crate) key: &'a str,
    pub(crate) msg_id: Option<&'a [u8]>,
    pub(crate) retry: Option<Position>,
    pub(crate) echo: bool,
    /// When its edge sent it.
    pub(crate) sent: Sent,
    pub(crate) body: Body<'a>,
}

impl<'a> PublishView<'a> {
    pub(crate) fn of(request: &'a PublishRequest) -> Self {
        Self {
            origin: request.origin,
            user: request.user.clone(),
            id: request.id,
            handle: request.handle,
            room: &request.room,
            lane: request.lane,
            key: &request.key,
            msg_id: request.msg_id.as_deref(),
            retry: request.retry,
            echo: request.echo,
            sent: request.sent,
            body: Body { kind: request.body_kind, bytes: &request.body },
        }
    }

    fn to_request(&self) -> PublishRequest {
        PublishRequest {
            origin: self.origin,
            user: self.user.clone(),
            id: self.id,
            handle: self.handle,
            room: self.room.into(),
            lane: self.lane,
            key: self.key.into(),
            msg_id: self.msg_id.map(Into::into),
            retry: self.retry,
            echo: self.echo,
            sent: self.sent,
            body_kind: self.body.kind,
            body: self.body.bytes.into(),
        }
    }

    pub(super) const fn publisher(&self, from: Asker) -> Publisher {
        let sent = self.sent;
        Publisher { from, origin: self.origin, id: self.id, handle: self.handle, echo: self.echo, sent }
    }

    pub(super) const fn session(&self) -> SessionId {
        match &self.origin {
            Origin::Session(session) => session.id,
            Origin::Api { .. } => SessionId(0),
        }
    }
}

/// Who waits for the outcome of a publication.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publisher {
    pub(crate) from: Asker,
    pub(crate) origin: Origin,
    pub(crate) id: Option<RequestId>,
    pub(crate) handle: RoomHandle,
    pub(crate) echo: bool,
    /// When its edge sent it.
    pub(crate) sent: Sent,
}

impl Publisher {
    /// Who does not want its own publication, on its edge.
    const fn excluded(&self) -> Option<(EdgeId, SessionKey)> {
        match self.origin {
            Origin::Session(session) if !self.echo => Some((self.from.edge, session.key)),
            _ => None,
        }
    }
}

impl<E: Encoder> Shard<E> {
    /// The node's own API publishes, with every right; answered by [`crate::Output::Answered`].
    ///
    /// # Errors
    /// [`Blocked`]: nothing happened; offer it again later.
    pub fn handle_api_publish(
        &mut self,
        now: Now,
        ticket: u64,
        user: Arc<str>,
        publish: &ringway_protocol::command::Publish<'_>,
    ) -> Result<(), Blocked> {
        let handle = self.handle_of(publish.room);
        if !self.has_room_to_ask(handle) || !self.exchange.takes_requests() {
            return Err(Blocked);
        }
        let checked = match self.namespaces.find(publish.room.namespace()) {
            Some(namespace) => self.check_publication(namespace, publish),
            None => Err(ErrorCode::UnknownNamespace),
        };
        // The API is always answered, so an id is not what decides.
        if let Err(code) =
            checked.or_else(|code| if code == ErrorCode::IdRequired { Ok(()) } else { Err(code) })
        {
            self.count_error(code);
            self.outputs.push_back(crate::Output::Answered { ticket, result: Err(code) });
            return Ok(());
        }
        let view = PublishView {
            origin: Origin::Api { ticket },
            user,
            id: None,
            handle,
            room: publish.room.as_str(),
            lane: publish.lane,
            key: publish.key.unwrap_or(""),
            msg_id: publish.msg_id,
            retry: publish.retry,
            echo: true,
            sent: Sent::default(),
            body: publish.body,
        };
        self.send_publish(now, view);
        self.settle(now);
        Ok(())
    }

    /// To the room's owner: a direct call if that is this shard.
    pub(crate) fn send_publish(&mut self, now: Now, view: PublishView<'_>) {
        let slot = slot_of(view.handle);
        let term = self.routes.term(slot);
        // What was asked before comes first, also when it was asked of this very shard.
        let direct = self.home(slot) == self.config.id
            && self.routes.is_plain(slot, term)
            && self.exchange.own_requests.is_empty()
            && self.owner.may_speak(now.monotonic);
        if direct {
            let from = Asker { edge: EdgeId::here(self.config.id), number: 0 };
            self.owner_publish(now, from, &view);
        } else {
            self.ask(now, Request::Publish(Box::new(view.to_request())));
        }
    }

    pub(super) fn owner_publish(&mut self, now: Now, from: Asker, view: &PublishView<'_>) {
        if let Err(code) = self.room_for(now, view.handle, view.room) {
            self.publish_failed(&view.publisher(from), code);
            return;
        }
        let result = match view.lane {
            Lane::Reliable => self.publish_reliable(now, from, view),
            Lane::Latest => self.publish_latest(now, from, view),
            Lane::Unreliable => self.publish_unreliable(now, from, view),
        };
        match result {
            Ok(()) => {}
            Err(ErrorCode::Unavailable) => {
                self.publish_refused(now, &view.publisher(from), view.lane, view.msg_id);
            }
            Err(code) => self.publish_failed(&view.publisher(from), code),
        }
    }

    fn publish_reliable(&mut self, now: Now, from: Asker, view: &PublishView<'_>) -> Result<(), ErrorCode> {
        let to = view.publisher(from);
        if !self.is_free(from.edge, view.origin, view.handle, view.sent.refusals) {
            return Err(ErrorCode::Unavailable);
        }
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        let namespace = room.namespace;
        let id = view.msg_id.map(|msg_id| Id::new(&self.config.key, &view.user, msg_id));
        if let Some(id) = &id {
            match find_duplicate(room, now, view, id) {
                Found::New => {}
                Found::Unknown => return Err(ErrorCode::OutcomeUnknown),
                Found::Duplicate(offset) => {
                    let (epoch, committed) = (room.epoch, offset <= room.last);
                    self.counters.duplicates += 1;
                    if committed {
                        self.published(now, &to, view.room, epoch, Place::Offset(offset), true);
                    } else {
                        self.wait_for_commit(to, offset);
                    }
                    return Ok(());
                }
            }
        }
        let replicates =
            self.routes.is_watched(slot_of(view.handle)) && self.replicates(view.handle, namespace);
        if replicates && !self.has_room_to_replicate(view.handle) {
            return Err(ErrorCode::Unavailable);
        }
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        room.given = room.given.next();
        let offset = room.given;
        if let Some(id) = &id {
            let dedup = room.dedup.get_or_insert_with(|| Box::new(Dedup::new()));
            dedup.remember(id, offset, now.monotonic);
        }
        let frame = self.message_frame(now, view, Place::Offset(offset));
        if replicates && self.replicate(to, offset, id.as_ref(), &frame) {
            // Told when the standby has it.
            return Ok(());
        }
        self.commit(now, &to, view.room, offset, frame);
        Ok(())
    }

    /// The publication is safe as its namespace wants it: it enters the past, and everybody hears of it.
    pub(super) fn commit(&mut self, now: Now, to: &Publisher, name: &str, offset: Offset, frame: E::Frame) {
        let bytes = E::bytes_held(&frame);
        let Some(room) = self.owner.rooms.find(to.handle) else { return };
        debug_assert_eq!(offset, room.last.next(), "commits come in order");
        room.last = offset;
        let epoch = room.epoch;
        room.history.append(frame.clone(), bytes, now.monotonic);
        self.owner.held_bytes += bytes as u64;
        self.trim_history(now, to.handle);
        self.tell_publication(to, Lane::Reliable, Place::Offset(offset), 0, &frame);
        self.published(now, to, name, epoch, Place::Offset(offset), false);
    }

    fn publish_unreliable(&mut self, now: Now, from: Asker, view: &PublishView<'_>) -> Result<(), ErrorCode> {
        let to = view.publisher(from);
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        let epoch = room.epoch;
        let place = Place::Version(room.next_version());
        let key_tag = self.key_tag(view.handle, Lane::Unreliable, self.key_user(view), view.key);
        let frame = self.message_frame(now, view, place);
        self.tell_publication(&to, view.lane, place, key_tag, &frame);
        self.published(now, &to, view.room, epoch, place, false);
        Ok(())
    }

    /// Encodes the `message`, once for everybody.
    pub(super) fn message_frame(&mut self, now: Now, view: &PublishView<'_>, place: Place) -> E::Frame {
        let with_user = self
            .owner
            .rooms
            .get(view.handle)
            .is_some_and(|room| self.namespaces.policy(room.namespace).sender == SenderMode::User);
        let message = Event::Message(Message {
            room: Some(view.room),
            handle: view.handle,
            lane: view.lane,
            place,
            time: now.unix,
            from: Sender { user: with_user.then_some(&*view.user), session: view.session() },
            key: (!view.key.is_empty()).then_some(view.key),
            body: view.body,
        });
        self.encoder.broadcast(&message)
    }

    pub(super) fn tell_publication(
        &mut self,
        to: &Publisher,
        lane: Lane,
        place: Place,
        key_tag: u64,
        frame: &E::Frame,
    ) {
        let handle = to.handle;
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let (namespace, members) = (room.namespace, room.members.len() as u32);
        self.counters.publications[lane as usize] += 1;
        self.namespace_counters(namespace).publications += 1;
        let excluded = to.excluded();
        self.tell_audience(handle, frame, |peer, frame| {
            let except = excluded.filter(|(edge, _)| edge.peer == peer).map(|(edge, key)| (edge.shard, key));
            Delivery::Publication { handle, lane, place, key_tag, members, except, frame }
        });
    }

    /// Answers the publisher.
    pub(super) fn published(
        &mut self,
        now: Now,
        to: &Publisher,
        room: &str,
        epoch: ringway_protocol::Epoch,
        place: Place,
        duplicate: bool,
    ) {
        let slot = slot_of(to.handle);
        let session = match to.origin {
            Origin::Session(session) => session,
            Origin::Api { ticket } => {
                let result = Ok(ApiPublished { epoch, place, duplicate });
                self.answer_to(to.from, slot, Delivery::ApiAnswer { ticket, result });
                return;
            }
        };
        let Some(id) = to.id else { return };
        let published = Published { id, room, epoch, place, time: now.unix, duplicate };
        let frame = self.encoder.reply(&Event::Published(published), session.format);
        let (key, handle, format) = (session.key, to.handle, session.format);
        let delivery = match place {
            Place::Offset(offset) if !to.echo && !duplicate => {
                Delivery::PublishedInPlace { session: key, handle, offset, frame }
            }
            _ => {
                let (room, frames) = (Some(handle), vec![frame]);
                Delivery::Reply { session: key, room, last: false, format, frames }
            }
        };
        self.answer_to(to.from, slot, delivery);
    }

    pub(super) fn publish_failed(&mut self, to: &Publisher, code: ErrorCode) {
        match to.origin {
            Origin::Session(session) => self.reply_error(to.from, session, to.handle, to.id, code),
            Origin::Api { ticket } => {
                self.count_error(code);
                let answer = Delivery::ApiAnswer { ticket, result: Err(code) };
                self.answer_to(to.from, slot_of(to.handle), answer);
            }
        }
    }
}

fn find_duplicate<F>(room: &mut Room<F>, now: Now, view: &PublishView<'_>, id: &Id<'_>) -> Found {
    let here = room.position();
    match &mut room.dedup {
        Some(dedup) => {
            dedup.expire(now.monotonic);
            dedup.find(id, view.retry, here)
        }
        None => unseen(view.retry, here, Offset(0)),
    }
}
