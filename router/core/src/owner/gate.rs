//! Which requests the owner handles now, keeps until it may, or gives back.
//!
//! Who asks says under which term it believes this shard to be the owner. Of an older term: given back, its edge has the
//! map to learn. Of a newer one: kept, this shard has. Without a lease nothing is promised.
//!
//! Of a session's publications in a room none overtakes one that was refused and will be repeated. Those that are behind it on
//! their way tell by their number of refusals that they were sent before their edge knew: they are refused as well. What its
//! client sends before it knows, the edge refuses until the repetition comes.

use crate::Shard;
use crate::frame::Encoder;
use crate::message::{Asked, Delivery, Origin, Request};
use crate::route::{Asker, EdgeId, Holder, slot_of};
use crate::time::Now;
use core::cmp::Ordering;
use ringway_protocol::{ErrorCode, Lane, RequestId, RoomHandle};

use super::publish::Publisher;
use crate::message::SessionRef;

/// Requests that are kept for one slot, for the map or for the end of a handover.
const KEPT_MAX: usize = 4_096;

impl<E: Encoder> Shard<E> {
    /// A request from an edge.
    pub(crate) fn owner_take(&mut self, now: Now, from: EdgeId, asked: Asked) {
        let slot = asked.request.slot();
        let asker = Asker { edge: from, number: asked.number };
        if self.routes.is_plain(slot, asked.term) && self.owner.may_speak(now.monotonic) {
            return self.owner_handle(now, asker, asked.request);
        }
        if let Request::Ack { slot, ack } = asked.request {
            return self.owner_ack(now, from.peer, slot, ack);
        }
        let route = self.routes.get(slot);
        match asked.term.cmp(&route.term) {
            Ordering::Greater => {
                let early = &mut self.duty(slot).early;
                if early.len() < KEPT_MAX {
                    early.push_back((from, asked));
                } else {
                    // Given back it would be overtaken.
                    self.refuse_request(now, asker, asked.request);
                }
            }
            Ordering::Equal if route.holder == Holder::Here => {
                if let Some(duty) = self.owner.duties.get_mut(slot).filter(|duty| duty.frozen) {
                    if duty.waiting.len() < KEPT_MAX {
                        duty.waiting.push_back((from, asked));
                    } else {
                        self.refuse_request(now, asker, asked.request);
                    }
                } else if self.owner.may_speak(now.monotonic) {
                    self.owner_handle(now, asker, asked.request);
                } else {
                    self.without_lease(now, asker, asked.request);
                }
            }
            _ => self.give_back(asker, asked.request),
        }
    }

    /// What may be done for an edge by an owner that may not speak: what promises nothing. A registration may be told of
    /// another order: its edge asks again.
    fn without_lease(&mut self, now: Now, from: Asker, request: Request) {
        match request {
            Request::Leave(_) | Request::Flush { .. } | Request::Ack { .. } => {
                self.owner_handle(now, from, request);
            }
            Request::Pull(pull) => self.owner_pull(from, pull),
            request => self.refuse_request(now, from, request),
        }
    }

    /// Says that the request can't be served now.
    pub(super) fn refuse_request(&mut self, now: Now, from: Asker, request: Request) {
        let code = ErrorCode::Unavailable;
        match request {
            Request::Publish(publish) => {
                let (origin, id, handle, echo) = (publish.origin, publish.id, publish.handle, publish.echo);
                let to = Publisher { from, origin, id, handle, echo, sent: publish.sent };
                self.publish_refused(now, &to, publish.lane, publish.msg_id.as_deref());
            }
            Request::Join(join) => self.refuse_join(from, &join, code),
            Request::History(one) => self.reply_error(from, one.session, one.handle, one.id, code),
            Request::Presence(one) => self.reply_error(from, one.session, one.handle, one.id, code),
            request => self.give_back(from, request),
        }
    }

    /// A publication can't be taken now, and may be repeated.
    pub(super) fn publish_refused(&mut self, now: Now, to: &Publisher, lane: Lane, msg_id: Option<&[u8]>) {
        let code = ErrorCode::Unavailable;
        let (Origin::Session(session), Some(_), Lane::Reliable) = (to.origin, to.id, lane) else {
            // Nobody repeats it, or nothing that follows has to wait for that.
            return self.publish_failed(to, code);
        };
        self.count_error(code);
        let of = (to.from.edge, session.key, to.handle);
        let refusals = self.owner.refused.add(now.monotonic, of, to.sent.refusals.saturating_add(1));
        let frame = self.error_frame(to.id, None, code, session.format);
        let (session, handle, ordinal) = (session.key, to.handle, to.sent.ordinal);
        let msg_id = msg_id.map(Into::into);
        let delivery = Delivery::PublishRefused { session, handle, refusals, ordinal, msg_id, frame };
        self.answer_to(to.from, slot_of(handle), delivery);
    }

    /// Whether the edge knows of all that was refused.
    pub(super) fn is_free(&self, edge: EdgeId, origin: Origin, handle: RoomHandle, refusals: u32) -> bool {
        match origin {
            Origin::Session(session) => refusals >= self.owner.refused.count((edge, session.key, handle)),
            Origin::Api { .. } => true,
        }
    }

    /// Returns a request to its edge, which asks whoever the map says.
    pub(super) fn give_back(&mut self, from: Asker, request: Request) {
        let slot = request.slot();
        let delivery = match request {
            Request::Flush { .. } => Delivery::Flushed,
            Request::Ack { .. } => return,
            request => Delivery::Returned(Box::new(request)),
        };
        self.answer_to(from, slot, delivery);
    }

    /// The map has caught up, or a handover ended: what was kept is taken as if it came now, in its order.
    pub(super) fn take_kept(&mut self, now: Now, slot: u16) {
        let Some(duty) = self.owner.duties.get_mut(slot) else { return };
        let mut kept = core::mem::take(&mut duty.waiting);
        kept.append(&mut duty.early);
        self.settle_duty(slot);
        for (from, asked) in kept {
            self.owner_take(now, from, asked);
        }
    }
}

/// Who is answered if a request fails, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An `error` for this request.
    Error(SessionRef, RequestId),
    /// The node's own API.
    Api(u64),
    /// Nobody.
    Nobody,
}

impl Request {
    /// Who is answered if it fails; joins and leaves have their own ways.
    pub(crate) fn answer(&self) -> Answer {
        let error = |session: &SessionRef, id: Option<RequestId>| {
            id.map_or(Answer::Nobody, |id| Answer::Error(*session, id))
        };
        match self {
            Self::Publish(publish) => match &publish.origin {
                Origin::Session(session) => error(session, publish.id),
                Origin::Api { ticket } => Answer::Api(*ticket),
            },
            Self::History(history) => error(&history.session, history.id),
            Self::Presence(presence) => error(&presence.session, presence.id),
            _ => Answer::Nobody,
        }
    }
}
