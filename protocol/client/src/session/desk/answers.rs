//! Answers, brought to whom they are for.

use ringway_protocol::RequestId;
use ringway_protocol::event::{ErrorEvent, Event as Said};
use ringway_protocol::session::client::{Request, RoomIndex, Stage};

use super::{Awaited, Desk, Page};
use crate::session::event::members;
use crate::session::order::{HistoryPage, Order, PresencePage};
use crate::session::{Event, Joined, Published, Refusal, SessionError};
use crate::{ConnectFault, Outlet};

impl Desk {
    pub(super) fn joined(&mut self, outlet: &Outlet, room: RoomIndex, said: &Said<'_>) {
        let Said::Joined(joined) = said else { return };
        let Some(waiting) = self.joins.remove(&room) else {
            let room = self.name(outlet, room);
            return self.push(Event::Rejoined { room, recovered: joined.recovered });
        };
        for reply in waiting {
            let joined = Joined {
                position: joined.position,
                recovered: joined.recovered,
                count: joined.count,
                members: members(&joined.members),
            };
            let _ = reply.send(Ok((room, joined)));
        }
    }

    pub(super) fn left(&mut self, outlet: &Outlet, room: RoomIndex) {
        match self.leaves.remove(&room) {
            Some(waiting) => waiting.into_iter().for_each(|reply| drop(reply.send(Ok(())))),
            None => {
                let room = self.name(outlet, room);
                self.push(Event::Left { room });
            }
        }
    }

    /// The answer to a request that somebody awaits.
    pub(super) fn answered(&mut self, id: Option<RequestId>, said: &Said<'_>) {
        let Some(awaited) = id.and_then(|id| self.awaited.remove(&id)) else { return };
        match (awaited, said) {
            (Awaited::Published(post), Said::Published(published)) => {
                let (epoch, place) = (published.epoch, published.place);
                let (time, duplicate) = (published.time, published.duplicate);
                let published = Published { epoch, place, time, duplicate };
                drop(post.reply.map(|reply| reply.send(Ok(published))));
            }
            (Awaited::Flush(reply), Said::Pong { .. }) => drop(reply.send(Ok(()))),
            (Awaited::Presence(reply), Said::Presence(page)) => {
                let (count, cursor) = (page.count, page.cursor);
                drop(reply.send(Ok(PresencePage { count, members: members(&page.members), cursor })));
            }
            (Awaited::History(room, reply), Said::History(said)) => {
                let page = HistoryPage { messages: Vec::new(), more: said.more };
                if said.replay == 0 {
                    let _ = reply.send(Ok(page));
                } else {
                    self.pages.insert(room, Page { reply, page, left: said.replay });
                }
            }
            _ => {}
        }
    }

    pub(super) fn refused(&mut self, outlet: &mut Outlet, request: Request, error: &ErrorEvent<'_>) {
        let refusal = Refusal::of(error);
        let fault = || SessionError::Refused(refusal.clone());
        let room = match request {
            Request::Hello => {
                if let Some(first) = self.first.take() {
                    let _ = first.send(Err(ConnectFault::Refused(refusal.to_string())));
                    outlet.close();
                    return;
                }
                None
            }
            Request::Join(room) | Request::Leave(room) => Some(room),
            Request::JoinMany { .. } => error.room.and_then(|name| outlet.client().room_index(name)),
            _ => {
                let Some(awaited) = error.id.and_then(|id| self.awaited.remove(&id)) else {
                    return self.push(Event::Refused(refusal));
                };
                match awaited {
                    Awaited::Published(post) => drop(post.reply.map(|reply| reply.send(Err(fault())))),
                    Awaited::History(_, reply) => drop(reply.send(Err(fault()))),
                    Awaited::Presence(reply) => drop(reply.send(Err(fault()))),
                    Awaited::Flush(reply) => drop(reply.send(Err(fault()))),
                }
                return;
            }
        };
        if matches!(request, Request::Leave(_)) {
            let waiting = room.and_then(|room| self.leaves.remove(&room)).unwrap_or_default();
            return waiting.into_iter().for_each(|reply| drop(reply.send(Err(fault()))));
        }
        // A join that will pass is tried again by the machine: who waits for it waits on.
        let given_up =
            |room: &RoomIndex| outlet.client().room(*room).is_none_or(|room| room.stage() == Stage::Out);
        match room.filter(given_up).and_then(|room| self.joins.remove(&room)) {
            Some(waiting) => waiting.into_iter().for_each(|reply| drop(reply.send(Err(fault())))),
            None => self.push(Event::Refused(refusal)),
        }
    }

    /// The connection is gone, and the answers with it.
    pub(super) fn interrupt(&mut self) {
        self.pages.clear();
        for (_, awaited) in self.awaited.drain() {
            match awaited {
                // Idempotent: it is sent again, and the server knows whether it happened.
                Awaited::Published(post) if post.retry.is_some() => {
                    self.stuck.push_back(Order::Publish(post));
                }
                Awaited::Published(post) => {
                    let _ = post.reply.map(|reply| reply.send(Err(SessionError::Interrupted)));
                }
                Awaited::History(_, reply) => drop(reply.send(Err(SessionError::Interrupted))),
                Awaited::Presence(reply) => drop(reply.send(Err(SessionError::Interrupted))),
                Awaited::Flush(reply) => drop(reply.send(Err(SessionError::Interrupted))),
            }
        }
        // Who left is out, whatever became of the command.
        self.leaves.drain().flat_map(|(_, waiting)| waiting).for_each(|reply| drop(reply.send(Ok(()))));
    }
}
