//! A room's members register with an owner that is new, or was out of reach; and what it says to that.

use ringway_protocol::event::Place;
use ringway_protocol::{Lane, Offset, RoomHandle, Version};

use super::deliver::Incoming;
use super::{CatchUp, Seat};
use crate::frame::Encoder;
use crate::message::{RegisterRequest, RegisteredDelivery, RegisteredMember, Request};
use crate::outbox::Kind;
use crate::time::Now;
use crate::{SessionKey, Shard};

/// Members in one request.
const PAGE: usize = 256;

impl<E: Encoder> Shard<E> {
    /// Tells the owner who is here, and how far they have heard.
    pub(super) fn register(&mut self, now: Now, handle: RoomHandle) {
        let Some(interest) = self.edge.interests.find(handle) else { return };
        // Who was here when it registered before may have left since.
        interest.registering = !interest.seats.is_empty();
        if !interest.registering {
            return;
        }
        for seat in &mut interest.seats {
            // A page that was asked for will not come.
            if let CatchUp::From { next, asked: true } = seat.catch_up {
                seat.catch_up = CatchUp::From { next, asked: false };
            }
        }
        let (room, held) = (interest.name.clone(), interest.position);
        let seats: Vec<Seat> = interest.seats.clone();
        let members: Vec<_> = seats.iter().filter_map(|seat| self.registered_member(seat)).collect();
        let pages = members.len().div_ceil(PAGE).max(1);
        let mut members = members.into_iter();
        for page in 0..pages {
            let request = RegisterRequest {
                handle,
                room: room.clone(),
                held,
                last: page + 1 == pages,
                members: members.by_ref().take(PAGE).collect(),
            };
            self.ask(now, Request::Register(Box::new(request)));
        }
    }

    fn registered_member(&self, seat: &Seat) -> Option<RegisteredMember> {
        let open = self.edge.session(seat.session)?;
        Some(RegisteredMember {
            session: open.reference(),
            user: open.identity.user.clone(),
            info: open.identity.info.clone(),
            presence: seat.presence,
        })
    }

    /// The owner knows who is here, and says what they have missed.
    pub(super) fn edge_registered(&mut self, now: Now, registered: RegisteredDelivery<E::Frame>) {
        let RegisteredDelivery { handle, position, reset, gone, missed, keys, members } = registered;
        let Some(interest) = self.edge.interests.find(handle) else { return };
        if !core::mem::replace(&mut interest.registering, false) {
            return;
        }
        interest.members = members.max(1);
        if let Some(frame) = reset {
            self.edge_reset(now, handle, position, &frame);
        } else {
            if let Some((from, to)) = gone {
                for session in self.live_sessions(handle) {
                    self.skip_gone(now, session, handle, from, to);
                }
                if let Some(interest) = self.edge.interests.find(handle) {
                    interest.position.offset = to;
                }
            }
            for (offset, frame) in &missed {
                self.fan_out_missed(now, handle, *offset, frame);
            }
            self.catch_up_to(handle, position);
        }
        for value in &keys {
            let place = Place::Version(Version(0));
            let (key_tag, frame) = (value.key_tag, &value.frame);
            self.fan_out(now, &Incoming { handle, lane: Lane::Latest, place, key_tag, except: None, frame });
        }
        let sessions: Vec<_> = self.seats_of(handle).map(|seat| seat.session).collect();
        for session in sessions {
            self.pull(now, session);
        }
    }

    /// Whose answer came before this takes it in its place.
    fn fan_out_missed(&mut self, now: Now, handle: RoomHandle, offset: Offset, frame: &E::Frame) {
        let live = |one: &&Seat| one.catch_up == CatchUp::Live;
        let answered = if self.edge.held.is_empty() {
            None
        } else {
            let mut sessions = self.seats_of(handle).filter(live).map(|one| one.session);
            sessions.find(|session| self.edge.held.contains_key(&(*session, handle, offset)))
        };
        let (lane, place) = (Lane::Reliable, Place::Offset(offset));
        self.fan_out(now, &Incoming { handle, lane, place, key_tag: 0, except: answered, frame });
        if let Some(session) = answered
            && let Some(published) = self.edge.held.remove(&(session, handle, offset))
        {
            self.edge.excepted.remove(&(session, handle));
            self.push(now, session, published, Kind::InRoom { handle });
        }
    }

    /// What did not come along is pulled by each session.
    fn catch_up_to(&mut self, handle: RoomHandle, position: ringway_protocol::Position) {
        let Some(interest) = self.edge.interests.find(handle) else { return };
        let next = interest.position.offset.next();
        interest.position = position;
        if next > position.offset {
            return;
        }
        let mut behind = Vec::new();
        for seat in &mut interest.seats {
            if seat.catch_up == CatchUp::Live {
                seat.catch_up = CatchUp::From { next, asked: false };
                behind.push(seat.session);
            }
        }
        for session in behind {
            if let Some(open) = self.edge.session_mut(session) {
                open.catching_up += 1;
            }
        }
    }

    fn live_sessions(&self, handle: RoomHandle) -> Vec<SessionKey> {
        let live = |seat: &&Seat| seat.catch_up == CatchUp::Live;
        self.seats_of(handle).filter(live).map(|seat| seat.session).collect()
    }
}
