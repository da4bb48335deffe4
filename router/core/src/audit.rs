//! What a shard holds, counted and cross-checked: for the simulator, tests and anyone who suspects a leak.
//!
//! Shard view. Nothing here is on the path of a message; everything walks everything and may be slow.

use ringway_protocol::{Epoch, Generation, Offset, RoomHandle, SessionId, Version};

use crate::edge::{CatchUp, wrapping_ms};
use crate::frame::Encoder;
use crate::{EdgeId, Now, Route, SessionKey, Shard};

/// How much of each thing a shard holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Sessions open.
    pub sessions: usize,
    /// Rooms owned.
    pub rooms: usize,
    /// Rooms that sessions of this shard want.
    pub interests: usize,
    /// Answers that wait for their offset's place in a replay, and publications that wait for their answer.
    pub held_answers: usize,
    /// Bytes of histories and keys.
    pub held_bytes: u64,
    /// Bytes of histories alone.
    pub history_bytes: u64,
    /// Requests waiting, by owner.
    pub requests: Vec<usize>,
    /// Deliveries waiting, by edge.
    pub deliveries: Vec<usize>,
    /// Sessions that wait for [`crate::Output::Unblocked`].
    pub blocked: Vec<SessionKey>,
    /// Sessions whose transport is behind.
    pub lagging: usize,
    /// Deadlines that wait.
    pub timers: usize,
    /// Slots whose requests wait for another owner.
    pub crossings: usize,
    /// Requests to other nodes that are not answered.
    pub awaited: usize,
    /// Refusals of publications that are remembered, by session and room.
    pub barred: usize,
    /// Requests that wait for the map, or for the end of a handover.
    pub kept: usize,
    /// Publications that wait for a standby.
    pub pending: usize,
    /// Slots that are being handed over.
    pub frozen: usize,
}

/// Where a room's order stands and how far back its history reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The order.
    pub epoch: Epoch,
    /// The oldest offset kept; `last` + 1 when none is.
    pub first: Offset,
    /// The newest offset given.
    pub last: Offset,
    /// The newest version given.
    pub version: Version,
}

/// One member as the owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Whose.
    pub session: SessionId,
    /// Which incarnation.
    pub generation: Generation,
    /// Where it is connected, unless its connection is broken.
    pub edge: Option<EdgeId>,
}

/// One key as the owner holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// Whose; empty where keys are the room's.
    pub user: String,
    /// Which.
    pub key: String,
    /// Its newest version.
    pub version: Version,
    /// Who set it last.
    pub session: SessionId,
    /// Whether it goes by itself.
    pub expires: bool,
}

impl<E: Encoder> Shard<E> {
    /// Counts what the shard holds.
    #[must_use]
    pub fn census(&self) -> Census {
        let rooms = self.owner.rooms.sorted_handles();
        let (requests, deliveries) = self.exchange.lengths();
        Census {
            sessions: self.edge.sessions.len(),
            rooms: rooms.len(),
            interests: self.edge.interests.len(),
            held_answers: self.edge.held.len() + self.edge.excepted.len(),
            held_bytes: self.owner.held_bytes,
            history_bytes: rooms
                .iter()
                .filter_map(|handle| self.owner.rooms.get(*handle))
                .map(|room| room.history.bytes())
                .sum(),
            requests,
            deliveries,
            blocked: self.exchange.blocked.iter().copied().collect(),
            lagging: self.edge.lagging.len(),
            timers: self.owner.timers.len() + self.edge.timers.len(),
            crossings: self.edge.crossings.len(),
            awaited: self.edge.awaited.values().map(|awaited| awaited.len()).sum(),
            barred: self.edge.barred.len() + self.edge.refused.len() + self.owner.refused.len(),
            kept: self.owner.duties_kept(),
            pending: self.owner.duties_pending(),
            frozen: self.owner.duties_frozen(),
        }
    }

    /// Who owns a slot, as this shard knows it.
    #[must_use]
    pub fn route(&self, slot: u16) -> Route {
        self.routes.get(slot)
    }

    /// Requests waiting by owner, and deliveries waiting by edge.
    #[must_use]
    pub fn queues(&self) -> (Vec<usize>, Vec<usize>) {
        self.exchange.lengths()
    }

    /// How long the oldest frame has waited for a session, in milliseconds.
    #[must_use]
    pub fn oldest_ms(&self, now: Now, session: SessionKey) -> u32 {
        self.edge.session(session).map_or(0, |open| open.outbox.age_ms(wrapping_ms(now.monotonic)))
    }

    /// Where a room owned here stands.
    #[must_use]
    pub fn room_span(&self, handle: RoomHandle) -> Option<Span> {
        let room = self.owner.rooms.get(handle)?;
        Some(Span { epoch: room.epoch, first: room.history.first(), last: room.last, version: room.version })
    }

    /// The members of a room owned here, by session id.
    #[must_use]
    pub fn room_members(&self, handle: RoomHandle) -> Vec<MemberView> {
        self.owner.rooms.get(handle).map_or(Vec::new(), |room| {
            room.members
                .after(None)
                .map(|member| MemberView {
                    session: member.session,
                    generation: member.generation,
                    edge: member.place.map(|place| place.edge),
                })
                .collect()
        })
    }

    /// The keys of a room owned here, in their order.
    #[must_use]
    pub fn room_keys(&self, handle: RoomHandle) -> Vec<KeyView> {
        let keys = self.owner.rooms.get(handle).and_then(|room| room.keys.as_ref());
        keys.map_or(Vec::new(), |keys| {
            keys.iter()
                .map(|(name, stored)| KeyView {
                    user: name.user.to_string(),
                    key: name.key.to_string(),
                    version: stored.version,
                    session: stored.session,
                    expires: stored.expires.is_some(),
                })
                .collect()
        })
    }

    /// Checks everything that must agree with something else.
    ///
    /// # Errors
    /// The first disagreement, in words.
    pub fn audit(&self) -> Result<(), String> {
        self.audit_sessions()?;
        self.audit_interests()?;
        self.audit_rooms()?;
        self.settled()
    }

    /// Checks that the shard has handled what it said to itself: it must have after every call.
    ///
    /// # Errors
    /// How much waits.
    pub fn settled(&self) -> Result<(), String> {
        let (requests, deliveries) = (self.exchange.own_requests.len(), self.exchange.own_deliveries.len());
        check(requests + deliveries == 0, || {
            format!("{requests} requests and {deliveries} deliveries to itself are not settled")
        })
    }

    fn audit_sessions(&self) -> Result<(), String> {
        for (index, session) in &self.edge.sessions {
            let key = session.key;
            check(key.index as usize == index, || format!("{key:?} is at index {index}"))?;
            session.outbox.audit().map_err(|fault| format!("outbox of {key:?}: {fault}"))?;
            let queued = self.edge.dirty.iter().filter(|dirty| **dirty == key).count();
            check(queued == usize::from(session.dirty), || {
                format!("{key:?} is {queued} times in the dirty list, its mark says {}", session.dirty)
            })?;
            let mut catching_up = 0;
            for membership in &session.memberships {
                let Some(interest) = self.edge.interests.get(membership.handle) else {
                    return Err(format!("{key:?} is in {} without interest", membership.handle));
                };
                let Some(place) = membership.place else { continue };
                let seat = interest.seats.get(place as usize);
                check(seat.is_some_and(|seat| seat.session == key && seat.seat == membership.seat), || {
                    format!("{key:?} claims place {place} in {}, where sits {seat:?}", membership.handle)
                })?;
                catching_up += u32::from(seat.is_some_and(|seat| seat.catch_up != CatchUp::Live));
            }
            check(catching_up == session.catching_up, || {
                format!("{key:?} catches up in {catching_up} rooms, its count says {}", session.catching_up)
            })?;
        }
        for key in &self.edge.lagging {
            check(self.edge.session(*key).is_some(), || format!("{key:?} lags but is gone"))?;
        }
        for (key, handle, offset) in self.edge.held.keys() {
            let seated = self.edge.session(*key).is_some_and(|session| session.membership(*handle).is_some());
            check(seated, || {
                format!("an answer is held at {offset} of {handle} for {key:?}, who is not there")
            })?;
        }
        Ok(())
    }

    fn audit_interests(&self) -> Result<(), String> {
        for handle in self.edge.interests.sorted_handles() {
            let Some(interest) = self.edge.interests.get(handle) else { continue };
            check(!interest.is_unwanted(), || format!("nobody wants {handle}, but the interest is there"))?;
            let json = interest.seats.iter().filter(|seat| seat.json).count();
            check(json == interest.json_seats as usize, || {
                format!("{json} JSON seats in {handle}, counted other")
            })?;
            for (place, seat) in interest.seats.iter().enumerate() {
                let claimed = self.edge.session(seat.session).and_then(|session| session.membership(handle));
                check(claimed.is_some_and(|membership| membership.place == Some(place as u32)), || {
                    format!("seat {place} of {handle} is of {:?}, which claims {claimed:?}", seat.session)
                })?;
            }
        }
        Ok(())
    }

    fn audit_rooms(&self) -> Result<(), String> {
        let mut held = 0;
        for handle in self.owner.rooms.sorted_handles() {
            let Some(room) = self.owner.rooms.get(handle) else { continue };
            room.history.audit(room.last).map_err(|fault| format!("history of {handle}: {fault}"))?;
            held += room.history.bytes() + room.keys.as_ref().map_or(0, |keys| keys.bytes());
            let attached = room.members.after(None).filter(|member| member.place.is_some()).count();
            let counted: usize = room.audience.iter().map(|one| one.members as usize).sum();
            check(attached == counted, || {
                format!("{attached} attached members of {handle}, audience {counted}")
            })?;
            let told =
                room.members.after(None).filter(|member| member.place.is_some() && member.presence).count();
            let counted: usize = room.audience.iter().map(|one| one.presence as usize).sum();
            check(told == counted, || {
                format!("{told} members of {handle} want presence, counted {counted}")
            })?;
            check(room.idle_since.is_none() == (room.members.len() > 0), || {
                format!("{handle} has {} members and is idle since {:?}", room.members.len(), room.idle_since)
            })?;
            check(room.idle_since.is_none() || room.tick_at.is_some(), || {
                format!("nobody will end {handle}")
            })?;
        }
        check(held == self.owner.held_bytes, || {
            format!("{held} bytes held, counted {}", self.owner.held_bytes)
        })
    }
}

fn check(holds: bool, sentence: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(sentence()) }
}
