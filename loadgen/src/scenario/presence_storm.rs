//! `presence-storm`: crowds come and go in rooms whose members all watch who is there.
//!
//! Half of each room's members leave at once and come back at once, again and again; each of the others must be told, until
//! it knows the count that is true. Each change is told to each member that stays: what grows with the square of a
//! room is what this is about.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::{JoinOptions, Request, RoomIndex};

use super::RunFault;
use super::crowd::Cast;
use super::run::{Course, CpuMeter, Load, Setup, Work};
use crate::args::PresenceStormArgs;
use crate::engine::{MemberId, Nanos, Observer, Schedule, Seen, Sessions};
use crate::report::{Board, Pulse, Summary, Tally};

/// Longest sleep of a thread: stop flags and schedules are seen after it.
const SLEEP_MAX: Duration = Duration::from_millis(5);
const JOIN: JoinOptions = JoinOptions { since: None, presence: true, stream: false };

impl Load for PresenceStormArgs {
    fn clients(&self) -> u32 {
        self.members
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        if self.members < 2 * self.session.rooms {
            return Err(RunFault::Asked("each room needs two members: one stays and one goes".to_owned()));
        }
        let cast = Cast::new(&self.session, self.members, setup)?;
        let args = self.clone();
        Ok(Arc::new(move |setup, thread| Storm::new(setup, thread, &args, &cast)?.run()))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        let seconds = course.measured.over.as_secs_f64().max(1e-9);
        setup.describe(summary);
        summary.count("rooms", self.session.rooms.into());
        summary.count("members", self.members.into());
        summary.count("cycles", self.cycles.into());
        summary.count("connections", tally.connections);
        summary.number("duration_s", seconds);
        summary.number("deliveries_per_s", tally.deliveries as f64 / seconds);
        summary.count("converged", tally.latency.count());
        summary.latency("converged_", &tally.latency);
        summary.latency("joined_", &tally.caught_up);
        summary.promises(tally);
        summary.server(&course.measured, tally.deliveries);
        summary.client(tally, &course.measured, self.common.spin, false);
        if course.ready && tally.deliveries == 0 {
            summary.fail("nobody was told of anybody: is presence off in this namespace?".to_owned());
        }
    }
}

/// One thread's members.
struct Storm<'a> {
    setup: &'a Setup,
    cast: &'a Cast,
    sessions: Sessions<Watchers>,
    first: u32,
    members: u32,
    cycles: u32,
    cpu: CpuMeter,
}

impl<'a> Storm<'a> {
    fn new(setup: &'a Setup, thread: u16, args: &PresenceStormArgs, cast: &'a Cast) -> std::io::Result<Self> {
        let (first, members) = setup.share(args.members, thread);
        let pace = setup.pace();
        let target = setup.target(thread);
        let seats = (first..first + members).map(|member| Seat::new(args, member)).collect();
        let watchers = Watchers::new(setup.board.clone(), seats);
        let mut sessions = Sessions::new(target.clone(), pace, first, watchers)?;
        for index in first..first + members {
            let member = sessions.add(cast.format_of(index, target), &cast.identity(index));
            if let Some(room) = RoomName::new(cast.room_of(index)) {
                sessions.join(member, room, JOIN);
            }
        }
        Ok(Self { setup, cast, sessions, first, members, cycles: args.cycles, cpu: CpuMeter::default() })
    }

    fn run(mut self) -> std::io::Result<Tally> {
        let mut phase = 0;
        while !self.setup.stop.load(Relaxed) {
            self.sessions.turn(SLEEP_MAX)?;
            let now = Nanos::now();
            self.sessions.observer().show(now);
            let Some(schedule) = self.setup.schedule.get() else { continue };
            self.sessions.observer().begin(schedule);
            self.cpu.tick(now, schedule, &mut self.sessions.observer().tally);
            while phase <= 2 * self.cycles && now >= self.begins(schedule, phase) {
                self.turn_over(phase, self.begins(schedule, phase));
                phase += 1;
            }
            if now >= schedule.end {
                break;
            }
        }
        self.cpu.stop(Nanos::now(), &mut self.sessions.observer().tally);
        for member in (0..self.members).map(MemberId) {
            self.sessions.end(member);
        }
        self.sessions.finish()?;
        Ok(self.sessions.observer().finish())
    }

    /// Even phases begin with half of the members going, odd ones with their coming back; after the last nothing begins.
    fn begins(&self, schedule: &Schedule, phase: u32) -> Nanos {
        schedule.measure + schedule.end.since(schedule.measure) * phase / (2 * self.cycles)
    }

    fn turn_over(&mut self, phase: u32, began: Nanos) {
        let last = phase == 2 * self.cycles;
        self.sessions.observer().judge(phase, began, last);
        if last {
            return;
        }
        for index in 0..self.members {
            let (member, number) = (MemberId(index), self.first + index);
            if !self.sessions.observer().goes(member) {
                continue;
            }
            if phase.is_multiple_of(2) {
                self.sessions.leave(member, RoomIndex(0));
            } else if let Some(room) = RoomName::new(self.cast.room_of(number)) {
                self.sessions.join(member, room, JOIN);
            }
        }
    }
}

/// One member.
struct Seat {
    /// It comes and goes; the others stay and watch.
    goes: bool,
    /// Members of its room while all are there, and while half of them are gone.
    all: u32,
    half: u32,
    /// What it was told last.
    count: u32,
    /// It was told the truth since the last change.
    knows: bool,
    ready: bool,
}

impl Seat {
    fn new(args: &PresenceStormArgs, member: u32) -> Self {
        let (rooms, room) = (args.session.rooms, member % args.session.rooms);
        // Every other one of a room goes.
        let all = args.members / rooms + u32::from(room < args.members % rooms);
        let goes = (member / rooms) % 2 == 1;
        Self { goes, all, half: all.div_ceil(2), count: 0, knows: false, ready: false }
    }
}

/// What a thread's members are told.
struct Watchers {
    tally: Tally,
    board: Arc<Board>,
    pulse: Pulse,
    schedule: Option<Schedule>,
    seats: Vec<Seat>,
    /// Half of the members are gone, since when; none before the first time.
    change: Option<(bool, Nanos)>,
    turned: u64,
}

impl Watchers {
    fn new(board: Arc<Board>, seats: Vec<Seat>) -> Self {
        let pulse = Pulse::new(board.clone());
        Self { tally: Tally::default(), board, pulse, schedule: None, seats, change: None, turned: 0 }
    }

    fn begin(&mut self, schedule: &Schedule) {
        self.schedule = Some(*schedule);
        self.pulse.begin(schedule, self.tally.counts(self.turned));
    }

    fn show(&mut self, now: Nanos) {
        self.pulse.tell(now, self.tally.counts(self.turned));
    }

    fn finish(&mut self) -> Tally {
        self.pulse.finish(self.tally.counts(self.turned));
        std::mem::take(&mut self.tally)
    }

    fn goes(&self, member: MemberId) -> bool {
        self.seats.get(member.0 as usize).is_some_and(|seat| seat.goes)
    }

    /// A phase is over: whoever stays must have been told how it ended. The next one begins.
    fn judge(&mut self, phase: u32, began: Nanos, last: bool) {
        let gone = self.change.map(|(gone, _)| gone);
        for (index, seat) in (0..).zip(&mut self.seats).filter(|(_, seat)| !seat.goes) {
            if let Some(gone) = gone.filter(|_| !seat.knows) {
                let truth = if gone { seat.half } else { seat.all };
                self.tally.broken += 1;
                let text = || {
                    format!(
                        "was told of {} members in the end of phase {phase}, but {truth} are there",
                        seat.count
                    )
                };
                self.tally.witness(|| format!("member {index}"), text);
            }
            seat.knows = false;
        }
        if last {
            self.change = None;
        } else {
            self.change = Some((phase.is_multiple_of(2), began));
            self.turned += self.seats.iter().filter(|seat| seat.goes).count() as u64;
        }
    }

    fn told(&mut self, now: Nanos, member: MemberId, count: u32) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        seat.count = count;
        let Some((gone, since)) = self.change.filter(|_| !seat.goes && !seat.knows) else { return };
        if count == if gone { seat.half } else { seat.all } {
            seat.knows = true;
            let latency = now.since(since);
            self.tally.latency.record(latency);
            self.pulse.latency(latency);
        }
    }

    fn joined(&mut self, now: Nanos, member: MemberId, count: u32) {
        let Some(seat) = self.seats.get_mut(member.0 as usize) else { return };
        seat.count = count;
        if !std::mem::replace(&mut seat.ready, true) {
            self.board.ready.fetch_add(1, Relaxed);
        } else if let Some((_, since)) = self.change.filter(|_| seat.goes) {
            self.tally.caught_up.record(now.since(since));
        }
    }
}

impl Observer for Watchers {
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>) {
        let who = || format!("member {}", member.0);
        match seen {
            Seen::Opened { took, .. } => self.tally.opened(took, true, &self.board),
            Seen::Joined { count, .. } => self.joined(now, member, count),
            Seen::Presence { count } => {
                self.tally.deliveries_in_all += 1;
                self.tally.deliveries +=
                    u64::from(self.schedule.is_some_and(|schedule| schedule.measures(now)));
                self.told(now, member, count);
            }
            Seen::Refused(request, error) => {
                self.tally.error(error.code.name());
                if matches!(request, Request::Hello | Request::Join(_)) {
                    self.board.ended.fetch_add(1, Relaxed);
                    self.tally.witness(who, || format!("{} ({})", error.message, error.code.name()));
                }
            }
            Seen::Faulted(error) => self.tally.error(error.code.name()),
            Seen::Violation(breach) => self.tally.fault(who, breach.fault),
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(who, || text.to_owned());
            }
            Seen::Ended(ending, _) => {
                if self.tally.ended(ending) {
                    self.board.ended.fetch_add(1, Relaxed);
                }
            }
            Seen::Gap { missed } => self.tally.told_gaps += missed,
            Seen::Reset { .. } => self.tally.resets += 1,
            Seen::Welcomed { .. } | Seen::Left | Seen::Message(_) | Seen::Published(_) | Seen::Unsent => {}
        }
    }
}
