//! `slow-reader`: how old is the state that a reader on a slow line sees on the latest lane?
//!
//! The line is made here: a small receive buffer, of TCP or UDP, and as many bytes taken from it as the line would have
//! carried. Age is counted from the intended publishing to the moment at which the line delivered the value's last byte.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::JoinOptions;

use super::RunFault;
use super::crowd::{Cast, Crowd};
use super::fanout::describe;
use super::run::{Course, Load, Setup, Work};
use crate::args::{PublishArgs, SlowReaderArgs};
use crate::body::Stamp;
use crate::engine::{MemberId, Nanos, Observer, Pace, Schedule, Seen, Sessions};
use crate::report::{Summary, Tally};

/// Bytes that the line carries at once at most: a burst after a late look would not be a slow line.
const LINE_BURST: Duration = Duration::from_millis(20);

impl Load for SlowReaderArgs {
    fn clients(&self) -> u32 {
        self.publish.publishers + 1
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        setup.want_one_process("slow-reader")?;
        if setup.threads() > 1 {
            return Err(RunFault::Asked("slow-reader has one thread and one transport".to_owned()));
        }
        let cast = Cast::new(&self.session, 0, setup)?;
        let plan = self.clone();
        Ok(Arc::new(move |setup, thread| {
            let mut reader = SlowReader::join(setup, &cast, &plan)?;
            let crowd = Crowd::new(setup, thread, &cast, &plan.publish, Duration::ZERO)?;
            let mut outcome = Ok(());
            let mut tally = crowd.run(|_, now, schedule| {
                outcome = outcome
                    .as_ref()
                    .map_err(|fault: &io::Error| io::Error::from(fault.kind()))
                    .and_then(|()| reader.look(now, schedule));
            })?;
            outcome?;
            reader.leave(&mut tally)?;
            Ok(tally)
        }))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        setup.describe(summary);
        describe(summary, &self.session, &self.publish, 1);
        let seconds = course.measured.over.as_secs_f64().max(1e-9);
        let whole = seconds + self.common.warmup.as_secs_f64();
        summary.count("reader_kbit", self.reader_kbit.into());
        summary.count("rcvbuf", self.rcvbuf as u64);
        summary.number("offered_kbit", offered_kbit(&self.publish));
        summary.number("received_kbit", tally.received_bytes as f64 * 8.0 / 1e3 / whole);
        summary.count("connections", tally.connections);
        summary.number("deliveries_per_s", tally.deliveries as f64 / seconds);
        summary.number("publishes_per_s", tally.publishes as f64 / seconds);
        summary.count("overtaken", tally.overtaken);
        summary.latency("", &tally.latency);
        summary.latency("state_age_", &tally.value_age);
        summary.promises(tally);
        summary.server(&course.measured, tally.deliveries);
        summary.client(tally, &course.measured, self.common.spin, false);
        if course.ready && tally.deliveries == 0 {
            summary.fail("nothing was delivered".to_owned());
        } else if tally.latency.max_us() > self.age_max.as_secs_f64() * 1e6 {
            let (worst, bound) = (tally.latency.max_us() / 1e3, self.age_max.as_millis());
            summary.fail(format!("the reader saw a value {worst:.0} ms old, the bound is {bound} ms"));
        }
    }
}

/// Body bytes alone: the line must be slower than this to show anything.
fn offered_kbit(publish: &PublishArgs) -> f64 {
    f64::from(publish.publishers) * publish.rate * publish.body as f64 * 8.0 / 1e3
}

/// One subscriber whose socket is read as fast as its line.
struct SlowReader {
    sessions: Sessions<Ages>,
    bytes_per_s: f64,
    credit: f64,
    carried_bytes: u64,
    looked: Nanos,
    throttled: bool,
}

impl SlowReader {
    /// Connects and joins at full speed.
    fn join(setup: &Setup, cast: &Cast, args: &SlowReaderArgs) -> io::Result<Self> {
        let mut target = (**setup.target(0)).clone();
        target.receive_buffer_bytes = Some(args.rcvbuf);
        let pace = Pace { rate: 0, concurrency: 1 };
        let mut sessions = Sessions::new(Arc::new(target), pace, 0, Ages::default())?;
        let member = sessions.add(cast.format_of(0, setup.target(0)), &cast.identity(u32::MAX));
        if let Some(room) = RoomName::new(cast.room_of(0)) {
            sessions.join(member, room, JoinOptions::default());
        }
        while !setup.stop.load(Relaxed) && !sessions.observer().joined {
            sessions.turn(Duration::from_millis(5))?;
        }
        setup.board.connected.fetch_add(1, Relaxed);
        setup.board.ready.fetch_add(1, Relaxed);
        let bytes_per_s = f64::from(args.reader_kbit) * 1_000.0 / 8.0;
        let looked = Nanos::now();
        Ok(Self { sessions, bytes_per_s, credit: 0.0, carried_bytes: 0, looked, throttled: false })
    }

    /// Goes, and tells what it saw.
    fn leave(mut self, tally: &mut Tally) -> io::Result<()> {
        let lost = self.sessions.lost();
        tally.received_bytes = self.carried_bytes;
        tally.overtaken += lost.overtaken;
        tally.add(&self.sessions.observer().tally);
        self.sessions.read_from(MemberId(0), true);
        self.sessions.end(MemberId(0));
        self.sessions.finish()
    }

    /// Takes what the line has carried since the last look.
    fn look(&mut self, now: Nanos, schedule: &Schedule) -> io::Result<()> {
        let reader = MemberId(0);
        if !self.throttled {
            self.throttled = true;
            self.sessions.read_from(reader, false);
        }
        self.sessions.observer().schedule = Some(*schedule);
        let past = now.since(self.looked).min(LINE_BURST);
        self.looked = now;
        self.credit += past.as_secs_f64() * self.bytes_per_s;
        let bytes = self.credit as usize;
        if bytes > 0 {
            let carried = self.sessions.read_some(reader, bytes);
            self.carried_bytes += carried as u64;
            self.credit -= carried as f64;
            self.credit = self.credit.min(LINE_BURST.as_secs_f64() * self.bytes_per_s);
        }
        self.sessions.turn(Duration::ZERO)?;
        self.sessions.observer().sample(now);
        Ok(())
    }
}

/// How old what the reader sees is: each value when it comes, and between them the newest one held.
#[derive(Default)]
struct Ages {
    tally: Tally,
    schedule: Option<Schedule>,
    joined: bool,
    newest: Nanos,
}

impl Ages {
    fn sample(&mut self, now: Nanos) {
        if self.schedule.is_some_and(|schedule| schedule.measures(now) && self.newest >= schedule.start) {
            self.tally.value_age.record(now.since(self.newest));
        }
    }
}

impl Observer for Ages {
    fn observe(&mut self, now: Nanos, _member: MemberId, seen: Seen<'_>) {
        let who = || "the slow reader".to_owned();
        match seen {
            Seen::Joined { .. } => self.joined = true,
            Seen::Message(arrival) => {
                self.tally.deliveries_in_all += 1;
                let Some(stamp) = Stamp::read(arrival.body) else {
                    self.tally.corrupted += 1;
                    return self
                        .tally
                        .witness(who, || format!("the body of {} is not what was sent", arrival.place));
                };
                self.newest = self.newest.max(stamp.intended);
                if let Some(schedule) = self.schedule.filter(|schedule| schedule.measures(now)) {
                    self.tally.deliveries += 1;
                    if schedule.measures(stamp.intended) {
                        self.tally.latency.record(now.since(stamp.intended));
                    }
                }
            }
            Seen::Opened { .. } => self.tally.connections += 1,
            Seen::Gap { missed } => self.tally.told_gaps += missed,
            Seen::Violation(breach) => self.tally.fault(who, breach.fault),
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(who, || text.to_owned());
            }
            Seen::Refused(_, error) | Seen::Faulted(error) => {
                self.tally.error(error.code.name());
            }
            Seen::Ended(ending, _) => {
                self.tally.disconnects += 1;
                self.tally.ending(ending);
            }
            Seen::Welcomed { .. }
            | Seen::Published(_)
            | Seen::Unsent
            | Seen::Reset { .. }
            | Seen::Left
            | Seen::Presence { .. } => {}
        }
    }
}
