//! What the server says.

use super::{Action, Client, Fault, Held, Reaction, Request, RoomIndex, Stage, State, Verifier, Way};
use crate::event::{ErrorEvent, Joined, Message, Place, Published, Welcome};
use crate::time::Monotonic;
use crate::{ErrorCode, Event, Lane, Offset, Position, RequestId, Retry, RoomHandle};

/// Pause before a refused join is tried again when the server names none.
const RETRY_MS: u32 = 1_000;

impl Client {
    /// One event of this connection's control stream, in the order of arrival.
    pub fn handle_event(&mut self, now: Monotonic, event: &Event<'_>) -> Reaction {
        self.handle_event_on(now, Way::Control, event)
    }

    /// One event that came in no order to others: as a datagram, or [held](Self::hold).
    pub fn handle_apart(&mut self, now: Monotonic, event: &Event<'_>) -> Reaction {
        self.handle_event_on(now, Way::Apart, event)
    }

    /// One event that came this way. A room's order comes the way of its `joined`; of the values that come other ways,
    /// those that were overtaken, or are of an older membership or order, are [`Reaction::Stale`] and no violation.
    pub fn handle_event_on(&mut self, now: Monotonic, way: Way, event: &Event<'_>) -> Reaction {
        self.heard = now;
        match event {
            Event::Message(message) => self.on_message(message, way),
            Event::Welcome(welcome) => self.on_welcome(welcome),
            Event::Joined(joined) => self.on_joined(joined, way),
            Event::Published(published) => self.on_published(published),
            Event::Left { id, room } => self.on_left(*id, room),
            Event::Gap { room, from, to } => self.on_gap(room, *from, *to),
            Event::Reset { room, position, version, .. } => match self.room_index(room) {
                Some(index) => {
                    self.check(index, |verifier| verifier.handle_reset(*position, *version));
                    Reaction::Reset { room: index }
                }
                None => self.out_of_place("reset"),
            },
            Event::History(page) => match self.answered(page.id) {
                Ok(Some(Request::History(index))) => {
                    if let Some(room) = self.rooms.get_mut(index.0 as usize) {
                        room.verifier.handle_page(page.replay, way);
                    }
                    Reaction::Told
                }
                _ => self.out_of_place("history"),
            },
            Event::Presence(page) => self.answers(page.id, "presence"),
            Event::Refreshed { id, .. } => self.answers(*id, "refreshed"),
            Event::Pong { id, .. } => match self.answered(*id) {
                Ok(Some(Request::Ping { sent })) => Reaction::Pong { rtt_us: now.since(sent) },
                _ => self.out_of_place("pong"),
            },
            Event::PresenceChanged(_) => Reaction::Told,
            Event::Error(error) => self.on_error(now, error),
            Event::Closing { reconnect_after_ms, .. } => {
                self.advised_ms = *reconnect_after_ms;
                Reaction::Closing
            }
        }
    }

    /// The server was heard, though not with an event: a transport's own ping, or bytes that are left unread for now.
    pub const fn handle_life(&mut self, now: Monotonic) {
        self.heard = now;
    }

    /// The common case without an [`Event`]: the next live reliable message of a joined room, whose index it gives.
    /// `None`: nothing happened, decode the frame and call [`Client::handle_event`].
    #[inline]
    pub fn handle_next(&mut self, now: Monotonic, handle: RoomHandle, offset: Offset) -> Option<RoomIndex> {
        let index = self.room_of_handle(handle)?;
        let due = self.rooms.get_mut(index.0 as usize)?.verifier.handle_due(offset);
        due.then(|| {
            self.heard = now;
            index
        })
    }

    /// The end of a run: this room should have been seen up to `position`; what is missing becomes a violation.
    pub fn handle_end(&mut self, index: RoomIndex, position: Position) {
        self.check(index, |verifier| verifier.handle_end(position));
    }

    /// Keeps the frame of an [`Reaction::UnknownRoom`] while a join is outstanding; false: it was dropped.
    pub fn hold(&mut self, frame: &[u8]) -> bool {
        self.joins_outstanding > 0 && self.held.get_or_insert_with(|| Box::new(Held::default())).keep(frame)
    }

    /// Frames held for a room that was just answered: decode them and [handle](Self::handle_apart) them before anything
    /// newer.
    pub fn poll_held(&mut self) -> Option<Vec<u8>> {
        let frame = self.released.as_mut()?.take();
        if frame.is_none() {
            self.released = None;
        }
        frame
    }

    fn on_welcome(&mut self, welcome: &Welcome<'_>) -> Reaction {
        let asked = self.answered(welcome.id);
        if self.state != State::Greeting || asked != Ok(Some(Request::Hello)) {
            return self.out_of_place("welcome");
        }
        let resumed = self.session == welcome.session && self.resume.is_some();
        self.session = welcome.session;
        self.resume = Some(welcome.resume.into());
        self.heartbeat_ms = welcome.heartbeat_ms;
        self.limits = welcome.limits;
        self.state = State::Ready;
        self.attempt = 0;
        self.queue_joins();
        Reaction::Welcomed { resumed }
    }

    fn on_joined(&mut self, joined: &Joined<'_>, way: Way) -> Reaction {
        let index = match self.answered(joined.id) {
            Ok(Some(Request::Join(index))) => Some(index),
            Ok(Some(Request::JoinMany { .. })) => self.room_index(joined.room),
            _ => None,
        };
        let Some((index, room)) =
            index.and_then(|index| Some((index, self.rooms.get_mut(index.0 as usize)?)))
        else {
            return self.out_of_place("joined");
        };
        if *room.name != *joined.room || !matches!(room.stage, Stage::Joining | Stage::Leaving) {
            return self.out_of_place("joined");
        }
        if room.stage == Stage::Joining {
            room.stage = Stage::In;
        }
        room.handle = joined.handle;
        room.joining = false;
        let asked = room.asked.take();
        self.enter(index, joined.handle);
        self.join_answered();
        self.check(index, |verifier| verifier.handle_joined(asked, joined, way));
        Reaction::Joined { room: index, recovered: joined.recovered, replay: joined.replay }
    }

    fn on_message(&mut self, message: &Message<'_>, way: Way) -> Reaction {
        let index = match message.room {
            Some(name) => self.room_index(name).filter(|index| self.is_in(*index)),
            None => self.room_of_handle(message.handle),
        };
        let Some(index) = index else { return Reaction::UnknownRoom };
        let (mut phase, mut stale) = (None, false);
        self.check(index, |verifier| {
            phase = verifier.handle_message(message, way)?;
            stale = phase.is_none();
            Ok(())
        });
        if stale { Reaction::Stale { room: index } } else { Reaction::Message { room: index, phase } }
    }

    fn on_published(&mut self, published: &Published<'_>) -> Reaction {
        let id = published.id;
        let Ok(Some(Request::Publish { room, lane, echo })) = self.answered(Some(id)) else {
            return self.out_of_place("published");
        };
        if let (Some(index), Place::Offset(offset), Lane::Reliable, false) =
            (room, published.place, lane, echo)
            && self.is_in(index)
        {
            if self.room(index).is_some_and(|room| room.stage == Stage::Leaving) {
                // The server may have taken the leave already: what came before it is not owed any more.
                if let Some(room) = self.rooms.get_mut(index.0 as usize) {
                    room.verifier.handle_due(offset);
                }
                return Reaction::Published { id };
            }
            self.check(index, |verifier| {
                verifier.handle_published(published.epoch, offset, published.duplicate)
            });
        }
        Reaction::Published { id }
    }

    fn on_left(&mut self, id: Option<RequestId>, name: &str) -> Reaction {
        if id.is_some() && !matches!(self.answered(id), Ok(Some(Request::Leave(_)))) {
            return self.out_of_place("left");
        }
        let Some(index) = self.room_index(name) else { return self.out_of_place("left") };
        self.exit(index);
        Reaction::Left { room: index }
    }

    fn on_gap(&mut self, name: &str, from: Offset, to: Offset) -> Reaction {
        let Some(index) = self.room_index(name).filter(|index| self.is_in(*index)) else {
            return self.out_of_place("gap");
        };
        let mut missed = 0;
        self.check(index, |verifier| {
            missed = verifier.handle_gap(from, to)?;
            Ok(())
        });
        Reaction::Gap { room: index, missed }
    }

    fn on_error(&mut self, now: Monotonic, error: &ErrorEvent<'_>) -> Reaction {
        let Some(id) = error.id else { return Reaction::Faulted };
        let Some(request) = self.requests.answer(id) else {
            self.violate(None, Fault::UnknownRequest { id });
            return Reaction::OutOfPlace;
        };
        match request {
            Request::Hello => {
                let stale = [ErrorCode::ResumeInvalid, ErrorCode::ResumeExpired, ErrorCode::ResumeStale];
                if stale.contains(&error.code) {
                    self.resume = None;
                    self.advised_ms = Some(0);
                    self.action = Some(Action::Close);
                }
            }
            Request::Join(index) => self.join_refused(now, index, error),
            Request::JoinMany { .. } => {
                if let Some(index) = error.room.and_then(|name| self.room_index(name)) {
                    self.join_refused(now, index, error);
                }
            }
            Request::Leave(index) => {
                let member = self.is_in(index);
                let room = self.rooms.get_mut(index.0 as usize).filter(|room| room.stage == Stage::Leaving);
                match room {
                    // It goes on being a member, or becoming one.
                    Some(room) if error.code != ErrorCode::NotJoined && (member || room.joining) => {
                        room.again = false;
                        room.stage = if room.joining { Stage::Joining } else { Stage::In };
                    }
                    Some(_) => self.exit(index),
                    None => {}
                }
            }
            _ => {}
        }
        Reaction::Refused { request }
    }

    fn join_refused(&mut self, now: Monotonic, index: RoomIndex, error: &ErrorEvent<'_>) {
        self.join_answered();
        let Some(room) = self.rooms.get_mut(index.0 as usize) else { return };
        room.joining = false;
        if room.stage != Stage::Joining {
            return;
        }
        if error.code.retry() == Retry::After {
            room.stage = Stage::Waiting;
            let at = now.plus_ms(u64::from(error.retry_after_ms.unwrap_or(RETRY_MS)));
            self.rejoin_at = Some(self.rejoin_at.map_or(at, |other| other.min(at)));
        } else if error.code == ErrorCode::ResumeStale {
            // Another connection re-made this session: start a new one, positions stay.
            room.stage = Stage::Waiting;
            self.resume = None;
            self.advised_ms = Some(0);
            self.action = Some(Action::Close);
        } else {
            room.stage = Stage::Out;
        }
    }

    fn join_answered(&mut self) {
        self.joins_outstanding = self.joins_outstanding.saturating_sub(1);
        match (&mut self.released, self.held.take()) {
            (Some(released), Some(held)) => released.append(*held),
            (None, held @ Some(_)) => self.released = held,
            (_, None) => {}
        }
    }

    pub(super) fn is_in(&self, index: RoomIndex) -> bool {
        self.room(index).is_some_and(|room| self.room_of_handle(room.handle) == Some(index))
    }

    fn answered(&mut self, id: Option<RequestId>) -> Result<Option<Request>, ()> {
        id.map_or(Ok(None), |id| self.requests.answer(id).map(Some).ok_or(()))
    }

    fn answers(&mut self, id: Option<RequestId>, event: &'static str) -> Reaction {
        if self.answered(id).is_ok() { Reaction::Told } else { self.out_of_place(event) }
    }

    fn check(&mut self, index: RoomIndex, rule: impl FnOnce(&mut Verifier) -> Result<(), Fault>) {
        let Some(room) = self.rooms.get_mut(index.0 as usize) else { return };
        if let Err(fault) = rule(&mut room.verifier) {
            self.violate(Some(index), fault);
        }
    }

    fn out_of_place(&mut self, event: &'static str) -> Reaction {
        self.violate(None, Fault::OutOfPlace { event });
        Reaction::OutOfPlace
    }
}
