//! The way from this edge to a room's owner, while that owner is another one than before, or out of reach.
//!
//! Shard view. Order is kept by never asking two owners at once: what the old one did not take comes back
//! ([`Delivery::Returned`]), and only when all of it is back ([`Delivery::Flushed`]) is the new one asked, first with
//! what came back, then with what came since. Before that, each room's members register there. Of an old owner that is
//! out of reach nothing comes back: whoever waits for it is told so.
//!
//! [`Delivery::Returned`]: crate::message::Delivery::Returned
//! [`Delivery::Flushed`]: crate::message::Delivery::Flushed

use std::collections::{BTreeSet, VecDeque};

use ringway_cluster::Term;
use ringway_protocol::{ErrorCode, Event, Lane, Offset, RequestId, RoomHandle};

use crate::frame::Encoder;
use crate::message::{Asked, JoinRequest, Origin, PublishRequest, Request};
use crate::outbox::Kind;
use crate::output::Output;
use crate::owner::Answer;
use crate::route::{Holder, PeerId, Route, Way};
use crate::time::{Monotonic, Now};
use crate::{SessionKey, Shard};

/// How long an old owner may take to return what it did not take.
const FLUSH_MS: u64 = 1_000;
/// How long a join waits for an owner.
const JOIN_MS: u64 = 10_000;
/// When an owner that gave something back, although the map names it, is asked again.
const AGAIN_MS: u64 = 50;
/// Requests of one slot that wait for a new owner.
const HELD_MAX: usize = 1_024;
/// For so long refusals are counted: longer than owners count them.
pub(super) const REFUSED_MS: u64 = 20_000;

/// What waits for the owner of one slot.
#[derive(Default)]
pub(crate) struct Crossing {
    /// The owner's term must be this, or later.
    needs: Term,
    /// The old owner, under its term, which still returns what it did not take.
    flush: Option<(Way, Term)>,
    since: Monotonic,
    /// When to give up, or to ask again.
    until: Monotonic,
    returned: VecDeque<Request>,
    fresh: VecDeque<Request>,
}

impl Crossing {
    /// One that was asked again, and came back again, comes before what was asked after it the first time.
    fn take_back(&mut self, request: Request) {
        let place = match &request {
            Request::Publish(publish) => self.returned.iter().position(|later| is_later(later, publish)),
            _ => None,
        };
        self.returned.insert(place.unwrap_or(self.returned.len()), request);
    }

    /// Since when the owner is not asked.
    pub(super) const fn began(&self) -> Monotonic {
        self.since
    }
}

/// A request on its way to another node.
pub(crate) struct Awaited {
    number: u32,
    what: What,
}

pub(super) enum What {
    Join(Box<JoinRequest>),
    Leave { session: SessionKey, id: RequestId, name: Box<str>, handle: RoomHandle },
    Publish { answer: Answer, handle: RoomHandle, lane: Lane, msg_id: Option<Box<[u8]>>, ordinal: u64 },
    Other(Answer),
}

/// Whether a member asked for this after it published that: a member publishes after it has joined, and before it leaves.
fn is_later(request: &Request, than: &PublishRequest) -> bool {
    let Origin::Session(member) = than.origin else { return false };
    let same = |session: SessionKey, handle| (session, handle) == (member.key, than.handle);
    match request {
        Request::Publish(publish) => match publish.origin {
            Origin::Session(other) => {
                same(other.key, publish.handle) && publish.sent.ordinal > than.sent.ordinal
            }
            _ => false,
        },
        Request::Join(join) => same(join.session.key, join.handle),
        Request::Leave(leave) => same(leave.session.key, leave.handle),
        _ => false,
    }
}

impl<F> super::Edge<F> {
    /// When crossings are looked at next, at the latest when one of them has waited too long.
    pub(crate) fn crossings_at(&self) -> Option<Monotonic> {
        [self.crossings_due, self.barred.next(), self.refused.next()].into_iter().flatten().min()
    }

    /// How long a crossing waits from now on.
    fn wait_until(&mut self, slot: u16, until: Monotonic) {
        let Some(crossing) = self.crossings.get_mut(&slot) else { return };
        crossing.until = until;
        self.crossings_due = Some(self.crossings_due.map_or(until, |due| due.min(until)));
    }

    /// What a session did not get of its own, if that is what stood at this offset.
    pub(super) fn take_excepted(&mut self, of: (SessionKey, RoomHandle), offset: Offset) -> Option<F> {
        if self.excepted.get(&of).is_none_or(|(kept, _)| *kept != offset) {
            return None;
        }
        self.excepted.remove(&of).map(|(_, frame)| frame)
    }
}

impl<E: Encoder> Shard<E> {
    /// Asks the owner of the request's room, wherever it is.
    pub(crate) fn ask(&mut self, now: Now, request: Request) {
        let slot = request.slot();
        if self.routes.is_watched(slot) && self.edge.crossings.contains_key(&slot) {
            self.hold(now, slot, request);
        } else {
            self.send_request(now, slot, request);
        }
    }

    fn send_request(&mut self, now: Now, slot: u16, request: Request) {
        let Route { holder, term } = self.routes.get(slot);
        match holder {
            Holder::Here => {
                let (home, asked) = (self.home(slot), Asked { term, number: 0, request });
                if home == self.config.id {
                    self.exchange.own_requests.push_back(asked);
                } else {
                    self.exchange.push_request(Way::Shard(home), asked);
                }
            }
            Holder::Peer(peer) if self.exchange.is_up(peer) => {
                let number = self.expect_answer(slot, &request);
                self.exchange.push_request(Way::Peer(peer), Asked { term, number, request });
            }
            Holder::Peer(_) | Holder::Nobody => {
                self.crossing(now, slot);
                self.hold(now, slot, request);
            }
        }
    }

    /// Notes who waits for the answer; 0 if nobody does.
    fn expect_answer(&mut self, slot: u16, request: &Request) -> u32 {
        let what = match request {
            Request::Join(join) => What::Join(join.clone()),
            Request::Leave(leave) => {
                let (Some(id), Some(name)) = (leave.id, leave.room.clone()) else { return 0 };
                What::Leave { session: leave.session.key, id, name, handle: leave.handle }
            }
            Request::Publish(publish) => {
                let (answer, handle) = (request.answer(), publish.handle);
                if answer == Answer::Nobody {
                    return 0;
                }
                let (lane, msg_id, ordinal) = (publish.lane, publish.msg_id.clone(), publish.sent.ordinal);
                What::Publish { answer, handle, lane, msg_id, ordinal }
            }
            request => match request.answer() {
                Answer::Nobody => return 0,
                answer => What::Other(answer),
            },
        };
        self.edge.numbers = self.edge.numbers.wrapping_add(1).max(1);
        let number = self.edge.numbers;
        self.edge.awaited.entry(slot).or_default().push_back(Awaited { number, what });
        number
    }

    /// An answer came: what it was asked for; nothing if nobody waits for it any more.
    pub(super) fn take_awaited(&mut self, slot: u16, number: u32) -> Option<What> {
        let awaited = self.edge.awaited.get_mut(&slot)?;
        let index = awaited.iter().position(|one| one.number == number)?;
        let Awaited { what, .. } = awaited.remove(index)?;
        if awaited.is_empty() {
            self.edge.awaited.remove(&slot);
        }
        Some(what)
    }

    /// Whoever leaves is answered here if the owner changes meanwhile: the next one may never have heard of this member.
    fn say_left_here(&mut self, now: Now, request: &mut Request, asked: Option<What>) {
        let Request::Leave(leave) = request else { return };
        let Some(id) = leave.id else { return };
        let name = match asked {
            Some(What::Leave { name, .. }) => Some(name),
            _ => leave.room.clone(),
        };
        if let Some(name) = name {
            leave.id = None;
            let (session, handle) = (leave.session.key, leave.handle);
            self.say_left(now, session, handle, id, &name);
        }
    }

    fn crossing(&mut self, now: Now, slot: u16) -> &mut Crossing {
        self.routes.watch(slot, true);
        let until = now.monotonic.plus_ms(JOIN_MS);
        let needs = self.routes.term(slot);
        self.look_elsewhere_later(now);
        let since = now.monotonic;
        let due = self.edge.crossings_due;
        self.edge.crossings.entry(slot).or_insert_with(|| {
            self.edge.crossings_due = Some(due.map_or(until, |due| due.min(until)));
            Crossing { needs, since, until, ..Crossing::default() }
        })
    }

    /// Keeps a request for the next owner, if there is to be one soon.
    fn hold(&mut self, now: Now, slot: u16, mut request: Request) {
        self.say_left_here(now, &mut request, None);
        let term = self.routes.term(slot);
        let reachable = self.is_reachable(slot);
        let Some(crossing) = self.edge.crossings.get_mut(&slot) else { return };
        let soon = crossing.flush.is_some() || crossing.needs > term || reachable;
        let held = crossing.returned.len() + crossing.fresh.len();
        match request {
            // They are made anew when the way is open.
            Request::Register(_) | Request::Flush { .. } | Request::Ack { .. } => {}
            Request::Pull(pull) => self.forget_pull(pull.session.key, pull.handle),
            // One for each membership at most: the owner must not keep who is gone.
            request @ Request::Leave(_) => crossing.fresh.push_back(request),
            request if held < HELD_MAX && (soon || matches!(request, Request::Join(_))) => {
                crossing.fresh.push_back(request);
            }
            request => self.refuse_held(now, request),
        }
    }

    /// Whether somebody who can be reached owns the slot.
    fn is_reachable(&self, slot: u16) -> bool {
        match self.routes.get(slot).holder {
            Holder::Here => true,
            Holder::Peer(peer) => self.exchange.is_up(peer),
            Holder::Nobody => false,
        }
    }

    /// A request came back from an owner that knows `term`; `asked`: as what it was noted here.
    pub(super) fn edge_returned(
        &mut self,
        now: Now,
        slot: u16,
        term: Term,
        mut request: Request,
        asked: Option<What>,
    ) {
        self.say_left_here(now, &mut request, asked);
        let asks_again = term <= self.routes.term(slot);
        let crossing = self.crossing(now, slot);
        crossing.needs = crossing.needs.max(term);
        if asks_again && crossing.flush.is_none() {
            self.edge.wait_until(slot, now.monotonic.plus_ms(AGAIN_MS));
        }
        let Some(crossing) = self.edge.crossings.get_mut(&slot) else { return };
        match request {
            Request::Pull(pull) => self.forget_pull(pull.session.key, pull.handle),
            Request::Register(_) | Request::Flush { .. } | Request::Ack { .. } => {}
            request @ Request::Leave(_) => crossing.returned.push_back(request),
            request if crossing.returned.len() < 4 * HELD_MAX => crossing.take_back(request),
            request => self.refuse_held(now, request),
        }
    }

    /// All that was asked of the old owner was answered or came back.
    pub(super) fn edge_flushed(&mut self, now: Now, slot: u16, from: PeerId) {
        if let Some(crossing) = self.edge.crossings.get_mut(&slot) {
            let expected = match crossing.flush {
                Some((Way::Peer(peer), _)) => peer == from,
                Some((Way::Shard(_), _)) => from.is_here(),
                None => false,
            };
            if expected {
                crossing.flush = None;
                self.lose_awaited(now, slot);
                self.open_ways(now, &BTreeSet::from([slot]));
            }
        }
    }

    /// Whether what is said under this term of the slot is still to be heard here: under the newest that this shard knows, or under
    /// that of an old owner which has not returned everything yet.
    #[must_use]
    pub fn hears(&self, slot: u16, term: Term) -> bool {
        self.routes.term(slot) == term
            || self
                .edge
                .crossings
                .get(&slot)
                .is_some_and(|crossing| crossing.flush.is_some_and(|(_, flushed)| flushed == term))
    }

    /// These slots have another owner; each with who it was before.
    pub(crate) fn edge_rerouted(&mut self, now: Now, changed: &[(u16, Route)]) {
        for (slot, before) in changed {
            let way = match before.holder {
                Holder::Here if self.home(*slot) == self.config.id => None,
                Holder::Here => Some(Way::Shard(self.home(*slot))),
                Holder::Peer(peer) if self.exchange.is_up(peer) => Some(Way::Peer(peer)),
                Holder::Peer(_) | Holder::Nobody => None,
            };
            let term = self.routes.term(*slot);
            let begun = self.edge.crossings.contains_key(slot);
            let crossing = self.crossing(now, *slot);
            crossing.needs = crossing.needs.max(term);
            // Who is crossing has asked nobody since.
            if let Some(way) = way.filter(|_| !begun || crossing.flush.is_none()) {
                crossing.flush = Some((way, before.term));
                self.edge.wait_until(*slot, now.monotonic.plus_ms(FLUSH_MS));
                let request = Request::Flush { slot: *slot };
                self.exchange.push_request(way, Asked { term: before.term, number: 0, request });
            } else if crossing.flush.is_none() {
                self.lose_awaited(now, *slot);
            }
        }
        self.open_ways(now, &changed.iter().map(|(slot, _)| *slot).collect());
    }

    /// The link to a node came up or went down.
    pub(crate) fn edge_peer(&mut self, now: Now, peer: PeerId, up: bool) {
        let theirs = |route: Route| route.holder == Holder::Peer(peer);
        let slots: BTreeSet<u16> = (0..ringway_cluster::slot::SLOTS as u16)
            .filter(|slot| {
                let flushing = self.edge.crossings.get(slot).and_then(|crossing| crossing.flush);
                theirs(self.routes.get(*slot)) || flushing.is_some_and(|(way, _)| way == Way::Peer(peer))
            })
            .collect();
        if !up {
            for slot in &slots {
                if theirs(self.routes.get(*slot)) {
                    self.crossing(now, *slot);
                }
                if let Some(crossing) = self.edge.crossings.get_mut(slot)
                    && crossing.flush.is_none_or(|(way, _)| way == Way::Peer(peer))
                {
                    crossing.flush = None;
                    self.lose_awaited(now, *slot);
                }
            }
        }
        self.open_ways(now, &slots);
    }

    /// Opens the ways to owners that can be asked now.
    fn open_ways(&mut self, now: Now, slots: &BTreeSet<u16>) {
        let mut opened = Vec::new();
        for slot in slots {
            let Some(crossing) = self.edge.crossings.get(slot) else { continue };
            let open = crossing.flush.is_none()
                && self.is_reachable(*slot)
                && self.routes.term(*slot) >= crossing.needs;
            if open && let Some(crossing) = self.edge.crossings.remove(slot) {
                self.rewatch(*slot);
                opened.push((*slot, crossing));
            }
        }
        let wanted: BTreeSet<u16> = opened.iter().map(|(slot, _)| *slot).collect();
        if wanted.is_empty() {
            return;
        }
        for handle in self.edge.interests.handles_where(|handle| wanted.contains(&handle.slot())) {
            self.register(now, handle);
        }
        for (slot, crossing) in opened {
            for request in crossing.returned.into_iter().chain(crossing.fresh) {
                match request {
                    Request::Join(join) if !self.still_wants(&join) => {
                        self.refuse_held(now, Request::Join(join));
                    }
                    Request::Publish(publish) if self.was_overtaken(&publish) => {
                        self.refuse_held(now, Request::Publish(publish));
                    }
                    request => self.send_request(now, slot, request),
                }
            }
        }
    }

    /// Whether a publication of the same session in the room was refused since this one was taken.
    fn was_overtaken(&self, publish: &PublishRequest) -> bool {
        match publish.origin {
            Origin::Session(session) if publish.lane == Lane::Reliable => {
                publish.sent.refusals < self.edge.refused.count((session.key, publish.handle))
            }
            _ => false,
        }
    }

    /// An owner refused so many, counting this one.
    pub(super) fn edge_publish_refused(
        &mut self,
        now: Now,
        of: (SessionKey, RoomHandle),
        refusals: u32,
        msg_id: Option<&[u8]>,
        ordinal: u64,
    ) {
        self.edge.refused.raise(now.monotonic, of, refusals);
        self.edge.barred.raise(now.monotonic, of, msg_id, ordinal);
    }

    fn still_wants(&self, join: &JoinRequest) -> bool {
        self.edge
            .session(join.session.key)
            .and_then(|open| open.membership(join.handle))
            .is_some_and(|membership| membership.seat == join.seat && membership.place.is_none())
    }

    /// Of those who wait for an owner that is lost: joins wait for the next one, others are told.
    fn lose_awaited(&mut self, now: Now, slot: u16) {
        self.tell_excepted(now, slot);
        for Awaited { what, .. } in self.edge.awaited.remove(&slot).unwrap_or_default() {
            match what {
                What::Join(join) => {
                    self.crossing(now, slot).returned.push_back(Request::Join(join));
                }
                What::Leave { session, id, name, handle } => self.say_left(now, session, handle, id, &name),
                What::Publish { answer, handle, lane, msg_id, ordinal } => {
                    self.refused_here(now, &answer, handle, lane, msg_id.as_deref(), ordinal);
                    let repeatable = msg_id.is_some();
                    let code = if repeatable { ErrorCode::Unavailable } else { ErrorCode::OutcomeUnknown };
                    self.fail(now, &answer, code);
                }
                What::Other(answer) => self.fail(now, &answer, ErrorCode::Unavailable),
            }
        }
    }

    /// Who did not get its own publication, and now does not get its answer either, gets the publication after all: every
    /// offset is told.
    fn tell_excepted(&mut self, now: Now, slot: u16) {
        let lost = self.edge.excepted.extract_if(.., |(_, handle), _| handle.slot() == slot);
        let lost: Vec<_> = lost.collect();
        for ((session, handle), (offset, frame)) in lost {
            self.push(now, session, frame, Kind::Reliable { handle, offset });
        }
    }

    /// The same for one whose answer came when nobody waited for it any more.
    pub(super) fn tell_excepted_at(
        &mut self,
        now: Now,
        session: SessionKey,
        handle: RoomHandle,
        offset: Offset,
    ) {
        if let Some(frame) = self.edge.take_excepted((session, handle), offset) {
            self.push(now, session, frame, Kind::Reliable { handle, offset });
        }
    }

    /// Nobody can be asked.
    fn refuse_held(&mut self, now: Now, request: Request) {
        let code = ErrorCode::Unavailable;
        match request {
            Request::Join(join) => self.join_failed(now, &join, code),
            Request::Leave(leave) => {
                let Some(id) = leave.id else { return };
                let name = self.edge.interests.get(leave.handle).map(|interest| interest.name.clone());
                match name {
                    Some(name) => self.say_left(now, leave.session.key, leave.handle, id, &name),
                    None => self.fail(now, &Answer::Error(leave.session, id), code),
                }
            }
            Request::Pull(pull) => self.forget_pull(pull.session.key, pull.handle),
            Request::Publish(publish) => {
                let (handle, lane, ordinal) = (publish.handle, publish.lane, publish.sent.ordinal);
                let msg_id = publish.msg_id.clone();
                let answer = Request::Publish(publish).answer();
                self.refused_here(now, &answer, handle, lane, msg_id.as_deref(), ordinal);
                self.fail(now, &answer, code);
            }
            request => self.fail(now, &request.answer(), code),
        }
    }

    fn fail(&mut self, now: Now, answer: &Answer, code: ErrorCode) {
        match answer {
            Answer::Error(session, id) => {
                self.count_error(code);
                let error = ringway_protocol::event::ErrorEvent {
                    id: Some(*id),
                    room: None,
                    code,
                    retry_after_ms: None,
                    message: code.text(),
                };
                self.answer(now, session.key, &Event::Error(error));
            }
            Answer::Api(ticket) => {
                self.count_error(code);
                self.outputs.push_back(Output::Answered { ticket: *ticket, result: Err(code) });
            }
            Answer::Nobody => {}
        }
    }

    fn say_left(&mut self, now: Now, session: SessionKey, handle: RoomHandle, id: RequestId, name: &str) {
        let Some(open) = self.edge.session(session) else { return };
        let frame = self.encoder.reply(&Event::Left { id: Some(id), room: name }, open.format);
        self.push(now, session, frame, Kind::Left { handle });
        if let Some(open) = self.edge.session_mut(session) {
            open.end_stream(handle);
        }
    }

    /// A publication that may be repeated is refused without its owner.
    fn refused_here(
        &mut self,
        now: Now,
        answer: &Answer,
        handle: RoomHandle,
        lane: Lane,
        msg_id: Option<&[u8]>,
        ordinal: u64,
    ) {
        if let (Answer::Error(session, _), Lane::Reliable) = (answer, lane) {
            let of = (session.key, handle);
            self.edge.refused.add(now.monotonic, of, 0);
            self.edge.barred.raise(now.monotonic, of, msg_id, ordinal);
        }
    }

    /// What has waited too long.
    pub(super) fn tick_crossings(&mut self, now: Now) {
        // Whose commands wait in front of the door has not been read up to what it sent behind the refusal.
        let blocked = &self.exchange.blocked;
        self.edge.barred.expire(now.monotonic, |session| blocked.contains(&session));
        self.edge.refused.forget(now.monotonic);
        if self.edge.crossings_due.is_none_or(|due| due > now.monotonic) {
            return;
        }
        let due: BTreeSet<u16> = self
            .edge
            .crossings
            .iter()
            .filter(|(_, crossing)| crossing.until <= now.monotonic)
            .map(|(slot, _)| *slot)
            .collect();
        for slot in &due {
            self.edge.wait_until(*slot, now.monotonic.plus_ms(JOIN_MS));
            let Some(crossing) = self.edge.crossings.get_mut(slot) else { continue };
            if crossing.flush.take().is_some() {
                self.lose_awaited(now, *slot);
                continue;
            }
            if self.is_reachable(*slot) {
                continue;
            }
            let Some(crossing) = self.edge.crossings.get_mut(slot) else { continue };
            let held = core::mem::take(&mut crossing.returned)
                .into_iter()
                .chain(core::mem::take(&mut crossing.fresh));
            for request in held.collect::<Vec<_>>() {
                self.refuse_held(now, request);
            }
        }
        self.open_ways(now, &due);
        self.edge.crossings_due = self.edge.crossings.values().map(|crossing| crossing.until).min();
    }
}
