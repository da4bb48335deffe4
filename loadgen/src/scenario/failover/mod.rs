//! `failover`: clients on several nodes talk in rooms while the nodes are disturbed.
//!
//! Each client hears one room and publishes in it, with message ids, as one does who wants every publication to stand once
//! and in order ([`talker`]). What all of them see and are told is compared in the end ([`ledger`]); how long rooms stood
//! still is told by round of the disturbance ([`disturb`]). All clients of a room belong to one thread.

mod disturb;
mod ledger;
mod talker;
mod watch;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::session::client::{JoinOptions, Publication, RoomIndex};
use ringway_protocol::{Body, BodyKind, Lane, RoomName};

use self::disturb::Disturbance;
use self::talker::Pending;
use self::watch::{Seat, Watch};
use super::RunFault;
use super::crowd::Cast;
use super::fanout::throughput;
use super::run::{Course, CpuMeter, Load, Setup, Work};
use crate::args::{FailoverArgs, FormatMix};
use crate::body::Stamp;
use crate::engine::{MemberId, Nanos, Schedule, Sessions};
use crate::report::{Summary, Tally};

/// Longest sleep of a thread.
const SLEEP_MAX: Duration = Duration::from_millis(2);
/// Longest settling, however steadily messages still arrive.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// How often a settling thread looks whether all have arrived.
const SETTLE_LOOK: Duration = Duration::from_millis(20);

impl Load for FailoverArgs {
    fn clients(&self) -> u32 {
        self.clients
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        setup.want_websocket("failover")?;
        if self.disturb.is_some() && self.every > self.common.duration {
            return Err(RunFault::Asked("--every: no round fits into the --duration".to_owned()));
        }
        let cast = Cast::new(&self.session, self.clients, setup)?;
        let args = self.clone();
        Ok(Arc::new(move |setup, thread| Crowd::new(setup, thread, &args, &cast)?.run()))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        let unrest = &tally.unrest;
        setup.describe(summary);
        summary.count("nodes", setup.targets().first().map_or(1, |target| target.doors()) as u64);
        summary.count("rooms", self.session.rooms.into());
        summary.count("clients", self.clients.into());
        summary.number("rate", self.rate);
        throughput(summary, tally, course.measured.over);
        summary.number(
            "acked_per_s",
            unrest.acked_measured as f64 / course.measured.over.as_secs_f64().max(1e-9),
        );
        summary.latency("ack_", &tally.ack_latency);
        summary.count("acked", unrest.acked);
        summary.count("acked_lost", unrest.acked_lost);
        summary.count("acked_before_anew", unrest.acked_before_anew);
        summary.count("repeated", unrest.repeated);
        summary.count("resumed", tally.resumed);
        summary.count("recovered", tally.recovered);
        summary.count("not_recovered", tally.not_recovered);
        summary.count("rounds", unrest.rounds);
        summary.number("stall_p50_ms", unrest.stall_ms(0.5));
        summary.number("stall_max_ms", unrest.stall_ms(1.0));
        summary.number("client_stall_max_ms", unrest.client_stall.as_secs_f64() * 1e3);
        summary.promises(tally);
        summary.server(&course.measured, tally.deliveries);
        summary.client(tally, &course.measured, self.common.spin, self.rate <= 0.0);
        let mut must_not = |count: u64, what: &str| {
            if count > 0 {
                summary.fail(format!("{count} {what}"));
            }
        };
        must_not(unrest.acked_lost, "acknowledged publications stand nowhere");
        must_not(tally.refused, "publications were refused for good");
        if !self.anew_allowed {
            must_not(tally.resets, "times a client was told that a room's order began anew");
            must_not(tally.told_gaps, "publications were told as gaps");
            must_not(
                unrest.acked_before_anew,
                "acknowledged publications went with an order that was given up",
            );
        }
        must_not(tally.unsent, "publications could not be made: too many waited for an answer");
        for fault in &unrest.disturb_faults {
            summary.fail(format!("--disturb: {fault}"));
        }
        if course.ready && tally.deliveries == 0 {
            summary.fail("nothing was delivered".to_owned());
        }
    }
}

/// One thread's clients.
struct Crowd<'a> {
    setup: &'a Setup,
    args: &'a FailoverArgs,
    sessions: Sessions<Watch>,
    disturbance: Option<Disturbance>,
    cast: &'a Cast,
    members: u32,
    /// Ticks of all clients together so far, and the next one's time.
    ticks: u64,
    kind: BodyKind,
    cpu: CpuMeter,
    body: Vec<u8>,
    msg_id: String,
}

impl<'a> Crowd<'a> {
    fn new(setup: &'a Setup, thread: u16, args: &'a FailoverArgs, cast: &'a Cast) -> std::io::Result<Self> {
        let (number, threads) = (setup.number_of(thread), setup.threads());
        // By room, so that the clients of a room are dealt to the nodes in turn.
        let rooms = (0..cast.rooms()).filter(|room| room % threads == number);
        let clients: Vec<u32> =
            rooms.flat_map(|room| (room..args.clients).step_by(cast.rooms() as usize)).collect();
        let pace = setup.pace();
        let target = setup.target(thread);
        let seats = clients.iter().map(|client| Seat::new(*client, cast.room_number(*client))).collect();
        let watch = Watch::new(setup.board.clone(), seats, args.every, args.anew_allowed);
        let mut sessions = Sessions::new(target.clone(), pace, 0, watch)?;
        for client in &clients {
            let member = sessions.add(cast.format_of(*client, target), &cast.identity(*client));
            if let Some(room) = RoomName::new(cast.room_of(*client)) {
                sessions.join(member, room, JoinOptions::default());
            }
        }
        let disturbance = (number == 0).then(|| Disturbance::new(args.disturb.clone(), args.every));
        let kind = if args.session.format == FormatMix::Binary { BodyKind::Bytes } else { BodyKind::Json };
        let members = clients.len() as u32;
        let (cpu, body, msg_id) = (CpuMeter::default(), Vec::new(), String::new());
        Ok(Self { setup, args, sessions, disturbance, cast, members, ticks: 0, kind, cpu, body, msg_id })
    }

    fn run(mut self) -> std::io::Result<Tally> {
        while !self.setup.stop.load(Relaxed) {
            self.sessions.turn(SLEEP_MAX)?;
            self.sessions.observer().show(Nanos::now());
            let Some(schedule) = self.setup.schedule.get().copied() else { continue };
            self.sessions.observer().begin(&schedule);
            self.load(&schedule)?;
            self.settle(&schedule)?;
            break;
        }
        if let Some(disturbance) = self.disturbance.take() {
            let (rounds, faults) = disturbance.finish(Nanos::now() + self.args.every);
            let mut watch = self.sessions.observer();
            watch.tally.unrest.rounds = rounds.into();
            watch.tally.unrest.disturb_faults = faults;
        }
        for member in (0..self.members).map(MemberId) {
            self.sessions.end(member);
        }
        self.sessions.finish()?;
        Ok(self.sessions.observer().finish())
    }

    fn load(&mut self, schedule: &Schedule) -> std::io::Result<()> {
        loop {
            let now = Nanos::now();
            if self.setup.stop.load(Relaxed) {
                break;
            }
            self.cpu.tick(now, schedule, &mut self.sessions.observer().tally);
            if let Some(disturbance) = &mut self.disturbance {
                disturbance.tick(now, schedule);
            }
            self.say_due(now, schedule);
            if now >= schedule.end {
                break;
            }
            self.talk();
            // What is due is sent then: a sleep beyond it would be told as the nodes' latency.
            self.turn(self.next_due(schedule).since(Nanos::now()))?;
        }
        self.cpu.stop(Nanos::now(), &mut self.sessions.observer().tally);
        Ok(())
    }

    /// Until nothing waits for an answer and everybody has heard everything, or nothing moves any more.
    fn settle(&mut self, schedule: &Schedule) -> std::io::Result<()> {
        let last = schedule.end + SETTLE_MAX;
        let mut deadline = schedule.end + self.args.settle;
        let (mut seen, mut looked) = (0, Nanos::default());
        while !self.setup.stop.load(Relaxed) {
            self.talk();
            self.turn(SLEEP_MAX)?;
            let now = Nanos::now();
            if let Some(disturbance) = &mut self.disturbance {
                disturbance.tick(now, schedule);
            }
            let moved = self.sessions.observer().tally.deliveries_in_all;
            if std::mem::replace(&mut seen, moved) != moved {
                deadline = (now + self.args.settle).min(last);
            }
            if now >= deadline {
                break;
            }
            if now.since(looked) >= SETTLE_LOOK {
                looked = now;
                if self.is_settled() {
                    break;
                }
            }
        }
        for member in (0..self.members).map(MemberId) {
            let end = {
                let watch = self.sessions.observer();
                watch.seats.get(member.0 as usize).and_then(|seat| watch.ledger.end(seat.room))
            };
            if let Some(end) = end.filter(|_| self.sessions.standing(member).is_member) {
                self.sessions.expect(member, RoomIndex(0), end);
            }
            self.sessions.observer().unsettled(member);
        }
        self.sessions.observer().audit();
        Ok(())
    }

    fn is_settled(&mut self) -> bool {
        (0..self.members).map(MemberId).all(|member| {
            let standing = self.sessions.standing(member);
            let watch = self.sessions.observer();
            let Some(seat) = watch.seats.get(member.0 as usize) else { return true };
            let end = watch.ledger.end(seat.room);
            seat.talker.is_done() && standing.is_member && (end.is_none() || standing.position == end)
        })
    }

    fn turn(&mut self, wait: Duration) -> std::io::Result<()> {
        self.sessions.turn(wait.min(SLEEP_MAX))?;
        self.sessions.observer().show(Nanos::now());
        Ok(())
    }

    /// Lets clients make the publications that are due: all of them at the rate, one after the other within each interval.
    fn say_due(&mut self, now: Nanos, schedule: &Schedule) {
        if self.members == 0 {
            return;
        }
        if self.args.rate <= 0.0 {
            return self.fill(now, schedule);
        }
        loop {
            let intended = self.next_due(schedule);
            if intended > now || intended >= schedule.end {
                return;
            }
            let member = (self.ticks % u64::from(self.members)) as usize;
            self.ticks += 1;
            let mut watch = self.sessions.observer();
            if !watch.seats[member].talker.say(intended) {
                watch.unsent();
            }
        }
    }

    /// When the next publication is due; without a rate, or without clients, the end.
    fn next_due(&self, schedule: &Schedule) -> Nanos {
        let a_second = self.args.rate * f64::from(self.members);
        if a_second > 0.0 {
            schedule.start + Duration::from_secs_f64(self.ticks as f64 / a_second)
        } else {
            schedule.end
        }
    }

    /// Without a rate: lets each client make as many as may be on their way.
    fn fill(&mut self, now: Nanos, schedule: &Schedule) {
        let window = self.args.in_flight as usize;
        let mut watch = self.sessions.observer();
        for seat in watch.seats.iter_mut().filter(|_| now < schedule.end) {
            while seat.talker.len() < window && seat.talker.say(now) {}
        }
    }

    /// Sends what clients have to say and may.
    fn talk(&mut self) {
        let now = Nanos::now();
        for member in (0..self.members).map(MemberId) {
            let mut flush = false;
            while let Some((number, pending)) = self.next(now, member) {
                if !self.publish(now, member, number, &pending) {
                    break;
                }
                flush = true;
            }
            if flush {
                self.sessions.flush(member);
            }
        }
    }

    fn next(&mut self, now: Nanos, member: MemberId) -> Option<(u32, Pending)> {
        let watch = self.sessions.observer();
        let seat = watch.seats.get(member.0 as usize).filter(|seat| seat.is_in)?;
        Some((seat.number, seat.talker.next(now, self.args.in_flight)?))
    }

    fn publish(&mut self, now: Nanos, member: MemberId, number: u32, pending: &Pending) -> bool {
        let Some(room) = RoomName::new(self.cast.room_of(number)) else { return false };
        let stamp = Stamp { publisher: number, sequence: pending.sequence, intended: pending.intended };
        stamp.write(self.kind, self.args.body, &mut self.body);
        // Another run's ids are others.
        let run = self.setup.schedule.get().map_or(0, |schedule| schedule.start.0);
        self.msg_id.clear();
        let _ = write!(self.msg_id, "{run:x}-{number}-{}", pending.sequence);
        let publication = Publication {
            room,
            body: Body { kind: self.kind, bytes: &self.body },
            lane: Lane::Reliable,
            key: None,
            msg_id: Some(self.msg_id.as_bytes()),
            retry: pending.first.filter(|_| pending.again),
            echo: true,
            answer: true,
        };
        let Some(request) = self.sessions.publish_as(now, member, &publication) else { return false };
        let stands = self.sessions.standing(member).position;
        let mut watch = self.sessions.observer();
        watch.sent(pending.intended, pending.again);
        watch.seats[member.0 as usize].talker.sent(request, stands);
        true
    }
}
