//! Publishers on a schedule that nothing can shift: the open loop. Thread view.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use ringway_protocol::session::client::Publication;
use ringway_protocol::{Body, BodyKind, Lane, RoomName};

use super::arrivals::Arrivals;
use super::{Cast, Watch};
use crate::args::{ArrivalChoice, PublishArgs};
use crate::body::Stamp;
use crate::engine::{MemberId, Nanos, Schedule, Sessions};
use crate::scenario::run::Final;

/// A publisher whose socket holds more than this skips its turns: the server does not read.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

struct Publisher {
    /// Number over all threads.
    number: u32,
    member: MemberId,
    room: Box<str>,
    room_number: u32,
    /// Publications given out.
    sequence: u64,
    /// Ticks that were due.
    ticks: u64,
    arrivals: Arrivals,
}

/// All publishers of a thread, by the time of their next tick.
pub(in crate::scenario) struct Publishers {
    all: Vec<Publisher>,
    /// In all threads together.
    total: u32,
    due: BinaryHeap<Reverse<(Nanos, u32)>>,
    every: Duration,
    burst: u32,
    kind: BodyKind,
    /// Shortest and longest body.
    bytes: (usize, usize),
    seed: u64,
    arrivals: ArrivalChoice,
    lane: Lane,
    keys: Vec<String>,
    answer: bool,
    rooms: u32,
    body: Vec<u8>,
}

impl Publishers {
    pub(super) fn new(args: &PublishArgs, cast: &Cast) -> Self {
        Self {
            all: Vec::new(),
            total: args.publishers,
            due: BinaryHeap::new(),
            every: Duration::from_secs_f64(f64::from(args.burst) / args.rate),
            burst: args.burst,
            kind: cast.body_kind(args),
            bytes: (args.body, args.body_max),
            seed: args.seed,
            arrivals: args.arrivals,
            lane: args.lane,
            keys: (0..args.keys).map(|key| format!("k{key}")).collect(),
            answer: !args.no_ack,
            rooms: cast.rooms(),
            body: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, number: u32, member: MemberId, room: &str) {
        let room_number = number % self.rooms;
        let arrivals = Arrivals::new(self.arrivals, self.every, self.seed, number);
        let room = room.into();
        self.all.push(Publisher { number, member, room, room_number, sequence: 0, ticks: 0, arrivals });
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Publishers begin one after the other within the first tick.
    pub(super) fn begin(&mut self, schedule: &Schedule) {
        for (index, publisher) in (0..).zip(&self.all) {
            let phase = f64::from(publisher.number) / f64::from(self.total.max(1));
            self.due.push(Reverse((schedule.start + publisher.arrivals.first(phase), index)));
        }
    }

    /// When the next publisher is due.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Publishes whatever is due, each tick in one write. A tick that comes late is sent at once and keeps its
    /// intended time.
    pub(super) fn publish_due(&mut self, sessions: &mut Sessions<Watch>, schedule: &Schedule) {
        loop {
            let now = Nanos::now();
            let Some(&Reverse((intended, index))) = self.due.peek() else { return };
            if intended > now || intended >= schedule.end {
                return;
            }
            self.due.pop();
            let publisher = &mut self.all[index as usize];
            publisher.ticks += 1;
            self.due.push(Reverse((intended + publisher.arrivals.gap(publisher.ticks), index)));
            self.tick(index, intended, now, sessions, schedule);
        }
    }

    fn tick(
        &mut self,
        index: u32,
        intended: Nanos,
        now: Nanos,
        sessions: &mut Sessions<Watch>,
        schedule: &Schedule,
    ) {
        let publisher = &mut self.all[index as usize];
        let Some(room) = RoomName::new(&publisher.room) else { return };
        let held_up = sessions.waiting_bytes(publisher.member) > WAITING_BYTES_MAX;
        let bytes = publisher.arrivals.bytes(publisher.ticks, self.bytes.0, self.bytes.1);
        let mut sent = 0;
        for _ in 0..if held_up { 0 } else { self.burst } {
            let sequence = publisher.sequence + 1;
            let stamp = Stamp { publisher: publisher.number, sequence, intended };
            stamp.write(self.kind, bytes, &mut self.body);
            let key = self.keys[(sequence % self.keys.len() as u64) as usize].as_str();
            let publication = Publication {
                room,
                body: Body { kind: self.kind, bytes: &self.body },
                lane: self.lane,
                key: (self.lane != Lane::Reliable).then_some(key),
                msg_id: None,
                retry: None,
                // On the latest lane publishers are members, too.
                echo: self.lane == Lane::Reliable,
                answer: self.answer,
            };
            if !sessions.publish(now, publisher.member, &publication) {
                break;
            }
            publisher.sequence = sequence;
            sent += 1;
        }
        sessions.flush(publisher.member);
        let done = Nanos::now();
        let mut watch = sessions.observer();
        watch.sent(sent, self.burst - sent, schedule.measures(intended));
        if schedule.measures(intended) {
            watch.tally.send_lag.record(done.since(intended));
        }
    }

    /// Whether no publisher waits for an answer.
    pub(super) fn all_answered(&self, sessions: &Sessions<Watch>) -> bool {
        self.all.iter().all(|publisher| sessions.standing(publisher.member).outstanding == 0)
    }

    /// Publications that were never acknowledged, by publisher.
    pub(super) fn unanswered(&self, sessions: &Sessions<Watch>) -> Vec<(MemberId, u32)> {
        let outstanding = |publisher: &Publisher| sessions.standing(publisher.member).outstanding;
        let all = self.all.iter().map(|publisher| (publisher.member, outstanding(publisher)));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Where the rooms of this thread's publishers ended.
    pub(super) fn ends(&self, watch: &Watch) -> Vec<(u32, Final)> {
        let mut ends: Vec<_> = self
            .all
            .iter()
            .map(|publisher| {
                let newest = self.lane == Lane::Latest && watch.tally.refused == 0 && self.keys.len() == 1;
                let sequence = if newest && self.total <= self.rooms { publisher.sequence } else { 0 };
                let mut end = Final { sequence, ..Final::default() };
                if watch.goes_by_stamps() {
                    end.publishers.insert(publisher.number, publisher.sequence);
                }
                (publisher.room_number, end)
            })
            .collect();
        ends.extend(watch.acked().iter().map(|(name, position)| {
            let room = self.all.iter().find(|publisher| *publisher.room == **name);
            let end = Final { position: Some(*position), ..Final::default() };
            (room.map_or(0, |publisher| publisher.room_number), end)
        }));
        ends
    }
}
