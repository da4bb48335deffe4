//! WebSocket clients straight on epoll: connecting at a bounded rate, reading, timers, publishing. Thread view.
//!
//! The engine with which servers are measured: a [`Crew`] of session machines on a [`Fleet`] of sockets, no runtime.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::session::client::{JoinOptions, Options, Publication, RoomIndex};
use ringway_protocol::{Format, Position, RequestId, RoomName};

use super::crew::Crew;
use super::pacer::{Leave, Pace, Pacer};
use super::standing::Standing;
use super::{Fleet, MemberId, Nanos, Observer, Target, subprotocols};

/// One thread's clients and their sockets; what each call does is said at [`Sessions`](super::Sessions).
pub(super) struct Direct<O> {
    fleet: Fleet,
    crew: Crew<O>,
    target: Arc<Target>,
    pacer: Pacer,
}

impl<O: Observer> Direct<O> {
    pub(super) fn new(target: Arc<Target>, pace: Pace, first: u32, observer: O) -> io::Result<Self> {
        let fleet = Fleet::new(first)?;
        let crew = Crew::new(observer);
        Ok(Self { fleet, crew, target, pacer: Pacer::new(pace, Nanos::now()) })
    }

    pub(super) fn add(&mut self, format: Format, options: &Arc<Options>) -> MemberId {
        self.crew.add(format, options)
    }

    pub(super) fn join(
        &mut self,
        id: MemberId,
        room: RoomName<'_>,
        options: JoinOptions,
    ) -> Option<RoomIndex> {
        let index = self.crew.members.get_mut(id.0 as usize)?.client.join(room, options);
        self.send(id);
        Some(index)
    }

    pub(super) fn leave(&mut self, id: MemberId, room: RoomIndex) {
        if let Some(member) = self.crew.members.get_mut(id.0 as usize) {
            member.client.leave(room);
            self.send(id);
        }
    }

    pub(super) fn standing(&self, id: MemberId) -> Standing {
        self.crew
            .members
            .get(id.0 as usize)
            .map_or_else(Standing::default, |member| Standing::of(&member.client))
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

    /// With the request's id, if an answer is due.
    pub(super) fn publish(
        &mut self,
        now: Nanos,
        id: MemberId,
        what: &Publication<'_>,
    ) -> Option<Option<RequestId>> {
        let link = self.crew.members.get(id.0 as usize).and_then(|member| member.link);
        let out = link.and_then(|link| self.fleet.out(link))?;
        self.crew.publish(now, id, what, out)
    }

    pub(super) fn flush(&mut self, id: MemberId) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.flush(link, &mut self.crew);
        }
    }

    pub(super) fn waiting_bytes(&mut self, id: MemberId) -> usize {
        let link = self.crew.members.get(id.0 as usize).and_then(|member| member.link);
        link.and_then(|link| self.fleet.out(link)).map_or(0, |out| out.waiting_bytes())
    }

    pub(super) fn close(&mut self, id: MemberId, code: Option<u16>) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.close(link, code, &mut self.crew);
        }
    }

    pub(super) const fn hold_connections(&mut self, until: Nanos) {
        self.pacer.hold(until);
    }

    pub(super) fn end(&mut self, id: MemberId) {
        if let Some(member) = self.crew.members.get_mut(id.0 as usize) {
            member.client.close();
            self.close(id, Some(1000));
        }
    }

    pub(super) fn read_from(&mut self, id: MemberId, read: bool) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.read_from(link, read);
        }
    }

    pub(super) fn read_some(&mut self, id: MemberId, bytes_max: usize) -> usize {
        let before = self.fleet.received_bytes();
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.read_some(link, bytes_max, &mut self.crew);
        }
        (self.fleet.received_bytes() - before) as usize
    }

    pub(super) fn expect(&mut self, id: MemberId, room: RoomIndex, position: Position) {
        if let Some(member) = self.crew.members.get_mut(id.0 as usize) {
            member.client.handle_end(room, position);
            self.crew.pump(Nanos::now(), id, None);
        }
    }

    fn fire(&mut self, now: Nanos) {
        while let Some(id) = self.crew.timers.due(now) {
            if let Some(member) = self.crew.members.get_mut(id.0 as usize) {
                member.client.handle_timeout(now.monotonic());
            }
            self.send(id);
        }
    }

    /// Gives out what a client's machine wants to say.
    fn send(&mut self, id: MemberId) {
        let link = self.crew.members.get(id.0 as usize).and_then(|member| member.link);
        let out = link.and_then(|link| self.fleet.out(link));
        self.crew.pump(Nanos::now(), id, out);
        self.flush(id);
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
            let Some(member) =
                self.crew.members.get_mut(id.0 as usize).filter(|member| member.link.is_none())
            else {
                continue;
            };
            let door = self.target.door(id.0.wrapping_add(member.opened));
            let link = self.fleet.open(door, subprotocols(member.format))?;
            member.opened = member.opened.wrapping_add(1);
            member.link = Some(link);
            member.opening = true;
            let index = link.0 as usize;
            if self.crew.by_link.len() <= index {
                self.crew.by_link.resize(index + 1, MemberId(u32::MAX));
            }
            self.crew.by_link[index] = id;
            self.crew.opening += 1;
        }
        Ok(false)
    }
}
