//! What a client asks for: checked here against its rights and bounds, then sent to the room's owner.

use ringway_protocol::command::{Command, History, Join, JoinMany, Leave, Presence, Publish};
use ringway_protocol::event::ErrorEvent;
use ringway_protocol::{BodyKind, CloseCode, ErrorCode, Event, Lane, RequestId, RoomHandle, RoomName, limit};

use super::{Interest, Membership, Phase};
use crate::access::{Action, allowed};
use crate::bucket::publish_units;
use crate::frame::Encoder;
use crate::message::{
    Departure, HistoryRequest, JoinRequest, KnownKey, LeaveRequest, Origin, PresenceRequest, Request, Sent,
};
use crate::namespaces::NamespaceId;
use crate::outbox::Kind;
use crate::owner::PublishView;
use crate::shard::Blocked;
use crate::time::Now;
use crate::{SessionKey, Shard};

impl<E: Encoder> Shard<E> {
    /// One command of a session. `Hello` and `Refresh` never reach the core: they are answered as `wrong_state`.
    ///
    /// # Errors
    /// [`Blocked`]: nothing happened; offer it again after [`crate::Output::Unblocked`].
    pub fn handle_command(
        &mut self,
        now: Now,
        session: SessionKey,
        command: &Command<'_>,
    ) -> Result<(), Blocked> {
        if self.edge.session(session).is_none_or(|session| session.phase == Phase::Closing) {
            return Ok(());
        }
        if let Command::Publish(publish) = command {
            return self.handle_publish(now, session, publish);
        }
        self.admit_command(session, command)?;
        let units = match command {
            Command::JoinMany(many) => many.rooms.len().max(1) as u64,
            _ => 1,
        };
        if let Err(retry_after_ms) = self.charge(now, session, units) {
            self.refuse_rate(now, session, command.id(), retry_after_ms);
            self.settle(now);
            return Ok(());
        }
        match command {
            Command::Hello(_) | Command::Refresh(_) => {
                self.refuse(now, session, command.id(), None, ErrorCode::WrongState);
            }
            Command::Join(join) => self.command_join(now, session, join, false),
            Command::JoinMany(many) => self.command_join_many(now, session, many),
            Command::Leave(leave) => self.command_leave(now, session, leave),
            // Handled above.
            Command::Publish(_) => {}
            Command::History(history) => self.command_history(now, session, history),
            Command::Presence(presence) => self.command_presence(now, session, presence),
            Command::Ping { id } => {
                let pong = Event::Pong { id: *id, time: now.unix };
                self.answer(now, session, &pong);
            }
        }
        self.settle(now);
        Ok(())
    }

    /// The hot command: its room's handle is made once.
    fn handle_publish(
        &mut self,
        now: Now,
        session: SessionKey,
        publish: &Publish<'_>,
    ) -> Result<(), Blocked> {
        let handle = self.handle_of(publish.room);
        self.admit(session, handle)?;
        let members = self.edge.interests.get(handle).map_or(1, |interest| interest.members);
        match self.charge(now, session, publish_units(members, publish.body.bytes.len())) {
            Ok(()) => self.command_publish(now, session, publish, handle),
            Err(retry_after_ms) => self.refuse_rate(now, session, publish.id, retry_after_ms),
        }
        self.settle(now);
        Ok(())
    }

    /// The rim refused something of this session (a frame that did not decode, a token): queues an `error`.
    pub fn handle_fault(
        &mut self,
        now: Now,
        session: SessionKey,
        id: Option<RequestId>,
        code: ErrorCode,
        message: &str,
    ) {
        self.count_error(code);
        let error = ErrorEvent { id, room: None, code, retry_after_ms: None, message };
        self.answer(now, session, &Event::Error(error));
        self.count_refusal(now, session);
        self.settle(now);
    }

    fn admit_command(&mut self, session: SessionKey, command: &Command<'_>) -> Result<(), Blocked> {
        let room = match command {
            Command::Join(join) => join.room,
            Command::History(history) => history.room,
            Command::Presence(presence) => presence.room,
            Command::JoinMany(many) => {
                return many.rooms.iter().try_for_each(|join| self.admit(session, self.handle_of(join.room)));
            }
            // A leave is always taken: at most one per membership.
            Command::Leave(_)
            | Command::Publish(_)
            | Command::Hello(_)
            | Command::Refresh(_)
            | Command::Ping { .. } => return Ok(()),
        };
        self.admit(session, self.handle_of(room))
    }

    fn charge(&mut self, now: Now, session: SessionKey, units: u64) -> Result<(), u32> {
        let (per_s, burst) = (self.settings.limits.work_per_s, self.settings.limits.work_burst);
        match self.edge.session_mut(session) {
            Some(open) => open.bucket.charge(now.monotonic, units, per_s, burst),
            None => Ok(()),
        }
    }

    fn command_join_many(&mut self, now: Now, session: SessionKey, many: &JoinMany<'_>) {
        if many.rooms.is_empty() || many.rooms.len() > limit::JOIN_MANY_MAX {
            self.refuse(now, session, many.id, None, ErrorCode::BadField);
            return;
        }
        for join in &many.rooms {
            self.command_join(now, session, join, true);
        }
    }

    fn command_join(&mut self, now: Now, session: SessionKey, join: &Join<'_>, many: bool) {
        let handle = self.handle_of(join.room);
        let namespace = match self.check_join(session, join, handle) {
            Ok(namespace) => namespace,
            Err(code) => {
                let room = many.then_some(join.room.as_str());
                self.refuse(now, session, join.id, room, code);
                return;
            }
        };
        // An earlier room of a `join_many` may have been one refusal too many.
        let Some(open) = self.edge.session_mut(session).filter(|open| open.phase == Phase::Open) else {
            return;
        };
        open.refusals = 0;
        open.seats += 1;
        let seat = open.seats;
        open.memberships.push(Membership {
            handle,
            seat,
            place: None,
            presence: join.presence,
            stream: join.stream,
        });
        let request = JoinRequest {
            session: open.reference(),
            user: open.identity.user.clone(),
            info: open.identity.info.clone(),
            id: join.id,
            many,
            handle,
            room: join.room.as_str().into(),
            since: join.since,
            versions: join.versions.iter().map(known_key).collect(),
            presence: join.presence,
            seat,
        };
        if self.edge.interests.get(handle).is_none() {
            self.edge.interests.insert(handle, Interest::new(join.room.as_str(), namespace));
        }
        if let Some(interest) = self.edge.interests.find(handle) {
            interest.joining += 1;
        }
        self.ask(now, Request::Join(Box::new(request)));
    }

    fn check_join(
        &self,
        session: SessionKey,
        join: &Join<'_>,
        handle: RoomHandle,
    ) -> Result<NamespaceId, ErrorCode> {
        let open = self.edge.session(session).ok_or(ErrorCode::Internal)?;
        let namespace = self.check_access(session, join.room, Action::Join, ErrorCode::JoinDenied)?;
        if open.memberships.len() >= self.settings.limits.session_rooms_max as usize {
            return Err(ErrorCode::TooManyRooms);
        }
        if join.versions.len() > limit::KEYS_PER_ROOM_MAX {
            return Err(ErrorCode::BadField);
        }
        let taken =
            self.edge.interests.get(handle).is_some_and(|interest| *interest.name != *join.room.as_str());
        if taken {
            return Err(ErrorCode::HandleTaken);
        }
        match open.membership(handle) {
            Some(_) => Err(ErrorCode::AlreadyJoined),
            None => Ok(namespace),
        }
    }

    fn command_leave(&mut self, now: Now, session: SessionKey, leave: &Leave<'_>) {
        let handle = self.handle_of(leave.room);
        if !self.end_membership(now, session, handle, leave.id, Departure::Left) {
            self.refuse(now, session, leave.id, None, ErrorCode::NotJoined);
        }
    }

    /// Ends a membership on this edge at once and tells the owner. False if there was none.
    pub(super) fn end_membership(
        &mut self,
        now: Now,
        session: SessionKey,
        handle: RoomHandle,
        id: Option<RequestId>,
        departure: Departure,
    ) -> bool {
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else {
            return false;
        };
        let Some(membership) = open.take_membership(handle) else { return false };
        open.outbox.forget_values(&mut self.edge.pool, handle);
        let reference = open.reference();
        let room = id.and_then(|_| self.edge.interests.get(handle)).map(|interest| interest.name.clone());
        let request = LeaveRequest { session: reference, id, handle, departure, room };
        if let Some(place) = membership.place {
            self.edge.stand_up(handle, place);
        }
        for frame in self.edge.release_held(session, handle) {
            self.push(now, session, frame, Kind::InRoom { handle });
        }
        if id.is_none()
            && membership.place.is_some()
            && let Some(open) = self.edge.session_mut(session)
        {
            // No `left` will end it. Without a place the stream is an older membership's, whose `left` is to come.
            open.end_stream(handle);
        }
        self.ask(now, Request::Leave(request));
        self.edge.release_interest(handle);
        true
    }

    fn command_publish(&mut self, now: Now, session: SessionKey, publish: &Publish<'_>, handle: RoomHandle) {
        if let Err(code) = self.check_publish(session, publish, handle) {
            self.refuse(now, session, publish.id, None, code);
            return;
        }
        let reliable = publish.lane == Lane::Reliable;
        let of = (session, handle);
        self.edge.ordinals += 1;
        let refusals = if reliable { self.edge.refused.count(of) } else { 0 };
        let sent = Sent { refusals, ordinal: self.edge.ordinals };
        if reliable && !self.edge.barred.admits(now.monotonic, of, publish.msg_id, sent.ordinal) {
            self.refuse(now, session, publish.id, None, ErrorCode::Unavailable);
            return;
        }
        let Some(open) = self.edge.session_mut(session) else { return };
        open.refusals = 0;
        let view = PublishView {
            origin: Origin::Session(open.reference()),
            user: open.identity.user.clone(),
            id: publish.id,
            handle,
            room: publish.room.as_str(),
            lane: publish.lane,
            key: publish.key.unwrap_or(""),
            msg_id: publish.msg_id,
            retry: publish.retry,
            echo: publish.echo,
            sent,
            body: publish.body,
        };
        self.send_publish(now, view);
    }

    fn check_publish(
        &self,
        session: SessionKey,
        publish: &Publish<'_>,
        handle: RoomHandle,
    ) -> Result<(), ErrorCode> {
        let namespace =
            self.check_access(session, publish.room, Action::Publish, ErrorCode::PublishDenied)?;
        self.check_publication(namespace, publish)?;
        let policy = self.namespaces.policy(namespace);
        let member = self.edge.session(session).is_some_and(|open| open.membership(handle).is_some());
        // A key goes with its session's membership: without one it would stay for ever.
        if publish.lane == Lane::Latest && policy.key_ttl_ms == 0 && !member {
            return Err(ErrorCode::NotJoined);
        }
        Ok(())
    }

    /// The rules of a publication that hold whoever publishes.
    pub(crate) fn check_publication(
        &self,
        namespace: NamespaceId,
        publish: &Publish<'_>,
    ) -> Result<(), ErrorCode> {
        let policy = self.namespaces.policy(namespace);
        let enabled = match publish.lane {
            Lane::Reliable => policy.reliable,
            Lane::Latest => policy.latest,
            Lane::Unreliable => policy.unreliable,
        };
        let reliable = publish.lane == Lane::Reliable;
        if !enabled {
            Err(ErrorCode::LaneDisabled)
        } else if publish.key.is_some_and(|key| reliable || key.len() > limit::KEY_BYTES_MAX) {
            Err(ErrorCode::BadKey)
        } else if publish
            .msg_id
            .is_some_and(|id| !reliable || id.is_empty() || id.len() > limit::MSG_ID_BYTES_MAX)
        {
            Err(ErrorCode::BadMsgId)
        } else if publish.retry.is_some() && publish.msg_id.is_none() {
            Err(ErrorCode::BadField)
        } else if publish.body.kind == BodyKind::None && publish.lane != Lane::Latest {
            Err(ErrorCode::BodyRequired)
        } else if reliable && !publish.echo && publish.id.is_none() {
            Err(ErrorCode::IdRequired)
        } else {
            Ok(())
        }
    }

    fn command_history(&mut self, now: Now, session: SessionKey, history: &History<'_>) {
        if let Err(code) = self.check_access(session, history.room, Action::Join, ErrorCode::HistoryDenied) {
            self.refuse(now, session, history.id, None, code);
            return;
        }
        let Some(open) = self.edge.session_mut(session) else { return };
        open.refusals = 0;
        let session = open.reference();
        let handle = self.handle_of(history.room);
        let limit = history.limit.clamp(1, limit::HISTORY_PAGE_MAX);
        let room = history.room.as_str().into();
        let request = HistoryRequest { session, id: history.id, handle, room, from: history.from, limit };
        self.ask(now, Request::History(request));
    }

    fn command_presence(&mut self, now: Now, session: SessionKey, presence: &Presence<'_>) {
        if let Err(code) = self.check_access(session, presence.room, Action::Join, ErrorCode::PresenceDenied)
        {
            self.refuse(now, session, presence.id, None, code);
            return;
        }
        let Some(open) = self.edge.session_mut(session) else { return };
        open.refusals = 0;
        let session = open.reference();
        let handle = self.handle_of(presence.room);
        let room = presence.room.as_str().into();
        let request = PresenceRequest { session, id: presence.id, handle, room, cursor: presence.cursor };
        self.ask(now, Request::Presence(request));
    }

    fn check_access(
        &self,
        session: SessionKey,
        room: RoomName<'_>,
        action: Action,
        denied: ErrorCode,
    ) -> Result<NamespaceId, ErrorCode> {
        let open = self.edge.session(session).ok_or(ErrorCode::Internal)?;
        let namespace = self.namespaces.find(room.namespace()).ok_or(ErrorCode::UnknownNamespace)?;
        if allowed(&open.identity, self.namespaces.policy(namespace), room, action) {
            Ok(namespace)
        } else {
            Err(denied)
        }
    }

    pub(crate) fn handle_of(&self, room: RoomName<'_>) -> RoomHandle {
        RoomHandle::of(&self.config.key, room.as_str())
    }

    /// Queues an `error`, and closes a client that does not stop earning them.
    pub(super) fn refuse(
        &mut self,
        now: Now,
        session: SessionKey,
        id: Option<RequestId>,
        room: Option<&str>,
        code: ErrorCode,
    ) {
        self.count_error(code);
        let error = ErrorEvent { id, room, code, retry_after_ms: None, message: code.text() };
        self.answer(now, session, &Event::Error(error));
        self.count_refusal(now, session);
    }

    fn refuse_rate(&mut self, now: Now, session: SessionKey, id: Option<RequestId>, retry_after_ms: u32) {
        let code = ErrorCode::RateLimited;
        self.count_error(code);
        let retry_after_ms = Some(retry_after_ms);
        let error = ErrorEvent { id, room: None, code, retry_after_ms, message: code.text() };
        self.answer(now, session, &Event::Error(error));
        self.count_refusal(now, session);
    }

    fn count_refusal(&mut self, now: Now, session: SessionKey) {
        let refusals_max = self.settings.limits.refusals_max;
        let Some(open) = self.edge.session_mut(session) else { return };
        open.refusals += 1;
        if open.refusals > refusals_max {
            self.end(now, session, CloseCode::Flooding.number(), CloseCode::Flooding.text(), None);
        }
    }
}

fn known_key(known: &ringway_protocol::command::KnownVersion<'_>) -> KnownKey {
    KnownKey { user: known.user.map(Into::into), key: known.key.into(), version: known.version }
}
