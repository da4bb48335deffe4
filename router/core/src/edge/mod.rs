//! The edge: sessions accepted on this shard, their outboxes, and which of them want which room.
//!
//! Shard view. Invariants: a live seat has been offered everything up to its interest's position; a seat that is
//! catching up takes its publications only from replay pages; an interest exists while somebody here is or becomes a
//! member.

mod close;
mod command;
mod crossing;
mod deliver;
mod elsewhere;
mod interest;
mod open;
mod pressure;
mod register;
mod replay;
mod session;
mod transmit;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ringway_protocol::{Offset, RoomHandle};
use slab::Slab;

use crate::SessionKey;
use crate::bar::Bars;
use crate::map::HandleMap;
use crate::outbox::Pool;
use crate::recent::Recent;
use crate::time::Monotonic;
use crate::timers::Timers;

pub use close::Target;
use crossing::{Awaited, Crossing, REFUSED_MS};
pub(crate) use interest::{CatchUp, Interest, Seat};
pub use open::Open;
pub(crate) use session::{Membership, Phase, Session};
pub use transmit::Waiting;

/// The edge's state.
pub(crate) struct Edge<F> {
    pub(crate) sessions: Slab<Session<F>>,
    /// How often each index of `sessions` was used.
    pub(crate) reuses: Vec<u32>,
    pub(crate) interests: HandleMap<Interest>,
    /// Sessions with something new to send; each is in here once, `Session::dirty` says so.
    pub(crate) dirty: VecDeque<SessionKey>,
    pub(crate) pool: Pool<F>,
    /// Answers that wait for their offset's place in a replay (`echo: false`).
    pub(crate) held: BTreeMap<(SessionKey, RoomHandle, Offset), F>,
    /// By session and room, the session's own publication that it did not get because its answer follows: should the answer
    /// be lost with a link, this takes its place.
    pub(crate) excepted: BTreeMap<(SessionKey, RoomHandle), (Offset, F)>,
    /// Sessions whose transport took less than it was offered.
    pub(crate) lagging: BTreeSet<SessionKey>,
    /// When the lagging sessions are looked at.
    pub(crate) sweep_at: Option<Monotonic>,
    pub(crate) timers: Timers<SessionKey>,
    /// Slots whose owner is new, or out of reach.
    pub(crate) crossings: BTreeMap<u16, Crossing>,
    /// When to look at them: not after any of them is due.
    crossings_due: Option<Monotonic>,
    /// When to look whether somebody is out of reach for too long.
    pub(crate) elsewhere_at: Option<Monotonic>,
    /// By slot, what other nodes have not answered yet.
    pub(crate) awaited: BTreeMap<u16, VecDeque<Awaited>>,
    /// How many publications were refused that will be repeated, by session and room.
    pub(crate) refused: Recent<(SessionKey, RoomHandle)>,
    /// Who may not publish in which room for a moment.
    pub(crate) barred: Bars,
    /// The newest number of a request to another node.
    pub(crate) numbers: u32,
    /// The newest ordinal of a publication.
    pub(crate) ordinals: u64,
}

impl<F> Edge<F> {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Slab::new(),
            reuses: Vec::new(),
            interests: HandleMap::new(),
            dirty: VecDeque::new(),
            pool: Pool::new(),
            held: BTreeMap::new(),
            excepted: BTreeMap::new(),
            lagging: BTreeSet::new(),
            sweep_at: None,
            timers: Timers::new(),
            crossings: BTreeMap::new(),
            crossings_due: None,
            elsewhere_at: None,
            awaited: BTreeMap::new(),
            refused: Recent::new(REFUSED_MS),
            barred: Bars::default(),
            numbers: 0,
            ordinals: 0,
        }
    }

    /// The session, unless the key is of an earlier use of the index.
    pub(crate) fn session(&self, key: SessionKey) -> Option<&Session<F>> {
        self.sessions.get(key.index as usize).filter(|session| session.key.reuse == key.reuse)
    }

    /// The session, to change.
    pub(crate) fn session_mut(&mut self, key: SessionKey) -> Option<&mut Session<F>> {
        self.sessions.get_mut(key.index as usize).filter(|session| session.key.reuse == key.reuse)
    }
}

impl<F> Edge<F> {
    /// Takes a confirmed seat away and keeps the places of the others true.
    pub(crate) fn stand_up(&mut self, handle: RoomHandle, place: u32) -> Option<Seat> {
        let interest = self.interests.find(handle)?;
        let seat = interest.seats.swap_remove(place as usize);
        interest.json_seats -= u32::from(seat.json);
        let moved = interest.seats.get(place as usize).map(|moved| moved.session);
        if interest.seats.is_empty() {
            interest.seats = Vec::new();
        }
        if let Some(session) = moved.and_then(|moved| self.session_mut(moved))
            && let Some(membership) = session.membership_mut(handle)
        {
            membership.place = Some(place);
        }
        if let CatchUp::From { .. } = seat.catch_up
            && let Some(session) = self.session_mut(seat.session)
        {
            session.catching_up -= 1;
        }
        Some(seat)
    }

    /// Forgets the interest if nobody here wants the room any more.
    pub(crate) fn release_interest(&mut self, handle: RoomHandle) {
        if self.interests.get(handle).is_some_and(Interest::is_unwanted) {
            self.interests.remove(handle);
        }
    }

    /// Forgets answers held for a membership that ends.
    pub(crate) fn release_held(&mut self, session: SessionKey, handle: RoomHandle) -> Vec<F> {
        self.excepted.remove(&(session, handle));
        let range = (session, handle, Offset(0))..=(session, handle, Offset(u64::MAX));
        let keys: Vec<_> = self.held.range(range).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.held.remove(&key)).collect()
    }
}

/// Shard time in wrapping milliseconds, as outboxes keep it.
pub(crate) const fn wrapping_ms(now: Monotonic) -> u32 {
    (now.0 / 1_000) as u32
}
