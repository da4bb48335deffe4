//! `slow-reader`: how old is the state that a reader on a slow line sees on the latest lane?
//!
//! The line is made here: a small receive buffer, of TCP or UDP, and as many bytes taken from it as the line would have
//! carried. Age is counted from the intended publishing to the moment at which the line delivered the value's last byte.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::RoomName;
use ringway_protocol::session::client::{Client, JoinOptions};

use super::RunFault;
use super::crowd::{Cast, Crowd, Finals};
use super::fanout::describe;
use super::run::{Schedule, Setup, gather};
use crate::args::{PublishArgs, SlowReaderArgs};
use crate::body::Stamp;
use crate::engine::{MemberId, Nanos, Observer, Pace, Seen, Sessions};
use crate::report::{Progress, Summary, Tally};

/// Bytes that the line carries at once at most: a burst after a late look would not be a slow line.
const LINE_BURST: Duration = Duration::from_millis(20);

pub(super) fn run(args: &SlowReaderArgs) -> Result<Summary, RunFault> {
    let mut common = args.common.clone();
    common.threads = 1;
    let setup = Setup::new(&common, args.publish.publishers + 1, None)?;
    let cast = Cast::new(&args.session, 0, &setup.target)?;
    let mut progress = Progress::new(common.quiet);
    let plan = args.clone();
    let threads = setup.spawn(move |setup, thread| {
        let mut reader = SlowReader::join(setup, &cast, &plan)?;
        let crowd = Crowd::new(setup, thread, &cast, &plan.publish, Duration::ZERO)?;
        let finals = Finals::new(1);
        let mut outcome = Ok(());
        let mut tally = crowd.run(&finals, |_, now, schedule| {
            outcome = outcome
                .as_ref()
                .map_err(|fault: &io::Error| io::Error::from(fault.kind()))
                .and_then(|()| reader.look(now, schedule));
        })?;
        outcome?;
        reader.leave(&mut tally)?;
        Ok(tally)
    })?;
    let wanted = u64::from(args.publish.publishers) + 1;
    let ready = setup.wait_ready(wanted, &threads, &mut progress, "connecting");
    if !ready {
        setup.stop.store(true, Relaxed);
    }
    let measured = setup.measure(&mut progress);
    let tally = gather(threads)?;
    progress.finish();

    let mut summary = Summary::new("slow-reader");
    summary.text("transport", setup.target.transport_name());
    describe(&mut summary, &args.session, &args.publish, 1);
    let seconds = args.common.duration.as_secs_f64();
    let whole = (args.common.warmup + args.common.duration).as_secs_f64();
    summary.count("reader_kbit", args.reader_kbit.into());
    summary.count("rcvbuf", args.rcvbuf as u64);
    summary.number("offered_kbit", offered_kbit(&args.publish));
    summary.number("received_kbit", tally.received_bytes as f64 * 8.0 / 1e3 / whole);
    summary.count("connections", tally.connections);
    summary.number("deliveries_per_s", tally.deliveries as f64 / seconds);
    summary.number("publishes_per_s", tally.publishes as f64 / seconds);
    summary.count("overtaken", tally.overtaken);
    summary.latency(["p50_us", "p90_us", "p99_us", "p999_us", "max_us"], &tally.latency);
    summary.latency(
        ["state_age_p50_us", "state_age_p90_us", "state_age_p99_us", "state_age_p999_us", "state_age_max_us"],
        &tally.caught_up,
    );
    summary.promises(&tally);
    summary.server(measured.before, measured.after, measured.over, tally.deliveries);
    summary.client(&tally, measured.over, args.common.spin);
    if !ready {
        summary.fail("the reader or a publisher could not connect".to_owned());
    } else if tally.deliveries == 0 {
        summary.fail("nothing was delivered".to_owned());
    } else if tally.latency.max_us() > args.age_max.as_secs_f64() * 1e6 {
        let (worst, bound) = (tally.latency.max_us() / 1e3, args.age_max.as_millis());
        summary.fail(format!("the reader saw a value {worst:.0} ms old, the bound is {bound} ms"));
    }
    Ok(summary)
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
        let mut target = (*setup.target).clone();
        target.receive_buffer_bytes = Some(args.rcvbuf);
        let pace = Pace { rate: 0, concurrency: 1 };
        let mut sessions = Sessions::new(Arc::new(target), pace, 0, Ages::default())?;
        let member = sessions.add(cast.format_of(0), &cast.identity(u32::MAX));
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
            self.tally.caught_up.record(now.since(self.newest));
        }
    }
}

impl Observer for Ages {
    fn observe(&mut self, now: Nanos, _member: MemberId, _client: &Client, seen: Seen<'_>) {
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
            Seen::Violation(violation) => self.tally.fault(who, &violation.fault),
            Seen::Undecodable(text) => {
                self.tally.broken += 1;
                self.tally.witness(who, || text.to_owned());
            }
            Seen::Refused(_, error) | Seen::Faulted(error) => {
                *self.tally.errors.entry(error.code.name()).or_default() += 1;
            }
            Seen::Ended(ending, _) => {
                self.tally.disconnects += 1;
                self.tally.ending(ending);
            }
            Seen::Welcomed { .. } | Seen::Published(_) | Seen::Unsent | Seen::Reset => {}
        }
    }
}
