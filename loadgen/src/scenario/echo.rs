//! `echo`: messages that come back, against a server's `/echo`.
//!
//! Without a rate the loop is closed on purpose: so many messages in flight on each connection, sent again as soon as they
//! are back, as uWebSockets' `load_test` does, so that both can drive the same server. With a rate it is open: messages
//! go out when they are due, whatever came back. Each message carries a number; what comes back must be that message,
//! whole and in its turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_protocol::websocket::{Item, Opcode};

use super::RunFault;
use super::run::{Course, CpuMeter, Load, Schedule, Setup, Work};
use crate::args::{Common, EchoArgs};
use crate::engine::{Ending, Fleet, Handler, LinkId, Nanos, Out};
use crate::report::{Pulse, Summary, Tally};

/// Digits of the number at the front of each message.
const NUMBER_BYTES: usize = 8;
/// Longest sleep of a thread: stop flags and schedules are seen after it.
const SLEEP_MAX: Duration = Duration::from_millis(5);
/// Messages due are not sent on a connection that owes so many.
const OWED_MAX: usize = 65_536;

impl Load for EchoArgs {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn clients(&self) -> u32 {
        self.connections
    }

    fn path(&self) -> Option<&'static str> {
        if self.common.url.contains("/echo") { None } else { Some("/echo") }
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        setup.want_websocket("echo")?;
        let args = self.clone();
        Ok(Arc::new(move |setup, thread| {
            let (first, count) = setup.share(args.connections, thread);
            Echo::new(&args, setup, count).run(setup, thread, first, count)
        }))
    }

    fn summarize(&self, summary: &mut Summary, _setup: &Setup, course: &Course, tally: &Tally) {
        let seconds = course.measured.over.as_secs_f64().max(1e-9);
        summary.count("connections", tally.connections);
        summary.count("size", self.size.into());
        if self.rate > 0.0 {
            summary.number("rate", self.rate);
            summary.number("sent_per_s", tally.publishes as f64 / seconds);
        } else {
            summary.count("in_flight", self.in_flight.into());
        }
        summary.number("messages_per_s", tally.deliveries as f64 / seconds);
        summary.number("duration_s", seconds);
        summary.latency("", &tally.latency);
        summary.promises(tally);
        summary.server(&course.measured, tally.deliveries);
        summary.client(tally, &course.measured, self.common.spin, self.rate <= 0.0);
        if course.ready && tally.deliveries == 0 {
            summary.fail("nothing came back".to_owned());
        }
    }
}

/// One thread's connections.
struct Echo {
    opcode: Opcode,
    /// The next message: its number is written into the front.
    message: Vec<u8>,
    links: Vec<Flight>,
    in_flight: u32,
    /// Between two messages of this thread; none: the loop is closed.
    every: Option<Duration>,
    /// When the next message is due, and on which connection.
    due: Option<(Nanos, u32)>,
    schedule: Option<Schedule>,
    opening: u32,
    sent: u64,
    tally: Tally,
    pulse: Pulse,
}

/// Messages of a connection that are not back yet.
#[derive(Clone, Default)]
struct Flight {
    number: u64,
    owed: VecDeque<(u64, Nanos)>,
}

impl Echo {
    fn new(args: &EchoArgs, setup: &Setup, count: u32) -> Self {
        let opcode = if args.text { Opcode::Text } else { Opcode::Binary };
        let share = args.rate * f64::from(count) / f64::from(args.connections);
        Self {
            opcode,
            message: (0..args.size).map(|index| b'a' + (index % 26) as u8).collect(),
            links: Vec::new(),
            in_flight: args.in_flight,
            every: (share > 0.0).then(|| Duration::from_secs_f64(1.0 / share)),
            due: None,
            schedule: None,
            opening: 0,
            sent: 0,
            tally: Tally::default(),
            pulse: Pulse::new(setup.board.clone()),
        }
    }

    fn run(mut self, setup: &Setup, thread: u16, first: u32, count: u32) -> std::io::Result<Tally> {
        let mut fleet = Fleet::new(first)?;
        let mut cpu = CpuMeter::default();
        let mut opened = 0;
        while !setup.stop.load(Relaxed) {
            while opened < count && self.opening < setup.common.connect_concurrency {
                fleet.open(setup.target(thread), &[])?;
                (opened, self.opening) = (opened + 1, self.opening + 1);
            }
            let before = (self.tally.connections, self.tally.disconnects + self.tally.connect_failures);
            let pause = if setup.common.spin { Duration::ZERO } else { self.pause() };
            fleet.poll(Some(pause), &mut self)?;
            setup.board.connected.fetch_add(self.tally.connections - before.0, Relaxed);
            setup.board.ready.fetch_add(self.tally.connections - before.0, Relaxed);
            let ended = self.tally.disconnects + self.tally.connect_failures;
            setup.board.ended.fetch_add(ended - before.1, Relaxed);
            let now = Nanos::now();
            self.pulse.tell(now, self.tally.counts(self.sent));
            let Some(schedule) = setup.schedule.get() else { continue };
            if now >= schedule.start {
                self.begin(schedule, &mut fleet);
                self.send_due(schedule, &mut fleet);
            }
            cpu.tick(now, schedule, &mut self.tally);
            if now >= schedule.end {
                break;
            }
        }
        cpu.stop(Nanos::now(), &mut self.tally);
        self.pulse.finish(self.tally.counts(self.sent));
        self.tally.received_bytes = fleet.received_bytes();
        Ok(self.tally)
    }

    /// Until the next message is due.
    fn pause(&self) -> Duration {
        self.due.map_or(SLEEP_MAX, |(due, _)| due.since(Nanos::now()).min(SLEEP_MAX))
    }

    /// The load begins: once.
    fn begin(&mut self, schedule: &Schedule, fleet: &mut Fleet) {
        if self.schedule.replace(*schedule).is_some() {
            return;
        }
        self.pulse.begin(schedule, self.tally.counts(self.sent));
        if self.every.is_some() {
            self.due = Some((schedule.start, 0));
            return;
        }
        for link in (0..self.links.len() as u32).map(LinkId) {
            let now = Nanos::now();
            if let Some(out) = fleet.out(link) {
                for _ in 0..self.in_flight {
                    self.send(now, link, out);
                }
                fleet.flush(link, self);
            }
        }
    }

    /// Sends whatever is due, on one connection after the other. What comes late keeps its intended time.
    fn send_due(&mut self, schedule: &Schedule, fleet: &mut Fleet) {
        let Some(every) = self.every else { return };
        while let Some((intended, link)) = self.due {
            if intended > Nanos::now() || intended >= schedule.end {
                return;
            }
            self.due = Some((intended + every, (link + 1) % (self.links.len() as u32).max(1)));
            let owes = self.links.get(link as usize).map_or(usize::MAX, |flight| flight.owed.len());
            let id = LinkId(link);
            let sent = match fleet.out(id).filter(|_| owes < OWED_MAX) {
                Some(out) => {
                    self.send(intended, id, out);
                    fleet.flush(id, self);
                    true
                }
                None => false,
            };
            if schedule.measures(intended) {
                self.tally.publishes += u64::from(sent);
                self.tally.unsent += u64::from(!sent);
                self.tally.send_lag.record(Nanos::now().since(intended));
            }
        }
    }

    fn send(&mut self, since: Nanos, link: LinkId, out: &mut Out) {
        let Some(flight) = self.links.get_mut(link.0 as usize) else { return };
        flight.number += 1;
        flight.owed.push_back((flight.number, since));
        self.sent += 1;
        stamp(&mut self.message, flight.number);
        out.message(self.opcode, &self.message);
    }
}

/// Writes a number as text, so that the message is valid in either kind.
fn stamp(message: &mut [u8], number: u64) {
    let mut rest = number;
    for byte in message.iter_mut().take(NUMBER_BYTES).rev() {
        *byte = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

impl Handler for Echo {
    fn handle_open(&mut self, _now: Nanos, link: LinkId, took: Duration, _out: &mut Out) {
        let index = link.0 as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, Flight::default());
        }
        self.opening -= 1;
        self.tally.connections += 1;
        self.tally.handshake.record(took);
    }

    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out) {
        let received = match item {
            Item::Text(text) => text.as_bytes(),
            Item::Binary(bytes) => bytes,
            _ => return,
        };
        let owed = self.links.get_mut(link.0 as usize).and_then(|flight| flight.owed.pop_front());
        let (number, since) = owed.unwrap_or_default();
        stamp(&mut self.message, number);
        if owed.is_none() || received != self.message {
            self.tally.corrupted += 1;
            self.tally.witness(
                || format!("connection {}", link.0),
                || {
                    let (ours, theirs) = (self.message.len(), received.len());
                    match owed {
                        Some(_) => {
                            format!("message {number} of {ours} bytes came back as another of {theirs}")
                        }
                        None => format!("a message of {theirs} bytes came that was never sent"),
                    }
                },
            );
        }
        self.tally.deliveries_in_all += 1;
        if let Some(schedule) = self.schedule.filter(|schedule| schedule.measures(now)) {
            self.tally.deliveries += 1;
            if owed.is_some() && since >= schedule.measure {
                let latency = now.since(since);
                self.tally.latency.record(latency);
                self.pulse.latency(latency);
            }
        }
        if self.every.is_none() {
            self.send(now, link, out);
        }
    }

    fn handle_end(&mut self, _now: Nanos, link: LinkId, ending: &Ending) {
        match ending {
            Ending::NotOpened(_) => {
                self.opening -= 1;
                self.tally.connect_failures += 1;
            }
            Ending::Ended => return,
            _ => self.tally.disconnects += 1,
        }
        self.tally.ending(ending);
        self.tally.witness(|| format!("connection {}", link.0), || format!("{ending:?}"));
    }
}
