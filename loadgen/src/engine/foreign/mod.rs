//! Clients of other servers straight on epoll: the same scenarios, another protocol. Thread view.
//!
//! [`Foreign`] connects at a pace, comes back after an unasked end, subscribes, publishes and pings on a [`Fleet`] of
//! sockets; what is said and heard is a [`Dialect`]'s business, one file for each protocol. What scenarios see is what
//! they see of Ringway's clients: a client is welcomed when its server takes requests, and a member when its
//! subscription stands. There is no replay and no position: whether all came is told from the stamps in the bodies.

mod crew;
mod dialect;
mod mqtt;
mod raw_ws;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::{Options, Publication, RoomIndex};

use self::crew::{Crew, Due};
use self::dialect::Dialect;
use self::mqtt::Mqtt;
use self::raw_ws::RawWs;
use super::pacer::{Leave, Pace, Pacer};
use super::standing::Standing;
use super::{Fleet, LinkId, MemberId, Nanos, Observer, Out, Target};
use crate::args::Protocol;

/// One thread's clients and their sockets; what each call does is said at [`Sessions`](super::Sessions).
pub(super) struct Foreign<O> {
    fleet: Fleet,
    crew: Crew<O>,
    target: Arc<Target>,
    pacer: Pacer,
    /// Number of this thread's first client over all threads.
    first: u32,
}

impl<O: Observer> Foreign<O> {
    pub(super) fn new(target: Arc<Target>, pace: Pace, first: u32, observer: O) -> io::Result<Self> {
        let fleet = Fleet::new(first)?;
        let crew = Crew::new(observer);
        Ok(Self { fleet, crew, target, pacer: Pacer::new(pace, Nanos::now()), first })
    }

    pub(super) fn add(&mut self, options: &Options) -> MemberId {
        let number = self.first + self.crew.members.len() as u32;
        self.crew.add(dialect(&self.target, number, options.token.as_deref()))
    }

    /// None if the client has a room: these clients have one each.
    pub(super) fn join(&mut self, id: MemberId, room: RoomName<'_>) -> Option<RoomIndex> {
        let seat = &mut self.crew.members.get_mut(id.0 as usize)?.seat;
        seat.room.is_none().then(|| {
            seat.room = Some(room.as_str().into());
            RoomIndex(0)
        })
    }

    pub(super) fn standing(&self, id: MemberId) -> Standing {
        self.crew.members.get(id.0 as usize).map_or_else(Standing::default, |member| Standing {
            is_ready: member.seat.is_ready(),
            is_member: member.seat.is_member(),
            position: None,
            outstanding: member.dialect.outstanding(),
        })
    }

    pub(super) const fn observer(&mut self) -> &mut O {
        &mut self.crew.observer
    }

    pub(super) fn turn(&mut self, wait: Duration) -> io::Result<usize> {
        let now = Nanos::now();
        self.fire(now);
        let more = self.connect(now)?;
        let wait = self.crew.timers.next().map_or(wait, |at| wait.min(at.since(now)));
        let wait = if more { wait.min(Duration::from_millis(1)) } else { wait };
        let count = self.fleet.poll(Some(wait), &mut self.crew)?;
        while let Some(id) = self.crew.to_close.pop() {
            self.close(id, None);
        }
        Ok(count)
    }

    pub(super) fn publish(&mut self, id: MemberId, what: &Publication<'_>) -> bool {
        let Some(member) = self.crew.members.get_mut(id.0 as usize) else { return false };
        let link = member.seat.link.filter(|_| member.seat.is_ready());
        let Some(out) = link.and_then(|link| self.fleet.out(link)) else { return false };
        member.dialect.publish(what.room.as_str(), what.body, out)
    }

    pub(super) fn flush(&mut self, id: MemberId) {
        if let Some(link) = self.link_of(id) {
            self.fleet.flush(link, &mut self.crew);
        }
    }

    pub(super) fn waiting_bytes(&mut self, id: MemberId) -> usize {
        let link = self.link_of(id);
        link.and_then(|link| self.fleet.out(link)).map_or(0, |out| out.waiting_bytes())
    }

    pub(super) fn close(&mut self, id: MemberId, code: Option<u16>) {
        if let Some(link) = self.link_of(id) {
            self.fleet.close(link, code, &mut self.crew);
        }
    }

    pub(super) const fn hold_connections(&mut self, until: Nanos) {
        self.pacer.hold(until);
    }

    pub(super) fn end(&mut self, id: MemberId) {
        let Some(member) = self.crew.members.get_mut(id.0 as usize) else { return };
        member.seat.has_left = true;
        if let Some(out) = member.seat.link.and_then(|link| self.fleet.out(link)) {
            member.dialect.leave(out);
        }
        self.close(id, Some(1000));
    }

    pub(super) fn read_from(&mut self, id: MemberId, read: bool) {
        if let Some(link) = self.link_of(id) {
            self.fleet.read_from(link, read);
        }
    }

    pub(super) fn read_some(&mut self, id: MemberId, bytes_max: usize) -> usize {
        let before = self.fleet.received_bytes();
        if let Some(link) = self.link_of(id) {
            self.fleet.read_some(link, bytes_max, &mut self.crew);
        }
        (self.fleet.received_bytes() - before) as usize
    }

    fn link_of(&self, id: MemberId) -> Option<LinkId> {
        self.crew.members.get(id.0 as usize).and_then(|member| member.seat.link)
    }

    /// What is due of clients whose time has come: to come back, or to ask for a sign of life.
    fn fire(&mut self, now: Nanos) {
        while let Some(id) = self.crew.timers.due(now) {
            match self.crew.due(now, id) {
                Due::Ping => {
                    let Some(member) = self.crew.members.get_mut(id.0 as usize) else { continue };
                    if let Some(out) = member.seat.link.and_then(|link| self.fleet.out(link)) {
                        member.dialect.ping(out);
                    }
                    self.flush(id);
                }
                Due::Close => self.close(id, None),
                Due::Nothing => {}
            }
        }
    }

    /// Begins connections as the pace allows; true when more wait for it.
    fn connect(&mut self, now: Nanos) -> io::Result<bool> {
        while !self.crew.to_connect.is_empty() {
            match self.pacer.ask(now, self.crew.opening) {
                Leave::Given => {}
                Leave::Later => return Ok(true),
                Leave::Full => return Ok(false),
            }
            let Some(id) = self.crew.to_connect.pop_front() else { break };
            let Some(member) = self.crew.members.get_mut(id.0 as usize) else { continue };
            if member.seat.link.is_some() || member.seat.has_left {
                continue;
            }
            let link = if member.dialect.is_websocket() {
                let path = self.target.path_of(member.seat.room.as_deref().unwrap_or_default());
                self.fleet.open_path(&self.target, &path, &[])?
            } else {
                let mut greeting = Out::default();
                member.dialect.greet(&mut greeting);
                self.fleet.open_bare(&self.target, greeting)?
            };
            self.crew.begin(id, link);
        }
        Ok(false)
    }
}

/// A client of the target's protocol by its number over all threads, with a password if it has one.
fn dialect(target: &Target, number: u32, token: Option<&str>) -> Box<dyn Dialect> {
    match target.protocol {
        Protocol::Mqtt => Box::new(Mqtt::new(target, number, token)),
        // Ringway's own clients are other engines' business.
        Protocol::RawWs | Protocol::Ringway => Box::new(RawWs),
    }
}
