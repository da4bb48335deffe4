//! A publication gets its place and goes to everybody.

use std::sync::Arc;

use ringway_protocol::event::{Message, Place, Published, Sender};
use ringway_protocol::{Body, ErrorCode, Event, Lane, Position, RequestId, RoomHandle, SessionId};

use crate::frame::Encoder;
use crate::message::{ApiPublished, Delivery, Origin, PublishRequest, Request};
use crate::room::{Dedup, Found, Room};
use crate::settings::SenderMode;
use crate::shard::Blocked;
use crate::time::Now;
use crate::{SessionKey, Shard, ShardId};

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
    pub(crate) body: Body<'a>,
}

impl<'a> PublishView<'a> {
    pub(crate) fn of(request: &'a PublishRequest) -> Self {
        Self {
            origin: request.origin.clone(),
            user: request.user.clone(),
            id: request.id,
            handle: request.handle,
            room: &request.room,
            lane: request.lane,
            key: &request.key,
            msg_id: request.msg_id.as_deref(),
            retry: request.retry,
            echo: request.echo,
            body: Body { kind: request.body_kind, bytes: &request.body },
        }
    }

    fn to_request(&self) -> PublishRequest {
        PublishRequest {
            origin: self.origin.clone(),
            user: self.user.clone(),
            id: self.id,
            handle: self.handle,
            room: self.room.into(),
            lane: self.lane,
            key: self.key.into(),
            msg_id: self.msg_id.map(Into::into),
            retry: self.retry,
            echo: self.echo,
            body_kind: self.body.kind,
            body: self.body.bytes.into(),
        }
    }

    pub(super) fn session(&self) -> SessionId {
        match &self.origin {
            Origin::Session(session) => session.id,
            Origin::Api { .. } => SessionId(0),
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
        let owner = self.owner_of(handle);
        if owner != self.config.id && !self.exchange.has_request_room(owner)
            || !self.exchange.takes_requests()
        {
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
            body: publish.body,
        };
        self.send_publish(now, view);
        self.settle(now);
        Ok(())
    }

    /// To the room's owner: a direct call if that is this shard.
    pub(crate) fn send_publish(&mut self, now: Now, view: PublishView<'_>) {
        let owner = self.owner_of(view.handle);
        // What was asked before comes first, also when it was asked of this very shard.
        if owner == self.config.id && self.exchange.own_requests.is_empty() {
            self.owner_publish(now, owner, &view);
        } else {
            self.request(owner, Request::Publish(Box::new(view.to_request())));
        }
    }

    pub(super) fn owner_publish(&mut self, now: Now, from: ShardId, view: &PublishView<'_>) {
        if let Err(code) = self.room_for(now, view.handle, view.room) {
            self.publish_failed(from, view, code);
            return;
        }
        let result = match view.lane {
            Lane::Reliable => self.publish_reliable(now, from, view),
            Lane::Latest => self.publish_latest(now, from, view),
            Lane::Unreliable => self.publish_unreliable(now, from, view),
        };
        if let Err(code) = result {
            self.publish_failed(from, view, code);
        }
    }

    fn publish_reliable(&mut self, now: Now, from: ShardId, view: &PublishView<'_>) -> Result<(), ErrorCode> {
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        if let Some(msg_id) = view.msg_id {
            match find_duplicate(room, now, view, msg_id) {
                Found::New => {}
                Found::Unknown => return Err(ErrorCode::OutcomeUnknown),
                Found::Duplicate(offset) => {
                    let epoch = room.epoch;
                    self.counters.duplicates += 1;
                    self.published(now, from, view, epoch, Place::Offset(offset), true);
                    return Ok(());
                }
            }
        }
        let epoch = room.epoch;
        room.last = room.last.next();
        let offset = room.last;
        if let Some(msg_id) = view.msg_id {
            let dedup = room.dedup.get_or_insert_with(|| Box::new(Dedup::new()));
            dedup.remember(&view.user, msg_id, offset, now.monotonic);
        }
        let frame = self.message_frame(now, view, Place::Offset(offset));
        let bytes = E::bytes_held(&frame);
        if let Some(room) = self.owner.rooms.find(view.handle) {
            room.history.append(frame.clone(), bytes, now.monotonic);
            self.owner.held_bytes += bytes as u64;
        }
        self.trim_history(now, view.handle);
        let except = excluded(from, view);
        self.tell_publication(view, Place::Offset(offset), 0, except, &frame);
        self.published(now, from, view, epoch, Place::Offset(offset), false);
        Ok(())
    }

    fn publish_unreliable(
        &mut self,
        now: Now,
        from: ShardId,
        view: &PublishView<'_>,
    ) -> Result<(), ErrorCode> {
        let room = self.owner.rooms.find(view.handle).ok_or(ErrorCode::Internal)?;
        let epoch = room.epoch;
        let place = Place::Version(room.next_version());
        let key_tag = self.key_tag(view.handle, Lane::Unreliable, self.key_user(view), view.key);
        let frame = self.message_frame(now, view, place);
        self.tell_publication(view, place, key_tag, excluded(from, view), &frame);
        self.published(now, from, view, epoch, place, false);
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
        view: &PublishView<'_>,
        place: Place,
        key_tag: u64,
        except: Option<(ShardId, SessionKey)>,
        frame: &E::Frame,
    ) {
        let (handle, lane) = (view.handle, view.lane);
        let Some(room) = self.owner.rooms.get(handle) else { return };
        let (namespace, members) = (room.namespace, room.members.len() as u32);
        self.counters.publications[lane as usize] += 1;
        self.namespace_counters(namespace).publications += 1;
        self.tell_audience(handle, frame, |shard, frame| {
            let except = except.filter(|(home, _)| *home == shard).map(|(_, session)| session);
            Delivery::Publication { handle, lane, place, key_tag, members, except, frame }
        });
    }

    /// Answers the publisher.
    pub(super) fn published(
        &mut self,
        now: Now,
        from: ShardId,
        view: &PublishView<'_>,
        epoch: ringway_protocol::Epoch,
        place: Place,
        duplicate: bool,
    ) {
        let session = match view.origin {
            Origin::Session(session) => session,
            Origin::Api { ticket } => {
                let result = Ok(ApiPublished { epoch, place, duplicate });
                self.deliver(from, Delivery::ApiAnswer { ticket, result });
                return;
            }
        };
        let Some(id) = view.id else { return };
        let published = Published { id, room: view.room, epoch, place, time: now.unix, duplicate };
        let frame = self.encoder.reply(&Event::Published(published), session.format);
        let (key, handle) = (session.key, view.handle);
        let delivery = match place {
            Place::Offset(offset) if !view.echo && !duplicate => {
                Delivery::PublishedInPlace { session: key, handle, offset, frame }
            }
            _ => Delivery::Reply { session: key, room: Some(handle), last: false, frames: vec![frame] },
        };
        self.deliver(from, delivery);
    }

    fn publish_failed(&mut self, from: ShardId, view: &PublishView<'_>, code: ErrorCode) {
        match view.origin {
            Origin::Session(session) => self.reply_error(from, session, view.id, code),
            Origin::Api { ticket } => {
                self.count_error(code);
                self.deliver(from, Delivery::ApiAnswer { ticket, result: Err(code) });
            }
        }
    }
}

/// The publisher who does not want its own publication, on its edge.
pub(super) fn excluded(from: ShardId, view: &PublishView<'_>) -> Option<(ShardId, SessionKey)> {
    match view.origin {
        Origin::Session(session) if !view.echo => Some((from, session.key)),
        _ => None,
    }
}

fn find_duplicate<F>(room: &mut Room<F>, now: Now, view: &PublishView<'_>, msg_id: &[u8]) -> Found {
    let here = room.position();
    match &mut room.dedup {
        Some(dedup) => {
            dedup.expire(now.monotonic);
            dedup.find(&view.user, msg_id, view.retry, here)
        }
        None => Dedup::new().find(&view.user, msg_id, view.retry, here),
    }
}
