//! A thread's clients at work: connecting at a bounded rate, reading, timers, publishing. Thread view.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::session::client::{Client, JoinOptions, Options, Publication, RoomIndex, State};
use ringway_protocol::{Format, Position, RequestId, RoomName};

use super::crew::Crew;
use super::{Fleet, MemberId, Nanos, Observer, Target, subprotocols};

/// How fast connections are made.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Connections a second; 0: no bound.
    pub rate: u32,
    /// On their way at once.
    pub concurrency: u32,
}

/// One thread's clients, their connections, and the scenario that watches them.
pub struct Sessions<O> {
    fleet: Fleet,
    crew: Crew<O>,
    target: Arc<Target>,
    pace: Pace,
    /// Connections that the rate allows now, and when that was reckoned.
    allowance: f64,
    reckoned: Nanos,
    held_until: Nanos,
}

impl<O: Observer> Sessions<O> {
    /// No clients yet; `first` is the number of this thread's first connection over all threads.
    ///
    /// # Errors
    /// When the kernel gives no epoll.
    pub fn new(target: Arc<Target>, pace: Pace, first: u32, observer: O) -> io::Result<Self> {
        let fleet = Fleet::new(first)?;
        let crew = Crew::new(observer);
        Ok(Self {
            fleet,
            crew,
            target,
            pace,
            allowance: 0.0,
            reckoned: Nanos::now(),
            held_until: Nanos::default(),
        })
    }

    /// A new client, which connects as soon as the pace allows.
    pub fn add(&mut self, format: Format, options: &Arc<Options>) -> MemberId {
        self.crew.add(format, options)
    }

    /// Lets a client join; it happens when it has a session.
    pub fn join(&mut self, id: MemberId, room: RoomName<'_>, options: JoinOptions) -> Option<RoomIndex> {
        let member = self.crew.members.get_mut(id.0 as usize)?;
        let ready = member.client.state() == State::Ready;
        let room = member.client.join(room, options);
        if ready {
            self.send(id);
        }
        Some(room)
    }

    /// A client.
    #[must_use]
    pub fn client(&self, id: MemberId) -> Option<&Client> {
        self.crew.members.get(id.0 as usize).map(|member| &member.client)
    }

    /// What the scenario counted and decided.
    pub const fn observer(&mut self) -> &mut O {
        &mut self.crew.observer
    }

    /// Bytes received in all.
    #[must_use]
    pub const fn received_bytes(&self) -> u64 {
        self.fleet.received_bytes()
    }

    /// Connections that exist, open or on their way.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.fleet.len()
    }

    /// One pass: new connections, whatever is ready within `wait` (less if a timer is due), timers, closes.
    ///
    /// # Errors
    /// When the system has no more sockets, or its readiness call fails.
    pub fn turn(&mut self, wait: Duration) -> io::Result<usize> {
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

    /// Encodes a publish into the client's buffer, without writing it; `None` when it has no session now.
    pub fn publish(&mut self, now: Nanos, id: MemberId, what: &Publication<'_>) -> Option<Option<RequestId>> {
        let link = self.crew.members.get(id.0 as usize)?.link?;
        let out = self.fleet.out(link)?;
        self.crew.publish(now, id, what, out)
    }

    /// Writes what a client has to say.
    pub fn flush(&mut self, id: MemberId) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.flush(link, &mut self.crew);
        }
    }

    /// Bytes that a client's socket has not taken.
    #[must_use]
    pub fn waiting_bytes(&mut self, id: MemberId) -> usize {
        let link = self.crew.members.get(id.0 as usize).and_then(|member| member.link);
        link.and_then(|link| self.fleet.out(link)).map_or(0, |out| out.waiting_bytes())
    }

    /// Ends a client's connection: with a close frame if there is a code, else by a reset. It may come back.
    pub fn close(&mut self, id: MemberId, code: Option<u16>) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.close(link, code, &mut self.crew);
        }
    }

    /// Begins no connection before this time.
    pub const fn hold_connections(&mut self, until: Nanos) {
        self.held_until = until;
    }

    /// Ends a client for good.
    pub fn end(&mut self, id: MemberId) {
        if let Some(member) = self.crew.members.get_mut(id.0 as usize) {
            member.client.close();
            self.close(id, Some(1000));
        }
    }

    /// Stops or resumes reading from a client's connection.
    pub fn read_from(&mut self, id: MemberId, read: bool) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.read_from(link, read);
        }
    }

    /// Reads at most so many bytes from a client's connection now.
    pub fn read_some(&mut self, id: MemberId, bytes_max: usize) {
        if let Some(link) = self.crew.members.get(id.0 as usize).and_then(|member| member.link) {
            self.fleet.read_some(link, bytes_max, &mut self.crew);
        }
    }

    /// The end of a run: the room should have been seen up to `position`.
    pub fn expect(&mut self, id: MemberId, room: RoomIndex, position: Position) {
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
        if now < self.held_until {
            return Ok(!self.crew.to_connect.is_empty());
        }
        if self.pace.rate > 0 {
            let rate = f64::from(self.pace.rate);
            self.allowance =
                (self.allowance + now.since(self.reckoned).as_secs_f64() * rate).min(rate / 10.0 + 1.0);
        }
        self.reckoned = now;
        while !self.crew.to_connect.is_empty() && self.crew.opening < self.pace.concurrency {
            if self.pace.rate > 0 {
                if self.allowance < 1.0 {
                    return Ok(true);
                }
                self.allowance -= 1.0;
            }
            let Some(id) = self.crew.to_connect.pop_front() else { break };
            let Some(member) =
                self.crew.members.get_mut(id.0 as usize).filter(|member| member.link.is_none())
            else {
                continue;
            };
            let link = self.fleet.open(&self.target, subprotocols(member.format))?;
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
