//! Subscribers and publishers of one thread: what `fanout` and `resume-storm` have in common.
//!
//! A [`Crowd`] owns the thread's sessions and its publishers' schedule; a [`Watch`] observes what its clients see. It
//! goes through connecting, load and settling: after the end of the load each thread tells where its publishers' rooms
//! ended ([`Finals`]), and once all have, every subscriber must have seen its room up to there.

mod arrivals;
mod cast;
mod publisher;
mod sequences;
mod watch;

pub(super) use cast::Cast;
pub(super) use watch::Watch;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::session::client::{JoinOptions, RoomIndex};
use ringway_protocol::{Lane, RoomName};

use self::publisher::Publishers;
use super::run::{CpuMeter, End, Final, Finals, Setup};
use crate::args::{Protocol, PublishArgs};
use crate::engine::{MemberId, Nanos, Schedule, Sessions};
use crate::report::Tally;

/// Longest sleep of a thread: stop flags and schedules are seen after it.
const SLEEP_MAX: Duration = Duration::from_millis(5);
/// Longest settling, however steadily messages still arrive.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// How often a settling thread looks whether all have arrived.
const SETTLE_LOOK: Duration = Duration::from_millis(10);

/// One thread's clients.
pub(super) struct Crowd {
    pub(super) setup: Setup,
    pub(super) sessions: Sessions<Watch>,
    publishers: Publishers,
    cast: Cast,
    /// Number of this thread's first subscriber over all threads.
    first: u32,
    pub(super) subscribers: u32,
    drained: Nanos,
    cpu: CpuMeter,
    settle: Duration,
}

impl Crowd {
    /// All clients of a thread, about to connect.
    pub(super) fn new(
        setup: &Setup,
        thread: u16,
        cast: &Cast,
        publish: &PublishArgs,
        settle: Duration,
    ) -> std::io::Result<Self> {
        let (first, subscribers) = setup.share(cast.subscribers, thread);
        let (first_publisher, count) = setup.share(publish.publishers, thread);
        let pace = setup.pace();
        let target = setup.target(thread);
        let watch = Watch::new(setup, target, first, subscribers, count, publish, cast.rooms());
        let mut sessions = Sessions::new(target.clone(), pace, first + first_publisher, watch)?;
        for index in first..first + subscribers {
            let member = sessions.add(cast.format_of(index, target), &cast.identity(index));
            if let Some(room) = RoomName::new(cast.room_of(index)) {
                sessions.join(member, room, JoinOptions::default());
            }
        }
        let mut publishers = Publishers::new(publish, cast);
        for index in first_publisher..first_publisher + count {
            let format = cast.format_of(index, target);
            let member = sessions.add(format, &cast.identity(cast.subscribers + index));
            let room = cast.room_of(index);
            // A key of the latest lane lives as long as its publisher is a member; over a raw WebSocket who is
            // connected to a room's path is one.
            let joins = publish.lane == Lane::Latest || target.protocol == Protocol::RawWs;
            if let Some(room) = RoomName::new(room).filter(|_| joins) {
                sessions.join(member, room, JoinOptions::default());
            }
            publishers.add(index, member, room);
        }
        Ok(Self {
            setup: setup.clone(),
            sessions,
            publishers,
            cast: cast.clone(),
            first,
            subscribers,
            drained: Nanos::default(),
            cpu: CpuMeter::default(),
            settle,
        })
    }

    /// Connects, bears the load, settles; `step` is called on every pass while the load lasts.
    pub(super) fn run(mut self, mut step: impl FnMut(&mut Self, Nanos, &Schedule)) -> std::io::Result<Tally> {
        while !self.setup.stop.load(Relaxed) {
            self.pass(None)?;
            let Some(schedule) = self.setup.schedule.get().copied() else { continue };
            self.sessions.observer().begin(&schedule);
            self.publishers.begin(&schedule);
            self.load(&schedule, &mut step)?;
            self.settle(&schedule)?;
            break;
        }
        for member in self.members() {
            self.sessions.end(member);
        }
        self.sessions.finish()?;
        let lost = self.sessions.lost();
        let mut tally = self.sessions.observer().finish();
        (tally.overtaken, tally.replaced) = (lost.overtaken, lost.replaced);
        Ok(tally)
    }

    /// Subscribers of this thread.
    pub(super) fn subscribers(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.subscribers).map(MemberId)
    }

    fn members(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.subscribers + self.publishers.len() as u32).map(MemberId)
    }

    fn load(
        &mut self,
        schedule: &Schedule,
        step: &mut impl FnMut(&mut Self, Nanos, &Schedule),
    ) -> std::io::Result<()> {
        while !self.setup.stop.load(Relaxed) {
            let now = Nanos::now();
            self.cpu.tick(now, schedule, &mut self.sessions.observer().tally);
            step(self, now, schedule);
            self.publishers.publish_due(&mut self.sessions, schedule);
            // Ticks that came late were still sent above.
            if now >= schedule.end {
                break;
            }
            self.pass(self.publishers.next())?;
        }
        self.cpu.stop(Nanos::now(), &mut self.sessions.observer().tally);
        Ok(())
    }

    /// One pass over the sockets, not longer than until `next`.
    fn pass(&mut self, next: Option<Nanos>) -> std::io::Result<()> {
        let common = &self.setup.common;
        let wait = match next {
            _ if common.spin => Duration::ZERO,
            Some(next) => next.since(Nanos::now()).min(SLEEP_MAX),
            None => SLEEP_MAX,
        };
        match common.drain_every {
            Some(every) if next.is_some() => {
                let wait = wait.min((self.drained + every).since(Nanos::now()));
                std::thread::sleep(wait);
                let now = Nanos::now();
                if now.since(self.drained) >= every {
                    self.drained = now;
                    while self.sessions.turn(Duration::ZERO)? > 0 {}
                }
            }
            _ => {
                self.sessions.turn(wait)?;
            }
        }
        self.sessions.observer().show(Nanos::now());
        Ok(())
    }

    /// Waits for answers, tells where the rooms ended, then waits until every subscriber has seen that.
    fn settle(&mut self, schedule: &Schedule) -> std::io::Result<()> {
        let finals = self.setup.finals.clone();
        let mut deadline = schedule.end + self.settle;
        let last = schedule.end + SETTLE_MAX;
        let mut seen = self.sessions.observer().tally.deliveries_in_all;
        let mut told = false;
        let mut looked = Nanos::default();
        while !self.setup.stop.load(Relaxed) {
            self.sessions.turn(SLEEP_MAX)?;
            self.sessions.observer().show(Nanos::now());
            let now = Nanos::now();
            let count = self.sessions.observer().tally.deliveries_in_all;
            if std::mem::replace(&mut seen, count) != count {
                deadline = (now + self.settle).min(last);
            }
            let late = now >= deadline;
            if now.since(looked) < SETTLE_LOOK && !late {
                continue;
            }
            looked = now;
            if !told && (late || self.publishers.all_answered(&self.sessions)) {
                told = true;
                let furthest = self.furthest();
                let sent = self.publishers.ends(&self.sessions.observer());
                let known = sent.into_iter().chain(furthest);
                finals.tell(known.map(|(room, end)| End::of(room, end)));
            }
            if late || (told && finals.complete() && self.all_arrived(&finals)) {
                break;
            }
        }
        self.unanswered();
        let rooms = finals.rooms();
        for member in self.subscribers().collect::<Vec<_>>() {
            if self.sessions.observer().is_ignored(member) {
                continue;
            }
            let stands = self.sessions.standing(member).is_member;
            let end = rooms.get(&self.cast.room_number(self.first + member.0));
            if let Some(position) = end.and_then(|end| end.position).filter(|_| stands) {
                self.sessions.expect(member, RoomIndex(0), position);
            }
            let sequence = end.map_or(0, |end| end.sequence);
            self.sessions.observer().end_of(member, stands, sequence);
            if let Some(end) = end.filter(|_| stands) {
                self.sessions.observer().end_of_publishers(member, &end.publishers);
            }
        }
        Ok(())
    }

    /// Acknowledgements that never came. Ringway's answers are the session machine's business.
    fn unanswered(&mut self) {
        if self.sessions.observer().goes_by_stamps() {
            for (member, count) in self.publishers.unanswered(&self.sessions) {
                self.sessions.observer().unanswered(member, count);
            }
        }
    }

    /// Without answers the end of a room is the furthest that any subscriber got.
    fn furthest(&self) -> Vec<(u32, Final)> {
        let mut furthest = Vec::new();
        for member in self.subscribers() {
            if let Some(position) = self.sessions.standing(member).position {
                let room = self.cast.room_number(self.first + member.0);
                furthest.push((room, Final { position: Some(position), ..Final::default() }));
            }
        }
        furthest
    }

    fn all_arrived(&mut self, finals: &Finals) -> bool {
        let rooms = finals.rooms();
        self.subscribers().all(|member| {
            if self.sessions.observer().is_ignored(member) {
                return true;
            }
            let Some(end) = rooms.get(&self.cast.room_number(self.first + member.0)) else { return true };
            let standing = self.sessions.standing(member);
            let there = match (standing.position, end.position) {
                (Some(seen), Some(end)) => seen.epoch != end.epoch || seen.offset >= end.offset,
                (_, None) => true,
                (None, Some(_)) => false,
            };
            let watch = self.sessions.observer();
            there
                && standing.is_member
                && watch.has_newest(member, end.sequence)
                && watch.has_all(member, &end.publishers)
        })
    }
}
